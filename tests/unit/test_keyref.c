#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <keyprovider/keyprovider.h>

#include "base/span.h"

#define NAME_127                                                                                   \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                             \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define VERSION_64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

struct good {
    const char *text;
    const char *vault;
    const char *name;
    const char *version;
};

static void assert_span(kp_span got, const char *expected)
{
    if (!kpb_span_eq_str(got, expected))
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.len, (const char *)got.ptr, expected);
}

static void assert_ref(const struct kp_key_ref *ref, const struct good *g)
{
    assert_span(ref->vault, g->vault);
    assert_span(ref->name, g->name);
    assert_span(ref->version, g->version);
}

static void ref_well_formed_is_read(void **state)
{
    static const struct good texts[] = {
        {"prod/app", "prod", "app", ""},
        {"prod/app/0123456789abcdef", "prod", "app", "0123456789abcdef"},
        {"prod.eu_1/App-1", "prod.eu_1", "App-1", ""},
        {"v/" NAME_127 "/" VERSION_64, "v", NAME_127, VERSION_64},
        {"my.vault.azure.net/app", "my.vault.azure.net", "app", ""},
        {"https://my.vault.azure.net/keys/app", "my.vault.azure.net", "app", ""},
        {"https://my.vault.azure.net/keys/app/1a", "my.vault.azure.net", "app", "1a"},
        {"HTTPS://My.Vault.Azure.Net/keys/app", "My.Vault.Azure.Net", "app", ""},
        {"https://localhost:8443/keys/app/1", "localhost:8443", "app", "1"},
    };
    struct kp_key_ref ref;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(kp_key_ref_parse(kpb_span_str(texts[i].text), &ref, NULL), KP_OK);
        assert_ref(&ref, &texts[i]);
    }
}

struct bad {
    const char *text;
    const char *says;
};

static void assert_refused(kp_status st, const struct kp_error *err, const struct bad *b)
{
    if (st != KP_USAGE || !strstr(err->text, b->says))
        fail_msg("\"%s\": %d \"%s\"", b->text, (int)st, err->text);
}

static void ref_malformed_is_refused_with_its_reason(void **state)
{
    static const struct bad texts[] = {
        {"", "empty"},
        {"app", "VAULT/NAME"},
        {"/app", "vault is missing"},
        {"prod/", "key is missing"},
        {"prod//1", "key is missing"},
        {"prod/app/", "nothing follows"},
        {"prod/app/1/", "version"},
        {"prod/app/1/2", "version"},
        {"prod/a_b", "key name"},
        {"prod/ app", "key name"},
        {"prod/app?x", "key name"},
        {"prod/app#x", "key name"},
        {"v/x" NAME_127, "key name"},
        {"v/a/x" VERSION_64, "version"},
        {"file:./vault/app", "of its own"},
        {"http://my.vault.azure.net/keys/app", "only https"},
        {"https:/my.vault.azure.net/keys/app", "only https"},
        {"https://", "host"},
        {"https:///keys/app", "host"},
        {"https://u@h.net/keys/app", "host"},
        {"https://h.net:/keys/app", "host"},
        {"https://h.net:x/keys/app", "host"},
        {"https://h.net:123456/keys/app", "host"},
        {"https://.h.net/keys/app", "host"},
        {"https://h.net", "/keys/NAME"},
        {"https://h.net/", "/keys/NAME"},
        {"https://h.net/Keys/app", "/keys/NAME"},
        {"https://h.net/secrets/app", "/keys/NAME"},
        {"https://h.net/keys", "key is missing"},
        {"https://h.net/keys/", "key is missing"},
        {"https://h.net/keys/app/", "nothing follows"},
        {"https://h.net/keys/app/1?api-version=7.6", "version"},
    };
    struct kp_key_ref ref;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kp_status st = kp_key_ref_parse(kpb_span_str(texts[i].text), &ref, &err);

        assert_refused(st, &err, &texts[i]);
    }
}

static void ref_refused_leaves_the_result_alone(void **state)
{
    struct kp_key_ref ref = {.vault = kpb_span_str("kept")};

    (void)state;
    assert_int_equal(kp_key_ref_parse(kpb_span_str("new/a_b"), &ref, NULL), KP_USAGE);
    assert_int_equal(kp_key_name_parse(kpb_span_str("a_b"), &ref, NULL), KP_USAGE);
    assert_span(ref.vault, "kept");
}

static void ref_with_nul_or_longer_than_any_is_refused(void **state)
{
    static char text[KP_VAULT_TEXT_MAX_LEN + 1];
    struct kp_key_ref ref;
    struct kp_error err;

    (void)state;
    assert_int_equal(kp_key_ref_parse(kpb_span("v/a\0b", 5), &ref, &err), KP_USAGE);
    memset(text, 'v', sizeof text);
    memcpy(text + sizeof text - 2, "/a", 2);
    assert_int_equal(kp_key_ref_parse(kpb_span(text, sizeof text), &ref, &err), KP_USAGE);
    assert_non_null(strstr(err.text, "longer"));
    assert_int_equal(kp_key_ref_parse(kpb_span(text + 1, sizeof text - 1), &ref, &err), KP_OK);
}

static void name_well_formed_is_read(void **state)
{
    static const struct good texts[] = {
        {"app", "", "app", ""},
        {"app/1", "", "app", "1"},
    };
    struct kp_key_ref ref;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(kp_key_name_parse(kpb_span_str(texts[i].text), &ref, NULL), KP_OK);
        assert_ref(&ref, &texts[i]);
    }
}

static void name_malformed_is_refused_with_its_reason(void **state)
{
    static const struct bad texts[] = {
        {"", "key is missing"}, {"/1", "key is missing"}, {"app/", "nothing follows"},
        {"app/1/2", "version"}, {"a:b", "key name"},
    };
    struct kp_key_ref ref;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kp_status st = kp_key_name_parse(kpb_span_str(texts[i].text), &ref, &err);

        assert_refused(st, &err, &texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ref_well_formed_is_read),
        cmocka_unit_test(ref_malformed_is_refused_with_its_reason),
        cmocka_unit_test(ref_refused_leaves_the_result_alone),
        cmocka_unit_test(ref_with_nul_or_longer_than_any_is_refused),
        cmocka_unit_test(name_well_formed_is_read),
        cmocka_unit_test(name_malformed_is_refused_with_its_reason),
    };

    return cmocka_run_group_tests_name("keyref", tests, NULL, NULL);
}
