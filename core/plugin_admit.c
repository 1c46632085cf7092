/*
 * The check of a plugin's table. Everything that comes from the plugin is read within the size it
 * states, copied into structs of ours that were zeroed, and looked at only there.
 */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/config_fields.h"
#include "core/plugin_defaults.h"
#include "core/plugin_load.h"

#define HEAD_LEN 8u /* struct_size, abi_major, abi_minor: the same for ever */

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

struct door {
    const struct kp_plugin *offered;
    const char *origin;
    struct kpi_plugin *plugin;
    struct kp_error *err;
};

/* ---- Sentences ---- */

static kp_status refuse_slot(struct door *d, const char *problem, const char *slot)
{
    return kpb_fail(d->err, KP_CONFIG, "%s: its table %s %s (plugin ABI %u.%u, host ABI %u.%u)",
                    d->origin, problem, slot, d->offered->abi_major, d->offered->abi_minor,
                    KP_ABI_MAJOR, KP_ABI_MINOR);
}

static kp_status refuse(struct door *d, const char *problem, const char *what)
{
    return kpb_fail(d->err, KP_CONFIG, "%s: %s%s", d->origin, problem, what);
}

static kp_status fail_memory(struct door *d)
{
    return kpb_fail_memory(d->err, "plugin.table");
}

/* ---- The table ---- */

struct slot {
    const char *name;
    size_t offset;
};

/* The slots without which there is no plugin, in the order of the table. */
static const struct slot mandatory[] = {
    {"name", offsetof(struct kp_plugin, name)},   {"caps", offsetof(struct kp_plugin, caps)},
    {"open", offsetof(struct kp_plugin, open)},   {"submit", offsetof(struct kp_plugin, submit)},
    {"close", offsetof(struct kp_plugin, close)},
};

#define N_MANDATORY (sizeof mandatory / sizeof mandatory[0])

static kp_status check_head(struct door *d)
{
    const struct kp_plugin *offered = d->offered;

    if (offered->struct_size < HEAD_LEN)
        return kpb_fail(d->err, KP_CONFIG,
                        "%s: its table is truncated: %u bytes do not even hold its version "
                        "(host ABI %u.%u)",
                        d->origin, offered->struct_size, KP_ABI_MAJOR, KP_ABI_MINOR);
    if (offered->abi_major == KP_ABI_MAJOR)
        return KP_OK;
    return kpb_fail(d->err, KP_CONFIG,
                    "%s: plugin ABI %u.%u and host ABI %u.%u do not go together; the first numbers "
                    "must be the same",
                    d->origin, offered->abi_major, offered->abi_minor, KP_ABI_MAJOR, KP_ABI_MINOR);
}

static kp_status check_size(struct door *d)
{
    for (size_t i = 0; i < N_MANDATORY; i++) {
        if (d->offered->struct_size < mandatory[i].offset + sizeof(void *))
            return refuse_slot(d, "is truncated before slot", mandatory[i].name);
    }
    return KP_OK;
}

/* What of a struct of ours, len bytes, the plugin's has. Half a pointer at its end is none. */
static size_t shared_len(uint32_t struct_size, size_t len)
{
    size_t whole = struct_size - struct_size % sizeof(void *);

    return whole < len ? whole : len;
}

static void copy_table(struct door *d)
{
    struct kp_plugin *table = &d->plugin->table;

    memcpy(table, d->offered, shared_len(d->offered->struct_size, sizeof *table));
    table->struct_size = sizeof *table;
}

/* A NULL is all zero bits, for data and code alike, wherever this runs. */
static bool is_empty(const struct kp_plugin *table, size_t offset)
{
    static const uint8_t zero[sizeof(void *)];

    return memcmp((const char *)table + offset, zero, sizeof zero) == 0;
}

static kp_status check_slots(struct door *d)
{
    for (size_t i = 0; i < N_MANDATORY; i++) {
        if (is_empty(&d->plugin->table, mandatory[i].offset))
            return refuse_slot(d, "lacks slot", mandatory[i].name);
    }
    return KP_OK;
}

