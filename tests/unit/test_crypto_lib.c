/* Living inside a host that uses OpenSSL too: neither side notices the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "crypto/hash.h"
#include "crypto/init.h"
#include "crypto/lib.h"
#include "crypto/ops.h"
#include "support/vectors_keys.h"

static void lib_context_is_private_and_made_once(void **state)
{
    OSSL_LIB_CTX *ctx = kpc_lib_ctx();
    (void)state;
    assert_int_equal(kpc_init(NULL), KP_OK);
    assert_int_equal(kpc_init(NULL), KP_OK);
    assert_non_null(ctx);
    assert_ptr_equal(kpc_lib_ctx(), ctx);
    assert_ptr_not_equal(ctx, OSSL_LIB_CTX_get0_global_default());
}

static void lib_algorithms_are_fetched_once(void **state)
{
    (void)state;
    for (int digest = KPC_SHA1; digest < KPC_N_DIGESTS; digest++) {
        assert_non_null(kpc_lib_md((enum kpc_digest)digest));
        assert_ptr_equal(kpc_lib_md((enum kpc_digest)digest), kpc_lib_md((enum kpc_digest)digest));
    }
    for (int mode = 0; mode < KPC_N_AES_MODES; mode++)
        for (uint32_t bits = 128; bits <= 256; bits += 64)
            assert_int_equal(EVP_CIPHER_get_key_length(kpc_lib_aes((enum kpc_aes_mode)mode, bits)),
                             bits / 8);
    assert_null(kpc_lib_aes(KPC_AES_CBC, 160));
    assert_null(kpc_lib_md(KPC_DIGEST_NONE));
    assert_null(kpc_lib_md(KPC_N_DIGESTS));
    assert_null(kpc_lib_kdf(KPC_N_KDFS));
    assert_non_null(kpc_lib_hmac());
}

/* A damaged value makes OpenSSL complain on the thread's queue; nothing of it may stay there. */
static void fail_an_unwrap(struct kpc_key *key)
{
    uint8_t bytes[256] = {1};
    struct vec_result out;
    struct kpc_input in = {.alg = KP_ALG_RSA1_5, .value = {bytes, sizeof bytes}};
    assert_int_equal(vec_decrypt(key, &in, &out, NULL), KP_INTEGRITY);
}

static void fail_an_import(void)
{
    struct vec_jwk jwk;
    struct kpc_key *key = NULL;
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    jwk.y.b[0] ^= 1;
    assert_int_equal(kpc_key_from_jwk(&jwk.params, KPC_FOREIGN, &key, NULL), KP_USAGE);
}

static void lib_failures_leave_an_empty_error_queue_empty(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    ERR_clear_error();
    fail_an_unwrap(key);
    assert_int_equal(ERR_peek_error(), 0);
    fail_an_import();
    assert_int_equal(ERR_peek_error(), 0);
    kpc_key_release(key);
}

static void lib_failures_keep_what_the_host_had_queued(void **state)
{
    struct kpc_key *key = vec_key(&vec_rsa_rfc7515_a2);
    (void)state;
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 7);
    unsigned long theirs = ERR_peek_error();
    fail_an_unwrap(key);
    fail_an_import();
    assert_true(ERR_get_error() == theirs);
    assert_int_equal(ERR_get_error(), 0);
    kpc_key_release(key);
}

static void wrap_and_unwrap(uint32_t kty, uint32_t alg)
{
    uint8_t plain[32] = {8};
    struct vec_result wrapped, opened;
    struct kpc_key *key = vec_new_key(kty, 0, 0);
    struct kpc_input in = {.alg = alg, .value = {plain, sizeof plain}};
    assert_int_equal(vec_encrypt(key, &in, &wrapped, NULL), KP_OK);
    in.value = vec_span(&wrapped.value);
    assert_int_equal(vec_decrypt(key, &in, &opened, NULL), KP_OK);
    vec_assert_bytes(vec_span(&opened.value), kpb_span(plain, sizeof plain));
    kpc_key_release(key);
}

static void lib_host_without_algorithms_does_not_matter(void **state)
{
    uint8_t out[KPC_SHA256_LEN];
    (void)state;
    /* the host allows no algorithm at all in its own context */
    assert_int_equal(EVP_set_default_properties(NULL, "provider=nobody"), 1);
    assert_null(EVP_MD_fetch(NULL, "SHA256", NULL));
    assert_int_equal(kpc_sha256(kpb_span_str("x"), out, NULL), KP_OK);
    struct kpc_key *key = vec_new_key(KP_KTY_EC, 0, KP_CURVE_P256);
    struct vec made;
    assert_int_equal(vec_sign(key, KP_ALG_ES256, kpb_span(out, sizeof out), &made, NULL), KP_OK);
    assert_true(vec_verify(key, KP_ALG_ES256, kpb_span(out, sizeof out), vec_span(&made)));
    kpc_key_release(key);
    wrap_and_unwrap(KP_KTY_RSA, KP_ALG_RSA_OAEP_256);
    wrap_and_unwrap(KP_KTY_RSA, KP_ALG_RSA1_5);
    wrap_and_unwrap(KP_KTY_OCT, KP_ALG_A256KW);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lib_context_is_private_and_made_once),
        cmocka_unit_test(lib_algorithms_are_fetched_once),
        cmocka_unit_test(lib_failures_leave_an_empty_error_queue_empty),
        cmocka_unit_test(lib_failures_keep_what_the_host_had_queued),
        cmocka_unit_test(lib_host_without_algorithms_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
