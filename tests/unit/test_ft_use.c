#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "crypto/algs.h"
#include "plugins/file-test/fs.h"
#include "support/file_vault.h"

#define DAY_S INT64_C(86400)

/* One vault with a key of every type and size, made once for all tests. */
struct key {
    const char *name;
    uint32_t kty;
    uint32_t bits;
    uint32_t curve;
};

static const struct key KEYS[] = {
    {"rsa2048", KP_KTY_RSA, 2048, 0},
    {"rsa3072", KP_KTY_RSA, 3072, 0},
    {"rsa4096", KP_KTY_RSA, 4096, 0},
    {"p256", KP_KTY_EC, 256, KP_CURVE_P256},
    {"p256k", KP_KTY_EC, 256, KP_CURVE_P256K},
    {"p384", KP_KTY_EC, 384, KP_CURVE_P384},
    {"p521", KP_KTY_EC, 521, KP_CURVE_P521},
    {"oct128", KP_KTY_OCT, 128, 0},
    {"oct192", KP_KTY_OCT, 192, 0},
    {"oct256", KP_KTY_OCT, 256, 0},
};
#define N_KEYS (sizeof KEYS / sizeof KEYS[0])

static struct file_vault vault;
static char dir[FV_PATH_LEN];

static int make_vault(void **state)
{
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&vault, dir, NULL);
    for (size_t i = 0; i < N_KEYS; i++)
        fv_create(&vault, KEYS[i].name, KEYS[i].kty, KEYS[i].bits, KEYS[i].curve, NULL);
    return 0;
}

static int drop_vault(void **state)
{
    (void)state;
    fv_close(&vault);
    fv_remove_temp(dir);
    return 0;
}

/* ---- Every algorithm with every key ---- */

typedef kp_status call_fn(struct file_vault *fv, const struct kp_request *request,
                          struct fake_result *result);

static kp_status call_run(struct file_vault *fv, const struct kp_request *request,
                          struct fake_result *result)
{
    return fake_host_run(&fv->host, request, result);
}

static struct kp_request request_for(const struct key *key, uint32_t op, uint32_t alg,
                                     const uint8_t *bytes, size_t len)
{
    static const uint8_t IV[16] = {1, 2, 3};
    struct kp_request request = fv_request(op, key->name, NULL);
    request.alg = alg;
    request.value = kpb_span(bytes, len);
    if (kp_alg_family_of(alg) == KP_FAMILY_AES_CBC)
        request.iv = kpb_span(IV, sizeof IV);
    return request;
}

static void assert_there_and_back(const struct key *key, uint32_t alg, uint32_t forth,
                                  uint32_t back, call_fn *call)
{
    uint8_t dek[32];
    struct fake_result sealed, opened;
    memset(dek, 0x5a, sizeof dek);
    struct kp_request request = request_for(key, forth, alg, dek, sizeof dek);
    if (call(&vault, &request, &sealed) != KP_OK)
        fail_msg("%s %s %s: %s", key->name, kp_op_text(forth), kp_alg_text(alg), sealed.error.text);
    assert_int_equal(sealed.reply.alg, alg);
    assert_int_equal(sealed.reply.version.len, 32);
    assert_true(fv_span_is(sealed.reply.name, key->name));

    char version[33] = {0};
    memcpy(version, sealed.reply.version.ptr, 32);
    request = request_for(key, back, alg, sealed.reply.value.ptr, sealed.reply.value.len);
    request.version = fv_span(version);
    if (sealed.reply.iv.len > 0)
        request.iv = sealed.reply.iv;
    request.tag = sealed.reply.tag;
    kp_status st = call(&vault, &request, &opened);
    if (st == KP_UNSUPPORTED && call == call_run)
        st = fv_call(&vault, &request, &opened); /* this version is not loaded yet */
    assert_int_equal(st, KP_OK);
    assert_true(kpb_span_eq(opened.reply.value, kpb_span(dek, sizeof dek)));
    assert_true(kpb_span_eq(opened.reply.version, sealed.reply.version));
    fake_result_clear(&sealed);
    fake_result_clear(&opened);
}

