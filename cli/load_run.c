#include "cli/load_run.h"

#include "base/mem.h"
#include "cli/load_platform.h"
#include "cli/load_progress.h"
#include "cli/load_proof.h"
#include "cli/load_threads.h"

#define LOOK_NS (LOAD_NS_PER_S / 10) /* how often a wait looks for Ctrl-C */

struct run;

/* One operation under way, or a place for one. */
struct slot {
    struct run *run;
    struct slot *next; /* while free */
    struct load_item item;
    uint64_t n;
    bool is_first;     /* of those that are measured */
    uint64_t start_ns; /* from the start of the run */
    uint64_t join_ns;  /* not used before */
    kp_op_id id;       /* the submitting thread's */
};

struct run {
    /* ---- fixed before the first operation ---- */
    const struct load_plan *plan;
    const struct load_targets *targets;
    struct load_result *result;
    struct load_proof *proof;
    kp_provider *provider;
    uint64_t begin_ns; /* monotonic */
    struct slot *slots;

    /* ---- under lock ---- */
    struct cli_lock lock;
    struct load_schedule schedule;
    uint64_t n_started;
    struct slot *free;
    uint32_t n_free;
    uint32_t most_under_way;
    uint32_t n_joined; /* slots that have become free for the first time */

    /* ---- written by the first operation that is measured, read at the end ---- */
    struct load_counters *before; /* what had been counted when it began */
    uint64_t cpu_ns;              /* processor time until then */
};

static uint64_t elapsed_ns(const struct run *run)
{
    return cli_now_ns() - run->begin_ns;
}

/* ---- How an operation ended ---- */

static void note(struct slot *slot, struct kp_result *answer)
{
    struct run *run = slot->run;
    struct kp_error error;
    kp_status st = answer->status;
    if (st == KP_OK) {
        st = cli_load_target_check(run->targets, &slot->item, slot->n, &answer->reply, &error);
    } else {
        error = answer->error;
    }
    if (st == KP_OK) {
        cli_load_proof_keep(run->proof, &slot->item, slot->n, &answer->reply);
    }
    if (st == KP_CANCELED && cli_interrupted()) {
        return; /* it is we who ended it: nothing was measured */
    }
    const struct load_outcome outcome = {slot->item.op,
                                         slot->item.key,
                                         slot->start_ns,
                                         elapsed_ns(run),
                                         st,
                                         st == KP_OK ? NULL : &error};
    cli_load_result_add(run->result, &outcome);
}

/* What the library and the process have done so far is not the measured operations' doing. */
static void begin_measuring(struct run *run)
{
    cli_load_counters_read(run->provider, run->before);
    run->cpu_ns = cli_cpu_ns();
}

/* Takes the next operation into a slot, to begin at its start_ns; false when the run is over. */
static bool next_operation(struct run *run, struct slot *slot)
{
    cli_lock_take(&run->lock);
    const uint64_t now_ns = elapsed_ns(run);
    const uint64_t n_measured = run->schedule.n_measured;
    const bool goes_on =
        !cli_interrupted() && cli_load_schedule_next(&run->schedule, now_ns, &slot->item);
    slot->n = run->n_started;
    run->n_started += goes_on ? 1 : 0;
    slot->is_first = run->schedule.n_measured > n_measured && n_measured == 0;
    cli_lock_give(&run->lock);
    slot->start_ns = run->plan->n_rates > 0 ? slot->item.start_ns : now_ns;
    return goes_on;
}

/* A far moment is approached in steps, so that Ctrl-C is heard. */
static bool sleep_until(struct run *run, uint64_t at_ns)
{
    for (uint64_t now_ns; (now_ns = elapsed_ns(run)) < at_ns;) {
        const uint64_t left_ns = at_ns - now_ns;
        cli_sleep_until_ns(run->begin_ns + now_ns + (left_ns < LOOK_NS ? left_ns : LOOK_NS));
        if (cli_interrupted()) {
            return false;
        }
    }
    return true;
}

/* Takes the next operation into a slot and waits for its moment; false when the run is over. */
static bool await_operation(struct run *run, struct slot *slot)
{
    if (!next_operation(run, slot) || !sleep_until(run, slot->start_ns)) {
        return false;
    }
    if (slot->is_first) {
        begin_measuring(run);
    }
    return true;
}

/* ---- Blocking callers ---- */

