/* Thumbprints: ours against the openssl command, the encoded names against the published sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/span.h"
#include "ekm/keys/thumb.h"
#include "support/temp_dir.h"

static struct ekm_thumb thumb_of(const char *hex)
{
    struct ekm_thumb thumb;
    assert_int_equal(ekm_thumb_parse(kpb_span_str(hex), &thumb, NULL), KP_OK);
    return thumb;
}

/* ---- Ours ---- */

static size_t number_of(const EVP_PKEY *key, const char *name, uint8_t *out, size_t len)
{
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    assert_int_equal(BN_bn2binpad(number, out, (int)len), (int)len);
    BN_free(number);
    return len;
}

/* Runs the openssl command with these arguments; it must succeed. */
static void run_openssl(const char *const arguments[])
{
    int status = -1;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)execvp("openssl", (char *const *)(uintptr_t)arguments); /* it changes none */
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The first 40 digits of the SHA-256 of the key in file, as the command computes it. */
static void ask_openssl(char *file, char digits[41])
{
    char der[TEMP_DIR_LEN + 32];
    char sum[TEMP_DIR_LEN + 32];
    (void)snprintf(der, sizeof der, "%s.der", file);
    (void)snprintf(sum, sizeof sum, "%s.sum", file);
    const char *const to_der[] = {"openssl",  "pkey", "-pubin", "-in", file, "-pubout",
                                  "-outform", "DER",  "-out",   der,   NULL};
    const char *const to_sum[] = {"openssl", "dgst", "-sha256", "-r", "-out", sum, der, NULL};
    run_openssl(to_der);
    run_openssl(to_sum);
    FILE *in = fopen(sum, "r");
    assert_non_null(in);
    assert_int_equal(fread(digits, 1, 40, in), 40);
    digits[40] = '\0';
    assert_int_equal(fclose(in), 0);
}

static void check_key(const char *dir, unsigned bits, unsigned exponent)
{
    char file[TEMP_DIR_LEN + 16];
    char expected[41];
    char seen[EKM_THUMB_HEX_LEN];
    uint8_t n[520] = {0};
    uint8_t e[16] = {0};
    struct ekm_thumb thumb;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *exp = BN_new();
    assert_true(EVP_PKEY_keygen_init(ctx) == 1 && BN_set_word(exp, exponent) == 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exp), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    (void)snprintf(file, sizeof file, "%s/key.pem", dir);
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PUBKEY(out, key), 1);
    assert_int_equal(fclose(out), 0);
    ask_openssl(file, expected);
    (void)number_of(key, "n", n, bits / 8 + 3); /* with leading zeros */
    (void)number_of(key, "e", e, 8);
    assert_int_equal(ekm_thumb_of_key(kpb_span(n, bits / 8 + 3), kpb_span(e, 8), &thumb, NULL),
                     KP_OK);
    assert_int_equal(thumb.len, EKM_THUMB_LEN);
    kpb_hex_encode(kpb_span(thumb.bytes, thumb.len), seen);
    assert_string_equal(seen, expected);
    BN_free(exp);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
}

static void ours_is_what_the_openssl_command_computes(void **state)
{
    char dir[TEMP_DIR_LEN];
    (void)state;
    temp_dir_make(dir);
    check_key(dir, 2048, 65537);
    check_key(dir, 3072, 3);
    check_key(dir, 2056, 257); /* no multiple of anything round */
    temp_dir_remove(dir);
}

/* Small integers reach the short forms of DER lengths. */
static void ours_of_any_size_does_not_depend_on_leading_zeros(void **state)
{
    (void)state;
    for (size_t len = 1; len <= 300; len += 13) {
        uint8_t n[304] = {0};
        struct ekm_thumb a;
        struct ekm_thumb b;
        memset(n + 4, 0xa5, len);
        const uint8_t e[3] = {1, 0, 1};
        assert_int_equal(ekm_thumb_of_key(kpb_span(n, len + 4), kpb_span(e, 3), &a, NULL), KP_OK);
        assert_int_equal(ekm_thumb_of_key(kpb_span(n + 4, len), kpb_span(e, 3), &b, NULL), KP_OK);
        assert_true(ekm_thumb_eq(&a, &b));
        assert_int_equal(ekm_thumb_of_key(kpb_span(n + 4, len), kpb_span(e, 1), &b, NULL), KP_OK);
        assert_false(ekm_thumb_eq(&a, &b));
    }
}

