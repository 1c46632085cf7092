/* Keys through the seventeen functions, over a real file vault: found, exported, used, made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ekm/algorithms.h"
#include "support/ekm_engine.h"

#define SECRET "thirty-two bytes, yours random.."

static struct engine engine;

static int begin(void **state)
{
    (void)state;
    engine_begin(&engine, NULL);
    engine_make_key(&engine, "app", 2048);
    return 0;
}

static int end(void **state)
{
    (void)state;
    engine_end(&engine);
    return 0;
}

static void assert_round_trip(SqlCpSession writer, SqlCpSession reader,
                              const struct engine_key *key)
{
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    assert_int_equal(engine_encrypt(writer, key, SECRET, 32, wrapped, &wrapped_len), 0);
    assert_int_equal(engine_decrypt(reader, key, wrapped, wrapped_len, value, &len), 0);
    assert_int_equal(len, 32);
    assert_memory_equal(value, SECRET, 32);
}

static void key_is_opened_exported_and_used(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key;

    (void)state;
    assert_int_equal(engine_key_by_name(session, "app", &key), 0);
    assert_int_equal(key.thumb_len, 20);
    assert_int_equal(key.alg, EKM_ALG_RSA_2048);
    assert_string_equal(key.name, "app");
    assert_int_equal(engine_export(session, &key), 0);
    assert_int_equal(key.blob_len, 283);
    assert_memory_equal(key.blob, "RSA1", 4);
    assert_round_trip(session, session, &key);
    engine_close(session);
}

/* As after a restart: a new session and a thumbprint, nothing else. */
static void key_is_found_again_by_its_thumbprint(void **state)
{
    SqlCpSession session = engine_session(&engine);
    SqlCpSession other;
    struct engine_key key;

    (void)state;
    assert_int_equal(engine_key_by_name(session, "app", &key), 0);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    other = engine_session(&engine);
    assert_int_equal(engine_key_by_thumb(other, &key), 0);
    assert_string_equal(key.name, "app");
    assert_round_trip(other, other, &key);
    assert_int_equal(SqlCryptCloseSession(&session, 0), scp_err_InvalidArgument);
    engine_close(other);
}

/* What was pinned stays pinned: the old thumbprint goes to the old version, the name to the new. */
static void rotation_makes_another_key_and_leaves_the_old(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key old;
    struct engine_key new;
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    (void)state;
    assert_int_equal(engine_key_by_name(session, "app", &old), 0);
    assert_int_equal(engine_encrypt(session, &old, SECRET, 32, wrapped, &wrapped_len), 0);
    engine_close(session);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    engine_rotate_key(&engine, "app");
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "app", &new), 0);
    assert_memory_not_equal(old.thumb, new.thumb, 20);
    assert_int_equal(engine_decrypt(session, &old, wrapped, wrapped_len, value, &len), 0);
    assert_memory_equal(value, SECRET, 32);
    len = sizeof value;
    assert_int_not_equal(engine_decrypt(session, &new, wrapped, wrapped_len, value, &len), 0);
    assert_round_trip(session, session, &new);
    engine_close(session);
}

static void missing_key_is_3112_and_the_line_says_so(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key;
    char event[4096];

    (void)state;
    assert_int_equal(engine_key_by_name(session, "nobody", &key), 3112);
    engine_last_event(&engine, event);
    assert_non_null(strstr(event, "call=GetKeyInfoByName"));
    assert_non_null(strstr(event, "number=3112"));
    assert_non_null(strstr(event, "key=nobody"));
    assert_non_null(strstr(event, engine.dir));
    engine_close(session);
}

static void unknown_thumbprint_is_not_found(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key = {.thumb_len = 20};

    (void)state;
    memset(key.thumb, 0xee, 20);
    assert_int_equal(engine_key_by_thumb(session, &key), scp_err_NotFound);
    engine_close(session);
}

/* ---- Creating and dropping ---- */

static SqlCpError create(SqlCpSession session, const char *name, SqlCpAlgId alg,
                         SqlCpKeyFlags flags, struct engine_key *key)
{
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr str = engine_str(name, units);
    SqlCpKeyThumbprint thumb = {sizeof key->thumb, key->thumb};
    SqlCpError st = SqlCryptCreateKey(&session, &str, alg, flags, &thumb);

    key->thumb_len = thumb.cb;
    return st;
}

static void created_key_can_be_used_and_not_created_again(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key = {0};
    struct engine_key again = {0};

    (void)state;
    assert_int_equal(create(session, "fresh", EKM_ALG_RSA_2048, 0, &key), 0);
    assert_int_equal(key.thumb_len, 20);
    assert_round_trip(session, session, &key);
    assert_int_equal(create(session, "fresh", EKM_ALG_RSA_2048, 0, &again), 3110);
    engine_close(session);
}

