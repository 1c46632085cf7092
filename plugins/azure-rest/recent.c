#include "plugins/azure-rest/recent.h"

#include <string.h>

#include "base/span.h"

/* The services compare names without case. */
static bool is_of(const struct azr_recent_key *key, kp_span name)
{
    return key->name_len > 0 && kpb_span_eq_nocase(kpb_span(key->name, key->name_len), name);
}

static bool is_version(const struct azr_recent_key *key, kp_span version)
{
    return key->version_len == 0 || version.len == 0 ||
           kpb_span_eq(kpb_span(key->version, key->version_len), version);
}

void azr_recent_note(struct azr_recent *recent, kp_span name, kp_span version, uint64_t now_ns)
{
    struct azr_recent_key *key = &recent->keys[recent->next];
    if (name.len == 0 || name.len > sizeof key->name || version.len > sizeof key->version)
        return;
    recent->next = (recent->next + 1) % AZR_RECENT_MAX;
    key->made_ns = now_ns;
    key->name_len = (uint8_t)name.len;
    key->version_len = (uint8_t)version.len;
    memcpy(key->name, name.ptr, name.len);
    if (version.len > 0)
        memcpy(key->version, version.ptr, version.len);
}

void azr_recent_forget(struct azr_recent *recent, kp_span name)
{
    for (uint32_t i = 0; i < AZR_RECENT_MAX; i++) {
        if (is_of(&recent->keys[i], name))
            recent->keys[i].name_len = 0;
    }
}

bool azr_recent_has(const struct azr_recent *recent, kp_span name, kp_span version, uint64_t now_ns,
                    uint64_t window_ns, uint64_t *ret_age_ns)
{
    bool found = false;
    for (uint32_t i = 0; i < AZR_RECENT_MAX; i++) {
        const struct azr_recent_key *key = &recent->keys[i];
        const uint64_t age_ns = now_ns - key->made_ns;
        if (!is_of(key, name) || !is_version(key, version) || age_ns >= window_ns)
            continue;
        *ret_age_ns = found && *ret_age_ns < age_ns ? *ret_age_ns : age_ns;
        found = true;
    }
    return found;
}