static void run_caller(void *arg)
{
    struct slot *slot = arg;
    struct run *run = slot->run;
    struct kp_request request;
    struct kp_result answer;
    if (!sleep_until(run, slot->join_ns)) {
        return;
    }
    while (await_operation(run, slot)) {
        cli_load_target_request(run->targets, run->plan, &slot->item, slot->n, &request);
        answer.status =
            kp_call(cli_load_target_vault(run->targets, &slot->item), &request, &answer);
        note(slot, &answer);
        kp_result_clear(&answer);
    }
}

static kp_status run_sync(struct run *run, struct kp_error *reterr)
{
    if (cli_run_threads(run_caller, run->slots, sizeof *run->slots, run->plan->n_callers)) {
        return KP_OK;
    }
    return kpb_fail(reterr, KP_NO_MEMORY, "%u threads for callers are not to be had",
                    run->plan->n_callers);
}

/* ---- One asynchronous caller ---- */

static void give_slot_locked(struct slot *slot)
{
    struct run *run = slot->run;
    slot->next = run->free;
    run->free = slot;
    run->n_free++;
}

static void give_slot(struct slot *slot)
{
    struct run *run = slot->run;
    cli_lock_take(&run->lock);
    give_slot_locked(slot);
    cli_lock_notify(&run->lock);
    cli_lock_give(&run->lock);
}

/* Lets those join whose moment has come; ret_wait_ns: until when there is nothing else to do. */
static void join_slots_locked(struct run *run, uint64_t *ret_wait_ns)
{
    const uint64_t now_ns = elapsed_ns(run);
    *ret_wait_ns = now_ns + LOOK_NS;
    for (; run->n_joined < run->plan->n_callers; run->n_joined++) {
        struct slot *slot = &run->slots[run->n_joined];
        if (slot->join_ns > now_ns) {
            *ret_wait_ns = slot->join_ns < *ret_wait_ns ? slot->join_ns : *ret_wait_ns;
            return;
        }
        give_slot_locked(slot);
    }
}

static void note_under_way_locked(struct run *run, uint32_t n)
{
    run->most_under_way = n > run->most_under_way ? n : run->most_under_way;
}

/* NULL when Ctrl-C came first. */
static struct slot *take_slot(struct run *run)
{
    uint64_t wait_ns = 0;
    cli_lock_take(&run->lock);
    for (join_slots_locked(run, &wait_ns); !run->free && !cli_interrupted();
         join_slots_locked(run, &wait_ns)) {
        cli_lock_wait(&run->lock, run->begin_ns + wait_ns);
    }
    struct slot *slot = cli_interrupted() ? NULL : run->free;
    if (slot) {
        run->free = slot->next;
        run->n_free--;
        note_under_way_locked(run, run->n_joined - run->n_free);
    }
    cli_lock_give(&run->lock);
    return slot;
}

static void on_done(void *ctx, kp_op_id id, struct kp_result *answer)
{
    (void)id;
    note(ctx, answer);
    give_slot(ctx);
}

static void submit(struct slot *slot)
{
    struct run *run = slot->run;
    struct kp_request request;
    struct kp_result refused = {.struct_size = sizeof refused};
    cli_load_target_request(run->targets, run->plan, &slot->item, slot->n, &request);
    refused.status = kp_submit(cli_load_target_vault(run->targets, &slot->item), &request, on_done,
                               slot, &slot->id, &refused.error);
    if (refused.status != KP_OK) {
        on_done(slot, 0, &refused); /* nobody else will */
    }
}

/* Whoever pressed Ctrl-C does not want to wait for a vault that stalls. */
static void cancel_all(struct run *run)
{
    for (uint32_t i = 0; i < run->plan->n_callers; i++) {
        if (run->slots[i].id != 0) {
            kp_cancel(run->provider, run->slots[i].id); /* one that is over is ignored */
        }
    }
}

static void await_all(struct run *run)
{
    bool canceled = false;
    cli_lock_take(&run->lock);
    while (run->n_free < run->n_joined) {
        if (cli_interrupted() && !canceled) {
            canceled = true;
            cli_lock_give(&run->lock);
            cancel_all(run);
            cli_lock_take(&run->lock);
            continue;
        }
        cli_lock_wait(&run->lock, cli_now_ns() + LOOK_NS);
    }
    cli_lock_give(&run->lock);
}

