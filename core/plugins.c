/* The registry: what was loaded from where, what was refused, and who serves which vault. */
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/plugin_load.h"
#include "core/plugin_vouch.h"
#include "core/trust.h"

/* ---- Keeping ---- */

void kpi_plugins_init(struct kpi_plugins *plugins)
{
    memset(plugins, 0, sizeof *plugins);
}

void kpi_plugins_clear(struct kpi_plugins *plugins)
{
    if (!plugins)
        return;
    for (size_t i = 0; i < plugins->n_items; i++)
        kpi_plugin_free(plugins->items[i]);
    for (size_t i = 0; i < plugins->n_refusals; i++)
        kpb_free(plugins->refusals[i].origin);
    kpb_free(plugins->items);
    kpb_free(plugins->refusals);
    kpi_plugins_init(plugins);
}

/* The array with room for one more: a new one at each power of two. NULL when memory is out. */
static void *reserve(void *array, size_t n, size_t size)
{
    void *grown;

    if (n & (n - 1))
        return array;
    grown = kpb_alloc_array("plugin.registry", n ? 2 * n : 1, size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, array, n * size);
    kpb_free(array);
    return grown;
}

static kp_status keep(struct kpi_plugins *plugins, struct kpi_plugin *plugin,
                      struct kp_error *reterr)
{
    struct kpi_plugin **items = reserve(plugins->items, plugins->n_items, sizeof *items);

    if (!items)
        return kpb_fail_memory(reterr, "plugin.registry");
    plugins->items = items;
    plugins->items[plugins->n_items++] = plugin;
    return KP_OK;
}

static kp_status note_refusal(struct kpi_plugins *plugins, const char *origin,
                              const struct kp_error *why, struct kp_error *reterr)
{
    struct kpi_plugin_refusal *refusals =
        reserve(plugins->refusals, plugins->n_refusals, sizeof *refusals);
    char *copy = kpb_strdup_span("plugin.registry", kpb_span_str(origin));

    if (refusals)
        plugins->refusals = refusals;
    if (!refusals || !copy) {
        kpb_free(copy);
        return kpb_fail_memory(reterr, "plugin.registry");
    }
    refusals[plugins->n_refusals].origin = copy; /* moved to the registry */
    refusals[plugins->n_refusals].error = *why;
    plugins->n_refusals++;
    return KP_OK;
}

/* Takes plugin over: kept, or freed with the reason. */
static kp_status add(struct kpi_plugins *plugins, struct kpi_plugin *plugin,
                     struct kp_error *reterr)
{
    const struct kpi_plugin *first = kpi_plugins_find(plugins, kpb_span_str(plugin->table.name));
    kp_status st;

    if (first)
        st = kpb_fail(reterr, KP_CONFIG, "%s: a plugin named %s is there already, from %s",
                      plugin->origin, plugin->table.name, first->origin);
    else
        st = keep(plugins, plugin, reterr);
    if (st != KP_OK)
        kpi_plugin_free(plugin);
    return st;
}

/* ---- Loading ---- */

static kp_status add_file(struct kpi_plugins *plugins, const char *path,
                          const struct kpi_plugin_config *wanted, struct kp_error *reterr)
{
    struct kpi_plugin *plugin = NULL;
    kp_status st = kpi_plugin_load_file(path, wanted, &plugin, reterr);

    return st == KP_OK ? add(plugins, plugin, reterr) : st;
}

static kp_status add_static(struct kpi_plugins *plugins, kp_plugin_get_fn *const *gets,
                            struct kp_error *reterr)
{
    kp_status st = KP_OK;

    for (size_t i = 0; gets && gets[i] && st == KP_OK; i++) {
        struct kpi_plugin *plugin = NULL;

        st = kpi_plugin_load_static(gets[i], &plugin, reterr);
        if (st == KP_OK)
            st = add(plugins, plugin, reterr);
    }
    return st;
}

/* dir/name + suffix into path, NUL included. */
static kp_status join(kp_buf *path, const char *dir, const char *name, const char *suffix,
                      struct kp_error *reterr)
{
    kp_status st = kp_buf_append_fmt(path, "%s/%s%s", dir, name, suffix);

