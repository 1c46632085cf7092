/* base/win_text, base/win_folder: text between the two worlds, and where the machine's data lie. */
#include "base/win_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include "base/mem.h"
#include "base/win_folder.h"
#include "support/failing_heap.h"

static void text_goes_there_and_back(void **state)
{
    char back[16];
    wchar_t *wide = kpb_win_wide("test", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91");

    (void)state;
    assert_non_null(wide);
    assert_int_equal(wcslen(wide), 4); /* the last one is a pair */
    assert_true(kpb_win_utf8_fill(wide, back, sizeof back));
    assert_string_equal(back, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91");
    kpb_free(wide);
}

static void what_is_no_text_is_refused(void **state)
{
    static const wchar_t half[] = {0xd83d, 0};
    wchar_t wide[4];
    char narrow[4];

    (void)state;
    assert_null(kpb_win_wide("test", "\xff"));
    assert_null(kpb_win_wide("test", "\xc0\x80"));
    assert_false(kpb_win_wide_fill("abcd", wide, 4));
    assert_true(kpb_win_wide_fill("abc", wide, 4));
    assert_false(kpb_win_utf8_fill(half, narrow, sizeof narrow));
    assert_false(kpb_win_utf8_fill(L"abcd", narrow, sizeof narrow));
}

/* Whoever asked for a path is not told that it is none because memory is out. */
static void path_is_none_or_memory_is_out(void **state)
{
    static const char no_text[] = "C:\\\xff";
    struct kp_error error;
    wchar_t *wide = NULL;

    (void)state;
    kp_error_init(&error);
    assert_int_equal(kpb_win_wide_path("test", no_text, &wide, &error), KP_USAGE);
    assert_string_equal(error.text, "a path is no UTF-8");
    failing_heap_use(1);
    assert_int_equal(kpb_win_wide_path("test", "C:\\a", &wide, &error), KP_NO_MEMORY);
    failing_heap_drop();
    assert_int_equal(kpb_win_wide_path("test", "C:\\a", &wide, NULL), KP_OK);
    assert_int_equal(wcscmp(wide, L"C:\\a"), 0);
    kpb_free(wide);
}

static void reason_is_one_line(void **state)
{
    char text[128];

    (void)state;
    kpb_win_reason(ERROR_FILE_NOT_FOUND, text, sizeof text);
    assert_true(strlen(text) > 5);
    assert_null(strpbrk(text, "\r\n"));
    assert_int_not_equal(text[strlen(text) - 1], '.');
    kpb_win_reason(0x2fffffff, text, sizeof text);
    assert_string_equal(text, "error 805306367");
}

static void program_data_is_the_registry_s(void **state)
{
    char folder[260];
    char tiny[3];

    (void)state;
    assert_true(SetEnvironmentVariableW(L"ProgramData", L"C:\\evil"));
    assert_true(kpb_win_program_data(folder, sizeof folder));
    assert_string_not_equal(folder, "C:\\evil");
    assert_int_equal(folder[1], ':');
    assert_false(kpb_win_program_data(tiny, sizeof tiny));
    assert_true(kpb_win_is_there(folder));
    assert_false(kpb_win_is_there("C:\\no such folder\\file"));
}

/* A configuration that is there is never passed by. */
static void what_cannot_be_looked_at_counts_as_there(void **state)
{
    char folder[260];

    (void)state;
    assert_true(kpb_win_program_data(folder, sizeof folder));
    failing_heap_use(1);
    assert_true(kpb_win_is_there(folder));
    failing_heap_drop();
    assert_true(kpb_win_is_there("C:\\\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_there_and_back),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(path_is_none_or_memory_is_out),
        cmocka_unit_test(reason_is_one_line),
        cmocka_unit_test(program_data_is_the_registry_s),
        cmocka_unit_test(what_cannot_be_looked_at_counts_as_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
