#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "crypto/hash.h"
#include "plugins/file-test/backup.h"
#include "plugins/file-test/settings.h"
#include "support/file_vault.h"

#define KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_BASE64URL "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static const char *const WITH_KEY[][2] = {{"backup_key", KEY_HEX}, {NULL, NULL}};
static const char *const WITH_SAME_KEY[][2] = {{"backup_key", KEY_BASE64URL}, {NULL, NULL}};
static const char *const WITH_OTHER_KEY[][2] = {
    {"backup_key", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {NULL, NULL}};
static const char *const SEALED_WITH_KEY[][2] = {{"passphrase", "correct horse"},
                                                 {"scrypt_log2_n", "10"},
                                                 {"backup_key", KEY_HEX},
                                                 {NULL, NULL}};

static struct file_vault from, to;
static char from_dir[FV_PATH_LEN], to_dir[FV_PATH_LEN];

static int make_dirs(void **state)
{
    (void)state;
    fv_make_temp(from_dir);
    fv_make_temp(to_dir);
    return 0;
}

static int drop_dirs(void **state)
{
    (void)state;
    fv_remove_temp(from_dir);
    fv_remove_temp(to_dir);
    return 0;
}

static void open_both(const char *const (*from_settings)[2], const char *const (*to_settings)[2])
{
    fv_open_ok(&from, from_dir, from_settings);
    fv_open_ok(&to, to_dir, to_settings);
}

static void close_both(void)
{
    fv_close(&from);
    fv_close(&to);
}

static kp_status restore(struct file_vault *fv, kp_span blob, struct fake_result *result)
{
    struct kp_request request = fv_request(KP_OP_RESTORE, NULL, NULL);
    request.value = blob;
    return fv_call(fv, &request, result);
}

static void backup(struct file_vault *fv, const char *name, struct fake_result *result)
{
    if (fv_simple(fv, KP_OP_BACKUP, name, NULL, result) != KP_OK)
        fail_msg("backup: %s", result->error.text);
}

/* ---- There and back ---- */

static void move_key(const char *const (*from_settings)[2], const char *const (*to_settings)[2],
                     uint32_t kty, uint32_t bits, uint32_t alg)
{
    char versions[3][33];
    uint8_t ct[3][512];
    size_t len[3];
    struct fake_result blob, result;
    open_both(from_settings, to_settings);
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            fv_create(&from, "App", kty, bits, 0, NULL);
        else
            fv_must(&from, KP_OP_ROTATE, "App", NULL);
        len[i] = sizeof ct[i];
        fv_wrap(&from, "App", NULL, alg, (uint8_t)i, ct[i], &len[i], versions[i]);
    }
    backup(&from, "App", &blob);
    if (restore(&to, blob.reply.value, &result) != KP_OK)
        fail_msg("restore: %s", result.error.text);
    assert_true(fv_span_is(result.reply.name, "App"));
    assert_true(fv_span_is(result.reply.version, versions[2]));
    fake_result_clear(&result);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++)
            assert_int_equal(fv_unwrap(&to, "App", versions[k], alg, (uint8_t)i, ct[i], len[i]),
                             i == k ? KP_OK : KP_INTEGRITY);
    }
    fv_must(&to, KP_OP_ROTATE, "App", NULL); /* the copy lives on its own */
    fv_must(&from, KP_OP_DELETE, "App", NULL);
    assert_int_equal(fv_unwrap(&to, "App", versions[0], alg, 0, ct[0], len[0]), KP_OK);
    fake_result_clear(&blob);
    close_both();
}

static void restore_into_a_second_vault_opens_everything(void **state)
{
    (void)state;
    move_key(WITH_KEY, WITH_SAME_KEY, KP_KTY_RSA, 2048, KP_ALG_RSA_OAEP_256);
}

static void restore_from_a_sealed_vault_into_one_in_clear(void **state)
{
    (void)state;
    move_key(SEALED_WITH_KEY, WITH_KEY, KP_KTY_OCT, 256, KP_ALG_A256KW);
}

static void restore_from_clear_into_a_sealed_vault(void **state)
{
    (void)state;
    move_key(WITH_KEY, SEALED_WITH_KEY, KP_KTY_OCT, 256, KP_ALG_A256KW);
}

