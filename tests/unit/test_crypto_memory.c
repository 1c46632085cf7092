/*
 * Memory running out: ours at each named site, OpenSSL's at each of its allocations in turn.
 * OpenSSL often fails without saying why, so there the status may be internal; it is never a
 * verdict on the input: no usage, no integrity, no "signature not valid". Nothing of ours is left
 * behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/init.h"
#include "crypto/kdf.h"
#include "crypto/ops.h"
#include "crypto/seal.h"
#include "support/vectors_keys.h"

/* ---- Our allocator, one site failing ---- */

struct heap {
    const char *failing; /* site, NULL: none */
    long outstanding;
    long n_failed;
};

static void *take(void *ctx, const char *site, size_t n)
{
    struct heap *heap = ctx;
    if (heap->failing && strcmp(site, heap->failing) == 0) {
        heap->n_failed++;
        return NULL;
    }
    heap->outstanding++;
    return calloc(1, n);
}

static void give(void *ctx, void *p)
{
    struct heap *heap = ctx;
    heap->outstanding--;
    free(p);
}

static void give_secret(void *ctx, void *p, size_t n)
{
    (void)n;
    give(ctx, p);
}

static struct heap heap;

static void use_heap(const char *failing)
{
    static const struct kpb_mem_hooks hooks = {&heap, take, give, take, give_secret};
    memset(&heap, 0, sizeof heap);
    heap.failing = failing;
    kpb_mem_use(&hooks);
}

static void assert_heap_quiet(void)
{
    assert_int_equal(heap.outstanding, 0);
    kpb_mem_use(NULL);
}

static void import_at(const char *site, const struct vec_jwk_text *text)
{
    struct vec_jwk jwk;
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    vec_jwk_load(&jwk, text);
    use_heap(site);
    vec_assert_failed(kpc_key_from_jwk(&jwk.params, KPC_STORED, &key, &err), KP_NO_MEMORY, &err,
                      site);
    assert_int_equal(heap.n_failed, 1);
    assert_null(key);
    assert_heap_quiet();
}

static void import_each_site_failing_is_no_memory(void **state)
{
    (void)state;
    import_at("crypto.key", &vec_rsa_rfc7515_a2);
    import_at("crypto.key.scratch", &vec_rsa_rfc7515_a2);
    import_at("crypto.key", &vec_ec_rfc7515_a3);
    import_at("crypto.key.scratch", &vec_ec_rfc7515_a3);
    import_at("crypto.key", &vec_oct_rfc7515_a1);
    import_at("crypto.key.secret", &vec_oct_rfc7515_a1);
}

static void generate_at(const char *site, uint32_t kty)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = kty};
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    use_heap(site);
    vec_assert_failed(kpc_key_generate(&params, &key, &err), KP_NO_MEMORY, &err, site);
    assert_null(key);
    assert_heap_quiet();
}

static void generate_each_site_failing_is_no_memory(void **state)
{
    (void)state;
    generate_at("crypto.key", KP_KTY_EC);
    generate_at("crypto.key", KP_KTY_OCT);
    generate_at("crypto.key.secret", KP_KTY_OCT);
}

static void export_failing_is_no_memory_and_leaves_the_key_whole(void **state)
{
    struct kpc_private out;
    struct kp_error err = {0};
    kp_buf secret;
    (void)state;
    use_heap(NULL);
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a3);
    kp_buf_init_secret(&secret, "test.export", KPC_PRIVATE_MAX_LEN);
    heap.failing = "test.export";
    vec_assert_failed(kpc_key_export_private(key, &secret, &out, &err), KP_NO_MEMORY, &err,
                      "test.export");
    heap.failing = NULL;
    assert_int_equal(kpc_key_export_private(key, &secret, &out, NULL), KP_OK);
    kp_buf_clear(&secret);
    kpc_key_release(key);
    assert_heap_quiet();
}

