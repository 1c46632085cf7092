/* Full queues and tables: refused at once, or waited for; and what fills up empties again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/vault.h"
#include "support/client.h"

#define N_FLIGHT 2
#define N_QUEUED 3
#define N_PLACES (N_FLIGHT + N_QUEUED)

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static struct outcome pending[64];

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, "{\"provider\": {\"max_operations\": 16}, \"defaults\": "
                          "{\"max_in_flight\": 2, \"max_queued\": 3}}");
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_wait_idle(vault);
    client_wait_slots_free(&client);
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static void submit_n(unsigned from, unsigned n, uint32_t flags)
{
    for (unsigned i = from; i < from + n; i++) {
        struct kp_request request = client_wrap();
        request.flags = flags;
        outcome_init(&pending[i]);
        outcome_submit(&pending[i], vault, &request);
    }
}

static void expect_n(unsigned from, unsigned n, kp_status status)
{
    for (unsigned i = from; i < from + n; i++) {
        assert_int_equal(outcome_wait(&pending[i]), status);
        outcome_clear(&pending[i]);
    }
}

static kp_status try_one(kp_vault *of, uint32_t flags, struct kp_error *error)
{
    struct kp_request request = client_wrap();
    struct outcome never;
    request.flags = flags;
    outcome_init(&never);
    kp_error_init(error);
    kp_status st = kp_submit(of, &request, outcome_done, &never, &never.id, error);
    latch_clear(&never.latch);
    return st;
}

static void finish_n(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        SCRIPT_WAIT(script, n_held, 1);
        assert_int_equal(script_finish(script_held(script), KP_OK), KP_OK);
    }
}

static void no_more_than_max_in_flight_reach_the_plugin(void **state)
{
    (void)state;
    submit_n(0, N_PLACES, 0);
    SCRIPT_WAIT(script, n_held, N_FLIGHT);
    client_move(&client, 1);
    assert_int_equal(script_counts(script).n_submit, N_FLIGHT);
    finish_n(1);
    SCRIPT_WAIT(script, n_submit, N_FLIGHT + 1);
    assert_int_equal(script_counts(script).n_alive, N_FLIGHT);
    finish_n(N_PLACES - 1);
    expect_n(0, N_PLACES, KP_OK);
}

static void full_queue_refuses_at_once_and_says_whose(void **state)
{
    struct kp_error error;
    (void)state;
    submit_n(0, N_PLACES, 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(try_one(vault, 0, &error), KP_THROTTLED);
        assert_int_equal(error.status, KP_THROTTLED);
        assert_int_equal(error.exposure, KP_NOT_SENT);
        assert_non_null(strstr(error.text, "script:a"));
        assert_non_null(strstr(error.text, "max_queued 3"));
    }
    finish_n(N_PLACES);
    expect_n(0, N_PLACES, KP_OK);
}

static void blocking_call_is_refused_at_once_too(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    (void)state;
    submit_n(0, N_PLACES, 0);
    assert_int_equal(kp_call(vault, &request, &result), KP_THROTTLED);
    assert_int_equal(result.status, KP_THROTTLED);
    kp_result_clear(&result);
    finish_n(N_PLACES);
    expect_n(0, N_PLACES, KP_OK);
}

static void queue_recovers_with_the_first_place_that_is_free(void **state)
{
    struct kp_error error;
    (void)state;
    for (int round = 0; round < 20; round++) {
        submit_n(0, N_PLACES, 0);
        assert_int_equal(try_one(vault, 0, &error), KP_THROTTLED);
        SCRIPT_WAIT(script, n_held, 1);
        struct script_op *op = script_held(script);
        assert_int_equal(script_finish(op, KP_OK), KP_OK);
        expect_n(0, 1, KP_OK);
        submit_n(N_PLACES, 1, 0); /* one out, one in */
        assert_int_equal(try_one(vault, 0, &error), KP_THROTTLED);
        finish_n(N_PLACES);
        expect_n(1, N_PLACES, KP_OK);
        client_wait_idle(vault);
    }
}

static void canceled_operation_gives_its_place_back(void **state)
{
    struct kp_error error;
    (void)state;
    submit_n(0, N_PLACES, 0);
    assert_int_equal(try_one(vault, 0, &error), KP_THROTTLED);
    kp_cancel(client.provider, pending[N_PLACES - 1].id);
    expect_n(N_PLACES - 1, 1, KP_CANCELED);
    submit_n(N_PLACES - 1, 1, 0);
    finish_n(N_PLACES);
    expect_n(0, N_PLACES, KP_OK);
}

