/* Challenges: every form that services and their emulators send, and every trap we know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/challenge.h"
#include "support/failing_heap.h"

#define T "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define PUBLIC "https://login.microsoftonline.com/" T
#define VAULT "my.vault.azure.net"
#define HSM "my.managedhsm.azure.net"
#define RES "resource=\"https://vault.azure.net\""
#define AUTH "authorization=\"" PUBLIC "\""

static kp_status parse(const char *header, struct azr_challenge *ret, struct kp_error *err)
{
    kp_span span = kpb_span_str(header);
    memset(ret, 0, sizeof *ret);
    return azr_challenge_parse(&span, 1, ret, err);
}

/* Parses and checks; the target is all zero unless KP_OK. */
static kp_status decide(const char *header, const char *host, const struct azr_trust *trust,
                        struct azr_target *target, struct kp_error *err)
{
    struct azr_challenge challenge;
    memset(target, 0, sizeof *target);
    kp_error_init(err);
    kp_status st = parse(header, &challenge, err);
    return st == KP_OK ? azr_challenge_check(&challenge, kpb_span_str(host), trust, target, err)
                       : st;
}

static void every_form_gives_the_same_target(void **state)
{
    static const char *const forms[] = {
        "Bearer " AUTH ", " RES,
        "Bearer " RES ", " AUTH,
        "bearer " AUTH "," RES,
        "BEARER   " AUTH " ,\t" RES " ",
        "Bearer " AUTH " " RES,
        "Bearer Authorization=\"" PUBLIC "\", RESOURCE=\"https://vault.azure.net\"",
        "Bearer authorization=" PUBLIC ", resource=https://vault.azure.net",
        "Bearer authorization = \"" PUBLIC "\", resource = https://vault.azure.net",
        "Bearer authorization_uri=\"" PUBLIC "\", " RES,
        "Bearer authorization_uri=\"" PUBLIC "/oauth2/authorize\", " RES,
        "Bearer " AUTH ", scope=\"https://vault.azure.net/.default\"",
        "Bearer " AUTH ", scope=\"https://vault.azure.net//.default\"",
        "Bearer " AUTH ", scope=\"https://vault.azure.net/.default https://evil.com/.default\"",
        "Bearer " AUTH ", scope=\"https://other.azure.net/.default\", " RES,
        "Bearer " AUTH ", resource=\"https://vault.azure.net/\"",
        "Bearer " AUTH ", resource=\"https://vault.azure.net:443\"",
        "Bearer authorization=\"https://login.microsoftonline.com:443/" T "\", " RES,
        "Bearer realm=\"\", " AUTH
        ", error=\"invalid_token\", error_description=\"a, b=c \\\"d\\\"\", " RES,
        "PoP nonce=\"x\", Bearer " AUTH ", " RES,
        "Negotiate, Bearer " AUTH ", " RES,
        "Negotiate YWJj/ZA==, Bearer " AUTH ", " RES,
        "Basic realm=\"x\", Bearer " AUTH ", " RES ", PoP authorization=\"https://evil.com/x\"",
        "Bearer, Bearer " AUTH ", " RES,
        "Bearer realm=\"x\", Bearer " AUTH ", " RES,
        "Bearer " AUTH ", " RES
        ", Bearer authorization=\"https://evil.com/x\", resource=\"https://e\"",
        "Bearer " AUTH ", authorization=\"https://evil.com/x\", " RES,
        ", ,Bearer " AUTH ",, " RES ",",
        "Bearer authorization=\"https://login.windows.net/" T "\", " RES,
        "Bearer authorization=\"https://LOGIN.Microsoft.com/" T "\", " RES,
        "Bearer authorization=\"https://sts.windows.net/" T "/\", " RES,
        "Bearer authorization=\"HTTPS://LOGIN.MICROSOFTONLINE.COM/" T
        "\", resource=\"HTTPS://VAULT."
        "AZURE.NET\"",
        "Bearer authorization=\"https://login.microsoftonline.com/dstsv2/" T "\", " RES,
    };
    struct azr_target target;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (decide(forms[i], VAULT, NULL, &target, &err) != KP_OK)
            fail_msg("%s: %s", forms[i], err.text);
        assert_string_equal(target.login, "login.microsoftonline.com");
        assert_string_equal(target.tenant, T);
        assert_string_equal(target.resource, "https://vault.azure.net");
        assert_false(target.is_relaxed);
        assert_int_equal(target.service, AZR_SERVICE_VAULT);
    }
}

