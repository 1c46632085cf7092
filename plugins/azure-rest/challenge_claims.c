/* The claims of a CAE challenge: base64 of either alphabet, around one JSON object. */
#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/challenge.h"
#include "plugins/azure-rest/json_scan.h"

#define SITE "azure-rest.challenge.claims"
#define BASE64_MAX_LEN (AZR_CLAIMS_MAX_LEN / 3u * 4u + 4u)

/* The url-safe alphabet without padding, which the decoder of base/ reads. */
static kp_status to_base64url(kp_span text, kp_buf *out)
{
    uint8_t *to;
    while (text.len > 0 && text.ptr[text.len - 1] == '=')
        text.len--;
    kp_status st = kp_buf_extend(out, text.len, &to);
    for (size_t i = 0; st == KP_OK && i < text.len; i++) {
        uint8_t c = text.ptr[i];
        to[i] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return st;
}

static kp_status decode(kp_span text, kp_buf *out)
{
    kp_buf url_safe;
    kp_buf_init(&url_safe, SITE, BASE64_MAX_LEN);
    kp_status st = to_base64url(text, &url_safe);
    if (st == KP_OK)
        st = kpb_base64url_decode(kp_buf_view(&url_safe), out);
    kp_buf_clear(&url_safe);
    return st;
}

kp_status azr_challenge_claims(const struct azr_challenge *challenge, kp_buf *ret_claims,
                               struct kp_error *reterr)
{
    struct azr_json claims;
    kp_buf_init(ret_claims, SITE, AZR_CLAIMS_MAX_LEN);
    kp_status st =
        challenge->claims.is_cut ? KP_PROTOCOL : decode(challenge->claims.text, ret_claims);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, SITE);
    if (st == KP_OK && azr_json_parse(kp_buf_view(ret_claims), &claims) &&
        claims.type == AZR_JSON_OBJECT)
        return KP_OK;
    kp_buf_clear(ret_claims);
    return kpb_fail_code(reterr, KP_PROTOCOL, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                         "the vault asks for a token with claims that cannot be read: they are not "
                         "base64 of a JSON object of at most %u bytes",
                         AZR_CLAIMS_MAX_LEN);
}
