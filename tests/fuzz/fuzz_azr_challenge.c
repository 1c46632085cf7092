/* WWW-Authenticate: whatever it says, a credential goes to a login host of the table or nowhere. */
#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/arc.h"
#include "plugins/azure-rest/challenge.h"
#include "tests/fuzz/entries.h"

static bool is_inside(kp_span part, kp_span whole)
{
    return part.ptr == NULL || ((uintptr_t)part.ptr >= (uintptr_t)whole.ptr &&
                                (uintptr_t)part.ptr + part.len <= (uintptr_t)whole.ptr + whole.len);
}

static void check_target(const struct azr_target *target)
{
    fuzz_took();
    FUZZ_CHECK(strcmp(target->login, "login.microsoftonline.com") == 0);
    FUZZ_CHECK(strcmp(target->resource, "https://vault.azure.net") == 0);
    FUZZ_CHECK(azr_is_tenant(kpb_span_str(target->tenant)));
    FUZZ_CHECK(!target->is_relaxed);
}

static void check_claims(const struct azr_challenge *challenge)
{
    kp_buf claims;
    if (!azr_challenge_has_claims(challenge))
        return;
    kp_status st = azr_challenge_claims(challenge, &claims, NULL);
    FUZZ_CHECK(st == KP_OK || st == KP_PROTOCOL);
    FUZZ_CHECK(claims.len <= AZR_CLAIMS_MAX_LEN);
    if (st == KP_OK)
        fuzz_took();
    kp_buf_clear(&claims);
}

static void check_arc(kp_span header)
{
    const struct kp_http_header headers[] = {{kpb_span_str("WWW-Authenticate"), header}};
    struct kp_http_reply reply = {.struct_size = sizeof reply, .n_headers = 1, .headers = headers};
    kp_span path;
    if (azr_arc_key_path(&reply, kpb_span(NULL, 0), &path, NULL) != KP_OK)
        return;
    fuzz_took();
    FUZZ_CHECK(is_inside(path, header));
    FUZZ_CHECK(kpb_span_starts_with(path, AZR_ARC_DIR_LINUX "/"));
    for (size_t i = sizeof AZR_ARC_DIR_LINUX; i < path.len; i++)
        FUZZ_CHECK(path.ptr[i] != '/');
}

int fuzz_azr_challenge(const uint8_t *bytes, size_t len)
{
    kp_span header = kpb_span(bytes, len);
    struct azr_challenge challenge;
    struct azr_target target;
    struct kp_error err;
    check_arc(header);
    if (azr_challenge_parse(&header, 1, &challenge, &err) != KP_OK)
        return 0;
    FUZZ_CHECK(is_inside(challenge.authorization.text, header));
    FUZZ_CHECK(is_inside(challenge.resource.text, header));
    FUZZ_CHECK(is_inside(challenge.claims.text, header));
    check_claims(&challenge);
    if (azr_challenge_check(&challenge, kpb_span_str("v.vault.azure.net"), NULL, &target, &err) ==
        KP_OK)
        check_target(&target);
    else
        FUZZ_CHECK(err.code >= 3201 && err.code <= 3207);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_challenge)
