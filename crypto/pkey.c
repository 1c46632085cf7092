#include <openssl/core_names.h>

#include "base/errors.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"

kp_status kpc_pkey_make(struct kpc_key *key, const char *type, OSSL_PARAM *params,
                        const char *refusal, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    int selection = key->has_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(kpc_lib_ctx(), type, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key->pkey, selection, params) <= 0)
        st = kpc_refuse_input(reterr, refusal);
    EVP_PKEY_CTX_free(ctx);
    return st;
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    return *(const uint8_t *)&one == 1;
}

void kpc_native_order(uint8_t *bytes, size_t len)
{
    if (!is_little_endian())
        return;
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t swapped = bytes[i];
        bytes[i] = bytes[len - 1 - i];
        bytes[len - 1 - i] = swapped;
    }
}

kp_status kpc_pkey_integer(const struct kpc_key *key, const char *name, uint8_t *out,
                           size_t out_len, struct kp_error *reterr)
{
    /* OSSL_PARAM integers are in the machine's byte order, padded to the room offered. */
    OSSL_PARAM params[] = {OSSL_PARAM_construct_BN(name, out, out_len), OSSL_PARAM_construct_end()};
    if (EVP_PKEY_get_params(key->pkey, params) <= 0 || !OSSL_PARAM_modified(&params[0]))
        return kpc_fail_openssl(reterr, "OpenSSL does not give out a number of the key");
    kpc_native_order(out, out_len);
    return KP_OK;
}
