/* Closing: everything ends and is told, or is named; and who may be closed to make room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"
#include "support/tsan_options.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

static int begin_with(const char *config)
{
    script_begin();
    client_begin(&client, config);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_with(CLIENT_CONFIG(", \"defaults\": {\"max_in_flight\": 2}"));
}

/* For tests that close by themselves and end quietly. */
static int end(void **state)
{
    (void)state;
    if (client.provider) {
        kp_vault_release(vault);
        client_end(&client);
    } else {
        script_end();
    }
    return 0;
}

/* For tests that leave something behind. */
static int end_abandoned(void **state)
{
    (void)state;
    script_begin();
    return 0;
}

static struct kp_close_report close_now(uint32_t time_ms)
{
    kp_vault_release(vault);
    return client_close(&client, time_ms);
}

static void expect_quiet(const struct kp_close_report *report)
{
    assert_int_equal(report->struct_size, sizeof *report);
    assert_string_equal(report->text, "");
    assert_int_equal(report->abandoned, 0);
}

/* ---- Quiet ---- */

static void unused_provider_closes_quietly(void **state)
{
    (void)state;
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
    assert_int_equal(report.canceled, 0);
}

static void used_provider_closes_its_vaults_and_is_quiet(void **state)
{
    struct kp_request request = client_wrap();
    kp_vault *other = client_vault(&client, "script:b");
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(client_do(other, &request), KP_OK);
    kp_vault_release(other);
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
    assert_int_equal(script_counts(script).n_close, 1);
    assert_int_equal(script_counts(script_vault("b")).n_close, 1);
}

static void close_without_anything_to_close_is_allowed(void **state)
{
    (void)state;
    struct kp_close_report report;
    kp_provider_close_wait(NULL, 10, &report);
    expect_quiet(&report);
    kp_provider_close_wait(NULL, 10, NULL);
    kp_vault_release(NULL);
}

static void asynchronous_close_calls_back_from_a_thread_of_its_own(void **state)
{
    struct kp_request request = client_wrap();
    struct latch closed;
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    latch_init(&closed);
    kp_vault_release(vault);
    kp_provider_close(client.provider, 10000, client_note_closed, &closed);
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    client.provider = NULL;
    latch_clear(&closed);
}

/* ---- Work in every state ---- */

static struct outcome pending[16];
static unsigned n_pending;

static struct outcome *submit_one(const struct kp_request *request)
{
    struct outcome *outcome = &pending[n_pending++];
    outcome_init(outcome);
    outcome_submit(outcome, vault, request);
    return outcome;
}

static void expect_all_canceled(void)
{
    for (unsigned i = 0; i < n_pending; i++) {
        assert_int_equal(outcome_wait(&pending[i]), KP_CANCELED);
        outcome_clear(&pending[i]);
    }
    n_pending = 0;
}

static void close_ends_work_in_every_state_once(void **state)
{
    struct kp_request wrap = client_wrap();
    struct kp_request get = client_get_key("k", "", KP_REQ_CACHED_OK);
    (void)state;
    script_push(script, (struct script_act){.status = KP_THROTTLED, .hint_ms = 10000});
    (void)submit_one(&wrap); /* BACKOFF */
    SCRIPT_WAIT(script, n_done, 1);
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    (void)submit_one(&get); /* WAITING, with its fetch in flight */
    SCRIPT_WAIT(script, n_held, 1);
    (void)submit_one(&wrap); /* IN_FLIGHT */
    SCRIPT_WAIT(script, n_held, 2);
    (void)submit_one(&wrap); /* QUEUED */
    (void)submit_one(&wrap); /* QUEUED or NEW */
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
    assert_int_equal(report.canceled, 5);
    expect_all_canceled();
    assert_int_equal(script_counts(script).n_alive, 0);
}

