/*
 * A provider library for tests of the rehearsal: RSA keys as PEM files, one folder per IDENTITY
 * under SCRIPTED_EKM_ROOT, SECRET 's3cret'. SCRIPTED_EKM_FAULT names one rule that it breaks.
 * Written for one thread.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "ekm/abi.h"

#define THUMB_LEN 20u
#define PATH_LEN 512u
#define N_KEYS_MAX 64u

struct key {
    char name[128];
    EVP_PKEY *pkey;
    uint8_t thumb[THUMB_LEN];
};

struct session {
    char folder[PATH_LEN];
};

static bool has_fault(const char *name)
{
    const char *fault = getenv("SCRIPTED_EKM_FAULT");
    return fault && strcmp(fault, name) == 0;
}

/* ---- Text ---- */

static bool read_text(const SqlCpStr *s, char *out, size_t len)
{
    const size_t n = s->cb / 2;
    if (n >= len || s->cb % 2)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->ws[i] == 0 || s->ws[i] > 126)
            return false;
        out[i] = (char)s->ws[i];
    }
    out[n] = '\0';
    return true;
}

static bool fits(const SqlCpStr *s, const char *text)
{
    return s->ws && s->cb >= strlen(text) * 2;
}

static void write_text(SqlCpStr *s, const char *text)
{
    for (size_t i = 0; s->ws && i < strlen(text); i++)
        s->ws[i] = (uint8_t)text[i];
    s->cb = (uint32_t)strlen(text) * 2;
}

/* ---- Keys ---- */

static bool make_thumb(struct key *k)
{
    uint8_t *der = NULL;
    const int len = i2d_PUBKEY(k->pkey, &der);
    if (len <= 0)
        return false;
    (void)SHA1(der, (size_t)len, k->thumb);
    OPENSSL_free(der);
    return true;
}

static bool load_key(const struct session *s, const char *name, struct key *k)
{
    char path[PATH_LEN + 160];
    (void)snprintf(path, sizeof path, "%s/%s.pem", s->folder, name);
    (void)snprintf(k->name, sizeof k->name, "%s", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    k->pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    (void)fclose(f);
    return k->pkey && make_thumb(k);
}

/* An index file lists the names, one a line; GetNextKeyId counts them. */
static bool key_at(const struct session *s, size_t at, struct key *k)
{
    char path[PATH_LEN + 16];
    char line[128];
    bool found = false;
    (void)snprintf(path, sizeof path, "%s/index", s->folder);
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        found = at-- == 0 && load_key(s, line, k);
        if (at == SIZE_MAX)
            break;
    }
    if (f)
        (void)fclose(f);
    return found;
}

static bool key_by_thumb(const struct session *s, const SqlCpKeyThumbprint *thumb, struct key *k)
{
    for (size_t i = 0; i < N_KEYS_MAX; i++) {
        memset(k, 0, sizeof *k);
        if (!key_at(s, i, k)) {
            EVP_PKEY_free(k->pkey);
            return false;
        }
        if (thumb->cb == THUMB_LEN && memcmp(thumb->pb, k->thumb, THUMB_LEN) == 0)
            return true;
        EVP_PKEY_free(k->pkey);
    }
    return false;
}

static uint32_t algorithm_of(const struct key *k)
{
    const uint32_t id = EVP_PKEY_get_bits(k->pkey) == 3072 ? 2 : 1;
    return has_fault("algorithm-id") ? 3 - id : id;
}

/* ---- The exports ---- */

SqlCpError SqlCryptInitializeProvider(void)
{
    return has_fault("initialize") ? scp_err_Failure : scp_err_Success;
}

SqlCpError SqlCryptFreeProvider(void)
{
    return scp_err_Success;
}

