/* PKCS #12. Source: RFC 7292. */
#include <openssl/pkcs12.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/credential_parts.h"

static kp_status fail_file(const struct azr_import *in, const char *sentence)
{
    return azr_import_fail(in, in->codes->file, sentence);
}

#define TOO_COSTLY "its password derivation is unknown, or costs more than any real one"

/* ---- The outer file ---- */

static kp_status decode_file(struct azr_import *in, kp_span file, PKCS12 **ret)
{
    BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, in->lib, NULL);
    bool ok = bio && p12 && d2i_PKCS12_bio(bio, &p12);
    BIO_free(bio);
    if (!ok) {
        PKCS12_free(p12);
        return fail_file(in, "it is damaged, or no PFX file");
    }
    *ret = p12;
    return KP_OK;
}

/* A digest has no parameters; a scheme that has some hides its own count of iterations in them. */
static bool is_plain_mac(const PKCS12 *p12)
{
    const X509_ALGOR *alg = NULL;
    const ASN1_INTEGER *iterations = NULL;
    PKCS12_get0_mac(NULL, &alg, NULL, &iterations, p12);
    if (!alg || !azr_import_is_affordable_count(iterations))
        return false;
    return !alg->parameter || alg->parameter->type == V_ASN1_NULL;
}

/*
 * An empty password is written in two ways, as nothing and as an empty text (RFC 7292 appendix B.1
 * leaves it open). Tries the second where the first does not fit, and stays with it.
 */
static bool check_mac(struct azr_import *in, PKCS12 *p12, const char **ret_password)
{
    const char *password = (const char *)in->password.ptr;
    *ret_password = password;
    if (in->password.len > 0)
        return PKCS12_verify_mac(p12, password, (int)in->password.len) == 1;
    if (PKCS12_verify_mac(p12, NULL, 0) == 1) {
        *ret_password = NULL;
        return true;
    }
    return PKCS12_verify_mac(p12, password, 0) == 1;
}

static kp_status check_password(struct azr_import *in, PKCS12 *p12, const char **ret_password)
{
    *ret_password = (const char *)in->password.ptr;
    if (!PKCS12_mac_present(p12))
        return KP_OK;
    if (!is_plain_mac(p12))
        return fail_file(in, TOO_COSTLY);
    if (check_mac(in, p12, ret_password))
        return KP_OK;
    return fail_file(in, "its password is wrong, or it is damaged");
}

/* ---- Bags ---- */

static kp_status take_sealed_key(struct azr_import *in, const PKCS12_SAFEBAG *bag,
                                 const char *password)
{
    const X509_ALGOR *alg = NULL;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &alg, NULL);
    if (!alg || !azr_import_is_affordable(alg))
        return fail_file(in, TOO_COSTLY);
    PKCS8_PRIV_KEY_INFO *info =
        PKCS12_decrypt_skey_ex(bag, password, (int)in->password.len, in->lib, NULL);
    if (!info)
        return azr_import_fail(in, in->codes->private_key, "its private key cannot be decrypted");
    kp_status st = azr_import_take_pkcs8(in, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return st;
}

/* Steps into the element at *p, which must have this tag; *end becomes its end. */
static bool step_in(const uint8_t **p, const uint8_t **end, int tag)
{
    long len = 0;
    int found = 0;
    int cls = 0;
    int form = ASN1_get_object(p, &len, &found, &cls, (long)(*end - *p)); /* below 64 KiB */
    if ((form & 0x80) != 0 || (form & 0x01) != 0 || found != tag || len > *end - *p)
        return false;
    *end = *p + len;
    return true;
}

/* Steps over an OBJECT IDENTIFIER. */
static bool step_over_name(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *inner_end = end;
    if (!step_in(p, &inner_end, V_ASN1_OBJECT))
        return false;
    *p = inner_end;
    return true;
}

/*
 * SEQUENCE { certBag, [0] SEQUENCE { x509Certificate, [0] OCTET STRING, ... }, ... }, as written by
 * OpenSSL itself in DER.
 */
static bool find_cert(const uint8_t **p, const uint8_t **end)
{
    return step_in(p, end, V_ASN1_SEQUENCE) && step_over_name(p, *end) && step_in(p, end, 0) &&
           step_in(p, end, V_ASN1_SEQUENCE) && step_over_name(p, *end) && step_in(p, end, 0) &&
           step_in(p, end, V_ASN1_OCTET_STRING);
}