static void assert_sign_and_verify(const struct key *key, uint32_t alg, call_fn *call)
{
    uint8_t digest[64];
    struct fake_result signed_, checked;
    uint32_t want = kpc_alg_find(alg)->digest_len;
    memset(digest, 0x33, sizeof digest);
    struct kp_request request = request_for(key, KP_OP_SIGN, alg, digest, want ? want : 32);
    if (call(&vault, &request, &signed_) != KP_OK)
        fail_msg("%s %s: %s", key->name, kp_alg_text(alg), signed_.error.text);
    request.op = KP_OP_VERIFY;
    request.signature = signed_.reply.value;
    assert_int_equal(call(&vault, &request, &checked), KP_OK);
    assert_true(checked.reply.flags & KP_REPLY_VERIFIED);
    fake_result_clear(&checked);
    digest[0] ^= 1;
    assert_int_equal(call(&vault, &request, &checked), KP_OK);
    assert_false(checked.reply.flags & KP_REPLY_VERIFIED);
    fake_result_clear(&checked);
    fake_result_clear(&signed_);
}

static void assert_refused(const struct key *key, uint32_t alg, uint32_t op)
{
    uint8_t bytes[32] = {0};
    struct fake_result result;
    struct kp_request request = request_for(key, op, alg, bytes, sizeof bytes);
    request.signature = request.value;
    if (fv_call(&vault, &request, &result) != KP_USAGE)
        fail_msg("%s %s %s: %s", key->name, kp_op_text(op), kp_alg_text(alg), result.error.text);
    assert_int_equal(result.error.code, KP_CODE_ErrorHttpResponseCodeClientError);
    fake_result_clear(&result);
}

static void try_all(const struct key *key, uint32_t alg, call_fn *call)
{
    bool fits = kpc_alg_fits(key->kty, key->bits, key->curve, alg);
    if (fits && kpc_alg_serves(alg, KP_OP_ENCRYPT))
        assert_there_and_back(key, alg, KP_OP_ENCRYPT, KP_OP_DECRYPT, call);
    if (fits && kpc_alg_serves(alg, KP_OP_WRAP))
        assert_there_and_back(key, alg, KP_OP_WRAP, KP_OP_UNWRAP, call);
    if (fits && kpc_alg_serves(alg, KP_OP_SIGN))
        assert_sign_and_verify(key, alg, call);
    for (uint32_t op = KP_OP_ENCRYPT; op <= KP_OP_VERIFY; op++) {
        /* EC keys have no permission to encrypt, which is found first. */
        if (kpc_plain_kty(key->kty) == KP_KTY_EC && op < KP_OP_SIGN)
            continue;
        if (!fits || !kpc_alg_serves(alg, op))
            assert_refused(key, alg, op);
    }
}

static void use_every_algorithm_with_every_key_through_submit(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KEYS; i++) {
        for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++)
            try_all(&KEYS[i], alg, fv_call);
    }
}

static void use_every_algorithm_with_every_loaded_key_through_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KEYS; i++) {
        struct fake_result result;
        struct kp_request load = fv_request(KP_OP_SIGN, KEYS[i].name, NULL);
        (void)fv_call(&vault, &load, &result); /* no algorithm: fails, but the key is loaded */
        fake_result_clear(&result);
        for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++)
            try_all(&KEYS[i], alg, call_run);
    }
}

/* ---- Malformed requests ---- */

static void use_unknown_algorithms_are_usage(void **state)
{
    (void)state;
    assert_refused(&KEYS[0], 0, KP_OP_WRAP);
    assert_refused(&KEYS[0], KP_ALG_MAX + 1, KP_OP_WRAP);
    assert_refused(&KEYS[0], UINT32_MAX, KP_OP_SIGN);
}

