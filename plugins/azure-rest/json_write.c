#include "plugins/azure-rest/json_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/span.h"

static void put(struct azr_json_out *out, kp_span bytes)
{
    if (out->status == KP_OK)
        out->status = kp_buf_append(out->to, bytes);
}

static void put_str(struct azr_json_out *out, const char *text)
{
    put(out, kpb_span_str(text));
}

void azr_json_begin(struct azr_json_out *out, kp_buf *to)
{
    kp_buf_reset(to);
    out->to = to;
    out->status = KP_OK;
    out->needs_comma = false;
}

static void put_escaped(struct azr_json_out *out, uint8_t c)
{
    char text[8];
    (void)snprintf(text, sizeof text, "\\u%04x", c);
    put_str(out, text);
}

static void put_quoted(struct azr_json_out *out, kp_span text)
{
    put_str(out, "\"");
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        put(out, kpb_span(text.ptr + from, i - from));
        put_escaped(out, c);
        from = i + 1;
    }
    put(out, kpb_span(text.ptr + from, text.len - from));
    put_str(out, "\"");
}

static void put_name(struct azr_json_out *out, const char *name)
{
    if (out->needs_comma)
        put_str(out, ",");
    out->needs_comma = true;
    if (!name)
        return;
    put_str(out, "\"");
    put_str(out, name);
    put_str(out, "\":");
}

void azr_json_open(struct azr_json_out *out, const char *name, char open)
{
    put_name(out, name);
    put(out, kpb_span(&open, 1));
    out->needs_comma = false;
}

void azr_json_close(struct azr_json_out *out, char close)
{
    put(out, kpb_span(&close, 1));
    out->needs_comma = true;
}

void azr_json_text(struct azr_json_out *out, const char *name, kp_span text)
{
    put_name(out, name);
    put_quoted(out, text);
}

void azr_json_pair(struct azr_json_out *out, kp_span name, kp_span text)
{
    put_name(out, NULL);
    put_quoted(out, name);
    put_str(out, ":");
    put_quoted(out, text);
}

void azr_json_base64url(struct azr_json_out *out, const char *name, kp_span bytes)
{
    put_name(out, name);
    put_str(out, "\"");
    if (out->status == KP_OK)
        out->status = kpb_base64url_encode(bytes, out->to);
    put_str(out, "\"");
}

void azr_json_integer_out(struct azr_json_out *out, const char *name, int64_t value)
{
    char text[24];
    put_name(out, name);
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    put_str(out, text);
}

void azr_json_bool(struct azr_json_out *out, const char *name, bool value)
{
    put_name(out, name);
    put_str(out, value ? "true" : "false");
}
