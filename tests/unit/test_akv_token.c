/* Getting, sharing, renewing and losing tokens, seen through the plugin's table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-keyvault/azure_keyvault.h"
#include "support/fake_azure.h"

#define N_WAITERS 64
#define SECRET_VALUE "another-secret"

static struct fake_azure *new_azure(void)
{
    static struct fake_azure azure;
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    assert_int_equal(fake_azure_open(&azure, fake_secret_settings), KP_OK);
    assert_int_equal(azure.host.n_opened, 1);
    return &azure;
}

static kp_status wrap_once(struct fake_azure *azure)
{
    struct kp_request request;
    struct fake_result result;
    fake_azure_wrap(&request);
    kp_status st = fake_host_call(&azure->host, &request, &result);
    fake_result_clear(&result);
    return st;
}

static void submit_wrap(struct fake_azure *azure, struct fake_result *result, kp_op_id *ret_id)
{
    struct kp_request request;
    fake_azure_wrap(&request);
    assert_int_equal(fake_host_submit(&azure->host, &request, 60000, result, ret_id), KP_OK);
}

/* ---- The first request ---- */

static void first_request_probes_then_logs_in_then_sends(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request;
    struct fake_result result;
    (void)state;
    fake_azure_wrap(&request);
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_OK);
    assert_int_equal(azure->n[FAKE_PROBE], 1);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    assert_int_equal(azure->n[FAKE_KEYS], 1);
    assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
    assert_string_equal(azure->last_url[FAKE_TOKEN],
                        "https://login.microsoftonline.com/" FAKE_TENANT "/oauth2/v2.0/token");
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "scope=https%3A%2F%2Fvault.azure.net"));
    assert_true(kpb_span_eq_str(result.reply.version, FAKE_VERSION));
    assert_int_equal(result.reply.value.len, 256);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void second_request_sends_only_itself(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_PROBE], 1);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    fake_azure_clear(azure);
}

/* ---- Many at once ---- */

static void sixty_four_waiters_share_one_fetch(void **state)
{
    struct fake_azure *azure = new_azure();
    static struct fake_result results[N_WAITERS];
    kp_op_id ids[N_WAITERS];
    (void)state;
    for (size_t i = 0; i < N_WAITERS; i++)
        submit_wrap(azure, &results[i], &ids[i]);
    fake_host_drain(&azure->host);
    for (size_t i = 0; i < N_WAITERS; i++) {
        assert_true(fake_host_is_over(&azure->host, ids[i]));
        assert_int_equal(results[i].status, KP_OK);
        fake_result_clear(&results[i]);
    }
    assert_int_equal(azure->n[FAKE_PROBE], 1);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    assert_int_equal(azure->n[FAKE_KEYS], N_WAITERS);
    fake_azure_clear(azure);
}

static void failure_reaches_all_waiters_and_is_not_kept(void **state)
{
    struct fake_azure *azure = new_azure();
    static struct fake_result results[N_WAITERS];
    const struct fake_azure_step refused = {
        .part = FAKE_TOKEN,
        .http_status = 401,
        .body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: x\","
                "\"error_codes\":[7000215]}"};
    kp_op_id id;
    (void)state;
    fake_azure_then(azure, &refused);
    for (size_t i = 0; i < N_WAITERS; i++)
        submit_wrap(azure, &results[i], &id);
    fake_host_drain(&azure->host);
    for (size_t i = 0; i < N_WAITERS; i++) {
        assert_int_equal(results[i].status, KP_AUTH);
        assert_int_equal(results[i].error.code, KP_CODE_ErrorGetTokenBadCredentials);
        assert_int_equal(results[i].error.exposure, KP_NOT_SENT);
        fake_result_clear(&results[i]);
    }
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    fake_azure_clear(azure);
}

static void first_waiter_that_cancels_takes_nobody_with_it(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result first;
    struct fake_result second;
    kp_op_id ids[2];
    (void)state;
    azure->is_holding_tokens = true;
    submit_wrap(azure, &first, &ids[0]);
    submit_wrap(azure, &second, &ids[1]);
    fake_host_settle(&azure->host);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    fake_host_cancel(&azure->host, ids[0]);
    assert_true(fake_host_is_over(&azure->host, ids[0]));
    assert_int_equal(first.status, KP_CANCELED);
    assert_int_equal(azure->host.n_http_canceled, 0);
    azure->is_holding_tokens = false;
    fake_host_release(&azure->host);
    fake_host_drain(&azure->host);
    assert_int_equal(second.status, KP_OK);
    assert_int_equal(azure->n_tokens, 1);
    fake_result_clear(&first);
    fake_result_clear(&second);
    fake_azure_clear(azure);
}

