#include "plugins/file-test/settings.h"

#include <stddef.h>
#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/settings.h"
#include "base/span.h"

#define HOUR_MS 3600000

/* Every setting as the text reader leaves it; ft_settings_read makes the rest of it. */
struct raw_settings {
    kp_span passphrase;
    kp_span backup_key;
    kp_span fault_class;
    bool hsm;
    bool purge_protection;
    bool auto_rotate;
    bool fault_hang;
    bool fault_offline;
    int64_t retention_days;
    int64_t lock_timeout_ms;
    int64_t scrypt_log2_n;
    int64_t fault_latency_ms;
    int64_t fault_latency_p99_ms;
    int64_t fault_rate_percent;
    int64_t fault_throttle_after;
    int64_t fault_seed;
};

#define RELOAD KP_SETTING_RELOADABLE

/* XX(member, type, flags, "name", fallback, min, max, "doc") */
#define SETTING_MAP(XX)                                                                            \
    XX(passphrase, KP_SETTING_SECRET, 0, "passphrase", NULL, 0, 0,                                 \
       "Seals private keys on disk; fixed when the vault is made.")                                \
    XX(backup_key, KP_SETTING_SECRET, 0, "backup_key", NULL, 0, 0,                                 \
       "32 bytes as base64url or hex that seal backups; equal in both vaults.")                    \
    XX(hsm, KP_SETTING_BOOLEAN, 0, "hsm", "false", 0, 0,                                           \
       "Behave like a Managed HSM: every key is of an HSM kind.")                                  \
    XX(purge_protection, KP_SETTING_BOOLEAN, 0, "purge_protection", "false", 0, 0,                 \
       "Refuse to purge a deleted key before its retention ends.")                                 \
    XX(auto_rotate, KP_SETTING_BOOLEAN, 0, "auto_rotate", "true", 0, 0,                            \
       "Rotate a key that its policy says is due when it is next used.")                           \
    XX(retention_days, KP_SETTING_INTEGER, 0, "retention_days", "90", 7, 90,                       \
       "Days a deleted key can be recovered.")                                                     \
    XX(lock_timeout_ms, KP_SETTING_INTEGER, RELOAD, "lock_timeout_ms", "5000", 0, HOUR_MS,         \
       "Longest wait for another process that is changing the vault.")                             \
    XX(scrypt_log2_n, KP_SETTING_INTEGER, 0, "scrypt_log2_n", "15", 10, 17,                        \
       "Cost of one guess of the passphrase of a new vault; each step doubles it.")                \
    XX(fault_latency_ms, KP_SETTING_INTEGER, RELOAD, "fault.latency_ms", "0", 0, HOUR_MS,          \
       "Test: median delay of every operation.")                                                   \
    XX(fault_latency_p99_ms, KP_SETTING_INTEGER, RELOAD, "fault.latency_p99_ms", "0", 0, HOUR_MS,  \
       "Test: delay that one operation in a hundred exceeds.")                                     \
    XX(fault_class, KP_SETTING_TEXT, RELOAD, "fault.class", "transient", 0, 0,                     \
       "Test: status class of injected failures.")                                                 \
    XX(fault_rate_percent, KP_SETTING_INTEGER, RELOAD, "fault.rate_percent", "0", 0, 100,          \
       "Test: share of operations that fail.")                                                     \
    XX(fault_throttle_after, KP_SETTING_INTEGER, RELOAD, "fault.throttle_after", "0", 0, 1000000,  \
       "Test: operations a second that are served before throttling.")                             \
    XX(fault_hang, KP_SETTING_BOOLEAN, RELOAD, "fault.hang", "false", 0, 0,                        \
       "Test: accept operations and never answer.")                                                \
    XX(fault_offline, KP_SETTING_BOOLEAN, RELOAD, "fault.offline", "false", 0, 0,                  \
       "Test: be unreachable.")                                                                    \
    XX(fault_seed, KP_SETTING_INTEGER, RELOAD, "fault.seed", "0", 0, INT64_MAX,                    \
       "Test: makes the injected faults repeat; 0: different every time.")

SETTING_MAP(KPB_SETTING_SPEC)

const struct kp_setting_spec *const ft_setting_specs[] = {SETTING_MAP(KPB_SETTING_REF) NULL};

static const size_t OFFSETS[] = {
#define XX(member, type, flags, name, fallback, min, max, doc)                                     \
    offsetof(struct raw_settings, member),
    SETTING_MAP(XX)
#undef XX
};

static kp_status read_class(kp_span text, uint32_t *ret, struct kp_error *reterr)
{
    for (uint32_t i = KP_OK + 1; i < KP_STATUS_COUNT; i++) {
        if (kpb_span_eq_str(text, kp_status_text((kp_status)i))) {
            *ret = i;
            return KP_OK;
        }
    }
    return kpb_fail(reterr, KP_CONFIG,
                    "setting fault.class must be a status class such as transient or throttled");
}

kp_status ft_settings_read(const struct kp_vault_settings *in, struct ft_settings *ret,
                           struct kp_error *reterr)
{
    struct raw_settings raw;
    uint32_t class_status = KP_OK;
    const struct kpb_settings_table table = {ft_setting_specs, OFFSETS, sizeof raw};
    kp_status st = kpb_settings_read(&table, in, &raw, reterr);
    if (st == KP_OK)
        st = read_class(raw.fault_class, &class_status, reterr);
    if (st != KP_OK)
        return st;
    const struct ft_settings settings = {
        .passphrase = raw.passphrase,
        .backup_key = raw.backup_key,
        .hsm = raw.hsm,
        .purge_protection = raw.purge_protection,
        .auto_rotate = raw.auto_rotate,
        .retention_days = raw.retention_days,
        .lock_timeout_ms = raw.lock_timeout_ms,
        .scrypt_log2_n = raw.scrypt_log2_n,
        .faults = {.latency_ms = (uint32_t)raw.fault_latency_ms,
                   .latency_p99_ms = (uint32_t)raw.fault_latency_p99_ms,
                   .class_status = class_status,
                   .rate_percent = (uint32_t)raw.fault_rate_percent,
                   .throttle_after = (uint32_t)raw.fault_throttle_after,
                   .hang = raw.fault_hang,
                   .offline = raw.fault_offline,
                   .seed = (uint64_t)raw.fault_seed},
    };
    *ret = settings;
    return KP_OK;
}

kp_status ft_settings_backup_key(kp_span text, uint8_t *ret_key, struct kp_error *reterr)
{
    kp_buf bytes;
    if (text.len == 2 * FT_BACKUP_KEY_LEN &&
        kpb_hex_decode(text, ret_key, FT_BACKUP_KEY_LEN) == KP_OK)
        return KP_OK;
    kp_buf_init_secret(&bytes, "file-test.settings", FT_BACKUP_KEY_LEN);
    kp_status st = kpb_base64url_decode(text, &bytes);
    bool ok = st == KP_OK && bytes.len == FT_BACKUP_KEY_LEN;
    if (ok)
        memcpy(ret_key, bytes.ptr, FT_BACKUP_KEY_LEN);
    kp_buf_clear(&bytes);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "file-test.settings");
    return ok ? KP_OK
              : kpb_fail(
                    reterr, KP_CONFIG,
                    "setting backup_key must be 32 bytes as base64url (43 characters) or as hex "
                    "(64 digits)");
}
