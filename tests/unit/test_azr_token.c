/* Token requests and replies: exact bytes out, every shape of answer in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/span.h"
#include "plugins/azure-rest/credential.h"
#include "plugins/azure-rest/form.h"
#include "plugins/azure-rest/token_reply.h"
#include "plugins/azure-rest/token_request.h"
#include "support/failing_heap.h"

#define CLIENT "0123abcd-4567-89ab-cdef-0123456789ab"
#define NOW 1700000000

static const struct azr_target TARGET = {
    .login = "login.microsoftonline.com",
    .tenant = "contoso.com",
    .resource = "https://vault.azure.net",
};

static void assert_text(const kp_buf *buf, const char *text)
{
    if (!kpb_span_eq_str(kp_buf_view(buf), text))
        fail_msg("got  %.*s\nwant %s", (int)buf->len, (const char *)buf->ptr, text);
}

/* ---- Requests ---- */

static void url_of_both_endpoints(void **state)
{
    struct azr_target none = TARGET;
    struct kp_error err;
    kp_buf url;
    (void)state;
    assert_int_equal(azr_token_url(&TARGET, AZR_ENDPOINT_V2, &url, NULL), KP_OK);
    assert_text(&url, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token");
    kp_buf_clear(&url);
    assert_int_equal(azr_token_url(&TARGET, AZR_ENDPOINT_V1, &url, NULL), KP_OK);
    assert_text(&url, "https://login.microsoftonline.com/contoso.com/oauth2/token");
    kp_buf_clear(&url);
    none.tenant[0] = '\0';
    assert_int_equal(azr_token_url(&none, AZR_ENDPOINT_V2, &url, &err), KP_CONFIG);
    kp_buf_clear(&url);
}

static struct azr_grant grant_of(uint32_t endpoint)
{
    struct azr_grant grant = {
        .target = &TARGET, .endpoint = endpoint, .client_id = kpb_span_str(CLIENT)};
    return grant;
}

static void body_of_a_secret_is_encoded_byte_by_byte(void **state)
{
    struct azr_grant v2 = grant_of(AZR_ENDPOINT_V2);
    struct azr_grant v1 = grant_of(AZR_ENDPOINT_V1);
    kp_buf body;
    (void)state;
    assert_int_equal(azr_token_body(&v2, AZR_PROOF_SECRET,
                                    kpb_span_str("a~b.c_d-e +&=%/?*\xc3\xa4"), &body, NULL),
                     KP_OK);
    assert_true(body.secret);
    assert_text(&body, "grant_type=client_credentials&client_id=" CLIENT
                       "&client_secret=a~b.c_d-e%20%2B%26%3D%25%2F%3F%2A%C3%A4"
                       "&scope=https%3A%2F%2Fvault.azure.net%2F.default");
    kp_buf_clear(&body);
    assert_int_equal(azr_token_body(&v1, AZR_PROOF_SECRET, kpb_span_str("s"), &body, NULL), KP_OK);
    assert_text(&body, "grant_type=client_credentials&client_id=" CLIENT
                       "&client_secret=s&resource=https%3A%2F%2Fvault.azure.net");
    kp_buf_clear(&body);
}

static void body_of_an_assertion_and_of_a_federated_token(void **state)
{
    static const char want[] =
        "grant_type=client_credentials&client_id=" CLIENT
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        "&client_assertion=aa-a.b_b.cc&scope=https%3A%2F%2Fvault.azure.net%2F.default";
    struct azr_grant grant = grant_of(AZR_ENDPOINT_V2);
    kp_buf body;
    (void)state;
    assert_int_equal(
        azr_token_body(&grant, AZR_PROOF_PFX, kpb_span_str("aa-a.b_b.cc"), &body, NULL), KP_OK);
    assert_text(&body, want);
    kp_buf_clear(&body);
    assert_int_equal(
        azr_token_body(&grant, AZR_PROOF_FEDERATED, kpb_span_str(" aa-a.b_b.cc\r\n"), &body, NULL),
        KP_OK);
    assert_text(&body, want);
    kp_buf_clear(&body);
}

static void body_of_bad_input_has_the_number_of_its_proof(void **state)
{
    static char big[AZR_SECRET_MAX_LEN + 2];
    static const struct {
        enum azr_proof proof;
        const char *client_id, *secret;
        uint32_t code;
    } rows[] = {
        {AZR_PROOF_SECRET, "nobody", "SECRETXYZ", 3800},
        {AZR_PROOF_SECRET, CLIENT, "", 3800},
        {AZR_PROOF_SECRET, CLIENT, big, 3800},
        {AZR_PROOF_PFX, "nobody", "a.b.c", 3814},
        {AZR_PROOF_PEM, CLIENT, "SECRETXYZ", 3819},
        {AZR_PROOF_BLOB, CLIENT, "", 3822},
        {AZR_PROOF_FEDERATED, CLIENT, " \n", 3800},
        {AZR_PROOF_FEDERATED, CLIENT, "a.b.c d.e.f", 3800},
        {AZR_PROOF_FEDERATED, CLIENT, "<html>SECRETXYZ", 3800},
    };
    struct kp_error err;
    kp_buf body;
    (void)state;
    memset(big, 'x', sizeof big - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct azr_grant grant = grant_of(AZR_ENDPOINT_V2);
        grant.client_id = kpb_span_str(rows[i].client_id);
        assert_int_equal(
            azr_token_body(&grant, rows[i].proof, kpb_span_str(rows[i].secret), &body, &err),
            KP_AUTH);
        assert_int_equal(err.code, rows[i].code);
        assert_null(strstr(err.text, "SECRETXYZ"));
        kp_buf_clear(&body);
    }
    assert_int_equal(azr_proof_of(AZR_CONTAINER_PFX), AZR_PROOF_PFX);
    assert_int_equal(azr_proof_of(AZR_CONTAINER_PEM), AZR_PROOF_PEM);
    assert_int_equal(azr_proof_of(AZR_CONTAINER_BLOB), AZR_PROOF_BLOB);
}

static void claims_are_spliced_and_stay_json(void **state)
{
    static const struct {
        const char *claims;
        bool announces;
        const char *want; /* compared as JSON */
    } rows[] = {
        {"", true, "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"},
        {"{\"access_token\":{\"nbf\":{\"value\":\"1\"}}}", true,
         "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]},\"nbf\":{\"value\":\"1\"}}}"},
        {"{\"access_token\":{}}", true, "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"},
        {" { } ", true, "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"},
        {"{\"id_token\":{\"a\":null}}", true,
         "{\"id_token\":{\"a\":null},\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}"},
        {"{\"access_token\":{\"xms_cc\":{\"values\":[\"x\"]}}}", true,
         "{\"access_token\":{\"xms_cc\":{\"values\":[\"x\"]}}}"},
        {"{\"access_token\":null}", true, "{\"access_token\":null}"},
        {"{\"access_token\":{\"nbf\":null}}", false, "{\"access_token\":{\"nbf\":null}}"},
    };
    struct kp_error err;
    kp_buf out;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(
            azr_token_claims(rows[i].announces, kpb_span_str(rows[i].claims), &out, &err), KP_OK);
        json_t *ours = json_loadb((const char *)out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
        json_t *want = json_loads(rows[i].want, 0, NULL);
        if (!ours || !json_equal(ours, want))
            fail_msg("row %zu: %.*s", i, (int)out.len, (const char *)out.ptr);
        json_decref(ours);
        json_decref(want);
        kp_buf_clear(&out);
    }
    assert_int_equal(azr_token_claims(false, kpb_span(NULL, 0), &out, &err), KP_OK);
    assert_int_equal(out.len, 0);
    kp_buf_clear(&out);
    assert_int_equal(azr_token_claims(true, kpb_span_str("[]"), &out, &err), KP_PROTOCOL);
    kp_buf_clear(&out);
}

static void claims_go_into_the_body(void **state)
{
    struct azr_grant grant = grant_of(AZR_ENDPOINT_V2);
    kp_buf body;
    (void)state;
    grant.announces_cae = true;
    assert_int_equal(azr_token_body(&grant, AZR_PROOF_SECRET, kpb_span_str("s"), &body, NULL),
                     KP_OK);
    assert_text(&body,
                "grant_type=client_credentials&client_id=" CLIENT
                "&client_secret=s&scope=https%3A%2F%2Fvault.azure.net%2F.default&claims="
                "%7B%22access_token%22%3A%7B%22xms_cc%22%3A%7B%22values%22%3A%5B%22cp1%22%5D%7D%7D%"
                "7D");
    kp_buf_clear(&body);
}

/* ---- Replies ---- */

static kp_status read_reply(const char *body, kp_buf *token, struct azr_lifetime *life,
                            struct kp_error *err)
{
    kp_error_init(err);
    memset(life, 0, sizeof *life);
    return azr_token_read(kpb_span_str(body), AZR_SOURCE_LOGIN, NOW, token, life, err);
}

static void lifetimes_of_every_shape(void **state)
{
    static const struct {
        const char *members;
        int64_t expires_s, refresh_s;
    } rows[] = {
        {"\"expires_in\":3599", 3599, 3299},
        {"\"expires_in\":\"3599\"", 3599, 3299},
        {"\"expires_in\":3599.999", 3599, 3299},
        {"\"expires_in\":\"3599.5\"", 3599, 3299},
        {"\"expires_in\":3599,\"expires_on\":1", 3599, 3299}, /* the clock-free one counts */
        {"\"expires_on\":1700003600", 3600, 3300},
        {"\"expires_on\":\"1700003600\"", 3600, 3300},
        {"\"expires_on\":\"11/14/2023 11:13:20 PM +00:00\"", 3600, 3300},
        {"\"expires_on\":\"11/14/2023 23:13:20 +00:00\"", 3600, 3300},
        {"\"expires_on\":\"11/14/2023 23:13:20\"", 3600, 3300},
        /* our clock is a day behind: what is left cannot be more than the token's whole life */
        {"\"expires_on\":1700090000,\"not_before\":1700086400", 3600, 3300},
        {"\"expires_in\":86399", 86399, 43199},
        {"\"expires_in\":7200", 7200, 3600},
        {"\"expires_in\":86399,\"refresh_in\":43199", 86399, 43199},
        {"\"expires_in\":3599,\"refresh_in\":\"1800\"", 3599, 1800},
        {"\"expires_in\":3599,\"refresh_in\":1", 3599, 300},
        {"\"expires_in\":3599,\"refresh_in\":-1", 3599, 3299},
        {"\"expires_in\":3599,\"refresh_in\":999999", 3599, 3299},
        {"\"expires_in\":601", 601, 301},
        {"\"expires_in\":600", 600, 300},
        {"\"expires_in\":60", 60, 30},
        {"\"expires_in\":1", 1, 0},
        {"\"expires_in\":99999999999999999999", AZR_TOKEN_MAX_LIFETIME_S, 86400},
        {"\"expires_on\":99999999999999999999", AZR_TOKEN_MAX_LIFETIME_S, 86400},
        {"\"x\":1", AZR_TOKEN_UNKNOWN_LIFETIME_S, 150},
        {"\"expires_in\":null,\"expires_on\":\"tomorrow\"", AZR_TOKEN_UNKNOWN_LIFETIME_S, 150},
    };
    char body[256];
    struct azr_lifetime life;
    struct kp_error err;
    kp_buf token;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(body, sizeof body,
                       "{\"token_type\":\"bearer\",%s,\"access_token\":\"t\\/k\"}",
                       rows[i].members);
        if (read_reply(body, &token, &life, &err) != KP_OK)
            fail_msg("%s: %s", rows[i].members, err.text);
        if (life.expires_s != rows[i].expires_s || life.refresh_s != rows[i].refresh_s)
            fail_msg("%s: %lld, %lld", rows[i].members, (long long)life.expires_s,
                     (long long)life.refresh_s);
        assert_text(&token, "t/k");
        assert_true(token.secret);
        kp_buf_clear(&token);
    }
}

