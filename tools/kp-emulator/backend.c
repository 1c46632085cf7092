#include "tools/kp-emulator/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/random.h"
#include "tools/kp-emulator/clocked_plugin.h"

#define SITE "emulator.backend"
#define PATH_MAX_LEN 1024u
#define CONFIG_MAX_LEN 262144u
#define KEY_LEN 32u
#define CLOSE_TIMEOUT_MS 5000u

/* One completion between the library's thread and the loop. */
struct emu_landed {
    struct emu_landed *next;
    struct emu_backend *backend;
    emu_result_fn *cb;
    void *ctx;
    struct kp_result result;
};

/* ---- Configuration ---- */

static void backup_key_path(const char *folder, enum emu_mode mode, const char *domain,
                            char out[PATH_MAX_LEN])
{
    (void)snprintf(out, PATH_MAX_LEN, "%s/backup-%s-%s.key", folder,
                   mode == EMU_HSM ? "hsm" : "vault", domain);
}

static kp_status write_key(const char *path, const uint8_t *key, struct kp_error *reterr)
{
    char hex[2 * KEY_LEN + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return kpb_fail(reterr, KP_VAULT, "%s cannot be written: %s", path, strerror(errno));
    kpb_hex_encode(kpb_span(key, KEY_LEN), hex);
    bool ok = write(fd, hex, 2 * KEY_LEN) == (ssize_t)(2 * KEY_LEN);
    ok = close(fd) == 0 && ok;
    return ok ? KP_OK : kpb_fail(reterr, KP_VAULT, "%s could not be written", path);
}

static bool read_key(const char *path, uint8_t *key)
{
    char hex[2 * KEY_LEN];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = read(fd, hex, sizeof hex) == (ssize_t)sizeof hex;
    (void)close(fd);
    return ok && kpb_hex_decode(kpb_span(hex, sizeof hex), key, KEY_LEN) == KP_OK;
}

kp_status emu_backup_key(const char *folder, enum emu_mode mode, const char *domain,
                         uint8_t out[32], struct kp_error *reterr)
{
    char path[PATH_MAX_LEN];
    backup_key_path(folder, mode, domain, path);
    if (read_key(path, out))
        return KP_OK;
    kp_status st = kpc_random_secret(out, KEY_LEN, reterr);
    return st == KP_OK ? write_key(path, out, reterr) : st;
}

static json_t *vault_config(const struct emu_vault_settings *v, const char *folder)
{
    char path[PATH_MAX_LEN];
    backup_key_path(folder, v->mode, v->domain, path);
    return json_pack("{s:o,s:b,s:i,s:{s:b,s:b,s:I,s:{s:s}}}", "location",
                     json_sprintf("file:%s/vault-%s", folder, v->name), "may_create", 1,
                     "max_in_flight", 64, "settings", "hsm", v->mode == EMU_HSM, "purge_protection",
                     v->purge_protection, "retention_days", (json_int_t)v->retention_days,
                     "backup_key", "file", path);
}

static kp_status write_config(const struct emu_settings *settings, const char *folder, kp_buf *out,
                              struct kp_error *reterr)
{
    json_t *vaults = json_object();
    uint8_t key[KEY_LEN];
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < settings->n_vaults; i++) {
        const struct emu_vault_settings *v = &settings->vaults[i];
        st = emu_backup_key(folder, v->mode, v->domain, key, reterr);
        if (st == KP_OK && json_object_set_new(vaults, v->name, vault_config(v, folder)) != 0)
            st = kpb_fail_memory(reterr, SITE);
    }
    json_t *root = json_pack("{s:{s:i},s:o}", "provider", "max_operations", 1024, "vaults", vaults);
    if (st == KP_OK &&
        (!root || emu_json_write(root, out) != KP_OK || kp_buf_append_byte(out, 0) != KP_OK))
        st = kpb_fail_memory(reterr, SITE);
    json_decref(root);
    return st;
}