static void ours_of_no_key_is_refused(void **state)
{
    static const uint8_t zeros[600] = {0};
    uint8_t ones[600];
    struct ekm_thumb thumb;
    (void)state;
    memset(ones, 0xff, sizeof ones);
    const kp_span one = kpb_span(ones, 1);
    assert_int_equal(ekm_thumb_of_key(kpb_span(zeros, 256), one, &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_of_key(one, kpb_span(NULL, 0), &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_of_key(kpb_span(ones, 513), one, &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_of_key(one, kpb_span(ones, 65), &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_of_key(kpb_span(ones, 512), kpb_span(ones, 64), &thumb, NULL),
                     KP_OK);
}

/* ---- Names ---- */

static void name_of_the_published_sample_is_read_and_written(void **state)
{
    const struct ekm_thumb sample = thumb_of("0x2C5677D76F76D77F80");
    struct ekm_thumb again;
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    (void)state;
    assert_int_equal(ekm_thumb_to_name(&sample, name, NULL), KP_OK);
    assert_string_equal(name, "key20181029");
    assert_int_equal(ekm_thumb_of_name(kpb_span_str(name), &again, NULL), KP_OK);
    assert_true(ekm_thumb_eq(&sample, &again));
}

static void name_of_every_length_and_character_comes_back(void **state)
{
    static const char ALL[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    (void)state;
    for (size_t from = 0; from < sizeof ALL - 1; from++) {
        for (size_t len = 1; len <= EKM_THUMB_NAME_MAX_LEN && from + len < sizeof ALL; len++) {
            struct ekm_thumb thumb;
            const kp_span text = kpb_span(ALL + from, len);
            assert_int_equal(ekm_thumb_of_name(text, &thumb, NULL), KP_OK);
            assert_int_equal(thumb.len, (6 * len + 7) / 8);
            assert_int_equal(ekm_thumb_to_name(&thumb, name, NULL), KP_OK);
            assert_true(kpb_span_eq_str(text, name));
        }
    }
}

static void name_that_does_not_fit_has_its_number(void **state)
{
    struct ekm_thumb thumb;
    struct kp_error err;
    (void)state;
    assert_int_equal(ekm_thumb_of_name(kpb_span_str("abcdefghijklmnopqrstuvwxyz"), &thumb, NULL),
                     KP_OK);
    assert_int_equal(thumb.len, 20);
    assert_int_equal(ekm_thumb_of_name(kpb_span_str("abcdefghijklmnopqrstuvwxyza"), &thumb, &err),
                     KP_USAGE);
    assert_int_equal(err.code, 2049);
    assert_int_equal(ekm_thumb_of_name(kpb_span_str(""), &thumb, &err), KP_USAGE);
    assert_int_equal(err.code, 2049);
    assert_int_equal(ekm_thumb_of_name(kpb_span_str("my_key"), &thumb, &err), KP_USAGE);
    assert_int_equal(err.code, 2052);
    assert_non_null(strstr(err.text, "character 3"));
}

static void thumbprint_that_encodes_no_name_is_2053(void **state)
{
    static const char *const BAD[] = {
        "0x00",                                         /* nothing */
        "0x2C5677D76F76D77F",                           /* a stray bit behind the end */
        "0x2C5677D76F76D77F8000",                       /* longer than it need be */
        "0x2C5677D76F00D77F80",                         /* an end in the middle */
        "0x373B314B78E8D59A0925494558FEF14B726216C5",   /* the published one of the newer kind */
        "0x2C5677D76F76D77F802C5677D76F76D77F802C5677", /* 22 bytes */
    };
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    struct kp_error err;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        const struct ekm_thumb thumb = thumb_of(BAD[i]);
        if (ekm_thumb_to_name(&thumb, name, &err) != KP_INTEGRITY)
            fail_msg("%s reads as %s", BAD[i], name);
        assert_int_equal(err.code, 2053);
    }
}

/* Whatever is read writes the same bytes: no two thumbprints have one name. */
static void reading_is_the_exact_inverse_of_writing(void **state)
{
    uint64_t random = 7;
    unsigned n_names = 0;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        struct ekm_thumb thumb = {0, {0}};
        struct ekm_thumb again;
        char name[EKM_THUMB_NAME_MAX_LEN + 1];
        thumb.len = 1 + i % EKM_THUMB_LEN;
        for (uint32_t k = 0; k < thumb.len; k++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            thumb.bytes[k] = (uint8_t)(random >> 56);
        }
        if (ekm_thumb_to_name(&thumb, name, NULL) != KP_OK)
            continue;
        n_names++;
        assert_int_equal(ekm_thumb_of_name(kpb_span_str(name), &again, NULL), KP_OK);
        assert_true(ekm_thumb_eq(&thumb, &again));
    }
    assert_true(n_names > 1000);
}

/* ---- Text ---- */

static void text_of_a_thumbprint_is_upper_case_hex(void **state)
{
    char hex[EKM_THUMB_HEX_LEN];
    struct ekm_thumb thumb = thumb_of("0Xabcdef09");
    (void)state;
    ekm_thumb_format(&thumb, hex);
    assert_string_equal(hex, "0xABCDEF09");
    thumb = thumb_of("ffFF");
    assert_int_equal(thumb.len, 2);
    assert_int_equal(ekm_thumb_parse(kpb_span_str("0x"), &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_parse(kpb_span_str("0xabc"), &thumb, NULL), KP_USAGE);
    assert_int_equal(ekm_thumb_parse(kpb_span_str("0xzz"), &thumb, NULL), KP_USAGE);
    uint8_t bytes[33] = {1};
    struct kp_error err;
    assert_int_equal(ekm_thumb_from_bytes(kpb_span(bytes, 32), &thumb, NULL), KP_OK);
    assert_int_equal(ekm_thumb_from_bytes(kpb_span(bytes, 33), &thumb, &err), KP_USAGE);
    assert_int_equal(err.code, 6);
    assert_int_equal(ekm_thumb_from_bytes(kpb_span(bytes, 0), &thumb, NULL), KP_USAGE);
}

static void order_of_thumbprints_is_by_bytes_then_length(void **state)
{
    const struct ekm_thumb a = thumb_of("01");
    const struct ekm_thumb b = thumb_of("0100");
    const struct ekm_thumb c = thumb_of("02");
    (void)state;
    assert_true(ekm_thumb_compare(&a, &b) < 0 && ekm_thumb_compare(&b, &c) < 0);
    assert_true(ekm_thumb_compare(&c, &a) > 0 && ekm_thumb_compare(&b, &b) == 0);
    assert_string_equal(ekm_scheme_text(EKM_SCHEME_NAME), "name");
    assert_int_equal(ekm_scheme_from_text(kpb_span_str("foreign")), EKM_SCHEME_FOREIGN);
    assert_int_equal(ekm_scheme_from_text(kpb_span_str("hash")), EKM_SCHEME_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_is_what_the_openssl_command_computes),
        cmocka_unit_test(ours_of_any_size_does_not_depend_on_leading_zeros),
        cmocka_unit_test(ours_of_no_key_is_refused),
        cmocka_unit_test(name_of_the_published_sample_is_read_and_written),
        cmocka_unit_test(name_of_every_length_and_character_comes_back),
        cmocka_unit_test(name_that_does_not_fit_has_its_number),
        cmocka_unit_test(thumbprint_that_encodes_no_name_is_2053),
        cmocka_unit_test(reading_is_the_exact_inverse_of_writing),
        cmocka_unit_test(text_of_a_thumbprint_is_upper_case_hex),
        cmocka_unit_test(order_of_thumbprints_is_by_bytes_then_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