static void several_headers_are_one_list(void **state)
{
    const struct kp_http_header headers[] = {
        {{(const uint8_t *)"Date", 4}, {(const uint8_t *)"x", 1}},
        {{(const uint8_t *)"www-authenticate", 16}, {(const uint8_t *)"PoP x=y", 7}},
        {{(const uint8_t *)"WWW-Authenticate", 16},
         {(const uint8_t *)("Bearer " AUTH ", " RES), sizeof("Bearer " AUTH ", " RES) - 1}},
    };
    struct kp_http_reply reply = {.struct_size = sizeof reply, .n_headers = 3, .headers = headers};
    struct azr_challenge challenge;
    struct kp_error err;
    (void)state;
    assert_int_equal(azr_challenge_read(&reply, &challenge, NULL), KP_OK);
    assert_true(kpb_span_eq_str(challenge.authorization.text, PUBLIC));
    reply.n_headers = 2;
    assert_int_equal(azr_challenge_read(&reply, &challenge, &err), KP_PROTOCOL);
    assert_int_equal(err.code, 3203);
    reply.n_headers = 1;
    assert_int_equal(azr_challenge_read(&reply, &challenge, &err), KP_PROTOCOL);
    assert_int_equal(err.code, 3117);
}

static void every_cloud_has_its_own_login(void **state)
{
    static const struct {
        const char *host, *login, *resource, *contacted;
    } rows[] = {
        {VAULT, "login.microsoftonline.com", "vault.azure.net", "login.microsoftonline.com"},
        {HSM, "login.windows.net", "managedhsm.azure.net", "login.microsoftonline.com"},
        {"my.eastus.managedhsm.azure.net", "login.microsoftonline.com", "managedhsm.azure.net",
         "login.microsoftonline.com"},
        {"my.vault.usgovcloudapi.net", "login.microsoftonline.us", "vault.usgovcloudapi.net",
         "login.microsoftonline.us"},
        {"my.managedhsm.usgovcloudapi.net", "login.usgovcloudapi.net",
         "managedhsm.usgovcloudapi.net", "login.microsoftonline.us"},
        {"my.vault.azure.cn", "login.chinacloudapi.cn", "vault.azure.cn",
         "login.partner.microsoftonline.cn"},
        {"my.managedhsm.azure.cn", "login.partner.microsoftonline.cn", "managedhsm.azure.cn",
         "login.partner.microsoftonline.cn"},
    };
    char header[512];
    char resource[128];
    struct azr_target target;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(header, sizeof header,
                       "Bearer authorization=\"https://%s/contoso.com\", resource=\"https://%s\"",
                       rows[i].login, rows[i].resource);
        (void)snprintf(resource, sizeof resource, "https://%s", rows[i].resource);
        if (decide(header, rows[i].host, NULL, &target, &err) != KP_OK)
            fail_msg("%s: %s", rows[i].host, err.text);
        assert_string_equal(target.login, rows[i].contacted);
        assert_string_equal(target.resource, resource);
        assert_string_equal(target.tenant, "contoso.com");
    }
}

