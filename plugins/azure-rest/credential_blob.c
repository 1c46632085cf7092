/*
 * Private keys as old Windows tools write them, little-endian throughout.
 *
 *   MSBLOB  type(1)=7 version(1)=2 reserved(2) alg(4) "RSA2" bits(4) e(4)
 *           n[b] p[b/2] q[b/2] dp[b/2] dq[b/2] qi[b/2] d[b]        with b = bits / 8
 *   PVK     magic(4) reserved(4) keytype(4) encrypted(4) saltlen(4) keylen(4) salt MSBLOB
 *           encrypted: RC4 from byte 8 of the MSBLOB on, under SHA-1(salt, password)
 *
 * Source: Microsoft's PRIVATEKEYBLOB and RSAPUBKEY structures; Dr Stephen Henson's notes on PVK.
 */
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/credential_parts.h"

#define SITE "azure-rest.credential.blob"
#define BLOB_HEADER_LEN 20u
#define SEALED_FROM 8u
#define PVK_HEADER_LEN 24u
#define PVK_MAGIC 0xb0b5f11eu
#define RSA2_MAGIC 0x32415352u
#define SALT_MAX_LEN 1024u
#define RC4_KEY_LEN 16u
#define WEAK_KEY_LEN 5u /* what export rules once left of it */
#define NUMBERS_MAX_LEN (5u * KPC_RSA_MAX_LEN)

static kp_status fail_file(const struct azr_import *in, const char *sentence)
{
    return azr_import_fail(in, in->codes->file, sentence);
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- MSBLOB ---- */

static bool is_private_blob(kp_span blob)
{
    return blob.len >= BLOB_HEADER_LEN && blob.ptr[0] == 7 && blob.ptr[1] == 2;
}

/* Takes n bytes off *rest and appends them in reverse, big-endian; a view of them. */
static kp_span take_number(kp_span *rest, size_t n, kp_buf *numbers)
{
    uint8_t *to = NULL;
    if (kp_buf_extend(numbers, n, &to) != KP_OK)
        return kpb_span(NULL, 0); /* reserved before: does not happen */
    for (size_t i = 0; i < n; i++)
        to[i] = rest->ptr[n - 1 - i];
    *rest = kpb_span(rest->ptr + n, rest->len - n);
    return kpb_span(to, n);
}

static kp_status read_numbers(const struct azr_import *in, kp_span blob, kp_buf *numbers,
                              struct kp_key_params *params)
{
    uint32_t bits = read_u32(blob.ptr + 12);
    size_t len = bits / 8;
    kp_span rest = kpb_span(blob.ptr + 16, blob.len - 16);
    if (read_u32(blob.ptr + 8) != RSA2_MAGIC)
        return fail_file(in, "its private key is not RSA");
    if (bits != 2048 && bits != 3072 && bits != 4096)
        return fail_file(in, "its private key has not 2048, 3072 or 4096 bits");
    if (rest.len < 4 + len / 2 * 9)
        return fail_file(in, "it is cut off");
    if (kp_buf_reserve(numbers, NUMBERS_MAX_LEN) != KP_OK)
        return kpb_fail_memory(in->reterr, SITE);
    params->e = take_number(&rest, 4, numbers);
    params->n = take_number(&rest, len, numbers);
    params->p = take_number(&rest, len / 2, numbers);
    params->q = take_number(&rest, len / 2, numbers);
    params->dp = take_number(&rest, len / 2, numbers);
    params->dq = take_number(&rest, len / 2, numbers);
    params->qi = take_number(&rest, len / 2, numbers);
    params->d = take_number(&rest, len, numbers);
    return KP_OK;
}

static kp_status take_blob(const struct azr_import *in, kp_span blob, struct kpc_key **ret_key)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_RSA};
    kp_buf numbers;
    if (!is_private_blob(blob))
        return fail_file(in, "it is no private key blob");
    kp_buf_init_secret(&numbers, SITE, NUMBERS_MAX_LEN);
    kp_status st = read_numbers(in, blob, &numbers, &params);
    if (st == KP_OK)
        st = azr_import_make_key(in, &params, ret_key);
    kp_buf_clear(&numbers);
    return st;
}

/* ---- PVK ---- */

struct pvk {
    bool is_sealed;
    kp_span salt;
    kp_span blob;
};

static bool split_pvk(kp_span file, struct pvk *ret)
{
    if (file.len < PVK_HEADER_LEN)
        return false;
    size_t salt_len = read_u32(file.ptr + 16);
    size_t key_len = read_u32(file.ptr + 20);
    size_t room = file.len - PVK_HEADER_LEN;
    if (salt_len > SALT_MAX_LEN || salt_len > room || key_len > room - salt_len)
        return false;
    ret->is_sealed = read_u32(file.ptr + 12) != 0;
    ret->salt = kpb_span(file.ptr + PVK_HEADER_LEN, salt_len);
    ret->blob = kpb_span(file.ptr + PVK_HEADER_LEN + salt_len, key_len);
    return key_len >= BLOB_HEADER_LEN;
}

