/* base/span and base/utf8. */
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/utf8.h"

static void span_str_null_is_empty(void **state)
{
    kp_span s = kpb_span_str(NULL);

    (void)state;
    assert_null(s.ptr);
    assert_int_equal(s.len, 0);
    assert_int_equal(kpb_span_str("abc").len, 3);
}

static void span_eq_compares_bytes(void **state)
{
    (void)state;
    assert_true(kpb_span_eq(kpb_span(NULL, 0), kpb_span_str("")));
    assert_true(kpb_span_eq_str(kpb_span("abc\0d", 3), "abc"));
    assert_false(kpb_span_eq_str(kpb_span_str("abc"), "abcd"));
    assert_false(kpb_span_eq(kpb_span("a\0b", 3), kpb_span("a\0c", 3)));
}

static void span_eq_nocase_folds_ascii_only(void **state)
{
    (void)state;
    assert_true(
        kpb_span_eq_nocase(kpb_span_str("Vault.AZURE.net"), kpb_span_str("vault.azure.NET")));
    assert_false(kpb_span_eq_nocase(kpb_span_str("a"), kpb_span_str("ab")));
    assert_false(kpb_span_eq_nocase(kpb_span_str("@"), kpb_span_str("`")));
    assert_false(kpb_span_eq_nocase(kpb_span_str("["), kpb_span_str("{")));
    assert_false(kpb_span_eq_nocase(kpb_span_str("\xc3\x84"), kpb_span_str("\xc3\xa4")));
}

static void span_starts_with_needs_whole_prefix(void **state)
{
    (void)state;
    assert_true(kpb_span_starts_with(kpb_span_str("https://x"), "https://"));
    assert_true(kpb_span_starts_with(kpb_span(NULL, 0), ""));
    assert_false(kpb_span_starts_with(kpb_span_str("http"), "https://"));
    assert_false(kpb_span_starts_with(kpb_span_str("HTTPS://x"), "https://"));
}

static void span_ends_with_nocase_needs_whole_suffix(void **state)
{
    (void)state;
    assert_true(kpb_span_ends_with_nocase(kpb_span_str("a.VAULT.azure.net"), ".vault.azure.net"));
    assert_true(kpb_span_ends_with_nocase(kpb_span(NULL, 0), ""));
    assert_false(kpb_span_ends_with_nocase(kpb_span_str("azure.net"), ".vault.azure.net"));
    assert_false(
        kpb_span_ends_with_nocase(kpb_span_str("a.vault.azure.net.x"), ".vault.azure.net"));
}

static void span_eq_secret_sees_every_byte(void **state)
{
    uint8_t a[33];
    uint8_t b[33];

    (void)state;
    memset(a, 0x5a, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(kpb_span_eq_secret(kpb_span(a, sizeof a), kpb_span(b, sizeof b)));
    assert_true(kpb_span_eq_secret(kpb_span(NULL, 0), kpb_span(NULL, 0)));
    assert_false(kpb_span_eq_secret(kpb_span(a, 32), kpb_span(b, 33)));
    for (size_t i = 0; i < sizeof b; i++) {
        b[i] ^= 0x80;
        assert_false(kpb_span_eq_secret(kpb_span(a, sizeof a), kpb_span(b, sizeof b)));
        b[i] ^= 0x80;
    }
}

static void key_name_limits_hold(void **state)
{
    char name[KP_KEY_NAME_MAX_LEN + 1];

    (void)state;
    memset(name, 'k', sizeof name);
    assert_true(kpb_is_key_name(kpb_span(name, KP_KEY_NAME_MAX_LEN)));
    assert_false(kpb_is_key_name(kpb_span(name, KP_KEY_NAME_MAX_LEN + 1)));
    assert_true(kpb_is_key_name(kpb_span_str("09-azAZ")));
    assert_false(kpb_is_key_name(kpb_span(NULL, 0)));
    assert_true(kpb_is_key_version(kpb_span(name, KP_KEY_VERSION_MAX_LEN)));
    assert_false(kpb_is_key_version(kpb_span(name, KP_KEY_VERSION_MAX_LEN + 1)));
    assert_false(kpb_is_key_version(kpb_span(NULL, 0)));
}

static void key_name_takes_no_other_byte(void **state)
{
    const char *allowed = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        bool expected = c != 0 && strchr(allowed, (int)c) != NULL;

        assert_int_equal(kpb_is_key_name(kpb_span(&byte, 1)), expected);
        assert_int_equal(kpb_is_key_version(kpb_span(&byte, 1)), expected);
    }
}