static void use_wrong_sizes_name_key_and_vault(void **state)
{
    uint8_t bytes[600] = {0};
    struct fake_result result;
    struct kp_request request =
        request_for(&KEYS[0], KP_OP_WRAP, KP_ALG_RSA_OAEP, bytes, sizeof bytes);
    (void)state;
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    assert_non_null(strstr(result.error.text, "rsa2048"));
    assert_non_null(strstr(result.error.text, "vault "));
    fake_result_clear(&result);
}

static void use_damaged_ciphertext_is_integrity(void **state)
{
    uint8_t ct[512];
    size_t len = sizeof ct;
    (void)state;
    fv_wrap(&vault, "rsa2048", NULL, KP_ALG_RSA_OAEP_256, 9, ct, &len, NULL);
    ct[100] ^= 1;
    assert_int_equal(fv_unwrap(&vault, "rsa2048", NULL, KP_ALG_RSA_OAEP_256, 9, ct, len),
                     KP_INTEGRITY);
    len = sizeof ct;
    fv_wrap(&vault, "oct256", NULL, KP_ALG_A256KW, 9, ct, &len, NULL);
    ct[0] ^= 1;
    assert_int_equal(fv_unwrap(&vault, "oct256", NULL, KP_ALG_A256KW, 9, ct, len), KP_INTEGRITY);
}

static void use_names_and_versions_that_are_none_are_refused(void **state)
{
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_WRAP, "no-such-key", NULL);
    (void)state;
    request.alg = KP_ALG_RSA_OAEP;
    assert_int_equal(fv_call(&vault, &request, &result), KP_NOT_FOUND);
    assert_int_equal(result.error.code, KP_CODE_ErrorHttpResourceNotFound);
    fake_result_clear(&result);
    request = fv_request(KP_OP_UNWRAP, "rsa2048", "00000000000000000000000000000000");
    assert_int_equal(fv_call(&vault, &request, &result), KP_NOT_FOUND);
    assert_non_null(strstr(result.error.text, "00000000000000000000000000000000"));
    fake_result_clear(&result);
    request = fv_request(KP_OP_WRAP, "../etc/passwd", NULL);
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    assert_int_equal(result.error.code, KP_CODE_ErrorHttpResponseCodeClientError);
    fake_result_clear(&result);
}

static void use_operations_not_served_are_unsupported(void **state)
{
    static const uint32_t OPS[] = {KP_OP_NONE, KP_OP_RELEASE, KP_OP_ATTEST, KP_OP_IMPORT_BYOK, 99};
    (void)state;
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++)
        assert_int_equal(fv_status(&vault, OPS[i], "rsa2048", NULL), KP_UNSUPPORTED);
}

/* A shorter request of an older host: what is not there reads as nothing. */
static void use_shorter_request_is_read_no_further(void **state)
{
    const size_t cut = offsetof(struct kp_request, value);
    struct fake_result result;
    struct kp_request whole = fv_request(KP_OP_GET_KEY, "p256", NULL);
    void *request = malloc(cut); /* exactly that: one byte further is found by ASan */
    (void)state;
    assert_non_null(request);
    whole.struct_size = (uint32_t)cut;
    memcpy(request, &whole, cut);
    assert_int_equal(fv_call(&vault, request, &result), KP_OK);
    fake_result_clear(&result);
    free(request);
}

/* ---- Who may do what ---- */

static void set_key(const char *name, uint32_t set, uint32_t key_ops, bool enabled, int64_t nbf,
                    int64_t exp)
{
    struct fake_result result;
    struct kp_key_params params = fv_params(0, 0, 0);
    struct kp_request request = fv_request(KP_OP_UPDATE, name, NULL);
    params.set = set;
    params.key_ops = key_ops;
    params.flags = enabled ? KP_KEY_ENABLED : 0;
    params.not_before_unix_s = nbf;
    params.expires_unix_s = exp;
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
}

