/* Short ways to read and write JSON with Jansson. Any thread; borrowed spans live as the value. */
#ifndef KP_TOOLS_KP_EMULATOR_JSON_H
#define KP_TOOLS_KP_EMULATOR_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

/* Text of a string, empty for anything else. */
kp_span emu_json_text(const json_t *value);
/* Text of a member, empty when it is absent or no string. */
kp_span emu_json_member(const json_t *object, const char *name);
/* Whether the member is absent or null. */
bool emu_json_lacks(const json_t *object, const char *name);
/* A string from bytes that are valid UTF-8; NULL otherwise. */
json_t *emu_json_string(kp_span text);
/* base64url of bytes as a string. */
json_t *emu_json_base64url(kp_span bytes);
/* Decodes a base64url member and appends it to out. Errors: protocol, no_memory. */
kp_status emu_json_bytes(const json_t *value, kp_buf *out) KP_MUST_USE;
/* Parses one object, duplicates refused; NULL when text is none. */
json_t *emu_json_parse(kp_span text);
/* Appends compact JSON. */
kp_status emu_json_write(const json_t *value, kp_buf *out) KP_MUST_USE;
/* The same with the members of objects in alphabetical order. */
kp_status emu_json_write_sorted(const json_t *value, kp_buf *out) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_JSON_H */
