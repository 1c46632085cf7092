#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/faults.h"
#include "plugins/file-test/table.h"
#include "support/file_vault.h"

#define N_DRAWS 20000
#define NS_PER_MS UINT64_C(1000000)

/* ---- Plans ---- */

static struct ft_faults faults;

static void use(const struct ft_fault_settings *settings)
{
    memset(&faults, 0, sizeof faults);
    ft_faults_use(&faults, settings, 4711);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void faults_that_are_off_draw_nothing(void **state)
{
    const struct ft_fault_settings none = {.class_status = KP_TRANSIENT, .seed = 9};
    struct ft_fault_plan plan;
    (void)state;
    use(&none);
    assert_false(ft_faults_active(&faults));
    ft_faults_draw(&faults, 1, &plan);
    assert_int_equal(plan.status, KP_OK);
    assert_int_equal(plan.delay_ms, 0);
    assert_false(plan.hang);
    assert_true(plan.retry_after_ms == KP_NO_RETRY_HINT);
}

static void faults_latency_has_the_quantiles_asked_for(void **state)
{
    static uint32_t delays[N_DRAWS];
    const struct ft_fault_settings settings = {.latency_ms = 20, .latency_p99_ms = 200, .seed = 1};
    struct ft_fault_plan plan;
    (void)state;
    use(&settings);
    for (size_t i = 0; i < N_DRAWS; i++) {
        ft_faults_draw(&faults, 1, &plan);
        delays[i] = plan.delay_ms;
    }
    qsort(delays, N_DRAWS, sizeof delays[0], compare);
    assert_in_range(delays[0], 10, 11);
    assert_in_range(delays[N_DRAWS / 2], 18, 23);
    assert_in_range(delays[N_DRAWS * 98 / 100], 180, 200);
    assert_in_range(delays[N_DRAWS * 995 / 1000], 230, 370);
    assert_in_range(delays[N_DRAWS - 1], 380, 400);
}

static void faults_fixed_latency_is_fixed(void **state)
{
    const struct ft_fault_settings settings = {.latency_ms = 20};
    struct ft_fault_plan plan;
    (void)state;
    use(&settings);
    for (int i = 0; i < 100; i++) {
        ft_faults_draw(&faults, 1, &plan);
        assert_int_equal(plan.delay_ms, 20);
    }
}

static void faults_rate_is_kept_and_repeats_with_the_seed(void **state)
{
    static kp_status first[N_DRAWS];
    const struct ft_fault_settings settings = {
        .class_status = KP_VAULT, .rate_percent = 30, .seed = 77};
    struct ft_fault_plan plan;
    unsigned n = 0;
    (void)state;
    use(&settings);
    for (size_t i = 0; i < N_DRAWS; i++) {
        ft_faults_draw(&faults, 1, &plan);
        first[i] = plan.status;
        n += plan.status == KP_VAULT;
    }
    assert_in_range(n, N_DRAWS * 28 / 100, N_DRAWS * 32 / 100);
    use(&settings);
    for (size_t i = 0; i < N_DRAWS; i++) {
        ft_faults_draw(&faults, 1, &plan);
        assert_int_equal(plan.status, first[i]);
    }
}

static void faults_throttle_counts_per_second_and_hints_its_end(void **state)
{
    const struct ft_fault_settings settings = {.throttle_after = 3};
    const uint64_t start = 5000 * NS_PER_MS;
    struct ft_fault_plan plan;
    (void)state;
    use(&settings);
    for (int i = 0; i < 3; i++) {
        ft_faults_draw(&faults, start + (uint64_t)i, &plan);
        assert_int_equal(plan.status, KP_OK);
    }
    ft_faults_draw(&faults, start + 400 * NS_PER_MS, &plan);
    assert_int_equal(plan.status, KP_THROTTLED);
    assert_int_equal(plan.exposure, KP_ANSWERED_REFUSED);
    assert_int_equal(plan.retry_after_ms, 600);
    ft_faults_draw(&faults, start + 1000 * NS_PER_MS, &plan);
    assert_int_equal(plan.status, KP_OK);
}

/* ---- Through the table ---- */

static struct file_vault vault;
static char dir[FV_PATH_LEN];

static int open_vault(void **state)
{
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&vault, dir, NULL);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    return 0;
}

static int close_vault(void **state)
{
    (void)state;
    fv_close(&vault);
    fv_remove_temp(dir);
    return 0;
}

static void reload(const char *name, const char *value)
{
    struct kp_error err;
    const char *settings[2][2] = {{name, value}, {NULL, NULL}};
    assert_int_equal(fv_reload(&vault, (const char *const(*)[2])settings, &err), KP_OK);
}

