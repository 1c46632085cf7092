/* Nobody keeps a loop to himself: timers go off whatever else is going on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/provider.h"
#include "support/client.h"

static struct client client;

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin_real(&client, CLIENT_CONFIG(""));
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_end(&client);
    return 0;
}

/* ---- A client that submits again from each completion ---- */

struct mill {
    kp_vault *vault;
    struct kp_request request;
    struct latch ended;
    atomic_bool stop;
};

static void grind(struct mill *mill);

static void ground(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct mill *mill = ctx;
    (void)id;
    (void)result;
    if (atomic_load(&mill->stop))
        latch_hit(&mill->ended);
    else
        grind(mill);
}

static void grind(struct mill *mill)
{
    if (kp_submit(mill->vault, &mill->request, ground, mill, NULL, NULL) != KP_OK)
        latch_hit(&mill->ended);
}

static void deadline_passes_while_a_client_submits_from_its_completions(void **state)
{
    struct mill mill = {.vault = client_vault(&client, "script:mill"), .request = client_wrap()};
    kp_vault *other = client_vault(&client, "script:other");
    struct kp_request request = client_wrap();
    struct outcome late;
    (void)state;
    request.timeout_ms = 20;
    script_usually(script_vault("other"), (struct script_act){.how = SCRIPT_HELD});
    latch_init(&mill.ended);
    outcome_init(&late);
    grind(&mill);
    outcome_submit(&late, other, &request);
    bool in_time = latch_wait_for(&late.latch, 1, 10 * LATCH_NS_PER_S);
    atomic_store(&mill.stop, true);
    latch_wait(&mill.ended, 1);
    assert_int_equal(outcome_wait(&late), KP_TIMEOUT);
    assert_true(in_time);
    outcome_clear(&late);
    latch_clear(&mill.ended);
    kp_vault_release(mill.vault);
    kp_vault_release(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(deadline_passes_while_a_client_submits_from_its_completions,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
