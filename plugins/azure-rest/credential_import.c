/* What the readers of PFX and PEM share: the library context, keys and certificates taken in. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/init.h"
#include "plugins/azure-rest/credential_parts.h"

#define PASSWORD_SITE "azure-rest.credential.password"
#define NUMBERS_SITE "azure-rest.credential.numbers"
#define NUMBERS_MAX_LEN (6u * KPC_RSA_MAX_LEN) /* n, d, and five of half the size, and e */
#define N_NUMBERS 8u
#define SCRYPT_MAX_WORK (1u << 24) /* N * r * p; what openssl writes is 2^17 */

const struct azr_import_codes azr_pfx_codes = {
    AZR_CONTAINER_PFX,
    "PFX file",
    KP_CODE_ErrorPfxCertAuthParamsImportPfx,
    KP_CODE_ErrorPfxCertAuthParamsGetThumbprint,
    KP_CODE_ErrorPfxCertAuthParamsGetPrivateKey,
    KP_CODE_ErrorPfxCertAuthParamsSignAlg,
    KP_CODE_ErrorPfxCertAuthParamsImportForSign,
};
const struct azr_import_codes azr_pem_codes = {
    AZR_CONTAINER_PEM,
    "PEM file",
    KP_CODE_ErrorPEMCertAuthParamsGetPrivateKey,
    KP_CODE_ErrorPEMCertAuthParamsGetThumbprint,
    KP_CODE_ErrorPEMCertAuthParamsGetPrivateKey,
    KP_CODE_ErrorPEMCertAuthParamsSignAlg,
    KP_CODE_ErrorPEMCertAuthParamsImportForSign,
};
const struct azr_import_codes azr_blob_codes = {
    AZR_CONTAINER_BLOB,
    "key blob",
    KP_CODE_ErrorLegacyPrivateKeyAuthParamsImportForSign,
    KP_CODE_ErrorPEMCertAuthParamsGetThumbprint,
    KP_CODE_ErrorLegacyPrivateKeyAuthParamsImportForSign,
    KP_CODE_ErrorLegacyPrivateKeyAuthParamsSignAlg,
    KP_CODE_ErrorLegacyPrivateKeyAuthParamsImportForSign,
};

/* ---- Failing ---- */