static void restore_keeps_attributes_and_policy(void **state)
{
    struct fake_result blob, result;
    struct kp_tag tag = {fv_span("a"), fv_span("b")};
    struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
    const struct kp_rotation_policy policy = {.struct_size = sizeof policy,
                                              .n_rules = 1,
                                              .rules = {{.action = KP_ROTATION_ROTATE,
                                                         .trigger = KP_TRIGGER_AFTER_CREATE,
                                                         .duration = fv_span("P90D")}}};
    struct kp_request request = fv_request(KP_OP_CREATE, "app", NULL);
    (void)state;
    open_both(WITH_KEY, WITH_KEY);
    params.set = KP_SET_TAGS | KP_SET_ENABLED | KP_SET_EXPIRES;
    params.tags = &tag;
    params.n_tags = 1;
    params.expires_unix_s = 4102444800;
    request.params = &params;
    assert_int_equal(fv_call(&from, &request, &result), KP_OK);
    fake_result_clear(&result);
    request = fv_request(KP_OP_SET_ROTATION_POLICY, "app", NULL);
    request.policy = &policy;
    assert_int_equal(fv_call(&from, &request, &result), KP_OK);
    fake_result_clear(&result);
    backup(&from, "app", &blob);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_OK);
    assert_int_equal(result.reply.key->flags, 0);
    assert_int_equal(result.reply.key->n_tags, 1);
    assert_int_equal(result.reply.key->expires_unix_s, 4102444800);
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&to, KP_OP_GET_ROTATION_POLICY, "app", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.policy->rules[0].duration, "P90D"));
    fake_result_clear(&result);
    fake_result_clear(&blob);
    close_both();
}

/* ---- Refusals ---- */

static void backup_without_a_backup_key_says_so(void **state)
{
    struct fake_result blob, result;
    (void)state;
    open_both(WITH_KEY, NULL);
    fv_create(&from, "app", KP_KTY_OCT, 256, 0, NULL);
    backup(&from, "app", &blob);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_CONFIG);
    assert_non_null(strstr(result.error.text, "backup_key"));
    fake_result_clear(&result);
    fv_create(&to, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_simple(&to, KP_OP_BACKUP, "app", NULL, &result), KP_CONFIG);
    assert_non_null(strstr(result.error.text, "backup_key"));
    fake_result_clear(&result);
    assert_int_equal(fv_status(&from, KP_OP_BACKUP, "none", NULL), KP_NOT_FOUND);
    fake_result_clear(&blob);
    close_both();
}

static void restore_under_another_backup_key_says_so(void **state)
{
    struct fake_result blob, result;
    (void)state;
    open_both(WITH_KEY, WITH_OTHER_KEY);
    fv_create(&from, "app", KP_KTY_OCT, 256, 0, NULL);
    backup(&from, "app", &blob);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_CONFIG);
    assert_non_null(strstr(result.error.text, "another backup key"));
    fake_result_clear(&result);
    fake_result_clear(&blob);
    close_both();
}

static void restore_onto_an_existing_name_is_a_conflict(void **state)
{
    struct fake_result blob, result;
    char version[33], still[33];
    (void)state;
    open_both(WITH_KEY, WITH_KEY);
    fv_create(&from, "app", KP_KTY_OCT, 256, 0, NULL);
    backup(&from, "app", &blob);
    assert_int_equal(restore(&from, blob.reply.value, &result), KP_CONFLICT);
    fake_result_clear(&result);
    fv_create(&to, "app", KP_KTY_OCT, 256, 0, version);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_CONFLICT);
    fake_result_clear(&result);
    fv_must(&to, KP_OP_GET_KEY, "app", still);
    assert_string_equal(version, still);
    fv_must(&to, KP_OP_DELETE, "app", NULL);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_CONFLICT);
    assert_non_null(strstr(result.error.text, "deleted but recoverable"));
    fake_result_clear(&result);
    fv_must(&to, KP_OP_PURGE, "app", NULL);
    assert_int_equal(restore(&to, blob.reply.value, &result), KP_OK);
    fake_result_clear(&result);
    fake_result_clear(&blob);
    close_both();
}