/* An operation that finds no free slot starts late; its latency counts from when it was meant
 * to. */
static void run_async(struct run *run)
{
    for (struct slot *slot; (slot = take_slot(run)) != NULL;) {
        if (!await_operation(run, slot)) {
            give_slot(slot);
            break;
        }
        submit(slot);
    }
    await_all(run);
}

/* ---- The whole run ---- */

static kp_status finish(struct run *run, uint64_t rss_bytes, struct kp_error *reterr)
{
    struct load_counters *counters = kpb_alloc("cli.load.counters", sizeof *counters);
    if (!counters) {
        return kpb_fail_memory(reterr, "cli.load.counters");
    }
    const uint64_t wall_ns = elapsed_ns(run);
    const uint64_t max_rss_bytes = cli_max_rss_bytes();
    const struct load_cost cost = {
        .wall_ns = wall_ns,
        .cpu_ns = cli_cpu_ns() - run->cpu_ns,
        .max_rss_bytes = max_rss_bytes,
        .most_under_way = run->plan->sync ? run->plan->n_callers : run->most_under_way,
        .grown_bytes = max_rss_bytes > rss_bytes ? max_rss_bytes - rss_bytes : 0,
    };
    const uint64_t warm_up_ns = run->plan->warm_up_ns;
    cli_load_counters_read(run->provider, counters);
    cli_load_counters_subtract(counters, run->before);
    cli_load_proof_try(run->proof, run->plan, run->targets, wall_ns, run->result);
    cli_load_result_finish(run->result, &cost, counters,
                           wall_ns > warm_up_ns ? wall_ns - warm_up_ns : 0);
    kpb_free(counters);
    return KP_OK;
}

/* The time that was asked for is the time that is measured, though nothing more would start in
 * it. */
static void sit_out(struct run *run)
{
    const bool counted_out = run->plan->n_ops > 0 && run->schedule.n_measured >= run->plan->n_ops;
    if (!counted_out && !cli_interrupted()) {
        (void)sleep_until(run, cli_load_schedule_end_ns(run->plan));
    }
}

static kp_status drive(struct cli *c, struct run *run)
{
    kp_status st = KP_OK;
    begin_measuring(run); /* in case that nothing ever is measured */
    cli_catch_interrupt();
    const uint64_t rss_bytes = cli_max_rss_bytes();
    run->begin_ns = cli_now_ns();
    struct load_progress *progress = cli_load_progress_start(run->result, run->begin_ns);
    if (run->plan->sync) {
        st = run_sync(run, &c->fault.error);
    } else {
        run_async(run);
    }
    sit_out(run);
    cli_load_progress_end(progress);
    return st == KP_OK ? finish(run, rss_bytes, &c->fault.error) : st;
}

kp_status cli_load_run(struct cli *c, const struct load_plan *plan,
                       const struct load_targets *targets, struct load_result *result)
{
    struct slot *slots = kpb_alloc_array("cli.load.slots", plan->n_callers, sizeof *slots);
    struct run *run = kpb_alloc("cli.load.run", sizeof *run);
    struct load_counters *before = kpb_alloc("cli.load.counters", sizeof *before);
    struct load_proof *proof = cli_load_proof_new();
    kp_status st = KP_NO_MEMORY;
    if (!slots || !run || !before || !proof) {
        st = kpb_fail_memory(&c->fault.error, "cli.load");
        goto out;
    }
    run->plan = plan;
    run->slots = slots;
    run->targets = targets;
    run->result = result;
    run->provider = c->provider;
    run->before = before;
    run->proof = proof;
    for (uint32_t i = 0; i < targets->n; i++) {
        cli_load_result_name_key(result, i, cli_load_target_text(targets, i));
    }
    cli_load_schedule_init(&run->schedule, plan, targets->n);
    for (uint32_t i = 0; i < plan->n_callers; i++) {
        slots[i].run = run;
        slots[i].join_ns = cli_load_schedule_join_ns(plan, i);
    }
    if (cli_lock_init(&run->lock)) {
        st = drive(c, run);
        cli_lock_clear(&run->lock);
    } else {
        st = kpb_fail_memory(&c->fault.error, "cli.load.lock");
    }
out:
    cli_load_proof_free(proof);
    kpb_free(before);
    kpb_free(run);
    kpb_free(slots);
    return st;
}
