/* Private keys as PEM: PKCS #8 and the older forms that OpenSSL reads. */
#include "cli/import.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/errors.h"

struct part_source {
    const char *param;
    int part;
};

static const struct part_source RSA_PARTS[] = {
    {OSSL_PKEY_PARAM_RSA_N, CLI_PART_N},          {OSSL_PKEY_PARAM_RSA_E, CLI_PART_E},
    {OSSL_PKEY_PARAM_RSA_D, CLI_PART_D},          {OSSL_PKEY_PARAM_RSA_FACTOR1, CLI_PART_P},
    {OSSL_PKEY_PARAM_RSA_FACTOR2, CLI_PART_Q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, CLI_PART_DP},
    {OSSL_PKEY_PARAM_RSA_EXPONENT2, CLI_PART_DQ}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, CLI_PART_QI},
};

static const struct part_source EC_PARTS[] = {
    {OSSL_PKEY_PARAM_EC_PUB_X, CLI_PART_X},
    {OSSL_PKEY_PARAM_EC_PUB_Y, CLI_PART_Y},
    {OSSL_PKEY_PARAM_PRIV_KEY, CLI_PART_D},
};

/* len 0: as many bytes as the number has. Curve coordinates are padded to the curve's size. */
static kp_status copy_number(const BIGNUM *number, size_t len, kp_buf *out, struct kp_error *err)
{
    uint8_t *to = NULL;
    const size_t need = len ? len : (size_t)BN_num_bytes(number);
    if (need > INT_MAX || kp_buf_extend(out, need, &to) != KP_OK) {
        return kpb_fail(err, KP_USAGE, "the PEM key is too large");
    }
    if (BN_bn2binpad(number, to, (int)need) < 0) {
        return kpb_fail(err, KP_USAGE, "the PEM key has a number that does not fit its type");
    }
    return KP_OK;
}

static kp_status copy_parts(const EVP_PKEY *pkey, const struct part_source *sources, size_t n,
                            size_t len, struct cli_import *ret, struct kp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        BIGNUM *number = NULL;
        if (EVP_PKEY_get_bn_param(pkey, sources[i].param, &number) != 1) {
            return kpb_fail(err, KP_USAGE, "the PEM key lacks '%s'", sources[i].param);
        }
        const kp_status st = copy_number(number, len, &ret->part[sources[i].part], err);
        BN_clear_free(number);
        if (st != KP_OK) {
            return st;
        }
    }
    return KP_OK;
}

static kp_status read_rsa(const EVP_PKEY *pkey, struct cli_import *ret, struct kp_error *err)
{
    ret->kty = KP_KTY_RSA;
    return copy_parts(pkey, RSA_PARTS, sizeof RSA_PARTS / sizeof RSA_PARTS[0], 0, ret, err);
}

static kp_status read_ec(const EVP_PKEY *pkey, struct cli_import *ret, struct kp_error *err)
{
    static const struct {
        const char *group;
        uint32_t curve;
        size_t coord_len;
    } curves[] = {{"prime256v1", KP_CURVE_P256, 32},
                  {"secp256k1", KP_CURVE_P256K, 32},
                  {"secp384r1", KP_CURVE_P384, 48},
                  {"secp521r1", KP_CURVE_P521, 66}};
    char group[64] = "";
    ret->kty = KP_KTY_EC;
    (void)EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL); /* empty: matches none */
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (strcmp(group, curves[i].group) == 0) {
            ret->curve = curves[i].curve;
            return copy_parts(pkey, EC_PARTS, sizeof EC_PARTS / sizeof EC_PARTS[0],
                              curves[i].coord_len, ret, err);
        }
    }
    return kpb_fail(err, KP_USAGE, "the PEM key's curve is none of P-256, P-256K, P-384, P-521");
}

/* Nobody is asked for a passphrase: an encrypted key ends here. */
static int refuse_passphrase(char *buf, int size, int rwflag, void *was_asked)
{
    if (size > 0) {
        buf[0] = '\0';
    }
    (void)rwflag;
    *(int *)was_asked = 1;
    return -1;
}

static EVP_PKEY *parse(kp_span text, int *ret_encrypted)
{
    BIO *bio = text.len <= INT_MAX ? BIO_new_mem_buf(text.ptr, (int)text.len) : NULL;
    EVP_PKEY *pkey =
        bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, ret_encrypted) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

kp_status cli_pem_read(kp_span text, struct cli_import *ret, struct kp_error *reterr)
{
    int encrypted = 0;
    EVP_PKEY *pkey = parse(text, &encrypted);
    kp_status st = KP_USAGE;
    if (!pkey) {
        st = kpb_fail(reterr, KP_USAGE,
                      encrypted ? "the PEM key is encrypted; decrypt it first"
                                : "the PEM text holds no private key that can be read");
    } else if (EVP_PKEY_is_a(pkey, "RSA")) {
        st = read_rsa(pkey, ret, reterr);
    } else if (EVP_PKEY_is_a(pkey, "EC")) {
        st = read_ec(pkey, ret, reterr);
    } else {
        st = kpb_fail(reterr, KP_USAGE, "the PEM key is neither RSA nor EC");
    }
    EVP_PKEY_free(pkey);
    return st;
}
