/* The eight sentences of <keyprovider/plugin.h>, each shown by tests that are named for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/shard.h"
#include "core/vault.h"
#include "support/client.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

/* The same again with a table the test has changed. */
static void begin_again(void)
{
    kp_provider_close_wait(client.provider, 10000, NULL);
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
}

static const enum script_how HOWS[] = {SCRIPT_INSIDE, SCRIPT_TIMER, SCRIPT_WORK, SCRIPT_ON_WORKER,
                                       SCRIPT_FOREIGN};
#define N_HOWS (sizeof HOWS / sizeof HOWS[0])

static kp_span span_of(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

/* ---- 1. submit returning KP_OK means exactly one finish; any other return means none ---- */

static void sentence_1_accepted_and_finished_completes_once(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (size_t i = 0; i < N_HOWS; i++) {
        script_push(script, (struct script_act){.how = HOWS[i]});
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_submit, N_HOWS);
    assert_int_equal(script_counts(script).n_done, N_HOWS);
}

static void sentence_1_refused_completes_with_the_reason_and_without_done(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script,
                (struct script_act){.how = SCRIPT_REFUSED, .status = KP_FORBIDDEN, .code = 3005});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_FORBIDDEN);
    assert_int_equal(outcome.result.error.code, 3005);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 0);
}

static void sentence_1_refused_without_a_word_still_has_a_sentence(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script,
                (struct script_act){.how = SCRIPT_REFUSED, .status = KP_AUTH, .bare = true});
    assert_int_equal(client_do(vault, &request), KP_AUTH); /* outcome_wait looks at the sentence */
    script_push(script, (struct script_act){.status = KP_VAULT, .bare = true});
    assert_int_equal(client_do(vault, &request), KP_VAULT);
}

static void sentence_1_a_status_that_is_none_becomes_internal(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_REFUSED, .status = (kp_status)99});
    assert_int_equal(client_do(vault, &request), KP_INTERNAL);
    script_push(script, (struct script_act){.status = (kp_status)99});
    assert_int_equal(client_do(vault, &request), KP_INTERNAL);
}

static kp_status finish_and_refuse(void *instance, kp_op_id id, const struct kp_request *request,
                                   void **ret_state, struct kp_error *reterr)
{
    const struct kp_reply reply = {.struct_size = sizeof reply, .version = request->version};
    const struct kp_host *host = script_host(instance);
    (void)ret_state;
    (void)reterr;
    (void)host->finish(host->self, id, KP_OK, &reply, NULL);
    return KP_FORBIDDEN;
}

static void sentence_1_finished_and_refused_completes_once_and_is_counted(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_table()->submit = finish_and_refuse;
    begin_again();
    assert_int_equal(client_do(vault, &request), KP_OK); /* what it finished with stands */
    client_wait_idle(vault);
    assert_int_equal(client_refused(&client), 1);
}

/* ---- 2. finish from any thread, even inside submit: copies and queues; refused when wrong ---- */

static _Atomic bool inside_submit;

static kp_status finish_inside_slowly(struct script_op *op)
{
    struct latch *told = script_op_ctx(op);
    atomic_store(&inside_submit, true);
    kp_status st = script_finish(op, KP_OK);
    assert_int_equal(latch_count(told), 0); /* queued: this very thread would tell the client */
    atomic_store(&inside_submit, false);
    return st;
}

static void note_completion(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    (void)result;
    assert_false(atomic_load(&inside_submit));
    latch_hit(ctx);
}

static void sentence_2_client_hears_of_a_finish_inside_submit_only_afterwards(void **state)
{
    struct kp_request request = client_wrap();
    struct latch told;
    (void)state;
    latch_init(&told);
    script_push(script, (struct script_act){
                            .how = SCRIPT_CALL, .call = finish_inside_slowly, .ctx = &told});
    assert_int_equal(kp_submit(vault, &request, note_completion, &told, NULL, NULL), KP_OK);
    latch_wait(&told, 1);
    latch_clear(&told);
}

static void submit_again(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct outcome *outcome = ctx;
    struct kp_request request = client_wrap();
    (void)id;
    (void)result;
    outcome_submit(outcome, vault, &request);
    assert_false(outcome_is_there(outcome)); /* never from inside the submitting call */
}

