#include "tools/ekm-rehearse/grammar.h"

#include <stdio.h>

#include "base/span.h"

const char *const rh_function_names[] = {
    "ENCRYPTBYASYMKEY", "DECRYPTBYASYMKEY", "ASYMKEY_ID", "DB_ID", "DB_NAME", "DATALENGTH", NULL,
};

const char *const rh_view_names[] = {
    "cryptographic_providers",
    "dm_cryptographic_provider_properties",
    "dm_cryptographic_provider_algorithms",
    "dm_cryptographic_provider_keys",
    "dm_cryptographic_provider_sessions",
    "asymmetric_keys",
    "credentials",
    "dm_database_encryption_keys",
    "databases",
    NULL,
};

bool rh_is_listed(const char *const *list, kp_span name)
{
    for (; *list; list++) {
        if (kpb_span_eq_nocase(kpb_span_str(*list), name))
            return true;
    }
    return false;
}

/* ---- Refusing ---- */

static void fail_at(struct rh_parser *p, struct rh_place place, const char *format_tail)
{
    if (p->st == KP_OK)
        p->st = kpb_fail(p->err, KP_USAGE, "line %u, column %u: %s", place.line, place.column,
                         format_tail);
}

void rh_refuse_at(struct rh_parser *p, struct rh_place place, const char *why)
{
    fail_at(p, place, why);
}

/* Values are named by their kind only: a string may be a SECRET. */
static void name_token(const struct rh_token *t, char *out, size_t len)
{
    static const char *const kinds[] = {
        [RH_TOKEN_END] = "the end of the script", [RH_TOKEN_STRING] = "a string",
        [RH_TOKEN_NSTRING] = "a string",          [RH_TOKEN_NUMBER] = "a number",
        [RH_TOKEN_BINARY] = "a binary value",     [RH_TOKEN_GO] = "GO"};
    if (t->kind < sizeof kinds / sizeof kinds[0] && kinds[t->kind])
        (void)snprintf(out, len, "%s", kinds[t->kind]);
    else
        (void)snprintf(out, len, "'%.*s'", (int)(t->text.len < 64 ? t->text.len : 64),
                       (const char *)t->text.ptr);
}

void rh_refuse(struct rh_parser *p, const char *expected)
{
    char text[256];
    char found[80];
    if (p->st != KP_OK)
        return;
    name_token(p->at, found, sizeof found);
    (void)snprintf(text, sizeof text, "expected %s, found %s", expected, found);
    fail_at(p, p->at->place, text);
}

/* ---- Words and marks ---- */

static bool is_word(const struct rh_token *t, kp_span word)
{
    return t->kind == RH_TOKEN_WORD && kpb_span_eq_nocase(t->text, word);
}

/* How many tokens the words take; 0 if they are not there. The last token matches no word. */
static size_t match_words(const struct rh_parser *p, const char *words)
{
    const struct rh_token *t = p->at;
    if (p->st != KP_OK)
        return 0;
    while (*words) {
        const size_t len = strcspn(words, " ");
        if (!is_word(t, kpb_span(words, len)))
            return 0;
        t++;
        words += len + (words[len] == ' ');
    }
    return (size_t)(t - p->at);
}

bool rh_at_words(const struct rh_parser *p, const char *words)
{
    return match_words(p, words) > 0;
}

bool rh_at_mark(const struct rh_parser *p, char mark)
{
    return p->st == KP_OK && p->at->kind == RH_TOKEN_PUNCT && p->at->text.ptr[0] == (uint8_t)mark;
}

bool rh_accept(struct rh_parser *p, const char *words)
{
    const size_t n = match_words(p, words);
    p->at += n;
    return n > 0;
}

bool rh_accept_mark(struct rh_parser *p, char mark)
{
    const bool found = rh_at_mark(p, mark);
    p->at += found;
    return found;
}

/* Word by word, so that the place refused is that of the first wrong one. */
void rh_expect(struct rh_parser *p, const char *words)
{
    while (*words && p->st == KP_OK) {
        const size_t len = strcspn(words, " ");
        char word[32];
        (void)snprintf(word, sizeof word, "%.*s", (int)len, words);
        if (!rh_accept(p, word))
            rh_refuse(p, word);
        words += len + (words[len] == ' ');
    }
}

void rh_expect_mark(struct rh_parser *p, char mark)
{
    const char text[] = {'\'', mark, '\'', '\0'};
    if (!rh_accept_mark(p, mark))
        rh_refuse(p, text);
}

/* ---- Parts ---- */

static void take_text(struct rh_parser *p, bool fits, const char *expected, kp_span *ret)
{
    if (p->st != KP_OK)
        return;
    if (!fits) {
        rh_refuse(p, expected);
        return;
    }
    *ret = p->at->text;
    p->at++;
}

void rh_read_name(struct rh_parser *p, kp_span *ret)
{
    const bool is_name = p->at->kind == RH_TOKEN_WORD || p->at->kind == RH_TOKEN_QUOTED;
    if (is_name && p->at->text.len > RH_NAME_MAX_LEN)
        rh_refuse_at(p, p->at->place, "this name is longer than a name may be");
    take_text(p, is_name, "a name", ret);
}

void rh_read_word(struct rh_parser *p, kp_span *ret)
{
    take_text(p, p->at->kind == RH_TOKEN_WORD, "a word", ret);
}

void rh_read_string(struct rh_parser *p, kp_span *ret)
{
    const bool is_string = p->at->kind == RH_TOKEN_STRING || p->at->kind == RH_TOKEN_NSTRING;
    take_text(p, is_string, "a string in quotes", ret);
}

void rh_read_number(struct rh_parser *p, int64_t *ret)
{
    kp_span ignored;
    const int64_t number = p->at->number;
    take_text(p, p->at->kind == RH_TOKEN_NUMBER, "a number", &ignored);
    if (p->st == KP_OK)
        *ret = number;
}

void rh_read_switch(struct rh_parser *p, enum rh_switch *ret)
{
    if (rh_accept(p, "ON"))
        *ret = RH_ON;
    else if (rh_accept(p, "OFF"))
        *ret = RH_OFF;
    else
        rh_refuse(p, "ON or OFF");
}

static void read_max_len(struct rh_parser *p, uint32_t *ret)
{
    int64_t n = 0;
    const struct rh_place place = p->at->place;
    if (rh_accept(p, "MAX"))
        n = RH_VALUE_MAX_LEN;
    else
        rh_read_number(p, &n);
    if (n < 1 || n > (int64_t)RH_VALUE_MAX_LEN)
        rh_refuse_at(p, place, "a length is 1 to 8000 or MAX");
    *ret = (uint32_t)n;
    rh_expect_mark(p, ')');
}

void rh_read_type(struct rh_parser *p, enum rh_type *ret_type, uint32_t *ret_max_len)
{
    static const struct {
        const char *word;
        enum rh_type type;
    } types[] = {{"INT", RH_INT},          {"BIGINT", RH_INT},         {"VARCHAR", RH_VARCHAR},
                 {"CHAR", RH_VARCHAR},     {"NVARCHAR", RH_NVARCHAR},  {"NCHAR", RH_NVARCHAR},
                 {"SYSNAME", RH_NVARCHAR}, {"VARBINARY", RH_VARBINARY}};
    *ret_max_len = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!rh_accept(p, types[i].word))
            continue;
        *ret_type = types[i].type;
        if (types[i].type != RH_INT && rh_accept_mark(p, '('))
            read_max_len(p, ret_max_len);
        return;
    }
    rh_refuse(p, "a type (varchar, nvarchar, varbinary, int)");
}