SqlCpError SqlCryptOpenSession(const SqlCpCredential *pAuth, SqlCpSession *pSess)
{
    char identity[128];
    char secret[128];
    struct stat st;
    struct session *s = calloc(1, sizeof *s);
    if (!s || !read_text(&pAuth->name, identity, sizeof identity) ||
        !read_text(&pAuth->password, secret, sizeof secret) || strcmp(secret, "s3cret") != 0) {
        free(s);
        return (SqlCpError)3303;
    }
    (void)snprintf(s->folder, sizeof s->folder, "%s/%s", getenv("SCRIPTED_EKM_ROOT"), identity);
    if (stat(s->folder, &st) != 0) {
        free(s);
        return (SqlCpError)3900;
    }
    *pSess = s;
    return scp_err_Success;
}

SqlCpError SqlCryptCloseSession(SqlCpSession *pSess, SqlCpBoolean fAbort)
{
    (void)fAbort;
    free(*pSess);
    return scp_err_Success;
}

SqlCpError SqlCryptGetProviderInfo(SqlCpProviderInfo *pProvInfo)
{
    static const char name[] = "scripted provider";
    static uint16_t own[sizeof name];
    const SqlCpStr given = pProvInfo->name;
    const bool enough = fits(&given, name);
    memset(pProvInfo, 0, sizeof *pProvInfo);
    pProvInfo->name = given;
    pProvInfo->guid =
        (SqlCpGuid){has_fault("guid") ? 7u : 0x01020304u, 0x0506, 0x0708, {1, 2, 3, 4, 5, 6, 7, 8}};
    pProvInfo->version = (SqlCpVersion){1, has_fault("version"), 2, 3};
    pProvInfo->scpVersion = (SqlCpVersion){1, has_fault("interface") ? 2 : 1, 0, 0};
    pProvInfo->authType = has_fault("auth-type") ? 9 : scp_auth_Basic;
    pProvInfo->asymmKeySupport = scp_kf_Supported;
    pProvInfo->cbKeyThumbLen = has_fault("thumb-length") ? 33 : THUMB_LEN;
    pProvInfo->fAcceptsKeyName = !has_fault("no-names");
    if (has_fault("own-pointer"))
        pProvInfo->name.ws = own;
    if (enough)
        write_text(&pProvInfo->name, name);
    pProvInfo->name.cb = sizeof name * 2 - 2;
    if (has_fault("overrun") && enough)
        given.ws[given.cb / 2] = 0;
    return enough || has_fault("success-on-probe") ? scp_err_Success : scp_err_InsufficientBuffer;
}

SqlCpError SqlCryptGetNextAlgorithmId(SqlCpAlgId *pAlgId)
{
    if (has_fault("endless"))
        return scp_err_Success;
    if (*pAlgId >= 2)
        return scp_err_NotFound;
    (*pAlgId)++;
    return scp_err_Success;
}

SqlCpError SqlCryptGetAlgorithmInfo(SqlCpAlgId algId, SqlCpAlgorithmInfo *pAlgInfo)
{
    const SqlCpStr given = pAlgInfo->algTag;
    const char *tag = algId == 2 ? "RSA_3072" : "RSA_2048";
    if (has_fault("tag"))
        tag = "RSA_9999";
    if (algId == 0 || algId > 2 || has_fault("no-algorithm-info"))
        return scp_err_NotFound;
    const bool enough = fits(&given, tag);
    memset(pAlgInfo, 0, sizeof *pAlgInfo);
    pAlgInfo->algTag = given;
    pAlgInfo->algId = algId;
    pAlgInfo->type = scp_kt_Asymmetric;
    pAlgInfo->bitLen = (algId == 2 ? 3072u : 2048u) + (has_fault("bit-length") ? 1 : 0);
    if (enough)
        write_text(&pAlgInfo->algTag, tag);
    pAlgInfo->algTag.cb = (uint32_t)strlen(tag) * 2;
    return enough ? scp_err_Success : scp_err_InsufficientBuffer;
}

static bool append_index(const struct session *s, const char *name)
{
    char path[PATH_LEN + 16];
    (void)snprintf(path, sizeof path, "%s/index", s->folder);
    FILE *f = fopen(path, "a");
    if (!f)
        return false;
    (void)fprintf(f, "%s\n", name);
    return fclose(f) == 0;
}

