/* tools/ekm-rehearse/lex: what becomes of a script's characters, and where it stops. */
#include "tools/ekm-rehearse/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static struct rh_memory memory;

static struct rh_tokens lex(const char *text)
{
    struct rh_tokens tokens = {NULL, 0};
    struct kp_error err;
    kp_status st = rh_lex(kpb_span_str(text), &memory, &tokens, &err);

    if (st != KP_OK)
        fail_msg("%s", err.text);
    return tokens;
}

static void assert_token(struct rh_tokens tokens, size_t at, enum rh_token_kind kind,
                         const char *text)
{
    assert_true(at < tokens.n);
    assert_int_equal(tokens.items[at].kind, kind);
    assert_int_equal(tokens.items[at].text.len, strlen(text));
    if (*text)
        assert_memory_equal(tokens.items[at].text.ptr, text, strlen(text));
}

static void assert_refused(const char *text, const char *sentence)
{
    struct rh_tokens tokens;
    struct kp_error err;

    assert_int_equal(rh_lex(kpb_span_str(text), &memory, &tokens, &err), KP_USAGE);
    if (!strstr(err.text, sentence))
        fail_msg("'%s' instead of '%s'", err.text, sentence);
}

static void lex_reads_every_kind_of_token(void **state)
{
    struct rh_tokens t = lex("SELECT [a]]b] \"c\"\"d\" 'e''f' N'g' 42 0xAbcD @v (");

    (void)state;
    assert_int_equal(t.n, 10);
    assert_token(t, 0, RH_TOKEN_WORD, "SELECT");
    assert_token(t, 1, RH_TOKEN_QUOTED, "a]b");
    assert_token(t, 2, RH_TOKEN_QUOTED, "c\"d");
    assert_token(t, 3, RH_TOKEN_STRING, "e'f");
    assert_token(t, 4, RH_TOKEN_NSTRING, "g");
    assert_int_equal(t.items[5].number, 42);
    assert_token(t, 6, RH_TOKEN_BINARY, "\xab\xcd");
    assert_token(t, 7, RH_TOKEN_VARIABLE, "@v");
    assert_token(t, 8, RH_TOKEN_PUNCT, "(");
    assert_int_equal(t.items[9].kind, RH_TOKEN_END);
}

static void lex_empty_texts_are_tokens(void **state)
{
    struct rh_tokens t = lex("'' N'' 0x ''''");

    (void)state;
    assert_token(t, 0, RH_TOKEN_STRING, "");
    assert_token(t, 1, RH_TOKEN_NSTRING, "");
    assert_token(t, 2, RH_TOKEN_BINARY, "");
    assert_token(t, 3, RH_TOKEN_STRING, "'");
}

static void lex_comments_nest_and_hide_everything(void **state)
{
    struct rh_tokens t = lex("a /* b /* 'c */ ' */ d -- e ' f\ng --");

    (void)state;
    assert_int_equal(t.n, 4);
    assert_token(t, 1, RH_TOKEN_WORD, "d");
    assert_token(t, 2, RH_TOKEN_WORD, "g");
}

static void lex_counts_lines_and_columns_in_characters(void **state)
{
    struct rh_tokens t = lex("\xef\xbb\xbfN'\xc3\xa4\xe2\x82\xac' x\r\n  'two\nlines' y");

    (void)state;
    assert_int_equal(t.items[1].place.line, 1);
    assert_int_equal(t.items[1].place.column, 7);
    assert_int_equal(t.items[2].place.line, 2);
    assert_int_equal(t.items[2].place.column, 3);
    assert_int_equal(t.items[3].place.line, 3);
    assert_int_equal(t.items[3].place.column, 8);
}

static void lex_go_is_alone_on_its_line(void **state)
{
    struct rh_tokens t = lex("a\n go 3 \nGO -- x\r\nb GO\n[GO]\nGO x\nGO");
    static const enum rh_token_kind kinds[] = {
        RH_TOKEN_WORD,   RH_TOKEN_GO,   RH_TOKEN_GO,   RH_TOKEN_WORD, RH_TOKEN_WORD,
        RH_TOKEN_QUOTED, RH_TOKEN_WORD, RH_TOKEN_WORD, RH_TOKEN_GO,   RH_TOKEN_END};

    (void)state;
    assert_int_equal(t.n, sizeof kinds / sizeof kinds[0]);
    for (size_t i = 0; i < t.n; i++)
        assert_int_equal(t.items[i].kind, kinds[i]);
    assert_int_equal(t.items[1].number, 3);
    assert_int_equal(t.items[2].number, 1);
}

static void lex_refuses_with_line_and_column(void **state)
{
    (void)state;
    assert_refused("a\n 'open", "line 2, column 2: the quoted text");
    assert_refused("[open", "line 1, column 1: the quoted text");
    assert_refused("/* /* */", "line 1, column 1: this comment");
    assert_refused("a ?", "line 1, column 3");
    assert_refused("0xabc", "pairs");
    assert_refused("0xzz", "pairs");
    assert_refused("9223372036854775808", "too large");
    assert_refused("1.5", "whole");
    assert_refused("12ab", "whole");
    assert_refused("@ a", "name of a variable");
    assert_refused("[]", "empty");
    assert_refused("GO 0", "1 to 1000");
    assert_refused("GO 1001", "1 to 1000");
    assert_refused("\xff", "UTF-8");
    assert_refused("a\x01", "column 2");
}

static void lex_bounds_depth_and_memory(void **state)
{
    static char deep[400];
    struct rh_memory small;
    struct rh_tokens tokens;
    struct kp_error err;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof deep; i += 2)
        memcpy(deep + i, "/*", 3);
    assert_refused(deep, "64 deep");
    rh_memory_init(&small, 1024);
    assert_int_equal(rh_lex(kpb_span_str("a b c"), &small, &tokens, &err), KP_NO_MEMORY);
    rh_memory_clear(&small);
}

static int set_up(void **state)
{
    (void)state;
    rh_memory_init(&memory, 1u << 24);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rh_memory_clear(&memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lex_reads_every_kind_of_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lex_empty_texts_are_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lex_comments_nest_and_hide_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lex_counts_lines_and_columns_in_characters, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lex_go_is_alone_on_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lex_refuses_with_line_and_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lex_bounds_depth_and_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
