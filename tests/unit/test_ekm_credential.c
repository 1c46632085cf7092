#include "ekm/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])
#define ID "0123456789abcdef0123456789ABCDEF"
#define GUID "01234567-89ab-cdef-0123-456789ABCDEF"

static char config_prod[] = "config:prod";
/* Where a whole path begins. */
#ifdef _WIN32
#define ROOT "C:"
#else
#define ROOT ""
#endif

static char file_keys[] = "file:" ROOT "/var/lib/keys";
static char file_other[] = "file:" ROOT "/other/";
static char *allowed[] = {config_prod, file_keys, file_other, NULL};
static char hsm[] = "hsm.managedhsm.azure.net";

static const struct ekm_settings plain = {.allow = {allowed, 3}};

static kp_status read_with(const struct ekm_settings *settings, const char *identity,
                           const char *secret, struct ekm_credential *c, struct kp_error *err)
{
    kp_error_init(err);
    return ekm_credential_read(kpb_span_str(identity), kpb_span_str(secret), settings, c, err);
}

static void assert_read(const char *identity, const char *secret, enum ekm_credential_kind kind,
                        const char *vault, const char *client_id, const char *rest)
{
    struct ekm_credential c;
    struct kp_error err;

    if (read_with(&plain, identity, secret, &c, &err) != KP_OK)
        fail_msg("%s: %s", identity, err.text);
    assert_int_equal(c.kind, kind);
    assert_string_equal(ekm_credential_vault(&c), vault);
    assert_string_equal(c.client_id, client_id);
    assert_true(kpb_span_eq_str(kp_buf_view(&c.secret), rest));
    assert_true(c.secret.secret);
    ekm_credential_clear(&c);
}

static void documented_forms_are_read(void **state)
{
    (void)state;
    assert_read("contoso", ID "s~.-_x", EKM_CREDENTIAL_CLIENT, "contoso.vault.azure.net", GUID,
                "s~.-_x");
    assert_read("c.vault.usgovcloudapi.net", ID "s", EKM_CREDENTIAL_CLIENT,
                "c.vault.usgovcloudapi.net", GUID, "s");
    assert_read("c.vault.azure.cn", ID "s", EKM_CREDENTIAL_CLIENT, "c.vault.azure.cn", GUID, "s");
    assert_read("c.vault.microsoftazure.de", ID "s", EKM_CREDENTIAL_CLIENT,
                "c.vault.microsoftazure.de", GUID, "s");
    assert_read("h.managedhsm.azure.net", ID "s", EKM_CREDENTIAL_CLIENT, "h.managedhsm.azure.net",
                GUID, "s");
    assert_read("h.eastus.managedhsm.azure.net", ID "s", EKM_CREDENTIAL_CLIENT,
                "h.eastus.managedhsm.azure.net", GUID, "s");
    assert_read("c.vault.azure.net", "Managed Identity", EKM_CREDENTIAL_MANAGED,
                "c.vault.azure.net", "", "");
    assert_read("c", "managed identity", EKM_CREDENTIAL_MANAGED, "c.vault.azure.net", "", "");
    assert_read("config:prod", "open sesame", EKM_CREDENTIAL_CONFIG, "prod", "", "open sesame");
    assert_read("file:" ROOT "/var/lib/keys", "", EKM_CREDENTIAL_FILE, "file:" ROOT "/var/lib/keys",
                "", "");
    assert_read("file:" ROOT "/var/lib/keys//", "", EKM_CREDENTIAL_FILE,
                "file:" ROOT "/var/lib/keys", "", "");
    assert_read("file:" ROOT "/other", "x", EKM_CREDENTIAL_FILE, "file:" ROOT "/other", "", "");
}

static void managed_identity_takes_the_configured_vault(void **state)
{
    struct ekm_settings settings = plain;
    struct ekm_credential c;
    struct kp_error err;

    (void)state;
    settings.managed_identity_vault = hsm;
    assert_int_equal(read_with(&settings, "Managed Identity", "", &c, &err), KP_OK);
    assert_int_equal(c.kind, EKM_CREDENTIAL_MANAGED);
    assert_string_equal(ekm_credential_vault(&c), "hsm.managedhsm.azure.net");
    ekm_credential_clear(&c);
}