static void vault_offline_is_transient_and_nothing_was_sent(void **state)
{
    struct fake_result result;
    (void)state;
    reload("fault.offline", "true");
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_TRANSIENT);
    assert_int_equal(result.error.exposure, KP_NOT_SENT);
    fake_result_clear(&result);
    reload("fault.offline", "false");
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void vault_with_a_failure_class_fails_so_and_changes_nothing(void **state)
{
    static const char *const ALL[][2] = {
        {"fault.class", "forbidden"}, {"fault.rate_percent", "100"}, {NULL, NULL}};
    struct kp_error err;
    struct fake_result result;
    (void)state;
    assert_int_equal(fv_reload(&vault, ALL, &err), KP_OK);
    assert_int_equal(fv_simple(&vault, KP_OP_DELETE, "app", NULL, &result), KP_FORBIDDEN);
    assert_int_equal(result.error.exposure, KP_ANSWERED_REFUSED);
    fake_result_clear(&result);
    assert_int_equal(fv_reload(&vault, NULL, &err), KP_OK);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void vault_that_is_throttled_hints_when_to_come_back(void **state)
{
    struct fake_result result;
    (void)state;
    reload("fault.throttle_after", "2");
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_THROTTLED);
    assert_in_range(result.error.retry_after_ms, 1, 1000);
    fake_result_clear(&result);
    fake_host_advance_s(&vault.host, 1);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void vault_with_latency_takes_its_time(void **state)
{
    (void)state;
    reload("fault.latency_ms", "250");
    uint64_t before = vault.host.now_ns;
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
    assert_int_equal((vault.host.now_ns - before) / NS_PER_MS, 250);
}

static void vault_that_hangs_answers_only_a_cancel(void **state)
{
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_GET_KEY, "app", NULL);
    kp_op_id id;
    (void)state;
    reload("fault.hang", "true");
    assert_int_equal(fake_host_submit(&vault.host, &request, 1000, &result, &id), KP_OK);
    fake_host_drain(&vault.host);
    assert_false(fake_host_is_over(&vault.host, id));
    fake_host_cancel(&vault.host, id);
    assert_true(fake_host_is_over(&vault.host, id));
    assert_int_equal(result.status, KP_CANCELED);
    fake_result_clear(&result);
}

static void cancel_of_a_delayed_operation_hastens_its_end(void **state)
{
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_DELETE, "app", NULL);
    kp_op_id id;
    (void)state;
    reload("fault.latency_ms", "60000");
    uint64_t before = vault.host.now_ns;
    assert_int_equal(fake_host_submit(&vault.host, &request, 120000, &result, &id), KP_OK);
    fake_host_cancel(&vault.host, id);
    fake_host_drain(&vault.host);
    assert_int_equal(result.status, KP_CANCELED);
    assert_true(vault.host.now_ns == before);
    fake_result_clear(&result);
    reload("fault.latency_ms", "0");
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

static void run_declines_while_faults_are_on(void **state)
{
    uint8_t dek[32] = {0};
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_WRAP, "app", NULL);
    (void)state;
    request.alg = KP_ALG_A256KW;
    request.value = kpb_span(dek, sizeof dek);
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_OK);
    fake_result_clear(&result);
    reload("fault.rate_percent", "1");
    assert_int_equal(fake_host_run(&vault.host, &request, &result), KP_UNSUPPORTED);
    fake_result_clear(&result);
}

static void reload_of_bad_settings_changes_nothing(void **state)
{
    static const char *const BAD[][2] = {
        {"fault.offline", "true"}, {"fault.rate_percent", "many"}, {NULL, NULL}};
    struct kp_error err;
    (void)state;
    assert_int_equal(fv_reload(&vault, BAD, &err), KP_CONFIG);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
}

/* ---- The table itself ---- */

static void table_is_whole_and_says_what_it_serves(void **state)
{
    const struct kp_plugin *plugin = vault.host.plugin;
    const uint64_t missing =
        KP_OP_BIT(KP_OP_RELEASE) | KP_OP_BIT(KP_OP_ATTEST) | KP_OP_BIT(KP_OP_IMPORT_BYOK);
    (void)state;
    assert_int_equal(plugin->struct_size, sizeof *plugin);
    assert_int_equal(plugin->abi_major, KP_ABI_MAJOR);
    assert_string_equal(plugin->name, "file-test");
    assert_true(plugin->open && plugin->submit && plugin->cancel && plugin->done && plugin->close);
    assert_true(plugin->run && plugin->reload);
    assert_string_equal(plugin->caps->schemes[0], "file");
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        bool served = (plugin->caps->ops & KP_OP_BIT(op)) != 0;
        assert_int_equal(served, !(missing & KP_OP_BIT(op)));
    }
    assert_true((plugin->caps->run_ops & ~plugin->caps->ops) == 0);
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++)
        assert_true(plugin->caps->algs & KP_ALG_BIT(alg));
    assert_int_equal(plugin->caps->ktys, 0x7e);
    assert_int_equal(plugin->caps->curves, 0x1e);
}

int main(void)
{
#define VAULT_TEST(f) cmocka_unit_test_setup_teardown(f, open_vault, close_vault)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_that_are_off_draw_nothing),
        cmocka_unit_test(faults_latency_has_the_quantiles_asked_for),
        cmocka_unit_test(faults_fixed_latency_is_fixed),
        cmocka_unit_test(faults_rate_is_kept_and_repeats_with_the_seed),
        cmocka_unit_test(faults_throttle_counts_per_second_and_hints_its_end),
        VAULT_TEST(vault_offline_is_transient_and_nothing_was_sent),
        VAULT_TEST(vault_with_a_failure_class_fails_so_and_changes_nothing),
        VAULT_TEST(vault_that_is_throttled_hints_when_to_come_back),
        VAULT_TEST(vault_with_latency_takes_its_time),
        VAULT_TEST(vault_that_hangs_answers_only_a_cancel),
        VAULT_TEST(cancel_of_a_delayed_operation_hastens_its_end),
        VAULT_TEST(run_declines_while_faults_are_on),
        VAULT_TEST(reload_of_bad_settings_changes_nothing),
        VAULT_TEST(table_is_whole_and_says_what_it_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