static bool is_out_of_memory(void)
{
    return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ||
           ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/* The older provider is a file of its own that an installation may lack. */
static bool is_for_want_of_legacy(const struct azr_import *in)
{
    unsigned long error = ERR_peek_last_error();
    return !in->legacy &&
           (ERR_GET_REASON(error) == ERR_R_UNSUPPORTED ||
            (ERR_GET_LIB(error) == ERR_LIB_EVP &&
             ERR_GET_REASON(error) == EVP_R_UNSUPPORTED_ALGORITHM) ||
            (ERR_GET_LIB(error) == ERR_LIB_EVP && ERR_GET_REASON(error) == EVP_R_UNKNOWN_CIPHER));
}

kp_status azr_import_fail(const struct azr_import *in, uint32_t code, const char *sentence)
{
    if (is_out_of_memory())
        return kpb_fail_memory(in->reterr, "azure-rest.credential.openssl");
    if (is_for_want_of_legacy(in))
        return kpb_fail_code(in->reterr, KP_UNSUPPORTED, in->codes->algorithm,
                             "%s: it needs an old algorithm, and OpenSSL's legacy provider is not "
                             "installed; export it anew with AES, or install the provider",
                             in->codes->name);
    return kpb_fail_code(in->reterr, KP_CONFIG, code, "%s: %s", in->codes->name, sentence);
}

kp_status azr_import_count(struct azr_import *in)
{
    if (++in->n_parts <= AZR_CREDENTIAL_MAX_PARTS)
        return KP_OK;
    return azr_import_fail(in, in->codes->file, "it has more parts than any real one");
}

/* ---- Beginning and ending ---- */

static kp_status copy_password(struct azr_import *in, kp_span password)
{
    kp_buf_init_secret(&in->password, PASSWORD_SITE, AZR_CREDENTIAL_PASSWORD_MAX_LEN + 1u);
    if (kp_buf_append(&in->password, password) != KP_OK ||
        kp_buf_append_byte(&in->password, 0) != KP_OK)
        return kpb_fail_memory(in->reterr, PASSWORD_SITE);
    in->password.len--; /* the NUL stays behind it, for those who count none */
    return KP_OK;
}

/* A context of its own: what the legacy provider offers must not be there for anything else. */
static kp_status make_lib(struct azr_import *in)
{
    kp_status st = kpc_init(in->reterr);
    if (st != KP_OK)
        return st;
    in->lib = OSSL_LIB_CTX_new();
    in->base = in->lib ? OSSL_PROVIDER_load(in->lib, "default") : NULL;
    if (!in->base)
        return kpb_fail_memory(in->reterr, "azure-rest.credential.openssl");
    in->legacy = OSSL_PROVIDER_try_load(in->lib, "legacy", 1);
    (void)
        ERR_pop_to_mark(); /* that it is missing explains a failure later only if it is the cause */
    (void)ERR_set_mark();
    return KP_OK;
}

kp_status azr_import_begin(struct azr_import *in, kp_span file, kp_span password)
{
    (void)ERR_set_mark();
    if (file.len == 0 || file.len > AZR_CREDENTIAL_FILE_MAX_LEN)
        return azr_import_fail(in, in->codes->file, "it is empty, or larger than 64 KiB");
    if (password.len > AZR_CREDENTIAL_PASSWORD_MAX_LEN)
        return azr_import_fail(in, in->codes->file, "its password is longer than 512 bytes");
    kp_status st = copy_password(in, password);
    return st == KP_OK ? make_lib(in) : st;
}

void azr_import_end(struct azr_import *in)
{
    for (uint32_t i = 0; i < in->n_certs; i++)
        X509_free(in->certs[i]);
    EVP_PKEY_free(in->pkey);
    if (in->legacy)
        (void)OSSL_PROVIDER_unload(in->legacy);
    if (in->base)
        (void)OSSL_PROVIDER_unload(in->base);
    OSSL_LIB_CTX_free(in->lib);
    kp_buf_clear(&in->password);
    (void)ERR_pop_to_mark();
}

/* ---- What a password may cost ---- */

bool azr_import_is_affordable_count(const ASN1_INTEGER *iterations)
{
    int64_t n = 0;
    if (!iterations)
        return true;
    return ASN1_INTEGER_get_int64(&n, iterations) == 1 && n > 0 && n <= AZR_KDF_MAX_ITERATIONS;
}

static bool is_affordable_pbkdf2(const ASN1_TYPE *parameter)
{
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    bool ok = p && azr_import_is_affordable_count(p->iter);
    PBKDF2PARAM_free(p);
    return ok;
}

/* False unless 0 < n and work * n stays within the bound. */
static bool multiply_work(uint64_t *work, const ASN1_INTEGER *n)
{
    uint64_t factor = 0;
    if (ASN1_INTEGER_get_uint64(&factor, n) != 1 || factor == 0 || factor > SCRYPT_MAX_WORK)
        return false;
    *work *= factor;
    return *work <= SCRYPT_MAX_WORK;
}

static bool is_affordable_scrypt(const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    uint64_t work = 1;
    bool ok = p && multiply_work(&work, p->costParameter) && multiply_work(&work, p->blockSize) &&
              multiply_work(&work, p->parallelizationParameter);
    SCRYPT_PARAMS_free(p);
    return ok;
}

static bool is_affordable_pbes2(const ASN1_TYPE *parameter)
{
    PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
    bool ok = false;
    if (p && p->keyfunc) {
        int kdf = OBJ_obj2nid(p->keyfunc->algorithm);
        ok = (kdf == NID_id_pbkdf2 && is_affordable_pbkdf2(p->keyfunc->parameter)) ||
             (kdf == NID_id_scrypt && is_affordable_scrypt(p->keyfunc->parameter));
    }
    PBE2PARAM_free(p);
    return ok;
}

bool azr_import_is_affordable(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *name = NULL;
    X509_ALGOR_get0(&name, NULL, NULL, alg);
    if (!alg->parameter)
        return false;
    if (OBJ_obj2nid(name) == NID_pbes2)
        return is_affordable_pbes2(alg->parameter);
    PBEPARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), alg->parameter);
    bool ok = p && azr_import_is_affordable_count(p->iter);
    PBEPARAM_free(p);
    return ok;
}

