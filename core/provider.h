/*
 * A provider: configuration, plugins, loop threads, workers, gate and the registry of its vaults.
 *
 * Threads: members say which. Configurations once loaded stay until the end, so a pointer into one
 * never dangles, whatever reload does.
 */
#ifndef KP_CORE_PROVIDER_H
#define KP_CORE_PROVIDER_H

#include "core/access.h"
#include "core/config.h"
#include "core/gate.h"
#include "core/http_shared.h"
#include "core/plugin_load.h"
#include "core/shard.h"
#include "core/workers.h"

#define KPI_CREDENTIAL_KEY_LEN 32u

struct kpi_log;
struct kpi_metrics;

/* One loaded configuration; the newest is first. */
struct kpi_config_age {
    struct kpi_config config;
    struct kpi_config_age *older;
};

struct kp_provider {
    /* ---- fixed after open ---- */
    uint64_t epoch;
    struct kpi_plugins plugins;
    const struct kpi_clock *clock;
    struct kpi_log *log;
    bool levels_given; /* by the options: reload leaves them */
    struct kpi_metrics *metrics;
    struct kpi_gate gate; /* permits to compute */
    bool has_gate;
    struct kpi_workers computers; /* run on behalf of asynchronous callers */
    struct kpi_workers blockers;  /* files, and what plugins ask to be worked on */
    struct kpi_access access;     /* reads on the blockers */
    struct kpi_http_shared http;
    struct kpi_shard *shards;
    uint32_t n_shards;
    char *config_path;
    uint8_t *credential_key; /* KPI_CREDENTIAL_KEY_LEN secret bytes */

    /* ---- any thread ---- */
    _Atomic uint32_t closing;

    /* ---- under lock ---- */
    uv_mutex_t lock;
    struct kpi_config_age *config;
    struct kpi_link vaults;
    uint32_t n_vaults;
    uint32_t next_shard;
    uint64_t uses; /* counts acquires, for the order of last use */

    /* ---- under the lock of core/process ---- */
    struct kpi_link in_live;
    bool parked; /* at the end of the process: its threads are gone, its memory stays */
};

/* Opens with a clock of the caller's choice; kp_provider_open is this with the system's. */
kp_status kpi_provider_open(const struct kp_options *options, const struct kpi_clock *clock,
                            kp_provider **ret_provider, struct kp_error *reterr) KP_MUST_USE;
/* Frees what open made. Every thread has ended. Half-opened providers are allowed. */
void kpi_provider_free(struct kp_provider *provider);
/* Checks every configured vault's settings against its plugin. Errors: config, no_memory. */
kp_status kpi_provider_check_vaults(const struct kpi_plugins *plugins, struct kpi_config *config,
                                    struct kp_error *reterr) KP_MUST_USE;
/* Stops the threads where they stand, within a second; the process is ending. */
void kpi_provider_park(struct kp_provider *provider);

/* The shard with that number, or NULL. Any thread. */
struct kpi_shard *kpi_provider_shard(struct kp_provider *provider, uint32_t at);
/* The configuration in force. Any thread; valid until close. */
const struct kpi_config *kpi_provider_config(struct kp_provider *provider);

/*
 * A client's call comes in, and goes out again: while anybody is in, nothing is freed.
 * Errors: usage in a forked child and once close has begun. Any thread.
 */
kp_status kpi_caller_enter(struct kpi_shard *shard, struct kp_error *reterr) KP_MUST_USE;
void kpi_caller_leave(struct kpi_shard *shard);
/* The same question without going in. */
kp_status kpi_provider_check(const struct kp_provider *provider, struct kp_error *reterr)
    KP_MUST_USE;

/* Frees a vault that has closed, or was never used. Loop thread, or none. */
void kpi_vault_free(struct kp_vault *vault);

#endif /* KP_CORE_PROVIDER_H */
