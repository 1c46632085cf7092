/*
 * One vault as the core sees it: which plugin serves it, with which settings and credential, what
 * is queued for it and what is in flight.
 *
 *   state     event                          next
 *   IDLE      first operation                FETCHING   secrets are read on a worker
 *   FETCHING  inputs there                   OPENING    the plugin's open was accepted
 *   FETCHING  inputs or open refused         IDLE       what waits fails with the reason
 *   OPENING   open_timeout_ms have passed    OPENING    what waits and what comes: timeout
 *   OPENING   opened(ok)                     OPEN
 *   OPENING   opened(failure)                UNDOING    what waits fails with the reason
 *   UNDOING   closed                         IDLE       (the next operation tries again)
 *   OPEN      close, nothing in flight       CLOSING
 *   CLOSING   last caller has left run       CLOSING    the plugin's close is called
 *   CLOSING   closed, no errand left         CLOSED
 *   IDLE      close                          CLOSED
 *
 * A close asked for in between waits until IDLE or OPEN is reached.
 *
 * Threads: members say which; functions on the loop thread unless they say otherwise.
 */
#ifndef KP_CORE_VAULT_H
#define KP_CORE_VAULT_H

#include "core/breaker.h"
#include "core/config.h"
#include "core/door.h"
#include "core/inbox.h"
#include "core/key_cache.h"
#include "core/list.h"
#include "core/plugin_load.h"
#include "core/retry.h"
#include "core/shard.h"
#include "core/workers.h"

enum kpi_vault_state {
    KPI_VAULT_IDLE = 0,
    KPI_VAULT_FETCHING = 1,
    KPI_VAULT_OPENING = 2,
    KPI_VAULT_OPEN = 3,
    KPI_VAULT_UNDOING = 4,
    KPI_VAULT_CLOSING = 5,
    KPI_VAULT_CLOSED = 6
};

#define KPI_FINGERPRINT_LEN 32u
#define KPI_MAX_IN_FLIGHT_DEFAULT 256u /* where neither configuration nor plugin says */

struct kpi_vault_metrics;

/* New settings on their way to a vault's plugin. */
struct kpi_reload {
    struct kpi_link in_vault;
    struct kp_vault *vault;
    const struct kpi_vault_config *config;
    struct kpi_vault_inputs inputs;
    struct kpi_job job;
    struct kpi_mail mail;
    kp_status status;
    struct kp_error error;
};

struct kp_vault {
    /* ---- fixed after acquire ---- */
    struct kp_provider *provider;
    struct kpi_shard *shard;
    const struct kp_plugin *plugin;
    char *name;                            /* configured, or the canonical text */
    char *location;                        /* as the plugin gets it: without its scheme */
    const struct kpi_vault_config *config; /* a configuration's, or own_config; changed by reload */
    struct kpi_vault_config own_config;
    bool configured;
    uint32_t open_flags; /* KP_VAULT_MAY_CREATE */
    kp_buf identity;
    kp_buf secret;
    uint8_t fingerprint[KPI_FINGERPRINT_LEN]; /* keyed hash of the credential and the flags */
    struct kpi_door *door;
    struct kpi_vault_metrics *metrics;

    /* ---- under the provider's vault lock ---- */
    struct kpi_link in_registry;
    uint32_t n_acquired;
    uint64_t last_used;

    /* ---- any thread ---- */
    _Atomic uint32_t state;                          /* enum kpi_vault_state */
    _Atomic(const struct kpi_vault_limits *) limits; /* replaced by reload */
    _Atomic uint32_t n_pending;                      /* admitted, client not told yet */
    _Atomic uint32_t n_inline;                       /* inside run on callers' threads */
    _Atomic uint32_t n_in_flight;                    /* written by the loop */
    struct kpi_budget budget;
    struct kpi_key_cache cache;

