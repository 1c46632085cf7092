#include "tools/kp-emulator/challenge.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
} VARIANTS[] = {
    {"resource", "Bearer authorization=\"{A}\", resource=\"{R}\""},
    {"scope", "Bearer authorization=\"{A}\", scope=\"{R}/.default\""},
    {"both", "Bearer authorization=\"{A}\", resource=\"{R}\", scope=\"{R}/.default\""},
    {"authorization_uri", "Bearer authorization_uri=\"{A}\", resource=\"{R}\""},
    {"reversed", "Bearer resource=\"{R}\", authorization=\"{A}\""},
    {"unquoted", "Bearer authorization={A}, resource={R}"},
    {"pop_first", "PoP authorization=\"{A}\", resource=\"{R}\", Bearer authorization=\"{A}\", "
                  "resource=\"{R}\""},
    {"extra", "Bearer realm=\"\", error=\"invalid_token\", authorization=\"{A}\", "
              "resource=\"{R}\", nonce=\"a, b=\\\"c\\\"\""},
    {"no_resource", "Bearer authorization=\"{A}\""},
    {"no_authorization", "Bearer resource=\"{R}\""},
};

static const char *text_of(const char *variant)
{
    for (size_t i = 0; i < sizeof VARIANTS / sizeof VARIANTS[0]; i++) {
        if (strcmp(VARIANTS[i].name, variant) == 0)
            return VARIANTS[i].text;
    }
    return variant;
}

kp_status emu_challenge_write(const char *variant, const char *authority, const char *resource,
                              kp_buf *out)
{
    kp_status st = KP_OK;
    for (const char *c = text_of(variant); st == KP_OK && *c; c++) {
        bool is_authority = strncmp(c, "{A}", 3) == 0;
        if (is_authority || strncmp(c, "{R}", 3) == 0) {
            st = kp_buf_append_str(out, is_authority ? authority : resource);
            c += 2;
        } else {
            st = kp_buf_append_byte(out, (uint8_t)*c);
        }
    }
    return st == KP_OK ? kp_buf_append_byte(out, 0) : st;
}