/* Status of each use of a symmetric key, by submit and, once it is loaded, by run. */
static void assert_uses(const char *name, bool encrypt_ok, bool decrypt_ok, kp_status refusal)
{
    static const uint32_t OPS[] = {KP_OP_ENCRYPT, KP_OP_WRAP,   KP_OP_SIGN,
                                   KP_OP_DECRYPT, KP_OP_UNWRAP, KP_OP_VERIFY};
    uint8_t bytes[32] = {0};
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        uint32_t alg = OPS[i] == KP_OP_WRAP || OPS[i] == KP_OP_UNWRAP   ? KP_ALG_A256KW
                       : OPS[i] == KP_OP_SIGN || OPS[i] == KP_OP_VERIFY ? KP_ALG_HS256
                                                                        : KP_ALG_A256CBC;
        const struct key key = {name, KP_KTY_OCT, 256, 0};
        struct kp_request request = request_for(&key, OPS[i], alg, bytes, sizeof bytes);
        request.signature = request.value;
        bool ok = i < 3 ? encrypt_ok : decrypt_ok;
        for (int way = 0; way < 2; way++) {
            struct fake_result result;
            kp_status st = way == 0 ? fv_call(&vault, &request, &result)
                                    : fake_host_run(&vault.host, &request, &result);
            /* Unwrapping zeros fails on its own, after the rules let it through. */
            if (ok && OPS[i] == KP_OP_UNWRAP)
                assert_int_equal(st, KP_INTEGRITY);
            else
                assert_int_equal(st, ok ? KP_OK : refusal);
            if (!ok)
                assert_int_equal(result.error.code, KP_CODE_ErrorHttpOperationForbidden);
            fake_result_clear(&result);
        }
    }
}

static void use_disabled_key_refuses_everything_but_being_looked_at(void **state)
{
    (void)state;
    fv_create(&vault, "rules", KP_KTY_OCT, 256, 0, NULL);
    assert_uses("rules", true, true, KP_OK);
    set_key("rules", KP_SET_ENABLED, 0, false, 0, 0);
    assert_uses("rules", false, false, KP_FORBIDDEN);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "rules", NULL), KP_OK);
    set_key("rules", KP_SET_ENABLED, 0, true, 0, 0);
    assert_uses("rules", true, true, KP_OK);
}

static void use_outside_the_window_a_key_still_undoes_its_work(void **state)
{
    int64_t now = vault.host.now_unix_s;
    uint32_t both = KP_SET_NOT_BEFORE | KP_SET_EXPIRES;
    (void)state;
    set_key("rules", both, 0, true, now + 10, KP_TIME_NONE);
    assert_uses("rules", false, true, KP_FORBIDDEN);
    set_key("rules", both, 0, true, KP_TIME_NONE, now);
    assert_uses("rules", false, true, KP_FORBIDDEN);
    set_key("rules", both, 0, true, now, now + 1);
    assert_uses("rules", true, true, KP_OK);
    fake_host_advance_s(&vault.host, 1); /* a loaded key notices that its time has come */
    assert_uses("rules", false, true, KP_FORBIDDEN);
    set_key("rules", both, 0, true, KP_TIME_NONE, KP_TIME_NONE);
    assert_uses("rules", true, true, KP_OK);
}

static void use_only_what_key_ops_name_is_allowed(void **state)
{
    uint32_t undo = KP_KEY_OP_DECRYPT | KP_KEY_OP_UNWRAP | KP_KEY_OP_VERIFY;
    uint32_t make = KP_KEY_OP_ENCRYPT | KP_KEY_OP_WRAP | KP_KEY_OP_SIGN;
    (void)state;
    set_key("rules", KP_SET_KEY_OPS, undo, true, 0, 0);
    assert_uses("rules", false, true, KP_FORBIDDEN);
    set_key("rules", KP_SET_KEY_OPS, make, true, 0, 0);
    assert_uses("rules", true, false, KP_FORBIDDEN);
    set_key("rules", KP_SET_KEY_OPS, 0, true, 0, 0);
    assert_uses("rules", false, false, KP_FORBIDDEN);
    set_key("rules", KP_SET_KEY_OPS, undo | make, true, 0, 0);
    assert_uses("rules", true, true, KP_OK);
}