/*
 * By way of the bag's DER rather than PKCS12_SAFEBAG_get1_cert, which decodes the certificate in
 * OpenSSL's default context, the host's.
 */
static kp_status take_cert(struct azr_import *in, const PKCS12_SAFEBAG *bag)
{
    uint8_t *der = NULL;
    kp_status st = KP_OK;
    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
        return KP_OK;
    int len = i2d_PKCS12_SAFEBAG(bag, &der);
    const uint8_t *p = der;
    const uint8_t *end = der + (len > 0 ? len : 0);
    if (len <= 0)
        return fail_file(in, "a certificate in it cannot be read");
    if (find_cert(&p, &end))
        st = azr_import_take_cert(in, p, (size_t)(end - p));
    OPENSSL_free(der);
    return st;
}

/* Bags inside bags are allowed by the format and written by nobody: passed over. */
static kp_status take_bag(struct azr_import *in, const PKCS12_SAFEBAG *bag, const char *password)
{
    kp_status st = azr_import_count(in);
    if (st != KP_OK)
        return st;
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
        return azr_import_take_pkcs8(in, PKCS12_SAFEBAG_get0_p8inf(bag));
    case NID_pkcs8ShroudedKeyBag:
        return take_sealed_key(in, bag, password);
    case NID_certBag:
        return take_cert(in, bag);
    default:
        return KP_OK;
    }
}

static kp_status take_bags(struct azr_import *in, const STACK_OF(PKCS12_SAFEBAG) * bags,
                           const char *password)
{
    kp_status st = KP_OK;
    for (int i = 0; st == KP_OK && i < sk_PKCS12_SAFEBAG_num(bags); i++)
        st = take_bag(in, sk_PKCS12_SAFEBAG_value(bags, i), password);
    return st;
}

/* ---- Safes ---- */

static bool is_affordable_safe(const PKCS7 *safe)
{
    const PKCS7_ENCRYPT *sealed = safe->d.encrypted;
    return sealed && sealed->enc_data && sealed->enc_data->algorithm &&
           azr_import_is_affordable(sealed->enc_data->algorithm);
}

static kp_status open_safe(struct azr_import *in, PKCS7 *safe, const char *password,
                           STACK_OF(PKCS12_SAFEBAG) * *ret)
{
    *ret = NULL;
    if (PKCS7_type_is_data(safe)) {
        *ret = PKCS12_unpack_p7data(safe);
    } else if (PKCS7_type_is_encrypted(safe)) {
        if (!is_affordable_safe(safe))
            return fail_file(in, TOO_COSTLY);
        *ret = PKCS12_unpack_p7encdata(safe, password, (int)in->password.len);
    } else {
        return fail_file(in, "a part of it is sealed for a recipient instead of a password");
    }
    return *ret ? KP_OK
                : fail_file(in, "a part of it cannot be opened: wrong password, or damaged");
}

static kp_status take_safe(struct azr_import *in, PKCS7 *safe, const char *password)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    kp_status st = azr_import_count(in);
    if (st == KP_OK)
        st = open_safe(in, safe, password, &bags);
    if (st == KP_OK)
        st = take_bags(in, bags, password);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return st;
}

static kp_status take_safes(struct azr_import *in, PKCS12 *p12, const char *password)
{
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    kp_status st = safes ? KP_OK : fail_file(in, "it is damaged, or no PFX file");
    for (int i = 0; st == KP_OK && i < sk_PKCS7_num(safes); i++)
        st = take_safe(in, sk_PKCS7_value(safes, i), password);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return st;
}

static kp_status take_file(struct azr_import *in, kp_span file)
{
    PKCS12 *p12 = NULL;
    const char *password = NULL;
    kp_status st = decode_file(in, file, &p12);
    if (st == KP_OK)
        st = check_password(in, p12, &password);
    if (st == KP_OK)
        st = take_safes(in, p12, password);
    PKCS12_free(p12);
    return st;
}

kp_status azr_credential_from_pfx(kp_span file, kp_span password, struct azr_credential *ret,
                                  struct kp_error *reterr)
{
    struct azr_import in = {.codes = &azr_pfx_codes, .reterr = reterr};
    struct azr_credential made = {0};
    kp_status st = azr_import_begin(&in, file, password);
    if (st == KP_OK)
        st = take_file(&in, file);
    if (st == KP_OK)
        st = azr_import_finish(&in, false, &made);
    azr_import_end(&in);
    if (st == KP_OK)
        *ret = made; /* moved to the caller */
    else
        azr_credential_clear(&made);
    return st;
}
