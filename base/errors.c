#include "base/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "base/utf8.h"

static void format_text(char *out, size_t cap, const char *fmt, va_list args) KPB_PRINTF(3, 0);

/* Leaves one line of well-formed UTF-8: parts of a sentence may come from outside. */
static void clean_text(char *text, bool cut)
{
    uint8_t *p = (uint8_t *)text;
    size_t left = strlen(text);

    while (left) {
        size_t n = kpb_utf8_next(kpb_span(p, left));

        if (n == 0 && cut && left < 4) {
            *p = '\0'; /* the end of the buffer went through a character */
            return;
        }
        if (n == 0 || kpb_is_control_char(p, n)) {
            *p = '?';
            n = 1;
        }
        p += n;
        left -= n;
    }
}

static void format_text(char *out, size_t cap, const char *fmt, va_list args)
{
    int n = vsnprintf(out, cap, fmt, args);

    if (n < 0) {
        out[0] = '\0';
        return;
    }
    clean_text(out, (size_t)n >= cap);
}

kp_status kpb_fail(struct kp_error *err, kp_status status, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return status;
    kp_error_init(err);
    err->status = status;
    va_start(args, fmt);
    format_text(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return status;
}

kp_status kpb_fail_code(struct kp_error *err, kp_status status, uint32_t code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return status;
    kp_error_init(err);
    err->status = status;
    err->code = code;
    va_start(args, fmt);
    format_text(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return status;
}

kp_status kpb_fail_memory(struct kp_error *err, const char *site)
{
    return kpb_fail_code(err, KP_NO_MEMORY, KP_CODE_scp_err_OutOfMemory, "out of memory at %s",
                         site);
}

void kpb_error_prefix(struct kp_error *err, const char *fmt, ...)
{
    char text[KP_ERROR_TEXT_LEN];
    va_list args;
    size_t n;

    if (!err)
        return;
    va_start(args, fmt);
    format_text(text, sizeof text, fmt, args);
    va_end(args);
    n = strlen(text);
    n += (size_t)snprintf(text + n, sizeof text - n, ": %s", err->text);
    clean_text(text, n >= sizeof text);
    memcpy(err->text, text, sizeof text);
}