/* ---- Taking in ---- */

kp_status azr_import_take_key(struct azr_import *in, EVP_PKEY *pkey)
{
    if (!pkey)
        return azr_import_fail(in, in->codes->private_key, "its private key cannot be decoded");
    if (in->pkey) {
        EVP_PKEY_free(pkey);
        return azr_import_fail(in, in->codes->private_key,
                               "it has several private keys; leave the one of the certificate");
    }
    in->pkey = pkey;
    return KP_OK;
}

kp_status azr_import_take_pkcs8(struct azr_import *in, const PKCS8_PRIV_KEY_INFO *info)
{
    return azr_import_take_key(in, EVP_PKCS82PKEY_ex(info, in->lib, NULL));
}

kp_status azr_import_take_cert(struct azr_import *in, const uint8_t *der, size_t len)
{
    X509 *cert = X509_new_ex(in->lib, NULL);
    if (!cert)
        return kpb_fail_memory(in->reterr, "azure-rest.credential.openssl");
    if (in->n_certs < AZR_CREDENTIAL_MAX_PARTS && d2i_X509(&cert, &der, (long)len))
        in->certs[in->n_certs++] = cert; /* moved in */
    else
        X509_free(cert); /* NULL once decoding has failed */
    return KP_OK;
}

/* ---- The key ---- */

/* Where each number of an RSA key goes. */
static kp_span *number_slot(struct kp_key_params *params, size_t i)
{
    kp_span *const slots[N_NUMBERS] = {&params->n, &params->e,  &params->d,  &params->p,
                                       &params->q, &params->dp, &params->dq, &params->qi};
    return slots[i];
}

static const char *const NUMBER_NAMES[N_NUMBERS] = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/* An absent number stays absent; one too long for any key of ours is the key's fault. */
static kp_status take_number(const EVP_PKEY *pkey, size_t i, kp_buf *numbers,
                             struct kp_key_params *params)
{
    BIGNUM *number = NULL;
    uint8_t *to = NULL;
    if (EVP_PKEY_get_bn_param(pkey, NUMBER_NAMES[i], &number) != 1)
        return KP_OK;
    int len = BN_num_bytes(number);
    kp_status st = len > (int)KPC_RSA_MAX_LEN ? KP_USAGE : KP_OK;
    if (st == KP_OK)
        st = kp_buf_extend(numbers, (size_t)len, &to);
    if (st == KP_OK) {
        (void)BN_bn2bin(number, to);
        *number_slot(params, i) = kpb_span(to, (size_t)len);
    }
    BN_clear_free(number);
    return st;
}

kp_status azr_import_make_key(const struct azr_import *in, const struct kp_key_params *params,
                              struct kpc_key **ret_key)
{
    struct kp_error why;
    struct kpc_key *key = NULL;
    kp_error_init(&why);
    kp_status st = kpc_key_from_jwk(params, KPC_FOREIGN, &key, &why);
    if (st == KP_OK && kpc_key_has_private(key)) {
        *ret_key = key; /* moved to the caller */
        return KP_OK;
    }
    kpc_key_release(key);
    if (st == KP_NO_MEMORY || st == KP_INTERNAL) {
        if (in->reterr)
            *in->reterr = why;
        return st;
    }
    return kpb_fail_code(in->reterr, KP_CONFIG, in->codes->unfit,
                         "%s: its private key cannot sign: %s", in->codes->name,
                         st == KP_OK ? "it is a public key only" : why.text);
}

