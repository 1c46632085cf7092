/* Private keys between our form, JWK members, and PKCS #8. */
#include "tools/kp-emulator/transfer.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/errors.h"
#include "base/span.h"

#define SITE "emulator.pkcs8"
#define NUMBER_MAX_LEN 1024

static const char *const GROUPS[] = {[KP_CURVE_P256] = "P-256",
                                     [KP_CURVE_P256K] = "secp256k1",
                                     [KP_CURVE_P384] = "P-384",
                                     [KP_CURVE_P521] = "P-521"};

/* ---- Out ---- */

/* Numbers of one key on their way into OpenSSL; they live until the builder has been used. */
struct builder {
    OSSL_PARAM_BLD *params;
    BIGNUM *numbers[8];
    size_t n;
    bool ok;
};

static void push(struct builder *b, const char *name, kp_span number)
{
    BIGNUM *bn = b->ok ? BN_bin2bn(number.ptr, (int)number.len, NULL) : NULL;
    b->ok = bn && b->n < 8 && OSSL_PARAM_BLD_push_BN(b->params, name, bn) == 1;
    if (bn && b->n < 8)
        b->numbers[b->n++] = bn;
}

static EVP_PKEY *finish(struct builder *b, const char *type)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = b->ok ? OSSL_PARAM_BLD_to_param(b->params) : NULL;
    EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
    if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b->params);
    for (size_t i = 0; i < b->n; i++)
        BN_clear_free(b->numbers[i]);
    return pkey;
}

static EVP_PKEY *rsa_of(const struct kp_key_info *info, const struct kpc_private *p)
{
    struct builder b = {.params = OSSL_PARAM_BLD_new()};
    b.ok = b.params != NULL;
    push(&b, OSSL_PKEY_PARAM_RSA_N, info->n);
    push(&b, OSSL_PKEY_PARAM_RSA_E, info->e);
    push(&b, OSSL_PKEY_PARAM_RSA_D, p->d);
    push(&b, OSSL_PKEY_PARAM_RSA_FACTOR1, p->p);
    push(&b, OSSL_PKEY_PARAM_RSA_FACTOR2, p->q);
    push(&b, OSSL_PKEY_PARAM_RSA_EXPONENT1, p->dp);
    push(&b, OSSL_PKEY_PARAM_RSA_EXPONENT2, p->dq);
    push(&b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, p->qi);
    return finish(&b, "RSA");
}

static EVP_PKEY *ec_of(const struct kp_key_info *info, const struct kpc_private *p)
{
    struct builder b = {.params = OSSL_PARAM_BLD_new()};
    uint8_t point[1 + 2 * 66] = {4};
    b.ok = b.params && info->x.len <= 66 && info->y.len <= 66;
    if (b.ok) {
        memcpy(point + 1, info->x.ptr, info->x.len);
        memcpy(point + 1 + info->x.len, info->y.ptr, info->y.len);
        b.ok = OSSL_PARAM_BLD_push_utf8_string(b.params, OSSL_PKEY_PARAM_GROUP_NAME,
                                               GROUPS[info->curve], 0) == 1 &&
               OSSL_PARAM_BLD_push_octet_string(b.params, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                1 + info->x.len + info->y.len) == 1;
    }
    push(&b, OSSL_PKEY_PARAM_PRIV_KEY, p->d);
    return finish(&b, "EC");
}

static kp_status write_der(EVP_PKEY *pkey, kp_buf *secret, struct kp_error *reterr)
{
    uint8_t *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = pkey ? EVP_PKEY2PKCS8(pkey) : NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    kp_status st = KP_INTERNAL;
    if (len > 0)
        st = kp_buf_append(secret, kpb_span(der, (size_t)len));
    if (der)
        OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
    return st == KP_OK ? KP_OK : kpb_fail(reterr, st, "the key could not be written as PKCS #8");
}

kp_status emu_pkcs8_write(const struct kpc_key *key, kp_buf *secret, struct kp_error *reterr)
{
    struct kp_key_info info = {.struct_size = sizeof info};
    struct kpc_private parts;
    kp_buf room;
    kp_buf_init_secret(&room, SITE, KPC_PRIVATE_MAX_LEN);
    kp_status st = kpc_key_export_private(key, &room, &parts, reterr);
    kpc_key_describe(key, &info);
    if (st == KP_OK && info.kty == KP_KTY_OCT) {
        st = kp_buf_append(secret, parts.k);
    } else if (st == KP_OK) {
        EVP_PKEY *pkey = info.kty == KP_KTY_RSA ? rsa_of(&info, &parts) : ec_of(&info, &parts);
        st = write_der(pkey, secret, reterr);
        EVP_PKEY_free(pkey);
    }
    kp_buf_clear(&room);
    return st;
}

/* ---- In ---- */

/* Appends a number of the key, of len bytes or (0) minimal. */
static bool take_number(const EVP_PKEY *pkey, const char *name, int len, kp_buf *secret,
                        kp_span *ret)
{
    BIGNUM *bn = NULL;
    uint8_t *room = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1)
        return false;
    int n = len > 0 ? len : BN_num_bytes(bn);
    bool ok = n > 0 && n <= NUMBER_MAX_LEN && kp_buf_extend(secret, (size_t)n, &room) == KP_OK &&
              BN_bn2binpad(bn, room, n) == n;
    BN_clear_free(bn);
    *ret = kpb_span(room, ok ? (size_t)n : 0);
    return ok;
}

static bool take_rsa(const EVP_PKEY *pkey, kp_buf *secret, struct kp_key_params *p)
{
    return take_number(pkey, OSSL_PKEY_PARAM_RSA_N, 0, secret, &p->n) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_E, 0, secret, &p->e) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_D, 0, secret, &p->d) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, 0, secret, &p->p) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, 0, secret, &p->q) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_EXPONENT1, 0, secret, &p->dp) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_EXPONENT2, 0, secret, &p->dq) &&
           take_number(pkey, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0, secret, &p->qi);
}

static bool take_ec(const EVP_PKEY *pkey, kp_buf *secret, struct kp_key_params *p)
{
    int len = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    switch (EVP_PKEY_get_bits(pkey)) {
    case 384:
        p->curve = KP_CURVE_P384;
        break;
    case 521:
        p->curve = KP_CURVE_P521;
        break;
    default:
        p->curve = p->curve == KP_CURVE_P256K ? KP_CURVE_P256K : KP_CURVE_P256;
        break;
    }
    return take_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, len, secret, &p->x) &&
           take_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, len, secret, &p->y) &&
           take_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, len, secret, &p->d);
}

kp_status emu_pkcs8_read(kp_span der, kp_buf *secret, struct kp_key_params *params,
                         struct kp_error *reterr)
{
    const unsigned char *at = der.ptr;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    EVP_PKEY *pkey = info ? EVP_PKCS82PKEY(info) : NULL;
    bool ok = pkey && kp_buf_reserve(secret, secret->limit - secret->len) == KP_OK;
    if (ok && params->kty == KP_KTY_RSA)
        ok = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA && take_rsa(pkey, secret, params);
    else if (ok)
        ok = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC && take_ec(pkey, secret, params);
    EVP_PKEY_free(pkey);
    PKCS8_PRIV_KEY_INFO_free(info);
    return ok ? KP_OK
              : kpb_fail(reterr, KP_USAGE, "the wrapped key is no PKCS #8 of the type asked for");
}
