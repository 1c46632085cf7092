#define _DEFAULT_SOURCE /* syscall */
/*
 * The bare hand-off: a node pushed to one libuv loop thread through a lock-free list, a wake-up
 * only when the list was empty, and the reply on a futex word. What any pipeline with a loop thread
 * has to pay at least.
 *
 *     sync   each thread pushes its node and sleeps until the reply
 *     async  each thread keeps SIZE nodes under way, and sleeps only when all of them are
 */
#include <uv.h>

#include "bench/yardsticks/futex.h"
#include "bench/yardsticks/job.h"

#define WINDOW_MAX 65536

enum word { IDLE = 0, UNDER_WAY = 1, AWAITED = 2 };

struct node {
    struct node *next;
    _Atomic uint32_t word; /* enum word */
};

struct loop {
    uv_loop_t loop;
    uv_async_t wake;
    _Atomic(struct node *) newest;
    _Atomic bool stop;
    uv_thread_t thread;
};

/* ---- The loop thread ---- */

static struct node *take_all(struct loop *loop)
{
    struct node *newest = atomic_exchange_explicit(&loop->newest, NULL, memory_order_acquire);
    struct node *oldest = NULL;
    while (newest) {
        struct node *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

static void reply(struct node *node)
{
    uint32_t before = atomic_exchange_explicit(&node->word, IDLE, memory_order_acq_rel);
    if (before == AWAITED)
        bench_wake_one(&node->word);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    for (struct node *node = take_all(loop); node;) {
        struct node *next = node->next; /* the node is the sender's again once replied to */
        reply(node);
        node = next;
    }
    if (atomic_load(&loop->stop))
        uv_close((uv_handle_t *)wake, NULL);
}

static void loop_main(void *arg)
{
    struct loop *loop = arg;
    (void)uv_run(&loop->loop, UV_RUN_DEFAULT); /* ends when wake is closed */
}

static bool loop_start(struct loop *loop)
{
    *loop = (struct loop){.newest = NULL};
    if (uv_loop_init(&loop->loop) != 0)
        return false;
    loop->wake.data = loop;
    return uv_async_init(&loop->loop, &loop->wake, on_wake) == 0 &&
           uv_thread_create(&loop->thread, loop_main, loop) == 0;
}

static void loop_end(struct loop *loop)
{
    atomic_store(&loop->stop, true);
    (void)uv_async_send(&loop->wake); /* fails on a closing handle only */
    uv_thread_join(&loop->thread);
    (void)uv_loop_close(&loop->loop); /* no handle is left */
}

/* ---- Senders ---- */

static void send_node(struct loop *loop, struct node *node)
{
    atomic_store_explicit(&node->word, UNDER_WAY, memory_order_relaxed);
    struct node *newest = atomic_load_explicit(&loop->newest, memory_order_relaxed);
    do {
        node->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->newest, &newest, node,
                                                    memory_order_release, memory_order_relaxed));
    if (!newest)
        (void)uv_async_send(&loop->wake); /* fails on a closing handle only */
}

static void await_node(struct node *node)
{
    for (uint32_t word; (word = atomic_load_explicit(&node->word, memory_order_acquire)) != IDLE;) {
        if (word == UNDER_WAY)
            (void)atomic_compare_exchange_strong(&node->word, &word, AWAITED);
        else
            bench_wait_on(&node->word, AWAITED);
    }
}

static bool run_sync(struct bench_lane *lane)
{
    struct node node;
    for (uint64_t n = 0; bench_lane_goes_on(lane, n); n++) {
        send_node(lane->ctx, &node);
        await_node(&node);
        bench_lane_count(lane, 1);
    }
    return true;
}

/* Replies come in order, so a full window waits until half of it is free: one sleep for many. */
static bool run_async(struct bench_lane *lane)
{
    size_t window = lane->job->size;
    struct node *nodes = calloc(window, sizeof *nodes);
    if (!nodes)
        return false;
    for (uint64_t n = 0; bench_lane_goes_on(lane, n); n++) {
        size_t at = n % window;
        if (atomic_load_explicit(&nodes[at].word, memory_order_acquire) != IDLE)
            await_node(&nodes[(at + window / 2) % window]);
        send_node(lane->ctx, &nodes[at]);
        bench_lane_count(lane, 1);
    }
    for (size_t i = 0; i < window; i++)
        await_node(&nodes[i]);
    free(nodes);
    return true;
}

/* ---- Jobs ---- */

static bool run_job(const struct bench_job *job, uint64_t *ret_ops, struct bench_cost *ret_cost)
{
    bool async = strcmp(job->mode, "async") == 0;
    struct loop loop;
    if (!async && strcmp(job->mode, "sync") != 0)
        return false;
    if ((async && (job->size < 2 || job->size > WINDOW_MAX)) || !loop_start(&loop))
        return false;
    bool ok = bench_lanes_run(job, async ? run_async : run_sync, &loop, ret_ops, ret_cost);
    loop_end(&loop);
    return ok;
}

int main(void)
{
    return bench_serve("bare_handoff", run_job);
}
