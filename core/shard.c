#include "core/shard.h"

#include "core/http.h"
#include "core/local.h"
#include "core/pipeline.h"
#include "core/thread.h"
#include "core/wait.h"

/* Times a turn lets libcurl begin what the turn has asked for. */
#define HTTP_ROUNDS 2u

bool kpi_on_loop_thread(void)
{
    return kpi_local()->shard != NULL;
}

bool kpi_shard_is_current(const struct kpi_shard *shard)
{
    return kpi_local()->shard == shard;
}

/* ---- Time ---- */

uint64_t kpi_shard_now_ns(const struct kpi_shard *shard)
{
    return kpi_now_ns(shard->clock);
}

static uint64_t ms_rounded_up(uint64_t ns)
{
    return ns / KPI_NS_PER_MS + (ns % KPI_NS_PER_MS != 0);
}

void kpi_shard_arm(struct kpi_shard *shard, struct kpi_timer *timer, uint64_t due_ns)
{
    kpi_wheel_arm(&shard->wheel, timer, ms_rounded_up(due_ns));
}

void kpi_shard_disarm(struct kpi_shard *shard, struct kpi_timer *timer)
{
    kpi_wheel_disarm(&shard->wheel, timer);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t kpi_shard_random(struct kpi_shard *shard)
{
    uint64_t z = (shard->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* ---- A turn of the loop ---- */

static void deliver_mail(struct kpi_shard *shard)
{
    for (struct kpi_mail *mail; (mail = kpi_inbox_take(&shard->inbox)) != NULL;) {
        shard->turn_ns = kpi_shard_now_ns(shard);
        while (mail) {
            struct kpi_mail *next = mail->next; /* the mail may be gone once delivered */
            mail->deliver(mail);
            mail = next;
        }
    }
}

static void on_tick(uv_timer_t *tick);

/* Makes libuv wake us for the next timer, unless it already does. */
static void arm_tick(struct kpi_shard *shard)
{
    uint64_t next_ms = kpi_wheel_next_ms(&shard->wheel);
    if (next_ms == KPI_WHEEL_IDLE || next_ms >= shard->tick_ms)
        return; /* an early wake-up is harmless, so a later one never moves it */
    uint64_t now_ms = kpi_shard_now_ns(shard) / KPI_NS_PER_MS;
    shard->tick_ms = next_ms;
    uv_update_time(&shard->loop);
    (void)uv_timer_start(&shard->tick, on_tick, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

static void close_handles(struct kpi_shard *shard)
{
    kpi_http_close(shard->http);
    shard->http = NULL;
    uv_close((uv_handle_t *)&shard->wake, NULL);
    uv_close((uv_handle_t *)&shard->tick, NULL);
}

/*
 * A caller that came in before the close posts its request yet: it must find somebody here. What
 * the last one posted just before it left lies in the inbox once the count is seen to be 0.
 */
static void stop_when_callers_left(struct kpi_shard *shard)
{
    if (!kpi_http_is_quiet(shard->http))
        return; /* what it waits for comes as mail, and with it another turn */
    if (atomic_load_explicit(&shard->n_callers, memory_order_seq_cst) == 0 &&
        kpi_inbox_is_empty(&shard->inbox))
        shard->stopping = true;
    else
        (void)uv_timer_start(&shard->tick, on_tick, 1, 0); /* look again in a millisecond */
}

/* Timers too each time round: clients may keep this up for as long as they like. */
static void serve_ready(struct kpi_shard *shard)
{
    do {
        kpi_wheel_advance(&shard->wheel, shard->turn_ns / KPI_NS_PER_MS);
        kpi_pipeline_dispatch(shard);
        deliver_mail(shard);
    } while (!kpi_list_empty(&shard->ready));
}

void kpi_shard_begin_turn(struct kpi_shard *shard)
{
    shard->in_turn = true;
    shard->turn_ns = kpi_shard_now_ns(shard);
}

void kpi_shard_run_turn(struct kpi_shard *shard)
{
    kpi_shard_begin_turn(shard);
    deliver_mail(shard);
    serve_ready(shard);
    for (uint32_t n = 0; n < HTTP_ROUNDS && kpi_http_flush(shard->http); n++)
        serve_ready(shard); /* what ended at once; the rest is for the loop's next round */
    if (kpi_http_has_unsent(shard->http))
        kpi_shard_poke(shard);
    shard->in_turn = false;
    if (shard->closing && kpi_list_empty(&shard->vaults))
        stop_when_callers_left(shard);
    if (!shard->stopping)
        arm_tick(shard);
    else if (shard->abandon)
        uv_stop(&shard->loop);
    else if (!uv_is_closing((uv_handle_t *)&shard->wake))
        close_handles(shard);
}

static void on_wake(uv_async_t *wake)
{
    kpi_shard_run_turn(wake->data);
}

static void on_tick(uv_timer_t *tick)
{
    struct kpi_shard *shard = tick->data;
    shard->tick_ms = KPI_WHEEL_IDLE;
    kpi_shard_run_turn(shard);
}

static void loop_main(void *arg)
{
    struct kpi_shard *shard = arg;
    kpi_local()->shard = shard;
    (void)uv_run(&shard->loop, UV_RUN_DEFAULT); /* its result only says whether handles are left */
    kpi_local()->shard = NULL;
    atomic_store_explicit(&shard->ended, 1, memory_order_release);
    kpi_wake_all(&shard->ended);
}

/* ---- Mail ---- */

void kpi_shard_poke(struct kpi_shard *shard)
{
    (void)uv_async_send(&shard->wake); /* fails only for a handle that is no async */
}

void kpi_shard_post(struct kpi_shard *shard, struct kpi_mail *mail)
{
    bool was_empty = kpi_inbox_push(&shard->inbox, mail);
    if (was_empty && !(kpi_shard_is_current(shard) && shard->in_turn))
        kpi_shard_poke(shard);
}

/* ---- Lifecycle ---- */

static kp_status open_handles(struct kpi_shard *shard)
{
    if (uv_loop_init(&shard->loop) != 0)
        return KP_NO_MEMORY;
    if (uv_async_init(&shard->loop, &shard->wake, on_wake) != 0) {
        (void)uv_loop_close(&shard->loop); /* nothing in it yet */
        return KP_NO_MEMORY;
    }
    (void)uv_timer_init(&shard->loop, &shard->tick); /* cannot fail */
    shard->wake.data = shard;
    shard->tick.data = shard;
    return KP_OK;
}

kp_status kpi_shard_init(struct kpi_shard *shard, struct kp_provider *provider, uint32_t at,
                         uint32_t max_operations, const struct kpi_clock *clock)
{
    shard->provider = provider;
    shard->clock = clock;
    shard->at = at;
    shard->random = kpi_shard_now_ns(shard) ^ (uint64_t)at << 56;
    shard->tick_ms = KPI_WHEEL_IDLE;
    shard->in_turn = false;
    shard->stopping = false;
    shard->abandon = false;
    shard->http = NULL;
    atomic_init(&shard->inbox.newest, NULL);
    atomic_init(&shard->ended, 0);
    kpi_list_init(&shard->vaults);
    kpi_list_init(&shard->closed_vaults);
    kpi_list_init(&shard->ready);
    kp_error_init(&shard->told.error);
    kp_error_init(&shard->refusal);
    kpi_wheel_init(&shard->wheel, kpi_shard_now_ns(shard) / KPI_NS_PER_MS);
    kp_status st = kpi_op_table_init(&shard->ops, shard, at, max_operations);
    if (st != KP_OK)
        return st;
    st = open_handles(shard);
    if (st != KP_OK)
        kpi_op_table_clear(&shard->ops);
    return st;
}

kp_status kpi_shard_start(struct kpi_shard *shard)
{
    shard->started = kpi_thread_start(&shard->thread, loop_main, shard);
    return shard->started ? KP_OK : KP_NO_MEMORY;
}

static void deliver_end(struct kpi_mail *mail)
{
    kpi_shard_stop(KPI_HOLDER(mail, struct kpi_shard, close_mail), false);
}

void kpi_shard_end_idle(struct kpi_shard *shard)
{
    if (!shard->started)
        return;
    shard->close_mail.deliver = deliver_end;
    kpi_shard_post(shard, &shard->close_mail);
    kpi_shard_join(shard);
}

void kpi_shard_join(struct kpi_shard *shard)
{
    uv_thread_join(&shard->thread);
}

void kpi_shard_stop(struct kpi_shard *shard, bool abandon)
{
    shard->stopping = true;
    shard->abandon = abandon;
}

void kpi_shard_clear(struct kpi_shard *shard)
{
    if (!uv_is_closing((uv_handle_t *)&shard->wake)) { /* never started */
        close_handles(shard);
        (void)uv_run(&shard->loop, UV_RUN_DEFAULT); /* lets the closing of handles finish */
    }
    (void)uv_loop_close(&shard->loop); /* no handle is left */
    kpi_op_table_clear(&shard->ops);
    kpi_reply_areas_clear(&shard->reply_areas);
}