    /* ---- loop thread; breaker state also read by others ---- */
    struct kpi_breaker breaker;
    struct kpi_link in_shard;
    struct kpi_link in_ready;
    struct kpi_link ops;     /* every operation whose client is still waiting */
    struct kpi_link queue;   /* those to dispatch, oldest first */
    struct kpi_link patient; /* those that wait for the breaker's next probe */
    struct kpi_link in_flight;
    struct kpi_link reloads;
    struct kpi_link errands; /* what the plugin waits for */
    uint64_t last_errand;
    bool open_is_probe;
    bool open_overdue;           /* opening takes longer than open_timeout_ms */
    struct kpi_timer open_timer; /* its end */
    void *instance;
    const struct kpi_vault_config *fetched_config; /* what inputs are read from; reload may go on */
    struct kpi_vault_inputs inputs;
    kp_status opened_status;
    struct kp_error opened_error;
    struct kpi_job fetch_job;
    struct kpi_mail fetch_mail;
    struct kpi_mail opened_mail;
    struct kpi_mail closed_mail;
    struct kpi_mail attach_mail;
    struct kpi_mail close_mail;
    struct kpi_mail drained_mail; /* the last caller has left run */
    _Atomic uint32_t owes;        /* KPI_OWES_*: what the plugin has yet to call */
    _Atomic uint32_t has_let_go;  /* closed was called: the plugin's memory may be gone */
    _Atomic uint32_t drain_told;  /* drained_mail is under way */
    bool close_asked;
    bool close_called;           /* the plugin's close */
    bool closed;                 /* ... and it answered */
    struct kpi_timer wake_timer; /* the breaker's next probe, for those that wait for it */
    void (*on_closed)(struct kp_vault *vault);
};

#define KPI_OWES_OPENED 0x01u
#define KPI_OWES_CLOSED 0x02u

/* Loop thread or any: the limits as they are now. */
static inline const struct kpi_vault_limits *kpi_vault_limits_of(const struct kp_vault *vault)
{
    return atomic_load_explicit(&vault->limits, memory_order_acquire);
}

static inline enum kpi_vault_state kpi_vault_state_of(const struct kp_vault *vault)
{
    return (enum kpi_vault_state)atomic_load_explicit(&vault->state, memory_order_acquire);
}

/* Most operations at once in the plugin, with the plugin's default filled in. Any thread. */
static inline uint32_t kpi_vault_max_in_flight(const struct kp_vault *vault)
{
    uint32_t configured = kpi_vault_limits_of(vault)->max_in_flight;
    if (configured != 0)
        return configured;
    uint32_t preferred = vault->plugin->caps->max_in_flight;
    return preferred != 0 ? preferred : KPI_MAX_IN_FLIGHT_DEFAULT;
}

/* "idle", "opening", "open", "failed", "closing", "closed". Any thread. */
const char *kpi_vault_state_text(const struct kp_vault *vault);

/*
 * What the plugin is given when the vault is opened or its settings change: the configuration's
 * inputs, and over them the credential of whoever acquired the vault. Views into both.
 */
struct kp_vault_settings kpi_vault_settings(const struct kp_vault *vault,
                                            const struct kpi_vault_inputs *inputs);

/* Starts to open an IDLE vault; calls kpi_pipeline_vault_opened when it is known. */
void kpi_vault_begin_open(struct kp_vault *vault);
/*
 * Starts to close: refuses what comes, ends what waits with canceled, asks the plugin to hasten and
 * calls vault->on_closed once nothing is left. Asking twice is harmless.
 */
void kpi_vault_begin_close(struct kp_vault *vault);
/* Called when an attempt has wound down: goes on with a close that waits for it. */
void kpi_vault_check_close(struct kp_vault *vault);

/*
 * A caller goes in to run on its own thread, and comes out again. False: the vault is not open.
 * Any thread.
 */
bool kpi_vault_enter_run(struct kp_vault *vault);
void kpi_vault_leave_run(struct kp_vault *vault);

/* The plugin called opened or closed. Any thread. */
void kpi_vault_post_opened(struct kp_vault *vault, kp_status status, const struct kp_error *error);
void kpi_vault_post_closed(struct kp_vault *vault);
/*
 * Whether the plugin has called closed since it was last opened, though the mail that says so may
 * still be under way: nothing may call back any more, not even what is under way, too.
 */
bool kpi_vault_has_let_go(const struct kp_vault *vault);

#endif /* KP_CORE_VAULT_H */
