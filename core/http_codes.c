#include "core/http_codes.h"

#include <curl/curl.h>

#define LEN(array) (sizeof(array) / sizeof(array)[0])

const char *kpi_http_phase_text(uint32_t phase)
{
    static const char *const texts[] = {
#define XX(symbol, number, text) [number] = (text),
        KPI_HTTP_PHASE_MAP(XX)
#undef XX
    };
    return phase < LEN(texts) ? texts[phase] : "at any step";
}

/* clang-format off */
#define OWN(cause, phase, status, code, name, text)                                                \
    {KPI_HTTP_##cause, phase, status, code, name, text}
#define CURL(cause, phase, status, code, text) {cause, phase, status, code, #cause, text}
#define ANY KPI_HTTP_ANY_PHASE

/* First fit. What libcurl calls by several names is told apart by how far the request had got. */
static const struct kpi_http_code rows[] = {
    OWN(REFUSED, ANY, KP_USAGE, 0, "the request is not allowed",
        "the plugin asked for what the host does not do"),
    OWN(CANCELED, ANY, KP_CANCELED, 0, "canceled", "the plugin took the request back"),
    OWN(QUEUE_FULL, ANY, KP_THROTTLED, 0, "the queue is full",
        "more requests wait than http.max_queued allows"),
    OWN(LOOKUPS_FULL, ANY, KP_TRANSIENT, 3900, "too many look-ups",
        "the name was not looked up: http.dns.max_lookups others hang; check the name servers"),
    OWN(NO_NAME, ANY, KP_NOT_FOUND, 3900, "the name does not exist",
        "the host name did not resolve; check its spelling and suffix, and private DNS"),
    OWN(NAME_FAILED, ANY, KP_TRANSIENT, 3900, "the look-up failed",
        "the host name could not be looked up; check that this machine reaches its name servers"),
    OWN(NO_TRUST, ANY, KP_CONFIG, 3106, "the trust store could not be read",
        "the certificates to verify with could not be had"),
    OWN(BAD_PROXY, ANY, KP_CONFIG, 3106, "the proxy cannot be used",
        "the proxy that https_proxy names cannot be used; set http.proxy"),
    OWN(REVOKED, ANY, KP_VAULT, 3106, "the stapled revocation answer",
        "the server's certificate is not good by the revocation answer it sent itself"),
    OWN(SENT_TWICE, ANY, KP_TRANSIENT, 3107, "the connection died as the request was sent",
        "the connection ended before an answer came"),
    OWN(HEADERS_TOO_LONG, ANY, KP_PROTOCOL, 3114, "more headers than allowed",
        "the answer has more headers than http.max_headers_kib allows"),
    OWN(BODY_TOO_LONG, ANY, KP_PROTOCOL, 3119, "more body than allowed",
        "the answer has a longer body than the request allows"),
    OWN(NO_MEMORY_CALL, ANY, KP_NO_MEMORY, 3100, "no memory for the request",
        "no memory for the request"),
    OWN(NO_MEMORY_HEADER, ANY, KP_NO_MEMORY, 3115, "no memory to keep a header",
        "no memory to keep a header of the answer"),
    OWN(NO_MEMORY_HEADERS, ANY, KP_NO_MEMORY, 3116, "no memory to keep more headers",
        "no memory to keep more headers of the answer"),
    OWN(NO_MEMORY_BODY, ANY, KP_NO_MEMORY, 3120, "no memory for the body",
        "no memory for the body of the answer"),
    OWN(NO_MEMORY_REPLY, ANY, KP_NO_MEMORY, 3121, "no memory to hand the answer over",
        "no memory to hand the answer over"),
    OWN(NO_MEMORY_MORE, ANY, KP_NO_MEMORY, 3122, "no memory for more of the body",
        "no memory for more of the answer's body"),
    CURL(CURLE_OUT_OF_MEMORY, ANY, KP_NO_MEMORY, 3100, "libcurl ran out of memory"),

    OWN(TIMED_OUT, KPI_HTTP_QUEUE, KP_TRANSIENT, 3103, "the time is up",
        "no connection was free in time"),
    OWN(TIMED_OUT, KPI_HTTP_RESOLVE, KP_TRANSIENT, 3900, "the time is up",
        "the host name was not resolved in time; check the name servers"),
    OWN(TIMED_OUT, KPI_HTTP_CONNECT, KP_TRANSIENT, 3103, "the time is up",
        "no connection came about in time; check route, firewall and proxy"),
    OWN(TIMED_OUT, KPI_HTTP_TLS, KP_TRANSIENT, 3106, "the time is up",
        "TLS was not agreed on in time; check what stands in the way: firewall, proxy"),
    OWN(TIMED_OUT, KPI_HTTP_SEND, KP_TRANSIENT, 3106, "the time is up",
        "the request was not sent in time"),
    OWN(TIMED_OUT, KPI_HTTP_STATUS, KP_TRANSIENT, 3107, "the time is up",
        "no answer came in time"),
    OWN(TIMED_OUT, KPI_HTTP_HEADERS, KP_TRANSIENT, 3114, "the time is up",
        "the headers of the answer did not come in time"),
    OWN(TIMED_OUT, KPI_HTTP_BODY, KP_TRANSIENT, 3119, "the time is up",
        "the body of the answer did not come in time"),

    CURL(CURLE_PEER_FAILED_VERIFICATION, ANY, KP_VAULT, 3106,
         "the server's certificate was refused; check its name, dates and issuer (http.ca_file)"),
    CURL(CURLE_SSL_ISSUER_ERROR, ANY, KP_VAULT, 3106, "the issuer of the certificate was refused"),
    CURL(CURLE_SSL_CONNECT_ERROR, ANY, KP_TRANSIENT, 3106,
         "TLS 1.2 or later could not be agreed on; check what stands in the way: firewall, proxy"),
    CURL(CURLE_SSL_CIPHER, ANY, KP_VAULT, 3106, "no common cipher"),
    CURL(CURLE_SSL_ENGINE_INITFAILED, ANY, KP_INTERNAL, 3106, "TLS could not be set up"),
    CURL(CURLE_USE_SSL_FAILED, ANY, KP_INTERNAL, 3106, "TLS could not be set up"),
    CURL(CURLE_SSL_CERTPROBLEM, ANY, KP_INTERNAL, 3106, "TLS could not be set up"),
    CURL(CURLE_COULDNT_RESOLVE_PROXY, ANY, KP_TRANSIENT, 3900, "the proxy's name did not resolve"),
    CURL(CURLE_COULDNT_RESOLVE_HOST, ANY, KP_TRANSIENT, 3900, "the host name did not resolve"),
    CURL(CURLE_COULDNT_CONNECT, ANY, KP_TRANSIENT, 3103,
         "no connection; check host, port, route, firewall and proxy"),
    CURL(CURLE_PROXY, ANY, KP_TRANSIENT, 3106, "the proxy gave no way through"),
    CURL(CURLE_SEND_ERROR, ANY, KP_TRANSIENT, 3106, "sending failed"),
    CURL(CURLE_GOT_NOTHING, ANY, KP_TRANSIENT, 3107, "the server closed without an answer"),
    CURL(CURLE_WEIRD_SERVER_REPLY, ANY, KP_PROTOCOL, 3107, "the answer is not HTTP"),
    CURL(CURLE_UNSUPPORTED_PROTOCOL, KPI_HTTP_STATUS, KP_PROTOCOL, 3107, "the answer is not HTTP"),
    CURL(CURLE_PARTIAL_FILE, ANY, KP_TRANSIENT, 3119, "the body broke off"),
    CURL(CURLE_BAD_CONTENT_ENCODING, ANY, KP_PROTOCOL, 3119, "the body is badly encoded"),
    CURL(CURLE_AUTH_ERROR, ANY, KP_TRANSIENT, 3106, "the proxy gave no way through"),

    CURL(CURLE_RECV_ERROR, KPI_HTTP_CONNECT, KP_TRANSIENT, 3106, "the proxy gave no way through"),
    CURL(CURLE_RECV_ERROR, KPI_HTTP_TLS, KP_TRANSIENT, 3106, "the connection broke off"),
    CURL(CURLE_RECV_ERROR, KPI_HTTP_STATUS, KP_TRANSIENT, 3107, "the connection broke off"),
    CURL(CURLE_RECV_ERROR, KPI_HTTP_HEADERS, KP_TRANSIENT, 3114, "the headers broke off"),
    CURL(CURLE_RECV_ERROR, KPI_HTTP_BODY, KP_TRANSIENT, 3119, "the body broke off"),
    CURL(CURLE_HTTP2, KPI_HTTP_STATUS, KP_TRANSIENT, 3107, "HTTP/2 broke off"),
    CURL(CURLE_HTTP2, KPI_HTTP_HEADERS, KP_TRANSIENT, 3114, "HTTP/2 broke off"),
    CURL(CURLE_HTTP2, KPI_HTTP_BODY, KP_TRANSIENT, 3119, "HTTP/2 broke off"),
    CURL(CURLE_HTTP2_STREAM, KPI_HTTP_STATUS, KP_TRANSIENT, 3107, "the server reset the request"),
    CURL(CURLE_HTTP2_STREAM, KPI_HTTP_HEADERS, KP_TRANSIENT, 3114, "the server reset the request"),
    CURL(CURLE_HTTP2_STREAM, KPI_HTTP_BODY, KP_TRANSIENT, 3119, "the server reset the request"),

    {0, KPI_HTTP_QUEUE, KP_INTERNAL, 3104, "anything else", "the request could not be begun"},
    {0, KPI_HTTP_RESOLVE, KP_TRANSIENT, 3900, "anything else", "the host name did not resolve"},
    {0, KPI_HTTP_CONNECT, KP_TRANSIENT, 3103, "anything else", "no connection came about"},
    {0, KPI_HTTP_TLS, KP_TRANSIENT, 3106, "anything else", "TLS was not agreed on"},
    {0, KPI_HTTP_SEND, KP_TRANSIENT, 3106, "anything else", "sending failed"},
    {0, KPI_HTTP_STATUS, KP_TRANSIENT, 3107, "anything else", "no answer came"},
    {0, KPI_HTTP_HEADERS, KP_PROTOCOL, 3114, "anything else", "the headers could not be read"},
    {0, ANY, KP_PROTOCOL, 3119, "anything else", "the body could not be read"},
};
/* clang-format on */

const struct kpi_http_code *kpi_http_code_of(int cause, enum kpi_http_phase phase)
{
    for (size_t i = 0; i < LEN(rows); i++)
        if ((rows[i].cause == cause || rows[i].cause == 0) &&
            (rows[i].phase == (uint32_t)phase || rows[i].phase == ANY))
            return &rows[i];
    return &rows[LEN(rows) - 1];
}

const struct kpi_http_code *kpi_http_code_at(size_t i)
{
    return i < LEN(rows) ? &rows[i] : NULL;
}
