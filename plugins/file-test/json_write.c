#include "plugins/file-test/json_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/span.h"

static void put(struct ft_json_writer *w, const char *text)
{
    if (w->status == KP_OK)
        w->status = kp_buf_append_str(w->out, text);
}

static void put_byte(struct ft_json_writer *w, uint8_t byte)
{
    if (w->status == KP_OK)
        w->status = kp_buf_append_byte(w->out, byte);
}

static void put_span(struct ft_json_writer *w, kp_span bytes)
{
    if (w->status == KP_OK)
        w->status = kp_buf_append(w->out, bytes);
}

static bool needs_escape(uint8_t c)
{
    return c < 0x20 || c == 0x7f || c == '"' || c == '\\';
}

static void put_escaped(struct ft_json_writer *w, uint8_t c)
{
    static const char HEX_DIGITS[] = "0123456789abcdef";
    put(w, "\\u00");
    put_byte(w, (uint8_t)HEX_DIGITS[c >> 4]);
    put_byte(w, (uint8_t)HEX_DIGITS[c & 15]);
}

static void put_quoted(struct ft_json_writer *w, kp_span text)
{
    size_t start = 0;
    put_byte(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (!needs_escape(text.ptr[i]))
            continue;
        put_span(w, kpb_span(text.ptr + start, i - start));
        put_escaped(w, text.ptr[i]);
        start = i + 1;
    }
    if (start < text.len)
        put_span(w, kpb_span(text.ptr + start, text.len - start));
    put_byte(w, '"');
}

static void start_line(struct ft_json_writer *w)
{
    if (w->depth > 0)
        put(w, w->is_first ? "\n" : ",\n");
    for (unsigned i = 0; i < w->depth; i++)
        put(w, " ");
    w->is_first = false;
}

static void start_member(struct ft_json_writer *w, const char *name)
{
    start_line(w);
    if (!name)
        return;
    put_quoted(w, kpb_span_str(name));
    put(w, ": ");
}

void ft_json_writer_init(struct ft_json_writer *w, kp_buf *out)
{
    w->out = out;
    w->status = KP_OK;
    w->depth = 0;
    w->is_first = true;
}

void ft_json_open(struct ft_json_writer *w, const char *name, char bracket)
{
    start_member(w, name);
    put_byte(w, (uint8_t)bracket);
    w->depth++;
    w->is_first = true;
}

void ft_json_close(struct ft_json_writer *w, char bracket)
{
    w->depth--;
    if (!w->is_first) {
        put(w, "\n");
        for (unsigned i = 0; i < w->depth; i++)
            put(w, " ");
    }
    put_byte(w, (uint8_t)bracket);
    w->is_first = false;
}

void ft_json_put_text(struct ft_json_writer *w, const char *name, kp_span text)
{
    start_member(w, name);
    put_quoted(w, text);
}

void ft_json_put_tag(struct ft_json_writer *w, kp_span name, kp_span text)
{
    start_line(w);
    put_quoted(w, name);
    put(w, ": ");
    put_quoted(w, text);
}

void ft_json_put_int(struct ft_json_writer *w, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    start_member(w, name);
    put(w, text);
}

void ft_json_put_bool(struct ft_json_writer *w, const char *name, bool value)
{
    start_member(w, name);
    put(w, value ? "true" : "false");
}

void ft_json_put_bytes(struct ft_json_writer *w, const char *name, kp_span bytes)
{
    if (bytes.len == 0)
        return;
    start_member(w, name);
    put_byte(w, '"');
    if (w->status == KP_OK)
        w->status = kpb_base64url_encode(bytes, w->out);
    put_byte(w, '"');
}

void ft_json_put_time(struct ft_json_writer *w, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE)
        ft_json_put_int(w, name, unix_s);
}

kp_status ft_json_finish(struct ft_json_writer *w)
{
    put(w, "\n");
    return w->status;
}