/* Whoever answers in the vault's place must not get a credential, nor a token for another place. */
/* What a hostile or a broken server may say, and the number it gets. */
static const struct {
    const char *host, *header;
    kp_status status;
    uint32_t code;
} hostile[] = {
    /* the login address */
    {VAULT, "Bearer authorization=\"https://evil.com/" T "\", " RES, KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com.evil.com/" T "\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://evil.login.microsoftonline.com/" T "\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com:8443/" T "\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.us/" T "\", " RES, KP_PROTOCOL,
     3203},
    {VAULT, "Bearer authorization=\"http://login.microsoftonline.com/" T "\", " RES, KP_PROTOCOL,
     3201},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com@evil.com/" T "\", " RES,
     KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com\\\\@evil.com/" T "\", " RES,
     KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"" PUBLIC "?x\", " RES, KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com./" T "\", " RES, KP_PROTOCOL,
     3201},
    {VAULT, "Bearer authorization=\"https://login%2emicrosoftonline.com/" T "\", " RES, KP_PROTOCOL,
     3201},
    {VAULT, "Bearer authorization=\"https://evil.com%2f.login.microsoftonline.com/" T "\", " RES,
     KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://user:pass@login.microsoftonline.com/" T "\", " RES,
     KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://[::1]/" T "\", " RES, KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://127.0.0.1/" T "\", " RES, KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.micr\xd0\xbesoftonline.com/" T "\", " RES,
     KP_PROTOCOL, 3201},
    {VAULT, "Bearer authorization=\"https://login.xn--micrsoftonline-xij.com/" T "\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com:/" T "\", " RES, KP_PROTOCOL,
     3201},
    {VAULT, "Bearer authorization=\"\", " RES, KP_PROTOCOL, 3203},
    {VAULT, "Bearer " RES, KP_PROTOCOL, 3203},
    {VAULT, "Bearer " RES ", authorization=\"" PUBLIC, KP_PROTOCOL, 3202},
    /* the tenant */
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com\", " RES, KP_PROTOCOL, 3202},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/\", " RES, KP_PROTOCOL, 3202},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/common\", " RES, KP_PROTOCOL,
     3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/adfs/x\", " RES, KP_PROTOCOL,
     3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/../x\", " RES, KP_PROTOCOL,
     3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com//" T "\", " RES, KP_PROTOCOL,
     3202},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/%2e%2e/" T "\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/contoso.com%2f..\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/contoso.com;x\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/organizations\", " RES,
     KP_PROTOCOL, 3203},
    {VAULT, "Bearer authorization=\"https://login.microsoftonline.com/dstsv2/common\", " RES,
     KP_PROTOCOL, 3203},
    /* the resource */
    {VAULT, "Bearer " AUTH, KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net", KP_PROTOCOL, 3207},
    {VAULT, "Bearer " AUTH ", resource=\"https://graph.microsoft.com\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://managedhsm.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"http://vault.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net:8443\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net/x\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"vault.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://my.vault.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net.\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault%2eazure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net@evil.com\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://evil.com@vault.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net?x\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net.evil.com\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://evilvault.azure.net\"", KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.azure.net\\\\.evil.com\"", KP_PROTOCOL,
     3206},
    {VAULT, "Bearer " AUTH ", scope=\"https://vault.azure.net/.default/.default\"", KP_PROTOCOL,
     3206},
    {VAULT, "Bearer " AUTH ", scope=\"https://evil.com/.default https://vault.azure.net/.default\"",
     KP_PROTOCOL, 3206},
    {VAULT, "Bearer " AUTH ", resource=\"https://vault.usgovcloudapi.net\"", KP_PROTOCOL, 3206},
    {HSM, "Bearer " AUTH ", " RES, KP_PROTOCOL, 3206},
    /* the request's own host */
    {"evil.com", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault.azure.net.evil.com", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"myvault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault.azure.net:8443", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault.azure.net@evil.com", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"evil.com@my.vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault.azure.net.", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault%2eazure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"evil.com/.vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"evil.com#.vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"evil.com\\.vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.v\xd0\xb0ult.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.xn--vult-8cd.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"[::1]:443", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {".vault.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"127.0.0.1:8443", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.privatelink.vaultcore.azure.net", "Bearer " AUTH ", " RES, KP_CONFIG, 3206},
    {"my.vault.microsoftazure.de",
     "Bearer authorization=\"https://login.microsoftonline.de/" T
     "\", resource=\"https://vault.microsoftazure.de\"",
     KP_CONFIG, 3203},
    /* no challenge at all */
    {VAULT, "", KP_PROTOCOL, 3203},
    {VAULT, "Basic realm=\"x\"", KP_PROTOCOL, 3203},
    {VAULT, "BearerX " AUTH ", " RES, KP_PROTOCOL, 3203},
    {VAULT, "=, =\"", KP_PROTOCOL, 3203},
};

static void hostile_challenges_are_refused_each_with_its_number(void **state)
{
    struct azr_target target;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        kp_status st = decide(hostile[i].header, hostile[i].host, NULL, &target, &err);
        if (st != hostile[i].status || err.code != hostile[i].code || err.text[0] == '\0')
            fail_msg("%s, %s: %s %u %s", hostile[i].host, hostile[i].header, kp_status_text(st),
                     (unsigned)err.code, err.text);
        assert_int_equal(err.exposure, KP_NOT_SENT);
        assert_string_equal(target.login, "");
    }
}

