#include "crypto/kdf.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/errors.h"
#include "base/mem.h"
#include "crypto/lib.h"

#define SCRYPT_MIN_N 1024u /* below it a passphrase is as good as written on the file */
#define DERIVED_MAX_LEN 64u
#define SALT_MAX_LEN 64u
#define INFO_MAX_LEN 1024u /* OpenSSL 3.0 refuses more */

static OSSL_PARAM bytes_param(const char *name, kp_span bytes)
{
    /* OpenSSL only reads through it; its lists have no const. */
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)bytes.ptr, bytes.len);
}

static kp_status derive(enum kpc_kdf which, const OSSL_PARAM *params, uint8_t *out, size_t out_len,
                        struct kp_error *reterr)
{
    kpc_lib_enter();
    kp_status st = KP_OK;
    EVP_KDF *kdf = kpc_lib_kdf(which);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    if (!ctx || EVP_KDF_derive(ctx, out, out_len, params) <= 0) {
        kpb_wipe(out, out_len);
        st = kpc_fail_openssl(reterr, "OpenSSL could not derive the key");
    }
    EVP_KDF_CTX_free(ctx);
    kpc_lib_leave();
    return st;
}

static kp_status check_out_len(size_t out_len, struct kp_error *reterr)
{
    if (out_len >= 1 && out_len <= DERIVED_MAX_LEN)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "a derived key has 1 to %u bytes, not %zu", DERIVED_MAX_LEN,
                    out_len);
}

static kp_status check_cost(const struct kpc_scrypt_cost *cost, struct kp_error *reterr)
{
    uint64_t n = cost->n;
    if (n < SCRYPT_MIN_N || (n & (n - 1)) != 0)
        return kpb_fail(reterr, KP_USAGE, "scrypt's n must be a power of two from %u on",
                        SCRYPT_MIN_N);
    if (cost->r == 0 || cost->r > KPC_SCRYPT_MAX_MEMORY / 128 ||
        n > KPC_SCRYPT_MAX_MEMORY / 128 / cost->r)
        return kpb_fail(reterr, KP_USAGE, "scrypt's n and r ask for more than %u MiB",
                        (unsigned)(KPC_SCRYPT_MAX_MEMORY >> 20));
    if (cost->p == 0 || cost->p > KPC_SCRYPT_MAX_WORK / (n * cost->r))
        return kpb_fail(reterr, KP_USAGE, "scrypt's p asks for too much work, or is zero");
    return KP_OK;
}

static kp_status check_passphrase(kp_span passphrase, kp_span salt, struct kp_error *reterr)
{
    if (passphrase.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the passphrase is empty");
    if (passphrase.len > KPC_PASSPHRASE_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "the passphrase is longer than %u bytes",
                        KPC_PASSPHRASE_MAX_LEN);
    if (salt.len < KPC_SALT_MIN_LEN || salt.len > SALT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "the salt has %zu bytes; %u to %u are taken", salt.len,
                        KPC_SALT_MIN_LEN, SALT_MAX_LEN);
    return KP_OK;
}

kp_status kpc_kdf_passphrase(kp_span passphrase, kp_span salt, const struct kpc_scrypt_cost *cost,
                             uint8_t *out, size_t out_len, struct kp_error *reterr)
{
    kp_status st = check_out_len(out_len, reterr);
    if (st == KP_OK)
        st = check_cost(cost, reterr);
    if (st == KP_OK)
        st = check_passphrase(passphrase, salt, reterr);
    if (st != KP_OK)
        return st;
    /*
     * Twice our own bound: OpenSSL counts its other tables too, and defaults to less than we use.
     */
    uint64_t n = cost->n, r = cost->r, p = cost->p, max_memory = 2 * KPC_SCRYPT_MAX_MEMORY;
    const OSSL_PARAM params[] = {
        bytes_param(OSSL_KDF_PARAM_PASSWORD, passphrase),
        bytes_param(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &max_memory),
        OSSL_PARAM_construct_end()};
    return derive(KPC_KDF_SCRYPT, params, out, out_len, reterr);
}

kp_status kpc_hkdf_sha256(kp_span key, kp_span salt, kp_span info, uint8_t *out, size_t out_len,
                          struct kp_error *reterr)
{
    kp_status st = check_out_len(out_len, reterr);
    if (st != KP_OK)
        return st;
    if (key.len < 16 || key.len > 64)
        return kpb_fail(reterr, KP_USAGE,
                        "the key to derive from has %zu bytes; 16 to 64 are taken", key.len);
    if (info.len > INFO_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "the info has %zu bytes; at most %u are taken", info.len,
                        INFO_MAX_LEN);
    char digest[] = "SHA256";
    OSSL_PARAM params[5];
    size_t i = 0;
    params[i++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[i++] = bytes_param(OSSL_KDF_PARAM_KEY, key);
    if (salt.len > 0)
        params[i++] = bytes_param(OSSL_KDF_PARAM_SALT, salt);
    if (info.len > 0)
        params[i++] = bytes_param(OSSL_KDF_PARAM_INFO, info);
    params[i] = OSSL_PARAM_construct_end();
    return derive(KPC_KDF_HKDF, params, out, out_len, reterr);
}