static void who_waits_for_room_gets_it(void **state)
{
    (void)state;
    submit_n(0, N_PLACES, 0);
    submit_n(N_PLACES, 4, KP_REQ_WAIT_FOR_ROOM);
    finish_n(N_PLACES + 4);
    expect_n(0, N_PLACES + 4, KP_OK);
}

static void who_waits_for_room_waits_until_the_deadline_and_no_longer(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    submit_n(0, N_PLACES, 0);
    request.flags = KP_REQ_WAIT_FOR_ROOM;
    request.timeout_ms = 500;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    client_move(&client, 499);
    assert_false(latch_wait_for(&outcome.latch, 1, 10000000));
    client_move(&client, 1);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    assert_int_equal(outcome.result.error.exposure, KP_NOT_SENT);
    outcome_clear(&outcome);
    finish_n(N_PLACES);
    expect_n(0, N_PLACES, KP_OK);
}

static void full_table_refuses_even_those_who_wait(void **state)
{
    struct kp_error error;
    (void)state;
    submit_n(0, 16, KP_REQ_WAIT_FOR_ROOM);
    assert_int_equal(try_one(vault, KP_REQ_WAIT_FOR_ROOM, &error), KP_THROTTLED);
    assert_non_null(strstr(error.text, "16"));
    kp_vault *other = client_vault(&client, "script:b");
    assert_int_equal(try_one(other, 0, &error), KP_THROTTLED); /* the table is the loop's */
    finish_n(16);
    expect_n(0, 16, KP_OK);
    client_wait_idle(vault);
    struct kp_request request = client_wrap();
    assert_int_equal(client_do(other, &request), KP_OK);
    kp_vault_release(other);
}

static void table_is_usable_over_and_over(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        submit_n(0, 16, KP_REQ_WAIT_FOR_ROOM);
        finish_n(16);
        expect_n(0, 16, KP_OK);
        client_wait_idle(vault);
    }
}

static void queue_is_first_in_first_out(void **state)
{
    (void)state;
    char values[N_PLACES][2];
    for (unsigned i = 0; i < N_PLACES; i++) {
        struct kp_request request = client_wrap();
        values[i][0] = (char)('a' + i);
        request.value = (kp_span){(const uint8_t *)values[i], 1};
        outcome_init(&pending[i]);
        outcome_submit(&pending[i], vault, &request);
    }
    for (unsigned i = 0; i < N_PLACES; i++) {
        SCRIPT_WAIT(script, n_held, 1);
        struct script_op *op = script_held(script);
        assert_int_equal(script_op_request(op)->value.ptr[0], 'a' + i);
        assert_int_equal(script_finish(op, KP_OK), KP_OK);
        assert_int_equal(outcome_wait(&pending[i]), KP_OK);
        outcome_clear(&pending[i]);
    }
}

/* A plugin that never finishes what was cancelled: its places in flight are gone, the queue is not
 * filled by the dead. */
static void attempts_nobody_waits_for_keep_their_place_in_flight_only(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    submit_n(0, N_FLIGHT, 0);
    SCRIPT_WAIT(script, n_held, N_FLIGHT);
    for (int i = 0; i < N_FLIGHT; i++)
        kp_cancel(client.provider, pending[i].id);
    expect_n(0, N_FLIGHT, KP_CANCELED);
    assert_int_equal(atomic_load(&vault->n_pending), 0);
    submit_n(0, N_PLACES, 0);
    client_move(&client, 1);
    assert_int_equal(script_counts(script).n_submit, N_FLIGHT);
    script_usually(script, (struct script_act){.how = SCRIPT_INSIDE});
    script_finish_held(script, KP_OK);
    expect_n(0, N_PLACES, KP_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_more_than_max_in_flight_reach_the_plugin),
        TEST(full_queue_refuses_at_once_and_says_whose),
        TEST(blocking_call_is_refused_at_once_too),
        TEST(queue_recovers_with_the_first_place_that_is_free),
        TEST(canceled_operation_gives_its_place_back),
        TEST(who_waits_for_room_gets_it),
        TEST(who_waits_for_room_waits_until_the_deadline_and_no_longer),
        TEST(full_table_refuses_even_those_who_wait),
        TEST(table_is_usable_over_and_over),
        TEST(queue_is_first_in_first_out),
        TEST(attempts_nobody_waits_for_keep_their_place_in_flight_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
