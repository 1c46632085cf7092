/* Cancel, deadline, close and finish meet an operation in each of its states: one completion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"

#if defined(_WIN32) /* wine asks another process about most waits */
#define N_RACES 400u
#define N_STORM 400u
#elif defined(KP_SANITIZED)
#define N_RACES 1500u
#define N_STORM 1500u
#else
#define N_RACES 2500u
#define N_STORM 3000u
#endif

#define TIMEOUT_MS 60000u

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, CLIENT_CONFIG(", \"defaults\": {\"max_in_flight\": 1, "
                                        "\"breaker\": {\"failures\": 10000}}"));
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static void expect_no_slot_used(void)
{
    client_wait_idle(vault);
    client_wait_slots_free(&client);
}

static int end(void **state)
{
    (void)state;
    if (client.provider) {
        expect_no_slot_used();
        kp_vault_release(vault);
        client_end(&client);
    }
    return 0;
}

/* ---- One event in one state ---- */

/* Brings an operation into a state; `other` helps where it takes two. */
typedef void enter_fn(struct outcome *outcome, struct outcome *other);

static void submit_held(struct outcome *outcome, enum script_how how)
{
    struct kp_request request = client_wrap();
    request.timeout_ms = TIMEOUT_MS;
    script_push(script, (struct script_act){.how = how});
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
}

static void enter_in_flight(struct outcome *outcome, struct outcome *other)
{
    (void)other;
    submit_held(outcome, SCRIPT_HELD);
}

static void enter_in_flight_deaf(struct outcome *outcome, struct outcome *other)
{
    (void)other;
    submit_held(outcome, SCRIPT_DEAF);
}

/* The only place in flight is taken by the other one. */
static void enter_queued(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    request.timeout_ms = 2 * TIMEOUT_MS;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_submit(other, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    request.timeout_ms = TIMEOUT_MS;
    outcome_submit(outcome, vault, &request);
}

static void enter_queued_while_opening(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    (void)other;
    request.timeout_ms = TIMEOUT_MS;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_open, 1);
}

/* Joins a shared fetch that takes longer than any deadline. */
static void enter_waiting(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_get_key("k", "", KP_REQ_CACHED_OK);
    (void)other;
    request.timeout_ms = 1000; /* sooner than the fetch gives up */
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
}

static void enter_backoff(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    (void)other;
    request.timeout_ms = TIMEOUT_MS;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = TIMEOUT_MS - 1});
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, 1);
}

/* Its pause is over, but its attempt still waits for a callback. */
static void never(void *arg)
{
    script_op_arrived(arg);
}

static kp_status fail_with_a_timer_left(struct script_op *op)
{
    const struct script_act failure = {.status = KP_TRANSIENT};
    const struct kp_host *host = script_host(script_op_vault(op));
    script_op_expect(op);
    assert_int_equal(host->timer(host->self, script_op_id(op), 3 * TIMEOUT_MS, never, op, NULL),
                     KP_OK);
    return script_finish_with(op, &failure);
}

/* Two rounds through the loop: whatever it was at when asked, it has finished. */
static void let_the_loop_catch_up(void)
{
    for (int i = 0; i < 2; i++) {
        struct kp_request request = client_wrap();
        struct outcome outcome;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        kp_cancel(client.provider, outcome.id);
        assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
        outcome_clear(&outcome);
    }
}

static void enter_backoff_winding_down(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    (void)other;
    request.timeout_ms = TIMEOUT_MS;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = fail_with_a_timer_left});
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_submit, 1);
    let_the_loop_catch_up();
    client_move(&client, 15000);
}

static enter_fn *const STATES[] = {enter_in_flight,
                                   enter_in_flight_deaf,
                                   enter_queued,
                                   enter_queued_while_opening,
                                   enter_waiting,
                                   enter_backoff,
                                   enter_backoff_winding_down};
#define N_STATES (sizeof STATES / sizeof STATES[0])