    if (st == KP_OK)
        st = kp_buf_append_byte(path, '\0');
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_CONFIG, "the path of plugin %s is too long", name);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "plugin.path");
}

static kp_status add_named(struct kpi_plugins *plugins, const char *dir,
                           const struct kpi_plugin_config *wanted, struct kp_error *reterr)
{
    kp_buf path;
    kp_status st;

    if (!dir)
        return kpb_fail(reterr, KP_CONFIG,
                        "plugin %s is wanted by name, but there is no folder of "
                        "plugins",
                        wanted->name);
    kp_buf_init(&path, "plugin.path", KPI_PATH_MAX_LEN);
    st = join(&path, dir, wanted->name, KPI_PLUGIN_SUFFIX, reterr);
    if (st == KP_OK)
        st = add_file(plugins, (const char *)path.ptr, wanted, reterr);
    kp_buf_clear(&path);
    return st;
}

static kp_status add_placed(struct kpi_plugins *plugins, const char *dir,
                            const struct kpi_plugin_config *wanted, struct kp_error *reterr)
{
    kp_status st = kpi_vouch_place(wanted->path, dir, reterr);

    return st == KP_OK ? add_file(plugins, wanted->path, wanted, reterr) : st;
}

/* What the configuration insists on: a missing file is an error of the configuration. */
static kp_status add_wanted(struct kpi_plugins *plugins, const struct kpi_plugin_sources *sources,
                            struct kp_error *reterr)
{
    const struct kpi_config *config = sources->config;
    kp_status st = KP_OK;

    for (size_t i = 0; config && i < config->n_plugins && st == KP_OK; i++) {
        const struct kpi_plugin_config *wanted = &config->plugins[i];

        if (wanted->name)
            st = add_named(plugins, sources->dir, wanted, reterr);
        else
            st = add_placed(plugins, sources->dir, wanted, reterr);
        if (st != KP_OK)
            kpb_error_prefix(reterr, "plugins[%zu]", i);
    }
    if (st != KP_NOT_FOUND)
        return st;
    if (reterr)
        reterr->status = KP_CONFIG;
    return KP_CONFIG;
}

struct search {
    struct kpi_plugins *plugins;
    const char *dir;
    struct kp_error *err;
};

/* A file named after a plugin that is linked in: the program brought its own, and asked for no
 * file. */
static bool is_linked_in(const struct kpi_plugins *plugins, const char *file)
{
    kp_span name = kpb_span(file, strlen(file) - strlen(KPI_PLUGIN_SUFFIX));
    const struct kpi_plugin *plugin = kpi_plugins_find(plugins, name);

    return plugin && strcmp(plugin->origin, KPI_PLUGIN_STATIC) == 0;
}

static bool is_loaded(const struct kpi_plugins *plugins, const char *path)
{
    for (size_t i = 0; i < plugins->n_items; i++) {
        if (kpi_vouch_is_same_file(plugins->items[i]->origin, path))
            return true;
    }
    return false;
}

struct kpi_plugin_sources kpi_plugin_sources_of(const struct kp_options *options,
                                                const struct kpi_config *config)
{
    bool gives_way = options->flags & KP_OPEN_DEFAULT_PLUGIN_DIR && config->plugin_dir;
    const char *dir = options->plugin_dir && !gives_way ? options->plugin_dir : config->plugin_dir;
    struct kpi_plugin_sources sources = {
        .config = config,
        .static_plugins = options->static_plugins,
        .dir = dir ? dir : KP_PLUGIN_DIR_BUILT,
        .dir_required = dir != NULL,
        .no_files = options->flags & KP_OPEN_NO_PLUGIN_FILES,
    };

    return sources;
}

/* Nobody asked for this one by name: a refusal is noted and the search goes on. */
static kp_status add_found(struct search *s, const char *path)
{
    struct kp_error why;
    kp_status st;

    if (is_loaded(s->plugins, path))
        return KP_OK;
    st = add_file(s->plugins, path, NULL, &why);
    if (st == KP_OK || st == KP_NO_MEMORY) {
        if (st != KP_OK && s->err)
            *s->err = why;
        return st;
    }
    return note_refusal(s->plugins, path, &why, s->err);
}

