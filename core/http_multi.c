/*
 * A multi handle of libcurl on the loop: its timer, its sockets' events, and the turn of the loop
 * around them. libcurl's own clock is the machine's; every time-out that matters is a timer of
 * ours.
 */
#include "core/http_parts.h"

/* A handle that cannot go on, for want of memory or of a socket's watch, leaves its requests as
 * they are: the owner ends them. */
static void act(struct kpi_http_multi *multi, curl_socket_t socket, int what)
{
    int running;
    if (curl_multi_socket_action(multi->curl, socket, what, &running) != CURLM_OK)
        multi->broken = true;
    multi->collect(multi);
}

void kpi_http_multi_kick(struct kpi_http_multi *multi)
{
    kpi_list_remove(&multi->in_due);
    (void)uv_timer_stop(&multi->timer);
    if (multi->ready)
        multi->ready(multi, CURL_CSELECT_IN);
    else
        act(multi, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- The loop's events ---- */

void kpi_http_multi_ready(struct kpi_http_multi *multi, curl_socket_t socket, int what)
{
    struct kpi_shard *shard = multi->http->shard;
    kpi_shard_begin_turn(shard);
    if (multi->ready)
        multi->ready(multi, what);
    else
        act(multi, socket, what);
    kpi_shard_run_turn(shard);
}

static void on_time(uv_timer_t *timer)
{
    struct kpi_http_multi *multi = KPI_HOLDER(timer, struct kpi_http_multi, timer);
    struct kpi_shard *shard = multi->http->shard;
    kpi_shard_begin_turn(shard);
    kpi_http_multi_kick(multi);
    kpi_shard_run_turn(shard);
}

void kpi_http_multi_call_again(struct kpi_http_multi *multi)
{
    (void)uv_timer_start(&multi->timer, on_time, 0, 0);
}

/* ---- libcurl's wishes ---- */

int kpi_http_multi_give_up(struct kpi_http_multi *multi)
{
    multi->broken = true;
    kpi_list_remove(&multi->in_due);
    kpi_list_append(&multi->http->due, &multi->in_due);
    return -1;
}

/* At once is at the end of this turn; the loop's timer is there in case the turn is over. */
static int on_timer(CURLM *curl, long delay_ms, void *ctx)
{
    struct kpi_http_multi *multi = ctx;
    (void)curl;
    kpi_list_remove(&multi->in_due);
    if (delay_ms < 0) {
        (void)uv_timer_stop(&multi->timer);
        return 0;
    }
    if (delay_ms == 0)
        kpi_list_append(&multi->http->due, &multi->in_due);
    (void)uv_timer_start(&multi->timer, on_time, (uint64_t)delay_ms, 0);
    return 0;
}

/* ---- Lifecycle ---- */

bool kpi_http_multi_init(struct kpi_http_multi *multi, struct kpi_http *http,
                         kpi_http_multi_fn *collect)
{
    multi->http = http;
    multi->collect = collect;
    kpi_list_init(&multi->in_due);
    multi->curl = curl_multi_init();
    if (!multi->curl)
        return false;
    (void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, kpi_http_watch_socket);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    (void)uv_timer_init(&http->shard->loop, &multi->timer); /* cannot fail */
    return true;
}

void kpi_http_multi_close(struct kpi_http_multi *multi, uv_close_cb gone)
{
    (void)curl_multi_cleanup(multi->curl); /* closes its connections */
    kpi_http_end_watches(multi);
    kpi_list_remove(&multi->in_due);
    uv_close((uv_handle_t *)&multi->timer, gone);
}
