#include "plugins/azure-rest/json_scan.h"

#include <string.h>

#include "base/span.h"
#include "base/utf8.h"

/* Where the reader stands. */
struct scan {
    const uint8_t *p;
    const uint8_t *end;
};

/* The brackets that are open: bit i is 1 when the one at depth i is a brace. */
struct nest {
    uint32_t braces;
    uint32_t depth;
};

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
        s->p++;
}

static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != (uint8_t)c)
        return false;
    s->p++;
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static bool is_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ---- Strings ---- */

/* Behind "\u": four hex digits. */
static bool take_hex4(struct scan *s, uint32_t *ret)
{
    uint32_t value = 0;
    if (s->end - s->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(*s->p++);
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return true;
}

/* Behind "\u": one character, two escapes where it is a surrogate pair. Lone ones are refused. */
static bool take_unicode(struct scan *s, uint32_t *ret)
{
    uint32_t low = 0;
    if (!take_hex4(s, ret))
        return false;
    if (*ret < 0xd800 || *ret > 0xdfff)
        return true;
    if (*ret > 0xdbff || !take(s, '\\') || !take(s, 'u') || !take_hex4(s, &low) || low < 0xdc00 ||
        low > 0xdfff)
        return false;
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* Behind a backslash: the character that is meant. */
static bool take_escape(struct scan *s, uint32_t *ret)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (s->p == s->end)
        return false;
    uint8_t c = *s->p++;
    if (c == 'u')
        return take_unicode(s, ret);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found)
        return false;
    *ret = (uint8_t)values[found - names];
    return true;
}

/* One plain character of a string: no quote, backslash or control, well-formed. */
static bool take_plain(struct scan *s)
{
    size_t n = kpb_utf8_next(kpb_span(s->p, (size_t)(s->end - s->p)));
    if (n == 0 || *s->p < 0x20)
        return false;
    s->p += n;
    return true;
}