static void operations_allocate_nothing_of_ours(void **state)
{
    uint8_t bytes[32] = {0};
    struct vec_result out;
    struct vec made;
    (void)state;
    struct kpc_key *rsa = vec_key(&vec_rsa_rfc7515_a2);
    struct kpc_key *oct = vec_key(&vec_oct_rfc7515_a1);
    use_heap(NULL);
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = {bytes, sizeof bytes}};
    assert_int_equal(vec_encrypt(rsa, &in, &out, NULL), KP_OK);
    assert_int_equal(vec_sign(rsa, KP_ALG_PS256, in.value, &made, NULL), KP_OK);
    assert_int_equal(vec_sign(oct, KP_ALG_HS256, in.value, &made, NULL), KP_OK);
    assert_heap_quiet();
    kpc_key_release(rsa);
    kpc_key_release(oct);
}

/* ---- OpenSSL's allocator, the n-th allocation failing ---- */

static long openssl_left = -1; /* allocations until the one that fails; -1: never */

static bool openssl_fails(void)
{
    if (openssl_left < 0)
        return false;
    return openssl_left-- == 0;
}

static void *openssl_take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_fails() ? NULL : malloc(n);
}

static void *openssl_retake(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return openssl_fails() ? NULL : realloc(p, n);
}

static void openssl_give(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* One thing to do; its result must be right when it is KP_OK. */
typedef kp_status step_fn(struct kpc_key *key, struct kp_error *err);

/*
 * Runs step with the first, second, ... allocation failing until one run meets no failure. In
 * between it may succeed all the same (OpenSSL can do without some), but never be wrong.
 */
static void fail_each_allocation(step_fn *step, struct kpc_key *key)
{
    int n_refused = 0;
    for (long n = 0;; n++) {
        struct kp_error err = {0};
        openssl_left = n;
        kp_status st = step(key, &err);
        bool met = openssl_left < 0;
        openssl_left = -1;
        if (st != KP_OK && st != KP_NO_MEMORY && st != KP_INTERNAL)
            fail_msg("allocation %ld failing gave %s \"%s\"", n, kp_status_text(st), err.text);
        n_refused += st != KP_OK;
        assert_true(n < 20000);
        if (!met)
            break;
    }
    assert_true(n_refused > 0);
}

static kp_status wrap_step(struct kpc_key *key, struct kp_error *err)
{
    uint8_t plain[32] = {4};
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = {plain, sizeof plain}};
    return vec_encrypt(key, &in, &out, err);
}

static struct vec_result wrapped; /* by RSA-OAEP-256 under the key of unwrap_step */

static kp_status unwrap_step(struct kpc_key *key, struct kp_error *err)
{
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = vec_span(&wrapped.value)};
    return vec_decrypt(key, &in, &out, err);
}

static kp_status ec_step(struct kpc_key *key, struct kp_error *err)
{
    uint8_t digest[32] = {4};
    struct vec made;
    bool valid = false;
    kp_status st = vec_sign(key, KP_ALG_ES256, kpb_span(digest, 32), &made, err);
    if (st == KP_OK)
        st = kpc_verify(key, KP_ALG_ES256, kpb_span(digest, 32), vec_span(&made), &valid, err);
    assert_true(st != KP_OK || valid); /* never "not valid" for want of memory */
    return st;
}

static kp_status pss_step(struct kpc_key *key, struct kp_error *err)
{
    uint8_t digest[32] = {4};
    struct vec made;
    bool valid = false;
    kp_status st = vec_sign(key, KP_ALG_PS256, kpb_span(digest, 32), &made, err);
    if (st == KP_OK)
        st = kpc_verify(key, KP_ALG_PS256, kpb_span(digest, 32), vec_span(&made), &valid, err);
    assert_true(st != KP_OK || valid);
    return st;
}

static kp_status aes_step(struct kpc_key *key, struct kp_error *err)
{
    uint8_t plain[32] = {4};
    struct vec_result sealed, opened;
    struct kpc_input in = {.alg = KP_ALG_A256GCM, .value = {plain, sizeof plain}};
    kp_status st = vec_encrypt(key, &in, &sealed, err);
    if (st != KP_OK)
        return st;
    struct kpc_input back = {.alg = KP_ALG_A256GCM, .value = vec_span(&sealed.value)};
    back.iv = kpb_span(sealed.r.iv, 12);
    back.tag = kpb_span(sealed.r.tag, 16);
    return vec_decrypt(key, &back, &opened, err);
}