static void sentence_2_client_never_hears_from_inside_its_own_call(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome second;
    (void)state;
    outcome_init(&second);
    assert_int_equal(kp_submit(vault, &request, submit_again, &second, NULL, NULL), KP_OK);
    assert_int_equal(outcome_wait(&second), KP_OK);
    outcome_clear(&second);
}

static kp_status finish_and_scribble(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    uint8_t value[2000];
    char version[] = "1";
    struct kp_reply reply = {.struct_size = sizeof reply, .version = span_of(version)};
    memset(value, 'v', sizeof value);
    reply.value = (kp_span){value, script_op_ctx(op) ? sizeof value : 10};
    script_op_mark_finished(op);
    kp_status st = host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
    memset(value, 'x', sizeof value);
    memset(version, 'x', sizeof version);
    memset(&reply, 'x', sizeof reply);
    return st;
}

static void expect_copied(size_t len, void *ctx)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    script_push(script,
                (struct script_act){.how = SCRIPT_CALL, .call = finish_and_scribble, .ctx = ctx});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    const struct kp_reply *reply = &outcome.result.reply;
    assert_int_equal(reply->value.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(reply->value.ptr[i], 'v');
    assert_memory_equal(reply->version.ptr, "1", 1);
    outcome_clear(&outcome);
}

static void sentence_2_finish_copies_small_and_large_replies(void **state)
{
    (void)state;
    expect_copied(10, NULL);
    expect_copied(2000, &client); /* beyond the reserved area */
}

static void sentence_2_second_finish_is_refused_and_counted(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (size_t i = 0; i < N_HOWS; i++) {
        script_push(script, (struct script_act){.how = HOWS[i], .n_finishes = 3});
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
    client_wait_refused(&client, 2 * N_HOWS);
    assert_int_equal(client_refused(&client), 2 * N_HOWS);
}

static void sentence_2_late_finish_of_an_operation_long_over_is_refused(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    client_wait_idle(vault);
    kp_op_id old = script_op_id(script_op_at(script, 0));
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    struct outcome outcome;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request); /* may well live in the same slot */
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(script_finish_id(script, old), KP_USAGE);
    assert_false(outcome_is_there(&outcome));
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    assert_int_equal(client_refused(&client), 1);
}

static void sentence_2_guessed_ids_are_refused(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    uint64_t n = 0;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_op_id id = script_op_id(script_held(script));
    const kp_op_id guesses[] = {0, UINT64_MAX, outcome.id, 1};
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++, n++)
        assert_int_equal(script_finish_id(script, guesses[i]), KP_USAGE);
    for (unsigned bit = 0; bit < 64; bit++, n++)
        assert_int_equal(script_finish_id(script, id ^ UINT64_C(1) << bit), KP_USAGE);
    assert_false(outcome_is_there(&outcome));
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    assert_int_equal(client_refused(&client), n);
}

static void sentence_2_id_of_another_vault_is_refused(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    kp_vault *other = client_vault(&client, "script:b");
    (void)state;
    assert_int_equal(client_do(other, &request), KP_OK);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(script_finish_id(script_vault("b"), script_op_id(script_held(script))),
                     KP_USAGE);
    assert_false(outcome_is_there(&outcome));
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    kp_vault_release(other);
    assert_int_equal(client_refused(&client), 1);
}

static void sentence_2_every_call_after_the_provider_is_gone_is_harmless(void **state)
{
    struct kp_request request = client_wrap();
    uint8_t bytes[4];
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    const struct kp_host *host = script_host(script);
    kp_op_id id = script_op_id(script_op_at(script, 0));
    kp_vault_release(vault);
    assert_int_equal(client_close(&client, 10000).abandoned, 0);
    const struct kp_reply reply = {.struct_size = sizeof reply};
    assert_int_equal(host->finish(host->self, id, KP_OK, &reply, NULL), KP_USAGE);
    host->opened(host->self, KP_OK, NULL);
    host->closed(host->self);
    assert_int_equal(host->timer(host->self, id, 0, NULL, NULL, NULL), KP_USAGE);
    assert_int_equal(host->work(host->self, 0, NULL, NULL, NULL), KP_USAGE);
    assert_int_equal(host->read_file(host->self, 0, span_of("/x"), 1, 0, NULL, NULL), KP_USAGE);
    assert_int_equal(host->time_left_ms(host->self, id), 0);
    assert_int_equal(host->random(host->self, bytes, sizeof bytes), KP_OK);
    assert_true(host->clock_ns(host->self) > 0);
    assert_true(host->unix_s(host->self) > 0);
    host->timer_hasten(host->self, 1);
    host->log(host->self, KP_LOG_ERROR, "late", span_of("nobody is there"));
    assert_true(client_refused(&client) >= 3);
    client_begin(&client, NULL);
    vault = client_vault(&client, "script:a");
}

