/* Names from outside: hosts, tenants, URLs; and how a caller says who it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/login.h"
#include "plugins/azure-rest/names.h"

#define CLIENT "0123abcd-4567-89ab-cdef-0123456789ab"
#define CLIENT_DIGITS "0123abcd456789abcdef0123456789ab"

static void host_name_takes_labels_and_nothing_else(void **state)
{
    static const char *const good[] = {"a", "my-vault.vault.azure.net", "127.0.0.1", "A.b"};
    static const char *const bad[] = {"",     ".",          "a.",   ".a",   "a..b",  "-a.b",
                                      "a-.b", "a b",        "a/b",  "a@b",  "a:1",   "[::1]",
                                      "a_b",  "\xc3\xa4.b", "a\nb", "a%2e", "a.b\\c"};
    char label[65];
    char long_name[260];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(azr_is_host_name(kpb_span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (azr_is_host_name(kpb_span_str(bad[i])))
            fail_msg("'%s' is no host name", bad[i]);
    memset(label, 'a', sizeof label);
    assert_true(azr_is_host_name(kpb_span(label, 63)));
    assert_false(azr_is_host_name(kpb_span(label, 64)));
    for (size_t i = 0; i < sizeof long_name; i++)
        long_name[i] = i % 2 ? '.' : 'a';
    assert_true(azr_is_host_name(kpb_span(long_name, 253)));
    assert_false(azr_is_host_name(kpb_span(long_name, 255)));
}

static void tenant_is_a_guid_or_a_domain(void **state)
{
    static const char *const bad[] = {"",
                                      "common",
                                      "organizations",
                                      "adfs",
                                      CLIENT_DIGITS,
                                      "0123abcd-4567-89ab-cdef",
                                      "..",
                                      "contoso.com/x",
                                      "a b.com",
                                      "contoso.com."};
    (void)state;
    assert_true(azr_is_tenant(kpb_span_str(CLIENT)));
    assert_false(azr_is_tenant(kpb_span_str("{" CLIENT "}")));
    assert_true(azr_is_tenant(kpb_span_str("contoso.onmicrosoft.com")));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (azr_is_tenant(kpb_span_str(bad[i])))
            fail_msg("'%s' is no tenant", bad[i]);
}

static void host_below_needs_a_dot_and_something_before_it(void **state)
{
    kp_span suffix = kpb_span_str("vault.azure.net");
    (void)state;
    assert_true(azr_host_is_below(kpb_span_str("v.VAULT.azure.net"), suffix));
    assert_true(azr_host_is_below(kpb_span_str("a.b.vault.azure.net"), suffix));
    assert_false(azr_host_is_below(kpb_span_str("vault.azure.net"), suffix));
    assert_false(azr_host_is_below(kpb_span_str(".vault.azure.net"), suffix));
    assert_false(azr_host_is_below(kpb_span_str("evilvault.azure.net"), suffix));
    assert_false(azr_host_is_below(kpb_span_str("v.vault.azure.net.evil.com"), suffix));
    assert_false(azr_host_is_below(kpb_span_str("v"), kpb_span(NULL, 0)));
    assert_true(azr_host_is_under(kpb_span_str("vault.azure.net"), suffix));
    assert_false(azr_host_is_under(kpb_span_str(""), kpb_span(NULL, 0)));
}

static void url_traps_are_refused(void **state)
{
    static const char *const bad[] = {
        "http://login.microsoftonline.com/t",
        "https://login.microsoftonline.com@evil.com/t",
        "https://user:pw@login.microsoftonline.com/t",
        "https://login.microsoftonline.com\\@evil.com/t",
        "https://login.microsoftonline.com#@evil.com/t",
        "https://login.microsoftonline.com?x=/t",
        "https://login.microsoftonline.com/t?x",
        "https://login.microsoftonline.com/t#x",
        "https:///t",
        "https://",
        "https:/login.microsoftonline.com/t",
        "https://login.microsoftonline.com:/t",
        "https://login.microsoftonline.com:0/t",
        "https://login.microsoftonline.com:65536/t",
        "https://login.microsoftonline.com:4 43/t",
        "https://login.microsoftonline.com/t t",
        " https://login.microsoftonline.com/t",
        "https://login.microsoftonline.com./t",
        "//login.microsoftonline.com/t",
        "https://[::1]/t",
        "https://login.micros\xd0\xberftonline.com/t",
    };
    struct azr_url url;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (azr_https_url_parse(kpb_span_str(bad[i]), &url))
            fail_msg("'%s' was taken", bad[i]);
    assert_true(azr_https_url_parse(kpb_span_str("HTTPS://Host:8443/a/b"), &url));
    assert_true(kpb_span_eq_str(url.at.host, "Host"));
    assert_int_equal(url.at.port, 8443);
    assert_true(kpb_span_eq_str(url.path, "/a/b"));
    assert_true(azr_https_url_parse(kpb_span_str("https://h"), &url));
    assert_int_equal(url.at.port, 443);
    assert_int_equal(url.path.len, 0);
}

/* ---- Logins ---- */

