/* Closing while callers are on their way in or out: it ends, and says that nothing was left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"

#define CLOSE_MS 20000u

static struct client client;

static int begin(void **state)
{
    (void)state;
    script_begin();
    script_serve_run(KP_OP_BIT(KP_OP_WRAP));
    client_begin_real(&client, CLIENT_CONFIG(""));
    return 0;
}

/* ---- Holding a loop where it is ---- */

struct hold {
    struct kpi_mail mail;
    struct latch there;
    struct latch go;
};

static void stay(struct kpi_mail *mail)
{
    struct hold *hold = KPI_HOLDER(mail, struct hold, mail);
    latch_hit(&hold->there);
    latch_wait(&hold->go, 1);
}

static void hold_post(struct hold *hold, struct kpi_shard *shard)
{
    latch_init(&hold->there);
    latch_init(&hold->go);
    hold->mail.deliver = stay;
    kpi_shard_post(shard, &hold->mail);
}

static void hold_end(struct hold *hold)
{
    latch_clear(&hold->there);
    latch_clear(&hold->go);
}

static void close_now(void *arg)
{
    kp_provider_close_wait(client.provider, CLOSE_MS, arg);
}

/*
 * The last caller leaves run and says so; before the loop hears of it another one comes in, is sent
 * away, and is the last in turn. Somebody has to say so again.
 */
static void close_ends_when_a_caller_comes_in_between_the_last_leaving_and_the_loop(void **state)
{
    struct kp_close_report report;
    uv_thread_t thread;
    struct hold first, second;
    struct kp_request request = client_wrap();
    (void)state;
    kp_vault *vault = client_vault(&client, "script:a");
    struct kpi_shard *shard = vault->shard;
    assert_int_equal(client_do(vault, &request), KP_OK);
    assert_int_equal(kpi_caller_enter(shard, NULL), KP_OK); /* for both of them */
    assert_true(kpi_vault_enter_run(vault));
    assert_int_equal(uv_thread_create(&thread, close_now, &report), 0);
    client_wait_state(vault, KPI_VAULT_CLOSING);
    hold_post(&first, shard);
    latch_wait(&first.there, 1);
    kpi_vault_leave_run(vault);
    atomic_fetch_add(&vault->n_inline, 1); /* the first half of enter_run */
    hold_post(&second, shard);
    latch_hit(&first.go);
    latch_wait(&second.there, 1);
    kpi_vault_leave_run(vault); /* its second half, which finds the vault closing */
    latch_hit(&second.go);
    kpi_caller_leave(shard);
    uv_thread_join(&thread);
    assert_string_equal(report.text, "");
    assert_int_equal(report.abandoned, 0);
    hold_end(&first);
    hold_end(&second);
    script_end();
}

/* ---- Looking inside while it closes ---- */

struct look {
    struct latch looking;
    struct latch closed;
    bool was_closed;
};

static void look_long(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct look *look = ctx;
    (void)plugin;
    (void)origin;
    latch_hit(&look->looking);
    look->was_closed = latch_wait_for(&look->closed, 1, LATCH_NS_PER_S / 5);
}

static void look_now(void *arg)
{
    kp_plugins_each(client.provider, look_long, arg);
}

/* Closes the provider, whose vault is let go, while another thread looks inside. */
static void close_beside(uv_thread_cb look_inside, uint32_t timeout_ms, struct look *look,
                         struct kp_close_report *ret_report)
{
    uv_thread_t thread;
    latch_init(&look->looking);
    latch_init(&look->closed);
    kp_vault_release(client_vault(&client, "script:a"));
    assert_int_equal(uv_thread_create(&thread, look_inside, look), 0);
    latch_wait(&look->looking, 1);
    kp_provider_close_wait(client.provider, timeout_ms, ret_report);
    latch_hit(&look->closed);
    uv_thread_join(&thread);
    latch_clear(&look->closed);
    latch_clear(&look->looking);
}

/* A scraper of counters does not ask anybody whether the provider is about to go. */
static void close_waits_for_those_who_look_inside(void **state)
{
    struct look look = {.was_closed = false};
    struct kp_close_report report;
    (void)state;
    close_beside(look_now, CLOSE_MS, &look, &report);
    assert_false(look.was_closed);
    assert_int_equal(report.abandoned, 0);
    script_end();
}

static void look_until_told(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct look *look = ctx;
    (void)plugin;
    (void)origin;
    latch_hit(&look->looking);
    latch_wait(&look->closed, 1);
}

static void look_for_ever(void *arg)
{
    kp_plugins_each(client.provider, look_until_told, arg);
}

/* No vault and no worker is left, and yet somebody looks at what would be freed. */
static void close_that_runs_out_of_time_frees_nothing_under_a_caller(void **state)
{
    struct look look = {.was_closed = false};
    struct kp_close_report report;
    (void)state;
    close_beside(look_for_ever, 1, &look, &report);
    assert_int_equal(report.abandoned, 1);
    assert_string_equal(report.text, "calls that have not returned: 1");
    script_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            close_ends_when_a_caller_comes_in_between_the_last_leaving_and_the_loop, begin),
        cmocka_unit_test_setup(close_waits_for_those_who_look_inside, begin),
        cmocka_unit_test_setup(close_that_runs_out_of_time_frees_nothing_under_a_caller, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
