/* Filling struct kp_error. Pure functions over the caller's struct; any thread. */
#ifndef KP_BASE_ERRORS_H
#define KP_BASE_ERRORS_H

#include <keyprovider/status.h>

#if defined(__MINGW32__) /* the formats of the standard, not those of the old C library */
#define KPB_PRINTF(fmt_at, args_at) __attribute__((format(gnu_printf, fmt_at, args_at)))
#elif defined(__GNUC__)
#define KPB_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#else
#define KPB_PRINTF(fmt_at, args_at)
#endif

/*
 * Writes a fresh error (exposure not_sent, no hint) with a formatted sentence, cut at the struct's
 * size, and returns status, so that a failure reads `return kpb_fail(err, KP_CONFIG, "...")`.
 * err may be NULL. Never pass secrets.
 */
kp_status kpb_fail(struct kp_error *err, kp_status status, const char *fmt, ...) KPB_PRINTF(3, 4);

/* The same with a documented code (enum kp_code). */
kp_status kpb_fail_code(struct kp_error *err, kp_status status, uint32_t code, const char *fmt, ...)
    KPB_PRINTF(4, 5);

/* no_memory at a named site, with code 2051 (scp_err_OutOfMemory). */
kp_status kpb_fail_memory(struct kp_error *err, const char *site);

#if defined(KP_ANALYZED)
/* The static analyser reads one file at a time: this tells it that the status that goes in comes
 * out. */
static inline kp_status kpb_same_status(kp_status written, kp_status status)
{
    (void)written;
    return status;
}
#define kpb_fail(err, status, ...) kpb_same_status(kpb_fail(err, status, __VA_ARGS__), status)
#define kpb_fail_code(err, status, code, ...)                                                      \
    kpb_same_status(kpb_fail_code(err, status, code, __VA_ARGS__), status)
#define kpb_fail_memory(err, site) kpb_same_status(kpb_fail_memory(err, site), KP_NO_MEMORY)
#endif

/* Puts "prefix: " before the sentence; the first failure keeps its class and code. */
void kpb_error_prefix(struct kp_error *err, const char *fmt, ...) KPB_PRINTF(2, 3);

/* Says that a must-use result is ignored on purpose; the reason stands beside the call. */
static inline void kpb_ignore(kp_status status)
{
    (void)status;
}

#endif /* KP_BASE_ERRORS_H */
