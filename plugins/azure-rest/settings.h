/*
 * The settings of a vault that speaks this protocol: their specifications, which the host reads
 * too, and their values. Pure functions; loop thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_SETTINGS_H
#define KP_PLUGINS_AZURE_REST_SETTINGS_H

#include <keyprovider/plugin.h>

/* NULL-terminated, for struct kp_caps. docs/AZURE-KEYVAULT.md explains each. */
extern const struct kp_setting_spec *const azr_setting_specs[];

/* Spans are borrowed from the struct kp_vault_settings they were read from; empty: not given. */
struct azr_settings {
    kp_span api_version;
    kp_span custom_suffix;
    kp_span custom_resource;
    kp_span authority;
    int64_t poll_ms;
    int64_t write_spread_ms;
    int64_t partitions;
    int64_t token_timeout_ms;
    kp_span kind;
    kp_span tenant;
    kp_span client_id;
    kp_span secret;
    kp_span certificate;
    kp_span certificate_password;
    kp_span thumbprint;
    kp_span assertion;
    kp_span token_file;
    kp_span managed_source;
    kp_span object_id;
    kp_span resource_id;
    kp_span imds_host;
};

/*
 * Reads all. Errors: config naming the setting: unknown, no number, out of its bounds, an
 * api_version with other characters than letters, digits, dots and hyphens.
 */
kp_status azr_settings_read(const struct kp_vault_settings *in, struct azr_settings *ret,
                            struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_SETTINGS_H */
