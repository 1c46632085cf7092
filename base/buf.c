#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"

#define FIRST_CAP 64u

static void init(kp_buf *b, const char *site, size_t limit, bool secret)
{
    memset(b, 0, sizeof *b);
    b->site = site;
    b->limit = limit;
    b->secret = secret;
}

/* A plain buffer has one byte beyond cap, for the NUL that vsnprintf insists on. */
static uint8_t *alloc_block(const kp_buf *b, size_t cap)
{
    const char *site = b->site ? b->site : "buf";

    if (b->secret)
        return kpb_secret_alloc(site, cap);
    return cap == SIZE_MAX ? NULL : kpb_alloc(site, cap + 1);
}

static void free_block(kp_buf *b)
{
    if (b->secret)
        kpb_secret_free(b->ptr, b->cap);
    else
        kpb_free(b->ptr);
    b->ptr = NULL;
    b->cap = 0;
}

/* Doubles, so that appending stays linear, but never beyond the limit. */
static size_t grown_cap(const kp_buf *b, size_t needed)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;

    while (cap < needed && cap <= b->limit / 2)
        cap *= 2;
    if (cap < needed || cap > b->limit)
        cap = b->limit;
    return cap;
}

static kp_status grow(kp_buf *b, size_t needed)
{
    size_t cap = grown_cap(b, needed);
    uint8_t *block = alloc_block(b, cap);

    if (!block)
        return KP_NO_MEMORY;
    if (b->len)
        memcpy(block, b->ptr, b->len);
    free_block(b);
    b->ptr = block;
    b->cap = cap;
    return KP_OK;
}

static bool is_inside(const kp_buf *b, const uint8_t *p)
{
    return b->ptr && (uintptr_t)p >= (uintptr_t)b->ptr && (uintptr_t)p - (uintptr_t)b->ptr < b->len;
}

void kp_buf_init(kp_buf *b, const char *site, size_t limit)
{
    init(b, site, limit, false);
}

void kp_buf_init_secret(kp_buf *b, const char *site, size_t limit)
{
    init(b, site, limit, true);
}

void kp_buf_clear(kp_buf *b)
{
    if (!b)
        return;
    free_block(b);
    b->len = 0;
}

void kp_buf_reset(kp_buf *b)
{
    if (b->secret && b->len)
        kpb_wipe(b->ptr, b->len);
    b->len = 0;
}

kp_status kp_buf_reserve(kp_buf *b, size_t n)
{
    if (n > b->limit || b->len > b->limit - n)
        return KP_USAGE;
    if (n <= b->cap - b->len)
        return KP_OK;
    return grow(b, b->len + n);
}

kp_status kp_buf_append(kp_buf *b, kp_span bytes)
{
    bool own = is_inside(b, bytes.ptr); /* a part of b itself, which reserve may move */
    size_t offset = own ? (size_t)(bytes.ptr - b->ptr) : 0;
    kp_status st = kp_buf_reserve(b, bytes.len);

    if (st != KP_OK || bytes.len == 0)
        return st;
    memcpy(b->ptr + b->len, own ? b->ptr + offset : bytes.ptr, bytes.len);
    b->len += bytes.len;
    return KP_OK;
}

kp_status kp_buf_append_str(kp_buf *b, const char *text)
{
    return kp_buf_append(b, kpb_span_str(text));
}

kp_status kp_buf_append_byte(kp_buf *b, uint8_t byte)
{
    return kp_buf_append(b, kpb_span(&byte, 1));
}

static kp_status append_vfmt(kp_buf *b, const char *fmt, va_list args) KPB_PRINTF(2, 0);
static kp_status append_vfmt(kp_buf *b, const char *fmt, va_list args)
{
    va_list again;
    kp_status st;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    st = n < 0 ? KP_USAGE : kp_buf_reserve(b, (size_t)n);
    if (st == KP_OK && n > 0) {
        (void)vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return st;
}

kp_status kp_buf_append_fmt(kp_buf *b, const char *fmt, ...)
{
    va_list args;
    kp_status st;

    if (b->secret)
        return KP_USAGE;
    va_start(args, fmt);
    st = append_vfmt(b, fmt, args);
    va_end(args);
    return st;
}

kp_status kp_buf_extend(kp_buf *b, size_t n, uint8_t **ret)
{
    kp_status st = kp_buf_reserve(b, n);

    if (st != KP_OK)
        return st;
    *ret = b->ptr;
    if (n == 0)
        return KP_OK; /* b->ptr may be NULL */
    *ret += b->len;
    memset(*ret, 0, n);
    b->len += n;
    return KP_OK;
}

kp_span kp_buf_view(const kp_buf *b)
{
    return kpb_span(b->ptr, b->len);
}

void kp_buf_move(kp_buf *dst, kp_buf *src)
{
    if (dst == src)
        return;
    kp_buf_clear(dst);
    *dst = *src;
    init(src, dst->site, dst->limit, dst->secret); /* moved to dst */
}
