#include "tools/kp-emulator/app_certificate.h"

#include <string.h>

#include <openssl/core_names.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/certs.h"

#define SITE "emulator.certificate"
#define MODULUS_MAX_LEN 1024

/* Big-endian octets of a public number of the key; 0 when it has none. */
static size_t number_of(const EVP_PKEY *pkey, const char *name, uint8_t *out, int cap)
{
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1)
        return 0;
    int len = BN_num_bytes(number) <= cap ? BN_bn2bin(number, out) : 0;
    BN_free(number);
    return (size_t)len;
}

static kp_status public_key_of(X509 *cert, struct kpc_key **ret, struct kp_error *reterr)
{
    uint8_t n[MODULUS_MAX_LEN];
    uint8_t e[16];
    const EVP_PKEY *pkey = X509_get0_pubkey(cert);
    if (!pkey || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
        return kpb_fail(reterr, KP_CONFIG,
                        "the certificate of an application must have an RSA key");
    struct kp_key_info info = {.struct_size = sizeof info, .kty = KP_KTY_RSA};
    info.n = kpb_span(n, number_of(pkey, OSSL_PKEY_PARAM_RSA_N, n, sizeof n));
    info.e = kpb_span(e, number_of(pkey, OSSL_PKEY_PARAM_RSA_E, e, sizeof e));
    return kpc_key_from_public(&info, ret, reterr);
}

kp_status emu_app_certificate_read(const char *path, struct emu_certificate *ret,
                                   struct kp_error *reterr)
{
    X509 *cert = NULL;
    kp_status st = emu_certificate_read(path, &cert, reterr);
    if (st == KP_OK && (X509_digest(cert, EVP_sha1(), ret->sha1, NULL) != 1 ||
                        X509_digest(cert, EVP_sha256(), ret->sha256, NULL) != 1))
        st = kpb_fail(reterr, KP_INTERNAL, "the thumbprint of %s cannot be computed", path);
    if (st == KP_OK)
        st = public_key_of(cert, &ret->key, reterr);
    X509_free(cert);
    return st;
}

/* Standard base64 as url-safe base64, so that one decoder reads both. */
static void to_url_alphabet(kp_span text, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i++) {
        out[i] = text.ptr[i] == '+' ? '-' : text.ptr[i];
        out[i] = out[i] == '/' ? '_' : out[i];
    }
}

bool emu_certificate_matches(const struct emu_certificate *certificate, kp_span thumbprint,
                             bool sha256)
{
    uint8_t text[80];
    uint8_t hex[32];
    kp_buf bytes;
    const size_t len = sha256 ? 32 : 20;
    const kp_span own = kpb_span(sha256 ? certificate->sha256 : certificate->sha1, len);
    if (thumbprint.len == 0 || thumbprint.len > sizeof text)
        return false;
    if (thumbprint.len == 2 * len && kpb_hex_decode(thumbprint, hex, len) == KP_OK)
        return kpb_span_eq(kpb_span(hex, len), own);
    to_url_alphabet(thumbprint, text);
    kp_buf_init(&bytes, SITE, sizeof text);
    bool same = kpb_base64url_decode(kpb_span(text, thumbprint.len), &bytes) == KP_OK &&
                kpb_span_eq(kp_buf_view(&bytes), own);
    kp_buf_clear(&bytes);
    return same;
}
