/*
 * Names and values as URLs carry them: query strings and forms (application/x-www-form-urlencoded).
 * Pure functions over bytes; one owner.
 */
#ifndef KP_TOOLS_KP_EMULATOR_FIELDS_H
#define KP_TOOLS_KP_EMULATOR_FIELDS_H

#include <stdbool.h>

#include "base/buf.h"

#define EMU_FIELDS_MAX 64u

struct emu_field {
    kp_span name;
    kp_span value;
};

struct emu_fields {
    struct emu_field at[EMU_FIELDS_MAX];
    size_t n;
    uint8_t *text; /* owns what the spans point into */
};

/*
 * Reads name=value pairs split by '&', decoding %XX and '+'. More than EMU_FIELDS_MAX pairs or a
 * broken escape: usage. Clear *ret in every case.
 */
kp_status emu_fields_parse(kp_span text, struct emu_fields *ret) KP_MUST_USE;
/* NULL and cleared ones are allowed. */
void emu_fields_clear(struct emu_fields *fields);
/* The first value of that name, compared without case; an empty span with *ret_found false. */
kp_span emu_fields_get(const struct emu_fields *fields, const char *name, bool *ret_found);
/* Appends text with everything but letters, digits, '-', '.', '_' and '~' escaped. */
kp_status emu_url_escape(kp_span text, kp_buf *out) KP_MUST_USE;
/* Decodes %XX within text in place; false when an escape is broken. */
bool emu_url_unescape(uint8_t *text, size_t *len, bool plus_is_space);

#endif /* KP_TOOLS_KP_EMULATOR_FIELDS_H */
