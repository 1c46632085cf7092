/*
 * What a request that brought no answer is called: one table from what went wrong and how far the
 * request had got to the class and the documented number. docs/HTTP.md shows it, and a test keeps
 * the page so.
 *
 * Threads: constant data and pure functions, any.
 */
#ifndef KP_CORE_HTTP_CODES_H
#define KP_CORE_HTTP_CODES_H

#include <stddef.h>

#include <keyprovider/status.h>

/* How far a request had got. */
#define KPI_HTTP_PHASE_MAP(XX)                                                                     \
    XX(QUEUE, 0, "waiting for its turn")                                                           \
    XX(RESOLVE, 1, "looking up the name")                                                          \
    XX(CONNECT, 2, "connecting")                                                                   \
    XX(TLS, 3, "agreeing on TLS")                                                                  \
    XX(SEND, 4, "sending")                                                                         \
    XX(STATUS, 5, "waiting for the answer")                                                        \
    XX(HEADERS, 6, "reading the headers")                                                          \
    XX(BODY, 7, "reading the body")

enum kpi_http_phase {
#define XX(symbol, number, text) KPI_HTTP_##symbol = (number),
    KPI_HTTP_PHASE_MAP(XX)
#undef XX
};

#define KPI_HTTP_PHASES 8u
#define KPI_HTTP_ANY_PHASE UINT32_MAX

/* Causes of our own, beside libcurl's results (CURLcode), which are 1 and above. */
enum kpi_http_cause {
    KPI_HTTP_TIMED_OUT = -1,
    KPI_HTTP_CANCELED = -2,
    KPI_HTTP_HEADERS_TOO_LONG = -3,
    KPI_HTTP_BODY_TOO_LONG = -4,
    KPI_HTTP_NO_MEMORY_CALL = -5,    /* for the request */
    KPI_HTTP_NO_MEMORY_HEADER = -6,  /* to keep a header */
    KPI_HTTP_NO_MEMORY_HEADERS = -7, /* to keep more headers */
    KPI_HTTP_NO_MEMORY_BODY = -8,    /* for the body's first bytes */
    KPI_HTTP_NO_MEMORY_REPLY = -9,   /* for the answer as it is handed over */
    KPI_HTTP_NO_MEMORY_MORE = -10,   /* for more of the body */
    KPI_HTTP_SENT_TWICE = -11,       /* libcurl would send it again: the pipeline decides that */
    KPI_HTTP_NO_NAME = -12,          /* the name does not exist */
    KPI_HTTP_NAME_FAILED = -13,      /* nobody could tell the name's address */
    KPI_HTTP_LOOKUPS_FULL = -14,     /* too many names are being looked up */
    KPI_HTTP_QUEUE_FULL = -15,
    KPI_HTTP_NO_TRUST = -16, /* the certificates to verify with could not be read */
    KPI_HTTP_REFUSED = -17,  /* the request itself is wrong */
    KPI_HTTP_REVOKED = -18,  /* a stapled answer says so, or is not to be trusted */
    KPI_HTTP_BAD_PROXY = -19 /* the environment names one that cannot be used */
};

struct kpi_http_code {
    int cause;
    uint32_t phase; /* enum kpi_http_phase or KPI_HTTP_ANY_PHASE */
    kp_status status;
    uint32_t code;
    const char *cause_text; /* "CURLE_COULDNT_CONNECT", or a clause for a cause of ours */
    const char *sentence;   /* what happened and what to look at; without the host */
};

/* The row for a cause at a phase: the first that fits, the last row fits all. */
const struct kpi_http_code *kpi_http_code_of(int cause, enum kpi_http_phase phase);
/* The i-th row, NULL from the end on. */
const struct kpi_http_code *kpi_http_code_at(size_t i);
/* "connecting". Static storage. */
const char *kpi_http_phase_text(uint32_t phase);

#endif /* KP_CORE_HTTP_CODES_H */
