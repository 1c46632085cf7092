/* ISO 8601: durations as rotation policies use them, points in time. Pure functions, any thread. */
#ifndef KP_BASE_ISO8601_H
#define KP_BASE_ISO8601_H

#include <keyprovider/status.h>

/* A calendar duration: years count as 12 months, weeks as 7 days. */
struct kpb_duration {
    uint32_t months;
    uint32_t days;
};

/* Reads PnYnMnD or PnW (at least one part, no time part). Errors: usage. */
kp_status kpb_duration_parse(kp_span text, struct kpb_duration *ret) KP_MUST_USE;

/*
 * The moment d after (or, with sign -1, before) unix_s, by the UTC proleptic Gregorian calendar;
 * the day of month is cut to the month's last day. Saturates instead of overflowing, downwards at
 * KP_TIME_NONE + 1; KP_TIME_NONE itself stays what it is.
 */
int64_t kpb_duration_shift(int64_t unix_s, struct kpb_duration d, int sign);

/* Bytes of a point in time as text, its NUL included. */
#define KPB_TIME_TEXT_LEN 21u

/*
 * Writes "2026-02-03T04:05:06Z" (RFC 3339, UTC). Outside the years 0 to 9999: their first or last
 * second.
 */
void kpb_time_format(int64_t unix_s, char out[KPB_TIME_TEXT_LEN]);

/* Reads exactly what kpb_time_format writes; second 60 is refused. Errors: usage. */
kp_status kpb_time_parse(kp_span text, int64_t *ret_unix_s) KP_MUST_USE;

#endif /* KP_BASE_ISO8601_H */