static void configured_suffix_and_authority_are_the_only_way_out(void **state)
{
    const struct azr_trust trust = {.service = AZR_SERVICE_VAULT,
                                    .suffix = kpb_span_str("vault.test"),
                                    .authority = kpb_span_str("https://localhost:8444")};
    static const char good[] =
        "Bearer authorization=\"https://localhost:8444/" T "\", resource=\"https://vault.test\"";
    struct azr_target target;
    struct kp_error err;
    (void)state;
    assert_int_equal(decide(good, "my.vault.test:8443", &trust, &target, &err), KP_OK);
    assert_string_equal(target.login, "localhost:8444");
    assert_true(target.is_relaxed);
    assert_null(target.cloud);
    assert_int_equal(decide(good, "vault.test", &trust, &target, &err), KP_OK);
    assert_int_equal(decide(good, "my.vault.test", NULL, &target, &err), KP_CONFIG);
    assert_int_equal(decide(good, "myvault.test", &trust, &target, &err), KP_CONFIG);
    assert_int_equal(decide("Bearer authorization=\"https://localhost:8445/" T
                            "\", resource=\"https://vault.test\"",
                            "my.vault.test", &trust, &target, &err),
                     KP_PROTOCOL);
    assert_int_equal(decide("Bearer authorization=\"https://localhost:8444/" T
                            "\", resource=\"https://test\"",
                            "my.vault.test", &trust, &target, &err),
                     KP_PROTOCOL);
    /* The cloud's own login is not the configured authority. */
    assert_int_equal(decide("Bearer " AUTH ", resource=\"https://vault.test\"", "my.vault.test",
                            &trust, &target, &err),
                     KP_PROTOCOL);
    assert_int_equal(err.code, 3203);
}

static void configured_suffix_without_authority_gives_no_login(void **state)
{
    const struct azr_trust trust = {.service = AZR_SERVICE_VAULT,
                                    .suffix = kpb_span_str("vault.test")};
    struct azr_target target;
    struct kp_error err;
    (void)state;
    assert_int_equal(decide("Bearer " AUTH ", resource=\"https://vault.test\"", "my.vault.test",
                            &trust, &target, &err),
                     KP_CONFIG);
    assert_int_equal(err.code, 3203);
}

static void configured_resource_and_authority_work_for_the_table_too(void **state)
{
    const struct azr_trust authority = {.authority =
                                            kpb_span_str("https://login.internal.example")};
    const struct azr_trust resource = {.service = AZR_SERVICE_VAULT,
                                       .suffix = kpb_span_str("localhost"),
                                       .authority =
                                           kpb_span_str("https://login.microsoftonline.com"),
                                       .resource = kpb_span_str("https://vault.azure.net")};
    struct azr_target target;
    struct kp_error err;
    (void)state;
    assert_int_equal(decide("Bearer " AUTH ", " RES, VAULT, &authority, &target, &err), KP_OK);
    assert_string_equal(target.login, "login.internal.example");
    assert_true(target.is_relaxed);
    assert_int_equal(decide("Bearer " AUTH ", " RES, "localhost:8443", &resource, &target, &err),
                     KP_OK);
    assert_string_equal(target.resource, "https://vault.azure.net");
    assert_true(target.is_relaxed);
}

