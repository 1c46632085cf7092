#include "core/http_trust.h"

#include <limits.h>
#include <stdbool.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/errors.h"
#include "core/http_roots.h"
#include "core/trust.h"

#define PEM_FILE_MAX_LEN ((size_t)32 * 1024 * 1024) /* the lists of large issuers are megabytes */

/* ---- Files of our own ---- */

enum part { CERTIFICATES = 1, LISTS = 2 };

/* Adds one object to the store; what is there already is no failure. */
static bool add_part(X509_STORE *store, const X509_INFO *info, enum part wanted)
{
    if (wanted == CERTIFICATES)
        return info->x509 && X509_STORE_add_cert(store, info->x509) == 1;
    return info->crl && X509_STORE_add_crl(store, info->crl) == 1;
}

static int add_parts(X509_STORE *store, STACK_OF(X509_INFO) * parts, enum part wanted)
{
    int n = 0;
    for (int i = 0; i < sk_X509_INFO_num(parts); i++)
        n += add_part(store, sk_X509_INFO_value(parts, i), wanted);
    return n;
}

static int read_pem(X509_STORE *store, kp_span text, enum part wanted)
{
    int n = 0;
    BIO *bio = text.len <= INT_MAX ? BIO_new_mem_buf(text.ptr, (int)text.len) : NULL;
    STACK_OF(X509_INFO) *parts = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
    if (parts)
        n = add_parts(store, parts, wanted);
    sk_X509_INFO_pop_free(parts, X509_INFO_free);
    BIO_free(bio);
    ERR_clear_error();
    return n;
}

static kp_status add_file(X509_STORE *store, const char *path, enum part wanted,
                          struct kp_error *reterr)
{
    kp_buf text;
    if (!path)
        return KP_OK;
    kp_buf_init(&text, "http.pem_file", PEM_FILE_MAX_LEN);
    kp_status st = kpi_trust_read(path, &text, reterr);
    if (st == KP_NOT_FOUND)
        st = kpb_fail(reterr, KP_CONFIG, "there is no file %s", path);
    else if (st == KP_OK && read_pem(store, kp_buf_view(&text), wanted) == 0)
        st = kpb_fail(reterr, KP_CONFIG, "%s holds no %s in PEM", path,
                      wanted == CERTIFICATES ? "certificate" : "revocation list");
    kp_buf_clear(&text);
    if (st != KP_OK)
        kpb_error_prefix(reterr, wanted == CERTIFICATES ? "http.ca_file" : "http.crl_file");
    return st;
}

/* Lists are asked for everything, but an issuer without one is let through. */
static int judge(int ok, X509_STORE_CTX *ctx)
{
    if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

static kp_status add_lists(X509_STORE *store, const char *path, struct kp_error *reterr)
{
    if (!path)
        return KP_OK;
    X509_STORE_set_verify_cb(store, judge);
    if (X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1)
        return kpb_fail_memory(reterr, "http.trust");
    return add_file(store, path, LISTS, reterr);
}

kp_status kpi_trust_store_load(const char *ca_file, const char *crl_file, X509_STORE **ret_store,
                               struct kp_error *reterr)
{
    X509_STORE *store = X509_STORE_new();
    if (!store)
        return kpb_fail_memory(reterr, "http.trust");
    kpi_http_roots_add(store);
    kp_status st = add_file(store, ca_file, CERTIFICATES, reterr);
    if (st == KP_OK)
        st = add_lists(store, crl_file, reterr);
    if (st == KP_OK)
        *ret_store = store;
    else
        X509_STORE_free(store);
    return st;
}
