/* Plugins that answer with what is no answer: numbers that are no status, texts without an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/provider.h"
#include "support/client.h"

#define NO_STATUS ((kp_status)70000) /* far beyond any table that a status indexes */

static struct client client;
static struct script_vault *script;
static kp_vault *vault;

static int begin(void **state)
{
    (void)state;
    script_begin();
    script = script_vault("a");
    return 0;
}

/* The table is read when the provider opens, so each test changes it first. */
static void open_client(void)
{
    client_begin_real(&client, CLIENT_CONFIG(", \"defaults\": {\"retry\": {\"max_attempts\": 1}}"));
    vault = client_vault(&client, "script:a");
}

static int end(void **state)
{
    (void)state;
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static void fill_texts(struct kp_error *error)
{
    memset(error->text, 'x', sizeof error->text);
    memset(error->request_id, 'y', sizeof error->request_id);
    memset(error->service_code, 'z', sizeof error->service_code);
}

static void expect_ended_texts(const struct kp_error *error)
{
    assert_non_null(memchr(error->text, '\0', sizeof error->text));
    assert_non_null(memchr(error->request_id, '\0', sizeof error->request_id));
    assert_non_null(memchr(error->service_code, '\0', sizeof error->service_code));
}

/* ---- run ---- */

static kp_status give_no_status(void *instance, const struct kp_request *request,
                                kp_answer_fn *answer, void *answer_ctx, struct kp_error *reterr)
{
    (void)instance;
    (void)request;
    (void)answer;
    (void)answer_ctx;
    (void)reterr;
    return NO_STATUS;
}

static kp_status give_endless_texts(void *instance, const struct kp_request *request,
                                    kp_answer_fn *answer, void *answer_ctx, struct kp_error *reterr)
{
    (void)instance;
    (void)request;
    (void)answer;
    (void)answer_ctx;
    fill_texts(reterr);
    return KP_VAULT;
}

static kp_status answer_null(void *instance, const struct kp_request *request, kp_answer_fn *answer,
                             void *answer_ctx, struct kp_error *reterr)
{
    (void)instance;
    (void)request;
    (void)reterr;
    answer(answer_ctx, NULL);
    return KP_OK;
}

typedef kp_status run_fn(void *instance, const struct kp_request *request, kp_answer_fn *answer,
                         void *answer_ctx, struct kp_error *reterr);

/* Opens the vault with an operation that run does not serve, so that the next may run inline. */
static void open_with_run(run_fn *run)
{
    struct kp_request request = client_request(KP_OP_LIST_KEYS);
    script_table()->run = run;
    script_caps()->run_ops = KP_OP_BIT(KP_OP_WRAP);
    open_client();
    assert_int_equal(client_do(vault, &request), KP_OK);
}

/* Once on the caller's thread, once on a worker. */
static void expect_of_wrap(kp_status expected, const char *part)
{
    struct kp_request request = client_wrap();
    struct kp_result result;
    for (int i = 0; i < 2; i++) {
        request.flags = i == 0 ? 0 : KP_REQ_NEVER_INLINE;
        assert_int_equal(kp_call(vault, &request, &result), expected);
        assert_int_equal(result.error.status, expected);
        expect_ended_texts(&result.error);
        assert_non_null(strstr(result.error.text, part));
        kp_result_clear(&result);
    }
}

static void run_that_returns_no_status_is_internal(void **state)
{
    (void)state;
    open_with_run(give_no_status);
    expect_of_wrap(KP_INTERNAL, "70000");
}

static void run_with_texts_without_an_end_has_them_cut(void **state)
{
    (void)state;
    open_with_run(give_endless_texts);
    expect_of_wrap(KP_VAULT, "xxx");
}

static void run_that_answers_with_null_is_internal(void **state)
{
    (void)state;
    open_with_run(answer_null);
    expect_of_wrap(KP_INTERNAL, "repl");
}

/* ---- open ---- */

static kp_status open_with_no_status(const struct kp_host *host,
                                     const struct kp_vault_settings *settings, void **ret_vault,
                                     struct kp_error *reterr)
{
    (void)host;
    (void)settings;
    (void)ret_vault;
    fill_texts(reterr);
    return NO_STATUS;
}

static kp_status opened_with_endless_texts(const struct kp_host *host,
                                           const struct kp_vault_settings *settings,
                                           void **ret_vault, struct kp_error *reterr)
{
    struct kp_error error;
    (void)settings;
    (void)reterr;
    kp_error_init(&error);
    fill_texts(&error);
    *ret_vault = (void *)(uintptr_t)host;
    host->opened(host->self, KP_FORBIDDEN, &error);
    return KP_OK;
}

static void close_at_once(void *instance)
{
    const struct kp_host *host = instance;
    host->closed(host->self);
}

static void open_that_returns_no_status_is_internal(void **state)
{
    (void)state;
    script_table()->open = open_with_no_status;
    open_client();
    expect_of_wrap(KP_INTERNAL, "70000");
}

static void opened_with_texts_without_an_end_has_them_cut(void **state)
{
    (void)state;
    script_table()->open = opened_with_endless_texts;
    script_table()->close = close_at_once;
    open_client();
    expect_of_wrap(KP_FORBIDDEN, "xxx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_that_returns_no_status_is_internal, begin, end),
        cmocka_unit_test_setup_teardown(run_with_texts_without_an_end_has_them_cut, begin, end),
        cmocka_unit_test_setup_teardown(run_that_answers_with_null_is_internal, begin, end),
        cmocka_unit_test_setup_teardown(open_that_returns_no_status_is_internal, begin, end),
        cmocka_unit_test_setup_teardown(opened_with_texts_without_an_end_has_them_cut, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
