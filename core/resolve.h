/*
 * Host names to addresses, on threads of our own: the system's resolver may hang for as long as it
 * likes, and then nobody waits for it but those who asked for that very name. At most one look-up
 * is under way for a name, and at most as many as there are threads in all; one more is refused at
 * once. Nothing is kept here: how long an address is good for is the business of whoever asked.
 *
 * Threads: ask and forget from a loop thread; the answer comes to that loop as mail.
 */
#ifndef KP_CORE_RESOLVE_H
#define KP_CORE_RESOLVE_H

#include "core/shard.h"
#include "core/workers.h"

#define KPI_ADDRESSES_MAX 16u    /* of a name; what is above is left out */
#define KPI_ADDRESS_TEXT_LEN 46u /* with its NUL */

/* Addresses as text, in the order of the system's resolver. */
struct kpi_addresses {
    uint32_t n;
    char at[KPI_ADDRESSES_MAX][KPI_ADDRESS_TEXT_LEN];
};

/*
 * Looks a name up; may block. *ret is written only on success and has one address at least.
 * Errors: not_found (there is no such name, or it has no address), transient, no_memory.
 */
typedef kp_status kpi_resolve_fn(void *ctx, const char *host, struct kpi_addresses *ret,
                                 struct kp_error *reterr);

/* The system's resolver: a kpi_resolve_fn without ctx. */
kp_status kpi_system_resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                             struct kp_error *reterr) KP_MUST_USE;

/*
 * Puts fn in place of the system's resolver, in resolvers made from now on; NULL puts the system's
 * back. For tests.
 */
void kpi_resolver_use(kpi_resolve_fn *fn, void *ctx);

struct kpi_resolver {
    kpi_resolve_fn *fn;
    void *ctx;
    struct kpi_workers workers;
    uint32_t n_max;

    /* ---- under lock ---- */
    uv_mutex_t lock;
    struct kpi_link lookups;
    uint32_t n_lookups;
    bool made;
};

/* One who waits for an answer. Embedded by its owner, who sets shard and answered. */
struct kpi_resolve_wait {
    struct kpi_shard *shard;
    /* Called on the loop thread, once, unless forgotten before. */
    void (*answered)(struct kpi_resolve_wait *wait);
    struct kpi_link in_lookup;
    struct kpi_mail mail;
    kp_status status;
    struct kp_error error;          /* unless status is KP_OK */
    struct kpi_addresses addresses; /* when it is */
};

/* Room for n_max look-ups at once; starts no thread. Errors: no_memory. */
kp_status kpi_resolver_init(struct kpi_resolver *resolver, uint32_t n_max) KP_MUST_USE;

/*
 * Looks host up, or joins those who wait for it already. Errors: transient when too many look-ups
 * are under way, no_memory, canceled once stopped; then no answer comes.
 */
kp_status kpi_resolver_ask(struct kpi_resolver *resolver, const char *host,
                           struct kpi_resolve_wait *wait) KP_MUST_USE;
/*
 * The asker does not want to know any more. False: the answer is in its shard's mail and comes yet.
 * The look-up itself goes on.
 */
bool kpi_resolver_forget(struct kpi_resolver *resolver, struct kpi_resolve_wait *wait) KP_MUST_USE;

/* Waits at most timeout_ns for look-ups under way; returns how many hang on. See workers.h. */
uint32_t kpi_resolver_stop(struct kpi_resolver *resolver, uint64_t timeout_ns);
/* Frees what init made. Only after stop returned 0. A zeroed one is allowed in both. */
void kpi_resolver_clear(struct kpi_resolver *resolver);

#endif /* KP_CORE_RESOLVE_H */