static kp_status open_provider(struct emu_backend *backend, const struct emu_settings *settings,
                               const char *folder, struct kp_error *reterr)
{
    static kp_plugin_get_fn *const PLUGINS[] = {emu_clocked_plugin_get, NULL};
    struct kp_options options;
    kp_buf config;
    kp_options_init(&options);
    kp_buf_init(&config, SITE, CONFIG_MAX_LEN);
    kp_status st = write_config(settings, folder, &config, reterr);
    options.flags = KP_OPEN_NO_PLUGIN_FILES;
    options.config_text = (const char *)config.ptr;
    options.static_plugins = PLUGINS;
    if (st == KP_OK)
        st = kp_provider_open(&options, &backend->provider, reterr);
    kp_buf_clear(&config);
    return st;
}

/* ---- Back to the loop ---- */

static struct emu_landed *take_landed(struct emu_backend *backend)
{
    (void)pthread_mutex_lock(&backend->lock);
    struct emu_landed *first = backend->first;
    backend->first = NULL;
    backend->last = &backend->first;
    (void)pthread_mutex_unlock(&backend->lock);
    return first;
}

static void on_wakeup(evutil_socket_t fd, short what, void *arg)
{
    char drained[64];
    (void)what;
    while (read(fd, drained, sizeof drained) > 0) {
    }
    struct emu_landed *landed = take_landed(arg);
    while (landed) {
        struct emu_landed *next = landed->next;
        landed->cb(landed->ctx, &landed->result);
        kp_result_clear(&landed->result);
        kpb_free(landed);
        landed = next;
    }
}

/* On a loop of the library. A full pipe has a byte in it, and one is enough. */
static void on_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct emu_landed *landed = ctx;
    struct emu_backend *backend = landed->backend;
    (void)id;
    kp_result_take(result, &landed->result);
    (void)pthread_mutex_lock(&backend->lock);
    *backend->last = landed;
    backend->last = &landed->next;
    (void)pthread_mutex_unlock(&backend->lock);
    ssize_t written = write(backend->pipe[1], "", 1);
    (void)written;
}

kp_status emu_backend_submit(struct emu_backend *backend, kp_vault *vault,
                             const struct kp_request *request, emu_result_fn *cb, void *ctx,
                             struct kp_error *reterr)
{
    struct emu_landed *landed = kpb_alloc(SITE, sizeof *landed);
    if (!landed)
        return kpb_fail_memory(reterr, SITE);
    landed->backend = backend;
    landed->cb = cb;
    landed->ctx = ctx;
    landed->result.struct_size = sizeof landed->result;
    kp_status st = kp_submit(vault, request, on_done, landed, NULL, reterr);
    if (st != KP_OK)
        kpb_free(landed);
    return st;
}

/* ---- Life ---- */

static kp_status open_queue(struct emu_backend *backend, struct event_base *base,
                            struct kp_error *reterr)
{
    backend->last = &backend->first;
    if (pthread_mutex_init(&backend->lock, NULL) != 0 || pipe(backend->pipe) != 0)
        return kpb_fail(reterr, KP_INTERNAL, "no pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        (void)fcntl(backend->pipe[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(backend->pipe[i], F_SETFL, O_NONBLOCK);
    }
    backend->wakeup = event_new(base, backend->pipe[0], EV_READ | EV_PERSIST, on_wakeup, backend);
    if (!backend->wakeup || event_add(backend->wakeup, NULL) != 0)
        return kpb_fail_memory(reterr, SITE);
    return KP_OK;
}

kp_status emu_backend_open(struct emu_backend *backend, const struct emu_settings *settings,
                           const char *folder, struct event_base *base, struct kp_error *reterr)
{
    kp_status st = open_provider(backend, settings, folder, reterr);
    return st == KP_OK ? open_queue(backend, base, reterr) : st;
}

void emu_backend_close(struct emu_backend *backend)
{
    kp_provider_close_wait(backend->provider, CLOSE_TIMEOUT_MS, NULL);
    backend->provider = NULL;
    if (!backend->wakeup)
        return;
    event_free(backend->wakeup);
    backend->wakeup = NULL;
    struct emu_landed *landed = take_landed(backend);
    while (landed) {
        struct emu_landed *next = landed->next;
        kp_result_clear(&landed->result);
        kpb_free(landed);
        landed = next;
    }
    (void)close(backend->pipe[0]);
    (void)close(backend->pipe[1]);
    (void)pthread_mutex_destroy(&backend->lock);
}
