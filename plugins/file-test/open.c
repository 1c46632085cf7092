/* Opening a vault: settings on the loop, the directory on a worker, again while others make it. */
#include "plugins/file-test/vault.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.open"
#define NS_PER_MS UINT64_C(1000000)
#define SCRYPT_R 8u
#define SCRYPT_P 1u
#define BACKOFF_MAX_MS 50u

int64_t ft_now_unix_s(const struct ft_vault *vault)
{
    return vault->host.unix_s(vault->host.self);
}

void ft_log(const struct ft_vault *vault, uint32_t level, const char *event, const char *text)
{
    vault->host.log(vault->host.self, level, event, kpb_span_str(text));
}

uint32_t ft_backoff_ms(uint32_t n)
{
    return n < 6 ? 1u << n : BACKOFF_MAX_MS;
}

void ft_vault_free(struct ft_vault *vault)
{
    if (!vault)
        return;
    ft_keys_clear(&vault->keys);
    ft_store_close(&vault->store);
    kpb_secret_free(vault->backup_key, FT_BACKUP_KEY_LEN);
    kp_buf_clear(&vault->passphrase);
    kpb_free(vault->path);
    kpb_free(vault);
}

/* ---- On a worker ---- */

static void open_on_worker(void *arg)
{
    struct ft_vault *v = arg;
    const struct ft_store_wish wish = {
        .path = v->path,
        .may_create = v->may_create,
        .passphrase = kp_buf_view(&v->passphrase),
        .cost = {.n = UINT64_C(1) << v->scrypt_log2_n, .r = SCRYPT_R, .p = SCRYPT_P},
    };
    kp_error_init(&v->open_error);
    v->open_status = ft_store_open(&v->store, &wish, &v->is_busy, &v->open_error);
    if (v->open_status == KP_OK && !v->is_busy)
        ft_store_sweep(&v->store);
}

/* ---- On the loop ---- */

static void opened_on_loop(void *arg);

static void again_on_loop(void *arg)
{
    struct ft_vault *v = arg;
    const struct kp_host *host = &v->host;
    struct kp_error err;
    kp_status st = host->work(host->self, 0, open_on_worker, opened_on_loop, v);
    if (st == KP_OK)
        return;
    (void)kpb_fail(&err, st, "the host has no worker to spare");
    host->opened(host->self, st, &err);
}

static void wait_on_loop(struct ft_vault *v)
{
    const struct kp_host *host = &v->host;
    struct kp_error err;
    kp_timer_id timer;
    uint64_t now_ns = host->clock_ns(host->self);
    if (v->busy_since_ns == 0)
        v->busy_since_ns = now_ns;
    bool may_wait = (now_ns - v->busy_since_ns) / NS_PER_MS < (uint64_t)v->lock_timeout_ms;
    if (may_wait && host->timer(host->self, 0, BACKOFF_MAX_MS, again_on_loop, v, &timer) == KP_OK)
        return;
    (void)kpb_fail(&err, KP_TRANSIENT, "another process kept vault %s locked while making it",
                   v->store.label);
    host->opened(host->self, KP_TRANSIENT, &err);
}

static void opened_on_loop(void *arg)
{
    struct ft_vault *v = arg;
    const struct kp_host *host = &v->host;
    if (v->is_busy) {
        wait_on_loop(v);
        return;
    }
    kp_buf_clear(&v->passphrase);
    host->opened(host->self, v->open_status, v->open_status == KP_OK ? NULL : &v->open_error);
}

/* ---- Settings ---- */

static kp_status take_backup_key(struct ft_vault *v, kp_span text, struct kp_error *reterr)
{
    if (text.len == 0)
        return KP_OK;
    v->backup_key = kpb_secret_alloc(SITE, FT_BACKUP_KEY_LEN);
    if (!v->backup_key)
        return kpb_fail_memory(reterr, SITE);
    return ft_settings_backup_key(text, v->backup_key, reterr);
}

static kp_status take_location(struct ft_vault *v, kp_span location, struct kp_error *reterr)
{
    if (location.len == 0 || location.len > KP_VAULT_TEXT_MAX_LEN ||
        memchr(location.ptr, 0, location.len))
        return kpb_fail(reterr, KP_CONFIG,
                        "a file vault needs the path of its directory, as in file:./vault");
    v->path = kpb_strdup_span(SITE, location);
    return v->path ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static uint64_t draw_entropy(const struct kp_host *host)
{
    uint64_t entropy = 0;
    if (host->random(host->self, (uint8_t *)&entropy, sizeof entropy) != KP_OK)
        entropy = host->clock_ns(host->self);
    return entropy;
}

static kp_status take_settings(struct ft_vault *v, const struct kp_vault_settings *in,
                               struct kp_error *reterr)
{
    struct ft_settings s;
    kp_status st = ft_settings_read(in, &s, reterr);
    if (st == KP_OK)
        st = take_location(v, in->location, reterr);
    if (st == KP_OK)
        st = take_backup_key(v, s.backup_key, reterr);
    if (st != KP_OK)
        return st;
    if (s.passphrase.len > KPC_PASSPHRASE_MAX_LEN)
        return kpb_fail(reterr, KP_CONFIG, "setting passphrase is longer than %u bytes",
                        KPC_PASSPHRASE_MAX_LEN);
    if (kp_buf_append(&v->passphrase, s.passphrase) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    v->may_create = (in->flags & KP_VAULT_MAY_CREATE) != 0;
    v->hsm = s.hsm;
    v->purge_protection = s.purge_protection;
    v->auto_rotate = s.auto_rotate;
    v->retention_days = s.retention_days;
    v->lock_timeout_ms = s.lock_timeout_ms;
    v->scrypt_log2_n = s.scrypt_log2_n;
    ft_faults_use(&v->faults, &s.faults, draw_entropy(&v->host));
    return KP_OK;
}

static void copy_host(struct ft_vault *v, const struct kp_host *host)
{
    size_t n = host->struct_size < sizeof v->host ? host->struct_size : sizeof v->host;
    memcpy(&v->host, host, n);
}

kp_status ft_vault_open(const struct ft_fs *fs, const struct kp_host *host,
                        const struct kp_vault_settings *settings, void **ret_vault,
                        struct kp_error *reterr)
{
    struct ft_vault *v = kpb_alloc(SITE, sizeof *v);
    if (!v)
        return kpb_fail_memory(reterr, SITE);
    copy_host(v, host);
    atomic_init(&v->faults.is_active, false);
    kp_buf_init_secret(&v->passphrase, SITE, KPC_PASSPHRASE_MAX_LEN);
    ft_store_init(&v->store, fs, &v->host, settings->name, settings->location);
    kp_status st = ft_keys_init(&v->keys, reterr);
    if (st == KP_OK)
        st = take_settings(v, settings, reterr);
    if (st == KP_OK) {
        *ret_vault = v;
        st = host->work(host->self, 0, open_on_worker, opened_on_loop, v);
        if (st != KP_OK)
            (void)kpb_fail(reterr, st, "the host has no worker to spare");
    }
    if (st != KP_OK) {
        *ret_vault = NULL;
        ft_vault_free(v);
    }
    return st;
}
