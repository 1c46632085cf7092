/* Whether a credential may go where a challenge points. Everything here fails closed. */
#include <stdio.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/challenge.h"

#define HTTPS_PORT 443u

/* What a check works on. */
struct check {
    const struct azr_challenge *challenge; /* NULL: made without one */
    const struct azr_trust *trust;         /* never NULL */
    struct azr_place place;
    struct azr_target target;
    struct kp_error *reterr;
};

static kp_status refuse_login(struct check *c, uint32_t code, kp_span what, const char *why)
{
    return kpb_fail_code(c->reterr, KP_PROTOCOL, code,
                         "no credential was sent: the challenge of %.*s names the login address "
                         "'%.*s', %s",
                         AZR_SHOW(c->place.at.host), AZR_SHOW(what), why);
}

static kp_status refuse_resource(struct check *c, uint32_t code, kp_span what, const char *why)
{
    return kpb_fail_code(c->reterr, KP_PROTOCOL, code,
                         "no credential was sent: the challenge of %.*s names the resource "
                         "'%.*s', %s",
                         AZR_SHOW(c->place.at.host), AZR_SHOW(what), why);
}

static bool is_same_at(const struct azr_host_port *a, const struct azr_host_port *b)
{
    return a->port == b->port && kpb_span_eq_nocase(a->host, b->host);
}

/* Lower case and NUL; text was checked to fit. */
static void write_lower(kp_span text, char *out, size_t cap)
{
    size_t n = text.len < cap ? text.len : cap - 1;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = text.ptr[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    out[n] = '\0';
}

/* prefix, HOST and, unless it is 443, ":PORT". cap has room for the longest host. */
static void write_at(const char *prefix, const struct azr_host_port *at, char *out, size_t cap)
{
    char host[AZR_HOST_MAX_LEN + 1u];
    write_lower(at->host, host, sizeof host);
    if (at->port == HTTPS_PORT)
        (void)snprintf(out, cap, "%s%s", prefix, host);
    else
        (void)snprintf(out, cap, "%s%s:%u", prefix, host, (unsigned)at->port);
}

/* ---- The resource ---- */

static kp_span drop_end(kp_span text, const char *end)
{
    if (kpb_span_ends_with_nocase(text, end))
        text.len -= strlen(end);
    return text;
}

/* scope is resource and "/.default"; either may end in a slash of its own. */
static kp_span resource_of(kp_span text)
{
    return drop_end(drop_end(text, "/.default"), "/");
}

/*
 * A host of the table has exactly one resource. "Ends in" would not do: "https://net" is a suffix
 * of every vault, and a token for it is a token for somebody else.
 */
static bool is_resource_of_place(const struct check *c, const struct azr_url *resource)
{
    kp_span host = resource->at.host;
    if (c->place.cloud)
        return resource->at.port == HTTPS_PORT && kpb_span_eq_nocase(host, c->place.suffix);
    return azr_host_is_under(host, c->place.suffix) && azr_host_is_under(c->place.at.host, host);
}

static bool is_configured_resource(const struct check *c, const struct azr_url *resource)
{
    struct azr_url configured;
    return azr_https_url_parse(c->trust->resource, &configured) &&
           is_same_at(&configured.at, &resource->at);
}

static kp_status check_resource(struct check *c)
{
    const struct azr_param *param = &c->challenge->resource;
    const uint32_t start = KP_CODE_ErrorGetAKVResourceUrlStartPosition;
    struct azr_url url;
    if (param->text.len == 0)
        return refuse_resource(c, start, param->text, "that is, none");
    if (param->is_cut)
        return refuse_resource(c, KP_CODE_ErrorGetAKVResourceUrlStopPosition, param->text,
                               "which has no end");
    if (param->is_odd || !azr_https_url_parse(resource_of(param->text), &url) || url.path.len > 0)
        return refuse_resource(c, start, param->text, "which is not https://HOST");
    if (is_configured_resource(c, &url))
        c->target.is_relaxed = true;
    else if (!is_resource_of_place(c, &url))
        return refuse_resource(c, start, param->text, "which is not that host's");
    write_at("https://", &url.at, c->target.resource, sizeof c->target.resource);
    return KP_OK;
}

/* ---- The login address ---- */

static bool names_cloud(const struct check *c, const struct azr_host_port *at)
{
    return c->place.cloud && at->port == HTTPS_PORT &&
           azr_cloud_of_login(at->host) == c->place.cloud;
}

/* Who is contacted, whatever a challenge says: the configured authority, else the cloud's. */
static kp_status choose_login(struct check *c)
{
    struct azr_url configured;
    if (azr_https_url_parse(c->trust->authority, &configured)) {
        c->target.is_relaxed = true;
        write_at("", &configured.at, c->target.login, sizeof c->target.login);
        return KP_OK;
    }
    if (!c->place.cloud)
        return kpb_fail_code(
            c->reterr, KP_CONFIG, KP_CODE_ErrorGetAADDomainUrlMalformatted,
            "%.*s is under a custom_suffix of the configuration, which then has to "
            "name the login service too (authority)",
            AZR_SHOW(c->place.at.host));
    if (!c->place.cloud->login_host)
        return kpb_fail_code(c->reterr, KP_CONFIG, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                             "%.*s belongs to the cloud '%s', which was closed: its vaults and its "
                             "login service are gone",
                             AZR_SHOW(c->place.at.host), c->place.cloud->name);
    (void)snprintf(c->target.login, sizeof c->target.login, "%s", c->place.cloud->login_host);
    return KP_OK;
}

static bool is_configured_authority(const struct check *c, const struct azr_host_port *at)
{
    struct azr_url configured;
    return azr_https_url_parse(c->trust->authority, &configured) && is_same_at(&configured.at, at);
}

/* One path segment; *rest moves behind it. */
static kp_span take_segment(kp_span *rest)
{
    kp_span path = *rest;
    size_t n = 0;
    if (path.len > 0 && path.ptr[0] == '/')
        path = kpb_span(path.ptr + 1, path.len - 1);
    while (n < path.len && path.ptr[n] != '/')
        n++;
    *rest = kpb_span(path.ptr + n, path.len - n);
    return kpb_span(path.ptr, n);
}

static kp_status check_tenant(struct check *c, kp_span path)
{
    kp_span address = c->challenge->authorization.text;
    kp_span tenant = take_segment(&path);
    if (kpb_span_eq_nocase(tenant, kpb_span_str("dstsv2")))
        tenant = take_segment(&path);
    if (tenant.len == 0)
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlStopPosition, address,
                            "which ends before a tenant");
    if (!azr_is_tenant(tenant))
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlMalformatted, address,
                            "whose tenant is neither a GUID nor a domain");
    write_lower(tenant, c->target.tenant, sizeof c->target.tenant);
    return KP_OK;
}

