#include "plugins/azure-rest/fingerprint.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/hash.h"

#define SITE "azure-rest.fingerprint"
#define LEN_LEN 4u /* bytes of a part's length */

static kp_status add_part(kp_buf *text, kp_span part)
{
    const uint8_t len[LEN_LEN] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
                                  (uint8_t)(part.len >> 8), (uint8_t)part.len};
    kp_status st = kp_buf_append(text, kpb_span(len, sizeof len));
    return st == KP_OK ? kp_buf_append(text, part) : st;
}

/* Bytes of all parts with their lengths; 0 when over the bound or empty. */
static size_t total_len(const kp_span *parts, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > AZR_FINGERPRINT_MAX_LEN - total)
            return 0;
        total += parts[i].len;
        if (total > AZR_FINGERPRINT_MAX_LEN - LEN_LEN)
            return 0;
        total += LEN_LEN;
    }
    return total;
}

kp_status azr_fingerprint(kp_span key, const kp_span *parts, size_t n,
                          uint8_t ret[AZR_FINGERPRINT_LEN], struct kp_error *reterr)
{
    kp_buf text;
    size_t total = total_len(parts, n);
    if (key.len != AZR_FINGERPRINT_KEY_LEN || total == 0)
        return kpb_fail(reterr, KP_USAGE,
                        "a fingerprint takes a key of %u bytes and parts of at most %u bytes "
                        "together",
                        AZR_FINGERPRINT_KEY_LEN, AZR_FINGERPRINT_MAX_LEN);
    kp_buf_init_secret(&text, SITE, AZR_FINGERPRINT_MAX_LEN);
    /* All at once: growing would copy secrets around. */
    kp_status st = kp_buf_reserve(&text, total);
    for (size_t i = 0; st == KP_OK && i < n; i++)
        st = add_part(&text, parts[i]);
    st = st == KP_OK ? kpc_hmac_sha256(key, kp_buf_view(&text), ret, reterr)
                     : kpb_fail_memory(reterr, SITE);
    kp_buf_clear(&text);
    return st;
}