/* 1 to max_len characters out of allowed. */
static bool is_word(const char *text, size_t max_len, const char *allowed)
{
    size_t len = strspn(text, allowed);

    return len > 0 && len <= max_len && text[len] == '\0';
}

static kp_status check_name(struct door *d)
{
    if (is_word(d->plugin->table.name, KPI_PLUGIN_NAME_MAX_LEN, LETTERS DIGITS "-"))
        return KP_OK;
    return refuse(d, "its name is not made of 1 to 64 small letters, digits and hyphens", "");
}

/* ---- Capabilities ---- */

#define CAPS_MIN_LEN (offsetof(struct kp_caps, run_ops) + sizeof(uint64_t))

static kp_status copy_caps(struct door *d)
{
    const struct kp_caps *offered = d->plugin->table.caps;
    struct kp_caps *caps = &d->plugin->caps;

    if (offered->struct_size < CAPS_MIN_LEN)
        return refuse_slot(d, "has truncated capabilities in slot", "caps");
    memcpy(caps, offered, shared_len(offered->struct_size, sizeof *caps));
    caps->struct_size = sizeof *caps;
    d->plugin->table.caps = caps;
    return KP_OK;
}

/* What a later version adds is nothing this host would ask for. */
static void mask_caps(struct kpi_plugin *plugin)
{
    plugin->caps.ops &= (KP_OP_BIT(KP_OP_MAX) << 1) - 2;
    plugin->caps.run_ops &= plugin->caps.ops;
    plugin->caps.algs &= (KP_ALG_BIT(KP_ALG_MAX) << 1) - 2;
    if (!plugin->table.run)
        plugin->caps.run_ops = 0;
}

static kp_status check_ops(struct door *d)
{
    const struct kp_caps *caps = &d->plugin->caps;

    if (caps->run_ops & ~caps->ops)
        return refuse_slot(d, "promises run for operations it does not serve in slot", "caps");
    mask_caps(d->plugin);
    return KP_OK;
}

static const char *const no_texts[] = {NULL};

/* Counts a NULL-terminated list of pointers, which may be NULL, and gives it up beyond the
 * bound. */
static kp_status count_texts(struct door *d, const char *const *list, const char *what,
                             size_t *ret_n)
{
    size_t n = 0;

    while (list && list[n]) {
        if (++n > KPI_PLUGIN_LIST_MAX)
            return refuse(d, what, " has no end");
    }
    *ret_n = n;
    return KP_OK;
}

static bool is_scheme(const char *text)
{
    return strspn(text, LETTERS) > 0 && strlen(text) >= 2 &&
           is_word(text, KPI_PLUGIN_NAME_MAX_LEN, LETTERS DIGITS "+.-");
}

static kp_status check_schemes(struct door *d)
{
    const char *const *list = d->plugin->caps.schemes;
    size_t n = 0;
    kp_status st = count_texts(d, list, "its list of schemes", &n);

    if (st != KP_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        if (!is_scheme(list[i]))
            return refuse(d,
                          "a scheme is a small letter and then at least one more, digit, +, . or "
                          "-, unlike ",
                          list[i]);
    }
    if (!list)
        d->plugin->caps.schemes = no_texts;
    return KP_OK;
}

static bool is_suffix(const char *text)
{
    return text[0] == '.' && text[1] != '\0' && is_word(text, 253, LETTERS DIGITS ".-");
}

static kp_status check_suffixes(struct door *d)
{
    const char *const *list = d->plugin->caps.host_suffixes;
    size_t n = 0;
    kp_status st = count_texts(d, list, "its list of host suffixes", &n);

    if (st != KP_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        if (!is_suffix(list[i]))
            return refuse(d, "a host suffix begins with a dot and is in small letters, unlike ",
                          list[i]);
    }
    if (!list)
        d->plugin->caps.host_suffixes = no_texts;
    return KP_OK;
}

/* ---- Settings ---- */

#define SPEC_MIN_LEN (offsetof(struct kp_setting_spec, name) + sizeof(char *))

static kp_status count_specs(struct door *d, size_t *ret_n)
{
    const struct kp_setting_spec *const *list = d->plugin->caps.settings;
    size_t n = 0;

    while (list && list[n]) {
        if (++n > KPI_PLUGIN_LIST_MAX)
            return refuse(d, "its list of settings has no end", "");
    }
    *ret_n = n;
    return KP_OK;
}