static void close_ends_those_who_wait_for_a_probe(void **state)
{
    struct kp_request wrap = client_wrap();
    (void)state;
    for (int i = 0; i < 5; i++) {
        script_push(script, (struct script_act){.status = KP_TIMEOUT});
        (void)client_do(vault, &wrap);
    }
    assert_string_equal(kpi_breaker_text(&vault->breaker), "open");
    wrap.flags = KP_REQ_WAIT_FOR_PROBE;
    (void)submit_one(&wrap);
    (void)submit_one(&wrap);
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
    expect_all_canceled();
}

static void close_while_opening_waits_for_the_plugin(void **state)
{
    struct kp_request wrap = client_wrap();
    struct latch closed;
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    (void)submit_one(&wrap);
    SCRIPT_WAIT(script, n_open, 1);
    latch_init(&closed);
    kp_vault_release(vault);
    kp_provider_close(client.provider, 60000, client_note_closed, &closed);
    expect_all_canceled();
    assert_int_equal(latch_count(&closed), 0);
    script_vault_opened(script, KP_OK);
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    assert_int_equal(script_counts(script).n_close, 1);
    latch_clear(&closed);
    client.provider = NULL;
}

static void close_while_a_failed_opening_is_undone_waits_for_it(void **state)
{
    struct kp_request wrap = client_wrap();
    struct latch closed;
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_FAILS;
    script_plan(script)->open_status = KP_AUTH;
    script_plan(script)->closing = SCRIPT_CLOSE_HELD;
    assert_int_equal(client_do(vault, &wrap), KP_AUTH);
    SCRIPT_WAIT(script, n_close, 1);
    latch_init(&closed);
    kp_vault_release(vault);
    kp_provider_close(client.provider, 60000, client_note_closed, &closed);
    assert_false(latch_wait_for(&closed, 1, 10000000));
    script_vault_closed(script);
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    assert_int_equal(script_counts(script).n_close, 1);
    latch_clear(&closed);
    client.provider = NULL;
}

static void late_callback(void *arg)
{
    (void)arg;
    script_broken("a vault that has closed was called back");
}

static kp_status leave_vault_timer(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    assert_int_equal(host->timer(host->self, 0, 3600000, late_callback, NULL, NULL), KP_OK);
    return script_finish(op, KP_OK);
}

static void timer_of_the_vault_ends_with_it_without_calling_back(void **state)
{
    struct kp_request wrap = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = leave_vault_timer});
    assert_int_equal(client_do(vault, &wrap), KP_OK);
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
}

/* ---- Calls during and after ---- */

struct seen_inside {
    struct latch told;
    kp_status call;
    kp_status submit;
    struct kp_close_report report;
};

static void call_from_inside(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct seen_inside *seen = ctx;
    struct kp_request request = client_wrap();
    struct kp_result inner;
    (void)id;
    (void)result;
    seen->call = kp_call(vault, &request, &inner);
    kp_result_clear(&inner);
    kp_provider_close_wait(client.provider, 10, &seen->report);
    latch_hit(&seen->told);
}

static void blocking_calls_inside_a_completion_are_refused(void **state)
{
    struct kp_request request = client_wrap();
    struct seen_inside seen;
    (void)state;
    latch_init(&seen.told);
    assert_int_equal(kp_submit(vault, &request, call_from_inside, &seen, NULL, NULL), KP_OK);
    latch_wait(&seen.told, 1);
    assert_int_equal(seen.call, KP_USAGE);
    assert_true(seen.report.abandoned > 0); /* it is not closed, and does not say it is */
    assert_true(seen.report.text[0] != '\0');
    assert_int_equal(client_do(vault, &request), KP_OK);
    latch_clear(&seen.told);
}

static void close_from_inside(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    (void)result;
    kp_vault_release(vault);
    kp_provider_close(client.provider, 10000, client_note_closed, ctx);
}

static void asynchronous_close_may_come_from_a_completion(void **state)
{
    struct kp_request request = client_wrap();
    struct latch closed;
    (void)state;
    latch_init(&closed);
    assert_int_equal(kp_submit(vault, &request, close_from_inside, &closed, NULL, NULL), KP_OK);
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    latch_clear(&closed);
    client.provider = NULL;
}

