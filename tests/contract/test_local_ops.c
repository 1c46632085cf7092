/* local_public_ops: the public part serves when every condition holds; else the vault is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/vault.h"
#include "crypto/key.h"
#include "support/client.h"
#include "support/vectors_keys.h"

#define CONFIG(members)                                                                            \
    CLIENT_CONFIG(", \"defaults\": {\"local_public_ops\": true, \"retry\": {\"max_attempts\": "    \
                  "1}" members "}")

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static struct kpc_key *rsa;
static struct kpc_key *ec;

/* What the vault says of the key. */
static struct kp_key_info told;
static const char *told_version;

static kp_span span_of(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

static void tell_of(const struct kpc_key *key)
{
    told = (struct kp_key_info){.struct_size = sizeof told,
                                .key_ops = KP_KEY_OP_ENCRYPT | KP_KEY_OP_WRAP | KP_KEY_OP_VERIFY,
                                .flags = KP_KEY_ENABLED,
                                .name = span_of("k"),
                                .not_before_unix_s = KP_TIME_NONE,
                                .expires_unix_s = KP_TIME_NONE};
    kpc_key_describe(key, &told);
    told_version = "1";
}

static kp_status tell_key(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    struct kp_key_info key = told;
    key.version = span_of(told_version);
    const struct kp_reply reply = {
        .struct_size = sizeof reply, .version = span_of(told_version), .key = &key};
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

static void expect_question(void)
{
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = tell_key});
}

static int begin_with(const char *config)
{
    script_begin();
    client_begin(&client, config);
    script = script_vault("a");
    vault = client_vault(&client, "script:a");
    tell_of(rsa);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_with(CONFIG(""));
}