static bool is_setting_name(const char *name)
{
    return is_word(name, KPI_SETTING_NAME_MAX_LEN, LETTERS DIGITS "_.") && name[0] != '.' &&
           name[strlen(name) - 1] != '.' && !strstr(name, "..");
}

static kp_status copy_spec(struct door *d, const struct kp_setting_spec *offered,
                           struct kp_setting_spec *spec)
{
    if (offered->struct_size < SPEC_MIN_LEN)
        return refuse(d, "the description of a setting is truncated", "");
    memcpy(spec, offered, shared_len(offered->struct_size, sizeof *spec));
    spec->struct_size = sizeof *spec;
    if (!spec->name || !is_setting_name(spec->name))
        return refuse(d,
                      "the name of a setting is not made of small letters, digits, underscores "
                      "and single dots",
                      "");
    if (spec->type < KP_SETTING_TEXT || spec->type > KP_SETTING_SECRET)
        return refuse(d, "this host does not know the type of setting ", spec->name);
    if (!spec->doc)
        spec->doc = "";
    return KP_OK;
}

static kp_status copy_specs(struct door *d)
{
    const struct kp_setting_spec *const *list = d->plugin->caps.settings;
    struct kpi_plugin *plugin = d->plugin;
    size_t n = 0;
    kp_status st = count_specs(d, &n);

    if (st != KP_OK)
        return st;
    plugin->specs = kpb_alloc_array("plugin.table", n, sizeof *plugin->specs);
    plugin->spec_list = kpb_alloc_array("plugin.table", n + 1, sizeof(void *));
    if (!plugin->specs || !plugin->spec_list)
        return fail_memory(d);
    for (size_t i = 0; i < n && st == KP_OK; i++) {
        st = copy_spec(d, list[i], &plugin->specs[i]);
        plugin->spec_list[i] = &plugin->specs[i];
    }
    plugin->caps.settings = plugin->spec_list;
    return st;
}

/* ---- The door ---- */

typedef kp_status check_fn(struct door *d);

/* In this order: each may rely on what those before it have shown. */
static check_fn *const checks[] = {check_slots,   check_name,     copy_caps, check_ops,
                                   check_schemes, check_suffixes, copy_specs};

static kp_status check_copy(struct door *d)
{
    kp_status st = KP_OK;

    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && st == KP_OK; i++)
        st = checks[i](d);
    return st;
}

static kp_status admit(struct door *d)
{
    kp_status st;

    d->plugin->origin = kpb_strdup_span("plugin.table", kpb_span_str(d->origin));
    if (!d->plugin->origin)
        return fail_memory(d);
    copy_table(d);
    st = check_copy(d);
    if (st == KP_OK)
        kpi_plugin_fill_defaults(&d->plugin->table);
    return st;
}

kp_status kpi_plugin_admit(const struct kp_plugin *offered, const char *origin,
                           struct kpi_plugin **ret_plugin, struct kp_error *reterr)
{
    struct door d = {.offered = offered, .origin = origin, .err = reterr};
    kp_status st;

    if (!offered)
        return kpb_fail(reterr, KP_CONFIG, "%s: it has no table for host ABI %u.%u", origin,
                        KP_ABI_MAJOR, KP_ABI_MINOR);
    st = check_head(&d);
    if (st == KP_OK)
        st = check_size(&d);
    if (st != KP_OK)
        return st;
    d.plugin = kpb_alloc("plugin.table", sizeof *d.plugin);
    if (!d.plugin)
        return fail_memory(&d);
    st = admit(&d);
    if (st == KP_OK)
        *ret_plugin = d.plugin; /* moved to the caller */
    else
        kpi_plugin_free(d.plugin);
    return st;
}

void kpi_plugin_free(struct kpi_plugin *plugin)
{
    if (!plugin)
        return;
    kpb_free(plugin->specs);
    kpb_free(plugin->spec_list);
    kpb_free(plugin->origin);
    kpb_free(plugin);
}