static void submit_from_inside(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct seen_inside *seen = ctx;
    struct kp_request request = client_wrap();
    (void)id;
    if (result->status == KP_CANCELED)
        seen->submit = kp_submit(vault, &request, submit_from_inside, seen, NULL, NULL);
    latch_hit(&seen->told);
}

static void completion_of_a_closing_provider_cannot_start_anew(void **state)
{
    struct kp_request request = client_wrap();
    struct seen_inside seen = {.submit = KP_OK};
    (void)state;
    latch_init(&seen.told);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    assert_int_equal(kp_submit(vault, &request, submit_from_inside, &seen, NULL, NULL), KP_OK);
    SCRIPT_WAIT(script, n_held, 1);
    struct kp_close_report report = close_now(10000);
    expect_quiet(&report);
    assert_int_equal(seen.submit, KP_USAGE);
    assert_int_equal(latch_count(&seen.told), 1);
    latch_clear(&seen.told);
}

static void everything_new_is_refused_while_it_closes(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    struct kp_error error;
    struct latch closed;
    kp_vault *more = NULL;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    (void)submit_one(&request);
    SCRIPT_WAIT(script, n_held, 1);
    latch_init(&closed);
    kp_provider_close(client.provider, 60000, client_note_closed, &closed);
    expect_all_canceled(); /* then it has begun, and waits for the deaf plugin */
    struct outcome never;
    outcome_init(&never);
    assert_int_equal(kp_submit(vault, &request, outcome_done, &never, NULL, &error), KP_USAGE);
    assert_non_null(strstr(error.text, "closed"));
    assert_int_equal(kp_call(vault, &request, &result), KP_USAGE);
    kp_result_clear(&result);
    assert_int_equal(kp_vault_acquire(client.provider, "script:c", NULL, &more, &error), KP_USAGE);
    assert_int_equal(kp_provider_reload(client.provider, &error), KP_USAGE);
    kp_cancel(client.provider, 1);
    kp_vault_release(vault);
    script_finish_held(script, KP_OK);
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    latch_clear(&never.latch);
    latch_clear(&closed);
    client.provider = NULL;
}

#define N_CALLERS 4

static _Atomic bool callers_stop;

static void keep_calling(void *arg)
{
    struct kp_request request = client_wrap();
    uint32_t *n_ok = arg;
    request.timeout_ms = 20000;
    for (kp_status st = KP_OK; st != KP_USAGE && !atomic_load(&callers_stop);) {
        struct kp_result result;
        st = kp_call(vault, &request, &result);
        assert_true(st == KP_OK || st == KP_CANCELED || st == KP_USAGE);
        *n_ok += st == KP_OK;
        kp_result_clear(&result);
        if (st == KP_CANCELED)
            return; /* what comes next might come after the end */
    }
}

/* The vault is theirs until they have left: whoever came in before the close is told, not lost. */
static void close_under_callers_tells_each_and_loses_none(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        uv_thread_t threads[N_CALLERS];
        uint32_t n_ok[N_CALLERS] = {0};
        script_usually(script,
                       (struct script_act){.how = round % 2 ? SCRIPT_FOREIGN : SCRIPT_INSIDE});
        atomic_store(&callers_stop, false);
        uint32_t before = script_counts(script).n_submit;
        for (int i = 0; i < N_CALLERS; i++)
            assert_int_equal(uv_thread_create(&threads[i], keep_calling, &n_ok[i]), 0);
        SCRIPT_WAIT(script, n_submit, before + 20);
        /* Callers must be inside or gone when the provider goes: stop them, but not at once. */
        struct latch closed;
        latch_init(&closed);
        script_usually(script, (struct script_act){.how = SCRIPT_HELD});
        SCRIPT_WAIT(script, n_held, 1);
        atomic_store(&callers_stop, true);
        kp_provider_close(client.provider, 60000, client_note_closed, &closed);
        for (int i = 0; i < N_CALLERS; i++)
            uv_thread_join(&threads[i]);
        latch_wait(&closed, 1);
        expect_quiet(client_last_report());
        latch_clear(&closed);
        client_begin(&client, CLIENT_CONFIG(", \"defaults\": {\"max_in_flight\": 2}"));
        vault = client_vault(&client, "script:a");
    }
}

