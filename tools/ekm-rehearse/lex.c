#include "tools/ekm-rehearse/lex.h"

#include <stdbool.h>

#include "base/encode.h"
#include "base/span.h"
#include "base/utf8.h"

#define GO_MAX_COUNT 1000 /* GO 1001 is more than a rehearsal needs */

struct reader {
    kp_span script;
    size_t at;
    struct rh_place place;
    bool line_has_token; /* GO counts only as the first of its line */
    struct rh_memory *m;
    struct kp_error *err;
};

/* ---- Characters ---- */

static uint8_t peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->script.len ? r->script.ptr[r->at + ahead] : 0;
}

static bool at_end(const struct reader *r)
{
    return r->at >= r->script.len;
}

/* One byte on; bytes inside a character do not count as columns. */
static void step(struct reader *r)
{
    const uint8_t c = r->script.ptr[r->at++];
    if (c == '\n') {
        r->place.line++;
        r->place.column = 1;
        r->line_has_token = false;
    } else if (at_end(r) || (r->script.ptr[r->at] & 0xc0) != 0x80) {
        r->place.column++;
    }
}

static void skip(struct reader *r, size_t n)
{
    while (n--)
        step(r);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word_start(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '#' || c >= 0x80;
}

static bool is_word(uint8_t c)
{
    return is_word_start(c) || is_digit(c) || c == '@' || c == '$';
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static kp_status refuse(const struct reader *r, struct rh_place place, const char *what)
{
    return kpb_fail(r->err, KP_USAGE, "line %u, column %u: %s", place.line, place.column, what);
}

/* ---- Between tokens ---- */

static kp_status skip_block_comment(struct reader *r)
{
    const struct rh_place start = r->place;
    uint32_t depth = 0;
    do {
        if (at_end(r))
            return refuse(r, start, "this comment has no end; close it with */");
        if (peek(r, 0) == '/' && peek(r, 1) == '*') {
            skip(r, 2);
            depth++;
        } else if (peek(r, 0) == '*' && peek(r, 1) == '/') {
            skip(r, 2);
            depth--;
        } else {
            step(r);
        }
        if (depth > RH_COMMENT_MAX_DEPTH)
            return refuse(r, r->place, "comments are nested more than 64 deep");
    } while (depth);
    return KP_OK;
}

static kp_status skip_blanks(struct reader *r)
{
    for (;;) {
        if (!at_end(r) && is_space(peek(r, 0))) {
            step(r);
        } else if (peek(r, 0) == '-' && peek(r, 1) == '-') {
            while (!at_end(r) && peek(r, 0) != '\n')
                step(r);
        } else if (peek(r, 0) == '/' && peek(r, 1) == '*') {
            const kp_status st = skip_block_comment(r);
            if (st != KP_OK)
                return st;
        } else {
            return KP_OK;
        }
    }
}

/* ---- Tokens ---- */

/* Bytes of the marked text from the reader's place on, doubled marks counted once; ends behind the
 * closing mark, or at the end of the script if there is none. */
static bool measure_marked(struct reader copy, uint8_t mark, size_t *ret_len)
{
    size_t len = 0;
    while (!at_end(&copy)) {
        const bool is_mark = peek(&copy, 0) == mark;
        if (is_mark && peek(&copy, 1) != mark) {
            *ret_len = len;
            return true;
        }
        skip(&copy, is_mark ? 2 : 1);
        len++;
    }
    return false;
}

static kp_status read_marked(struct reader *r, uint8_t mark, struct rh_token *t)
{
    size_t len = 0;
    if (!measure_marked(*r, mark, &len))
        return refuse(r, t->place, "the quoted text that begins here has no end");
    uint8_t *text = rh_memory_take(r->m, len + 1);
    if (!text)
        return kpb_fail_memory(r->err, "rehearse.lex");
    for (size_t i = 0; i < len; i++) {
        text[i] = peek(r, 0);
        skip(r, text[i] == mark ? 2 : 1);
    }
    step(r);
    t->text = kpb_span(text, len);
    return KP_OK;
}

static kp_status read_name(struct reader *r, uint8_t mark, struct rh_token *t)
{
    t->kind = RH_TOKEN_QUOTED;
    step(r);
    const kp_status st = read_marked(r, mark, t);
    if (st == KP_OK && t->text.len == 0)
        return refuse(r, t->place, "a name cannot be empty");
    return st;
}

static kp_status read_string(struct reader *r, bool is_national, struct rh_token *t)
{
    t->kind = is_national ? RH_TOKEN_NSTRING : RH_TOKEN_STRING;
    skip(r, is_national ? 2 : 1);
    return read_marked(r, '\'', t);
}

static kp_status read_binary(struct reader *r, struct rh_token *t)
{
    t->kind = RH_TOKEN_BINARY;
    skip(r, 2);
    const size_t start = r->at;
    while (is_hex(peek(r, 0)))
        step(r);
    const kp_span hex = {r->script.ptr + start, r->at - start};
    if (hex.len % 2 || is_word(peek(r, 0)))
        return refuse(r, t->place, "a binary value is 0x and pairs of hexadecimal digits");
    uint8_t *bytes = rh_memory_take(r->m, hex.len / 2 + 1);
    if (!bytes)
        return kpb_fail_memory(r->err, "rehearse.lex");
    t->text = kpb_span(bytes, hex.len / 2);
    return kpb_hex_decode(hex, bytes, hex.len / 2);
}

static kp_status read_number(struct reader *r, struct rh_token *t)
{
    t->kind = RH_TOKEN_NUMBER;
    while (is_digit(peek(r, 0))) {
        const int64_t digit = peek(r, 0) - '0';
        if (t->number > (INT64_MAX - digit) / 10)
            return refuse(r, t->place, "this number is too large");
        t->number = t->number * 10 + digit;
        step(r);
    }
    if (is_word(peek(r, 0)) || (peek(r, 0) == '.' && is_digit(peek(r, 1))))
        return refuse(r, t->place, "numbers here are whole and decimal");
    return KP_OK;
}

/* The bytes of a GO line's count and end; false if the line is no end of a batch. */
static bool is_go_line(struct reader copy, int64_t *ret_count)
{
    struct kp_error ignored;
    struct rh_token t = {.place = copy.place};
    copy.err = &ignored;
    while (peek(&copy, 0) == ' ' || peek(&copy, 0) == '\t')
        step(&copy);
    if (is_digit(peek(&copy, 0)) && read_number(&copy, &t) != KP_OK)
        return false;
    *ret_count = t.kind == RH_TOKEN_NUMBER ? t.number : 1;
    while (peek(&copy, 0) == ' ' || peek(&copy, 0) == '\t' || peek(&copy, 0) == '\r')
        step(&copy);
    return at_end(&copy) || peek(&copy, 0) == '\n' ||
           (peek(&copy, 0) == '-' && peek(&copy, 1) == '-');
}

static kp_status end_batch(struct reader *r, int64_t count, struct rh_token *t)
{
    if (count < 1 || count > GO_MAX_COUNT)
        return refuse(r, t->place, "GO takes a count from 1 to 1000");
    t->kind = RH_TOKEN_GO;
    t->number = count;
    while (!at_end(r) && peek(r, 0) != '\n')
        step(r);
    return KP_OK;
}

static kp_status read_word(struct reader *r, struct rh_token *t)
{
    const bool is_first = !r->line_has_token;
    const size_t start = r->at;
    int64_t count = 0;
    t->kind = peek(r, 0) == '@' ? RH_TOKEN_VARIABLE : RH_TOKEN_WORD;
    do
        step(r);
    while (is_word(peek(r, 0)));
    t->text = kpb_span(r->script.ptr + start, r->at - start);
    if (t->kind == RH_TOKEN_VARIABLE && t->text.len < 2)
        return refuse(r, t->place, "@ is not followed by the name of a variable");
    if (is_first && kpb_span_eq_nocase(t->text, kpb_span_str("GO")) && is_go_line(*r, &count))
        return end_batch(r, count, t);
    return KP_OK;
}

static kp_status read_punct(struct reader *r, struct rh_token *t)
{
    const uint8_t c = peek(r, 0);
    if (c == 0 || !strchr("(),;=.*+", c))
        return refuse(r, t->place, "no statement known here has this character");
    t->kind = RH_TOKEN_PUNCT;
    t->text = kpb_span(r->script.ptr + r->at, 1);
    step(r);
    return KP_OK;
}

static kp_status read_token(struct reader *r, struct rh_token *t)
{
    const uint8_t c = peek(r, 0);
    if (c == '\'')
        return read_string(r, false, t);
    if ((c == 'N' || c == 'n') && peek(r, 1) == '\'')
        return read_string(r, true, t);
    if (c == '[')
        return read_name(r, ']', t);
    if (c == '"')
        return read_name(r, '"', t);
    if (c == '0' && (peek(r, 1) == 'x' || peek(r, 1) == 'X'))
        return read_binary(r, t);
    if (is_digit(c))
        return read_number(r, t);
    if (is_word_start(c) || c == '@')
        return read_word(r, t);
    return read_punct(r, t);
}

/* ---- The script ---- */

static kp_status check_script(struct reader *r)
{
    if (r->script.len > RH_SCRIPT_MAX_LEN)
        return kpb_fail(r->err, KP_USAGE, "the script is longer than 1 MiB; cut it in parts");
    if (kpb_span_starts_with(r->script, "\xef\xbb\xbf")) {
        r->script.ptr += 3;
        r->script.len -= 3;
    }
    if (!kpb_utf8_is_valid(r->script))
        return kpb_fail(r->err, KP_USAGE, "the script is not UTF-8; save it as UTF-8");
    return KP_OK;
}

static kp_status next_token(struct reader *r, struct rh_token *t)
{
    const kp_status st = skip_blanks(r);
    if (st != KP_OK)
        return st;
    *t = (struct rh_token){.place = r->place};
    if (at_end(r))
        return KP_OK;
    const kp_status read = read_token(r, t);
    r->line_has_token = true;
    return read;
}

/* Doubles the room; the old one stays behind in the memory until it is cleared. */
static kp_status grow(struct reader *r, struct rh_tokens *list, size_t *cap)
{
    const size_t wanted = *cap ? *cap * 2 : 256;
    struct rh_token *items = rh_memory_take(r->m, wanted * sizeof *items);
    if (!items)
        return kpb_fail_memory(r->err, "rehearse.lex");
    if (list->n)
        memcpy(items, list->items, list->n * sizeof *items);
    list->items = items;
    *cap = wanted;
    return KP_OK;
}

kp_status rh_lex(kp_span script, struct rh_memory *m, struct rh_tokens *ret,
                 struct kp_error *reterr)
{
    struct reader r = {.script = script, .place = {1, 1}, .m = m, .err = reterr};
    struct rh_tokens list = {0};
    size_t cap = 0;
    kp_status st = check_script(&r);
    while (st == KP_OK) {
        if (list.n == RH_TOKENS_MAX)
            return refuse(&r, r.place, "the script has more than 100000 words and marks");
        if (list.n == cap && (st = grow(&r, &list, &cap)) != KP_OK)
            return st;
        st = next_token(&r, &list.items[list.n++]);
        if (st == KP_OK && list.items[list.n - 1].kind == RH_TOKEN_END)
            break;
    }
    if (st == KP_OK)
        *ret = list;
    return st;
}