/* Doors are used again, slots too: an id must not come back with the next provider. */
static void sentence_2_late_finish_does_not_reach_the_next_provider(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(client_do(vault, &request), KP_OK);
        kp_op_id old = script_op_id(script_op_at(script, 2 * (uint32_t)i));
        begin_again();
        script_push(script, (struct script_act){.how = SCRIPT_HELD});
        struct outcome outcome;
        outcome_init(&outcome);
        outcome_submit(&outcome, vault, &request);
        SCRIPT_WAIT(script, n_held, 1);
        assert_int_equal(script_finish_id(script, old), KP_USAGE);
        script_finish_held(script, KP_OK);
        assert_int_equal(outcome_wait(&outcome), KP_OK);
        outcome_clear(&outcome);
        client_wait_idle(vault);
        begin_again();
    }
}

static void sentence_2_finish_without_reply_is_the_plugins_mistake(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    struct script_op *op = script_held(script);
    const struct kp_host *host = script_host(script);
    script_op_mark_finished(op);
    assert_int_equal(host->finish(host->self, script_op_id(op), KP_OK, NULL, NULL), KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_INTERNAL);
    outcome_clear(&outcome);
}

/* ---- 3. every slot but run is called on the loop thread ---- */

/* The scripted plugin compares threads in every slot and callback; here each of them is reached. */
static void sentence_3_every_slot_runs_on_the_loop_thread(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    for (size_t i = 0; i < N_HOWS; i++)
        script_push(script, (struct script_act){.how = HOWS[i]});
    for (size_t i = 0; i < N_HOWS; i++)
        assert_int_equal(client_do(vault, &request), KP_OK);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    struct script_counts counts = script_counts(script);
    assert_int_equal(counts.n_open, 1);
    assert_int_equal(counts.n_cancel, 1);
    assert_int_equal(counts.n_done, N_HOWS + 1);
}

static void never_called(void *arg)
{
    (void)arg;
    script_broken("a callback came for a call that was refused");
}

static void never_called_with_file(void *arg, kp_status status, kp_span bytes,
                                   const struct kp_error *error)
{
    (void)status;
    (void)bytes;
    (void)error;
    never_called(arg);
}

static void never_called_with_http(void *arg, kp_status status, const struct kp_http_reply *reply,
                                   const struct kp_error *error)
{
    (void)status;
    (void)reply;
    (void)error;
    never_called(arg);
}

static void sentence_3_loop_only_services_refuse_other_threads(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    const struct kp_host *host = script_host(script);
    assert_int_equal(host->timer(host->self, 0, 0, never_called, NULL, NULL), KP_USAGE);
    assert_int_equal(host->work(host->self, 0, never_called, never_called, NULL), KP_USAGE);
    assert_int_equal(
        host->read_file(host->self, 0, span_of("/"), 1, 0, never_called_with_file, NULL), KP_USAGE);
}

/* ---- 4. cancel only hastens the finish ---- */

static void sentence_4_cancel_hastens_and_the_finish_still_ends_it(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    assert_int_equal(outcome.result.error.exposure, KP_MAYBE_SENT);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 1);
}

static void sentence_4_client_is_told_at_once_even_by_a_deaf_plugin(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_cancel(client.provider, outcome.id);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    SCRIPT_WAIT(script, n_cancel, 1);
    assert_int_equal(script_counts(script).n_alive, 1); /* the plugin still owes its finish */
    assert_int_equal(atomic_load(&vault->n_in_flight), 1);
    script_finish_held(script, KP_OK);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 1);
    assert_int_equal(script_counts(script).n_cancel, 1);
}