static void trust_settings_are_checked(void **state)
{
    static const struct {
        struct azr_trust trust;
        const char *setting;
    } rows[] = {
        {{.suffix = {(const uint8_t *)".vault.test", 11}}, "custom_suffix"},
        {{.suffix = {(const uint8_t *)"https://v", 9}}, "custom_suffix"},
        {{.authority = {(const uint8_t *)"http://h", 8}}, "authority"},
        {{.authority = {(const uint8_t *)"https://h/x", 11}}, "authority"},
        {{.resource = {(const uint8_t *)"vault", 5}}, "custom_resource"},
    };
    const struct azr_trust none = {0};
    struct kp_error err;
    (void)state;
    assert_int_equal(azr_trust_check(&none, &err), KP_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(azr_trust_check(&rows[i].trust, &err), KP_CONFIG);
        assert_non_null(strstr(err.text, rows[i].setting));
    }
}

static void target_without_challenge_comes_from_the_table(void **state)
{
    const struct azr_trust trust = {.service = AZR_SERVICE_MANAGED_HSM,
                                    .suffix = kpb_span_str("hsm.test")};
    struct azr_target target;
    struct kp_error err;
    kp_span none = kpb_span(NULL, 0);
    (void)state;
    assert_int_equal(azr_target_make(kpb_span_str(HSM), NULL, none, &target, &err), KP_OK);
    assert_string_equal(target.resource, "https://managedhsm.azure.net");
    assert_string_equal(target.login, "login.microsoftonline.com");
    assert_string_equal(target.tenant, "");
    assert_int_equal(
        azr_target_make(kpb_span_str(VAULT), NULL, kpb_span_str("Contoso.com"), &target, &err),
        KP_OK);
    assert_string_equal(target.tenant, "contoso.com");
    assert_int_equal(
        azr_target_make(kpb_span_str(VAULT), NULL, kpb_span_str("common"), &target, &err),
        KP_CONFIG);
    assert_int_equal(azr_target_make(kpb_span_str("x.hsm.test"), &trust, none, &target, &err),
                     KP_OK);
    assert_string_equal(target.resource, "https://hsm.test");
    assert_string_equal(target.login, "");
    assert_true(target.is_relaxed);
    assert_int_equal(
        azr_target_make(kpb_span_str("x.hsm.test"), &trust, kpb_span_str(T), &target, &err),
        KP_CONFIG);
    assert_int_equal(azr_target_make(kpb_span_str("evil.com"), NULL, none, &target, &err),
                     KP_CONFIG);
}

/* ---- Bounds ---- */

static void oversized_challenges_are_refused(void **state)
{
    static char big[AZR_CHALLENGE_MAX_LEN + 2];
    struct azr_challenge challenge;
    struct kp_error err;
    (void)state;
    memset(big, 'a', sizeof big - 1);
    memcpy(big, "Bearer ", 7);
    assert_int_equal(parse(big, &challenge, &err), KP_PROTOCOL);
    size_t n = 7;
    for (int i = 0; i < 100; i++, n += 5)
        memcpy(big + n, "a=b, ", 5);
    big[n] = '\0';
    assert_int_equal(parse(big, &challenge, &err), KP_PROTOCOL);
    assert_non_null(strstr(err.text, "parameters"));
}

/* ---- CAE ---- */

#define CLAIMS "{\"access_token\":{\"nbf\":{\"essential\":true,\"value\":\"?11~\"}}}"
/* base64 of the same in its four forms: with + and /, and padding */
#define CLAIMS_STD "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiI/MTF+In19fQ"
#define CLAIMS_URL "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiI_MTF-In19fQ"

static void cae_claims_are_read_in_all_four_forms(void **state)
{
    static const char *const forms[] = {CLAIMS_STD, CLAIMS_STD "==", CLAIMS_URL, CLAIMS_URL "=="};
    char header[512];
    struct azr_challenge challenge;
    struct kp_error err;
    kp_buf claims;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(header, sizeof header,
                       "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/"
                       "common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"%s\"",
                       forms[i]);
        assert_int_equal(parse(header, &challenge, &err), KP_OK);
        assert_true(azr_challenge_has_claims(&challenge));
        if (azr_challenge_claims(&challenge, &claims, &err) != KP_OK)
            fail_msg("%s: %s", forms[i], err.text);
        assert_true(kpb_span_eq_str(kp_buf_view(&claims), CLAIMS));
        kp_buf_clear(&claims);
    }
}