static kp_status fill_params(const struct azr_import *in, kp_buf *numbers,
                             struct kp_key_params *params)
{
    /* Reserved at once: the spans would not survive that the buffer moves. */
    kp_status st = kp_buf_reserve(numbers, NUMBERS_MAX_LEN);
    if (st == KP_OK && !EVP_PKEY_is_a(in->pkey, "RSA"))
        return azr_import_fail(in, in->codes->unfit, "its private key is not RSA");
    for (size_t i = 0; st == KP_OK && i < N_NUMBERS; i++)
        st = take_number(in->pkey, i, numbers, params);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(in->reterr, NUMBERS_SITE);
    if (st != KP_OK)
        return azr_import_fail(in, in->codes->unfit, "its private key has more than 4096 bits");
    return KP_OK;
}

static kp_status convert_key(const struct azr_import *in, struct kpc_key **ret_key)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA};
    kp_buf numbers;
    kp_buf_init_secret(&numbers, NUMBERS_SITE, NUMBERS_MAX_LEN);
    kp_status st = fill_params(in, &numbers, &params);
    if (st == KP_OK)
        st = azr_import_make_key(in, &params, ret_key);
    kp_buf_clear(&numbers);
    return st;
}

/* ---- Its certificate ---- */

/* Seconds since 1970. */
static int64_t unix_time(const ASN1_TIME *time)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    return ok ? (int64_t)days * 86400 + seconds : KP_TIME_NONE;
}

static bool digest_cert(const struct azr_import *in, const char *name, const uint8_t *der,
                        size_t len, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(in->lib, name, NULL);
    bool ok = md && EVP_Digest(der, len, out, NULL, md, NULL) == 1;
    EVP_MD_free(md);
    return ok;
}

static bool name_cert(const struct azr_import *in, X509 *cert, struct azr_credential *ret)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    ret->has_x5t = len > 0 && digest_cert(in, "SHA1", der, (size_t)len, ret->x5t);
    ret->has_x5t_s256 = len > 0 && digest_cert(in, "SHA256", der, (size_t)len, ret->x5t_s256);
    ret->not_before_unix_s = unix_time(X509_get0_notBefore(cert));
    ret->not_after_unix_s = unix_time(X509_get0_notAfter(cert));
    OPENSSL_free(der);
    return ret->has_x5t && ret->has_x5t_s256;
}

static X509 *find_own_cert(const struct azr_import *in)
{
    for (uint32_t i = 0; i < in->n_certs; i++) {
        EVP_PKEY *pub = X509_get0_pubkey(in->certs[i]);
        if (pub && EVP_PKEY_eq(pub, in->pkey) == 1)
            return in->certs[i];
    }
    return NULL;
}

static kp_status name_certificate(const struct azr_import *in, bool has_thumbprint,
                                  struct azr_credential *credential)
{
    struct azr_credential found = {.key = credential->key,
                                   .container = credential->container,
                                   .not_before_unix_s = KP_TIME_NONE,
                                   .not_after_unix_s = KP_TIME_NONE};
    X509 *cert = find_own_cert(in);
    if (!cert && has_thumbprint)
        return KP_OK;
    if (!cert && in->n_certs > 0 && in->codes->container == AZR_CONTAINER_PEM)
        return kpb_fail_code(in->reterr, KP_AUTH, KP_CODE_ErrorJWTTokenSignatureSignHash,
                             "%s: no certificate in it belongs to its private key",
                             in->codes->name);
    if (!cert)
        return azr_import_fail(in, in->codes->thumbprint,
                               "it has no certificate of its private key, and no thumbprint is "
                               "configured");
    if (!name_cert(in, cert, &found))
        return azr_import_fail(in, in->codes->thumbprint, "the certificate cannot be digested");
    if (has_thumbprint && !azr_thumbprint_fits(credential, &found))
        return azr_import_fail(in, in->codes->thumbprint,
                               "the certificate in it is not the one of the configured thumbprint");
    *credential = found;
    return KP_OK;
}

kp_status azr_import_finish(struct azr_import *in, bool has_thumbprint,
                            struct azr_credential *credential)
{
    if (!in->pkey)
        return azr_import_fail(in, in->codes->private_key, "it has no private key");
    credential->container = in->codes->container;
    kp_status st = convert_key(in, &credential->key);
    return st == KP_OK ? name_certificate(in, has_thumbprint, credential) : st;
}
