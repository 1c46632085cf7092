/* A change that its client no longer waits for still happens, and what was known before it is
 * old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/provider.h"
#include "support/client.h"

static struct client client;

static int begin(void **state)
{
    (void)state;
    script_begin();
    client_begin(&client, CLIENT_CONFIG(""));
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_end(&client);
    return 0;
}

/* The rotation is told as timed out; then the metadata is read; then the vault rotates after
 * all. */
static void metadata_read_before_a_late_change_is_not_served_after_it(void **state)
{
    struct kp_request rotate = client_request(KP_OP_ROTATE);
    struct kp_request get = client_get_key("k", "", KP_REQ_CACHED_OK);
    struct script_vault *script = script_vault("a");
    kp_vault *vault = client_vault(&client, "script:a");
    struct outcome outcome;
    (void)state;
    rotate.timeout_ms = 1000;
    script_push(script, (struct script_act){.how = SCRIPT_DEAF});
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &rotate);
    SCRIPT_WAIT(script, n_held, 1);
    client_move(&client, 1001);
    assert_int_equal(outcome_wait(&outcome), KP_TIMEOUT);
    assert_int_equal(client_do(vault, &get), KP_OK);
    assert_int_equal(client_do(vault, &get), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 2); /* the rotation and one fetch */
    script_finish_held(script, KP_OK);
    SCRIPT_WAIT(script, n_done, 2);
    assert_int_equal(client_do(vault, &get), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 3);
    outcome_clear(&outcome);
    kp_vault_release(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(metadata_read_before_a_late_change_is_not_served_after_it,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
