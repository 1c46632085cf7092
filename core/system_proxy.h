/*
 * The proxy that the operating system's settings name ("system" in http.proxy), read anew while
 * requests are made: an administrator's change holds within seconds, without a restart. On Windows
 * that is what the account this runs as has in its internet settings, else the machine's WinHTTP
 * settings. Scripts that compute a proxy (PAC, WPAD) are not run.
 *
 * Threads: any; a setting once handed out stays until free.
 */
#ifndef KP_CORE_SYSTEM_PROXY_H
#define KP_CORE_SYSTEM_PROXY_H

#include <stdbool.h>

#include "base/buf.h"

#define KPI_SYSTEM_PROXY_FRESH_MS 5000u /* between two readings */
#define KPI_SYSTEM_PROXIES_MAX 32u      /* different settings in the life of a provider */
#define KPI_SYSTEM_PROXY_MAX_LEN 4096u  /* bytes of either text */

/*
 * Appends the texts as the system has them: what goes where ("a:8080", or "http=a:80;https=b:80"),
 * and what goes straight ("*.corp;10.0.0.1;<local>"). Both empty: no proxy.
 * Errors: config (this system has no such settings, or a script computes them), no_memory.
 */
typedef kp_status kpi_system_proxy_read_fn(void *ctx, kp_buf *proxy, kp_buf *bypass,
                                           struct kp_error *reterr);

struct kpi_system_proxies;

/* Settings that read brings, with ctx, which is borrowed until free. Errors: no_memory. */
kp_status kpi_system_proxies_new(kpi_system_proxy_read_fn *read, void *ctx,
                                 struct kpi_system_proxies **ret, struct kp_error *reterr)
    KP_MUST_USE;
/* NULL allowed. */
void kpi_system_proxies_free(struct kpi_system_proxies *proxies);

/*
 * The proxy for a host at now_ns as "http://HOST:PORT", or NULL: straight there. The same setting
 * has the same pointer; borrowed until free. The registry is read, nothing else waited for.
 */
const char *kpi_system_proxy(struct kpi_system_proxies *proxies, kp_span host, uint64_t now_ns);
/* Why no request may be sent to a host, or NULL: what the system says cannot be used. */
const char *kpi_system_proxy_objection(struct kpi_system_proxies *proxies, kp_span host,
                                       uint64_t now_ns);

/* ---- Pure ---- */

/*
 * The entry for https in what the system says, as "http://HOST:PORT" in out; empty when it names
 * none for https. Errors: config (no proxy that is spoken to in clear text), no_memory.
 */
kp_status kpi_system_proxy_choose(kp_span text, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;
/* What goes straight, as a list like that of NO_PROXY. Errors: usage (too long), no_memory. */
kp_status kpi_system_proxy_bypass(kp_span text, kp_buf *out) KP_MUST_USE;

/* ---- Platform twin ---- */

kpi_system_proxy_read_fn kpi_platform_system_proxy;

#endif /* KP_CORE_SYSTEM_PROXY_H */
