#include "tools/kp-emulator/token.h"

#include <string.h>

#include "base/span.h"
#include "tools/kp-emulator/clock.h"

/* Resources that tokens are given for. The last is what a probe of a managed identity asks for. */
static const char *const AUDIENCES[] = {
    "https://vault.azure.net",
    "https://managedhsm.azure.net",
    "https://vault.usgovcloudapi.net",
    "https://managedhsm.usgovcloudapi.net",
    "https://vault.azure.cn",
    "https://managedhsm.azure.cn",
    "https://management.core.windows.net",
    "https://management.azure.com",
};

static kp_span without(kp_span text, const char *suffix)
{
    if (kpb_span_ends_with_nocase(text, suffix))
        text.len -= strlen(suffix);
    return text;
}

const char *emu_audience_of(kp_span resource)
{
    kp_span bare = without(without(resource, "/.default"), "/");
    for (size_t i = 0; i < sizeof AUDIENCES / sizeof AUDIENCES[0]; i++) {
        if (kpb_span_eq_nocase(bare, kpb_span_str(AUDIENCES[i])))
            return AUDIENCES[i];
    }
    return NULL;
}

kp_status emu_token_make(const struct emu *emu, const struct emu_app *app, const char *audience,
                         int64_t lifetime_s, kp_buf *out)
{
    char uti[EMU_GUID_LEN];
    const json_int_t now = emu_clock_unix_s();
    emu_guid_new(uti);
    json_t *claims =
        json_pack("{s:s,s:o,s:I,s:I,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "aud", audience, "iss",
                  json_sprintf("https://sts.windows.net/%s/", emu->settings.tenant), "iat", now,
                  "nbf", now, "exp", now + (json_int_t)lifetime_s, "appid", app->client_id,
                  "appidacr", "1", "oid", app->object_id, "sub", app->object_id, "tid",
                  emu->settings.tenant, "uti", uti, "ver", "1.0");
    kp_status st = claims ? emu_signer_sign(&emu->signer, claims, NULL, out) : KP_NO_MEMORY;
    json_decref(claims);
    return st;
}
