#include "core/host.h"

#include "base/mem.h"
#include "core/attempt.h"
#include "core/errand.h"
#include "core/observe.h"
#include "core/vault.h"
#include "crypto/random.h"

/* ---- Memory for plugins: the same door to memory as ours ---- */

static void *plugin_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    return kpb_alloc(site, n);
}

static void plugin_free(void *ctx, void *p)
{
    (void)ctx;
    kpb_free(p);
}

static void *plugin_secret_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    return kpb_secret_alloc(site, n);
}

static void plugin_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    kpb_secret_free(p, n);
}

static const struct kp_memory plugin_memory = {
    sizeof plugin_memory, 0, NULL, plugin_alloc, plugin_free, plugin_secret_alloc,
    plugin_secret_free};

/* ---- Completion ---- */

static kp_status host_finish(void *self, kp_op_id op, kp_status status,
                             const struct kp_reply *reply, const struct kp_error *error)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return KP_USAGE;
    kp_status st = kpi_attempt_finish(vault, op, status, reply, error);
    kpi_door_leave(self);
    return st;
}

static void host_opened(void *self, kp_status status, const struct kp_error *error)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return;
    kpi_vault_post_opened(vault, status, error);
    kpi_door_leave(self);
}

static void host_closed(void *self)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return;
    kpi_vault_post_closed(vault);
    kpi_door_leave(self);
}

/* ---- Input and output ---- */

static kp_status host_http(void *self, kp_op_id op, const struct kp_http_request *request,
                           kp_http_done_fn *cb, void *arg, kp_http_id *ret_id)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return KP_USAGE;
    kp_status st = kpi_errand_http(vault, op, request, cb, arg, ret_id);
    kpi_door_leave(self);
    return st;
}

static void host_http_cancel(void *self, kp_http_id id)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return;
    kpi_errand_http_cancel(vault, id);
    kpi_door_leave(self);
}

static kp_status host_read_file(void *self, kp_op_id op, kp_span path, size_t max_len,
                                uint32_t flags, kp_file_done_fn *cb, void *arg)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return KP_USAGE;
    kp_status st = kpi_errand_read_file(vault, op, path, max_len, flags, cb, arg);
    kpi_door_leave(self);
    return st;
}

static kp_status host_timer(void *self, kp_op_id op, uint32_t delay_ms, kp_timer_fn *cb, void *arg,
                            kp_timer_id *ret_id)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return KP_USAGE;
    kp_status st = kpi_errand_timer(vault, op, delay_ms, cb, arg, ret_id);
    kpi_door_leave(self);
    return st;
}

static void host_timer_hasten(void *self, kp_timer_id id)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return;
    kpi_errand_timer_hasten(vault, id);
    kpi_door_leave(self);
}

static kp_status host_work(void *self, kp_op_id op, kp_work_fn *work, kp_work_done_fn *done,
                           void *arg)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return KP_USAGE;
    kp_status st = kpi_errand_work(vault, op, work, done, arg);
    kpi_door_leave(self);
    return st;
}

/* ---- Time, chance, log ---- */

static uint64_t host_clock_ns(void *self)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return kpi_now_ns(kpi_clock_system());
    uint64_t now_ns = kpi_shard_now_ns(vault->shard);
    kpi_door_leave(self);
    return now_ns;
}

static int64_t host_unix_s(void *self)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return kpi_unix_s(kpi_clock_system());
    int64_t now_s = kpi_unix_s(vault->shard->clock);
    kpi_door_leave(self);
    return now_s;
}

static kp_status host_random(void *self, uint8_t *out, size_t n)
{
    (void)self;
    return kpc_random(out, n, NULL);
}

static uint32_t time_left_ms(struct kp_vault *vault, kp_op_id id)
{
    uint64_t deadline_ns = 0;
    uint64_t now_ns = kpi_shard_now_ns(vault->shard);
    if (kpi_id_shard(id) == vault->shard->at)
        deadline_ns = kpi_op_deadline_ns(kpi_op_at(&vault->shard->ops, id), id);
    uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / KPI_NS_PER_MS : 0;
    return left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
}

static uint32_t host_time_left_ms(void *self, kp_op_id op)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return 0;
    uint32_t left_ms = time_left_ms(vault, op);
    kpi_door_leave(self);
    return left_ms;
}

static void host_log(void *self, uint32_t level, const char *event, kp_span text)
{
    struct kp_vault *vault = kpi_door_enter(self);
    if (!vault)
        return;
    kpi_observe_plugin_log(vault, level, event, text);
    kpi_door_leave(self);
}

void kpi_host_fill(struct kp_host *host, struct kpi_door *door)
{
    *host = (struct kp_host){
        .struct_size = sizeof *host,
        .abi_major = KP_ABI_MAJOR,
        .abi_minor = KP_ABI_MINOR,
        .self = door,
        .memory = &plugin_memory,
        .finish = host_finish,
        .opened = host_opened,
        .closed = host_closed,
        .http = host_http,
        .http_cancel = host_http_cancel,
        .read_file = host_read_file,
        .timer = host_timer,
        .timer_hasten = host_timer_hasten,
        .work = host_work,
        .clock_ns = host_clock_ns,
        .unix_s = host_unix_s,
        .random = host_random,
        .time_left_ms = host_time_left_ms,
        .log = host_log,
    };
}