static int begin_off(void **state)
{
    (void)state;
    return begin_with(NULL);
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

static uint32_t n_asked(void)
{
    return script_counts(script).n_submit;
}

static void submit(struct outcome *outcome, const struct kp_request *request)
{
    outcome_init(outcome);
    outcome_submit(outcome, vault, request);
    assert_int_equal(outcome_wait(outcome), KP_OK);
}

/* True when it was computed here; the vault's own wrap hands the value back as it is. */
static bool is_local(const struct kp_request *request)
{
    struct outcome outcome;
    submit(&outcome, request);
    bool local = outcome.result.reply.flags & KP_REPLY_LOCAL;
    assert_int_equal(outcome.result.reply.version.len, 1);
    outcome_clear(&outcome);
    return local;
}

/* ---- Here ---- */

static void expect_unwraps(const struct kp_reply *reply, const struct kp_request *request)
{
    struct kpc_input in = {.alg = request->alg, .value = reply->value};
    struct vec_result plain;
    struct kp_error error;
    assert_int_equal(vec_decrypt(rsa, &in, &plain, &error), KP_OK);
    vec_assert_bytes((kp_span){plain.r.value.ptr, plain.r.value.len}, request->value);
}

static void wrap_and_encrypt_are_computed_here_and_the_private_key_undoes_them(void **state)
{
    static const uint32_t ops[] = {KP_OP_WRAP, KP_OP_ENCRYPT};
    static const uint32_t algs[] = {KP_ALG_RSA_OAEP, KP_ALG_RSA_OAEP_256, KP_ALG_RSA1_5};
    (void)state;
    expect_question();
    for (size_t o = 0; o < 2; o++)
        for (size_t a = 0; a < 3; a++) {
            struct kp_request request = client_request(ops[o]);
            struct outcome outcome;
            request.alg = algs[a];
            submit(&outcome, &request);
            const struct kp_reply *reply = &outcome.result.reply;
            assert_int_equal(reply->flags, KP_REPLY_LOCAL);
            assert_int_equal(reply->alg, algs[a]);
            assert_memory_equal(reply->name.ptr, "k", 1);
            assert_memory_equal(reply->version.ptr, "1", 1);
            expect_unwraps(reply, &request);
            outcome_clear(&outcome);
        }
    assert_int_equal(n_asked(), 1); /* for the metadata, once */
}

static void verify_with(struct kpc_key *key, uint32_t alg, size_t digest_len)
{
    uint8_t digest[64];
    struct vec signature;
    struct kp_error error;
    struct outcome outcome;
    struct kp_request request = client_request(KP_OP_VERIFY);
    memset(digest, 0x5a, sizeof digest);
    kp_span span = {digest, digest_len};
    assert_int_equal(vec_sign(key, alg, span, &signature, &error), KP_OK);
    request.alg = alg;
    request.value = span;
    request.signature = (kp_span){signature.b, signature.len};
    submit(&outcome, &request);
    assert_int_equal(outcome.result.reply.flags, KP_REPLY_LOCAL | KP_REPLY_VERIFIED);
    outcome_clear(&outcome);
    signature.b[7] ^= 1;
    submit(&outcome, &request);
    assert_int_equal(outcome.result.reply.flags, KP_REPLY_LOCAL);
    outcome_clear(&outcome);
}

static void good_and_bad_signatures_are_told_apart_here(void **state)
{
    struct kp_request forget = client_request(KP_OP_UPDATE);
    (void)state;
    expect_question();
    verify_with(rsa, KP_ALG_PS256, 32);
    verify_with(rsa, KP_ALG_RS512, 64);
    script_push(script, (struct script_act){0});
    assert_int_equal(client_do(vault, &forget), KP_OK);
    tell_of(ec);
    expect_question();
    verify_with(ec, KP_ALG_ES256, 32);
    assert_int_equal(n_asked(), 3);
}

static void many_at_once_share_one_question(void **state)
{
    enum { N = 16 };
    struct outcome outcomes[N];
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD});
    for (int i = 0; i < N; i++) {
        outcome_init(&outcomes[i]);
        outcome_submit(&outcomes[i], vault, &request);
    }
    SCRIPT_WAIT(script, n_held, 1);
    client_wait_coalesced(vault, KP_OP_WRAP, N - 1);
    assert_int_equal(tell_key(script_held(script)), KP_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(outcome_wait(&outcomes[i]), KP_OK);
        assert_int_equal(outcomes[i].result.reply.flags, KP_REPLY_LOCAL);
        outcome_clear(&outcomes[i]);
    }
    assert_int_equal(n_asked(), 1);
}

static void local_failure_is_told_and_says_nothing_about_the_vault(void **state)
{
    uint8_t too_long[300];
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    memset(too_long, 'x', sizeof too_long);
    request.value = (kp_span){too_long, sizeof too_long};
    expect_question();
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_USAGE);
    outcome_clear(&outcome);
    assert_true(kpi_breaker_calm(&vault->breaker));
    assert_int_equal(n_asked(), 1);
}

/* ---- At the vault ---- */

static void nothing_is_computed_here_unless_asked_for(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 1);
}

static void what_needs_the_private_part_goes_to_the_vault(void **state)
{
    static const uint32_t ops[] = {KP_OP_UNWRAP, KP_OP_DECRYPT, KP_OP_SIGN};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct kp_request request = client_request(ops[i]);
        assert_false(is_local(&request));
    }
    assert_int_equal(n_asked(), 3);
}

static void unpinned_version_goes_to_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.version = span_of("");
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 1);
}

static void oct_algorithms_go_to_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    request.alg = KP_ALG_A256KW;
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 1);
}

static int64_t now_unix_s(void)
{
    return kpi_unix_s(&client.clock.clock);
}