static void replies_without_a_usable_token_have_their_number(void **state)
{
    static const struct {
        const char *body;
        kp_status status;
        uint32_t code;
    } rows[] = {
        {"", KP_PROTOCOL, 3307},
        {"<html>", KP_PROTOCOL, 3307},
        {"[]", KP_PROTOCOL, 3307},
        {"{\"access_token\":\"SECRETXYZ\"", KP_PROTOCOL, 3307},
        {"{}", KP_PROTOCOL, 3306},
        {"{\"access_token\":null}", KP_PROTOCOL, 3306},
        {"{\"Access_Token\":\"SECRETXYZ\"}", KP_PROTOCOL, 3306},
        {"{\"access_token\":7}", KP_PROTOCOL, 3308},
        {"{\"access_token\":\"\"}", KP_PROTOCOL, 3308},
        {"{\"access_token\":\"SECRETXYZ\\r\\nX: y\"}", KP_PROTOCOL, 3308},
        {"{\"access_token\":\"SECRET XYZ\"}", KP_PROTOCOL, 3308},
        {"{\"access_token\":\"SECRETXYZ\xc3\xa4\"}", KP_PROTOCOL, 3308},
        {"{\"access_token\":\"SECRETXYZ\",\"expires_in\":0}", KP_AUTH, 3304},
        {"{\"access_token\":\"SECRETXYZ\",\"expires_in\":-1}", KP_AUTH, 3304},
        {"{\"access_token\":\"SECRETXYZ\",\"expires_in\":\"-99999999999999999999\"}", KP_AUTH,
         3304},
        {"{\"access_token\":\"SECRETXYZ\",\"expires_on\":1699999999}", KP_AUTH, 3304},
        {"{\"access_token\":\"SECRETXYZ\",\"expires_on\":-99999999999999999999}", KP_AUTH, 3304},
        {"{\"access_token\":\"SECRETXYZ\",\"token_type\":\"pop\"}", KP_AUTH, 3304},
        {"{\"access_token\":\"SECRETXYZ\",\"token_type\":1}", KP_AUTH, 3304},
    };
    struct azr_lifetime life;
    struct kp_error err;
    kp_buf token;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kp_status st = read_reply(rows[i].body, &token, &life, &err);
        if (st != rows[i].status || err.code != rows[i].code)
            fail_msg("%s: %s %u", rows[i].body, kp_status_text(st), (unsigned)err.code);
        assert_null(strstr(err.text, "XYZ"));
        assert_int_equal(token.len, 0);
        kp_buf_clear(&token);
    }
}