static void sentence_4_cancel_is_not_called_once_finished(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    kp_cancel(client.provider, outcome.id);
    client_wait_idle(vault);
    outcome_clear(&outcome);
    assert_int_equal(script_counts(script).n_cancel, 0);
}

static void sentence_4_plugin_without_the_capability_is_only_waited_for(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_caps()->flags = 0;
    begin_again();
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    script_finish_held(script, KP_OK);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_cancel, 0);
}

/* ---- 5. done exactly once, after the finish and after the last callback ---- */

static void late_callback(void *arg)
{
    script_op_arrived(arg);
}

static kp_status finish_with_a_timer_left(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    kp_timer_id id;
    script_op_expect(op);
    assert_int_equal(host->timer(host->self, script_op_id(op), 5000, late_callback, op, &id),
                     KP_OK);
    assert_true(id != 0);
    return script_finish(op, KP_OK);
}

static void sentence_5_done_waits_for_the_last_callback(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = finish_with_a_timer_left});
    assert_int_equal(client_do(vault, &request), KP_OK); /* the client does not wait for that */
    client_move(&client, 4999);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_false(script_op_is_done(script_op_at(script, 0)));
    client_move(&client, 1);
    SCRIPT_WAIT(script, n_done, 2);
    client_wait_idle(vault);
}

static void sentence_5_callbacks_of_a_canceled_operation_still_come(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_TIMER, .delay_ms = 5000});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_submit, 1);
    kp_cancel(client.provider, outcome.id);
    assert_int_equal(outcome_wait(&outcome), KP_CANCELED);
    outcome_clear(&outcome);
    assert_int_equal(script_counts(script).n_done, 0);
    client_move(&client, 5000);
    SCRIPT_WAIT(script, n_done, 1);
}

static kp_status start_and_hasten(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    kp_timer_id id;
    script_op_expect(op);
    assert_int_equal(host->timer(host->self, script_op_id(op), 3600000, late_callback, op, &id),
                     KP_OK);
    host->timer_hasten(host->self, id + 1); /* nobody's */
    host->timer_hasten(host->self, id);
    return script_finish(op, KP_OK);
}

static void sentence_5_hastened_timer_calls_back_once_and_soon(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = start_and_hasten});
    assert_int_equal(client_do(vault, &request), KP_OK);
    SCRIPT_WAIT(script, n_done, 1);
    client_move(&client, 3600000);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

/* A failed attempt that still waits for a callback is not tried again before it is wound down. */
static kp_status fail_with_a_timer_left(struct script_op *op)
{
    const struct script_act failure = {.status = KP_TRANSIENT};
    const struct kp_host *host = script_host(script_op_vault(op));
    kp_timer_id id;
    script_op_expect(op);
    assert_int_equal(host->timer(host->self, script_op_id(op), 20000, late_callback, op, &id),
                     KP_OK);
    return script_finish_with(op, &failure);
}

static void sentence_5_next_attempt_begins_after_done_of_the_last(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = fail_with_a_timer_left});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_submit, 1);
    struct kp_request other = client_wrap();
    assert_int_equal(client_do(vault, &other), KP_OK); /* by then its pause has begun */
    client_move(&client, 15000);                       /* ... and now it is over */
    assert_int_equal(client_do(vault, &other), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 3);
    client_move(&client, 5000);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 4);
}

static _Atomic kp_status asked_in_done;

static void ask_in_done(void *instance, kp_op_id id, void *state)
{
    const struct kp_host *host = script_host(instance);
    asked_in_done = host->timer(host->self, id, 0, never_called, state, NULL);
    script_pass_done(instance, id, state);
}

static void sentence_5_after_done_nothing_can_be_asked_in_its_name(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_table()->done = ask_in_done;
    begin_again();
    asked_in_done = KP_OK;
    assert_int_equal(client_do(vault, &request), KP_OK);
    client_wait_idle(vault);
    assert_int_equal(asked_in_done, KP_USAGE);
    assert_int_equal(client_do(vault, &request), KP_OK);
}

