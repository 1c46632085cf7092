/*
 * The cryptographic library keeps state for each thread that uses it. The engine's threads never
 * do: whatever one of the seventeen functions is asked for, what OpenSSL takes of memory meanwhile,
 * it takes on threads of ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "support/ekm_engine.h"

#define SECRET "thirty-two bytes, yours random.."

static struct engine engine;

/* ---- What OpenSSL does on a thread that is the engine's ---- */

static _Thread_local bool is_engine; /* inside one of the functions */
static _Atomic uint32_t n_here;
static _Atomic uint32_t n_elsewhere;

static void note(void)
{
    (void)atomic_fetch_add(is_engine ? &n_here : &n_elsewhere, 1);
}

static void *take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    note();
    return malloc(n);
}

static void *retake(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    note();
    return realloc(p, n);
}

static void give(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* On a thread that ends: nothing of OpenSSL's is on the engine's when the watch begins. */
static void make_keys(void *arg)
{
    (void)arg;
    engine_make_key(&engine, "app", 2048);
    engine_make_key(&engine, "old", 2048);
    engine_rotate_key(&engine, "old");
}

static int begin(void **state)
{
    uv_thread_t thread;

    (void)state;
    engine_prepare(&engine, ", \"unwrap_cache_ms\": 60000, \"drop_keys\": true");
    assert_int_equal(uv_thread_create(&thread, make_keys, NULL), 0);
    assert_int_equal(uv_thread_join(&thread), 0);
    engine_answers(script_vault("s"));
    engine_answers(script_vault("contoso.vault.azure.net"));
    atomic_store(&n_here, 0);
    atomic_store(&n_elsewhere, 0);
    is_engine = true;
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    return 0;
}

/* Free is watched, too. */
static int end(void **state)
{
    (void)state;
    engine_end(&engine);
    is_engine = false;
    return atomic_load(&n_here) == 0 ? 0 : -1;
}

static void expect_nothing_here(void)
{
    assert_int_equal(atomic_load(&n_here), 0);
    assert_int_not_equal(atomic_load(&n_elsewhere), 0); /* or nothing was watched */
}

/* ---- What the engine asks for ---- */

static void opening_keeps_it_away(void **state)
{
    (void)state;
    expect_nothing_here();
}

static void sessions_keep_it_away(void **state)
{
    SqlCpSession session = NULL;

    (void)state;
    assert_int_equal(engine_open(&engine, "config:s", "open", &session), 0);
    engine_close(session);
    assert_int_equal(engine_open(&engine, "config:s", "wrong", &session), 3303);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "secret", &session), 0);
    engine_close(session);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "another", &session), 0);
    engine_close(session);
    assert_int_equal(engine_open(&engine, "contoso", "short", &session), 2050);
    expect_nothing_here();
}

static void use(SqlCpSession session, struct engine_key *key)
{
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    assert_int_equal(engine_key_by_name(session, "app", key), 0);
    assert_int_equal(engine_key_by_thumb(session, key), 0);
    assert_int_equal(engine_export(session, key), 0);
    assert_int_equal(engine_encrypt(session, key, SECRET, 32, wrapped, &wrapped_len), 0);
    assert_int_equal(engine_decrypt(session, key, wrapped, wrapped_len, value, &len), 0);
    assert_memory_equal(value, SECRET, 32);
    wrapped[7] ^= 1;
    len = sizeof value;
    assert_int_not_equal(engine_decrypt(session, key, wrapped, wrapped_len, value, &len), 0);
}

static void keys_keep_it_away(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key;

    (void)state;
    use(session, &key);
    assert_int_equal(engine_key_by_name(session, "none", &key), 3112);
    engine_close(session);
    expect_nothing_here();
}

static void enumeration_keeps_it_away(void **state)
{
    SqlCpSession session = engine_session(&engine);
    uint16_t name[256] = {0};
    uint8_t thumb[32] = {0};
    SqlCpKeyId id = x_scp_KeyIdBad;
    uint32_t n = 0;

    (void)state;
    while (SqlCryptGetNextKeyId(&session, &id) == scp_err_Success) {
        SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof thumb, thumb}};

        assert_int_equal(SqlCryptGetKeyInfoByKeyId(&session, id, &info), 0);
        n++;
    }
    assert_true(n >= 2);
    engine_close(session);
    expect_nothing_here();
}

/* A thumbprint that no map knows: the vault is searched, and every key on the way gets one. */
static void searches_keep_it_away(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key = {.thumb = {1, 2, 3}, .thumb_len = 20};

    (void)state;
    assert_int_equal(engine_key_by_thumb(session, &key), scp_err_NotFound);
    engine_close(session);
    expect_nothing_here();
}

static void new_keys_keep_it_away(void **state)
{
    SqlCpSession session = engine_session(&engine);
    uint16_t units[ENGINE_TEXT_MAX];
    SqlCpStr name = engine_str("fresh", units);
    SqlCpKeyThumbprint thumb;
    uint8_t bytes[32];

    (void)state;
    thumb = (SqlCpKeyThumbprint){sizeof bytes, bytes};
    assert_int_equal(SqlCryptCreateKey(&session, &name, 1, 0, &thumb), 0);
    assert_int_equal(SqlCryptDropKey(&session, &thumb), 0);
    engine_close(session);
    expect_nothing_here();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_keeps_it_away), cmocka_unit_test(sessions_keep_it_away),
        cmocka_unit_test(keys_keep_it_away),     cmocka_unit_test(enumeration_keeps_it_away),
        cmocka_unit_test(searches_keep_it_away), cmocka_unit_test(new_keys_keep_it_away),
    };

    if (!CRYPTO_set_mem_functions(take, retake, give))
        return 1;
    return cmocka_run_group_tests_name("ekm_threads", tests, begin, end);
}
