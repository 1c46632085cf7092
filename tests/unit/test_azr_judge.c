#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/hint.h"
#include "plugins/azure-rest/http_date.h"
#include "plugins/azure-rest/judge.h"

#define BASE "https://app.vault.azure.net"

/* ---- Judging a reply ---- */

struct judged {
    struct kp_request request;
    struct kp_http_header headers[4];
    struct kp_http_reply reply;
    struct azr_exchange exchange;
    struct kp_error err;
    enum azr_trouble trouble;
};

static kp_status judge(struct judged *j, uint32_t op, uint32_t http_status, const char *body)
{
    j->request.struct_size = sizeof j->request;
    j->request.op = op;
    j->request.name = kpb_span_str("master");
    j->reply.struct_size = sizeof j->reply;
    j->reply.http_status = http_status;
    j->reply.body = kpb_span_str(body);
    j->reply.headers = j->headers;
    j->exchange.base = BASE;
    j->exchange.request = &j->request;
    return azr_judge(&j->exchange, &j->reply, &j->trouble, &j->err);
}

static void add_header(struct judged *j, const char *name, const char *value)
{
    struct kp_http_header *header = &j->headers[j->reply.n_headers++];
    header->name = kpb_span_str(name);
    header->value = kpb_span_str(value);
}

#define ERROR_BODY(code, inner)                                                                    \
    "{\"error\":{\"code\":\"" code                                                                 \
    "\",\"message\":\"secret words\",\"innererror\":{\"code\":\"" inner "\"}}}"

struct expected {
    uint32_t op;
    uint32_t http_status;
    const char *body;
    kp_status status;
    uint32_t code;
    enum kp_exposure exposure;
    enum azr_trouble trouble;
    const char *says;
};