/* Each with its number and a word of the sentence that says what to do. */
static void malformed_forms_have_their_numbers(void **state)
{
    static const struct {
        const char *identity;
        const char *secret;
        uint32_t code;
        const char *hint;
    } cases[] = {
        {"contoso", "", 2050, "32"},
        {"contoso", "0123456789abcdef0123456789ABCDE", 2050, "31 characters"},
        {"contoso", ID, 3303, "client secret is missing"},
        {"contoso", GUID "secret", 3303, "hyphens"},
        {"contoso", GUID, 3303, "hyphens"},
        {"contoso", "g123456789abcdef0123456789ABCDEFs", 3303, "does not begin with a client id"},
        {"https://contoso.vault.azure.net", ID "s", 3900, "leave https:// "},
        {"contoso.vault.azure.net/", ID "s", 3900, "no name of a vault"},
        {"con toso", ID "s", 3900, "no name of a vault"},
        {".vault.azure.net", ID "s", 3900, "no name of a vault"},
        {"", ID "s", 6, "empty"},
        {"Managed Identity", "", 5, "ekm.managed_identity_vault"},
        {"Managed Identity", ID "s", 5, "ekm.managed_identity_vault"},
        {"config:other", "x", 5, "ekm.allow"},
        {"config:", "x", 5, "ekm.allow"},
        {"file:" ROOT "/etc", "", 5, "ekm.allow"},
        {"file:" ROOT "/var/lib/keys/sub", "", 5, "ekm.allow"},
        {"file:relative", "", 5, "whole path"},
        {"file:", "", 5, "whole path"},
        {"file:/", "", 5, "whole path"},
        {"file:" ROOT "/var/lib/keys/../../etc", "", 5, "without .."},
        {"file://server/share", "", 5, "network or device"},
        {"file:\\\\server\\share", "", 5, "network or device"},
#ifdef _WIN32
        {"file:C:/keys/NUL", "", 5, "network or device"},
#else
        {"file:/dev/shm", "", 5, "network or device"},
        {"file:/proc/self/fd/3", "", 5, "network or device"},
#endif
        {"\\\\server\\share", "", 5, "network or device"},
        {"//server/share", "", 5, "network or device"},
    };
    struct ekm_credential c;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < LEN(cases); i++) {
        assert_int_not_equal(read_with(&plain, cases[i].identity, cases[i].secret, &c, &err),
                             KP_OK);
        if (err.code != cases[i].code || !strstr(err.text, cases[i].hint))
            fail_msg("%s: %u, %s", cases[i].identity, err.code, err.text);
        if (cases[i].secret[0] && strstr(err.text, cases[i].secret))
            fail_msg("%s: the sentence shows the secret", cases[i].identity);
        ekm_credential_clear(&c);
    }
}

static void nothing_is_allowed_by_default(void **state)
{
    const struct ekm_settings none = {0};
    struct ekm_credential c;
    struct kp_error err;

    (void)state;
    assert_int_equal(read_with(&none, "file:" ROOT "/var/lib/keys", "", &c, &err), KP_FORBIDDEN);
    assert_int_equal(err.code, 5);
    ekm_credential_clear(&c);
    assert_int_equal(read_with(&none, "config:prod", "", &c, &err), KP_FORBIDDEN);
    assert_int_equal(err.code, 5);
    ekm_credential_clear(&c);
}

/* A configuration that lists them does not open them. */
static void elsewhere_is_refused_even_where_it_is_allowed(void **state)
{
    static char share[] = "file://server/share";
    static char unc[] = "file:\\\\server\\share";
#ifdef _WIN32
    static char device[] = "file:C:/keys/NUL";
#else
    static char device[] = "file:/dev/shm";
#endif
    static char partial[] = "file:relative";
    static char *listed[] = {share, unc, device, partial, NULL};
    const struct ekm_settings careless = {.allow = {listed, 4}};
    struct ekm_credential c;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < careless.allow.n; i++) {
        assert_int_equal(read_with(&careless, listed[i], "", &c, &err), KP_FORBIDDEN);
        assert_int_equal(err.code, 5);
        assert_null(strstr(err.text, "ekm.allow"));
        ekm_credential_clear(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_forms_are_read),
        cmocka_unit_test(managed_identity_takes_the_configured_vault),
        cmocka_unit_test(malformed_forms_have_their_numbers),
        cmocka_unit_test(nothing_is_allowed_by_default),
        cmocka_unit_test(elsewhere_is_refused_even_where_it_is_allowed),
    };

    return cmocka_run_group_tests_name("ekm_credential", tests, NULL, NULL);
}