/* ---- What is left behind is named ---- */

static void operation_that_never_ends_is_named(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    (void)submit_one(&request);
    SCRIPT_WAIT(script, n_held, 1);
    struct script_op *op = script_held(script);
    struct kp_close_report report = close_now(50);
    assert_int_equal(report.abandoned, 1);
    assert_int_equal(report.canceled, 1);
    assert_non_null(strstr(report.text, "wrap on script:a"));
    expect_all_canceled();          /* the client was told all the same */
    (void)script_finish(op, KP_OK); /* and what comes now harms nobody */
}

static void vault_that_never_closes_is_named(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_plan(script)->closing = SCRIPT_CLOSE_HELD;
    assert_int_equal(client_do(vault, &request), KP_OK);
    struct kp_close_report report = close_now(50);
    assert_int_equal(report.abandoned, 1);
    assert_non_null(strstr(report.text, "vault script:a while closing"));
    script_vault_closed(script);
}

static void vault_that_never_opens_is_named(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    (void)submit_one(&request);
    SCRIPT_WAIT(script, n_open, 1);
    struct kp_close_report report = close_now(50);
    expect_all_canceled();
    assert_int_equal(report.abandoned, 1);
    assert_non_null(strstr(report.text, "vault script:a while opening"));
    script_vault_opened(script, KP_OK);
}

static struct latch unblock;
static struct latch blocked;

static kp_status block_the_loop(struct script_op *op)
{
    latch_hit(&blocked);
    latch_wait(&unblock, 1);
    return script_finish(op, KP_OK);
}

static void plugin_that_blocks_its_loop_is_named(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    latch_init(&unblock);
    latch_init(&blocked);
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = block_the_loop});
    (void)submit_one(&request);
    latch_wait(&blocked, 1);
    kp_provider *provider = client.provider;
    struct kp_close_report report = close_now(50);
    assert_true(report.abandoned >= 1);
    assert_non_null(strstr(report.text, "loop thread 0 is blocked"));
    latch_hit(&unblock); /* the loop goes on, in memory that is still there */
    struct outcome *outcome = &pending[0];
    assert_true(outcome_wait(outcome) == KP_OK || outcome->result.status == KP_CANCELED);
    outcome_clear(outcome);
    n_pending = 0;
    client_wait_loops_ended(provider);
}

static void block_a_worker(void *arg)
{
    (void)arg;
    latch_hit(&blocked);
    latch_wait(&unblock, 1);
}

static void worker_done(void *arg)
{
    script_op_arrived(arg);
}

static kp_status hand_to_worker(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    script_op_expect(op);
    assert_int_equal(host->work(host->self, script_op_id(op), block_a_worker, worker_done, op),
                     KP_OK);
    return script_finish(op, KP_OK);
}

static void worker_that_is_busy_is_named(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    latch_init(&unblock);
    latch_init(&blocked);
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = hand_to_worker});
    assert_int_equal(client_do(vault, &request), KP_OK);
    latch_wait(&blocked, 1);
    kp_provider *provider = client.provider;
    struct kp_close_report report = close_now(50);
    assert_int_equal(report.abandoned, 2); /* the operation, and the worker it waits for */
    assert_non_null(strstr(report.text, "wrap on script:a"));
    assert_non_null(strstr(report.text, "1 workers are busy"));
    latch_hit(&unblock);
    client_wait_workers_ended(provider);
}

/* ---- Which vaults there are ---- */

