/*
 * The section "ekm" of the configuration as the provider uses it. The core has checked and
 * completed it (docs/CONFIG.md). Fixed after ekm_settings_read; any thread.
 */
#ifndef KP_EKM_SETTINGS_H
#define KP_EKM_SETTINGS_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#define EKM_ALGS_MAX 3u

struct ekm_texts {
    char **at; /* NULL-terminated; NULL: none */
    size_t n;
};

struct ekm_settings {
    uint32_t timeout_ms;
    uint32_t patience_ms;
    uint32_t bad_credential_ms;
    uint32_t unwrap_cache_ms;
    uint32_t unwrap_cache_entries;
    uint32_t max_sessions;
    uint32_t event_level;
    bool report_3072_as_2048;
    bool create_keys;
    bool drop_keys;
    bool name_thumbprints;
    bool log_json;
    uint32_t log_lines_per_second;
    uint32_t wrap_alg;                   /* enum kp_alg */
    uint32_t decrypt_algs[EKM_ALGS_MAX]; /* enum kp_alg, in the order they are tried */
    uint32_t n_decrypt_algs;
    struct ekm_texts allow;
    struct ekm_texts key_names;
    char *managed_identity_vault; /* NULL: none */
    char *key_map;
    char *log_file; /* NULL: standard error */
};

/* Reads the running configuration of a provider. Errors: no_memory, internal. */
kp_status ekm_settings_read(kp_provider *provider, struct ekm_settings *ret,
                            struct kp_error *reterr) KP_MUST_USE;
/* Frees what it owns. A zeroed one is allowed. */
void ekm_settings_clear(struct ekm_settings *settings);

#endif /* KP_EKM_SETTINGS_H */
