#include "core/route.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/trust.h"

#define KNOWN_MAX_LEN 160u /* bytes of a list of known names in a sentence */
#define SHOWN_MAX_LEN 80u  /* bytes of the text in a sentence */

/* The one scheme whose locations are paths of this machine (RFC 8089). */
#define PATH_SCHEME "file"

/* ---- Lists of what is known ---- */

/* A list cut where the sentence would become too long. */
struct known {
    kp_buf list;
    bool is_cut;
};

static void known_init(struct known *known)
{
    kp_buf_init(&known->list, "route.known", KNOWN_MAX_LEN);
    known->is_cut = false;
}

/* A list that cannot grow is a shorter list: the refusal it goes into stays the same. */
static void add_known(struct known *known, const char *before, const char *name, const char *after)
{
    size_t len = known->list.len;
    kp_status st = known->is_cut ? KP_USAGE
                                 : kp_buf_append_fmt(&known->list, "%s%s%s%s", len ? ", " : "",
                                                     before, name, after);

    known->is_cut = st != KP_OK;
}

static void add_vaults(struct known *known, const struct kpi_config *config)
{
    for (size_t i = 0; i < config->n_vaults; i++)
        add_known(known, "", config->vaults[i].name, "");
}

static void add_schemes(struct known *known, const struct kpi_plugins *plugins)
{
    for (size_t p = 0; p < plugins->n_items; p++) {
        for (size_t i = 0; plugins->items[p]->caps.schemes[i]; i++)
            add_known(known, "", plugins->items[p]->caps.schemes[i], ":LOCATION");
    }
}

static void add_suffixes(struct known *known, const struct kpi_plugins *plugins)
{
    for (size_t p = 0; p < plugins->n_items; p++) {
        for (size_t i = 0; plugins->items[p]->caps.host_suffixes[i]; i++)
            add_known(known, "HOST", plugins->items[p]->caps.host_suffixes[i], "");
    }
}

static void add_names(struct known *known, const struct kpi_plugins *plugins)
{
    for (size_t p = 0; p < plugins->n_items; p++)
        add_known(known, "", plugins->items[p]->table.name, "");
}

/* Frees the list. */
static kp_status refuse(struct known *known, kp_span text, const char *problem,
                        struct kp_error *reterr)
{
    int shown_len = (int)(text.len < SHOWN_MAX_LEN ? text.len : SHOWN_MAX_LEN);
    kp_span list = known->list.len
                       ? kp_buf_view(&known->list)
                       : kpb_span_str("none; see whether plugin_dir leads to the plugins");
    kp_status st = kpb_fail(reterr, KP_CONFIG, "vault %.*s: %s; known are: %.*s%s", shown_len,
                            (const char *)text.ptr, problem, (int)list.len, (const char *)list.ptr,
                            known->is_cut ? ", ..." : "");

    kp_buf_clear(&known->list);
    return st;
}

/* ---- Taking the text apart ---- */

struct finder {
    const struct kpi_config *config;
    const struct kpi_plugins *plugins;
    struct kpi_route *route;
    struct kp_error *err;
};

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_scheme_char(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* What stands before a colon, if that can be a scheme (RFC 3986 section 3.1); empty otherwise. One
 * letter is a drive. */
static kp_span scheme_of(kp_span text)
{
    size_t len = 0;

    while (len < text.len && is_scheme_char(text.ptr[len]))
        len++;
    if (len < 2 || len == text.len || text.ptr[len] != ':' || !is_letter(text.ptr[0]))
        len = 0;
    return kpb_span(text.ptr, len);
}

static bool is_host(kp_span text)
{
    if (text.len == 0 || text.len > 253 || !memchr(text.ptr, '.', text.len))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.')
            return false;
    }
    return text.ptr[0] != '.' && text.ptr[text.len - 1] != '.';
}

/* ---- Locations ---- */

static kp_status set_location(struct finder *f, kp_span location)
{
    f->route->location = kpb_strdup_span("route.location", location);
    return f->route->location ? KP_OK : kpb_fail_memory(f->err, "route.location");
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)(*text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text);
}

static kp_status set_host(struct finder *f, kp_span host)
{
    kp_status st = set_location(f, host);

    if (st == KP_OK)
        lower(f->route->location);
    return st;
}

/* A path may be written as in a URL: file:///PATH or file://localhost/PATH (RFC 8089 section 2). */
static kp_status strip_authority(struct finder *f, kp_span *rest)
{
    size_t skip = 0;

    if (kpb_span_starts_with(*rest, "//localhost/"))
        skip = strlen("//localhost");
    else if (kpb_span_starts_with(*rest, "///"))
        skip = strlen("//");
    else if (kpb_span_starts_with(*rest, "//"))
        return kpb_fail(f->err, KP_CONFIG,
                        "what stands between file:// and the next slash is another host; "
                        "write file:PATH");
    *rest = kpb_span(rest->ptr + skip, rest->len - skip);
    return KP_OK;
}

static kp_status set_path(struct finder *f, kp_span rest)
{
    kp_buf path;
    kp_status st = strip_authority(f, &rest);

    if (st != KP_OK)
        return st;
    kp_buf_init(&path, "route.path", KPI_PATH_MAX_LEN);
    st = kpi_path_absolute(rest, &path, f->err);
    if (st == KP_OK)
        st = set_location(f, kp_buf_view(&path));
    kp_buf_clear(&path);
    return st;
}