static kp_status check_login(struct check *c)
{
    const struct azr_param *param = &c->challenge->authorization;
    struct azr_url url;
    if (param->text.len == 0)
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlMalformatted, param->text,
                            "that is, none");
    if (param->is_cut)
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlStopPosition, param->text,
                            "which has no end");
    if (param->is_odd || !azr_https_url_parse(param->text, &url))
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlStartPosition, param->text,
                            "which is not https://HOST/TENANT");
    kp_status st = choose_login(c);
    if (st != KP_OK)
        return st;
    if (!names_cloud(c, &url.at) && !is_configured_authority(c, &url.at))
        return refuse_login(c, KP_CODE_ErrorGetAADDomainUrlMalformatted, param->text,
                            "which is neither the login service of that host's cloud nor the "
                            "configured authority");
    return check_tenant(c, url.path);
}

/* ---- All of it ---- */

static kp_status find_place(struct check *c, kp_span request)
{
    kp_status st = azr_place_find(request, c->trust, &c->place, c->reterr);
    if (st != KP_OK)
        return st;
    c->target.cloud = c->place.cloud;
    c->target.service = c->place.service;
    c->target.is_relaxed = c->place.cloud == NULL;
    return KP_OK;
}

static const struct azr_trust NO_TRUST = {0};

kp_status azr_challenge_check(const struct azr_challenge *challenge, kp_span request,
                              const struct azr_trust *trust, struct azr_target *ret,
                              struct kp_error *reterr)
{
    struct check c = {.challenge = challenge, .trust = trust ? trust : &NO_TRUST, .reterr = reterr};
    kp_status st = find_place(&c, request);
    if (st == KP_OK)
        st = check_resource(&c);
    if (st == KP_OK)
        st = check_login(&c);
    if (st == KP_OK)
        *ret = c.target;
    return st;
}

static void choose_resource(struct check *c)
{
    struct azr_url configured;
    struct azr_host_port own = {c->place.suffix, HTTPS_PORT};
    bool is_configured = azr_https_url_parse(c->trust->resource, &configured);
    c->target.is_relaxed = c->target.is_relaxed || is_configured;
    write_at("https://", is_configured ? &configured.at : &own, c->target.resource,
             sizeof c->target.resource);
}

/* Without a tenant nobody logs in there: then a place without a login service is good enough. */
static kp_status choose_tenant(struct check *c, kp_span tenant)
{
    if (tenant.len == 0 && !c->place.cloud && c->trust->authority.len == 0)
        return KP_OK;
    if (tenant.len > 0 && !azr_is_tenant(tenant))
        return kpb_fail_code(c->reterr, KP_CONFIG, KP_CODE_ErrorGetAADDomainUrlMalformatted,
                             "tenant '%.*s' is neither a GUID nor a domain", AZR_SHOW(tenant));
    write_lower(tenant, c->target.tenant, sizeof c->target.tenant);
    return choose_login(c);
}

kp_status azr_target_make(kp_span request, const struct azr_trust *trust, kp_span tenant,
                          struct azr_target *ret, struct kp_error *reterr)
{
    struct check c = {.trust = trust ? trust : &NO_TRUST, .reterr = reterr};
    kp_status st = find_place(&c, request);
    if (st != KP_OK)
        return st;
    choose_resource(&c);
    st = choose_tenant(&c, tenant);
    if (st == KP_OK)
        *ret = c.target;
    return st;
}
