#include "cli/out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/span.h"
#include "base/utf8.h"
#include "cli/values.h"

void cli_out_init(struct cli_out *o)
{
    kp_buf_init(&o->buf, "cli.out", CLI_OUT_MAX_LEN);
    o->st = KP_OK;
}

void cli_out_init_secret(struct cli_out *o)
{
    kp_buf_init_secret(&o->buf, "cli.out", CLI_OUT_MAX_LEN);
    o->st = KP_OK;
}

void cli_out_clear(struct cli_out *o)
{
    kp_buf_clear(&o->buf);
}

static void add(struct cli_out *o, kp_span bytes)
{
    if (o->st == KP_OK) {
        o->st = kp_buf_append(&o->buf, bytes);
    }
}

static void add_byte(struct cli_out *o, char byte)
{
    if (o->st == KP_OK) {
        o->st = kp_buf_append_byte(&o->buf, (uint8_t)byte);
    }
}

void cli_out_text(struct cli_out *o, const char *text)
{
    add(o, kpb_span_str(text));
}

void cli_out_receive(void *o, kp_span text)
{
    add(o, text);
}

void cli_out_safe(struct cli_out *o, kp_span text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i += len ? len : 1) {
        const uint8_t *at = text.ptr + i;
        len = kpb_utf8_next(kpb_span(at, text.len - i));
        if (len == 0 || kpb_is_control_char(at, len)) {
            add_byte(o, '?');
        } else {
            add(o, kpb_span(at, len));
        }
    }
}

/* Numbers go through a local array: secret buffers refuse formatting. */
void cli_out_uint(struct cli_out *o, uint64_t n)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRIu64, n);
    cli_out_text(o, digits);
}

void cli_out_real(struct cli_out *o, double x, unsigned digits)
{
    char text[64];
    const bool fits = fabs(x) < 1e18; /* false for what is no number */
    (void)snprintf(text, sizeof text, "%.*f", (int)digits, fits ? x : 0.0);
    cli_out_text(o, text);
}

void cli_out_int(struct cli_out *o, int64_t n)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, n);
    cli_out_text(o, digits);
}

static size_t line_len(const kp_buf *buf)
{
    size_t n = 0;
    while (n < buf->len && buf->ptr[buf->len - 1 - n] != '\n') {
        n++;
    }
    return n;
}

void cli_out_pad(struct cli_out *o, size_t width)
{
    do {
        add_byte(o, ' ');
    } while (o->st == KP_OK && line_len(&o->buf) < width);
}

void cli_out_time(struct cli_out *o, int64_t unix_s)
{
    char text[CLI_TIME_TEXT_LEN];
    cli_format_time(unix_s, text);
    cli_out_text(o, text);
}

/* A value needs a comma before it unless it opens the text, a bracket or follows its name. */
static void add_comma(struct cli_out *o)
{
    const uint8_t last = o->buf.len > 0 ? o->buf.ptr[o->buf.len - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && last != '\n') {
        add_byte(o, ',');
    }
}

void cli_json_begin(struct cli_out *o, char bracket)
{
    add_comma(o);
    add_byte(o, bracket);
}

void cli_json_end(struct cli_out *o, char bracket)
{
    add_byte(o, bracket);
}

void cli_json_name(struct cli_out *o, const char *name)
{
    cli_json_str(o, kpb_span_str(name));
    add_byte(o, ':');
}

static void add_escaped(struct cli_out *o, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        add_byte(o, '\\');
        add_byte(o, (char)byte);
    } else if (kpb_is_control(byte)) {
        cli_out_text(o, "\\u00");
        add_byte(o, digits[byte >> 4]);
        add_byte(o, digits[byte & 0x0f]);
    } else {
        add_byte(o, (char)byte);
    }
}

void cli_json_str(struct cli_out *o, kp_span text)
{
    size_t len = 0;
    add_comma(o);
    add_byte(o, '"');
    for (size_t i = 0; i < text.len; i += len ? len : 1) {
        len = kpb_utf8_next(kpb_span(text.ptr + i, text.len - i));
        if (len == 1) {
            add_escaped(o, text.ptr[i]);
        } else if (len > 1) {
            add(o, kpb_span(text.ptr + i, len));
        } else {
            cli_out_text(o, "\\ufffd");
        }
    }
    add_byte(o, '"');
}

void cli_json_int(struct cli_out *o, int64_t n)
{
    add_comma(o);
    cli_out_int(o, n);
}

void cli_json_bool(struct cli_out *o, bool b)
{
    add_comma(o);
    cli_out_text(o, b ? "true" : "false");
}

void cli_json_bytes(struct cli_out *o, kp_span bytes)
{
    add_comma(o);
    add_byte(o, '"');
    if (o->st == KP_OK) {
        o->st = kpb_base64url_encode(bytes, &o->buf);
    }
    add_byte(o, '"');
}

void cli_json_member_str(struct cli_out *o, const char *name, kp_span text)
{
    cli_json_name(o, name);
    cli_json_str(o, text);
}

void cli_json_member_text(struct cli_out *o, const char *name, const char *text)
{
    cli_json_member_str(o, name, kpb_span_str(text));
}

void cli_json_member_int(struct cli_out *o, const char *name, int64_t n)
{
    cli_json_name(o, name);
    cli_json_int(o, n);
}

void cli_json_member_bool(struct cli_out *o, const char *name, bool b)
{
    cli_json_name(o, name);
    cli_json_bool(o, b);
}

void cli_json_member_bytes(struct cli_out *o, const char *name, kp_span bytes)
{
    cli_json_name(o, name);
    cli_json_bytes(o, bytes);
}

void cli_json_member_uint(struct cli_out *o, const char *name, uint64_t n)
{
    cli_json_name(o, name);
    cli_out_uint(o, n);
}

void cli_json_member_real(struct cli_out *o, const char *name, double x, unsigned digits)
{
    cli_json_name(o, name);
    cli_out_real(o, x, digits);
}