static void let_go_of_everything(struct outcome *other)
{
    struct script_act good = {0};
    script_usually(script, good);
    if (script_plan(script)->opening == SCRIPT_OPEN_HELD)
        script_vault_opened(script, KP_OK);
    if (other->id != 0)
        SCRIPT_WAIT(script, n_held, 1);
    script_finish_held(script, KP_OK);
    client_move(&client, 4 * TIMEOUT_MS); /* timers left behind */
    if (other->id != 0)
        (void)outcome_wait(other);
    latch_clear(&other->latch);
    kp_result_clear(&other->result);
}

static void in_each_state(void (*event)(struct outcome *outcome), kp_status expected)
{
    for (size_t i = 0; i < N_STATES; i++) {
        struct outcome outcome;
        struct outcome other;
        void *unused = NULL;
        (void)begin(&unused);
        outcome_init(&outcome);
        outcome_init(&other);
        STATES[i](&outcome, &other);
        assert_false(outcome_is_there(&outcome));
        event(&outcome);
        assert_int_equal(outcome_wait(&outcome), expected);
        let_go_of_everything(&other);
        expect_no_slot_used();
        outcome_clear(&outcome);
        (void)end(&unused);
    }
}

static void cancel_it(struct outcome *outcome)
{
    kp_cancel(client.provider, outcome->id);
    kp_cancel(client.provider, outcome->id); /* asking twice is no more than asking once */
}

static void cancel_in_each_state_completes_once_with_canceled(void **state)
{
    (void)state;
    in_each_state(cancel_it, KP_CANCELED);
}

static void pass_deadline(struct outcome *outcome)
{
    (void)outcome;
    client_move(&client, TIMEOUT_MS);
}

static void deadline_in_each_state_completes_once_with_timeout(void **state)
{
    (void)state;
    in_each_state(pass_deadline, KP_TIMEOUT);
}

static void cancel_and_deadline(struct outcome *outcome)
{
    kp_cancel(client.provider, outcome->id);
    assert_int_equal(outcome_wait(outcome), KP_CANCELED);
    client_move(&client, TIMEOUT_MS);
}

static void deadline_after_cancel_in_each_state_adds_nothing(void **state)
{
    (void)state;
    in_each_state(cancel_and_deadline, KP_CANCELED);
}

/* ---- FINISHING and DONE ---- */

struct self_cancel {
    struct latch told;
    kp_status status;
};

static void cancel_from_inside(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct self_cancel *self = ctx;
    kp_cancel(client.provider, id);
    self->status = result->status;
    latch_hit(&self->told);
}

static void cancel_from_its_own_completion_is_ignored(void **state)
{
    struct kp_request request = client_wrap();
    struct self_cancel self;
    (void)state;
    latch_init(&self.told);
    assert_int_equal(kp_submit(vault, &request, cancel_from_inside, &self, NULL, NULL), KP_OK);
    latch_wait(&self.told, 1);
    assert_int_equal(self.status, KP_OK);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(latch_count(&self.told), 1);
    latch_clear(&self.told);
}

static void cancel_of_what_is_over_or_never_was_is_ignored(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    kp_cancel(client.provider, outcome.id);
    kp_cancel(client.provider, 0);
    kp_cancel(client.provider, UINT64_MAX);
    kp_cancel(client.provider, outcome.id ^ (UINT64_C(1) << 60));
    kp_cancel(NULL, outcome.id);
    submit_held(&outcome, SCRIPT_HELD); /* the same slot, perhaps */
    (void)outcome;
    script_finish_held(script, KP_OK);
    client_wait_idle(vault);
    latch_wait(&outcome.latch, 2);
    kp_result_clear(&outcome.result);
    latch_clear(&outcome.latch);
}

/* ---- Races ---- */

/* Three threads that start each round at the same moment. */
struct racer {
    uv_thread_t thread;
    void (*act)(void);
};

static uv_barrier_t start_line;
static uv_barrier_t finish_line;
static _Atomic bool race_over;
static struct outcome *raced;

static void run_racer(void *arg)
{
    const struct racer *racer = arg;
    for (;;) {
        uv_barrier_wait(&start_line);
        if (atomic_load(&race_over))
            return;
        racer->act();
        uv_barrier_wait(&finish_line);
    }
}