static void cae_claims_count_with_their_error_only(void **state)
{
    struct azr_challenge challenge;
    (void)state;
    assert_int_equal(parse("Bearer " AUTH ", " RES ", claims=\"" CLAIMS_STD "\"", &challenge, NULL),
                     KP_OK);
    assert_false(azr_challenge_has_claims(&challenge));
    assert_int_equal(
        parse("Bearer error=\"invalid_token\", claims=\"" CLAIMS_STD "\"", &challenge, NULL),
        KP_OK);
    assert_false(azr_challenge_has_claims(&challenge));
    assert_int_equal(parse("PoP error=\"insufficient_claims\", claims=\"" CLAIMS_STD
                           "\", Bearer " AUTH,
                           &challenge, NULL),
                     KP_OK);
    assert_false(azr_challenge_has_claims(&challenge));
}

static void cae_claims_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"!!!!", "e30", "W10=", "MQ==", "eyJhIjo=", "\"e30"};
    char header[256];
    struct azr_challenge challenge;
    struct kp_error err;
    kp_buf claims;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool is_cut = bad[i][0] == '"';
        (void)snprintf(header, sizeof header, "Bearer error=insufficient_claims, claims=%s",
                       bad[i]);
        assert_int_equal(parse(header, &challenge, &err), KP_OK);
        kp_status st = azr_challenge_claims(&challenge, &claims, &err);
        assert_int_equal(st, strcmp(bad[i], "e30") == 0 ? KP_OK : KP_PROTOCOL); /* e30 is {} */
        assert_true(is_cut == challenge.claims.is_cut);
        kp_buf_clear(&claims);
    }
}

static void cae_claims_without_memory_say_so(void **state)
{
    struct azr_challenge challenge;
    struct kp_error err;
    kp_buf claims;
    (void)state;
    assert_int_equal(
        parse("Bearer error=insufficient_claims, claims=" CLAIMS_URL, &challenge, &err), KP_OK);
    for (unsigned n = 1;; n++) {
        failing_heap_use(n);
        kp_status st = azr_challenge_claims(&challenge, &claims, &err);
        kp_buf_clear(&claims);
        assert_int_equal(failing_heap_live(), 0);
        if (!failing_heap_site())
            break;
        assert_int_equal(st, KP_NO_MEMORY);
    }
    failing_heap_drop();
}

/* ---- The table itself ---- */

static void clouds_are_found_by_name_and_by_login(void **state)
{
    (void)state;
    for (size_t i = 0; azr_cloud_at(i); i++) {
        const struct azr_cloud *cloud = azr_cloud_at(i);
        assert_ptr_equal(azr_cloud_find(kpb_span_str(cloud->name)), cloud);
        if (cloud->login_host)
            assert_ptr_equal(azr_cloud_of_login(kpb_span_str(cloud->login_host)), cloud);
        for (size_t k = 0; cloud->aliases[k]; k++)
            assert_ptr_equal(azr_cloud_of_login(kpb_span_str(cloud->aliases[k])), cloud);
    }
    assert_null(azr_cloud_find(kpb_span_str("other")));
    assert_null(azr_cloud_of_login(kpb_span_str("evil.com")));
    assert_null(azr_cloud_suffix(azr_cloud_at(0), AZR_SERVICE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_the_same_target),
        cmocka_unit_test(several_headers_are_one_list),
        cmocka_unit_test(every_cloud_has_its_own_login),
        cmocka_unit_test(hostile_challenges_are_refused_each_with_its_number),
        cmocka_unit_test(configured_suffix_and_authority_are_the_only_way_out),
        cmocka_unit_test(configured_suffix_without_authority_gives_no_login),
        cmocka_unit_test(configured_resource_and_authority_work_for_the_table_too),
        cmocka_unit_test(trust_settings_are_checked),
        cmocka_unit_test(target_without_challenge_comes_from_the_table),
        cmocka_unit_test(oversized_challenges_are_refused),
        cmocka_unit_test(cae_claims_are_read_in_all_four_forms),
        cmocka_unit_test(cae_claims_count_with_their_error_only),
        cmocka_unit_test(cae_claims_that_are_none_are_refused),
        cmocka_unit_test(cae_claims_without_memory_say_so),
        cmocka_unit_test(clouds_are_found_by_name_and_by_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