/* ---- run ---- */

static void run_declines_what_is_not_ready(void **state)
{
    uint8_t bytes[32] = {0}, large[2048] = {0};
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_WRAP, "fresh", NULL);
    (void)state;
    fv_create(&vault, "fresh", KP_KTY_OCT, 256, 0, NULL);
    request.alg = KP_ALG_A256KW;
    request.value = kpb_span(bytes, sizeof bytes);
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
    fake_result_clear(&result);
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_OK);
    fake_result_clear(&result);
    request.value = kpb_span(large, sizeof large);
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
    fake_result_clear(&result);
    request.value = kpb_span(bytes, sizeof bytes);
    fv_must(&vault, KP_OP_ROTATE, "fresh", NULL); /* the file changed */
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
    fake_result_clear(&result);
}

/* The clocks stand still, so only the forced time of modification tells two commits apart. */
static void run_notices_every_commit_within_one_tick(void **state)
{
    uint8_t bytes[32] = {0};
    char last[33] = {0}, version[33];
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_WRAP, "ticks", NULL);
    (void)state;
    fv_create(&vault, "ticks", KP_KTY_OCT, 256, 0, NULL);
    request.alg = KP_ALG_A256KW;
    request.value = kpb_span(bytes, sizeof bytes);
    for (int i = 0; i < 200; i++) {
        set_key("ticks", KP_SET_ENABLED, 0, i % 2 == 0, 0, 0);
        kp_status want = i % 2 == 0 ? KP_OK : KP_FORBIDDEN;
        assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
        fake_result_clear(&result);
        assert_int_equal(fv_call(&vault, &request, &result), want);
        fake_result_clear(&result);
    }
    set_key("ticks", KP_SET_ENABLED, 0, true, 0, 0);
    for (int i = 0; i < 50; i++) {
        fv_must(&vault, KP_OP_ROTATE, "ticks", version);
        assert_string_not_equal(version, last);
        assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
        assert_true(fv_span_is(result.reply.version, version));
        fake_result_clear(&result);
        memcpy(last, version, sizeof last);
    }
}

static void random_gives_what_was_asked_for(void **state)
{
    struct fake_result result;
    struct kp_request request = {.struct_size = sizeof request, .op = KP_OP_RANDOM};
    (void)state;
    for (uint32_t n = 0; n <= KP_RANDOM_MAX_LEN + 1; n++) {
        kp_status want = n >= 1 && n <= KP_RANDOM_MAX_LEN ? KP_OK : KP_USAGE;
        request.count = n;
        assert_int_equal(fv_call(&vault, &request, &result), want);
        assert_int_equal(result.reply.value.len, want == KP_OK ? n : 0);
        fake_result_clear(&result);
        assert_int_equal(fake_host_run(&vault.host, &request, &result), want);
        fake_result_clear(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(use_every_algorithm_with_every_key_through_submit),
        cmocka_unit_test(use_every_algorithm_with_every_loaded_key_through_run),
        cmocka_unit_test(use_unknown_algorithms_are_usage),
        cmocka_unit_test(use_wrong_sizes_name_key_and_vault),
        cmocka_unit_test(use_damaged_ciphertext_is_integrity),
        cmocka_unit_test(use_names_and_versions_that_are_none_are_refused),
        cmocka_unit_test(use_operations_not_served_are_unsupported),
        cmocka_unit_test(use_shorter_request_is_read_no_further),
        cmocka_unit_test(use_disabled_key_refuses_everything_but_being_looked_at),
        cmocka_unit_test(use_outside_the_window_a_key_still_undoes_its_work),
        cmocka_unit_test(use_only_what_key_ops_name_is_allowed),
        cmocka_unit_test(run_declines_what_is_not_ready),
        cmocka_unit_test(run_notices_every_commit_within_one_tick),
        cmocka_unit_test(random_gives_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, make_vault, drop_vault);
}
