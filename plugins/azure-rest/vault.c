#include "plugins/azure-rest/vault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/op.h"
#include "plugins/azure-rest/token_request.h"
#include "plugins/azure-rest/token_store.h"

#define SITE "azure-rest.vault"
#define HTTPS "https://"
#define NS_PER_MS UINT64_C(1000000)

uint64_t azr_now_ns(const struct azr_vault *vault)
{
    return vault->host.clock_ns(vault->host.self);
}

int64_t azr_now_unix_s(const struct azr_vault *vault)
{
    return vault->host.unix_s(vault->host.self);
}

void azr_log(const struct azr_vault *vault, uint32_t level, const char *event, const char *fmt, ...)
{
    char line[KP_ERROR_TEXT_LEN];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    vault->host.log(vault->host.self, level, event, kpb_span_str(line));
}

/* ---- Life ---- */

static void free_vault(struct azr_vault *v)
{
    char *texts[] = {v->host_port, v->base, v->suffix, v->resource, v->authority, v->api_version};
    azr_op_free_idle(v);
    if (v->has_store)
        azr_store_leave();
    azr_identity_release(v->access.identity);
    kp_buf_clear(&v->access.claims);
    kp_buf_clear(&v->login_secret);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        kpb_free(texts[i]);
    kpb_free(v->recent);
    kpb_free(v);
}

void azr_vault_close_if_quiet(struct azr_vault *vault)
{
    if (!azr_access_close(&vault->access))
        return; /* its worker comes back */
    const struct kp_host host = vault->host;
    free_vault(vault);
    host.closed(host.self);
}

void azr_vault_close(void *vault)
{
    azr_vault_close_if_quiet(vault);
}

/* ---- Where it is ---- */

static bool has_prefix(kp_span text, const char *prefix)
{
    return kpb_span_starts_with(text, prefix);
}

/* HOST[:PORT], or the address of a vault as portals show it. */
static kp_status read_location(kp_span location, kp_span *ret, struct kp_error *reterr)
{
    struct azr_url url;
    struct azr_host_port at;
    *ret = location;
    if (has_prefix(location, HTTPS)) {
        *ret = kpb_span(location.ptr + strlen(HTTPS), location.len - strlen(HTTPS));
        if (ret->len > 0 && ret->ptr[ret->len - 1] == '/')
            ret->len--;
        if (azr_https_url_parse(location, &url) && url.path.len <= 1)
            return KP_OK;
    } else if (azr_host_port_parse(location, &at)) {
        return KP_OK;
    }
    return kpb_fail(reterr, KP_CONFIG,
                    "the vault's location must be its host name, such as NAME.vault.azure.net");
}

static kp_status copy_text(char **member, kp_span text, struct kp_error *reterr)
{
    if (text.len == 0)
        return KP_OK;
    *member = kpb_strdup_span(SITE, text);
    return *member ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static void make_small(char *text)
{
    for (; *text; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
    }
}

static kp_status take_location(struct azr_vault *v, kp_span location, struct kp_error *reterr)
{
    kp_span host_port;
    kp_status st = read_location(location, &host_port, reterr);
    if (st == KP_OK)
        st = copy_text(&v->host_port, host_port, reterr);
    if (st != KP_OK)
        return st;
    make_small(v->host_port);
    size_t len = strlen(HTTPS) + host_port.len + 1;
    v->base = kpb_alloc(SITE, len);
    if (!v->base)
        return kpb_fail_memory(reterr, SITE);
    (void)snprintf(v->base, len, HTTPS "%s", v->host_port);
    return KP_OK;
}

/* ---- Whom it trusts ---- */

static kp_status take_trust(struct azr_vault *v, const struct azr_settings *s,
                            struct kp_error *reterr)
{
    kp_status st = copy_text(&v->suffix, s->custom_suffix, reterr);
    if (st == KP_OK)
        st = copy_text(&v->resource, s->custom_resource, reterr);
    if (st == KP_OK)
        st = copy_text(&v->authority, s->authority, reterr);
    v->trust.service = v->profile->service;
    v->trust.suffix = kpb_span_str(v->suffix);
    v->trust.resource = kpb_span_str(v->resource);
    v->trust.authority = kpb_span_str(v->authority);
    return st == KP_OK ? azr_trust_check(&v->trust, reterr) : st;
}

static kp_status check_place(const struct azr_vault *v, struct kp_error *reterr)
{
    struct azr_place place;
    kp_status st = azr_place_find(kpb_span_str(v->host_port), &v->trust, &place, reterr);
    if (st == KP_OK && place.service != v->profile->service)
        st = kpb_fail(reterr, KP_CONFIG, "%s is no %s; name it without \"plugin\"", v->host_port,
                      v->profile->noun);
    return st;
}

static void log_trust(const struct azr_vault *v)
{
    const char *given[] = {v->suffix, v->resource, v->authority};
    static const char *const names[] = {"custom_suffix", "custom_resource", "authority"};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i])
            azr_log(v, KP_LOG_WARN, "trust_relaxed",
                    "setting %s is %s: credentials and tokens may go there", names[i], given[i]);
    }
}

