#include "core/http_tls.h"

#include <openssl/crypto.h>
#include <openssl/ocsp.h>

/* How far the clocks of server, responder and this machine may be apart. */
#define CLOCK_SKEW_S 300L

/* ---- The pin ---- */

/* The server's own certificate against the pin; nothing else of the chain counts. */
static int check_pin(X509_STORE_CTX *ctx, void *arg)
{
    struct kpi_tls *tls = arg;
    const EVP_MD *md = tls->pin_len == KPI_PIN_SHA1_LEN ? EVP_sha1() : EVP_sha256();
    X509 *certificate = X509_STORE_CTX_get0_cert(ctx);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (certificate && X509_digest(certificate, md, digest, &len) == 1 && len == tls->pin_len &&
        CRYPTO_memcmp(digest, tls->pin, len) == 0) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    tls->refusal = "it is not the pinned one";
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
    return 0;
}

/* ---- The stapled answer ---- */

/* The certificate's row in the answer is there, current, and says good. */
static const char *judge_status(OCSP_BASICRESP *answer, X509 *certificate, X509 *issuer)
{
    int status;
    int reason;
    ASN1_GENERALIZEDTIME *revoked_at;
    ASN1_GENERALIZEDTIME *from;
    ASN1_GENERALIZEDTIME *until;
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, certificate, issuer);
    int found =
        id ? OCSP_resp_find_status(answer, id, &status, &reason, &revoked_at, &from, &until) : 0;
    OCSP_CERTID_free(id);
    if (!found)
        return "the stapled revocation answer is for another certificate";
    if (OCSP_check_validity(from, until, CLOCK_SKEW_S, -1L) != 1)
        return "the stapled revocation answer is out of date";
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return "the stapled revocation answer says it is revoked";
    return status == V_OCSP_CERTSTATUS_GOOD ? NULL
                                            : "the stapled revocation answer does not know it";
}

/* Why the answer does not let the certificate pass, or NULL. */
static const char *judge_answer(SSL *ssl, X509_STORE *store, OCSP_BASICRESP *answer)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    if (!chain || sk_X509_num(chain) < 1)
        return "there is no verified chain to hold the stapled revocation answer against";
    X509 *certificate = sk_X509_value(chain, 0);
    X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : certificate;
    if (OCSP_basic_verify(answer, chain, store, 0) != 1)
        return "the stapled revocation answer is not signed by the issuer";
    return judge_status(answer, certificate, issuer);
}

/* A responder that was busy has said nothing; anything else it says counts. */
static const char *judge_response(SSL *ssl, X509_STORE *store, OCSP_RESPONSE *response)
{
    if (!response)
        return "the stapled revocation answer cannot be read";
    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return NULL;
    OCSP_BASICRESP *answer = OCSP_response_get1_basic(response);
    const char *refusal =
        answer ? judge_answer(ssl, store, answer) : "the stapled revocation answer cannot be read";
    OCSP_BASICRESP_free(answer);
    return refusal;
}

/* OpenSSL asks once the chain is verified: 1 goes on, 0 refuses. */
static int check_stapled(SSL *ssl, void *arg)
{
    struct kpi_tls *tls = arg;
    const unsigned char *bytes = NULL;
    long len = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
    if (!bytes || len <= 0 || SSL_session_reused(ssl))
        return 1; /* none was sent: nothing to check */
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &bytes, len);
    tls->refusal = judge_response(ssl, tls->store, response);
    OCSP_RESPONSE_free(response);
    return tls->refusal ? 0 : 1;
}

/* ---- Arming ---- */

bool kpi_tls_arm(SSL_CTX *ctx, struct kpi_tls *tls)
{
    /* libcurl writes every session's secrets into the file that SSLKEYLOGFILE names; not ours. */
    SSL_CTX_set_keylog_callback(ctx, NULL);
    SSL_CTX_set1_cert_store(ctx, tls->store);
    if (tls->pin_len > 0) {
        SSL_CTX_set_cert_verify_callback(ctx, check_pin, tls);
        return true;
    }
    return SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp) == 1 &&
           SSL_CTX_set_tlsext_status_cb(ctx, check_stapled) == 1 &&
           SSL_CTX_set_tlsext_status_arg(ctx, tls) == 1;
}

bool kpi_tls_chose_h2(const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned int len = 0;
    SSL_get0_alpn_selected(ssl, &name, &len);
    return len == 2 && name[0] == 'h' && name[1] == '2';
}