static void race_cancel(void)
{
    kp_cancel(client.provider, raced->id);
}

static void race_finish(void)
{
    script_finish_held(script, KP_OK);
}

static void race_deadline(void)
{
    client_move(&client, TIMEOUT_MS);
}

static uint32_t race_counts[KP_STATUS_COUNT];

/* enter brings an operation into a state; then cancel, deadline and finish come at once. */
static void race_from(enter_fn *enter, bool deadline)
{
    struct racer racers[] = {{.act = race_cancel}, {.act = race_finish}, {.act = race_deadline}};
    unsigned n = deadline ? 3 : 2;
    atomic_store(&race_over, false);
    memset(race_counts, 0, sizeof race_counts);
    assert_int_equal(uv_barrier_init(&start_line, n + 1), 0);
    assert_int_equal(uv_barrier_init(&finish_line, n + 1), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(uv_thread_create(&racers[i].thread, run_racer, &racers[i]), 0);
    for (unsigned round = 0; round < N_RACES; round++) {
        struct outcome outcome;
        struct outcome other;
        outcome_init(&outcome);
        outcome_init(&other);
        raced = &outcome;
        enter(&outcome, &other);
        uv_barrier_wait(&start_line);
        uv_barrier_wait(&finish_line);
        race_counts[outcome_wait(&outcome)]++;
        if (other.id != 0) {
            (void)outcome_wait(&other);
            outcome_clear(&other);
        } else {
            latch_clear(&other.latch);
        }
        client_wait_idle(vault);
        outcome_clear(&outcome);
    }
    atomic_store(&race_over, true);
    uv_barrier_wait(&start_line);
    for (unsigned i = 0; i < n; i++)
        uv_thread_join(&racers[i].thread);
    uv_barrier_destroy(&start_line);
    uv_barrier_destroy(&finish_line);
    assert_int_equal(race_counts[KP_OK] + race_counts[KP_CANCELED] + race_counts[KP_TIMEOUT],
                     N_RACES);
}

static void race_in_flight(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    (void)other;
    request.timeout_ms = TIMEOUT_MS;
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
}

static void in_flight_cancel_deadline_and_finish_race_to_one_completion(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    race_from(race_in_flight, true);
}

static void in_flight_deaf_plugin_races_to_one_completion(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    race_from(race_in_flight, true);
    script_finish_held(script, KP_OK);
}

/* The queued one is dispatched in the moment it is cancelled, and finishes at once. */
static void race_queued(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    request.timeout_ms = 10 * TIMEOUT_MS;
    outcome_submit(other, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    outcome_submit(outcome, vault, &request);
}

static void queued_cancel_and_dispatch_race_to_one_completion(void **state)
{
    (void)state;
    race_from(race_queued, false);
    assert_int_equal(race_counts[KP_TIMEOUT], 0);
}

static void race_waiting(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_get_key("k", "", KP_REQ_CACHED_OK);
    (void)other;
    client_move(&client, 300000); /* what the last round left in the cache is too old */
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
}

static void waiting_cancel_and_fetch_race_to_one_completion(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    race_from(race_waiting, false);
}

/* The pause ends in the moment of the cancel; the new attempt is finished by the third. */
static void race_backoff(struct outcome *outcome, struct outcome *other)
{
    struct kp_request request = client_wrap();
    (void)other;
    request.timeout_ms = 2 * TIMEOUT_MS;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = TIMEOUT_MS});
    uint32_t n = script_counts(script).n_done;
    outcome_submit(outcome, vault, &request);
    SCRIPT_WAIT(script, n_done, n + 1);
}

static void backoff_cancel_and_next_attempt_race_to_one_completion(void **state)
{
    (void)state;
    atomic_store(&vault->budget.tokens, UINT32_MAX); /* as many retries as there are rounds */
    race_from(race_backoff, true);
}

/* NEW: cancelled before, while or after the loop takes it in. */
static void cancel_at_once(void *arg)
{
    uint32_t *n_canceled = arg;
    for (unsigned i = 0; i < N_RACES; i++) {
        struct kp_request request = client_wrap();
        struct outcome outcome;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        kp_cancel(client.provider, outcome.id);
        kp_status st = outcome_wait(&outcome);
        assert_true(st == KP_OK || st == KP_CANCELED);
        *n_canceled += st == KP_CANCELED;
        outcome_clear(&outcome);
    }
}

