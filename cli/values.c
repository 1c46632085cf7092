#include "cli/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_DAY (24u * 60u * 60u * 1000u)
#define S_PER_DAY INT64_C(86400)

/* Reads digits into *ret and moves *at behind them; false without any, or beyond max. */
static bool scan_digits(const char **at, uint64_t max, uint64_t *ret)
{
    const char *p = *at;
    uint64_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > max) {
            return false;
        }
    }
    if (p == *at) {
        return false;
    }
    *at = p;
    *ret = n;
    return true;
}

bool cli_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t n = 0;
    if (!scan_digits(&text, max, &n) || *text != '\0' || n < min) {
        return false;
    }
    *ret = (uint32_t)n;
    return true;
}

/* Milliseconds of a unit, 0 for an unknown one. No unit means seconds. */
static uint64_t unit_ms(const char *unit)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].text) == 0) {
            return units[i].ms;
        }
    }
    return 0;
}

bool cli_parse_timeout(const char *text, uint32_t *ret_ms)
{
    uint64_t n = 0;
    if (!scan_digits(&text, MS_PER_DAY, &n)) {
        return false;
    }
    const uint64_t ms = n * unit_ms(text);
    if (ms == 0 || ms > MS_PER_DAY) {
        return false;
    }
    *ret_ms = (uint32_t)ms;
    return true;
}

/*
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar. The year is counted from
 * March, so that the leap day is its last; 400 years are 146097 days.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = y / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    const int64_t z = days + 719468;
    const int64_t era = z / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

static bool is_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = 0;
    int64_t m = 0;
    int64_t d = 0;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    date_of(days_of(year, month, day), &y, &m, &d); /* 31 April comes back as 1 May */
    return y == year && m == month && d == day;
}

/* Reads exactly width digits and the separator behind them (0: none). */
static bool scan_field(const char **at, size_t width, char separator, int64_t *ret)
{
    int64_t n = 0;
    for (size_t i = 0; i < width; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        n = n * 10 + (**at - '0');
    }
    if (separator != '\0') {
        if (**at != separator) {
            return false;
        }
        (*at)++;
    }
    *ret = n;
    return true;
}

static bool scan_clock(const char **at, int64_t *ret_s)
{
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    if (!scan_field(at, 2, ':', &hour) || !scan_field(at, 2, ':', &minute) ||
        !scan_field(at, 2, 'Z', &second)) {
        return false;
    }
    *ret_s = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

static bool parse_date_time(const char *text, int64_t *ret_unix_s)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t clock_s = 0;
    if (!scan_field(&text, 4, '-', &year) || !scan_field(&text, 2, '-', &month) ||
        !scan_field(&text, 2, '\0', &day) || !is_date(year, month, day)) {
        return false;
    }
    if (*text == 'T') {
        text++;
        if (!scan_clock(&text, &clock_s)) {
            return false;
        }
    }
    *ret_unix_s = days_of(year, month, day) * S_PER_DAY + clock_s;
    return *text == '\0';
}

bool cli_parse_time(const char *text, int64_t *ret_unix_s)
{
    if (strcmp(text, "none") == 0) {
        *ret_unix_s = KP_TIME_NONE;
        return true;
    }
    const char *at = text;
    uint64_t n = 0;
    if (scan_digits(&at, UINT64_C(253402300799), &n) && *at == '\0') { /* end of the year 9999 */
        *ret_unix_s = (int64_t)n;
        return true;
    }
    return parse_date_time(text, ret_unix_s);
}

void cli_format_time(int64_t unix_s, char *out)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (unix_s < INT64_C(-62135596800) || unix_s > INT64_C(253402300799)) {
        (void)snprintf(out, CLI_TIME_TEXT_LEN, "@%" PRId64, unix_s);
        return;
    }
    const int64_t in_day = ((unix_s % S_PER_DAY) + S_PER_DAY) % S_PER_DAY;
    date_of((unix_s - in_day) / S_PER_DAY, &year, &month, &day);
    (void)snprintf(out, CLI_TIME_TEXT_LEN, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, (int)month,
                   (int)day, (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60));
}

#define WORD_MAX_LEN 31u /* longer words get no suggestion */

static size_t min3(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits between two words; a swap of neighbours counts as one (optimal string alignment). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t d[WORD_MAX_LEN + 1][WORD_MAX_LEN + 1];
    for (size_t i = 0; i <= a_len; i++) {
        for (size_t j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = min3(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
            }
        }
    }
    return d[a_len][b_len];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n)
{
    const size_t len = strlen(word);
    const char *best = NULL;
    size_t best_distance = 3;
    if (len > WORD_MAX_LEN) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t name_len = strlen(names[i]);
        if (name_len > WORD_MAX_LEN) {
            continue;
        }
        const size_t edits = distance(word, len, names[i], name_len);
        if (edits < best_distance && 2 * edits < len) {
            best = names[i];
            best_distance = edits;
        }
    }
    return best;
}
