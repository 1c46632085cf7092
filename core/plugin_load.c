#include "core/plugin_load.h"

#include "base/errors.h"
#include "base/span.h"
#include "core/dl.h"
#include "core/trust.h"
#include "crypto/hash.h"

/* ---- The pin ---- */

static kp_status feed_hash(void *ctx, kp_span bytes, struct kp_error *reterr)
{
    return kpc_sha256_feed(ctx, bytes, reterr);
}

static kp_status hash_file(int fd, const char *path, uint8_t ret_digest[KPI_SHA256_LEN],
                           struct kp_error *reterr)
{
    struct kpc_sha256 hash = {NULL};
    kp_status st = kpc_sha256_start(&hash, reterr);

    if (st == KP_OK)
        st = kpi_trust_feed(fd, path, KPI_PLUGIN_FILE_MAX_LEN, feed_hash, &hash, reterr);
    if (st == KP_OK)
        st = kpc_sha256_finish(&hash, ret_digest, reterr);
    kpc_sha256_clear(&hash);
    return st;
}

static kp_status check_pin(int fd, const char *path, const uint8_t *pin, struct kp_error *reterr)
{
    uint8_t digest[KPI_SHA256_LEN];
    kp_status st = pin ? hash_file(fd, path, digest, reterr) : KP_OK;

    if (!pin || st != KP_OK)
        return st;
    if (kpb_span_eq(kpb_span(digest, sizeof digest), kpb_span(pin, KPI_SHA256_LEN)))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "%s: its SHA-256 is not the one the configuration pins",
                    path);
}

/* ---- One plugin ---- */

static kp_status ask(kp_plugin_get_fn *get, const char *origin, struct kpi_plugin **ret_plugin,
                     struct kp_error *reterr)
{
    return kpi_plugin_admit(get(KP_ABI_MAJOR, KP_ABI_MINOR), origin, ret_plugin, reterr);
}

static kp_status load_fd(int fd, const char *path, struct kpi_plugin **ret_plugin,
                         struct kp_error *reterr)
{
    void *handle = NULL;
    kp_status st = kpi_dl_open(fd, path, &handle, reterr);
    kp_plugin_get_fn *get;

    if (st != KP_OK)
        return st;
    get = kpi_dl_find(handle, KPI_PLUGIN_SYMBOL);
    if (!get)
        return kpb_fail(reterr, KP_CONFIG,
                        "%s: it has no symbol %s, so it is no plugin for host "
                        "ABI %u.%u",
                        path, KPI_PLUGIN_SYMBOL, KP_ABI_MAJOR, KP_ABI_MINOR);
    return ask(get, path, ret_plugin, reterr);
}

kp_status kpi_plugin_load_file(const char *path, const uint8_t pin[KPI_SHA256_LEN],
                               struct kpi_plugin **ret_plugin, struct kp_error *reterr)
{
    int fd = -1;
    kp_status st = kpi_trust_open(path, KPI_TRUST_FILE, &fd, reterr);

    if (st != KP_OK)
        return st;
    st = check_pin(fd, path, pin, reterr);
    if (st == KP_OK)
        return load_fd(fd, path, ret_plugin, reterr); /* fd moved to kpi_dl_open */
    kpi_trust_close(fd);
    return st;
}

kp_status kpi_plugin_load_static(kp_plugin_get_fn *get, struct kpi_plugin **ret_plugin,
                                 struct kp_error *reterr)
{
    return ask(get, KPI_PLUGIN_STATIC, ret_plugin, reterr);
}