static void token_over_its_bound_is_refused(void **state)
{
    size_t n = AZR_TOKEN_MAX_LEN + 64;
    char *body = test_malloc(n + 1);
    struct azr_lifetime life;
    struct kp_error err;
    kp_buf token;
    (void)state;
    memset(body, 'a', n);
    body[n] = '\0';
    memcpy(body, "{\"access_token\":\"", 17);
    memcpy(body + n - 2, "\"}", 2);
    assert_int_equal(read_reply(body, &token, &life, &err), KP_PROTOCOL);
    assert_int_equal(err.code, 3308);
    kp_buf_clear(&token);
    test_free(body);
}

/* ---- Refusals ---- */

static void refusals_are_mapped_by_number_word_and_status(void **state)
{
    static const struct {
        uint32_t http, source;
        const char *body;
        kp_status status;
        uint32_t code;
        const char *shows;
    } rows[] = {
        {401, 0, "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}", KP_AUTH, 3303,
         "AADSTS7000215"},
        {401, 0, "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}", KP_AUTH, 3303,
         "expired"},
        {400, 0, "{\"error\":\"x\",\"error_description\":\"AADSTS700016: SECRETXYZ\"}", KP_AUTH,
         3303, "AADSTS700016"},
        {400, 0, "{\"error\":\"invalid_request\",\"error_codes\":[90002]}", KP_AUTH, 3303,
         "tenant"},
        {401, 0, "{\"error\":\"invalid_client\",\"error_codes\":[123456]}", KP_AUTH, 3303,
         "AADSTS123456"},
        {400, 0, "{\"error\":\"invalid_scope\"}", KP_AUTH, 3304, "invalid_scope"},
        {400, 0, "{\"error\":\"invalid_resource\",\"error_codes\":[500011]}", KP_AUTH, 3304,
         "AADSTS500011"},
        {400, 0, "{\"error\":\"invalid_grant\",\"error_codes\":[53003]}", KP_AUTH, 3304,
         "Conditional Access"},
        {400, 0, "{\"error\":\"SECRET XYZ\"}", KP_AUTH, 3304, "HTTP 400"},
        {400, 0, "{\"error\":{\"code\":\"x\"},\"error_codes\":[-5]}", KP_AUTH, 3304, "HTTP 400"},
        {429, 0, "", KP_THROTTLED, 3109, "HTTP 429"},
        {400, 0, "{\"error_codes\":[90055]}", KP_THROTTLED, 3109, "AADSTS90055"},
        {400, 0, "{\"error\":\"temporarily_unavailable\"}", KP_TRANSIENT, 3111, "passing"},
        {503, 0, "<html>SECRETXYZ</html>", KP_TRANSIENT, 3111, "HTTP 503"},
        {500, 0, "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}", KP_TRANSIENT, 3111,
         "HTTP 500"},
        {408, 0, "", KP_TRANSIENT, 3111, "HTTP 408"},
        {302, 0, "<html>SECRETXYZ</html>", KP_PROTOCOL, 3307, "HTTP 302"},
        {404, 0, "", KP_PROTOCOL, 3307, "HTTP 404"},
        {404, 1, "", KP_TRANSIENT, 3111, "managed identity"},
        {410, 1, "", KP_TRANSIENT, 3111, "managed identity"},
        {400, 1, "{\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}",
         KP_AUTH, 3303, "no such managed identity"},
        {400, 1, "{\"error\":\"invalid_resource\"}", KP_AUTH, 3304, "invalid_resource"},
    };
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kp_status st =
            azr_token_error(kpb_span_str(rows[i].body), rows[i].http, rows[i].source, &err);
        if (st != rows[i].status || err.code != rows[i].code || !strstr(err.text, rows[i].shows))
            fail_msg("%s: %s %u %s", rows[i].body, kp_status_text(st), (unsigned)err.code,
                     err.text);
        assert_null(strstr(err.text, "XYZ"));
        assert_int_equal(err.http_status, rows[i].http);
        assert_int_equal(err.exposure, KP_NOT_SENT);
        assert_true(err.retry_after_ms == KP_NO_RETRY_HINT);
    }
    assert_int_equal(azr_token_error(kpb_span(NULL, 0), 400, 0, NULL), KP_PROTOCOL);
}