static bool store_key(const struct session *s, const struct key *k)
{
    char path[PATH_LEN + 160];
    (void)snprintf(path, sizeof path, "%s/%s.pem", s->folder, k->name);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    const int written = PEM_write_PrivateKey(f, k->pkey, NULL, NULL, 0, NULL, NULL);
    return fclose(f) == 0 && written == 1 && append_index(s, k->name);
}

SqlCpError SqlCryptCreateKey(const SqlCpSession *pSess, const SqlCpStr *pKeyName, SqlCpAlgId algId,
                             SqlCpKeyFlags keyFlags, SqlCpKeyThumbprint *pKeyThumb)
{
    struct key k = {.pkey = NULL};
    struct key old = {.pkey = NULL};
    (void)keyFlags;
    if (!pKeyThumb->pb || pKeyThumb->cb < THUMB_LEN) {
        pKeyThumb->cb = THUMB_LEN;
        return scp_err_InsufficientBuffer;
    }
    if (!read_text(pKeyName, k.name, sizeof k.name))
        return scp_err_InvalidArgument;
    if (load_key(*pSess, k.name, &old)) {
        EVP_PKEY_free(old.pkey);
        return (SqlCpError)3114;
    }
    k.pkey = EVP_RSA_gen(algId == 2 ? 3072u : 2048u);
    const bool ok = k.pkey && make_thumb(&k) && store_key(*pSess, &k);
    EVP_PKEY_free(k.pkey);
    if (!ok)
        return scp_err_Failure;
    memcpy(pKeyThumb->pb, k.thumb, THUMB_LEN);
    pKeyThumb->cb = THUMB_LEN;
    return scp_err_Success;
}

SqlCpError SqlCryptDropKey(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb)
{
    (void)pSess;
    (void)pKeyThumb;
    return scp_err_NotSupported;
}

SqlCpError SqlCryptGetNextKeyId(const SqlCpSession *pSess, SqlCpKeyId *pKeyId)
{
    struct key k = {.pkey = NULL};
    const bool found = key_at(*pSess, *pKeyId, &k);
    EVP_PKEY_free(k.pkey);
    if (!found)
        return scp_err_NotFound;
    (*pKeyId)++;
    return scp_err_Success;
}

static SqlCpError tell(struct key *k, SqlCpKeyInfo *info)
{
    const SqlCpStr name = info->name;
    const SqlCpKeyThumbprint thumb = info->thumb;
    const bool enough = fits(&name, k->name) && thumb.pb && thumb.cb >= THUMB_LEN;
    memset(info, 0, sizeof *info);
    info->name = name;
    info->thumb = thumb;
    info->algId = algorithm_of(k);
    if (enough) {
        write_text(&info->name, k->name);
        memcpy(thumb.pb, k->thumb, THUMB_LEN);
    }
    info->name.cb = (uint32_t)strlen(k->name) * 2;
    info->thumb.cb = THUMB_LEN;
    if (enough && has_fault("other-key"))
        thumb.pb[0] ^= 1;
    EVP_PKEY_free(k->pkey);
    return enough ? scp_err_Success : scp_err_InsufficientBuffer;
}

SqlCpError SqlCryptGetKeyInfoByKeyId(const SqlCpSession *pSess, SqlCpKeyId keyId,
                                     SqlCpKeyInfo *pKeyInfo)
{
    struct key k = {.pkey = NULL};
    if (keyId == 0 || !key_at(*pSess, keyId - 1, &k))
        return scp_err_NotFound;
    return tell(&k, pKeyInfo);
}

SqlCpError SqlCryptGetKeyInfoByThumb(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,
                                     SqlCpKeyInfo *pKeyInfo)
{
    struct key k = {.pkey = NULL};
    if (!key_by_thumb(*pSess, pKeyThumb, &k))
        return (SqlCpError)3112;
    return tell(&k, pKeyInfo);
}

SqlCpError SqlCryptGetKeyInfoByName(const SqlCpSession *pSess, const SqlCpStr *pKeyName,
                                    SqlCpKeyInfo *pKeyInfo)
{
    struct key k = {.pkey = NULL};
    char name[128];
    if (!read_text(pKeyName, name, sizeof name) || !load_key(*pSess, name, &k)) {
        EVP_PKEY_free(k.pkey);
        return (SqlCpError)3112;
    }
    return tell(&k, pKeyInfo);
}

