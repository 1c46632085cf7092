#include "crypto/families.h"

EVP_CIPHER_CTX *kpc_aes_context(const struct kpc_crypt_job *job, enum kpc_aes_mode mode,
                                const uint8_t *iv)
{
    const EVP_CIPHER *cipher = kpc_lib_aes(mode, job->key->bits);
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!ctx)
        return NULL;
    /* OpenSSL keeps key wrapping behind this flag for callers of its old interface. */
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_CipherInit_ex2(ctx, cipher, job->key->secret, iv, job->direction == KPC_FORWARD, NULL) >
        0)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}
