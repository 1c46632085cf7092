/*
 * What the HTTP services of a provider's loops have in common: the resolver, the certificates to
 * verify with, and the proxy that the configuration, the environment or the system names.
 *
 * Threads: init and clear by the owner; proxy and lists are constant in between, the store is read
 * once under a lock of its own, from workers.
 */
#ifndef KP_CORE_HTTP_SHARED_H
#define KP_CORE_HTTP_SHARED_H

#include "core/config.h"
#include "core/http_trust.h"
#include "core/resolve.h"
#include "core/system_proxy.h"

struct kpi_http_shared {
    const struct kpi_config *config; /* borrowed: the one the provider was opened with */
    struct kpi_resolver resolver;
    char *proxy;        /* "http://host:port", or NULL: none */
    kp_buf proxy_login; /* secret: "user:password" with percent-encodings and a NUL, or empty */
    char *no_proxy;     /* or NULL */
    bool proxy_refused; /* what the environment names is none: no request may go past it */
    struct kp_error proxy_refusal;
    struct kpi_system_proxies *system; /* NULL unless the system's settings are asked for */
    uv_mutex_t lock;
    bool has_lock;
    X509_STORE *store; /* under lock until loaded; then constant */
};

/*
 * config outlives it. Reads the environment. Errors: config (a proxy in the configuration that is
 * none), no_memory.
 */
kp_status kpi_http_shared_init(struct kpi_http_shared *shared, const struct kpi_config *config,
                               struct kp_error *reterr) KP_MUST_USE;

/*
 * The store, loaded if need be; borrowed until clear. Blocks: a worker. A failure is not kept.
 * Errors: config, no_memory.
 */
kp_status kpi_http_shared_store(struct kpi_http_shared *shared, X509_STORE **ret_store,
                                struct kp_error *reterr) KP_MUST_USE;

/* The proxy for a host, or NULL: straight there. Borrowed until clear. */
const char *kpi_http_shared_proxy(const struct kpi_http_shared *shared, kp_span host);

/*
 * Why requests to a host cannot be sent, or NULL: the environment or the system names a proxy
 * that cannot be used. Programs that send none do not care, so this is no failure of init. Borrowed
 * until clear.
 */
const char *kpi_http_shared_objection(const struct kpi_http_shared *shared, kp_span host);

/* Frees what init made, once the resolver has stopped. A zeroed one is allowed. */
void kpi_http_shared_clear(struct kpi_http_shared *shared);

#endif /* KP_CORE_HTTP_SHARED_H */