static void create_without_room_makes_nothing(void **state)
{
    SqlCpSession session = engine_session(&engine);
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr str = engine_str("roomless", units);
    uint8_t small[19];
    SqlCpKeyThumbprint thumb = {0, NULL};
    struct engine_key key;

    (void)state;
    assert_int_equal(SqlCryptCreateKey(&session, &str, 1, 0, &thumb), scp_err_InsufficientBuffer);
    assert_int_equal(thumb.cb, 20);
    thumb = (SqlCpKeyThumbprint){sizeof small, small};
    assert_int_equal(SqlCryptCreateKey(&session, &str, 1, 0, &thumb), scp_err_InsufficientBuffer);
    assert_int_equal(engine_key_by_name(session, "roomless", &key), 3112);
    engine_close(session);
}

static void create_refuses_what_it_cannot_make(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key = {0};

    (void)state;
    assert_int_equal(create(session, "x", EKM_ALG_RSA_3072, 0, &key), scp_err_NotSupported);
    assert_int_equal(create(session, "x", EKM_ALG_RSA_2048, scp_kf_Volatile, &key),
                     scp_err_NotSupported);
    assert_int_equal(create(session, "x", 99, 0, &key), scp_err_InvalidArgument);
    assert_int_equal(create(session, "x/1", EKM_ALG_RSA_2048, 0, &key), scp_err_InvalidArgument);
    assert_int_equal(create(session, "", EKM_ALG_RSA_2048, 0, &key), scp_err_InvalidArgument);
    assert_int_equal(create(session, "no_underscore", EKM_ALG_RSA_2048, 0, &key), 3110);
    engine_close(session);
}

static SqlCpError drop(SqlCpSession session, struct engine_key *key)
{
    SqlCpKeyThumbprint thumb = {key->thumb_len, key->thumb};

    return SqlCryptDropKey(&session, &thumb);
}

static void drop_is_refused_by_default(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key;

    (void)state;
    assert_int_equal(engine_key_by_name(session, "app", &key), 0);
    assert_int_equal(drop(session, &key), scp_err_NotSupported);
    assert_int_equal(engine_key_by_name(session, "app", &key), 0);
    engine_close(session);
}

static void drop_takes_a_key_of_one_version_only(void **state)
{
    SqlCpSession session;
    struct engine_key key;

    (void)state;
    engine_begin(&engine, ", \"drop_keys\": true");
    engine_make_key(&engine, "one", 2048);
    engine_make_key(&engine, "two", 2048);
    engine_rotate_key(&engine, "two");
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "two", &key), 0);
    assert_int_equal(drop(session, &key), 3110);
    assert_int_equal(engine_key_by_name(session, "one", &key), 0);
    assert_int_equal(drop(session, &key), 0);
    assert_int_equal(engine_key_by_name(session, "one", &key), 3112);
    engine_close(session);
    engine_end(&engine);
}

static void create_can_be_switched_off(void **state)
{
    SqlCpSession session;
    struct engine_key key = {0};

    (void)state;
    engine_begin(&engine, ", \"create_keys\": false");
    engine_make_key(&engine, "app", 2048);
    session = engine_session(&engine);
    assert_int_equal(create(session, "x", EKM_ALG_RSA_2048, 0, &key), scp_err_NotSupported);
    engine_close(session);
    engine_end(&engine);
}

/* ---- Listing ---- */

static SqlCpError info_by_id(SqlCpSession session, SqlCpKeyId id, struct engine_key *ret)
{
    uint16_t answer[256];
    SqlCpKeyInfo info = {.name = {sizeof answer, answer}, .thumb = {32, ret->thumb}};
    SqlCpError st = SqlCryptGetKeyInfoByKeyId(&session, id, &info);

    if (st == 0) {
        ret->thumb_len = info.thumb.cb;
        ret->name[0] = (char)info.name.ws[0];
    }
    return st;
}

static void keys_are_listed_from_one(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key listed;
    struct engine_key named;
    SqlCpKeyId id = 0;
    int n = 0;

    (void)state;
    while (SqlCryptGetNextKeyId(&session, &id) == 0) {
        assert_int_equal(info_by_id(session, id, &listed), 0);
        n++;
    }
    assert_int_equal(n, 1);
    assert_int_equal(engine_key_by_name(session, "app", &named), 0);
    assert_memory_equal(named.thumb, listed.thumb, 20);
    assert_int_equal(info_by_id(session, 0, &listed), scp_err_NotFound);
    assert_int_equal(info_by_id(session, id + 1, &listed), scp_err_NotFound);
    assert_int_equal(SqlCryptGetNextKeyId(&session, &id), scp_err_NotFound);
    engine_close(session);
}

/* ---- Sizes ---- */

