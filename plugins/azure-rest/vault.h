/*
 * One open vault, and what its operations share. Loop thread, but for what a worker of a fetch
 * reads.
 */
#ifndef KP_PLUGINS_AZURE_REST_VAULT_H
#define KP_PLUGINS_AZURE_REST_VAULT_H

#include "plugins/azure-rest/access.h"
#include "plugins/azure-rest/profile.h"
#include "plugins/azure-rest/recent.h"

struct azr_op;

struct azr_vault {
    /* Fixed once open. */
    struct kp_host host; /* a copy; members of a newer host than ours are left out */
    const struct azr_profile *profile;
    char *host_port; /* HOST[:PORT], small letters */
    char *base;      /* https:// before it */
    char *suffix;
    char *resource;
    char *authority;
    struct azr_trust trust; /* views of the three */
    struct azr_login login; /* who the caller says it is; its secret is in login_secret */
    kp_buf login_secret;
    bool has_store; /* entered the store of shared tokens */

    /* Loop thread; reload changes them. */
    char *api_version;
    uint32_t poll_ms;
    uint32_t token_timeout_ms;
    uint64_t write_spread_ns;
    uint32_t partitions;

    /* Loop thread. */
    struct azr_access access;
    struct azr_recent *recent; /* NULL: its writes show everywhere at once */
    struct azr_pace slow;      /* what makes, moves or removes keys */
    struct azr_pace fast;      /* what uses or shows them */
    struct azr_op *idle;       /* operations that have ended, kept for the next */
    uint32_t n_idle;
};

/* The slots of a table; open with its profile. */
kp_status azr_vault_open(const struct azr_profile *profile, const struct kp_host *host,
                         const struct kp_vault_settings *settings, void **ret_vault,
                         struct kp_error *reterr) KP_MUST_USE;
kp_status azr_vault_reload(void *vault, const struct kp_vault_settings *settings,
                           struct kp_error *reterr) KP_MUST_USE;
void azr_vault_close(void *vault);

/* A worker of a closing vault is back. */
void azr_vault_close_if_quiet(struct azr_vault *vault);

/* Monotonic and wall clock of the host. */
uint64_t azr_now_ns(const struct azr_vault *vault);
int64_t azr_now_unix_s(const struct azr_vault *vault);
/* One line of log; text is cut at KP_ERROR_TEXT_LEN and holds no secret. */
void azr_log(const struct azr_vault *vault, uint32_t level, const char *event, const char *fmt, ...)
    KPB_PRINTF(4, 5);

#endif /* KP_PLUGINS_AZURE_REST_VAULT_H */
