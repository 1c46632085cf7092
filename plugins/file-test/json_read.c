#include "plugins/file-test/json_read.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"

#define SECRET_MEMBER "private"
#define SECRET_DEPTH_MAX 3u /* of a version; deeper lie its tags, whose names anybody may choose */
#define BYTES_MAX_LEN 4096u /* decoded; the longest is a 4096-bit modulus */

/* ---- Taking secrets out ---- */

struct redaction {
    kp_span text;
    size_t at;
    size_t copied; /* what stands before is in out */
    kp_buf *out;
    kp_span *secrets;
    size_t room;
    size_t n;
    unsigned depth;
    bool after_name;  /* the last string was SECRET_MEMBER */
    bool after_colon; /* ... and a colon followed */
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Index behind the closing quote of the string that starts at `at`, or the end of the text. */
static size_t end_of_string(kp_span text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return text.len;
}

static kp_status copy_until(struct redaction *r, size_t end)
{
    if (end == r->copied)
        return KP_OK;
    kp_status st = kp_buf_append(r->out, kpb_span(r->text.ptr + r->copied, end - r->copied));
    r->copied = end;
    return st;
}

static kp_status take_secret(struct redaction *r, kp_span quoted, struct kp_error *reterr)
{
    char ordinal[24];
    if (r->n == r->room)
        return kpb_fail(reterr, KP_INTEGRITY, "more than %zu members named \"%s\"", r->room,
                        SECRET_MEMBER);
    (void)snprintf(ordinal, sizeof ordinal, "\"%zu\"", r->n);
    r->secrets[r->n++] = kpb_span(quoted.ptr + 1, quoted.len >= 2 ? quoted.len - 2 : 0);
    kp_status st = copy_until(r, (size_t)(quoted.ptr - r->text.ptr));
    r->copied = r->at;
    return st == KP_OK ? kp_buf_append_str(r->out, ordinal) : st;
}

static kp_status pass_string(struct redaction *r, struct kp_error *reterr)
{
    size_t end = end_of_string(r->text, r->at);
    kp_span quoted = kpb_span(r->text.ptr + r->at, end - r->at);
    bool is_secret = r->after_colon && r->depth <= SECRET_DEPTH_MAX;
    r->at = end;
    r->after_name = kpb_span_eq_str(quoted, "\"" SECRET_MEMBER "\"");
    r->after_colon = false;
    return is_secret ? take_secret(r, quoted, reterr) : KP_OK;
}

static kp_status pass_other(struct redaction *r, struct kp_error *reterr)
{
    uint8_t c = r->text.ptr[r->at++];
    if ((c == '{' || c == '[') && ++r->depth > FT_JSON_DEPTH_MAX)
        return kpb_fail(reterr, KP_INTEGRITY, "nested deeper than %u levels", FT_JSON_DEPTH_MAX);
    if ((c == '}' || c == ']') && r->depth > 0)
        r->depth--;
    if (!is_space(c)) {
        r->after_colon = r->after_name && c == ':';
        r->after_name = false;
    }
    return KP_OK;
}

kp_status ft_json_redact(kp_span text, kp_buf *out, kp_span *secrets, size_t *n_secrets,
                         struct kp_error *reterr)
{
    struct redaction r = {.text = text, .out = out, .secrets = secrets, .room = *n_secrets};
    kp_status st = KP_OK;
    while (st == KP_OK && r.at < text.len)
        st = text.ptr[r.at] == '"' ? pass_string(&r, reterr) : pass_other(&r, reterr);
    if (st == KP_OK)
        st = copy_until(&r, text.len);
    *n_secrets = r.n;
    return st == KP_NO_MEMORY ? kpb_fail_memory(reterr, "file-test.json") : st;
}

/* ---- Reading what is left ---- */

kp_status ft_json_load(kp_span text, json_t **ret, struct kp_error *reterr)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    /* Most of its failures to allocate leave no text. */
    if (!root && (json_error_code(&error) == json_error_out_of_memory || !error.text[0]))
        return kpb_fail_memory(reterr, "file-test.json");
    if (!root)
        return kpb_fail(reterr, KP_INTEGRITY, "not valid JSON in line %d: %s", error.line,
                        error.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return kpb_fail(reterr, KP_INTEGRITY, "not a JSON object");
    }
    *ret = root;
    return KP_OK;
}

static bool is_listed(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

kp_status ft_json_only(const json_t *object, const char *const *names, struct kp_error *reterr)
{
    json_t *walk =
        (json_t *)(uintptr_t)object; /* the iterator takes no const, yet changes nothing */
    for (void *it = json_object_iter(walk); it; it = json_object_iter_next(walk, it)) {
        const char *name = json_object_iter_key(it);
        if (!is_listed(name, names))
            return kpb_fail(reterr, KP_INTEGRITY, "unknown member \"%.40s\"", name);
    }
    return KP_OK;
}

static kp_status find(const json_t *object, const char *name, bool required, json_type type,
                      const char *type_text, json_t **ret, struct kp_error *reterr)
{
    json_t *value = json_object_get(object, name);
    *ret = NULL;
    if (!value && !required)
        return KP_OK;
    if (!value)
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" is missing", name);
    if (json_typeof(value) != type)
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" is not %s", name, type_text);
    *ret = value;
    return KP_OK;
}

kp_status ft_json_text(const json_t *object, const char *name, bool required, kp_span *ret,
                       struct kp_error *reterr)
{
    json_t *value;
    kp_status st = find(object, name, required, JSON_STRING, "a string", &value, reterr);
    if (st != KP_OK || !value)
        return st;
    *ret = kpb_span(json_string_value(value), json_string_length(value));
    if (memchr(ret->ptr, 0, ret->len))
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" holds a NUL", name);
    return KP_OK;
}

kp_status ft_json_int(const json_t *object, const char *name, bool required, int64_t *ret,
                      struct kp_error *reterr)
{
    json_t *value;
    kp_status st = find(object, name, required, JSON_INTEGER, "an integer", &value, reterr);
    if (st == KP_OK && value)
        *ret = (int64_t)json_integer_value(value);
    return st;
}

kp_status ft_json_bool(const json_t *object, const char *name, bool *ret, struct kp_error *reterr)
{
    const json_t *value = json_object_get(object, name);
    if (!value)
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" is missing", name);
    if (!json_is_boolean(value))
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" is not true or false", name);
    *ret = json_is_true(value);
    return KP_OK;
}

kp_status ft_json_array(const json_t *object, const char *name, bool required, json_t **ret,
                        struct kp_error *reterr)
{
    return find(object, name, required, JSON_ARRAY, "an array", ret, reterr);
}

kp_status ft_json_object(const json_t *object, const char *name, bool required, json_t **ret,
                         struct kp_error *reterr)
{
    return find(object, name, required, JSON_OBJECT, "an object", ret, reterr);
}

kp_status ft_json_bytes(const json_t *object, const char *name, struct ft_arena *arena,
                        kp_span *ret, struct kp_error *reterr)
{
    kp_span text = {NULL, 0};
    *ret = text;
    kp_status st = ft_json_text(object, name, false, &text, reterr);
    if (st != KP_OK || text.len == 0)
        return st;
    kp_buf bytes;
    kp_buf_init(&bytes, "file-test.json", BYTES_MAX_LEN);
    st = kpb_base64url_decode(text, &bytes);
    if (st == KP_OK)
        st = ft_arena_copy(arena, kp_buf_view(&bytes), ret);
    kp_buf_clear(&bytes);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "file-test.json");
    return st == KP_OK ? KP_OK
                       : kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" is not base64url", name);
}
