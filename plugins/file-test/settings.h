/*
 * The settings of a file vault: their specifications, which the host reads too, and their values.
 * Pure functions; loop thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_SETTINGS_H
#define KP_PLUGINS_FILE_TEST_SETTINGS_H

#include <keyprovider/plugin.h>

#include "plugins/file-test/faults.h"

/* NULL-terminated, for struct kp_caps. docs/FILE-VAULT.md explains each. */
extern const struct kp_setting_spec *const ft_setting_specs[];

#define FT_BACKUP_KEY_LEN 32u

/* Spans are borrowed from the struct kp_vault_settings they were read from. */
struct ft_settings {
    kp_span passphrase;
    kp_span backup_key; /* text */
    bool hsm;
    bool purge_protection;
    bool auto_rotate;
    int64_t retention_days;
    int64_t lock_timeout_ms;
    int64_t scrypt_log2_n;
    struct ft_fault_settings faults;
};

/* Reads and checks all. Errors: config naming the setting. */
kp_status ft_settings_read(const struct kp_vault_settings *in, struct ft_settings *ret,
                           struct kp_error *reterr) KP_MUST_USE;

/* Reads a backup key: 32 bytes as 43 characters of base64url or 64 hex digits. Errors: config. */
kp_status ft_settings_backup_key(kp_span text, uint8_t *ret_key, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_SETTINGS_H */