static const struct expected CASES[] = {
    {KP_OP_WRAP, 401, "", KP_AUTH, 3108, KP_ANSWERED_REFUSED, AZR_TROUBLE_TOKEN, "token"},
    {KP_OP_WRAP, 403, ERROR_BODY("Forbidden", "ForbiddenByRbac"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "role"},
    {KP_OP_WRAP, 403, ERROR_BODY("Forbidden", "ForbiddenByPolicy"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "access policy"},
    {KP_OP_WRAP, 403, ERROR_BODY("Forbidden", "AccessDenied"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "access policy"},
    {KP_OP_WRAP, 403, ERROR_BODY("Forbidden", "ForbiddenByFirewall"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "firewall"},
    {KP_OP_WRAP, 403, ERROR_BODY("Forbidden", "ForbiddenByConnection"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "private link"},
    {KP_OP_SIGN, 403, ERROR_BODY("Forbidden", "KeyOperationForbidden"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "key_ops"},
    {KP_OP_SIGN, 403, ERROR_BODY("Forbidden", "KeyDisabled"), KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "disabled"},
    {KP_OP_UNWRAP, 403, "{\"error\":{\"code\":\"AccessDenied\"}}", KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "local role"},
    {KP_OP_PURGE, 403, "{\"error\":{\"code\":\"Forbidden\"}}", KP_FORBIDDEN, 3113,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN, "purge protection"},
    {KP_OP_SIGN, 403, "{\"error\":null}", KP_FORBIDDEN, 3113, KP_ANSWERED_REFUSED,
     AZR_TROUBLE_FORBIDDEN, "dates"},
    {KP_OP_LIST_KEYS, 403, "<html>", KP_FORBIDDEN, 3113, KP_ANSWERED_REFUSED, AZR_TROUBLE_FORBIDDEN,
     "permission"},
    {KP_OP_GET_KEY, 404, "{\"error\":{\"code\":\"KeyNotFound\"}}", KP_NOT_FOUND, 3112,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_NOT_FOUND, "no such key"},
    {KP_OP_RECOVER, 404, "{\"error\":{\"code\":\"KeyNotFound\"}}", KP_NOT_FOUND, 3112,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_NOT_FOUND, "no deleted key"},
    {KP_OP_RANDOM, 404, "", KP_UNSUPPORTED, 3110, KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER,
     "Managed HSM"},
    {KP_OP_ATTEST, 405, "", KP_UNSUPPORTED, 3110, KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER,
     "api_version"},
    {KP_OP_WRAP, 408, "", KP_TRANSIENT, 3110, KP_ANSWERED, AZR_TROUBLE_PASSING, "repeat"},
    {KP_OP_CREATE, 409, ERROR_BODY("Conflict", "ObjectIsBeingDeleted"), KP_CONFLICT, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_BEING_DELETED, "being deleted"},
    {KP_OP_CREATE, 409, ERROR_BODY("Conflict", "ObjectIsDeletedButRecoverable"), KP_CONFLICT, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_DELETED_RECOVERABLE, "recover it"},
    {KP_OP_RESTORE, 409, "{\"error\":{\"code\":\"Conflict\"}}", KP_CONFLICT, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_NAME_TAKEN, "purge it"},
    {KP_OP_UPDATE, 409, "", KP_CONFLICT, 3110, KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "state"},
    {KP_OP_RESTORE, 400, "{\"error\":{\"code\":\"Malformed backup blob\"}}", KP_INTEGRITY, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "geography"},
    {KP_OP_RESTORE, 400, "{\"error\":{\"code\":\"MalformedBackupBlob\"}}", KP_INTEGRITY, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "security domain"},
    {KP_OP_RESTORE, 400, "{\"error\":{\"code\":\"BadParameter\"}}", KP_USAGE, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "no backup"},
    {KP_OP_WRAP, 400, "{\"error\":{\"code\":\"BadParameter\"}}", KP_USAGE, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "algorithm"},
    {KP_OP_CREATE, 400, "{\"error\":{\"code\":\"BadParameter\"}}", KP_USAGE, 3110,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "parameter"},
    {KP_OP_CREATE, 413, "", KP_USAGE, 3110, KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "large"},
    {KP_OP_CREATE, 429, "{\"error\":{\"code\":\"Throttled\"}}", KP_THROTTLED, 3109,
     KP_ANSWERED_REFUSED, AZR_TROUBLE_THROTTLED, "too many"},
    {KP_OP_CREATE, 418, "", KP_USAGE, 3110, KP_ANSWERED_REFUSED, AZR_TROUBLE_OTHER, "as it is"},
    {KP_OP_CREATE, 500, "", KP_TRANSIENT, 3111, KP_ANSWERED, AZR_TROUBLE_PASSING, "repeat"},
    {KP_OP_CREATE, 502, "", KP_TRANSIENT, 3111, KP_ANSWERED, AZR_TROUBLE_PASSING, "repeat"},
    {KP_OP_CREATE, 503, "{\"error\":{\"code\":\"ServiceUnavailable\"}}", KP_TRANSIENT, 3111,
     KP_ANSWERED, AZR_TROUBLE_PASSING, "repeat"},
    {KP_OP_CREATE, 504, "", KP_TRANSIENT, 3111, KP_ANSWERED, AZR_TROUBLE_PASSING, "repeat"},
    {KP_OP_CREATE, 501, "", KP_VAULT, 3111, KP_ANSWERED, AZR_TROUBLE_OTHER, "at all"},
    {KP_OP_CREATE, 505, "", KP_VAULT, 3111, KP_ANSWERED, AZR_TROUBLE_OTHER, "version of HTTP"},
    {KP_OP_CREATE, 302, "", KP_PROTOCOL, 3001, KP_ANSWERED, AZR_TROUBLE_OTHER, "redirect"},
    {KP_OP_CREATE, 207, "", KP_PROTOCOL, 3001, KP_ANSWERED, AZR_TROUBLE_OTHER, "no vault"},
    {KP_OP_CREATE, 0, "", KP_PROTOCOL, 3001, KP_ANSWERED, AZR_TROUBLE_OTHER, "no vault"},
};

#define N_CASES (sizeof CASES / sizeof CASES[0])

static void assert_judged(const struct expected *e)
{
    struct judged j = {0};
    kp_status st = judge(&j, e->op, e->http_status, e->body);
    if (st != e->status || j.err.code != e->code || !strstr(j.err.text, e->says))
        fail_msg("%s, HTTP %u, %s: %s, %u, %s", kp_op_text(e->op), e->http_status, e->body,
                 kp_status_text(st), j.err.code, j.err.text);
    assert_int_equal(j.err.status, e->status);
    assert_int_equal(j.err.exposure, e->exposure);
    assert_int_equal(j.trouble, e->trouble);
    assert_int_equal(j.err.http_status, e->http_status);
    assert_true(j.err.retry_after_ms == KP_NO_RETRY_HINT);
    assert_null(strstr(j.err.text, "secret words"));
    assert_non_null(strstr(j.err.text, "app.vault.azure.net"));
}

static void judge_each_refusal_gets_class_number_exposure_and_advice(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++)
        assert_judged(&CASES[i]);
}

/* ---- Every row is reached ---- */

static bool row_fits(const struct azr_verdict *row, const struct expected *e)
{
    struct azr_service_error error;
    azr_service_error_read(kpb_span_str(e->body), &error);
    return e->http_status >= row->http_from && e->http_status <= row->http_to &&
           (!row->code || strcmp(row->code, error.code) == 0) &&
           (!row->inner || strcmp(row->inner, error.inner) == 0) &&
           (row->ops == AZR_ANY_OP || (row->ops & KP_OP_BIT(e->op)));
}

static void judge_every_row_of_the_table_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; azr_verdict_at(i); i++) {
        const struct azr_verdict *row = azr_verdict_at(i);
        bool is_seen = row->fresh_only; /* the test below */
        for (size_t c = 0; c < N_CASES; c++)
            is_seen = is_seen || (row_fits(row, &CASES[c]) && strstr(row->advice, CASES[c].says));
        if (!is_seen)
            fail_msg("no case for row %zu: %s", i, row->advice);
        assert_non_null(kp_code_find(row->number));
    }
}

static void judge_401_of_a_fresh_token_is_3305(void **state)
{
    struct judged j = {.exchange = {.is_token_fresh = true}};
    (void)state;
    assert_int_equal(judge(&j, KP_OP_WRAP, 401, "OK"), KP_AUTH);
    assert_int_equal(j.err.code, 3305);
    assert_int_equal(j.trouble, AZR_TROUBLE_TOKEN);
}

static void judge_names_are_in_the_sentence_whole_or_cut(void **state)
{
    struct judged j = {0};
    char name[KP_KEY_NAME_MAX_LEN + 1];
    (void)state;
    assert_int_equal(judge(&j, KP_OP_WRAP, 404, "{\"error\":{\"code\":\"KeyNotFound\"}}"),
                     KP_NOT_FOUND);
    assert_string_equal(j.err.text,
                        "wrap of key master at app.vault.azure.net: HTTP 404 KeyNotFound: "
                        "there is no such key or version; see `kp key list`, also for "
                        "deleted ones");
    memset(name, 'n', sizeof name);
    j.request.name = kpb_span(name, KP_KEY_NAME_MAX_LEN);
    assert_int_equal(azr_judge(&j.exchange, &j.reply, NULL, &j.err), KP_NOT_FOUND);
    assert_non_null(strstr(j.err.text, "deleted ones"));
}

static void judge_without_room_for_the_error_still_gives_the_class(void **state)
{
    struct judged j = {0};
    (void)state;
    (void)judge(&j, KP_OP_WRAP, 429, "");
    assert_int_equal(azr_judge(&j.exchange, &j.reply, NULL, NULL), KP_THROTTLED);
}

/* ---- Service error codes ---- */

static void assert_codes(const char *body, const char *code, const char *inner)
{
    struct azr_service_error error;
    azr_service_error_read(kpb_span_str(body), &error);
    assert_string_equal(error.code, code);
    assert_string_equal(error.inner, inner);
}

static void service_error_codes_are_read_to_the_deepest(void **state)
{
    (void)state;
    assert_codes("{\"error\":{\"code\":\"A\",\"innererror\":{\"code\":\"B\",\"innererror\":{"
                 "\"code\":\"C\"}}}}",
                 "A", "C");
    assert_codes("{\"error\":{\"code\":\"A\",\"innererror\":null}}", "A", "");
    assert_codes("{\"error\":{\"code\":\"A\",\"innererror\":{}}}", "A", "");
}

static void service_error_of_anything_else_has_no_codes(void **state)
{
    static const char *const BODIES[] = {"",
                                         "OK",
                                         "[]",
                                         "null",
                                         "{}",
                                         "{\"error\":null}",
                                         "{\"error\":\"text\"}",
                                         "{\"error\":{\"code\":7}}",
                                         "{\"error\":{\"code\":\"\"}}",
                                         "{\"error\":{\"code\":\"a\\u0041\"}}",
                                         "{\"error\":{\"code\":\"a\xc3\xa4\"}}",
                                         "{\"error\":{\"code\":\"A\"",
                                         "<html><body>502</body></html>"};
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
        assert_codes(BODIES[i], "", "");
    assert_codes("{\"error\":{\"code\":\""
                 "0123456789012345678901234567890123456789012345678901234567890123\"}}",
                 "", "");
}

/* ---- Headers ---- */

static uint64_t hint_of(const char *name, const char *value, int64_t now)
{
    struct judged j = {0};
    add_header(&j, name, value);
    j.exchange.now_unix_s = now;
    (void)judge(&j, KP_OP_WRAP, 429, "");
    return j.err.retry_after_ms;
}

static void hint_is_read_in_each_form(void **state)
{
    (void)state;
    assert_int_equal(hint_of("Retry-After", "3", 0), 3000);
    assert_int_equal(hint_of("retry-after-ms", "250", 0), 250);
    assert_int_equal(hint_of("x-ms-retry-after-ms", "1500", 0), 1500);
    assert_int_equal(hint_of("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", 784111770), 7000);
    assert_int_equal(hint_of("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777), 0);
    assert_int_equal(hint_of("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT", 784111800), 0);
    assert_int_equal(hint_of("Retry-After", "Sunday, 06-Nov-94 08:49:37 GMT", 784111770), 7000);
    assert_int_equal(hint_of("Retry-After", "Sun Nov  6 08:49:37 1994", 784111770), 7000);
}

static void hint_beyond_an_hour_is_an_hour(void **state)
{
    (void)state;
    assert_int_equal(hint_of("Retry-After", "999999999999", 0), 3600000);
    assert_int_equal(hint_of("retry-after-ms", "999999999999", 0), 3600000);
    assert_int_equal(hint_of("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT", INT64_MIN / 2),
                     3600000);
}

static void hint_that_is_none_is_not_one(void **state)
{
    static const char *const VALUES[] = {"",
                                         "-1",
                                         "3.5",
                                         "soon",
                                         "0x10",
                                         "9999999999999",
                                         "Sun, 06 Nov 1994 08:49:37",
                                         "Sun, 32 Nov 1994 08:49:37 GMT"};
    (void)state;
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++)
        assert_true(hint_of("Retry-After", VALUES[i], 0) == KP_NO_RETRY_HINT);
}

/* Several of them: milliseconds say more than seconds do, and the first of a kind counts. */
static void hint_is_one_of_several(void **state)
{
    static const struct {
        const char *first[2];
        const char *second[2];
        uint64_t hint;
    } rows[] = {
        {{"Retry-After", "3"}, {"Retry-After", "7"}, 3000},
        {{"Retry-After", "soon"}, {"Retry-After", "7"}, KP_NO_RETRY_HINT},
        {{"Retry-After", "3"}, {"retry-after-ms", "250"}, 250},
        {{"retry-after-ms", "-250"}, {"Retry-After", "3"}, 3000},
        {{"retry-after-ms", "0"}, {"Retry-After", "3"}, 0},
        {{"x-ms-retry-after-ms", "1500"}, {"retry-after-ms", "250"}, 250},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct judged j = {0};
        add_header(&j, rows[i].first[0], rows[i].first[1]);
        add_header(&j, rows[i].second[0], rows[i].second[1]);
        assert_int_equal(judge(&j, KP_OP_WRAP, 429, ""), KP_THROTTLED);
        if (j.err.retry_after_ms != rows[i].hint)
            fail_msg("%zu: %llu", i, (unsigned long long)j.err.retry_after_ms);
    }
}

static void http_date_all_three_forms_are_the_same_moment(void **state)
{
    static const char *const TEXTS[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    int64_t at;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        at = 0;
        assert_true(azr_http_date_read(kpb_span_str(TEXTS[i]), &at));
        assert_int_equal(at, 784111777);
    }
    assert_true(azr_http_date_read(kpb_span_str("Sun Nov 16 08:49:37 1994"), &at));
    assert_int_equal(at, 784111777 + 10 * 86400);
    assert_true(azr_http_date_read(kpb_span_str("Monday, 01-Jan-29 00:00:00 GMT"), &at));
    assert_int_equal(at, 1861920000);
}

static void request_id_is_kept_only_when_it_can_be_shown(void **state)
{
    struct judged good = {0};
    struct judged bad = {0};
    (void)state;
    add_header(&good, "X-Ms-Request-Id", "e72c3512-e4eb-11eb-aac9-000d3aeb0164");
    (void)judge(&good, KP_OP_WRAP, 500, "");
    assert_string_equal(good.err.request_id, "e72c3512-e4eb-11eb-aac9-000d3aeb0164");
    add_header(&bad, "x-ms-request-id", "a b");
    add_header(&bad, "x-ms-request-id",
               "0123456789012345678901234567890123456789012345678901234567890123");
    (void)judge(&bad, KP_OP_WRAP, 500, "");
    assert_string_equal(bad.err.request_id, "");
}

static void region_that_answered_stands_in_the_sentence(void **state)
{
    struct judged good = {0};
    struct judged bad = {0};
    (void)state;
    add_header(&good, "X-Ms-Keyvault-Region", "westeurope");
    (void)judge(&good, KP_OP_WRAP, 500, "");
    assert_non_null(strstr(good.err.text, ": HTTP 500 in westeurope: it fails"));
    add_header(&bad, "x-ms-keyvault-region", "west europe");
    add_header(&bad, "x-ms-keyvault-region", "");
    add_header(&bad, "x-ms-keyvault-region", "01234567890123456789012345678901234567890");
    (void)judge(&bad, KP_OP_WRAP, 500, "");
    assert_non_null(strstr(bad.err.text, ": HTTP 500: it fails"));
}

static void service_code_is_the_services_own_word(void **state)
{
    static const char FORBIDDEN[] =
        "{\"error\":{\"code\":\"Forbidden\",\"innererror\":{\"code\":\"ForbiddenByRbac\"}}}";
    static const char LONG[] =
        "{\"error\":{\"code\":\"012345678901234567890123456789\",\"innererror\":{\"code\":"
        "\"0123456789012345678901234567890123456789\"}}}";
    struct judged j = {0};
    (void)state;
    (void)judge(&j, KP_OP_WRAP, 403, FORBIDDEN);
    assert_string_equal(j.err.service_code, "Forbidden/ForbiddenByRbac");
    (void)judge(&j, KP_OP_WRAP, 404, "{\"error\":{\"code\":\"KeyNotFound\"}}");
    assert_string_equal(j.err.service_code, "KeyNotFound");
    (void)judge(&j, KP_OP_WRAP, 403, LONG);
    assert_string_equal(j.err.service_code, "012345678901234567890123456789");
    (void)judge(&j, KP_OP_WRAP, 500, "<html>");
    assert_string_equal(j.err.service_code, "");
}

/* ---- No reply ---- */

static uint32_t silence_of(uint32_t op, uint32_t code)
{
    const struct kp_request request = {
        .struct_size = sizeof request, .op = op, .name = {(const uint8_t *)"k", 1}};
    const struct azr_exchange x = {.base = BASE, .request = &request};
    struct kp_error err;
    kp_error_init(&err);
    err.code = code;
    err.exposure = KP_MAYBE_SENT;
    assert_int_equal(azr_judge_silence(&x, KP_TRANSIENT, &err), KP_TRANSIENT);
    assert_int_equal(err.status, KP_TRANSIENT);
    assert_int_equal(err.exposure, KP_MAYBE_SENT);
    assert_non_null(strstr(err.text, kp_op_text(op)));
    return err.code;
}

static void silence_has_the_number_of_its_step(void **state)
{
    (void)state;
    assert_int_equal(silence_of(KP_OP_GET_KEY, 3107), 3403);
    assert_int_equal(silence_of(KP_OP_BACKUP, 3107), 3503);
    assert_int_equal(silence_of(KP_OP_WRAP, 3107), 3609);
    assert_int_equal(silence_of(KP_OP_UNWRAP, 3107), 3709);
    assert_int_equal(silence_of(KP_OP_LIST_KEYS, 3107), 3107);
    assert_int_equal(silence_of(KP_OP_WRAP, 3106), 3106);
    assert_int_equal(silence_of(KP_OP_WRAP, 3900), 3900);
}

static void fault_codes_are_documented_ones(void **state)
{
    (void)state;
    for (uint32_t op = 0; op <= KP_OP_MAX + 1; op++) {
        for (uint32_t fault = 0; fault < AZR_FAULTS; fault++)
            assert_non_null(kp_code_find(azr_fault_code(op, (enum azr_fault)fault)));
    }
    assert_int_equal(azr_fault_code(KP_OP_WRAP, AZR_FAULT_BODY_MEMORY), 3603);
    assert_int_equal(azr_fault_code(KP_OP_UNWRAP, AZR_FAULT_REPLY_MEMORY), 3700);
    assert_int_equal(azr_fault_code(KP_OP_GET_KEY, AZR_FAULT_URL_MEMORY), 3401);
    assert_int_equal(azr_fault_code(KP_OP_BACKUP, AZR_FAULT_NOT_JSON), 3504);
    assert_int_equal(azr_fault_code(KP_OP_GET_KEY, AZR_FAULT_HEADER_MEMORY), 3402);
    assert_int_equal(azr_fault_code(KP_OP_BACKUP, AZR_FAULT_HEADER_MEMORY), 3502);
    assert_int_equal(azr_fault_code(KP_OP_ENCRYPT, AZR_FAULT_HEADER_MEMORY), 3602);
    assert_int_equal(azr_fault_code(KP_OP_UNWRAP, AZR_FAULT_HEADER_MEMORY), 3702);
    assert_int_equal(azr_fault_code(KP_OP_LIST_KEYS, AZR_FAULT_HEADER_MEMORY), 2051);
}

/* ---- The page ---- */

static char *page_text(void)
{
    FILE *file = fopen(KP_TEST_SRC_DIR "/docs/AZURE-REST.md", "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t n = fread(text, 1, 65535, file);
    (void)fclose(file);
    assert_true(n > 0 && n < 65535);
    return text;
}

static const char *ops_text(uint64_t ops, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t op = 1; op <= KP_OP_MAX && ops != AZR_ANY_OP; op++) {
        if (ops & KP_OP_BIT(op))
            n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", kp_op_text(op));
    }
    return ops == AZR_ANY_OP ? "any" : out;
}

static void http_text(const struct azr_verdict *row, char *out, size_t cap)
{
    if (row->http_to == UINT32_MAX)
        (void)snprintf(out, cap, "other");
    else if (row->http_from == row->http_to)
        (void)snprintf(out, cap, "%u%s", row->http_from, row->fresh_only ? ", fresh token" : "");
    else
        (void)snprintf(out, cap, "%u-%u", row->http_from, row->http_to);
}

static void page_line(const struct azr_verdict *row, char *out, size_t cap)
{
    static const char *const EXPOSURES[] = {"not sent", "maybe sent", "refused", "answered"};
    char http[32];
    char ops[160];
    http_text(row, http, sizeof http);
    (void)snprintf(out, cap, "| %s | %s | %s | %s | %s | %u | %s | %s |\n", http,
                   row->code ? row->code : "", row->inner ? row->inner : "",
                   ops_text(row->ops, ops, sizeof ops), kp_status_text(row->status), row->number,
                   EXPOSURES[row->exposure], row->advice);
}

/* Prints the whole table when a line is missing, to be put into the page. */
static void page_shows_the_table_as_it_is(void **state)
{
    char line[512];
    char *text = page_text();
    size_t n_missing = 0;
    size_t n_rows = 0;
    (void)state;
    for (; azr_verdict_at(n_rows); n_rows++) {
        page_line(azr_verdict_at(n_rows), line, sizeof line);
        n_missing += strstr(text, line) == NULL;
    }
    for (size_t i = 0; n_missing > 0 && azr_verdict_at(i); i++) {
        page_line(azr_verdict_at(i), line, sizeof line);
        (void)fputs(line, stdout);
    }
    size_t n_lines = 0;
    for (const char *at = strstr(text, "\n| HTTP |"); at && at[1] == '|'; at = strchr(at + 1, '\n'))
        n_lines++;
    free(text);
    assert_int_equal(n_missing, 0);
    assert_int_equal(n_lines, n_rows + 2); /* head and rule */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_each_refusal_gets_class_number_exposure_and_advice),
        cmocka_unit_test(judge_every_row_of_the_table_has_a_case),
        cmocka_unit_test(judge_401_of_a_fresh_token_is_3305),
        cmocka_unit_test(judge_names_are_in_the_sentence_whole_or_cut),
        cmocka_unit_test(judge_without_room_for_the_error_still_gives_the_class),
        cmocka_unit_test(service_error_codes_are_read_to_the_deepest),
        cmocka_unit_test(service_error_of_anything_else_has_no_codes),
        cmocka_unit_test(hint_is_read_in_each_form),
        cmocka_unit_test(hint_beyond_an_hour_is_an_hour),
        cmocka_unit_test(hint_that_is_none_is_not_one),
        cmocka_unit_test(hint_is_one_of_several),
        cmocka_unit_test(http_date_all_three_forms_are_the_same_moment),
        cmocka_unit_test(request_id_is_kept_only_when_it_can_be_shown),
        cmocka_unit_test(region_that_answered_stands_in_the_sentence),
        cmocka_unit_test(service_code_is_the_services_own_word),
        cmocka_unit_test(silence_has_the_number_of_its_step),
        cmocka_unit_test(fault_codes_are_documented_ones),
        cmocka_unit_test(page_shows_the_table_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