/* ---- Opening ---- */

static kp_status keep_login(struct azr_vault *v, const struct kp_vault_settings *settings,
                            struct kp_error *reterr)
{
    kp_status st = azr_login_parse(settings->identity, settings->secret, &v->login, reterr);
    if (st != KP_OK || v->login.kind == AZR_LOGIN_NONE)
        return st;
    st = kp_buf_append(&v->login_secret, v->login.secret);
    v->login.secret = kp_buf_view(&v->login_secret);
    if (st == KP_USAGE)
        return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorSecretAuthParamsGetRequestBody,
                             "the client secret has more than %u bytes", AZR_SECRET_MAX_LEN);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

/* What reload may change. */
static kp_status take_changing(struct azr_vault *v, const struct azr_settings *s,
                               struct kp_error *reterr)
{
    struct azr_identity *identity = NULL;
    char *api_version = NULL;
    kp_status st = copy_text(&api_version, s->api_version, reterr);
    if (st == KP_OK)
        st = azr_identity_make(&v->login, s, &identity, reterr);
    if (st != KP_OK) {
        kpb_free(api_version);
        return st;
    }
    kpb_free(v->api_version);
    v->api_version = api_version;
    v->poll_ms = (uint32_t)s->poll_ms;
    v->token_timeout_ms = (uint32_t)s->token_timeout_ms;
    v->partitions = (uint32_t)s->partitions;
    v->write_spread_ns = (uint64_t)s->write_spread_ms * NS_PER_MS;
    azr_access_use(&v->access, identity);
    return KP_OK;
}

static kp_status take_settings(struct azr_vault *v, const struct kp_vault_settings *settings,
                               struct kp_error *reterr)
{
    struct azr_settings s;
    kp_status st = azr_settings_read(settings, &s, reterr);
    if (st == KP_OK)
        st = take_location(v, settings->location, reterr);
    if (st == KP_OK)
        st = take_trust(v, &s, reterr);
    if (st == KP_OK)
        st = check_place(v, reterr);
    if (st == KP_OK)
        st = keep_login(v, settings, reterr);
    return st == KP_OK ? take_changing(v, &s, reterr) : st;
}

static kp_status make_recent(struct azr_vault *v, struct kp_error *reterr)
{
    if (!(v->profile->flags & AZR_WRITES_SPREAD))
        return KP_OK;
    v->recent = kpb_alloc(SITE, sizeof *v->recent);
    return v->recent ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static void copy_host(struct azr_vault *v, const struct kp_host *host)
{
    size_t n = host->struct_size < sizeof v->host ? host->struct_size : sizeof v->host;
    memcpy(&v->host, host, n);
}

kp_status azr_vault_open(const struct azr_profile *profile, const struct kp_host *host,
                         const struct kp_vault_settings *settings, void **ret_vault,
                         struct kp_error *reterr)
{
    struct azr_vault *v = kpb_alloc(SITE, sizeof *v);
    if (!v)
        return kpb_fail_memory(reterr, SITE);
    copy_host(v, host);
    v->profile = profile;
    kp_buf_init_secret(&v->login_secret, SITE, AZR_SECRET_MAX_LEN);
    azr_access_init(&v->access, v, NULL);
    kp_status st = azr_store_enter(&v->host, reterr);
    v->has_store = st == KP_OK;
    if (st == KP_OK)
        st = take_settings(v, settings, reterr);
    if (st == KP_OK)
        st = make_recent(v, reterr);
    if (st != KP_OK) {
        free_vault(v);
        return st;
    }
    log_trust(v);
    *ret_vault = v;
    host->opened(host->self, KP_OK, NULL);
    return KP_OK;
}

kp_status azr_vault_reload(void *vault, const struct kp_vault_settings *settings,
                           struct kp_error *reterr)
{
    struct azr_settings s;
    kp_status st = azr_settings_read(settings, &s, reterr);
    return st == KP_OK ? take_changing(vault, &s, reterr) : st;
}
