#include "core/http_shared.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/http_url.h"

#define FROM_ENVIRONMENT "environment"
#define FROM_SYSTEM "system"
#define NO_PROXY_AT_ALL "none"

/* ---- The proxy ---- */

/* The first of two variables that is set and not empty, or NULL. */
static const char *environment(const char *name, const char *other)
{
    const char *text = getenv(name);
    if (!text || !*text)
        text = getenv(other);
    return text && *text ? text : NULL;
}

/* What stands before the last "@" goes into the login; returns what is left. */
static kp_status take_login(struct kpi_http_shared *shared, const char *text, const char **ret_rest)
{
    const char *at = strrchr(text, '@');
    *ret_rest = at ? at + 1 : text;
    if (!at)
        return KP_OK;
    kp_status st = kp_buf_append(&shared->proxy_login, kpb_span(text, (size_t)(at - text)));
    return st == KP_OK ? kp_buf_append_byte(&shared->proxy_login, '\0') : st;
}

/* "host:port" with a scheme before it, checked. */
static kp_status copy_proxy(struct kpi_http_shared *shared, const char *scheme, const char *rest,
                            struct kp_error *reterr)
{
    struct kpi_url url = {.tls = false};
    kp_buf out;
    kp_buf_init(&out, "http.proxy", KPI_URL_MAX_LEN + sizeof "https://");
    kp_status st = kp_buf_append_str(&out, scheme);
    if (st == KP_OK)
        st = kp_buf_append_str(&out, rest);
    if (st != KP_OK)
        st = kpb_fail(reterr, KP_CONFIG, "it is longer than any");
    else
        st = kpi_url_parse(kp_buf_view(&out), &url, reterr);
    if (st == KP_OK && url.tls)
        st = kpb_fail(reterr, KP_CONFIG, "a proxy is spoken to as http://HOST:PORT");
    if (st == KP_OK && !(shared->proxy = kpb_strdup_span("http.proxy", kp_buf_view(&out))))
        st = kpb_fail_memory(reterr, "http.proxy");
    kp_buf_clear(&out);
    return st;
}

/* In the environment the scheme may be left out and a login put in, as everybody does. */
static kp_status read_environment(struct kpi_http_shared *shared, struct kp_error *reterr)
{
    const char *text = environment("https_proxy", "HTTPS_PROXY");
    const char *rest;
    if (!text)
        return KP_OK;
    const char *end = strstr(text, "://");
    bool is_plain = !end || strncmp(text, "http://", sizeof "http://" - 1) == 0;
    kp_status st = take_login(shared, end ? end + 3 : text, &rest);
    if (st == KP_OK)
        st = copy_proxy(shared, is_plain ? "http://" : "https://", rest, &shared->proxy_refusal);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "http.proxy");
    shared->proxy_refused = st != KP_OK;
    return KP_OK;
}

static kp_status read_proxy(struct kpi_http_shared *shared, const char *text,
                            struct kp_error *reterr)
{
    if (!text || strcmp(text, FROM_ENVIRONMENT) == 0)
        return read_environment(shared, reterr);
    if (strcmp(text, NO_PROXY_AT_ALL) == 0)
        return KP_OK;
    if (strcmp(text, FROM_SYSTEM) == 0)
        return kpi_system_proxies_new(kpi_platform_system_proxy, NULL, &shared->system, reterr);
    kp_status st = copy_proxy(shared, "", text, reterr);
    if (st == KP_OK || st == KP_NO_MEMORY)
        return st;
    kpb_error_prefix(reterr, "http.proxy");
    if (reterr)
        reterr->status = KP_CONFIG;
    return KP_CONFIG;
}

static kp_status read_exceptions(struct kpi_http_shared *shared, const char *text,
                                 struct kp_error *reterr)
{
    if (!text)
        text = environment("no_proxy", "NO_PROXY");
    if (!text)
        return KP_OK;
    shared->no_proxy = kpb_strdup_span("http.no_proxy", kpb_span_str(text));
    return shared->no_proxy ? KP_OK : kpb_fail_memory(reterr, "http.no_proxy");
}

const char *kpi_http_shared_proxy(const struct kpi_http_shared *shared, kp_span host)
{
    if (kpi_host_is_listed(host, shared->no_proxy))
        return NULL;
    return shared->system ? kpi_system_proxy(shared->system, host, uv_hrtime()) : shared->proxy;
}

const char *kpi_http_shared_objection(const struct kpi_http_shared *shared, kp_span host)
{
    if (kpi_host_is_listed(host, shared->no_proxy))
        return NULL;
    if (shared->system)
        return kpi_system_proxy_objection(shared->system, host, uv_hrtime());
    return shared->proxy_refused ? shared->proxy_refusal.text : NULL;
}

/* ---- The store ---- */

kp_status kpi_http_shared_store(struct kpi_http_shared *shared, X509_STORE **ret_store,
                                struct kp_error *reterr)
{
    const struct kpi_config *config = shared->config;
    kp_status st = KP_OK;
    uv_mutex_lock(&shared->lock);
    if (!shared->store)
        st = kpi_trust_store_load(config->http_ca_file, config->http_crl_file, &shared->store,
                                  reterr);
    *ret_store = shared->store;
    uv_mutex_unlock(&shared->lock);
    return st;
}

/* ---- Lifecycle ---- */

kp_status kpi_http_shared_init(struct kpi_http_shared *shared, const struct kpi_config *config,
                               struct kp_error *reterr)
{
    *shared = (struct kpi_http_shared){.config = config};
    kp_buf_init_secret(&shared->proxy_login, "http.proxy_login", KPI_URL_MAX_LEN);
    if (uv_mutex_init(&shared->lock) != 0)
        return kpb_fail_memory(reterr, "http.lock");
    shared->has_lock = true;
    if (kpi_resolver_init(&shared->resolver, config->provider.http_dns_max_lookups) != KP_OK)
        return kpb_fail_memory(reterr, "resolver");
    kp_status st = read_proxy(shared, config->http_proxy, reterr);
    return st == KP_OK ? read_exceptions(shared, config->http_no_proxy, reterr) : st;
}

void kpi_http_shared_clear(struct kpi_http_shared *shared)
{
    kpi_resolver_clear(&shared->resolver);
    kp_buf_clear(&shared->proxy_login);
    kpb_free(shared->proxy);
    kpb_free(shared->no_proxy);
    kpi_system_proxies_free(shared->system);
    X509_STORE_free(shared->store);
    if (shared->has_lock)
        uv_mutex_destroy(&shared->lock);
    *shared = (struct kpi_http_shared){0};
}
