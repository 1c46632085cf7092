#include "core/plugin_load.h"

#include "base/errors.h"
#include "base/span.h"
#include "core/dl.h"
#include "core/plugin_vouch.h"
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

static kp_status check_pin(int fd, const char *path, const struct kpi_pin *pin,
                           struct kp_error *reterr)
{
    uint8_t digest[KPI_SHA256_LEN];
    kp_status st = hash_file(fd, path, digest, reterr);

    if (st != KP_OK)
        return st;
    if (kpb_span_eq(kpb_span(digest, sizeof digest), kpb_span(pin->sha256, sizeof digest)))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "%s: its SHA-256 is not the one the configuration pins",
                    path);
}

/* A pin of the bytes says all there is to say; whoever pins the signer too wants both. */
static kp_status check_pins(int fd, const char *path, const struct kpi_plugin_config *wanted,
                            struct kp_error *reterr)
{
    const struct kpi_pin *file = wanted && wanted->file.is_set ? &wanted->file : NULL;
    const struct kpi_pin *signer = wanted && wanted->signer.is_set ? &wanted->signer : NULL;
    kp_status st = file ? check_pin(fd, path, file, reterr) : KP_OK;

    if (st == KP_OK && (signer || !file))
        st = kpi_vouch_signer(fd, path, signer ? signer->sha256 : NULL, reterr);
    return st;
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

kp_status kpi_plugin_load_file(const char *path, const struct kpi_plugin_config *wanted,
                               struct kpi_plugin **ret_plugin, struct kp_error *reterr)
{
    int fd = -1;
    kp_status st = kpi_trust_open(path, KPI_TRUST_FILE, &fd, reterr);

    if (st != KP_OK)
        return st;
    st = check_pins(fd, path, wanted, reterr);
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
