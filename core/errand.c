#include "core/errand.h"

#include "base/buf.h"
#include "base/errors.h"
#include "base/mem.h"
#include "core/attempt.h"
#include "core/file_read.h"
#include "core/http.h"
#include "core/observe.h"
#include "core/provider.h"
#include "core/vault.h"

struct kpi_errand {
    struct kpi_link in_vault;
    struct kp_vault *vault;
    struct kpi_op *op; /* NULL: the vault's own */
    uint64_t id;
    struct kpi_timer timer;
    struct kpi_job job;
    struct kpi_mail mail;
    kp_timer_fn *timer_cb;
    kp_work_fn *work;
    kp_work_done_fn *work_done;
    kp_file_done_fn *file_done;
    kp_http_done_fn *http_done;
    struct kpi_http_call *call; /* until it has ended */
    uint64_t waited_ns;         /* op, before this attempt, where this is its first request */
    uint64_t token_ns;          /* op, in the plugin before this request */
    void *arg;
    char *path;
    size_t max_len;
    kp_buf bytes;
    kp_status status;
    struct kp_error error;
    bool orphaned; /* the plugin closed meanwhile: no callback */
};

/* ---- Life ---- */

/* The attempt named by id, which must be under way in vault; NULL for none. */
static struct kpi_op *find_attempt(struct kp_vault *vault, kp_op_id id)
{
    if (kpi_id_shard(id) != vault->shard->at)
        return NULL;
    struct kpi_op *op = kpi_op_at(&vault->shard->ops, id);
    if (!op || !kpi_op_is_attempt(op, id) ||
        atomic_load_explicit(&op->vault, memory_order_relaxed) != vault)
        return NULL;
    return op->phase == KPI_ATTEMPT_NONE ? NULL : op;
}

static kp_status begin_errand(struct kp_vault *vault, kp_op_id id, struct kpi_errand **ret_errand)
{
    struct kpi_op *op = NULL;
    if (!kpi_shard_is_current(vault->shard))
        return KP_USAGE;
    if (id != 0 && !(op = find_attempt(vault, id)))
        return KP_USAGE;
    struct kpi_errand *errand = kpb_alloc("errand", sizeof *errand);
    if (!errand)
        return KP_NO_MEMORY;
    errand->vault = vault;
    errand->op = op;
    errand->id = ++vault->last_errand;
    kpi_list_append(&vault->errands, &errand->in_vault);
    if (op)
        kpi_attempt_expect_callback(op);
    *ret_errand = errand;
    return KP_OK;
}

/* After the callback, or instead of it when it will never come. */
static void end_errand(struct kpi_errand *errand)
{
    struct kp_vault *vault = errand->vault;
    struct kpi_op *op = errand->op;
    kpi_list_remove(&errand->in_vault);
    kp_buf_clear(&errand->bytes);
    kpb_free(errand->path);
    kpb_free(errand);
    if (op)
        kpi_attempt_callback_over(op);
    else
        kpi_vault_check_close(vault);
}

/* After closed nobody is there to hear of it. */
static bool has_listener(const struct kpi_errand *errand)
{
    return !errand->orphaned && !kpi_vault_has_let_go(errand->vault);
}

/* ---- Timers ---- */

static void timer_due(struct kpi_timer *timer)
{
    struct kpi_errand *errand = KPI_HOLDER(timer, struct kpi_errand, timer);
    if (has_listener(errand))
        errand->timer_cb(errand->arg);
    end_errand(errand);
}

kp_status kpi_errand_timer(struct kp_vault *vault, kp_op_id op, uint32_t delay_ms, kp_timer_fn *cb,
                           void *arg, kp_timer_id *ret_id)
{
    struct kpi_errand *errand;
    kp_status st = cb ? begin_errand(vault, op, &errand) : KP_USAGE;
    if (st != KP_OK)
        return st;
    errand->timer_cb = cb;
    errand->arg = arg;
    errand->timer.fire = timer_due;
    uint64_t due_ns = delay_ms ? kpi_shard_now_ns(vault->shard) + delay_ms * KPI_NS_PER_MS : 0;
    kpi_shard_arm(vault->shard, &errand->timer, due_ns); /* 0: the next turn, not a millisecond */
    if (ret_id)
        *ret_id = errand->id;
    return KP_OK;
}

void kpi_errand_timer_hasten(struct kp_vault *vault, kp_timer_id id)
{
    if (!kpi_shard_is_current(vault->shard))
        return;
    for (struct kpi_link *link = vault->errands.next; link != &vault->errands; link = link->next) {
        struct kpi_errand *errand = KPI_HOLDER(link, struct kpi_errand, in_vault);
        if (errand->id == id && errand->timer.armed) {
            kpi_shard_arm(vault->shard, &errand->timer, 0);
            return;
        }
    }
}

void kpi_errand_orphan_all(struct kp_vault *vault)
{
    for (struct kpi_link *link = vault->errands.next; link != &vault->errands; link = link->next) {
        struct kpi_errand *errand = KPI_HOLDER(link, struct kpi_errand, in_vault);
        errand->orphaned = true;
        if (errand->timer.armed)
            kpi_shard_arm(vault->shard, &errand->timer, 0);
        if (errand->call)
            kpi_http_cancel(errand->call);
    }
}

/* ---- Work ---- */

static void call_back(struct kpi_errand *errand)
{
    if (errand->file_done)
        errand->file_done(errand->arg, errand->status, kp_buf_view(&errand->bytes),
                          errand->status == KP_OK ? NULL : &errand->error);
    else
        errand->work_done(errand->arg);
}