static void fetch_without_an_answer_ends_at_its_own_limit(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    azure->is_holding_tokens = true;
    submit_wrap(azure, &result, &id);
    uint64_t before_ns = azure->host.now_ns;
    fake_host_drain(&azure->host);
    assert_int_equal(result.status, KP_TRANSIENT);
    assert_int_equal((azure->host.now_ns - before_ns) / 1000000000u, 30);
    azure->is_holding_tokens = false;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* ---- Time ---- */

static void token_past_its_life_is_fetched_again(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_host_advance_s(&azure->host, 3601);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_PROBE], 1);
    fake_azure_clear(azure);
}

static void token_near_its_end_is_renewed_while_it_still_serves(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result result;
    kp_op_id id;
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_host_advance_s(&azure->host, 3600 - 200);
    azure->is_holding_tokens = true;
    submit_wrap(azure, &result, &id);
    fake_host_settle(&azure->host);
    assert_int_equal(result.status, KP_OK); /* the old token, without waiting for the new one */
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    fake_result_clear(&result);
    assert_int_equal(azure->n_tokens, 1);
    azure->is_holding_tokens = false;
    fake_host_release(&azure->host);
    fake_host_settle(&azure->host);
    assert_int_equal(azure->n_tokens, 2);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n_tokens, 2);
    fake_azure_clear(azure);
}

static void old_token_stays_while_its_renewal_fails(void **state)
{
    struct fake_azure *azure = new_azure();
    const struct fake_azure_step busy = {
        .part = FAKE_TOKEN, .http_status = 503, .body = "{\"error\":\"temporarily_unavailable\"}"};
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_host_advance_s(&azure->host, 3600 - 200);
    fake_azure_then(azure, &busy);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n_tokens, 1);
    assert_true(azure->host.n_logs > 0);
    assert_int_equal(wrap_once(azure), KP_OK); /* the next try waits a while */
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    fake_host_advance_s(&azure->host, 31);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n_tokens, 2);
    fake_azure_clear(azure);
}

static void token_that_is_over_on_arrival_serves_who_waited_and_ends(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    azure->expires_in_s = 1;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_host_advance_s(&azure->host, 2);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    fake_azure_clear(azure);
}

/* ---- 401 ---- */

static void later_401_is_answered_once_with_a_fresh_token(void **state)
{
    struct fake_azure *azure = new_azure();
    const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_azure_then(azure, &refuse);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    fake_azure_clear(azure);
}

static void second_401_in_a_row_is_the_answer(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request;
    struct fake_result result;
    const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
    (void)state;
    fake_azure_then(azure, &refuse);
    fake_azure_then(azure, &refuse);
    fake_azure_wrap(&request);
    assert_int_equal(fake_host_call(&azure->host, &request, &result), KP_AUTH);
    assert_int_equal(result.error.code, KP_CODE_ErrorGetTokenRejected);
    assert_int_equal(result.error.http_status, 401);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

static void many_401_for_one_token_cause_one_fetch(void **state)
{
    struct fake_azure *azure = new_azure();
    static struct fake_result results[N_WAITERS];
    kp_op_id id;
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    (void)snprintf(azure->bearer, sizeof azure->bearer, "refused");
    for (size_t i = 0; i < N_WAITERS; i++)
        submit_wrap(azure, &results[i], &id);
    fake_host_drain(&azure->host);
    for (size_t i = 0; i < N_WAITERS; i++) {
        assert_int_equal(results[i].status, KP_OK);
        fake_result_clear(&results[i]);
    }
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_KEYS], 1 + 2 * N_WAITERS);
    fake_azure_clear(azure);
}

static void claims_of_a_challenge_go_into_the_next_token_request(void **state)
{
    struct fake_azure *azure = new_azure();
    /* {"access_token":{"nbf":{"essential":true,"value":"1700000000"}}} */
    const struct fake_azure_step cae = {
        .part = FAKE_KEYS,
        .http_status = 401,
        .body = "{}",
        .header = "WWW-Authenticate",
        .value = "Bearer realm=\"\", authorization_uri=\"https://login.evil.example/common\", "
                 "error=\"insufficient_claims\", "
                 "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzA"
                 "wMDAwMDAwIn19fQ==\""};
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    fake_azure_then(azure, &cae);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "1700000000"));
    fake_azure_clear(azure);
}

