#include "location.h"

#include <string.h>

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes one byte, %41 as well as A, from the front of text; -1 for half an escape. */
static int take_byte(kp_span *text)
{
    int byte = text->ptr[0];
    size_t len = 1;
    if (byte == '%') {
        const int high = text->len >= 3 ? hex_value(text->ptr[1]) : -1;
        const int low = text->len >= 3 ? hex_value(text->ptr[2]) : -1;
        byte = high < 0 || low < 0 ? -1 : 16 * high + low;
        len = byte < 0 ? 1 : 3;
    }
    text->ptr += len;
    text->len -= len;
    return byte;
}

/* 0: it does not fit, or it is not what RFC 7512 allows. */
static int unescape(kp_span text, char *out, size_t size)
{
    size_t n = 0;
    while (text.len > 0) {
        const int byte = take_byte(&text);
        if (byte <= 0 || n + 1 >= size) {
            return 0;
        }
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    return n > 0;
}

static int has_prefix(kp_span text, const char *prefix)
{
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* One NAME=VALUE. What is not understood is refused: passing over it could mean another token. */
static int parse_attribute(kp_span text, struct p11_location *out)
{
    if (has_prefix(text, "token=") && out->label[0] == '\0') {
        return unescape(p11_span(text.ptr + 6, text.len - 6), out->label, sizeof out->label);
    }
    if (has_prefix(text, "serial=") && out->serial[0] == '\0') {
        return unescape(p11_span(text.ptr + 7, text.len - 7), out->serial, sizeof out->serial);
    }
    return 0;
}

kp_status p11_location_parse(kp_span text, struct p11_location *ret, struct kp_error *reterr)
{
    int ok = text.len > 0;
    memset(ret, 0, sizeof *ret);
    while (ok && text.len > 0) {
        const uint8_t *end = memchr(text.ptr, ';', text.len);
        const size_t len = end ? (size_t)(end - text.ptr) : text.len;
        ok = parse_attribute(p11_span(text.ptr, len), ret) && (!end || len + 1 < text.len);
        text = p11_span(text.ptr + len, text.len - len);
        text = end ? p11_span(text.ptr + 1, text.len - 1) : text;
    }
    if (ok && ret->label[0] != '\0') {
        return KP_OK;
    }
    return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                    "the location is not pkcs11:token=LABEL or pkcs11:token=LABEL;serial=NUMBER; "
                    "other attributes are not understood, blanks are written %%20");
}

static int is_padded(const CK_UTF8CHAR *field, size_t size, const char *text)
{
    const size_t len = strlen(text);
    if (len > size || memcmp(field, text, len) != 0) {
        return 0;
    }
    for (size_t i = len; i < size; i++) {
        if (field[i] != ' ') {
            return 0;
        }
    }
    return 1;
}

int p11_location_fits(const struct p11_location *location, const CK_TOKEN_INFO *info)
{
    return is_padded(info->label, sizeof info->label, location->label) &&
           (location->serial[0] == '\0' ||
            is_padded(info->serialNumber, sizeof info->serialNumber, location->serial));
}
