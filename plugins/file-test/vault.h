/*
 * One open vault, and what its operations share. Made by open.c, closed by table.c.
 */
#ifndef KP_PLUGINS_FILE_TEST_VAULT_H
#define KP_PLUGINS_FILE_TEST_VAULT_H

#include <keyprovider/plugin.h>

#include "plugins/file-test/faults.h"
#include "plugins/file-test/keys.h"
#include "plugins/file-test/settings.h"
#include "plugins/file-test/store.h"

struct ft_vault {
    /* Fixed once open. */
    struct kp_host host; /* a copy; members of a newer host than ours are left out */
    struct kp_memory memory;
    struct ft_store store;
    bool hsm;
    bool purge_protection;
    bool auto_rotate;
    int64_t retention_days;
    uint8_t *backup_key; /* FT_BACKUP_KEY_LEN bytes of secret memory, NULL: none */

    /* While opening: the worker's, then the loop's. */
    char *path;
    bool may_create;
    int64_t scrypt_log2_n;
    kp_buf passphrase;
    bool is_busy;
    kp_status open_status;
    struct kp_error open_error;
    uint64_t busy_since_ns;

    /* Loop thread. */
    int64_t lock_timeout_ms;
    struct ft_faults faults;

    /* Any thread. */
    struct ft_keys keys;
};

/* What open of the table does, over a given file system: the tests' way in. */
kp_status ft_vault_open(const struct ft_fs *fs, const struct kp_host *host,
                        const struct kp_vault_settings *settings, void **ret_vault,
                        struct kp_error *reterr) KP_MUST_USE;
/* Wipes and frees a vault, half-open or not. NULL allowed. */
void ft_vault_free(struct ft_vault *vault);

/* Wall clock of the host. */
int64_t ft_now_unix_s(const struct ft_vault *vault);
void ft_log(const struct ft_vault *vault, uint32_t level, const char *event, const char *text);

/* Pause before the n-th try (from 0) of something another process is in the way of, in ms. */
uint32_t ft_backoff_ms(uint32_t n);

#endif /* KP_PLUGINS_FILE_TEST_VAULT_H */