static kp_status ask_in_vain(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    kp_op_id id = script_op_id(op);
    assert_int_equal(host->timer(host->self, id ^ 256, 0, never_called, op, NULL), KP_USAGE);
    assert_int_equal(host->timer(host->self, id, 0, NULL, op, NULL), KP_USAGE);
    assert_int_equal(host->work(host->self, id, NULL, never_called, op), KP_USAGE);
    assert_int_equal(host->work(host->self, id, never_called, NULL, op), KP_USAGE);
    assert_int_equal(host->read_file(host->self, id, span_of("/"), 1, 0, NULL, op), KP_USAGE);
    kp_http_id http;
    const struct kp_http_request http_request = {.struct_size = sizeof http_request};
    assert_int_equal(
        host->http(host->self, id ^ 256, &http_request, never_called_with_http, op, &http),
        KP_USAGE);
    assert_int_equal(host->http(host->self, id, &http_request, NULL, op, &http), KP_USAGE);
    assert_int_equal(host->http(host->self, id, NULL, never_called_with_http, op, &http), KP_USAGE);
    host->http_cancel(host->self, 1);
    return script_finish(op, KP_OK);
}

static void sentence_5_host_calls_that_fail_call_nothing_back(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = ask_in_vain});
    assert_int_equal(client_do(vault, &request), KP_OK);
    client_wait_idle(vault);
    assert_int_equal(script_counts(script).n_done, 1);
}

/* ---- 6. spans are borrowed for the call; the request stays readable until done ---- */

static void sentence_6_clients_memory_is_its_own_again_after_submit(void **state)
{
    char name[] = "mykey";
    char version[] = "7";
    char value[] = "payload";
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    request.name = span_of(name);
    request.version = span_of(version);
    request.value = span_of(value);
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    memset(name, 'x', sizeof name);
    memset(version, 'x', sizeof version);
    memset(value, 'x', sizeof value);
    SCRIPT_WAIT(script, n_held, 1);
    const struct kp_request *seen = script_op_request(script_held(script));
    assert_memory_equal(seen->name.ptr, "mykey", 5);
    assert_memory_equal(seen->version.ptr, "7", 1);
    assert_memory_equal(seen->value.ptr, "payload", 7);
    script_finish_held(script, KP_OK);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    outcome_clear(&outcome);
}

static void sentence_6_request_stays_readable_until_done_though_the_client_has_left(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    request.timeout_ms = 1000;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 1000);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    outcome_clear(&outcome);
    const struct kp_request *seen = script_op_request(script_held(script));
    assert_memory_equal(seen->name.ptr, "k", 1);
    assert_memory_equal(seen->value.ptr, request.value.ptr, request.value.len);
    script_finish_held(script, KP_OK);
    client_wait_idle(vault);
}

static void sentence_6_result_is_the_clients_after_the_provider_is_gone(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_OK);
    begin_again();
    assert_memory_equal(outcome.result.reply.value.ptr, request.value.ptr, request.value.len);
    outcome_clear(&outcome);
}

/* ---- 7. open means one opened, close one closed ---- */

static void open_in_this_way(enum script_opening opening, kp_status status, kp_status expected)
{
    struct kp_request request = client_wrap();
    struct script_vault_plan *plan = script_plan(script);
    plan->opening = opening;
    plan->open_status = status;
    plan->open_code = 3003;
    assert_int_equal(client_do(vault, &request), expected);
}

static void sentence_7_opened_may_come_inside_open_later_or_from_elsewhere(void **state)
{
    static const enum script_opening ways[] = {SCRIPT_OPENS, SCRIPT_OPENS_LATER,
                                               SCRIPT_OPENS_FOREIGN};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        open_in_this_way(ways[i], KP_OK, KP_OK);
        assert_int_equal(script_counts(script).n_open, i + 1);
        begin_again();
    }
}

static void sentence_7_failed_opening_is_closed_and_tried_anew(void **state)
{
    (void)state;
    open_in_this_way(SCRIPT_OPEN_FAILS, KP_AUTH, KP_AUTH);
    SCRIPT_WAIT(script, n_close, 1);
    open_in_this_way(SCRIPT_OPEN_REFUSED, KP_CONFIG, KP_CONFIG);
    assert_int_equal(script_counts(script).n_close, 1); /* refused: there is nothing to close */
    open_in_this_way(SCRIPT_OPENS, KP_OK, KP_OK);
    assert_int_equal(script_counts(script).n_open, 3);
    assert_int_equal(script_counts(script).n_submit, 1);
}