static kp_status parse(const char *identity, const char *secret, struct azr_login *login,
                       struct kp_error *err)
{
    memset(login, 0, sizeof *login);
    kp_error_init(err);
    return azr_login_parse(kpb_span_str(identity), kpb_span_str(secret), login, err);
}

static void login_forms_are_told_apart(void **state)
{
    static const struct {
        const char *identity, *secret;
        uint32_t kind;
        const char *client_id, *client_secret;
    } rows[] = {
        {"", "", AZR_LOGIN_NONE, "", ""},
        {CLIENT, "s~1", AZR_LOGIN_SECRET, CLIENT, "s~1"},
        {CLIENT_DIGITS, "s-1", AZR_LOGIN_SECRET, CLIENT, "s-1"},
        {" 0123ABCD-4567-89AB-CDEF-0123456789AB ", "s", AZR_LOGIN_SECRET, CLIENT, "s"},
        {"Managed Identity", "", AZR_LOGIN_MANAGED_IDENTITY, "", ""},
        {"managed-identity", "", AZR_LOGIN_MANAGED_IDENTITY, "", ""},
        {"ManagedIdentity:" CLIENT_DIGITS, "", AZR_LOGIN_MANAGED_IDENTITY, CLIENT, ""},
        {"MANAGED IDENTITY " CLIENT, "", AZR_LOGIN_MANAGED_IDENTITY, CLIENT, ""},
        {"", CLIENT_DIGITS "se-cret", AZR_LOGIN_SECRET, CLIENT, "se-cret"},
        {"", CLIENT "se-cret", AZR_LOGIN_SECRET, CLIENT, "se-cret"},
        {"", CLIENT_DIGITS "0123", AZR_LOGIN_SECRET, CLIENT, "0123"},
    };
    struct azr_login login;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(rows[i].identity, rows[i].secret, &login, &err), KP_OK);
        assert_int_equal(login.kind, rows[i].kind);
        assert_string_equal(login.client_id, rows[i].client_id);
        assert_true(kpb_span_eq_str(login.secret, rows[i].client_secret));
    }
}

static void login_that_is_none_has_its_number_and_shows_no_secret(void **state)
{
    static const struct {
        const char *identity, *secret;
        kp_status status;
        uint32_t code;
    } rows[] = {
        {"", "tooshort-tooshort-SECRETXYZ", KP_USAGE, 2050},
        {"", "no client id at the start, and SECRETXYZ", KP_AUTH, 3800},
        {"", CLIENT_DIGITS, KP_AUTH, 3800},
        {CLIENT, "", KP_AUTH, 3800},
        {"my-vault", "SECRETXYZ", KP_AUTH, 3800},
        {"Managed Identity", "SECRETXYZ", KP_AUTH, 3800},
        {"Managed Identity x", "", KP_AUTH, 3800},
        {"managed identities", "", KP_AUTH, 3800},
        {"0123abcd-4567-89ab-cdef-0123456789ag", "SECRETXYZ", KP_AUTH, 3800},
    };
    struct azr_login login;
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(rows[i].identity, rows[i].secret, &login, &err), rows[i].status);
        assert_int_equal(err.code, rows[i].code);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "SECRETXYZ"));
        assert_int_equal(login.kind, AZR_LOGIN_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_name_takes_labels_and_nothing_else),
        cmocka_unit_test(tenant_is_a_guid_or_a_domain),
        cmocka_unit_test(host_below_needs_a_dot_and_something_before_it),
        cmocka_unit_test(url_traps_are_refused),
        cmocka_unit_test(login_forms_are_told_apart),
        cmocka_unit_test(login_that_is_none_has_its_number_and_shows_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
