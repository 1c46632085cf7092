/* PEM: RFC 7468, and the traditional RSA form. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/credential_parts.h"

/* One block, owned by OpenSSL's allocator. */
struct block {
    char *name;
    char *header;
    unsigned char *data;
    long len;
};

static void clear_block(struct block *b)
{
    OPENSSL_secure_free(b->name);
    OPENSSL_secure_free(b->header);
    OPENSSL_secure_clear_free(b->data, (size_t)b->len);
    memset(b, 0, sizeof *b);
}

static kp_status fail_key(const struct azr_import *in, const char *sentence)
{
    return azr_import_fail(in, in->codes->private_key, sentence);
}

/* ---- Blocks ---- */

static kp_status take_plain(struct azr_import *in, const struct block *b)
{
    const unsigned char *p = b->data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, b->len);
    kp_status st =
        info ? azr_import_take_pkcs8(in, info) : fail_key(in, "its private key cannot be decoded");
    PKCS8_PRIV_KEY_INFO_free(info);
    return st;
}

static kp_status open_sealed(struct azr_import *in, const X509_SIG *sealed)
{
    const X509_ALGOR *alg = NULL;
    X509_SIG_get0(sealed, &alg, NULL);
    if (in->password.len == 0)
        return fail_key(in, "its private key is encrypted, and no password is configured");
    if (!alg || !azr_import_is_affordable(alg))
        return fail_key(in, "its password derivation is unknown, or costs more than any real one");
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt_ex(sealed, (const char *)in->password.ptr,
                                                 (int)in->password.len, in->lib, NULL);
    if (!info)
        return fail_key(in, "the password of its private key is wrong, or the key is damaged");
    kp_status st = azr_import_take_pkcs8(in, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return st;
}

static kp_status take_sealed(struct azr_import *in, const struct block *b)
{
    const unsigned char *p = b->data;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &p, b->len);
    kp_status st =
        sealed ? open_sealed(in, sealed) : fail_key(in, "its private key cannot be decoded");
    X509_SIG_free(sealed);
    return st;
}

/* Its old encryption hashes a password once, with MD5: not worth having, and easily left. */
static kp_status take_traditional(struct azr_import *in, const struct block *b)
{
    const unsigned char *p = b->data;
    if (b->header && b->header[0] != '\0')
        return fail_key(in, "its private key is encrypted in the old PEM way; convert it with "
                            "`openssl pkcs8 -topk8 -in KEY -out NEW`");
    return azr_import_take_key(in,
                               d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, &p, b->len, in->lib, NULL));
}

static bool is_named(const struct block *b, const char *name)
{
    return strcmp(b->name, name) == 0;
}

static kp_status take_block(struct azr_import *in, const struct block *b)
{
    if (is_named(b, PEM_STRING_PKCS8INF))
        return take_plain(in, b);
    if (is_named(b, PEM_STRING_PKCS8))
        return take_sealed(in, b);
    if (is_named(b, PEM_STRING_RSA))
        return take_traditional(in, b);
    if (is_named(b, PEM_STRING_X509) || is_named(b, PEM_STRING_X509_OLD))
        return azr_import_take_cert(in, b->data, (size_t)b->len);
    return KP_OK; /* parameters, other people's keys: not ours to judge */
}

/* ---- The file ---- */

static kp_status take_blocks(struct azr_import *in, BIO *bio)
{
    kp_status st = KP_OK;
    while (st == KP_OK) {
        struct block b = {0};
        if (PEM_read_bio_ex(bio, &b.name, &b.header, &b.data, &b.len, PEM_FLAG_SECURE) != 1)
            return KP_OK; /* the end, or text that is no block: what was taken in decides */
        st = azr_import_count(in);
        if (st == KP_OK)
            st = take_block(in, &b);
        clear_block(&b);
    }
    return st;
}

static kp_status take_file(struct azr_import *in, kp_span file)
{
    BIO *bio = BIO_new_mem_buf(file.ptr, (int)file.len);
    kp_status st =
        bio ? take_blocks(in, bio) : kpb_fail_memory(in->reterr, "azure-rest.credential.openssl");
    BIO_free(bio);
    return st;
}

static kp_status make(struct azr_import *in, kp_span file, kp_span thumbprint,
                      struct azr_credential *made)
{
    kp_status st = take_file(in, file);
    if (st == KP_OK && thumbprint.len > 0)
        st = azr_thumbprint_read(thumbprint, made, in->reterr);
    return st == KP_OK ? azr_import_finish(in, thumbprint.len > 0, made) : st;
}

kp_status azr_credential_from_pem(kp_span file, kp_span passphrase, kp_span thumbprint,
                                  struct azr_credential *ret, struct kp_error *reterr)
{
    struct azr_import in = {.codes = &azr_pem_codes, .reterr = reterr};
    struct azr_credential made = {.not_before_unix_s = KP_TIME_NONE,
                                  .not_after_unix_s = KP_TIME_NONE};
    kp_status st = azr_import_begin(&in, file, passphrase);
    if (st == KP_OK)
        st = make(&in, file, thumbprint, &made);
    azr_import_end(&in);
    if (st == KP_OK)
        *ret = made; /* moved to the caller */
    else
        azr_credential_clear(&made);
    return st;
}
