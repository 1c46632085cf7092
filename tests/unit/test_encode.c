/* base/encode: hex and base64url against RFC 4648 and exhaustively over the alphabet. */
#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static void assert_encodes(const char *plain, const char *encoded)
{
    kp_buf b;

    kp_buf_init(&b, "test", 100);
    assert_int_equal(kpb_base64url_encode(kpb_span_str(plain), &b), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&b), encoded));
    kp_buf_clear(&b);
}

static void assert_decodes(const char *encoded, const char *plain)
{
    kp_buf b;

    kp_buf_init(&b, "test", 100);
    assert_int_equal(kpb_base64url_decode(kpb_span_str(encoded), &b), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&b), plain));
    kp_buf_clear(&b);
}

static void assert_refuses(const char *encoded, size_t len)
{
    kp_buf b;

    kp_buf_init_secret(&b, "test", 100);
    assert_int_equal(kp_buf_append_str(&b, "kept"), KP_OK);
    assert_int_equal(kpb_base64url_decode(kpb_span(encoded, len), &b), KP_PROTOCOL);
    assert_true(kpb_span_eq_str(kp_buf_view(&b), "kept"));
    for (size_t i = b.len; i < b.cap; i++)
        assert_int_equal(b.ptr[i], 0);
    kp_buf_clear(&b);
}

static void hex_encode_is_lower_case(void **state)
{
    uint8_t all[256];
    char text[2 * sizeof all + 1];
    char expected[3];

    (void)state;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    kpb_hex_encode(kpb_span(all, sizeof all), text);
    for (size_t i = 0; i < sizeof all; i++) {
        snprintf(expected, sizeof expected, "%02x", (unsigned)i);
        assert_memory_equal(text + 2 * i, expected, 2);
    }
    assert_int_equal(text[2 * sizeof all], '\0');
}

static void hex_encode_empty_is_empty(void **state)
{
    char text[1] = {'x'};

    (void)state;
    kpb_hex_encode(kpb_span(NULL, 0), text);
    assert_int_equal(text[0], '\0');
}

static void hex_decode_takes_both_cases(void **state)
{
    uint8_t out[4];

    (void)state;
    assert_int_equal(kpb_hex_decode(kpb_span_str("00fFAb9C"), out, 4), KP_OK);
    assert_memory_equal(out, "\x00\xff\xab\x9c", 4);
    assert_int_equal(kpb_hex_decode(kpb_span(NULL, 0), out, 0), KP_OK);
}

static void hex_decode_malformed_writes_nothing(void **state)
{
    static const char *const bad[] = {"00ff", "00ffab9c0", "00ffab9c00", "00ffab9", "00ffab9g", ""};
    uint8_t out[4] = {1, 2, 3, 4};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kpb_hex_decode(kpb_span_str(bad[i]), out, 4), KP_PROTOCOL);
    assert_memory_equal(out, "\1\2\3\4", 4);
}

static void hex_decode_refuses_every_other_byte(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[2] = {'0', (uint8_t)c};
        uint8_t out;
        bool digit = c != 0 && strchr("0123456789abcdefABCDEF", (int)c) != NULL;
        kp_status st = kpb_hex_decode(kpb_span(text, 2), &out, 1);

        assert_int_equal(st, digit ? KP_OK : KP_PROTOCOL);
        if (digit)
            assert_int_equal(out, strtoul((const char[]){(char)c, 0}, NULL, 16));
    }
}

/* RFC 4648 section 10, without the padding. */
static void base64url_encode_matches_rfc4648(void **state)
{
    (void)state;
    assert_encodes("", "");
    assert_encodes("f", "Zg");
    assert_encodes("fo", "Zm8");
    assert_encodes("foo", "Zm9v");
    assert_encodes("foob", "Zm9vYg");
    assert_encodes("fooba", "Zm9vYmE");
    assert_encodes("foobar", "Zm9vYmFy");
    assert_encodes("\xfb\xff\xbf", "-_-_");
}

static void base64url_decode_takes_padding_or_none(void **state)
{
    (void)state;
    assert_decodes("", "");
    assert_decodes("Zg", "f");
    assert_decodes("Zg==", "f");
    assert_decodes("Zm8", "fo");
    assert_decodes("Zm8=", "fo");
    assert_decodes("Zm9v", "foo");
    assert_decodes("Zm9vYg==", "foob");
}

static void base64url_decode_malformed_is_protocol(void **state)
{
    static const char *const bad[] = {
        "Z",     "A",     "AAAAA",    "A===",  "Zm9vY",  "=",     "==",     "====",   "Zg=",
        "Zg===", "Zm9v=", "Zm9v====", "Zm8==", "Zg==Zg", "Zm 9v", "Zm9v\n", "Zm+/",   "Zm\xc3\xa4",
        "Z===",  "Z=g",   "=Zg",      "Zh",    "Zv",     "Zm9",   "Zm9=",   "Zg==\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refuses(bad[i], strlen(bad[i]));
    assert_refuses("Zm\0v", 4);
}

static void base64url_every_digit_round_trips(void **state)
{
    const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[4] = {'A', 'A', 'A', (uint8_t)c};
        const char *at = c ? strchr(alphabet, (int)c) : NULL;
        kp_buf b;

        kp_buf_init(&b, "test", 3);
        if (!at) {
            /* AAA= is whole: two bytes and their padding */
            assert_int_equal(kpb_base64url_decode(kpb_span(text, 4), &b),
                             c == '=' ? KP_OK : KP_PROTOCOL);
        } else {
            assert_int_equal(kpb_base64url_decode(kpb_span(text, 4), &b), KP_OK);
            assert_int_equal(b.ptr[2], at - alphabet);
        }
        kp_buf_clear(&b);
    }
}

static void base64url_every_length_round_trips(void **state)
{
    uint8_t bytes[200];
    kp_buf text;
    kp_buf back;

    (void)state;
    kp_buf_init(&text, "test", 400);
    kp_buf_init(&back, "test", 400);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        kp_buf_reset(&text);
        kp_buf_reset(&back);
        assert_int_equal(kpb_base64url_encode(kpb_span(bytes, n), &text), KP_OK);
        assert_int_equal(text.len, (n * 8 + 5) / 6);
        assert_int_equal(kpb_base64url_decode(kp_buf_view(&text), &back), KP_OK);
        assert_true(kpb_span_eq(kp_buf_view(&back), kpb_span(bytes, n)));
    }
    kp_buf_clear(&text);
    kp_buf_clear(&back);
}

static void base64url_beyond_the_limit_is_usage(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test", 3);
    assert_int_equal(kpb_base64url_encode(kpb_span_str("foo"), &b), KP_USAGE);
    assert_int_equal(kpb_base64url_decode(kpb_span_str("Zm9vYg"), &b), KP_USAGE);
    assert_int_equal(b.len, 0);
    kp_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_encode_is_lower_case),
        cmocka_unit_test(hex_encode_empty_is_empty),
        cmocka_unit_test(hex_decode_takes_both_cases),
        cmocka_unit_test(hex_decode_malformed_writes_nothing),
        cmocka_unit_test(hex_decode_refuses_every_other_byte),
        cmocka_unit_test(base64url_encode_matches_rfc4648),
        cmocka_unit_test(base64url_decode_takes_padding_or_none),
        cmocka_unit_test(base64url_decode_malformed_is_protocol),
        cmocka_unit_test(base64url_every_digit_round_trips),
        cmocka_unit_test(base64url_every_length_round_trips),
        cmocka_unit_test(base64url_beyond_the_limit_is_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