static void then_claims(struct fake_azure *azure, const char *challenge)
{
    const struct fake_azure_step cae = {.part = FAKE_KEYS,
                                        .http_status = 401,
                                        .body = "{}",
                                        .header = "WWW-Authenticate",
                                        .value = challenge};
    fake_azure_then(azure, &cae);
}

static void second_challenge_for_claims_in_a_row_is_the_answer(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"eyJhIjp7fX0=\"");
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"eyJiIjp7fX0=\"");
    assert_int_equal(wrap_once(azure), KP_AUTH);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_int_equal(azure->n[FAKE_KEYS], 2);
    fake_azure_clear(azure);
}

/* The fresh token that an ordinary challenge led to may be the first one to lack claims. */
static void claims_may_be_asked_for_after_an_ordinary_refusal(void **state)
{
    struct fake_azure *azure = new_azure();
    const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
    (void)state;
    fake_azure_then(azure, &refuse);
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"eyJhIjp7fX0=\"");
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 3);
    assert_int_equal(azure->n[FAKE_KEYS], 3);
    fake_azure_clear(azure);
}

/* No more than two fresh tokens, in whatever order they are refused. */
static void third_401_of_any_kind_is_the_answer(void **state)
{
    struct fake_azure *azure = new_azure();
    const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
    (void)state;
    fake_azure_then(azure, &refuse);
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"eyJhIjp7fX0=\"");
    fake_azure_then(azure, &refuse);
    assert_int_equal(wrap_once(azure), KP_AUTH);
    assert_int_equal(azure->n[FAKE_TOKEN], 3);
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"eyJhIjp7fX0=\"");
    fake_azure_then(azure, &refuse);
    assert_int_equal(wrap_once(azure), KP_AUTH);
    fake_azure_clear(azure);
}

/* Claims and an address of its own in one challenge: the address does not count. */
static void claims_that_are_none_or_come_with_an_address_send_nothing_there(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    then_claims(azure, "Bearer error=\"insufficient_claims\", claims=\"!\"");
    assert_int_equal(wrap_once(azure), KP_PROTOCOL);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    then_claims(azure, "Bearer authorization=\"https://login.evil.example/" FAKE_TENANT
                       "\", resource=\"https://evil.example\", error=\"insufficient_claims\", "
                       "claims=\"eyJhIjp7fX0=\"");
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_string_equal(azure->last_url[FAKE_TOKEN],
                        "https://login.microsoftonline.com/" FAKE_TENANT "/oauth2/v2.0/token");
    assert_int_equal(azure->n[FAKE_ELSEWHERE], 0);
    fake_azure_clear(azure);
}

/* ---- Reload ---- */

static void reload_with_another_secret_forgets_the_token(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.secret", SECRET_VALUE,
                                 NULL};
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(fake_azure_reload(azure, pairs), KP_OK);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 2);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], SECRET_VALUE));
    fake_azure_clear(azure);
}

static void reload_during_a_fetch_serves_later_waiters_with_the_new_secret(void **state)
{
    struct fake_azure *azure = new_azure();
    struct fake_result results[2];
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.secret", SECRET_VALUE,
                                 NULL};
    kp_op_id ids[2];
    (void)state;
    azure->is_holding_tokens = true;
    submit_wrap(azure, &results[0], &ids[0]);
    fake_host_settle(&azure->host);
    assert_int_equal(fake_azure_reload(azure, pairs), KP_OK);
    submit_wrap(azure, &results[1], &ids[1]);
    azure->is_holding_tokens = false;
    fake_host_release(&azure->host);
    fake_host_drain(&azure->host);
    assert_int_equal(results[0].status, KP_OK);
    assert_int_equal(results[1].status, KP_OK);
    assert_int_equal(azure->n_tokens, 2);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], SECRET_VALUE));
    fake_result_clear(&results[0]);
    fake_result_clear(&results[1]);
    fake_azure_clear(azure);
}