static void utf8_put_writes_every_character_in_its_shortest_form(void **state)
{
    static const char *const whole[] = {
        "\x7f",         "\xc2\x80",         "\xdf\xbf",        "\xe0\xa0\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const uint32_t chars[] = {0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    uint8_t bytes[KPB_UTF8_MAX_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof chars / sizeof chars[0]; i++)
        assert_true(kpb_span_eq_str(kpb_span(bytes, kpb_utf8_put(bytes, chars[i])), whole[i]));
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        size_t n = kpb_utf8_put(bytes, c);

        if (c < 0xd800 || c > 0xdfff)
            assert_int_equal(kpb_utf8_next(kpb_span(bytes, n)), n);
    }
}

static void utf8_next_takes_shortest_forms(void **state)
{
    (void)state;
    assert_int_equal(kpb_utf8_next(kpb_span_str("a")), 1);
    assert_int_equal(kpb_utf8_next(kpb_span("\0", 1)), 1);
    assert_int_equal(kpb_utf8_next(kpb_span_str("\xc2\x80")), 2);
    assert_int_equal(kpb_utf8_next(kpb_span_str("\xe0\xa0\x80")), 3);
    assert_int_equal(kpb_utf8_next(kpb_span_str("\xed\x9f\xbf")), 3);
    assert_int_equal(kpb_utf8_next(kpb_span_str("\xf0\x90\x80\x80")), 4);
    assert_int_equal(kpb_utf8_next(kpb_span_str("\xf4\x8f\xbf\xbf")), 4);
}

static void utf8_next_malformed_is_zero(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf", /* stray tail, overlong */
        "\xc3",
        "\xe2\x82",
        "\xf0\x9f\x98", /* cut */
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",
        "\xed\xbf\xbf", /* surrogates */
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff", /* beyond U+10FFFF */
        "\xe2\x28\xa1",
        "\xe2\x82\x28",
        "\xf0\x9f\x98\x28",
    };

    (void)state;
    assert_int_equal(kpb_utf8_next(kpb_span(NULL, 0)), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(kpb_utf8_next(kpb_span_str(bad[i])), 0);
        assert_false(kpb_utf8_is_valid(kpb_span_str(bad[i])));
    }
}

static void utf8_next_looks_no_further_than_the_span(void **state)
{
    (void)state;
    assert_int_equal(kpb_utf8_next(kpb_span("\xc3\xbc", 1)), 0);
    assert_int_equal(kpb_utf8_next(kpb_span("\xe2\x82\xac", 2)), 0);
    assert_int_equal(kpb_utf8_next(kpb_span("\xf0\x9f\x94\x91", 3)), 0);
}

static void utf8_is_valid_looks_to_the_end(void **state)
{
    (void)state;
    assert_true(kpb_utf8_is_valid(kpb_span(NULL, 0)));
    assert_true(
        kpb_utf8_is_valid(kpb_span_str("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91")));
    assert_false(kpb_utf8_is_valid(kpb_span_str("good until here \xc3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_str_null_is_empty),
        cmocka_unit_test(span_eq_compares_bytes),
        cmocka_unit_test(span_eq_nocase_folds_ascii_only),
        cmocka_unit_test(span_starts_with_needs_whole_prefix),
        cmocka_unit_test(span_ends_with_nocase_needs_whole_suffix),
        cmocka_unit_test(span_eq_secret_sees_every_byte),
        cmocka_unit_test(key_name_limits_hold),
        cmocka_unit_test(key_name_takes_no_other_byte),
        cmocka_unit_test(utf8_next_takes_shortest_forms),
        cmocka_unit_test(utf8_put_writes_every_character_in_its_shortest_form),
        cmocka_unit_test(utf8_next_malformed_is_zero),
        cmocka_unit_test(utf8_next_looks_no_further_than_the_span),
        cmocka_unit_test(utf8_is_valid_looks_to_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