static void key_of_3072_bits_is_reported_as_2048(void **state)
{
    SqlCpSession session;
    struct engine_key key;

    (void)state;
    engine_begin(&engine, NULL);
    engine_make_key(&engine, "big", 3072);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "big", &key), 0);
    assert_int_equal(key.alg, EKM_ALG_RSA_2048);
    assert_int_equal(engine_export(session, &key), 0);
    assert_int_equal(key.blob_len, 24 + 3 + 384);
    assert_round_trip(session, session, &key);
    engine_close(session);
    engine_end(&engine);
}

/* Reported once as RSA_3072, it stays RSA_3072 whatever the setting says later: 33087. */
static void key_keeps_the_algorithm_first_reported(void **state)
{
    SqlCpSession session;
    struct engine_key key;
    char *flag;

    (void)state;
    engine_begin(&engine, ", \"report_3072_as_2048\": false");
    engine_make_key(&engine, "big", 3072);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "big", &key), 0);
    assert_int_equal(key.alg, EKM_ALG_RSA_3072);
    engine_close(session);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    flag = strstr(engine.config, "2048\": false");
    assert_non_null(flag);
    memcpy(flag, "2048\": true ", strlen("2048\": true "));
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_thumb(session, &key), 0);
    assert_int_equal(key.alg, EKM_ALG_RSA_3072);
    engine_close(session);
    engine_end(&engine);
}

/* ---- Algorithms of others ---- */

/* Same length, so that the text around it stays where it is. */
static void change_config(const char *old, const char *new)
{
    char *at = strstr(engine.config, old);

    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
}

static void forget_map(void)
{
    char path[TEMP_DIR_LEN + 16];

    (void)snprintf(path, sizeof path, "%s/map.json", engine.dir);
    assert_int_equal(remove(path), 0);
}

static void restart(void)
{
    assert_int_equal(SqlCryptFreeProvider(), 0);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
}

/* Wraps with RSA-OAEP, as another provider might have. */
static void wrap_by_oaep(struct engine_key *key, uint8_t wrapped[512], uint32_t *len)
{
    SqlCpSession session;

    engine_begin(&engine, ", \"wrap_algorithm\": \"RSA-OAEP\"    , \"decrypt_algorithms\": "
                          "[\"RSA-OAEP-256\"            ]");
    engine_make_key(&engine, "app", 2048);
    session = engine_session(&engine);
    *len = 512;
    assert_int_equal(engine_key_by_name(session, "app", key), 0);
    assert_int_equal(engine_encrypt(session, key, SECRET, 32, wrapped, len), 0);
    assert_round_trip(session, session, key); /* what we wrap with ourselves is always tried */
    engine_close(session);
    change_config("\"RSA-OAEP\"    ", "\"RSA-OAEP-256\"");
}

static void data_of_another_algorithm_needs_it_listed(void **state)
{
    struct engine_key key;
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len;
    uint32_t len = sizeof value;
    SqlCpSession session;

    (void)state;
    wrap_by_oaep(&key, wrapped, &wrapped_len);
    forget_map(); /* which remembers what the data needs */
    restart();
    session = engine_session(&engine);
    assert_int_not_equal(engine_decrypt(session, &key, wrapped, wrapped_len, value, &len), 0);
    engine_close(session);
    change_config("\"RSA-OAEP-256\"            ]", "\"RSA-OAEP-256\", \"RSA-OAEP\"]");
    restart();
    session = engine_session(&engine);
    len = sizeof value;
    assert_int_equal(engine_decrypt(session, &key, wrapped, wrapped_len, value, &len), 0);
    assert_memory_equal(value, SECRET, 32);
    engine_close(session);
    engine_end(&engine);
}

/* A vault that finds something in anything: under RSA1_5 only what could be a key is taken. */
static kp_status answer_rsa1_5_alone(struct script_op *op)
{
    static const struct script_act no = {.status = KP_INTEGRITY, .exposure = KP_ANSWERED_REFUSED};
    const struct kp_request *request = script_op_request(op);

    if (request->op == KP_OP_UNWRAP && request->alg != KP_ALG_RSA1_5)
        return script_finish_with(op, &no);
    return engine_answer(op);
}

static void rsa1_5_comes_last_and_gives_keys_only(void **state)
{
    struct script_vault *script;
    struct engine_key key;
    uint8_t in[33] = {5};
    uint8_t value[512];
    uint32_t len = sizeof value;
    SqlCpSession session;

    (void)state;
    engine_begin(&engine, ", \"decrypt_algorithms\": [\"RSA1_5\", \"RSA-OAEP-256\"]");
    script = script_vault("s");
    script_usually(script, (struct script_act){.how = SCRIPT_CALL, .call = answer_rsa1_5_alone});
    session = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    assert_int_equal(engine_decrypt(session, &key, in, 33, value, &len), 3001);
    len = sizeof value;
    assert_int_equal(engine_decrypt(session, &key, in, 32, value, &len), 0);
    assert_int_equal(len, 32);
    engine_close(session);
    engine_end(&engine);
}

