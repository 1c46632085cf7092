/* ISO 8601 durations as rotation policies use them. Pure functions, any thread. */
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

/* The moment d after (or, with sign -1, before) unix_s, by the UTC proleptic Gregorian calendar; the
 * day of month is cut to the month's last day. Saturates instead of overflowing. */
int64_t kpb_duration_shift(int64_t unix_s, struct kpb_duration d, int sign);

#endif /* KP_BASE_ISO8601_H */