static void sentence_7_second_opened_is_refused_and_counted(void **state)
{
    (void)state;
    open_in_this_way(SCRIPT_OPENS_TWICE, KP_OK, KP_OK);
    assert_int_equal(client_refused(&client), 1);
}

static void sentence_7_opened_and_refused_is_refused(void **state)
{
    (void)state;
    open_in_this_way(SCRIPT_OPENS_AND_REFUSES, KP_FORBIDDEN, KP_FORBIDDEN);
    open_in_this_way(SCRIPT_OPENS, KP_OK, KP_OK);
    assert_int_equal(script_counts(script).n_submit, 1);
}

static void sentence_7_closed_may_come_inside_close_later_or_from_elsewhere(void **state)
{
    static const enum script_closing ways[] = {SCRIPT_CLOSES, SCRIPT_CLOSES_LATER,
                                               SCRIPT_CLOSES_FOREIGN};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        script_plan(script)->closing = ways[i];
        open_in_this_way(SCRIPT_OPENS, KP_OK, KP_OK);
        kp_vault_release(vault);
        assert_int_equal(client_close(&client, 10000).abandoned, 0);
        assert_int_equal(script_counts(script).n_close, i + 1);
        client_begin(&client, NULL);
        vault = client_vault(&client, "script:a");
    }
}

static void sentence_7_second_closed_is_refused_and_counted(void **state)
{
    (void)state;
    script_plan(script)->closing = SCRIPT_CLOSES_TWICE;
    open_in_this_way(SCRIPT_OPENS, KP_OK, KP_OK);
    assert_int_equal(client_close(&client, 10000).abandoned, 0);
    assert_int_equal(client_refused(&client), 1);
    client_begin(&client, NULL);
    vault = client_vault(&client, "script:a");
}

/* Close asks for more than workers can have in hand, and closes when the rest is under way. */
#define N_LATE 128u

static void (*script_close)(void *instance);
static struct latch late_work;
static _Atomic uint32_t n_came;

static void work_late(void *arg)
{
    latch_hit(arg);
}

static void came_after_all(void *arg)
{
    (void)arg;
    (void)atomic_fetch_add(&n_came, 1);
}

static void close_with_callbacks_under_way(void *instance)
{
    const struct kp_host *host = script_host(script);
    uint32_t n = N_LATE + uv_available_parallelism();
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(host->work(host->self, 0, work_late, came_after_all, &late_work), KP_OK);
    latch_wait(&late_work, n);
    script_close(instance);
}

static void sentence_7_nothing_calls_back_after_closed_not_even_what_is_under_way(void **state)
{
    (void)state;
    latch_init(&late_work);
    script_close = script_table()->close;
    script_table()->close = close_with_callbacks_under_way;
    begin_again(); /* with that close */
    open_in_this_way(SCRIPT_OPENS, KP_OK, KP_OK);
    begin_again();
    assert_int_equal(atomic_load(&n_came), 0);
    script_table()->close = script_close;
    begin_again();
    latch_clear(&late_work);
}

static void sentence_7_opened_and_closed_unasked_change_nothing(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    assert_int_equal(client_do(vault, &request), KP_OK);
    const struct kp_host *host = script_host(script);
    host->opened(host->self, KP_AUTH, NULL);
    host->closed(host->self);
    assert_int_equal(client_refused(&client), 2);
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(script_counts(script).n_open, 1);
}

static void sentence_7_opening_failed_without_a_word_still_has_a_sentence(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    script_plan(script)->opening = SCRIPT_OPEN_HELD;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    SCRIPT_WAIT(script, n_open, 1);
    script_vault_opened(script, KP_AUTH);
    assert_int_equal(outcome_wait(&outcome), KP_AUTH);
    outcome_clear(&outcome);
}

/* ---- 8. run is called from any number of threads at once ---- */