static bool derive(const struct azr_import *in, kp_span salt, uint8_t out[EVP_MAX_MD_SIZE])
{
    EVP_MD *sha1 = EVP_MD_fetch(in->lib, "SHA1", NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = sha1 && ctx && EVP_DigestInit_ex(ctx, sha1, NULL) == 1 &&
              EVP_DigestUpdate(ctx, salt.ptr, salt.len) == 1 &&
              EVP_DigestUpdate(ctx, in->password.ptr, in->password.len) == 1 &&
              EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(sha1);
    return ok;
}

/* in and out of the same length. */
static bool run_rc4(const EVP_CIPHER *rc4, const uint8_t *key, kp_span in, uint8_t *out)
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_DecryptInit_ex2(ctx, rc4, key, NULL, NULL) == 1 &&
              EVP_DecryptUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* True when what comes out begins as an RSA key does. */
static bool try_key(const EVP_CIPHER *rc4, const uint8_t *key, kp_span blob, uint8_t *out)
{
    kp_span sealed = kpb_span(blob.ptr + SEALED_FROM, blob.len - SEALED_FROM);
    memcpy(out, blob.ptr, SEALED_FROM);
    return run_rc4(rc4, key, sealed, out + SEALED_FROM) &&
           read_u32(out + SEALED_FROM) == RSA2_MAGIC;
}

static kp_status decrypt(const struct azr_import *in, const EVP_CIPHER *rc4, const struct pvk *pvk,
                         uint8_t *out)
{
    uint8_t key[EVP_MAX_MD_SIZE];
    kp_status st = KP_OK;
    if (!derive(in, pvk->salt, key))
        st = fail_file(in, "SHA-1 of its password cannot be computed");
    else if (!try_key(rc4, key, pvk->blob, out)) {
        memset(key + WEAK_KEY_LEN, 0, RC4_KEY_LEN - WEAK_KEY_LEN);
        if (!try_key(rc4, key, pvk->blob, out))
            st = fail_file(in, "its password is wrong, or it is damaged");
    }
    kpb_wipe(key, sizeof key);
    return st;
}

static kp_status take_sealed(const struct azr_import *in, const struct pvk *pvk,
                             struct kpc_key **ret_key)
{
    kp_buf opened;
    uint8_t *out = NULL;
    EVP_CIPHER *rc4 = EVP_CIPHER_fetch(in->lib, "RC4", NULL);
    if (!rc4)
        return kpb_fail_code(in->reterr, KP_UNSUPPORTED, in->codes->algorithm,
                             "%s: it is encrypted with RC4, and OpenSSL's legacy provider is not "
                             "installed; convert it to a PFX",
                             in->codes->name);
    kp_buf_init_secret(&opened, SITE, AZR_CREDENTIAL_FILE_MAX_LEN);
    kp_status st = kp_buf_extend(&opened, pvk->blob.len, &out);
    st = st == KP_OK ? decrypt(in, rc4, pvk, out) : kpb_fail_memory(in->reterr, SITE);
    if (st == KP_OK)
        st = take_blob(in, kp_buf_view(&opened), ret_key);
    kp_buf_clear(&opened);
    EVP_CIPHER_free(rc4);
    return st;
}

/* ---- Either ---- */

static kp_status take_file(const struct azr_import *in, kp_span file, struct kpc_key **ret_key)
{
    struct pvk pvk;
    if (file.len < 4 || read_u32(file.ptr) != PVK_MAGIC)
        return take_blob(in, file, ret_key);
    if (!split_pvk(file, &pvk))
        return fail_file(in, "it is cut off, or no PVK file");
    return pvk.is_sealed ? take_sealed(in, &pvk, ret_key) : take_blob(in, pvk.blob, ret_key);
}

kp_status azr_credential_from_blob(kp_span file, kp_span password, kp_span thumbprint,
                                   struct azr_credential *ret, struct kp_error *reterr)
{
    struct azr_import in = {.codes = &azr_blob_codes, .reterr = reterr};
    struct azr_credential made = {.container = AZR_CONTAINER_BLOB,
                                  .not_before_unix_s = KP_TIME_NONE,
                                  .not_after_unix_s = KP_TIME_NONE};
    kp_status st = azr_import_begin(&in, file, password);
    if (st == KP_OK)
        st = azr_thumbprint_read(thumbprint, &made, reterr);
    if (st == KP_OK)
        st = take_file(&in, file, &made.key);
    azr_import_end(&in);
    if (st == KP_OK)
        *ret = made; /* moved to the caller */
    else
        azr_credential_clear(&made);
    return st;
}
