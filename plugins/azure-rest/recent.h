/*
 * The key versions this vault made a moment ago. Where a service has two regions, the other one may
 * not know of them yet: its "not found" is then no answer, and the operation asks again.
 *
 * A bounded list, the oldest gives way. Loop thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_RECENT_H
#define KP_PLUGINS_AZURE_REST_RECENT_H

#include <stdbool.h>

#include <keyprovider/types.h>

#define AZR_RECENT_MAX 64u

struct azr_recent_key {
    uint64_t made_ns;
    uint8_t name_len; /* 0: the place is free */
    uint8_t version_len;
    char name[KP_KEY_NAME_MAX_LEN];
    char version[KP_KEY_VERSION_MAX_LEN]; /* empty: every version, after a restore */
};

struct azr_recent {
    uint32_t next;
    struct azr_recent_key keys[AZR_RECENT_MAX];
};

/* Notes a version; empty: all of the key's. Names and versions are of the lengths of types.h. */
void azr_recent_note(struct azr_recent *recent, kp_span name, kp_span version, uint64_t now_ns);
/* The key was deleted by us: nothing of it is expected any more. */
void azr_recent_forget(struct azr_recent *recent, kp_span name);
/*
 * Whether the version (empty: any) was made less than window_ns ago; *ret_age_ns says how long ago
 * then.
 */
bool azr_recent_has(const struct azr_recent *recent, kp_span name, kp_span version, uint64_t now_ns,
                    uint64_t window_ns, uint64_t *ret_age_ns);

#endif /* KP_PLUGINS_AZURE_REST_RECENT_H */