static void refusal_gives_the_trace_id_only_if_it_is_one(void **state)
{
    struct kp_error err;
    (void)state;
    kpb_ignore(azr_token_error(
        kpb_span_str("{\"error\":\"x\",\"trace_id\":\"7bf28be4-fc61-48f2-81a3-5a9775ca0700\"}"),
        400, 0, &err));
    assert_string_equal(err.request_id, "7bf28be4-fc61-48f2-81a3-5a9775ca0700");
    assert_string_equal(err.service_code, "x");
    kpb_ignore(
        azr_token_error(kpb_span_str("{\"error\":\"x\",\"trace_id\":\"a\\nb\"}"), 400, 0, &err));
    assert_string_equal(err.request_id, "");
}

/* ---- Memory ---- */

static kp_status body_step(struct kp_error *err)
{
    struct azr_grant grant = grant_of(AZR_ENDPOINT_V2);
    kp_buf body;
    grant.announces_cae = true;
    kp_status st = azr_token_body(&grant, AZR_PROOF_SECRET, kpb_span_str("s"), &body, err);
    kp_buf_clear(&body);
    return st;
}

static kp_status url_step(struct kp_error *err)
{
    kp_buf url;
    kp_status st = azr_token_url(&TARGET, AZR_ENDPOINT_V2, &url, err);
    kp_buf_clear(&url);
    return st;
}