static void reload_that_is_wrong_changes_nothing(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {"identity.client_id", "no-guid", "identity.secret", SECRET_VALUE,
                                 NULL};
    (void)state;
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(fake_azure_reload(azure, pairs), KP_CONFIG);
    assert_int_equal(wrap_once(azure), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    fake_azure_clear(azure);
}

/* ---- Several vaults ---- */

/* A second vault, whose server takes the first one's token. */
static struct fake_azure *second_azure(const char *const *pairs)
{
    static struct fake_azure azure;
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    assert_int_equal(fake_azure_open(&azure, pairs), KP_OK);
    (void)snprintf(azure.bearer, sizeof azure.bearer, "token-1");
    return &azure;
}

static void same_identity_at_two_vaults_fetches_one_token(void **state)
{
    struct fake_azure *first = new_azure();
    struct fake_azure *second = second_azure(fake_secret_settings);
    (void)state;
    assert_int_equal(wrap_once(first), KP_OK);
    assert_int_equal(wrap_once(second), KP_OK);
    assert_int_equal(second->n[FAKE_PROBE], 1);
    assert_int_equal(second->n[FAKE_TOKEN], 0);
    fake_azure_clear(second);
    fake_azure_clear(first);
}

/* Two vaults whose first operations meet: the first one's request for a token is held. */
static struct fake_azure *two_at_once(struct fake_azure *first, struct fake_result results[2],
                                      kp_op_id ids[2])
{
    struct fake_azure *second = second_azure(fake_secret_settings);
    first->is_holding_tokens = true;
    submit_wrap(first, &results[0], &ids[0]);
    fake_host_settle(&first->host);
    assert_int_equal(first->n[FAKE_TOKEN], 1);
    submit_wrap(second, &results[1], &ids[1]);
    fake_host_settle(&second->host);
    for (int i = 0; i < 20; i++) /* it looks, and looks again */
        (void)fake_host_step(&second->host);
    assert_false(fake_host_is_over(&second->host, ids[1]));
    assert_int_equal(second->n[FAKE_TOKEN], 0);
    return second;
}

static void end_both(struct fake_azure *first, struct fake_azure *second,
                     struct fake_result results[2])
{
    for (int i = 0; i < 2; i++)
        fake_result_clear(&results[i]);
    fake_azure_clear(second);
    fake_azure_clear(first);
}

static void two_vaults_that_need_a_token_at_once_share_one_fetch(void **state)
{
    struct fake_azure *first = new_azure();
    static struct fake_result results[2];
    kp_op_id ids[2];
    (void)state;
    struct fake_azure *second = two_at_once(first, results, ids);
    first->is_holding_tokens = false;
    fake_host_release(&first->host);
    fake_host_drain(&first->host);
    fake_host_drain(&second->host);
    assert_int_equal(results[0].status, KP_OK);
    assert_int_equal(results[1].status, KP_OK);
    assert_int_equal(first->n_tokens, 1);
    assert_int_equal(second->n[FAKE_TOKEN], 0);
    end_both(first, second, results);
}

static void failure_reaches_the_other_vault_too_and_is_not_kept(void **state)
{
    struct fake_azure *first = new_azure();
    static struct fake_result results[2];
    const struct fake_azure_step refused = {
        .part = FAKE_TOKEN,
        .http_status = 401,
        .body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: x\","
                "\"error_codes\":[7000215]}"};
    kp_op_id ids[2];
    (void)state;
    struct fake_azure *second = two_at_once(first, results, ids);
    first->is_holding_tokens = false;
    fake_azure_then(first, &refused);
    fake_host_release(&first->host);
    fake_host_drain(&first->host);
    fake_host_drain(&second->host);
    assert_int_equal(results[0].status, KP_AUTH);
    assert_int_equal(results[1].status, KP_AUTH);
    assert_int_equal(results[1].error.code, KP_CODE_ErrorGetTokenBadCredentials);
    assert_int_equal(second->n[FAKE_TOKEN], 0);
    assert_int_equal(wrap_once(second), KP_OK);
    assert_int_equal(second->n[FAKE_TOKEN], 1);
    end_both(first, second, results);
}

static void vault_that_closes_leaves_the_fetch_to_the_other(void **state)
{
    struct fake_azure *first = new_azure();
    static struct fake_result results[2];
    kp_op_id ids[2];
    (void)state;
    struct fake_azure *second = two_at_once(first, results, ids);
    fake_host_cancel(&first->host, ids[0]);
    fake_host_settle(&first->host);
    fake_host_close(&first->host);
    (void)snprintf(second->bearer, sizeof second->bearer, "%s", "");
    fake_host_drain(&second->host);
    assert_int_equal(results[1].status, KP_OK);
    assert_int_equal(second->n[FAKE_TOKEN], 1);
    end_both(first, second, results);
}

static void fetch_that_got_no_answer_in_time_is_begun_by_the_other(void **state)
{
    struct fake_azure *first = new_azure();
    static struct fake_result results[2];
    kp_op_id ids[2];
    (void)state;
    struct fake_azure *second = two_at_once(first, results, ids);
    fake_host_drain(&first->host); /* until its limit */
    assert_int_equal(results[0].status, KP_TRANSIENT);
    fake_host_drain(&second->host);
    assert_int_equal(results[1].status, KP_OK);
    assert_int_equal(second->n[FAKE_TOKEN], 1);
    first->is_holding_tokens = false;
    end_both(first, second, results);
}

static void wrong_secret_finds_nobodys_token(void **state)
{
    struct fake_azure *first = new_azure();
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.secret", SECRET_VALUE,
                                 NULL};
    struct fake_azure *second = second_azure(pairs);
    (void)state;
    assert_int_equal(wrap_once(first), KP_OK);
    assert_int_equal(wrap_once(second), KP_OK);
    assert_int_equal(second->n[FAKE_TOKEN], 1);
    fake_azure_clear(second);
    fake_azure_clear(first);
}

