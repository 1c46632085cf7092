/*
 * Outcomes: a status class that programs decide on, and the documented code that people look up.
 *
 * Every fallible function returns a kp_status. The documented number, the HTTP status, the retry
 * hint and one sentence travel in struct kp_error, filled only on failure; the first failure wins.
 * There is no thread-local last error.
 *
 * Threads: plain data and pure functions; call from any thread.
 */
#ifndef KP_KEYPROVIDER_STATUS_H
#define KP_KEYPROVIDER_STATUS_H

#include <keyprovider/codes.h>
#include <keyprovider/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Classes ---- */

/* XX(SYMBOL, number, "text", "what it means") */
#define KP_STATUS_MAP(XX)                                                                          \
    XX(OK, 0, "ok", "done")                                                                        \
    XX(USAGE, 1, "usage", "the call itself is wrong: an argument, its size, or the moment")        \
    XX(CONFIG, 2, "config", "the configuration, a plugin or a file it names is wrong")             \
    XX(AUTH, 3, "auth", "the identity was refused or could not be proven")                         \
    XX(FORBIDDEN, 4, "forbidden", "the identity is known but may not do this, or the key may not") \
    XX(NOT_FOUND, 5, "not_found", "no key, version or vault of that name")                         \
    XX(CONFLICT, 6, "conflict", "the state of the key or of its name is in the way")               \
    XX(THROTTLED, 7, "throttled", "too many requests, here or at the vault; try later")            \
    XX(TRANSIENT, 8, "transient", "the vault could not be reached or failed for a passing reason") \
    XX(VAULT, 9, "vault", "the vault failed and trying again will not help")                       \
    XX(PROTOCOL, 10, "protocol", "the vault's answer could not be understood")                     \
    XX(INTEGRITY, 11, "integrity", "data is damaged, was altered, or belongs to another key")      \
    XX(CANCELED, 12, "canceled", "the caller took the operation back")                             \
    XX(TIMEOUT, 13, "timeout", "the deadline passed first")                                        \
    XX(NO_MEMORY, 14, "no_memory", "memory was not to be had")                                     \
    XX(UNSUPPORTED, 15, "unsupported", "this vault or build cannot do that")                       \
    XX(INTERNAL, 16, "internal", "a mistake of ours; please report it")

typedef enum kp_status {
#define XX(symbol, number, text, meaning) KP_##symbol = (number),
    KP_STATUS_MAP(XX)
#undef XX
} kp_status;

#define KP_STATUS_COUNT 17

/* A kp_status crosses the plugin border as an int; flags that narrow enums do not compile. */
typedef char kp_status_is_an_int[sizeof(kp_status) == sizeof(int) ? 1 : -1];

/* How far a request got; decides what may be sent again. */
enum kp_exposure {
    KP_NOT_SENT = 0,         /* no byte of it reached the vault: anything is sent again */
    KP_MAYBE_SENT = 1,       /* it may have been carried out */
    KP_ANSWERED_REFUSED = 2, /* the vault answered and did nothing */
    KP_ANSWERED = 3          /* the vault answered */
};

/* ---- Error detail ---- */

#define KP_NO_RETRY_HINT UINT64_MAX
#define KP_ERROR_TEXT_LEN 320
#define KP_REQUEST_ID_LEN 64
#define KP_SERVICE_CODE_LEN 64

/*
 * What failed, where and what to do. Holds no secret and no pointer: copy it freely.
 * text is one NUL-terminated sentence; request_id is the vault's, for its support, and service_code
 * its own word for the failure ("Forbidden", "AADSTS7000215"); either may be empty.
 */
struct kp_error {
    uint32_t struct_size;
    uint32_t status;      /* kp_status */
    uint32_t code;        /* documented code, enum kp_code; 0: none */
    uint32_t http_status; /* 0: no HTTP answer */
    uint32_t exposure;    /* enum kp_exposure */
    uint32_t reserved;
    uint64_t retry_after_ms; /* the vault's hint; KP_NO_RETRY_HINT: none given */
    char request_id[KP_REQUEST_ID_LEN];
    char text[KP_ERROR_TEXT_LEN];
    char service_code[KP_SERVICE_CODE_LEN];
};

/* Makes err empty: status ok, no hint, no text. NULL is allowed. */
KP_API void kp_error_init(struct kp_error *err);

/* Class as text ("throttled"), "?" for a number that is none. Static storage. */
KP_API const char *kp_status_text(kp_status status);
/* What the class means, one clause. Static storage. */
KP_API const char *kp_status_meaning(kp_status status);

/* ---- Documented codes ---- */

enum kp_code {
#define XX(symbol, number, cls, area, origin, cause, advice) KP_CODE_##symbol = (number),
#define LX(symbol, number, cls, area, origin, cause, advice) KP_CODE_LEGACY_##symbol = (number),
    KP_CODE_MAP_SPLIT(XX, LX)
#undef LX
#undef XX
};

/* Where a code can come from. */
enum kp_code_origin {
    KP_ORIGIN_EMITTED = 1,   /* we return it */
    KP_ORIGIN_SUCCESS = 2,   /* means success */
    KP_ORIGIN_ENGINE = 3,    /* SQL Server itself prints it */
    KP_ORIGIN_EVENT_LOG = 4, /* an HTTP status in the event log, never returned */
    KP_ORIGIN_LEGACY = 5     /* numbering of connectors up to 1.0.4.0; known to `kp explain` only */
};

struct kp_code_info {
    uint32_t code;
    uint32_t status; /* the class it belongs to */
    uint32_t origin; /* enum kp_code_origin */
    const char *symbol;
    const char *area;
    const char *cause;
    const char *advice;
};

/* Row of a documented code, NULL for a number that is none. Static storage. */
KP_API const struct kp_code_info *kp_code_find(uint32_t code);
/* The i-th row in ascending order of numbers, NULL from the end on. */
KP_API const struct kp_code_info *kp_code_at(size_t i);

#ifdef __cplusplus
}
#endif

#endif /* KP_KEYPROVIDER_STATUS_H */