static kp_status reply_step(struct kp_error *err)
{
    struct azr_lifetime life;
    kp_buf token;
    kp_status st = read_reply("{\"access_token\":\"t\"}", &token, &life, err);
    kp_buf_clear(&token);
    return st;
}

static void each_allocation_failing_has_the_number_of_its_step(void **state)
{
    static const struct {
        kp_status (*step)(struct kp_error *err);
        uint32_t code;
    } rows[] = {{url_step, 3300}, {body_step, 3301}, {reply_step, 3302}};
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned n = 1;; n++) {
            failing_heap_use(n);
            kp_status st = rows[i].step(&err);
            assert_int_equal(failing_heap_live(), 0);
            if (!failing_heap_site()) {
                assert_true(n > 1 && st == KP_OK);
                break;
            }
            assert_int_equal(st, KP_NO_MEMORY);
            assert_int_equal(err.code, rows[i].code);
        }
    }
    failing_heap_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_of_both_endpoints),
        cmocka_unit_test(body_of_a_secret_is_encoded_byte_by_byte),
        cmocka_unit_test(body_of_an_assertion_and_of_a_federated_token),
        cmocka_unit_test(body_of_bad_input_has_the_number_of_its_proof),
        cmocka_unit_test(claims_are_spliced_and_stay_json),
        cmocka_unit_test(claims_go_into_the_body),
        cmocka_unit_test(lifetimes_of_every_shape),
        cmocka_unit_test(replies_without_a_usable_token_have_their_number),
        cmocka_unit_test(token_over_its_bound_is_refused),
        cmocka_unit_test(refusals_are_mapped_by_number_word_and_status),
        cmocka_unit_test(refusal_gives_the_trace_id_only_if_it_is_one),
        cmocka_unit_test(each_allocation_failing_has_the_number_of_its_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