static void refused_token_is_not_shared_any_more(void **state)
{
    struct fake_azure *first = new_azure();
    struct fake_azure *second = second_azure(fake_secret_settings);
    const struct fake_azure_step refuse = {.part = FAKE_KEYS, .refuse_token = true};
    (void)state;
    assert_int_equal(wrap_once(first), KP_OK);
    fake_azure_then(second, &refuse);
    assert_int_equal(wrap_once(second), KP_OK);
    assert_int_equal(second->n[FAKE_TOKEN], 1);
    fake_azure_clear(second);
    fake_azure_clear(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_request_probes_then_logs_in_then_sends),
        cmocka_unit_test(second_request_sends_only_itself),
        cmocka_unit_test(sixty_four_waiters_share_one_fetch),
        cmocka_unit_test(failure_reaches_all_waiters_and_is_not_kept),
        cmocka_unit_test(first_waiter_that_cancels_takes_nobody_with_it),
        cmocka_unit_test(fetch_without_an_answer_ends_at_its_own_limit),
        cmocka_unit_test(token_past_its_life_is_fetched_again),
        cmocka_unit_test(token_near_its_end_is_renewed_while_it_still_serves),
        cmocka_unit_test(old_token_stays_while_its_renewal_fails),
        cmocka_unit_test(token_that_is_over_on_arrival_serves_who_waited_and_ends),
        cmocka_unit_test(later_401_is_answered_once_with_a_fresh_token),
        cmocka_unit_test(second_401_in_a_row_is_the_answer),
        cmocka_unit_test(many_401_for_one_token_cause_one_fetch),
        cmocka_unit_test(claims_of_a_challenge_go_into_the_next_token_request),
        cmocka_unit_test(second_challenge_for_claims_in_a_row_is_the_answer),
        cmocka_unit_test(claims_may_be_asked_for_after_an_ordinary_refusal),
        cmocka_unit_test(third_401_of_any_kind_is_the_answer),
        cmocka_unit_test(claims_that_are_none_or_come_with_an_address_send_nothing_there),
        cmocka_unit_test(reload_with_another_secret_forgets_the_token),
        cmocka_unit_test(reload_during_a_fetch_serves_later_waiters_with_the_new_secret),
        cmocka_unit_test(reload_that_is_wrong_changes_nothing),
        cmocka_unit_test(same_identity_at_two_vaults_fetches_one_token),
        cmocka_unit_test(two_vaults_that_need_a_token_at_once_share_one_fetch),
        cmocka_unit_test(failure_reaches_the_other_vault_too_and_is_not_kept),
        cmocka_unit_test(vault_that_closes_leaves_the_fetch_to_the_other),
        cmocka_unit_test(fetch_that_got_no_answer_in_time_is_begun_by_the_other),
        cmocka_unit_test(wrong_secret_finds_nobodys_token),
        cmocka_unit_test(refused_token_is_not_shared_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
