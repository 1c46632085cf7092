/*
 * Building one bounded log line. What does not fit is dropped and the line ends in a mark. Pure; the
 * caller's memory.
 */
#ifndef KP_CORE_LOG_LINE_H
#define KP_CORE_LOG_LINE_H

#include "core/log.h"

struct kpi_log_line {
    char *ptr;
    size_t len;
    size_t cap; /* room for text; the mark has its own */
    bool cut;
};

/* Puts the whole line into `into`, NUL-terminated; returns its length. */
size_t kpi_log_line_text(char into[KPI_LOG_LINE_LEN], int64_t unix_s, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields);
size_t kpi_log_line_json(char into[KPI_LOG_LINE_LEN], int64_t unix_s, uint32_t level,
                         const char *module, const char *event, const struct kpi_log_field *fields,
                         size_t n_fields);
/* "error" .. "trace". */
const char *kpi_log_level_text(uint32_t level);

#endif /* KP_CORE_LOG_LINE_H */
