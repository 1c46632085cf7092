/*
 * kp_buf, the one growing byte buffer: bounded at birth, wiped at death when secret. A secret
 * buffer lives in secret memory (base/mem.h) and never leaves a copy behind when it grows.
 *
 * Threads: one owner at a time. A zeroed kp_buf is empty with a limit of 0.
 */
#ifndef KP_BASE_BUF_H
#define KP_BASE_BUF_H

#include <stdbool.h>

#include "base/errors.h"

typedef struct kp_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t limit;     /* bytes it may ever hold */
    const char *site; /* names its allocations */
    bool secret;
} kp_buf;

/* Empty buffer that may grow to limit bytes; allocates nothing. site: literal, never freed. */
void kp_buf_init(kp_buf *b, const char *site, size_t limit);
void kp_buf_init_secret(kp_buf *b, const char *site, size_t limit);
/* Frees, wiping first when secret; the buffer is then empty with its limit kept. NULL allowed. */
void kp_buf_clear(kp_buf *b);
/* Sets len to 0, wiping the bytes when secret; keeps the memory. */
void kp_buf_reset(kp_buf *b);

/* Room for n more bytes. Errors: usage beyond the limit (nothing changes), no_memory. */
kp_status kp_buf_reserve(kp_buf *b, size_t n) KP_MUST_USE;
kp_status kp_buf_append(kp_buf *b, kp_span bytes) KP_MUST_USE;
kp_status kp_buf_append_str(kp_buf *b, const char *text) KP_MUST_USE;
kp_status kp_buf_append_byte(kp_buf *b, uint8_t byte) KP_MUST_USE;
/* printf-like; refused with usage on a secret buffer: formatters never see secrets. */
kp_status kp_buf_append_fmt(kp_buf *b, const char *fmt, ...) KPB_PRINTF(2, 3) KP_MUST_USE;
/* Extends len by n and returns the n new, zeroed bytes in *ret. */
kp_status kp_buf_extend(kp_buf *b, size_t n, uint8_t **ret) KP_MUST_USE;

/* View, valid until the buffer changes. */
kp_span kp_buf_view(const kp_buf *b);

/* Moves src into dst (dst is cleared first); src becomes empty. */
void kp_buf_move(kp_buf *dst, kp_buf *src);

#endif /* KP_BASE_BUF_H */