static void new_cancel_and_admission_race_to_one_completion(void **state)
{
    uv_thread_t threads[3];
    uint32_t n_canceled[3] = {0};
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(uv_thread_create(&threads[i], cancel_at_once, &n_canceled[i]), 0);
    for (int i = 0; i < 3; i++)
        uv_thread_join(&threads[i]);
    expect_no_slot_used();
}

/* ---- Everything at once, on two loops, by the machine's clock ---- */

static kp_vault *storm_vaults[3];

static struct script_act storm_act(uint32_t dice)
{
    static const enum script_how hows[] = {SCRIPT_INSIDE,    SCRIPT_TIMER,   SCRIPT_WORK,
                                           SCRIPT_ON_WORKER, SCRIPT_FOREIGN, SCRIPT_HELD};
    struct script_act act = {.how = hows[dice % 6], .delay_ms = dice / 8 % 3};
    if (dice / 64 % 4 == 0) {
        act.status = KP_TRANSIENT;
        act.exposure = KP_MAYBE_SENT;
    }
    if (dice / 256 % 8 == 0)
        act.n_finishes = 2;
    return act;
}

static void storm(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (unsigned i = 0; i < N_STORM; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t dice = seed >> 12;
        struct kp_request request =
            dice % 5 == 0 ? client_get_key("k", "", KP_REQ_CACHED_OK) : client_wrap();
        struct outcome outcome;
        request.timeout_ms = 1 + dice % 7;
        request.flags |= dice % 2 ? KP_REQ_WAIT_FOR_ROOM : 0;
        outcome_init(&outcome);
        unsigned at = dice % 3;
        script_push(script_vault(at == 0 ? "s0" : at == 1 ? "s1" : "s2"), storm_act(dice / 3));
        if (kp_submit(storm_vaults[at], &request, outcome_done, &outcome, &outcome.id, NULL) !=
            KP_OK) {
            latch_clear(&outcome.latch);
            continue;
        }
        if (dice % 3 == 0)
            kp_cancel(client.provider, outcome.id);
        (void)outcome_wait(&outcome);
        outcome_clear(&outcome);
    }
}

static void storm_of_everything_completes_each_operation_once(void **state)
{
    uv_thread_t threads[4];
    (void)state;
    script_begin();
    client_begin_loops(&client,
                       CLIENT_CONFIG(", \"defaults\": {\"max_in_flight\": 3, \"retry\": {"
                                     "\"base_ms\": 1, \"cap_ms\": 2, \"budget_burst\": 100000}, "
                                     "\"breaker\": {\"failures\": 10000}}"),
                       2);
    storm_vaults[0] = client_vault(&client, "script:s0");
    storm_vaults[1] = client_vault(&client, "script:s1");
    storm_vaults[2] = client_vault(&client, "script:s2");
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], storm, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    for (unsigned i = 0; i < 3; i++) {
        vault = storm_vaults[i];
        expect_no_slot_used();
        kp_vault_release(storm_vaults[i]);
    }
    client_end(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_in_each_state_completes_once_with_canceled),
        cmocka_unit_test(deadline_in_each_state_completes_once_with_timeout),
        cmocka_unit_test(deadline_after_cancel_in_each_state_adds_nothing),
        TEST(cancel_from_its_own_completion_is_ignored),
        TEST(cancel_of_what_is_over_or_never_was_is_ignored),
        TEST(in_flight_cancel_deadline_and_finish_race_to_one_completion),
        TEST(in_flight_deaf_plugin_races_to_one_completion),
        TEST(queued_cancel_and_dispatch_race_to_one_completion),
        TEST(waiting_cancel_and_fetch_race_to_one_completion),
        TEST(backoff_cancel_and_next_attempt_race_to_one_completion),
        TEST(new_cancel_and_admission_race_to_one_completion),
        cmocka_unit_test(storm_of_everything_completes_each_operation_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