SqlCpError SqlCryptExportKey(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,
                             const SqlCpKeyThumbprint *pEncryptorThumb, SqlCpKeyBlobType blobType,
                             SqlCpKeyBlob *pKeyBlob)
{
    struct key k = {.pkey = NULL};
    (void)pEncryptorThumb;
    if (blobType != scp_kb_PublicKeyBlob || has_fault("no-export"))
        return scp_err_NotSupported;
    if (!key_by_thumb(*pSess, pKeyThumb, &k))
        return (SqlCpError)3112;
    uint8_t *der = NULL;
    const int len = i2d_PUBKEY(k.pkey, &der);
    EVP_PKEY_free(k.pkey);
    const bool enough = pKeyBlob->pb && pKeyBlob->cb >= (uint32_t)len;
    if (enough)
        memcpy(pKeyBlob->pb, der, (size_t)len);
    pKeyBlob->cb = (uint32_t)len;
    OPENSSL_free(der);
    return enough || has_fault("short-success") ? scp_err_Success : scp_err_InsufficientBuffer;
}

SqlCpError SqlCryptImportKey(const SqlCpSession *pSess, const SqlCpStr *pKeyName,
                             const SqlCpKeyThumbprint *pDecryptorThumb, SqlCpKeyBlobType blobType,
                             SqlCpKeyFlags keyFlags, const SqlCpKeyBlob *pKeyBlob)
{
    (void)pSess;
    (void)pKeyName;
    (void)pDecryptorThumb;
    (void)blobType;
    (void)keyFlags;
    (void)pKeyBlob;
    return scp_err_NotSupported;
}

/* RSA-OAEP with SHA-1, OpenSSL's default. *len: room in, length out. */
static bool crypt_with(EVP_PKEY *pkey, bool encrypts, const SqlCpData *in, uint8_t *out,
                       size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool ok = ctx && (encrypts ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) > 0 &&
              EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0;
    ok = ok && (encrypts ? EVP_PKEY_encrypt(ctx, out, len, in->pb, in->cb)
                         : EVP_PKEY_decrypt(ctx, out, len, in->pb, in->cb)) > 0;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static SqlCpError crypt_by(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,
                           bool encrypts, const SqlCpData *in, SqlCpData *out)
{
    struct key k = {.pkey = NULL};
    uint8_t room[512];
    if (!key_by_thumb(*pSess, pKeyThumb, &k))
        return (SqlCpError)3112;
    size_t len = (size_t)EVP_PKEY_get_size(k.pkey);
    const bool is_probe = !out->pb || out->cb < len;
    const bool ok = is_probe || crypt_with(k.pkey, encrypts, in, room, &len);
    EVP_PKEY_free(k.pkey);
    if (!ok)
        return (SqlCpError)3715;
    if (!is_probe)
        memcpy(out->pb, room, len);
    if (!is_probe && !encrypts && has_fault("wrong-dek"))
        out->pb[0] ^= 1;
    out->cb = (uint32_t)len;
    return is_probe ? scp_err_InsufficientBuffer : scp_err_Success;
}

SqlCpError SqlCryptEncrypt(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,
                           SqlCpBoolean fFinal, const SqlCpEncryptionParam *pEncryptParams,
                           uint32_t cEncryptParams, const SqlCpData *pPlaintext,
                           SqlCpData *pCiphertext)
{
    (void)fFinal;
    (void)pEncryptParams;
    (void)cEncryptParams;
    return crypt_by(pSess, pKeyThumb, true, pPlaintext, pCiphertext);
}

SqlCpError SqlCryptDecrypt(const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,
                           SqlCpBoolean fFinal, const SqlCpEncryptionParam *pEncryptParams,
                           uint32_t cEncryptParams, const SqlCpData *pCiphertext,
                           SqlCpData *pPlaintext)
{
    (void)fFinal;
    (void)pEncryptParams;
    (void)cEncryptParams;
    return crypt_by(pSess, pKeyThumb, false, pCiphertext, pPlaintext);
}