static kp_status hmac_step(struct kpc_key *key, struct kp_error *err)
{
    struct vec made;
    return vec_sign(key, KP_ALG_HS384, kpb_span_str("x"), &made, err);
}

static kp_status derive_step(struct kpc_key *key, struct kp_error *err)
{
    const struct kpc_scrypt_cost cost = {1024, 1, 1};
    uint8_t out[32];
    (void)key;
    kp_status st = kpc_sha256(kpb_span_str("x"), out, err);
    if (st == KP_OK)
        st = kpc_hkdf_sha256(kpb_span(out, 32), kpb_span_str("s"), kpb_span_str("i"), out, 32, err);
    if (st == KP_OK)
        st = kpc_kdf_passphrase(kpb_span_str("x"), kpb_span_str("12345678"), &cost, out, 32, err);
    return st;
}

static kp_status import_rsa_step(struct kpc_key *key, struct kp_error *err)
{
    static struct vec_jwk jwk;
    struct kpc_key *made = NULL;
    (void)key;
    vec_jwk_load(&jwk, &vec_rsa_rfc7515_a2);
    jwk.params.p.len = jwk.params.q.len = jwk.params.dp.len = 0;
    jwk.params.dq.len = jwk.params.qi.len = 0;
    kp_status st = kpc_key_from_jwk(&jwk.params, KPC_STORED, &made, err);
    kpc_key_release(made);
    return st;
}

static kp_status import_ec_step(struct kpc_key *key, struct kp_error *err)
{
    static struct vec_jwk jwk;
    struct kpc_key *made = NULL;
    (void)key;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    kp_status st = kpc_key_from_jwk(&jwk.params, KPC_FOREIGN, &made, err);
    kpc_key_release(made);
    return st;
}

static void openssl_each_allocation_of_rsa_failing_blames_no_input(void **state)
{
    uint8_t plain[32] = {4};
    struct kpc_input in = {.alg = KP_ALG_RSA_OAEP_256, .value = {plain, sizeof plain}};
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    fail_each_allocation(wrap_step, key);
    assert_int_equal(vec_encrypt(key, &in, &wrapped, NULL), KP_OK);
    fail_each_allocation(unwrap_step, key);
    fail_each_allocation(pss_step, key);
    kpc_key_release(key);
}

static void openssl_each_allocation_of_ec_failing_blames_no_input(void **state)
{
    struct kpc_key *key = vec_key(&vec_ec_rfc7515_a3);
    (void)state;
    fail_each_allocation(ec_step, key);
    kpc_key_release(key);
}

static void openssl_each_allocation_of_oct_failing_blames_no_input(void **state)
{
    struct kpc_key *key = vec_new_key(KP_KTY_OCT, 256, 0);
    (void)state;
    fail_each_allocation(aes_step, key);
    fail_each_allocation(hmac_step, key);
    fail_each_allocation(derive_step, key);
    kpc_key_release(key);
}

static void openssl_each_allocation_of_imports_failing_blames_no_input(void **state)
{
    (void)state;
    fail_each_allocation(import_rsa_step, NULL);
    fail_each_allocation(import_ec_step, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import_each_site_failing_is_no_memory),
        cmocka_unit_test(generate_each_site_failing_is_no_memory),
        cmocka_unit_test(export_failing_is_no_memory_and_leaves_the_key_whole),
        cmocka_unit_test(operations_allocate_nothing_of_ours),
        cmocka_unit_test(openssl_each_allocation_of_rsa_failing_blames_no_input),
        cmocka_unit_test(openssl_each_allocation_of_ec_failing_blames_no_input),
        cmocka_unit_test(openssl_each_allocation_of_oct_failing_blames_no_input),
        cmocka_unit_test(openssl_each_allocation_of_imports_failing_blames_no_input),
    };
    if (!CRYPTO_set_mem_functions(openssl_take, openssl_retake, openssl_give))
        return 1; /* something of OpenSSL ran before main */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