static void deliver_work(struct kpi_mail *mail)
{
    struct kpi_errand *errand = KPI_HOLDER(mail, struct kpi_errand, mail);
    if (has_listener(errand))
        call_back(errand);
    end_errand(errand);
}

static void do_work(struct kpi_job *job)
{
    struct kpi_errand *errand = KPI_HOLDER(job, struct kpi_errand, job);
    if (errand->work)
        errand->work(errand->arg);
    else
        errand->status =
            kpi_file_read(errand->path, errand->max_len, &errand->bytes, &errand->error);
    errand->mail.deliver = deliver_work;
    kpi_shard_post(errand->vault->shard, &errand->mail);
}

static kp_status send_to_worker(struct kpi_errand *errand)
{
    errand->job.run = do_work;
    kp_status st = kpi_workers_submit(&errand->vault->provider->blockers, &errand->job);
    if (st != KP_OK)
        end_errand(errand);
    return st;
}

kp_status kpi_errand_work(struct kp_vault *vault, kp_op_id op, kp_work_fn *work,
                          kp_work_done_fn *done, void *arg)
{
    struct kpi_errand *errand;
    kp_status st = work && done ? begin_errand(vault, op, &errand) : KP_USAGE;
    if (st != KP_OK)
        return st;
    errand->work = work;
    errand->work_done = done;
    errand->arg = arg;
    return send_to_worker(errand);
}

kp_status kpi_errand_read_file(struct kp_vault *vault, kp_op_id op, kp_span path, size_t max_len,
                               uint32_t flags, kp_file_done_fn *cb, void *arg)
{
    struct kpi_errand *errand;
    kp_status st = cb ? begin_errand(vault, op, &errand) : KP_USAGE;
    if (st != KP_OK)
        return st;
    errand->file_done = cb;
    errand->arg = arg;
    errand->max_len = max_len;
    if (flags & KP_READ_SECRET)
        kp_buf_init_secret(&errand->bytes, "errand.file", max_len);
    else
        kp_buf_init(&errand->bytes, "errand.file", max_len);
    errand->path = kpb_strdup_span("errand.path", path);
    if (!errand->path) {
        end_errand(errand);
        return KP_NO_MEMORY;
    }
    return send_to_worker(errand);
}

/* ---- HTTP ---- */

static uint64_t later_by(uint64_t now_ns, uint64_t since_ns)
{
    return now_ns > since_ns ? now_ns - since_ns : 0; /* a turn begins before what it takes in */
}

/* Where the operation's time has gone before this request. */
static void note_before(struct kpi_errand *errand, uint64_t now_ns)
{
    const struct kpi_op *op = errand->op;
    if (!op)
        return;
    uint64_t since_ns = op->answered_ns != 0 ? op->answered_ns : op->started_ns;
    bool first = op->answered_ns == 0 && op->attempts == 1;
    errand->waited_ns = first ? later_by(op->started_ns, op->submitted_ns) : 0;
    errand->token_ns = later_by(now_ns, since_ns);
}

/* ... and what the request itself has shown. */
static void note_request(struct kpi_errand *errand, const struct kp_http_reply *reply)
{
    const struct kpi_observed_request request = {
        .op = errand->op,
        .waited_ns = errand->waited_ns,
        .token_ns = errand->token_ns,
        .times = reply ? &reply->times : NULL,
        .n_connections = kpi_http_n_connections(errand->call),
    };
    kpi_observe_request(errand->vault, &request);
    if (errand->op && reply)
        errand->op->answered_ns = kpi_shard_now_ns(errand->op->shard);
}

static void request_ended(void *ctx, kp_status status, const struct kp_http_reply *reply,
                          const struct kp_error *error)
{
    struct kpi_errand *errand = ctx;
    note_request(errand, reply);
    errand->call = NULL;
    if (has_listener(errand))
        errand->http_done(errand->arg, status, reply, error);
    end_errand(errand);
}

static uint32_t time_of(const struct kpi_errand *errand, uint64_t now_ns)
{
    const struct kp_vault *vault = errand->vault;
    if (!errand->op)
        return vault->provider->http.config->provider.http_timeout_ms;
    uint64_t deadline_ns = kpi_op_deadline_ns(errand->op, errand->op->attempt_id);
    uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / KPI_NS_PER_MS : 0;
    return left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
}

kp_status kpi_errand_http(struct kp_vault *vault, kp_op_id op,
                          const struct kp_http_request *request, kp_http_done_fn *cb, void *arg,
                          kp_http_id *ret_id)
{
    struct kpi_errand *errand;
    kp_status st = request && cb ? begin_errand(vault, op, &errand) : KP_USAGE;
    if (st != KP_OK)
        return st;
    errand->http_done = cb;
    errand->arg = arg;
    uint64_t now_ns = kpi_shard_now_ns(vault->shard);
    note_before(errand, now_ns);
    st = kpi_http_send(vault->shard, request, time_of(errand, now_ns), request_ended, errand,
                       &errand->call);
    if (st != KP_OK) {
        end_errand(errand);
        return st;
    }
    if (ret_id)
        *ret_id = errand->id;
    return KP_OK;
}

void kpi_errand_http_cancel(struct kp_vault *vault, kp_http_id id)
{
    if (!kpi_shard_is_current(vault->shard))
        return;
    for (struct kpi_link *link = vault->errands.next; link != &vault->errands; link = link->next) {
        struct kpi_errand *errand = KPI_HOLDER(link, struct kpi_errand, in_vault);
        if (errand->id == id && errand->call) {
            kpi_http_cancel(errand->call);
            return;
        }
    }
}