static bool take_string(struct scan *s)
{
    uint32_t character;
    if (!take(s, '"'))
        return false;
    while (!take(s, '"')) {
        bool ok = take(s, '\\') ? take_escape(s, &character) : take_plain(s);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- Numbers and words ---- */

static bool take_digits(struct scan *s)
{
    if (!is_digit(s))
        return false;
    while (is_digit(s))
        s->p++;
    return true;
}

static bool take_number(struct scan *s)
{
    (void)take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return false;
    if (take(s, '.') && !take_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            (void)take(s, '-');
        return take_digits(s);
    }
    return true;
}

static enum azr_json_type type_at(const struct scan *s)
{
    if (s->p == s->end)
        return AZR_JSON_NONE;
    switch (*s->p) {
    case '{':
        return AZR_JSON_OBJECT;
    case '[':
        return AZR_JSON_ARRAY;
    case '"':
        return AZR_JSON_STRING;
    case 't':
        return AZR_JSON_TRUE;
    case 'f':
        return AZR_JSON_FALSE;
    case 'n':
        return AZR_JSON_NULL;
    default:
        return *s->p == '-' || is_digit(s) ? AZR_JSON_NUMBER : AZR_JSON_NONE;
    }
}

/* A value that has no values inside. */
static bool take_scalar(struct scan *s)
{
    switch (type_at(s)) {
    case AZR_JSON_STRING:
        return take_string(s);
    case AZR_JSON_NUMBER:
        return take_number(s);
    case AZR_JSON_TRUE:
        return take_word(s, "true");
    case AZR_JSON_FALSE:
        return take_word(s, "false");
    case AZR_JSON_NULL:
        return take_word(s, "null");
    default:
        return false;
    }
}

/* ---- Whole values ---- */

static bool is_in_object(const struct nest *n)
{
    return (n->braces >> (n->depth - 1) & 1u) != 0;
}

static bool open_bracket(struct scan *s, struct nest *n)
{
    bool is_brace = *s->p == '{';
    if (n->depth == AZR_JSON_MAX_DEPTH)
        return false;
    n->braces = (n->braces & ~(1u << n->depth)) | (is_brace ? 1u << n->depth : 0);
    n->depth++;
    s->p++;
    return true;
}

static bool close_bracket(struct scan *s, struct nest *n)
{
    if (!take(s, is_in_object(n) ? '}' : ']'))
        return false;
    n->depth--;
    return true;
}

/* In an object: the name and colon of the next member. */
static bool take_name(struct scan *s, const struct nest *n)
{
    if (n->depth == 0 || !is_in_object(n))
        return true;
    skip_blanks(s);
    if (!take_string(s))
        return false;
    skip_blanks(s);
    return take(s, ':');
}

/* Behind a value: closes what ends here. *ret_more: another member or element follows. */
static bool end_value(struct scan *s, struct nest *n, bool *ret_more)
{
    *ret_more = false;
    while (n->depth > 0) {
        skip_blanks(s);
        if (take(s, ',')) {
            *ret_more = true;
            return take_name(s, n);
        }
        if (!close_bracket(s, n))
            return false;
    }
    return true;
}

/* Behind an opening bracket. *ret_more: a first member or element follows. */
static bool begin_nest(struct scan *s, struct nest *n, bool *ret_more)
{
    skip_blanks(s);
    if (close_bracket(s, n))
        return end_value(s, n, ret_more);
    *ret_more = true;
    return take_name(s, n);
}

/* One value and all inside it, without recursion: each turn reads a scalar or opens a bracket. */
static bool take_value(struct scan *s)
{
    struct nest nest = {0, 0};
    bool more = true;
    while (more) {
        skip_blanks(s);
        enum azr_json_type type = type_at(s);
        bool ok;
        if (type == AZR_JSON_OBJECT || type == AZR_JSON_ARRAY)
            ok = open_bracket(s, &nest) && begin_nest(s, &nest, &more);
        else
            ok = take_scalar(s) && end_value(s, &nest, &more);
        if (!ok)
            return false;
    }
    return true;
}

static struct azr_json value_between(const struct scan *from, const struct scan *to)
{
    struct azr_json value = {type_at(from), {from->p, (size_t)(to->p - from->p)}};
    return value;
}

bool azr_json_parse(kp_span text, struct azr_json *ret)
{
    if (text.len == 0)
        return false;
    struct scan s = {text.ptr, text.ptr + text.len};
    skip_blanks(&s);
    struct scan from = s;
    if (!take_value(&s))
        return false;
    struct azr_json value = value_between(&from, &s);
    skip_blanks(&s);
    if (s.p != s.end)
        return false;
    *ret = value;
    return true;
}

/* ---- Looking things up ---- */

/* Inside the brackets of a checked object or array. */
static struct scan inside(struct azr_json value)
{
    struct scan s = {value.text.ptr + 1, value.text.ptr + value.text.len - 1};
    return s;
}

static const struct azr_json NOTHING = {AZR_JSON_NONE, {NULL, 0}};

/* The value at s, which moves behind it and the comma; NOTHING at the end. */
static struct azr_json next_value(struct scan *s)
{
    skip_blanks(s);
    struct scan from = *s;
    if (!take_value(s))
        return NOTHING;
    struct azr_json value = value_between(&from, s);
    skip_blanks(s);
    (void)take(s, ',');
    return value;
}

struct azr_json azr_json_member(struct azr_json object, const char *name)
{
    if (object.type != AZR_JSON_OBJECT)
        return NOTHING;
    struct scan s = inside(object);
    for (;;) {
        kp_span found;
        skip_blanks(&s);
        struct scan from = s;
        if (!take_string(&s))
            return NOTHING;
        bool is_it =
            azr_json_plain(value_between(&from, &s), &found) && kpb_span_eq_str(found, name);
        skip_blanks(&s);
        (void)take(&s, ':');
        struct azr_json value = next_value(&s);
        if (is_it || value.type == AZR_JSON_NONE)
            return value;
    }
}

struct azr_json azr_json_element(struct azr_json array, size_t i)
{
    struct azr_json value = NOTHING;
    if (array.type != AZR_JSON_ARRAY)
        return NOTHING;
    struct scan s = inside(array);
    do
        value = next_value(&s);
    while (i-- > 0 && value.type != AZR_JSON_NONE);
    return value;
}

bool azr_json_is_empty(struct azr_json value)
{
    if (value.type != AZR_JSON_OBJECT && value.type != AZR_JSON_ARRAY)
        return false;
    struct scan s = inside(value);
    skip_blanks(&s);
    return s.p == s.end;
}

bool azr_json_plain(struct azr_json value, kp_span *ret)
{
    if (value.type != AZR_JSON_STRING)
        return false;
    kp_span inner = kpb_span(value.text.ptr + 1, value.text.len - 2);
    if (inner.len > 0 && memchr(inner.ptr, '\\', inner.len))
        return false;
    *ret = inner;
    return true;
}

static size_t encode_utf8(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)((0xf00u >> n) | c); /* 110xxxxx, 1110xxxx, 11110xxx */
    return n;
}

kp_status azr_json_string(struct azr_json value, kp_buf *out)
{
    kp_status st = KP_OK;
    if (value.type != AZR_JSON_STRING)
        return KP_PROTOCOL;
    struct scan s = inside(value);
    while (st == KP_OK && s.p < s.end) {
        const uint8_t *from = s.p;
        uint32_t character = 0;
        uint8_t bytes[4];
        const uint8_t *escape = memchr(s.p, '\\', (size_t)(s.end - s.p));
        s.p = escape ? escape : s.end;
        st = kp_buf_append(out, kpb_span(from, (size_t)(s.p - from)));
        if (st != KP_OK || !take(&s, '\\'))
            continue;
        if (!take_escape(&s, &character))
            return KP_PROTOCOL;
        st = kp_buf_append(out, kpb_span(bytes, encode_utf8(character, bytes)));
    }
    return st;
}

/* Digits as far as they go; saturates. */
static int64_t read_digits(struct scan *s, bool is_negative)
{
    int64_t value = 0;
    for (; is_digit(s); s->p++) {
        int64_t digit = *s->p - '0';
        if (is_negative)
            value = value < (INT64_MIN + digit) / 10 ? INT64_MIN : value * 10 - digit;
        else
            value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    return value;
}

/* An exponent would need more care than any reply deserves: such a number is none of ours. */
static bool read_integer(kp_span text, int64_t *ret)
{
    struct scan s = {text.ptr, text.ptr + text.len};
    bool is_negative = text.len > 0 && take(&s, '-');
    if (text.len == 0 || !is_digit(&s))
        return false;
    int64_t value = read_digits(&s, is_negative);
    if (take(&s, '.') && !take_digits(&s))
        return false;
    if (s.p != s.end)
        return false;
    *ret = value;
    return true;
}

bool azr_json_integer(struct azr_json value, int64_t *ret)
{
    kp_span text = value.text;
    if (value.type == AZR_JSON_STRING && !azr_json_plain(value, &text))
        return false;
    if (value.type != AZR_JSON_STRING && value.type != AZR_JSON_NUMBER)
        return false;
    return read_integer(text, ret);
}
