#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/names.h"

static void encode(const char *name, char out[FT_FILE_NAME_LEN])
{
    assert_int_equal(ft_name_encode(kpb_span_str(name), out), KP_OK);
}

static void assert_file(const char *name, const char *file)
{
    char out[FT_FILE_NAME_LEN];
    encode(name, out);
    assert_string_equal(out, file);
}

static void assert_round_trip(const char *name)
{
    char file[FT_FILE_NAME_LEN], back[KP_KEY_NAME_MAX_LEN + 1];
    encode(name, file);
    assert_true(ft_name_decode(file, back));
    assert_string_equal(back, name);
}

static void name_encode_documented_examples_come_out(void **state)
{
    (void)state;
    assert_file("app", "key-app.json");
    assert_file("App", "key-app.1.json");
    assert_file("aPp", "key-app.2.json");
    assert_file("APP", "key-app.7.json");
    assert_file("abcdE", "key-abcde.10.json");
    assert_file("A-1", "key-a-1.1.json");
}

static void name_encode_reserved_names_of_windows_get_a_prefix(void **state)
{
    static const char *const RESERVED[] = {"con", "CON", "aux", "nul", "prn", "com1", "LPT9"};
    char file[FT_FILE_NAME_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof RESERVED / sizeof RESERVED[0]; i++) {
        encode(RESERVED[i], file);
        assert_memory_equal(file, "key-", 4);
        assert_true(file[strlen(file) - 1] != '.' && file[strlen(file) - 1] != ' ');
    }
}

/* Every spelling of a name gives a file of its own, none with a capital letter. */
static void name_encode_all_spellings_differ_without_case(void **state)
{
    char files[256][FT_FILE_NAME_LEN];
    (void)state;
    for (unsigned mask = 0; mask < 256; mask++) {
        char name[9] = "abcdefgh";
        for (unsigned i = 0; i < 8; i++)
            name[i] = (char)(mask >> i & 1u ? name[i] - 'a' + 'A' : name[i]);
        encode(name, files[mask]);
        assert_round_trip(name);
        for (const char *p = files[mask]; *p; p++)
            assert_false(*p >= 'A' && *p <= 'Z');
        for (unsigned k = 0; k < mask; k++)
            assert_string_not_equal(files[mask], files[k]);
    }
}

static void name_encode_longest_name_fits(void **state)
{
    char name[KP_KEY_NAME_MAX_LEN + 1], file[FT_FILE_NAME_LEN];
    (void)state;
    memset(name, 'Z', KP_KEY_NAME_MAX_LEN);
    name[KP_KEY_NAME_MAX_LEN] = '\0';
    encode(name, file);
    assert_true(strlen(file) < FT_FILE_NAME_LEN - 1);
    assert_round_trip(name);
    memset(name, '0', KP_KEY_NAME_MAX_LEN);
    assert_round_trip(name);
}

static void name_encode_what_is_no_key_name_is_refused(void **state)
{
    static const char *const BAD[] = {"", "a.b", "a/b", "..", "a b", "a_b", "\xc3\xa4"};
    char file[FT_FILE_NAME_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(ft_name_encode(kpb_span_str(BAD[i]), file), KP_USAGE);
}

static void name_decode_foreign_files_are_none(void **state)
{
    static const char *const FOREIGN[] = {
        "",
        "vault.json",
        "vault.lock",
        "key-.json",
        "key-app",
        "key-app.json.bak",
        "key-App.json",
        "key-app.0.json",
        "key-app.01.json",
        "key-app.8.json",
        "key-app.A.json",
        "key-1.1.json",
        "key-app..json",
        "key-app.x.json",
        "Key-app.json",
        "tmp-00000000000000000000000000000000",
    };
    char name[KP_KEY_NAME_MAX_LEN + 1];
    (void)state;
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++) {
        if (ft_name_decode(FOREIGN[i], name))
            fail_msg("%s was taken for a key", FOREIGN[i]);
    }
}

static void name_temp_is_known_again(void **state)
{
    uint8_t random[FT_TEMP_RANDOM_LEN];
    char file[FT_FILE_NAME_LEN];
    (void)state;
    memset(random, 0xa5, sizeof random);
    ft_name_temp(random, file);
    assert_string_equal(file, "tmp-a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5");
    assert_true(ft_name_is_temp(file));
    file[5] = 'g';
    assert_false(ft_name_is_temp(file));
    assert_false(ft_name_is_temp("tmp-"));
    assert_false(ft_name_is_temp("tmp-notes.txt"));
    assert_false(ft_name_is_temp("key-app.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_encode_documented_examples_come_out),
        cmocka_unit_test(name_encode_reserved_names_of_windows_get_a_prefix),
        cmocka_unit_test(name_encode_all_spellings_differ_without_case),
        cmocka_unit_test(name_encode_longest_name_fits),
        cmocka_unit_test(name_encode_what_is_no_key_name_is_refused),
        cmocka_unit_test(name_decode_foreign_files_are_none),
        cmocka_unit_test(name_temp_is_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
