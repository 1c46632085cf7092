#include "plugins/azure-rest/token_date.h"

#include <stdio.h>

#include "base/iso8601.h"
#include "base/span.h"

static bool take(kp_span *text, char c)
{
    if (text->len == 0 || text->ptr[0] != (uint8_t)c)
        return false;
    *text = kpb_span(text->ptr + 1, text->len - 1);
    return true;
}

/* One to max_digits digits. */
static bool take_number(kp_span *text, int max_digits, unsigned *ret)
{
    int n = 0;
    *ret = 0;
    while (n < max_digits && text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9') {
        *ret = *ret * 10 + (unsigned)(text->ptr[0] - '0');
        *text = kpb_span(text->ptr + 1, text->len - 1);
        n++;
    }
    return n > 0;
}

static bool take_word(kp_span *text, const char *word)
{
    if (!kpb_span_starts_with(*text, word))
        return false;
    size_t n = strlen(word);
    *text = kpb_span(text->ptr + n, text->len - n);
    return true;
}

struct moment {
    unsigned year, month, day, hour, minute, second;
};

static bool take_day(kp_span *text, struct moment *m)
{
    return take_number(text, 2, &m->month) && take(text, '/') && take_number(text, 2, &m->day) &&
           take(text, '/') && take_number(text, 4, &m->year);
}

/* Turns 12 hours with AM or PM into 24; the replies with "00:00:00 PM" are real. */
static bool take_half(kp_span *text, struct moment *m)
{
    bool is_pm = take_word(text, " PM");
    if (!is_pm && !take_word(text, " AM"))
        return true;
    if (m->hour > 12)
        return false;
    m->hour = m->hour % 12 + (is_pm ? 12 : 0);
    return true;
}

static bool take_time(kp_span *text, struct moment *m)
{
    return take_number(text, 2, &m->hour) && take(text, ':') && take_number(text, 2, &m->minute) &&
           take(text, ':') && take_number(text, 2, &m->second) && take_half(text, m);
}

bool azr_date_parse(kp_span text, int64_t *ret_unix_s)
{
    struct moment m;
    char iso[64];
    if (!take_day(&text, &m) || !take(&text, ' ') || !take_time(&text, &m))
        return false;
    (void)take_word(&text, " +00:00");
    if (text.len > 0)
        return false;
    (void)snprintf(iso, sizeof iso, "%04u-%02u-%02uT%02u:%02u:%02uZ", m.year, m.month, m.day,
                   m.hour, m.minute, m.second);
    return kpb_time_parse(kpb_span_str(iso), ret_unix_s) == KP_OK;
}