static void key_that_does_not_allow_it_is_left_to_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_request forget = client_request(KP_OP_UPDATE);
    (void)state;
    for (int i = 0; i < 7; i++) {
        tell_of(rsa);
        switch (i) {
        case 0:
            told.flags = 0;
            break;
        case 1:
            told.key_ops = KP_KEY_OP_ENCRYPT | KP_KEY_OP_UNWRAP;
            break;
        case 2:
            told.not_before_unix_s = now_unix_s() + 1;
            break;
        case 3:
            told.expires_unix_s = now_unix_s();
            break;
        case 4:
            told.kty = KP_KTY_OCT;
            break;
        case 5:
            told.n = span_of("no modulus");
            break;
        default:
            tell_of(ec); /* no RSA algorithm fits it */
            break;
        }
        uint32_t before = n_asked();
        expect_question();
        script_push(script, (struct script_act){0});
        assert_false(is_local(&request));
        assert_int_equal(n_asked(), before + 2); /* asked about it, then asked to do it */
        script_push(script, (struct script_act){0});
        assert_int_equal(client_do(vault, &forget), KP_OK);
    }
    tell_of(rsa);
    told.not_before_unix_s = now_unix_s();
    told.expires_unix_s = now_unix_s() + 1;
    expect_question();
    assert_true(is_local(&request));
}

static void key_that_expires_meanwhile_is_used_here_no_more(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    told.expires_unix_s = now_unix_s() + 60;
    expect_question();
    assert_true(is_local(&request));
    client_move(&client, 59000);
    assert_true(is_local(&request));
    client_move(&client, 1000);
    assert_false(is_local(&request));
}

static void metadata_too_old_is_asked_for_again(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    expect_question();
    assert_true(is_local(&request));
    client_move(&client, 300000);
    told.flags = 0; /* disabled meanwhile */
    expect_question();
    script_push(script, (struct script_act){0});
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 3);
}

static void change_of_the_key_is_noticed_at_once(void **state)
{
    struct kp_request request = client_wrap();
    struct kp_request update = client_request(KP_OP_UPDATE);
    (void)state;
    expect_question();
    assert_true(is_local(&request));
    script_push(script, (struct script_act){0});
    assert_int_equal(client_do(vault, &update), KP_OK);
    told.flags = 0;
    expect_question();
    script_push(script, (struct script_act){0});
    assert_false(is_local(&request));
}

static void metadata_of_another_version_is_not_used(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    told_version = "2";
    expect_question();
    script_push(script, (struct script_act){0});
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 2);
}

static void question_that_fails_leaves_it_to_the_vault(void **state)
{
    struct kp_request request = client_wrap();
    (void)state;
    script_push(script, (struct script_act){.status = KP_FORBIDDEN});
    script_push(script, (struct script_act){0});
    assert_false(is_local(&request));
    assert_int_equal(n_asked(), 2);
}

static int make_keys(void **state)
{
    (void)state;
    rsa = vec_new_key(KP_KTY_RSA, 2048, 0);
    ec = vec_new_key(KP_KTY_EC, 0, KP_CURVE_P256);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    kpc_key_release(rsa);
    kpc_key_release(ec);
    return 0;
}

#define TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrap_and_encrypt_are_computed_here_and_the_private_key_undoes_them, begin),
        TEST(good_and_bad_signatures_are_told_apart_here, begin),
        TEST(many_at_once_share_one_question, begin),
        TEST(local_failure_is_told_and_says_nothing_about_the_vault, begin),
        TEST(nothing_is_computed_here_unless_asked_for, begin_off),
        TEST(what_needs_the_private_part_goes_to_the_vault, begin),
        TEST(unpinned_version_goes_to_the_vault, begin),
        TEST(oct_algorithms_go_to_the_vault, begin),
        TEST(key_that_does_not_allow_it_is_left_to_the_vault, begin),
        TEST(key_that_expires_meanwhile_is_used_here_no_more, begin),
        TEST(metadata_too_old_is_asked_for_again, begin),
        TEST(change_of_the_key_is_noticed_at_once, begin),
        TEST(metadata_of_another_version_is_not_used, begin),
        TEST(question_that_fails_leaves_it_to_the_vault, begin),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
