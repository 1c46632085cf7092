/* One piece of news as a line of text or JSON. Pure. */
#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "base/span.h"
#include "base/utf8.h"
#include "ekm/report.h"

#define VALUE_MAX_LEN 400u

struct line {
    char *at;
    size_t len;
    bool json;
};

/* A value at its longest: every byte escaped, its name, and the end of the line. */
#define FIELD_MAX_LEN (2 * VALUE_MAX_LEN + 32)

static bool has_room(const struct line *l)
{
    return l->len + FIELD_MAX_LEN < EKM_LINE_LEN;
}

static void put(struct line *l, const char *text, size_t len)
{
    if (len > EKM_LINE_LEN - 1 - l->len)
        len = EKM_LINE_LEN - 1 - l->len;
    memcpy(l->at + l->len, text, len);
    l->len += len;
    l->at[l->len] = '\0';
}

static void put_str(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* What would break the line, drive a terminal or is not UTF-8 becomes a question mark. */
static void put_quoted(struct line *l, const char *text)
{
    kp_span rest = kpb_span(text, strnlen(text, VALUE_MAX_LEN));

    put(l, "\"", 1);
    while (rest.len > 0) {
        size_t n = kpb_utf8_next(rest);

        if (n == 0 || kpb_is_control_char(rest.ptr, n)) {
            put(l, "?", 1);
            n = 1;
        } else {
            if (rest.ptr[0] == '"' || rest.ptr[0] == '\\')
                put(l, "\\", 1);
            put(l, (const char *)rest.ptr, n);
        }
        rest = kpb_span(rest.ptr + n, rest.len - n);
    }
    put(l, "\"", 1);
}

static void put_name(struct line *l, const char *name)
{
    put_str(l, l->json ? ",\"" : " ");
    put_str(l, name);
    put_str(l, l->json ? "\":" : "=");
}

/* Values of one word stand without quotes in text. */
static void put_text(struct line *l, const char *name, const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:";

    if (!value || value[0] == '\0' || !has_room(l))
        return;
    put_name(l, name);
    if (!l->json && strspn(value, plain) == strlen(value) && strlen(value) < VALUE_MAX_LEN)
        put_str(l, value);
    else
        put_quoted(l, value);
}

static void put_number(struct line *l, const char *name, uint32_t value)
{
    char digits[12];

    if (value == 0 || !has_room(l))
        return;
    put_name(l, name);
    (void)snprintf(digits, sizeof digits, "%u", value);
    put_str(l, digits);
}

static void put_head(struct line *l, int64_t unix_ms, const struct ekm_news *news)
{
    const char *level = news->err ? "error" : "info";
    char time[KPB_TIME_TEXT_LEN];

    kpb_time_format(unix_ms / 1000, time);
    put_str(l, l->json ? "{\"time\":\"" : "");
    put_str(l, time);
    put_str(l, l->json ? "\",\"level\":\"" : " ");
    put_str(l, level);
    put_str(l, l->json ? "\",\"module\":\"ekm\",\"event\":\"" : " ekm ");
    put_str(l, news->event);
    put_str(l, l->json ? "\"" : "");
}

static void put_error(struct line *l, const struct ekm_news *news)
{
    const struct kp_error *err = news->err;
    const struct kp_code_info *info = kp_code_find(news->number);

    put_text(l, "class", kp_status_text((kp_status)err->status));
    put_number(l, "code", err->code == news->number ? 0 : err->code);
    put_number(l, "http_status", err->http_status);
    put_text(l, "service_code", err->service_code);
    put_text(l, "request_id", err->request_id);
    put_text(l, "text", err->text);
    put_text(l, "advice", info ? info->advice : NULL);
}

size_t ekm_line_format(char into[EKM_LINE_LEN], bool json, int64_t unix_ms,
                       const struct ekm_news *news)
{
    struct line l = {.at = into, .json = json};

    put_head(&l, unix_ms, news);
    put_text(&l, "call", news->call);
    put_text(&l, "step", news->step);
    put_number(&l, "number", news->number);
    put_text(&l, "vault", news->vault);
    put_text(&l, "key", news->key);
    if (news->err)
        put_error(&l, news);
    else
        put_text(&l, "text", news->text);
    if (json)
        put_str(&l, "}");
    return l.len;
}