static kp_status on_name(void *ctx, const char *name)
{
    struct search *s = ctx;
    kp_buf path;
    kp_status st;

    if (is_linked_in(s->plugins, name))
        return KP_OK;
    kp_buf_init(&path, "plugin.path", KPI_PATH_MAX_LEN);
    st = join(&path, s->dir, name, "", s->err);
    if (st == KP_OK)
        st = add_found(s, (const char *)path.ptr);
    kp_buf_clear(&path);
    return st;
}

/* A folder nobody asked for may be missing, and may be refused as a whole. */
static kp_status excuse_dir(struct kpi_plugins *plugins, const struct kpi_plugin_sources *sources,
                            kp_status st, const struct kp_error *why, struct kp_error *reterr)
{
    if (!sources->dir_required && st == KP_NOT_FOUND)
        return KP_OK;
    if (!sources->dir_required && st == KP_CONFIG)
        return note_refusal(plugins, sources->dir, why, reterr);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "plugin.dir");
    return kpb_fail(reterr, KP_CONFIG, "plugin_dir: %s", why->text);
}

static kp_status add_dir(struct kpi_plugins *plugins, const struct kpi_plugin_sources *sources,
                         struct kp_error *reterr)
{
    struct search search = {plugins, sources->dir, reterr};
    struct kp_error why;
    int fd = -1;
    kp_status st;

    if (!sources->dir)
        return KP_OK;
    st = kpi_trust_open(sources->dir, KPI_TRUST_FOLDER, &fd, &why);
    if (st != KP_OK)
        return excuse_dir(plugins, sources, st, &why, reterr);
    st = kpi_trust_list(fd, sources->dir, KPI_PLUGIN_SUFFIX, on_name, &search, reterr);
    kpi_trust_close(fd);
    return st;
}

kp_status kpi_plugins_load(struct kpi_plugins *plugins, const struct kpi_plugin_sources *sources,
                           struct kp_error *reterr)
{
    kp_status st = add_static(plugins, sources->static_plugins, reterr);

    if (st != KP_OK || sources->no_files)
        return st;
    st = add_wanted(plugins, sources, reterr);
    return st == KP_OK ? add_dir(plugins, sources, reterr) : st;
}

/* ---- Finding ---- */

bool kpi_plugin_has_scheme(const struct kpi_plugin *plugin, kp_span scheme)
{
    for (size_t i = 0; plugin->caps.schemes[i]; i++) {
        if (kpb_span_eq_nocase(scheme, kpb_span_str(plugin->caps.schemes[i])))
            return true;
    }
    return false;
}

size_t kpi_plugin_suffix_len(const struct kpi_plugin *plugin, kp_span host)
{
    size_t longest = 0;

    for (size_t i = 0; plugin->caps.host_suffixes[i]; i++) {
        const char *suffix = plugin->caps.host_suffixes[i];
        size_t len = strlen(suffix);

        /* The suffix alone is nobody's host. */
        if (len > longest && len < host.len && kpb_span_ends_with_nocase(host, suffix))
            longest = len;
    }
    return longest;
}

const struct kpi_plugin *kpi_plugins_find(const struct kpi_plugins *plugins, kp_span name)
{
    for (size_t i = 0; i < plugins->n_items; i++) {
        if (kpb_span_eq_str(name, plugins->items[i]->table.name))
            return plugins->items[i];
    }
    return NULL;
}

const struct kpi_plugin *kpi_plugins_for_scheme(const struct kpi_plugins *plugins, kp_span scheme)
{
    for (size_t i = 0; i < plugins->n_items; i++) {
        if (kpi_plugin_has_scheme(plugins->items[i], scheme))
            return plugins->items[i];
    }
    return NULL;
}

const struct kpi_plugin *kpi_plugins_for_host(const struct kpi_plugins *plugins, kp_span host)
{
    const struct kpi_plugin *best = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < plugins->n_items; i++) {
        size_t len = kpi_plugin_suffix_len(plugins->items[i], host);

        if (len > longest) {
            longest = len;
            best = plugins->items[i];
        }
    }
    return best;
}
