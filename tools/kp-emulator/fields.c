#include "tools/kp-emulator/fields.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "emulator.fields"

bool emu_url_unescape(uint8_t *text, size_t *len, bool plus_is_space)
{
    size_t out = 0;
    for (size_t i = 0; i < *len; i++) {
        uint8_t c = text[i];
        if (c == '%') {
            if (*len - i < 3 || kpb_hex_decode(kpb_span(text + i + 1, 2), &c, 1) != KP_OK)
                return false;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        text[out++] = c;
    }
    *len = out;
    return true;
}

static bool decode_part(uint8_t *start, size_t len, kp_span *ret)
{
    bool ok = emu_url_unescape(start, &len, true);
    *ret = kpb_span(start, len);
    return ok;
}

static bool add_pair(struct emu_fields *fields, uint8_t *start, size_t len)
{
    uint8_t *equals = len > 0 ? memchr(start, '=', len) : NULL;
    size_t name_len = equals ? (size_t)(equals - start) : len;
    if (len == 0)
        return true;
    if (fields->n == EMU_FIELDS_MAX)
        return false;
    struct emu_field *field = &fields->at[fields->n];
    fields->n++;
    if (!decode_part(start, name_len, &field->name))
        return false;
    if (!equals)
        return true;
    return decode_part(equals + 1, len - name_len - 1, &field->value);
}

kp_status emu_fields_parse(kp_span text, struct emu_fields *ret)
{
    memset(ret, 0, sizeof *ret);
    if (text.len == 0)
        return KP_OK;
    ret->text = kpb_alloc(SITE, text.len);
    if (!ret->text)
        return KP_NO_MEMORY;
    memcpy(ret->text, text.ptr, text.len);
    for (size_t start = 0; start <= text.len;) {
        const uint8_t *end = memchr(ret->text + start, '&', text.len - start);
        size_t len = end ? (size_t)(end - ret->text) - start : text.len - start;
        if (!add_pair(ret, ret->text + start, len))
            return KP_USAGE;
        start += len + 1;
    }
    return KP_OK;
}

void emu_fields_clear(struct emu_fields *fields)
{
    if (!fields)
        return;
    kpb_free(fields->text);
    memset(fields, 0, sizeof *fields);
}

kp_span emu_fields_get(const struct emu_fields *fields, const char *name, bool *ret_found)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (kpb_span_eq_nocase(fields->at[i].name, kpb_span_str(name))) {
            if (ret_found)
                *ret_found = true;
            return fields->at[i].value;
        }
    }
    if (ret_found)
        *ret_found = false;
    return kpb_span(NULL, 0);
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

kp_status emu_url_escape(kp_span text, kp_buf *out)
{
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < text.len; i++) {
        if (is_plain(text.ptr[i]))
            st = kp_buf_append_byte(out, text.ptr[i]);
        else
            st = kp_buf_append_fmt(out, "%%%02X", text.ptr[i]);
    }
    return st;
}
