/*
 * A log record as one bounded line of text or of JSON. Pure functions; the caller's memory.
 *
 * Text from outside cannot break the line or drive a terminal: control characters are escaped, and
 * a byte that is not UTF-8 shows as U+FFFD. A line that would be too long ends within a value or
 * before a field and says truncated=true; JSON stays well-formed.
 */
#ifndef KP_CORE_LOG_LINE_H
#define KP_CORE_LOG_LINE_H

#include "core/log.h"

/* Puts a line without line end into `into`, NUL-terminated; returns its length. level: KP_LOG_*. */
size_t kpi_log_line_text(char into[KPI_LOG_LINE_LEN], int64_t unix_ms, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields);
size_t kpi_log_line_json(char into[KPI_LOG_LINE_LEN], int64_t unix_ms, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields);
/* "off", "error" .. "trace"; "?" for a number that is none. Static storage. */
const char *kpi_log_level_text(uint32_t level);

#endif /* KP_CORE_LOG_LINE_H */