static void same_text_and_credential_is_one_vault(void **state)
{
    kp_vault *again = client_vault(&client, "script:a");
    kp_vault *other = client_vault(&client, "script:b");
    (void)state;
    assert_ptr_equal(again, vault);
    assert_ptr_not_equal(other, vault);
    kp_vault_release(again);
    kp_vault_release(other);
    again = client_vault(&client, "script:a");
    assert_ptr_equal(again, vault);
    kp_vault_release(again);
}

static kp_vault *acquire_as(const char *identity, const char *secret, uint32_t flags)
{
    const struct kp_vault_options options = {
        .struct_size = sizeof options,
        .flags = flags,
        .identity = {(const uint8_t *)identity, strlen(identity)},
        .secret = {(const uint8_t *)secret, strlen(secret)}};
    kp_vault *got = NULL;
    assert_int_equal(kp_vault_acquire(client.provider, "script:a", &options, &got, NULL), KP_OK);
    return got;
}

static void another_credential_is_another_vault(void **state)
{
    static const char *const credentials[][2] = {{"me", "secret"}, {"me", "Secret"},
                                                 {"me", ""},       {"m", "esecret"},
                                                 {"", "mesecret"}, {"you", "secret"}};
    enum { N = sizeof credentials / sizeof credentials[0] };
    kp_vault *vaults[N];
    (void)state;
    for (int i = 0; i < N; i++) {
        vaults[i] = acquire_as(credentials[i][0], credentials[i][1], 0);
        assert_ptr_not_equal(vaults[i], vault);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(vaults[i], vaults[k]);
    }
    kp_vault *again = acquire_as("me", "secret", 0);
    assert_ptr_equal(again, vaults[0]);
    kp_vault_release(again);
    kp_vault *creating = acquire_as("me", "secret", KP_VAULT_MAY_CREATE);
    assert_ptr_not_equal(creating, vaults[0]);
    kp_vault_release(creating);
    for (int i = 0; i < N; i++)
        kp_vault_release(vaults[i]);
}

static int begin_two(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, "{\"provider\": {\"max_operations\": 64, \"max_vaults\": 2}}");
    vault = NULL;
    return 0;
}

static int end_two(void **state)
{
    (void)state;
    client_end(&client);
    return 0;
}

static void use(const char *text)
{
    struct kp_request request = client_wrap();
    kp_vault *used = client_vault(&client, text);
    assert_int_equal(client_do(used, &request), KP_OK);
    client_wait_idle(used);
    kp_vault_release(used);
}

static uint32_t n_closed(const char *location)
{
    return script_counts(script_vault(location)).n_close;
}

static void vault_used_longest_ago_makes_room(void **state)
{
    (void)state;
    use("script:a");
    use("script:b");
    use("script:a");
    use("script:c");
    SCRIPT_WAIT(script_vault("b"), n_close, 1);
    assert_int_equal(n_closed("a"), 0);
    use("script:b"); /* and comes back when it is wanted */
    assert_int_equal(script_counts(script_vault("b")).n_open, 2);
    SCRIPT_WAIT(script_vault("a"), n_close, 1);
}

static void vaults_that_are_held_are_not_closed_for_others(void **state)
{
    struct kp_error error;
    kp_vault *a = client_vault(&client, "script:a");
    kp_vault *b = client_vault(&client, "script:b");
    kp_vault *c = NULL;
    (void)state;
    assert_int_equal(kp_vault_acquire(client.provider, "script:c", NULL, &c, &error), KP_THROTTLED);
    assert_null(c);
    assert_non_null(strstr(error.text, "max_vaults"));
    kp_vault_release(b);
    c = client_vault(&client, "script:c");
    kp_vault_release(a);
    kp_vault_release(c);
}

