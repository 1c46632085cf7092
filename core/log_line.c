#include "core/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/span.h"
#include "base/utf8.h"

#define TEXT_MARK " [cut]"
#define JSON_MARK ",\"cut\":true}"
#define MARK_ROOM 16u /* the longer mark and a NUL */

static void init_line(struct kpi_log_line *line, char into[KPI_LOG_LINE_LEN])
{
    *line = (struct kpi_log_line){into, 0, KPI_LOG_LINE_LEN - MARK_ROOM, false};
}

/* All of it or nothing: a line never ends in half a field. */
static void put(struct kpi_log_line *line, const char *text, size_t len)
{
    if (line->cut || len > line->cap - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->ptr + line->len, text, len);
    line->len += len;
}

static void put_str(struct kpi_log_line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* ---- Parts ---- */

/* Days since 1970 to a date: Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static void put_time(struct kpi_log_line *line, int64_t unix_s)
{
    char text[40];
    int64_t days = unix_s / 86400 - (unix_s % 86400 < 0);
    int64_t in_day = unix_s - days * 86400;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                   (int)(yoe + era * 400 + (month <= 2)), (int)month,
                   (int)(doy - (153 * mp + 2) / 5 + 1), (int)(in_day / 3600),
                   (int)(in_day / 60 % 60), (int)(in_day % 60));
    put_str(line, text);
}

static void put_number(struct kpi_log_line *line, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put_str(line, text);
}

/* JSON string content (RFC 8259 section 7); what is not UTF-8 becomes U+FFFD. */
static void put_escaped(struct kpi_log_line *line, kp_span text)
{
    char escape[8];
    for (size_t i = 0, n; i < text.len && !line->cut; i += n) {
        const char *at = (const char *)text.ptr + i;
        n = kpb_utf8_next(kpb_span(at, text.len - i));
        if (n == 0) {
            put_str(line, "\\ufffd");
            n = 1;
        } else if (*at == '"' || *at == '\\') {
            escape[0] = '\\';
            escape[1] = *at;
            put(line, escape, 2);
        } else if (kpb_is_control((uint8_t)*at)) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(uint8_t)*at);
            put_str(line, escape);
        } else {
            put(line, at, n);
        }
    }
}

/* A word as it is; anything a reader could mistake goes into quotes. */
static bool needs_quotes(kp_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || strchr("\"\\=", text.ptr[i]))
            return true;
    return text.len == 0;
}

static void put_quoted(struct kpi_log_line *line, kp_span text)
{
    put_str(line, "\"");
    put_escaped(line, text);
    put_str(line, "\"");
}

static void put_value(struct kpi_log_line *line, const struct kpi_log_field *field, bool quote)
{
    if (field->type == KPI_LOG_U64)
        put_number(line, field->number);
    else if (field->type == KPI_LOG_BOOL)
        put_str(line, field->number ? "true" : "false");
    else if (quote || needs_quotes(field->text))
        put_quoted(line, field->text);
    else
        put(line, (const char *)field->text.ptr, field->text.len);
}

/* The end of the line: after a cut the last whole field, then the mark. */
static size_t end_line(struct kpi_log_line *line, size_t whole, const char *mark, const char *end)
{
    if (line->cut)
        line->len = whole;
    const char *tail = line->cut ? mark : end;
    memcpy(line->ptr + line->len, tail, strlen(tail) + 1);
    return line->len + strlen(tail);
}

/* ---- Lines ---- */

const char *kpi_log_level_text(uint32_t level)
{
    static const char *const texts[] = {"off", "error", "warn", "info", "debug", "trace"};
    return level < sizeof texts / sizeof texts[0] ? texts[level] : "?";
}

size_t kpi_log_line_text(char into[KPI_LOG_LINE_LEN], int64_t unix_s, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields)
{
    struct kpi_log_line line;
    init_line(&line, into);
    put_time(&line, unix_s);
    put_str(&line, " ");
    put_str(&line, kpi_log_level_text(level));
    put_str(&line, " ");
    put_str(&line, module);
    put_str(&line, " ");
    put_str(&line, event);
    size_t whole = line.len;
    for (size_t i = 0; i < n_fields && !line.cut; i++) {
        put_str(&line, " ");
        put_str(&line, fields[i].name);
        put_str(&line, "=");
        put_value(&line, &fields[i], false);
        whole = line.cut ? whole : line.len;
    }
    return end_line(&line, whole, TEXT_MARK, "");
}

static void put_member(struct kpi_log_line *line, const char *name, const char *text)
{
    put_str(line, name);
    put_quoted(line, kpb_span_str(text));
}

size_t kpi_log_line_json(char into[KPI_LOG_LINE_LEN], int64_t unix_s, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields)
{
    struct kpi_log_line line;
    init_line(&line, into);
    put_str(&line, "{\"time\":\"");
    put_time(&line, unix_s);
    put_member(&line, "\",\"level\":", kpi_log_level_text(level));
    put_member(&line, ",\"module\":", module);
    put_member(&line, ",\"event\":", event);
    size_t whole = line.len;
    for (size_t i = 0; i < n_fields && !line.cut; i++) {
        put_member(&line, ",", fields[i].name);
        put_str(&line, ":");
        put_value(&line, &fields[i], true);
        whole = line.cut ? whole : line.len;
    }
    return end_line(&line, whole, JSON_MARK, "}");
}