static void sentence_8_run_is_called_on_the_callers_threads_at_once(void **state)
{
    enum { N = 4 };
    struct kp_request request = client_wrap();
    struct caller callers[N];
    struct latch entered;
    struct latch go;
    (void)state;
    script_serve_run(KP_OP_BIT(KP_OP_WRAP));
    begin_again();
    assert_int_equal(client_do(vault, &request), KP_OK); /* opens the vault */
    client_wait_idle(vault);
    latch_init(&entered);
    latch_init(&go);
    script_plan(script)->run = (struct script_run_act){.entered = &entered, .block = &go};
    for (int i = 0; i < N; i++)
        caller_start(&callers[i], vault, &request);
    latch_wait(&entered, N); /* all of them are inside, none has come out */
    assert_int_equal(script_counts(script).n_running, N);
    latch_hit(&go);
    for (int i = 0; i < N; i++) {
        assert_int_equal(caller_join(&callers[i]), KP_OK);
        caller_clear(&callers[i]);
    }
    assert_int_equal(script_counts(script).n_submit, 0);
    latch_clear(&go);
    latch_clear(&entered);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sentence_1_accepted_and_finished_completes_once),
        TEST(sentence_1_refused_completes_with_the_reason_and_without_done),
        TEST(sentence_1_refused_without_a_word_still_has_a_sentence),
        TEST(sentence_1_a_status_that_is_none_becomes_internal),
        TEST(sentence_1_finished_and_refused_completes_once_and_is_counted),
        TEST(sentence_2_client_hears_of_a_finish_inside_submit_only_afterwards),
        TEST(sentence_2_client_never_hears_from_inside_its_own_call),
        TEST(sentence_2_finish_copies_small_and_large_replies),
        TEST(sentence_2_second_finish_is_refused_and_counted),
        TEST(sentence_2_late_finish_of_an_operation_long_over_is_refused),
        TEST(sentence_2_guessed_ids_are_refused),
        TEST(sentence_2_id_of_another_vault_is_refused),
        TEST(sentence_2_every_call_after_the_provider_is_gone_is_harmless),
        TEST(sentence_2_late_finish_does_not_reach_the_next_provider),
        TEST(sentence_2_finish_without_reply_is_the_plugins_mistake),
        TEST(sentence_3_every_slot_runs_on_the_loop_thread),
        TEST(sentence_3_loop_only_services_refuse_other_threads),
        TEST(sentence_4_cancel_hastens_and_the_finish_still_ends_it),
        TEST(sentence_4_client_is_told_at_once_even_by_a_deaf_plugin),
        TEST(sentence_4_cancel_is_not_called_once_finished),
        TEST(sentence_4_plugin_without_the_capability_is_only_waited_for),
        TEST(sentence_5_done_waits_for_the_last_callback),
        TEST(sentence_5_callbacks_of_a_canceled_operation_still_come),
        TEST(sentence_5_hastened_timer_calls_back_once_and_soon),
        TEST(sentence_5_next_attempt_begins_after_done_of_the_last),
        TEST(sentence_5_after_done_nothing_can_be_asked_in_its_name),
        TEST(sentence_5_host_calls_that_fail_call_nothing_back),
        TEST(sentence_6_clients_memory_is_its_own_again_after_submit),
        TEST(sentence_6_request_stays_readable_until_done_though_the_client_has_left),
        TEST(sentence_6_result_is_the_clients_after_the_provider_is_gone),
        TEST(sentence_7_opened_may_come_inside_open_later_or_from_elsewhere),
        TEST(sentence_7_failed_opening_is_closed_and_tried_anew),
        TEST(sentence_7_second_opened_is_refused_and_counted),
        TEST(sentence_7_opened_and_refused_is_refused),
        TEST(sentence_7_closed_may_come_inside_close_later_or_from_elsewhere),
        TEST(sentence_7_second_closed_is_refused_and_counted),
        TEST(sentence_7_nothing_calls_back_after_closed_not_even_what_is_under_way),
        TEST(sentence_7_opened_and_closed_unasked_change_nothing),
        TEST(sentence_7_opening_failed_without_a_word_still_has_a_sentence),
        TEST(sentence_8_run_is_called_on_the_callers_threads_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
