#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/json_scan.h"
#include "plugins/azure-rest/judge.h"

#define INNER_MAX_DEPTH 8u

/* "Malformed backup blob" is a code too. */
static bool is_code_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ' ' ||
           c == '_' || c == '-' || c == '.';
}

static void keep_code(struct azr_json value, char out[AZR_SERVICE_CODE_LEN])
{
    kp_span text;
    if (!azr_json_plain(value, &text) || text.len == 0 || text.len >= AZR_SERVICE_CODE_LEN)
        return;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_code_char(text.ptr[i]))
            return;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

void azr_service_error_read(kp_span body, struct azr_service_error *ret)
{
    struct azr_json value;
    memset(ret, 0, sizeof *ret);
    if (!azr_json_parse(body, &value))
        return;
    struct azr_json at = azr_json_member(value, "error");
    keep_code(azr_json_member(at, "code"), ret->code);
    for (unsigned i = 0; i < INNER_MAX_DEPTH; i++) {
        at = azr_json_member(at, "innererror");
        if (at.type != AZR_JSON_OBJECT)
            return;
        keep_code(azr_json_member(at, "code"), ret->inner);
    }
}
