#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

kp_span p11_span(const void *ptr, size_t len)
{
    kp_span span = {ptr, len};
    return span;
}

kp_span p11_span_str(const char *text)
{
    return p11_span(text, strlen(text));
}

int p11_span_eq(kp_span a, kp_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int p11_text_copy(kp_span from, char *out, size_t size)
{
    if (from.len >= size || (from.len > 0 && memchr(from.ptr, 0, from.len))) {
        return 0;
    }
    if (from.len > 0) {
        memcpy(out, from.ptr, from.len);
    }
    out[from.len] = '\0';
    return 1;
}

void p11_hex_encode(const uint8_t *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
    out[2 * n] = '\0';
}

kp_status p11_fail(struct kp_error *err, kp_status status, uint32_t exposure, const char *fmt, ...)
{
    va_list args;
    err->struct_size = sizeof *err;
    err->status = (uint32_t)status;
    err->exposure = exposure;
    err->retry_after_ms = KP_NO_RETRY_HINT;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return status;
}