/* ---- Names ---- */

static void name_thumbprints_have_the_documented_limits(void **state)
{
    SqlCpSession session;
    struct engine_key key;

    (void)state;
    engine_begin(&engine, ", \"thumbprint\": \"name\"");
    engine_make_key(&engine, "key20181029", 2048);
    engine_make_key(&engine, "abcdefghijklmnopqrstuvwxyz", 2048);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "key20181029", &key), 0);
    assert_int_equal(key.thumb_len, 9);
    assert_memory_equal(key.thumb, "\x2c\x56\x77\xd7\x6f\x76\xd7\x7f\x80", 9);
    assert_round_trip(session, session, &key);
    assert_int_equal(engine_key_by_name(session, "abcdefghijklmnopqrstuvwxyz", &key), 0);
    assert_int_equal(key.thumb_len, 20);
    assert_int_equal(engine_key_by_name(session, "abcdefghijklmnopqrstuvwxyz0", &key), 2049);
    assert_int_equal(engine_key_by_name(session, "under_score", &key), 2052);
    engine_close(session);
    engine_end(&engine);
}

static void longer_names_have_the_thumbprint_of_the_key(void **state)
{
    SqlCpSession session;
    struct engine_key key;

    (void)state;
    engine_make_key(&engine, "abcdefghijklmnopqrstuvwxyz0123456789-and-longer", 2048);
    session = engine_session(&engine);
    assert_int_equal(
        engine_key_by_name(session, "abcdefghijklmnopqrstuvwxyz0123456789-and-longer", &key), 0);
    assert_int_equal(key.thumb_len, 20);
    assert_round_trip(session, session, &key);
    engine_close(session);
}

/* Without its map a node finds the version behind a name by trying, and wraps nothing before. */
static void name_without_a_record_is_found_by_trying(void **state)
{
    struct engine_key key;
    uint8_t wrapped[512];
    uint8_t other[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t other_len = sizeof other;
    uint32_t len = sizeof value;
    SqlCpSession session;

    (void)state;
    engine_begin(&engine, ", \"thumbprint\": \"name\"");
    engine_make_key(&engine, "app", 2048);
    session = engine_session(&engine);
    assert_int_equal(engine_key_by_name(session, "app", &key), 0);
    assert_int_equal(engine_encrypt(session, &key, SECRET, 32, wrapped, &wrapped_len), 0);
    engine_close(session);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    engine_rotate_key(&engine, "app");
    forget_map();
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    session = engine_session(&engine);
    assert_int_equal(engine_encrypt(session, &key, SECRET, 32, other, &other_len), 3110);
    assert_int_equal(engine_decrypt(session, &key, wrapped, wrapped_len, value, &len), 0);
    assert_memory_equal(value, SECRET, 32);
    assert_round_trip(session, session, &key);
    engine_close(session);
    engine_end(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_is_opened_exported_and_used, begin, end),
        cmocka_unit_test_setup_teardown(key_is_found_again_by_its_thumbprint, begin, end),
        cmocka_unit_test_setup_teardown(rotation_makes_another_key_and_leaves_the_old, begin, end),
        cmocka_unit_test_setup_teardown(missing_key_is_3112_and_the_line_says_so, begin, end),
        cmocka_unit_test_setup_teardown(unknown_thumbprint_is_not_found, begin, end),
        cmocka_unit_test_setup_teardown(created_key_can_be_used_and_not_created_again, begin, end),
        cmocka_unit_test_setup_teardown(create_without_room_makes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(create_refuses_what_it_cannot_make, begin, end),
        cmocka_unit_test_setup_teardown(drop_is_refused_by_default, begin, end),
        cmocka_unit_test(drop_takes_a_key_of_one_version_only),
        cmocka_unit_test(create_can_be_switched_off),
        cmocka_unit_test_setup_teardown(keys_are_listed_from_one, begin, end),
        cmocka_unit_test(key_of_3072_bits_is_reported_as_2048),
        cmocka_unit_test(key_keeps_the_algorithm_first_reported),
        cmocka_unit_test(data_of_another_algorithm_needs_it_listed),
        cmocka_unit_test(rsa1_5_comes_last_and_gives_keys_only),
        cmocka_unit_test(name_without_a_record_is_found_by_trying),
        cmocka_unit_test(name_thumbprints_have_the_documented_limits),
        cmocka_unit_test_setup_teardown(longer_names_have_the_thumbprint_of_the_key, begin, end),
    };

    return cmocka_run_group_tests_name("ekm_use", tests, NULL, NULL);
}
