#include "plugins/azure-rest/json_pairs.h"

#include "base/span.h"

/* The text was checked as a whole: what stands here only finds where a value ends. */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(kp_span text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at]))
        at++;
    return at;
}

/* Behind the closing quote of the string that begins at `at`. */
static size_t skip_string(kp_span text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++) {
        if (text.ptr[at] == '\\')
            at++;
    }
    return at < text.len ? at + 1 : text.len;
}

/* Behind the value: at the comma or bracket of what is around it. */
static size_t skip_value(kp_span text, size_t at)
{
    size_t depth = 0;
    while (at < text.len) {
        uint8_t c = text.ptr[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            break;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return at;
}

static struct azr_json value_of(kp_span text)
{
    struct azr_json value = {AZR_JSON_NONE, {NULL, 0}};
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    (void)azr_json_parse(text, &value); /* a part of what was checked: cannot fail */
    return value;
}

bool azr_json_pair_at(struct azr_json object, size_t i, struct azr_json *ret_name,
                      struct azr_json *ret_value)
{
    if (object.type != AZR_JSON_OBJECT)
        return false;
    kp_span text = object.text;
    size_t at = skip_blanks(text, 1);
    while (at < text.len && text.ptr[at] == '"') {
        size_t name_end = skip_string(text, at);
        size_t from = skip_blanks(text, skip_blanks(text, name_end) + 1);
        size_t to = skip_value(text, from);
        if (i-- == 0) {
            *ret_name = value_of(kpb_span(text.ptr + at, name_end - at));
            *ret_value = value_of(kpb_span(text.ptr + from, to - from));
            return true;
        }
        at = skip_blanks(text, to + 1);
    }
    return false;
}
