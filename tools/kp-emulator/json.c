#include "tools/kp-emulator/json.h"

#include <string.h>

#include "base/encode.h"
#include "base/span.h"

#define SITE "emulator.json"

kp_span emu_json_text(const json_t *value)
{
    return kpb_span(json_string_value(value), json_string_length(value));
}

kp_span emu_json_member(const json_t *object, const char *name)
{
    return emu_json_text(json_object_get(object, name));
}

bool emu_json_lacks(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return !value || json_is_null(value);
}

json_t *emu_json_string(kp_span text)
{
    return text.len > 0 ? json_stringn((const char *)text.ptr, text.len) : json_string("");
}

json_t *emu_json_base64url(kp_span bytes)
{
    kp_buf text;
    kp_buf_init(&text, SITE, bytes.len * 2 + 4);
    json_t *value = NULL;
    if (kpb_base64url_encode(bytes, &text) == KP_OK)
        value = emu_json_string(kp_buf_view(&text));
    kp_buf_clear(&text);
    return value;
}

kp_status emu_json_bytes(const json_t *value, kp_buf *out)
{
    return json_is_string(value) ? kpb_base64url_decode(emu_json_text(value), out) : KP_PROTOCOL;
}

json_t *emu_json_parse(kp_span text)
{
    json_t *root = text.len > 0 ? json_loadb((const char *)text.ptr, text.len,
                                             JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
                                : NULL;
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static int append_piece(const char *piece, size_t len, void *ctx)
{
    return kp_buf_append(ctx, kpb_span(piece, len)) == KP_OK ? 0 : -1;
}

static kp_status write_with(const json_t *value, size_t flags, kp_buf *out)
{
    return json_dump_callback(value, append_piece, out, flags) == 0 ? KP_OK : KP_NO_MEMORY;
}

kp_status emu_json_write(const json_t *value, kp_buf *out)
{
    return write_with(value, JSON_COMPACT, out);
}

kp_status emu_json_write_sorted(const json_t *value, kp_buf *out)
{
    return write_with(value, JSON_COMPACT | JSON_SORT_KEYS, out);
}
