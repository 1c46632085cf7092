#include "core/resolve.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

/* A name being looked up, and everybody who waits for it. */
struct lookup {
    struct kpi_link link;
    struct kpi_resolver *resolver;
    struct kpi_job job;
    struct kpi_link waits;
    char *host;
};

static kpi_resolve_fn *chosen_fn;
static void *chosen_ctx;

void kpi_resolver_use(kpi_resolve_fn *fn, void *ctx)
{
    chosen_fn = fn;
    chosen_ctx = ctx;
}

kp_status kpi_resolver_init(struct kpi_resolver *resolver, uint32_t n_max)
{
    *resolver = (struct kpi_resolver){.n_max = n_max};
    resolver->fn = chosen_fn ? chosen_fn : kpi_system_resolve;
    resolver->ctx = chosen_ctx;
    kpi_list_init(&resolver->lookups);
    if (uv_mutex_init(&resolver->lock) != 0)
        return KP_NO_MEMORY;
    kp_status st = kpi_workers_init(&resolver->workers, "resolver.workers", n_max);
    if (st != KP_OK)
        uv_mutex_destroy(&resolver->lock);
    resolver->made = st == KP_OK;
    return st;
}

/* ---- The answer ---- */

static void deliver_answer(struct kpi_mail *mail)
{
    struct kpi_resolve_wait *wait = KPI_HOLDER(mail, struct kpi_resolve_wait, mail);
    wait->answered(wait);
}

/* Posted under the lock: whoever is not found in a list knows that its mail has been sent. */
static void answer_all_locked(struct lookup *lookup, kp_status status,
                              const struct kpi_addresses *addresses, const struct kp_error *error)
{
    for (struct kpi_link *link; (link = kpi_list_pop(&lookup->waits)) != NULL;) {
        struct kpi_resolve_wait *wait = KPI_HOLDER(link, struct kpi_resolve_wait, in_lookup);
        wait->status = status;
        wait->addresses = *addresses;
        wait->error = *error;
        wait->mail.deliver = deliver_answer;
        kpi_shard_post(wait->shard, &wait->mail);
    }
}

static void end_lookup_locked(struct lookup *lookup)
{
    kpi_list_remove(&lookup->link);
    lookup->resolver->n_lookups--;
    kpb_free(lookup->host);
    kpb_free(lookup);
}

static void run_lookup(struct kpi_job *job)
{
    struct lookup *lookup = KPI_HOLDER(job, struct lookup, job);
    struct kpi_resolver *resolver = lookup->resolver;
    struct kpi_addresses addresses = {.n = 0};
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = resolver->fn(resolver->ctx, lookup->host, &addresses, &error);
    uv_mutex_lock(&resolver->lock);
    answer_all_locked(lookup, st, &addresses, &error);
    end_lookup_locked(lookup);
    uv_mutex_unlock(&resolver->lock);
}

/* ---- Asking ---- */

static struct lookup *find_locked(struct kpi_resolver *resolver, const char *host)
{
    for (struct kpi_link *link = resolver->lookups.next; link != &resolver->lookups;
         link = link->next) {
        struct lookup *lookup = KPI_HOLDER(link, struct lookup, link);
        if (strcmp(lookup->host, host) == 0)
            return lookup;
    }
    return NULL;
}

static kp_status begin_locked(struct kpi_resolver *resolver, const char *host,
                              struct lookup **ret_lookup)
{
    if (resolver->n_lookups >= resolver->n_max)
        return KP_TRANSIENT;
    struct lookup *lookup = kpb_alloc("resolver.lookup", sizeof *lookup);
    if (!lookup)
        return KP_NO_MEMORY;
    lookup->host = kpb_strdup_span("resolver.host", kpb_span_str(host));
    lookup->resolver = resolver;
    lookup->job.run = run_lookup;
    kpi_list_init(&lookup->waits);
    kp_status st =
        lookup->host ? kpi_workers_submit(&resolver->workers, &lookup->job) : KP_NO_MEMORY;
    if (st != KP_OK) {
        kpb_free(lookup->host);
        kpb_free(lookup);
        return st;
    }
    kpi_list_append(&resolver->lookups, &lookup->link);
    resolver->n_lookups++;
    *ret_lookup = lookup;
    return KP_OK;
}

kp_status kpi_resolver_ask(struct kpi_resolver *resolver, const char *host,
                           struct kpi_resolve_wait *wait)
{
    kp_status st = KP_OK;
    kpi_list_init(&wait->in_lookup);
    uv_mutex_lock(&resolver->lock); /* a look-up that begins here answers after we are in it */
    struct lookup *lookup = find_locked(resolver, host);
    if (!lookup)
        st = begin_locked(resolver, host, &lookup);
    if (st == KP_OK)
        kpi_list_append(&lookup->waits, &wait->in_lookup);
    uv_mutex_unlock(&resolver->lock);
    return st;
}

bool kpi_resolver_forget(struct kpi_resolver *resolver, struct kpi_resolve_wait *wait)
{
    uv_mutex_lock(&resolver->lock);
    bool waits = !kpi_list_empty(&wait->in_lookup);
    kpi_list_remove(&wait->in_lookup);
    uv_mutex_unlock(&resolver->lock);
    return waits;
}

/* ---- The end ---- */

uint32_t kpi_resolver_stop(struct kpi_resolver *resolver, uint64_t timeout_ns)
{
    return resolver->made ? kpi_workers_stop(&resolver->workers, timeout_ns) : 0;
}

void kpi_resolver_clear(struct kpi_resolver *resolver)
{
    if (!resolver->made)
        return;
    kpi_workers_clear(&resolver->workers);
    uv_mutex_destroy(&resolver->lock);
    resolver->made = false;
}