static kp_status set_rest(struct finder *f, kp_span text, kp_span scheme)
{
    kp_span rest = kpb_span(text.ptr + scheme.len + 1, text.len - scheme.len - 1);

    if (rest.len == 0)
        return kpb_fail(f->err, KP_CONFIG,
                        "nothing follows the colon; write SCHEME:LOCATION, "
                        "such as file:./vault");
    if (kpb_span_eq_nocase(scheme, kpb_span_str(PATH_SCHEME)))
        return set_path(f, rest);
    return set_location(f, rest);
}

/* ---- By location ---- */

static kp_status refuse_scheme(struct finder *f, kp_span text)
{
    struct known known;

    known_init(&known);
    add_schemes(&known, f->plugins);
    return refuse(&known, text, "no plugin serves that scheme", f->err);
}

static kp_status refuse_host(struct finder *f, kp_span text)
{
    struct known known;

    known_init(&known);
    add_vaults(&known, f->config);
    add_suffixes(&known, f->plugins);
    return refuse(&known, text, "no plugin serves that host", f->err);
}

/* A path by itself is the commonest of what is no name. */
static kp_status refuse_text(struct finder *f, kp_span text)
{
    const bool is_path = text.len && memchr(text.ptr, '/', text.len);
    struct known known;

    known_init(&known);
    add_vaults(&known, f->config);
    add_schemes(&known, f->plugins);
    add_suffixes(&known, f->plugins);
    return refuse(&known, text,
                  is_path ? "no vault of that name is configured, and a directory is file:DIRECTORY"
                          : "no vault of that name is configured",
                  f->err);
}

static kp_status find_by_location(struct finder *f, kp_span text)
{
    kp_span scheme = scheme_of(text);

    if (scheme.len) {
        f->route->plugin = kpi_plugins_for_scheme(f->plugins, scheme);
        return f->route->plugin ? set_rest(f, text, scheme) : refuse_scheme(f, text);
    }
    if (!is_host(text))
        return refuse_text(f, text);
    f->route->plugin = kpi_plugins_for_host(f->plugins, text);
    return f->route->plugin ? set_host(f, text) : refuse_host(f, text);
}

/* ---- By configured name ---- */

/* With its plugin named, a location may have any form the plugin likes. */
static kp_status find_by_plugin(struct finder *f, const struct kpi_vault_config *vault)
{
    kp_span location = kpb_span_str(vault->location);
    kp_span scheme = scheme_of(location);
    struct known known;

    f->route->plugin = kpi_plugins_find(f->plugins, kpb_span_str(vault->plugin));
    if (!f->route->plugin) {
        known_init(&known);
        add_names(&known, f->plugins);
        return refuse(&known, kpb_span_str(vault->name), "its plugin is not there", f->err);
    }
    if (scheme.len && kpi_plugin_has_scheme(f->route->plugin, scheme))
        return set_rest(f, location, scheme);
    return is_host(location) ? set_host(f, location) : set_location(f, location);
}

static kp_status find_configured(struct finder *f, const struct kpi_vault_config *vault)
{
    kp_status st;

    f->route->configured = vault;
    if (vault->plugin[0])
        st = find_by_plugin(f, vault);
    else
        st = find_by_location(f, kpb_span_str(vault->location));
    if (st != KP_OK) {
        kpb_error_prefix(f->err, "vaults.%s.%s", vault->name,
                         f->route->plugin || !vault->plugin[0] ? "location" : "plugin");
        return st;
    }
    f->route->name = kpb_strdup_span("route.name", kpb_span_str(vault->name));
    return f->route->name ? KP_OK : kpb_fail_memory(f->err, "route.name");
}

/* ---- The whole ---- */

/* The text again, with what may be written in several ways written in one. */
static kp_status set_name(struct finder *f, kp_span text)
{
    kp_span scheme = scheme_of(text);
    size_t len = scheme.len ? scheme.len + 1 : 0;
    size_t location_len = strlen(f->route->location);
    char *name = kpb_alloc("route.name", len + location_len + 1);

    if (!name)
        return kpb_fail_memory(f->err, "route.name");
    if (len)
        memcpy(name, text.ptr, len);
    lower(name);
    memcpy(name + len, f->route->location, location_len);
    f->route->name = name; /* moved to the route */
    return KP_OK;
}

static kp_status find(struct finder *f, kp_span text)
{
    const struct kpi_vault_config *vault = kpi_config_find_vault(f->config, text);
    kp_status st;

    if (vault)
        return find_configured(f, vault);
    st = find_by_location(f, text);
    return st == KP_OK ? set_name(f, text) : st;
}

static kp_status check_text(kp_span text, struct kp_error *reterr)
{
    if (text.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the name of the vault is empty");
    if (text.len > KP_VAULT_TEXT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "the name of the vault has more than %u bytes",
                        KP_VAULT_TEXT_MAX_LEN);
    if (memchr(text.ptr, '\0', text.len))
        return kpb_fail(reterr, KP_USAGE, "the name of the vault has a NUL in it");
    return KP_OK;
}

kp_status kpi_route_find(const struct kpi_config *config, const struct kpi_plugins *plugins,
                         kp_span text, struct kpi_route *ret_route, struct kp_error *reterr)
{
    struct kpi_route route = {NULL, NULL, NULL, NULL};
    struct finder f = {config, plugins, &route, reterr};
    kp_status st = check_text(text, reterr);

    if (st == KP_OK)
        st = find(&f, text);
    if (st == KP_OK)
        *ret_route = route; /* moved to the caller */
    else
        kpi_route_clear(&route);
    return st;
}

void kpi_route_clear(struct kpi_route *route)
{
    if (!route)
        return;
    kpb_free(route->name);
    kpb_free(route->location);
    memset(route, 0, sizeof *route);
}