static void restore_any_damaged_byte_is_integrity(void **state)
{
    struct fake_result blob, result;
    (void)state;
    open_both(WITH_KEY, WITH_KEY);
    fv_create(&from, "app", KP_KTY_OCT, 128, 0, NULL);
    backup(&from, "app", &blob);
    uint8_t *copy = malloc(blob.reply.value.len + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < blob.reply.value.len; i++) {
        memcpy(copy, blob.reply.value.ptr, blob.reply.value.len);
        copy[i] ^= 0x20;
        assert_int_equal(restore(&to, kpb_span(copy, blob.reply.value.len), &result), KP_INTEGRITY);
        fake_result_clear(&result);
    }
    for (size_t n = 0; n < blob.reply.value.len; n++) {
        assert_int_equal(restore(&to, kpb_span(blob.reply.value.ptr, n), &result), KP_INTEGRITY);
        fake_result_clear(&result);
    }
    memcpy(copy, blob.reply.value.ptr, blob.reply.value.len);
    copy[blob.reply.value.len] = 0;
    assert_int_equal(restore(&to, kpb_span(copy, blob.reply.value.len + 1), &result), KP_INTEGRITY);
    fake_result_clear(&result);
    assert_int_equal(fv_status(&to, KP_OP_GET_KEY, "app", NULL), KP_NOT_FOUND);
    free(copy);
    fake_result_clear(&blob);
    close_both();
}

/* A checksum anybody can make does not help who has not got the backup key. */
static void restore_forged_body_is_integrity(void **state)
{
    uint8_t key[FT_BACKUP_KEY_LEN], digest[KPC_SHA256_LEN];
    kp_buf blob, text;
    struct kp_error err;
    (void)state;
    memset(key, 1, sizeof key);
    kp_buf_init(&blob, "test", 4096);
    kp_buf_init_secret(&text, "test", 4096);
    assert_int_equal(ft_backup_seal(key, kpb_span_str("{\"format\":1}"), &blob, &err), KP_OK);
    assert_int_equal(ft_backup_open(key, kp_buf_view(&blob), &text, &err), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&text), "{\"format\":1}"));
    /* The salt and every byte of iv, ciphertext and tag, each with a checksum that fits. */
    for (size_t i = 16; i < blob.len - 8; i++) {
        kp_buf_reset(&text);
        blob.ptr[i] ^= 1;
        assert_int_equal(kpc_sha256(kpb_span(blob.ptr, blob.len - 8), digest, &err), KP_OK);
        memcpy(blob.ptr + blob.len - 8, digest, 8);
        assert_int_equal(ft_backup_open(key, kp_buf_view(&blob), &text, &err), KP_INTEGRITY);
        blob.ptr[i] ^= 1;
    }
    kp_buf_clear(&blob);
    kp_buf_clear(&text);
}

/* What is inside a blob is checked like a file: sealed right, it can still be nonsense. */
static void restore_well_sealed_nonsense_is_integrity(void **state)
{
    static const char *const TEXTS[] = {"", "{}", "[]",
                                        "{\"format\":1,\"name\":\"app\",\"versions\":[]}"};
    uint8_t key[FT_BACKUP_KEY_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    open_both(WITH_KEY, WITH_KEY);
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct fake_result result;
        struct kp_error err;
        kp_buf blob;
        kp_buf_init(&blob, "test", 4096);
        assert_int_equal(ft_backup_seal(key, kpb_span_str(TEXTS[i]), &blob, &err), KP_OK);
        assert_int_equal(restore(&to, kp_buf_view(&blob), &result), KP_INTEGRITY);
        fake_result_clear(&result);
        kp_buf_clear(&blob);
    }
    close_both();
}

static void backup_blobs_of_one_key_never_look_alike(void **state)
{
    struct fake_result first, second;
    (void)state;
    open_both(WITH_KEY, WITH_KEY);
    fv_create(&from, "app", KP_KTY_OCT, 256, 0, NULL);
    backup(&from, "app", &first);
    backup(&from, "app", &second);
    assert_false(kpb_span_eq(first.reply.value, second.reply.value));
    fake_result_clear(&first);
    fake_result_clear(&second);
    close_both();
}

int main(void)
{
#define BACKUP_TEST(f) cmocka_unit_test_setup_teardown(f, make_dirs, drop_dirs)
    const struct CMUnitTest tests[] = {
        BACKUP_TEST(restore_into_a_second_vault_opens_everything),
        BACKUP_TEST(restore_from_a_sealed_vault_into_one_in_clear),
        BACKUP_TEST(restore_from_clear_into_a_sealed_vault),
        BACKUP_TEST(restore_keeps_attributes_and_policy),
        BACKUP_TEST(backup_without_a_backup_key_says_so),
        BACKUP_TEST(restore_under_another_backup_key_says_so),
        BACKUP_TEST(restore_onto_an_existing_name_is_a_conflict),
        BACKUP_TEST(restore_any_damaged_byte_is_integrity),
        BACKUP_TEST(restore_forged_body_is_integrity),
        BACKUP_TEST(restore_well_sealed_nonsense_is_integrity),
        BACKUP_TEST(backup_blobs_of_one_key_never_look_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
