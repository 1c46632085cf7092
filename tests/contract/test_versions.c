/* Whatever a plugin answers, the key version asked for is the version that did the work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "support/client.h"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static bool with_run;

static const uint32_t USES[] = {KP_OP_ENCRYPT, KP_OP_DECRYPT, KP_OP_WRAP,
                                KP_OP_UNWRAP,  KP_OP_SIGN,    KP_OP_VERIFY};
#define N_USES (sizeof USES / sizeof USES[0])

static int begin(void **state)
{
    (void)state;
    script_begin();
    if (with_run)
        script_serve_run(KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT) |
                         KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP) | KP_OP_BIT(KP_OP_SIGN) |
                         KP_OP_BIT(KP_OP_VERIFY));
    client_begin(&client, NULL);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    return 0;
}

static int begin_run(void **state)
{
    with_run = true;
    return begin(state);
}

static int end(void **state)
{
    (void)state;
    with_run = false;
    kp_vault_release(vault);
    client_end(&client);
    return 0;
}

static kp_span span_of(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

/* Asks for one version, is answered by another; blocking or not. */
static void expect_for_each_use(const char *asked, const char *answered, kp_status expected)
{
    for (size_t i = 0; i < N_USES; i++) {
        struct kp_request request = client_request(USES[i]);
        struct kp_result result;
        request.version = span_of(asked);
        script_usually(script, (struct script_act){.version = answered});
        script_plan(script)->run.version = answered;
        assert_int_equal(client_do(vault, &request), expected);
        assert_int_equal(kp_call(vault, &request, &result), expected);
        assert_int_equal(result.status, expected);
        if (expected != KP_OK) {
            assert_null(result.reply.value.ptr);
            assert_null(result.memory);
            assert_non_null(strstr(result.error.text, "version"));
        } else {
            assert_int_equal(result.reply.version.len, strlen(answered));
        }
        kp_result_clear(&result);
    }
}

static void another_version_is_an_integrity_failure(void **state)
{
    (void)state;
    expect_for_each_use("1", "2", KP_INTEGRITY);
    expect_for_each_use("1", "11", KP_INTEGRITY);
    expect_for_each_use("ab", "AB", KP_INTEGRITY);
}

static void reply_without_a_version_is_a_protocol_failure(void **state)
{
    (void)state;
    expect_for_each_use("1", "", KP_PROTOCOL);
}

static void version_asked_for_or_none_asked_for_is_fine(void **state)
{
    (void)state;
    expect_for_each_use("1", "1", KP_OK);
}

static bool undoes(uint32_t op)
{
    return op == KP_OP_DECRYPT || op == KP_OP_UNWRAP;
}

static void use_without_a_version_takes_the_current_one_unless_it_undoes(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.version = "2"});
    for (size_t i = 0; i < N_USES; i++) {
        struct kp_request request = client_request(USES[i]);
        struct kp_result result;
        request.version = span_of("");
        assert_int_equal(kp_call(vault, &request, &result), undoes(USES[i]) ? KP_USAGE : KP_OK);
        if (undoes(USES[i]))
            assert_non_null(strstr(result.error.text, "version is empty"));
        kp_result_clear(&result);
    }
    assert_int_equal(script_counts(script).n_submit + script_counts(script).n_run, N_USES - 2);
}

static void wrong_version_is_not_tried_again(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_usually(script, (struct script_act){.version = "2"});
    assert_int_equal(client_do(vault, &request), KP_INTEGRITY);
    assert_int_equal(script_counts(script).n_submit, 1);
}

/* ---- Another key altogether ---- */

static const char *answered_name;

static kp_status answer_for_another_key(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_request *request = script_op_request(op);
    const struct kp_reply reply = {.struct_size = sizeof reply,
                                   .name = span_of(answered_name),
                                   .version = request->version,
                                   .value = request->value};
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

static void another_key_is_an_integrity_failure(void **state)
{
    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_CALL, .call = answer_for_another_key});
    for (size_t i = 0; i < N_USES; i++) {
        struct kp_request request = client_request(USES[i]);
        answered_name = "other";
        assert_int_equal(client_do(vault, &request), KP_INTEGRITY);
        answered_name = "K"; /* vaults do not tell case apart */
        assert_int_equal(client_do(vault, &request), KP_OK);
        answered_name = "";
        assert_int_equal(client_do(vault, &request), KP_OK);
    }
}

/* ---- Metadata: what is kept under a version must be of that version ---- */

static const char *key_version;
static const char *reply_version;

static kp_status answer_with_key(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_key_info key = {.struct_size = sizeof key, .version = span_of(key_version)};
    const struct kp_reply reply = {
        .struct_size = sizeof reply, .version = span_of(reply_version), .key = &key};
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

static kp_status get_version_1(const char *in_reply, const char *in_key, uint32_t flags)
{
    struct kp_request request = client_get_key("k", "1", flags);
    reply_version = in_reply;
    key_version = in_key;
    script_usually(script, (struct script_act){.how = SCRIPT_CALL, .call = answer_with_key});
    return client_do(vault, &request);
}

static void metadata_of_another_version_is_refused_and_not_kept(void **state)
{
    (void)state;
    assert_int_equal(get_version_1("2", "", KP_REQ_CACHED_OK), KP_INTEGRITY);
    assert_int_equal(get_version_1("", "2", KP_REQ_CACHED_OK), KP_INTEGRITY);
    assert_int_equal(get_version_1("1", "2", 0), KP_INTEGRITY);
    assert_int_equal(get_version_1("1", "1", KP_REQ_CACHED_OK), KP_OK);
    assert_int_equal(script_counts(script).n_submit, 4);
    assert_int_equal(get_version_1("2", "2", KP_REQ_CACHED_OK), KP_OK); /* from the cache */
    assert_int_equal(get_version_1("", "", 0), KP_OK);                  /* it need not say */
}

#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_version_is_an_integrity_failure, begin),
        TEST(another_version_is_an_integrity_failure, begin_run),
        TEST(reply_without_a_version_is_a_protocol_failure, begin),
        TEST(reply_without_a_version_is_a_protocol_failure, begin_run),
        TEST(version_asked_for_or_none_asked_for_is_fine, begin),
        TEST(version_asked_for_or_none_asked_for_is_fine, begin_run),
        TEST(use_without_a_version_takes_the_current_one_unless_it_undoes, begin),
        TEST(use_without_a_version_takes_the_current_one_unless_it_undoes, begin_run),
        TEST(wrong_version_is_not_tried_again, begin),
        TEST(another_key_is_an_integrity_failure, begin),
        TEST(metadata_of_another_version_is_refused_and_not_kept, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