static void released_vault_with_work_under_way_is_not_closed_for_others(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_error error;
    struct outcome outcome;
    kp_vault *a = client_vault(&client, "script:a");
    kp_vault *b = client_vault(&client, "script:b");
    kp_vault *c = NULL;
    (void)state;
    script_push(script_vault("a"), (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, a, &request);
    SCRIPT_WAIT(script_vault("a"), n_held, 1);
    kp_vault_release(a);
    assert_int_equal(kp_vault_acquire(client.provider, "script:c", NULL, &c, &error), KP_THROTTLED);
    script_finish_held(script_vault("a"), KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    kp_vault_release(b);
}

static void close_waits_for_a_vault_that_makes_room(void **state)
{
    struct latch closed;
    (void)state;
    script_plan(script_vault("a"))->closing = SCRIPT_CLOSE_HELD;
    use("script:a");
    use("script:b");
    use("script:c");
    SCRIPT_WAIT(script_vault("a"), n_close, 1);
    latch_init(&closed);
    kp_provider_close(client.provider, 60000, client_note_closed, &closed);
    SCRIPT_WAIT(script_vault("c"), n_close, 1);
    assert_int_equal(latch_count(&closed), 0);
    script_vault_closed(script_vault("a"));
    latch_wait(&closed, 1);
    expect_quiet(client_last_report());
    latch_clear(&closed);
    client_begin(&client, NULL);
}

/* Vaults come and go under load, each with its plugin's open and close in step. */
static void churn(void *arg)
{
    static const char *const texts[] = {"script:a", "script:b", "script:c", "script:d", "script:e"};
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < 300; i++) {
        kp_vault *got = NULL;
        seed = seed * 1664525u + 1013904223u;
        if (kp_vault_acquire(client.provider, texts[(seed >> 16) % 5], NULL, &got, NULL) != KP_OK)
            continue;
        struct kp_request request = client_wrap();
        kp_status st = client_do(got, &request);
        assert_int_equal(st, KP_OK);
        kp_vault_release(got);
    }
}

static void vaults_come_and_go_under_load(void **state)
{
    uv_thread_t threads[3];
    (void)state;
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(uv_thread_create(&threads[i], churn, (void *)(i + 1)), 0);
    for (int i = 0; i < 3; i++)
        uv_thread_join(&threads[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_LEFT(name) cmocka_unit_test_setup_teardown(name, begin, end_abandoned)
#define TEST_TWO(name) cmocka_unit_test_setup_teardown(name, begin_two, end_two)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unused_provider_closes_quietly),
        TEST(used_provider_closes_its_vaults_and_is_quiet),
        TEST(close_without_anything_to_close_is_allowed),
        TEST(asynchronous_close_calls_back_from_a_thread_of_its_own),
        TEST(close_ends_work_in_every_state_once),
        TEST(close_ends_those_who_wait_for_a_probe),
        TEST(close_while_opening_waits_for_the_plugin),
        TEST(close_while_a_failed_opening_is_undone_waits_for_it),
        TEST(timer_of_the_vault_ends_with_it_without_calling_back),
        TEST(blocking_calls_inside_a_completion_are_refused),
        TEST(asynchronous_close_may_come_from_a_completion),
        TEST(completion_of_a_closing_provider_cannot_start_anew),
        TEST(everything_new_is_refused_while_it_closes),
        TEST(close_under_callers_tells_each_and_loses_none),
        TEST_LEFT(operation_that_never_ends_is_named),
        TEST_LEFT(vault_that_never_closes_is_named),
        TEST_LEFT(vault_that_never_opens_is_named),
        TEST_LEFT(plugin_that_blocks_its_loop_is_named),
        TEST_LEFT(worker_that_is_busy_is_named),
        TEST(same_text_and_credential_is_one_vault),
        TEST(another_credential_is_another_vault),
        TEST_TWO(vault_used_longest_ago_makes_room),
        TEST_TWO(vaults_that_are_held_are_not_closed_for_others),
        TEST_TWO(released_vault_with_work_under_way_is_not_closed_for_others),
        TEST_TWO(close_waits_for_a_vault_that_makes_room),
        TEST_TWO(vaults_come_and_go_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
