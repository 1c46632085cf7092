#include "core/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/span.h"
#include "base/utf8.h"

#define JSON_CUT ",\"truncated\":true"
#define TEXT_CUT " truncated=true"
/* Kept free for what must still fit on a full line: a closing quote, the longer of the marks, a
 * closing brace, the NUL. */
#define TAIL_LEN (1 + sizeof JSON_CUT + 1)

#define NUMBER_LEN 24     /* a 64-bit number in decimal, sign and NUL */
#define TIME_LEN 25       /* 2026-02-03T04:05:06.789Z and its NUL */
#define ESCAPE_MAX_LEN 7u /* \u001b and a NUL */

struct line {
    char *out;
    size_t len;
    bool full; /* something did not fit; nothing is put any more */
};

/* All of it or nothing. */
static bool put(struct line *l, const char *bytes, size_t n)
{
    if (l->full || l->len + n > KPI_LOG_LINE_LEN - TAIL_LEN) { /* a quote may stand beyond it */
        l->full = true;
        return false;
    }
    memcpy(l->out + l->len, bytes, n);
    l->len += n;
    return true;
}

static bool put_str(struct line *l, const char *text)
{
    return put(l, text, strlen(text));
}

/* Into the room that TAIL_LEN keeps free. */
static void put_tail(struct line *l, const char *text)
{
    size_t n = strlen(text);

    memcpy(l->out + l->len, text, n);
    l->len += n;
}

/* ---- Values ---- */

/* Puts the character of n bytes at p; n is 0 when the byte there begins none. */
static bool put_char(struct line *l, const uint8_t *p, size_t n)
{
    char escape[ESCAPE_MAX_LEN];

    if (n == 0)
        return put_str(l, "\xef\xbf\xbd");
    if (*p == '"' || *p == '\\') {
        const char pair[2] = {'\\', (char)*p};
        return put(l, pair, 2);
    }
    if (!kpb_is_control_char(p, n))
        return put(l, (const char *)p, n);
    if (*p == '\n')
        return put_str(l, "\\n");
    (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)p[n - 1]);
    return put_str(l, escape);
}

static void put_chars(struct line *l, kp_span text)
{
    while (text.len) {
        size_t n = kpb_utf8_next(text);

        if (!put_char(l, text.ptr, n))
            return;
        n = n ? n : 1;
        text = kpb_span(text.ptr + n, text.len - n);
    }
}

/* Opens the quote or puts nothing; what follows may be cut, the closing quote always comes. */
static bool put_quoted(struct line *l, kp_span text)
{
    if (!put(l, "\"", 1))
        return false;
    put_chars(l, text);
    put_tail(l, "\"");
    return true;
}

static bool put_number(struct line *l, const struct kpi_log_field *f)
{
    char text[NUMBER_LEN];
    if (f->type == KPI_LOG_BOOL)
        return put_str(l, f->number ? "true" : "false");
    (void)snprintf(text, sizeof text, "%" PRIu64, f->number);
    return put_str(l, text);
}

static void put_time(struct line *l, int64_t unix_ms)
{
    char text[TIME_LEN];
    int64_t ms = (unix_ms % 1000 + 1000) % 1000;

    kpb_time_format((unix_ms - ms) / 1000, text);
    (void)snprintf(text + KPB_TIME_TEXT_LEN - 2, 6, ".%03dZ", (int)ms);
    put_str(l, text);
}

static size_t end_line(struct line *l, const char *cut_mark, const char *end)
{
    if (l->full)
        put_tail(l, cut_mark);
    put_tail(l, end);
    l->out[l->len] = '\0';
    return l->len;
}

/* ---- Text ---- */

/* Needs no quotes to be told from its neighbours. */
static bool is_plain(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return text.len > 0;
}

static bool put_word(struct line *l, kp_span text)
{
    if (!is_plain(text))
        return put_quoted(l, text);
    put_chars(l, text);
    return true;
}

static bool put_text_value(struct line *l, const struct kpi_log_field *f)
{
    return f->type == KPI_LOG_TEXT ? put_word(l, f->text) : put_number(l, f);
}

static void put_text_field(struct line *l, const struct kpi_log_field *f)
{
    size_t before = l->len;
    if (!put_str(l, " ") || !put_str(l, f->name) || !put_str(l, "=") || !put_text_value(l, f))
        l->len = before;
}

size_t kpi_log_line_text(char into[KPI_LOG_LINE_LEN], int64_t unix_ms, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields)
{
    struct line l = {into, 0, false};
    put_time(&l, unix_ms);
    put_str(&l, " ");
    put_str(&l, kpi_log_level_text(level));
    put_str(&l, " ");
    put_word(&l, kpb_span_str(module));
    put_str(&l, " ");
    put_word(&l, kpb_span_str(event));
    for (size_t i = 0; i < n_fields; i++)
        put_text_field(&l, &fields[i]);
    return end_line(&l, TEXT_CUT, "");
}

/* ---- JSON ---- */

static void put_json_field(struct line *l, const struct kpi_log_field *f)
{
    size_t before = l->len;
    bool done = put_str(l, ",\"") && put_str(l, f->name) && put_str(l, "\":");
    if (done)
        done = f->type == KPI_LOG_TEXT ? put_quoted(l, f->text) : put_number(l, f);
    if (!done)
        l->len = before;
}

size_t kpi_log_line_json(char into[KPI_LOG_LINE_LEN], int64_t unix_ms, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields)
{
    const struct kpi_log_field head[] = {
        kpi_field_str("level", kpi_log_level_text(level)),
        kpi_field_str("module", module),
        kpi_field_str("event", event),
    };
    struct line l = {into, 0, false};
    put_str(&l, "{\"time\":\"");
    put_time(&l, unix_ms);
    put_str(&l, "\"");
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        put_json_field(&l, &head[i]);
    for (size_t i = 0; i < n_fields; i++)
        put_json_field(&l, &fields[i]);
    return end_line(&l, JSON_CUT, "}");
}

/* ---- Levels ---- */

const char *kpi_log_level_text(uint32_t level)
{
    static const char *const texts[] = {"off", "error", "warn", "info", "debug", "trace"};
    return level < sizeof texts / sizeof texts[0] ? texts[level] : "?";
}
