/*
 * The structured log: one line per event, as text or JSON, with a level per module and a bound on
 * lines per second. Formatting allocates nothing; what does not fit a line is cut and marked.
 *
 *     2026-11-22T10:33:07.123Z warn breaker opened vault=prod failures=5
 *     {"time":"2026-11-22T10:33:07.123Z","level":"warn","module":"breaker","event":"opened",...}
 *
 * Threads: any; lines are written one at a time. The sink must not log.
 */
#ifndef KP_CORE_LOG_H
#define KP_CORE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/keyprovider.h>
#include <uv.h>

#include "core/clock.h"

#define KPI_LOG_LINE_LEN 1024u

/* XX(SYMBOL, "name"): who speaks. */
#define KPI_LOG_MODULE_MAP(XX)                                                                     \
    XX(PROVIDER, "provider")                                                                       \
    XX(PLUGIN, "plugin")                                                                           \
    XX(VAULT, "vault")                                                                             \
    XX(PIPELINE, "pipeline")                                                                       \
    XX(BREAKER, "breaker")                                                                         \
    XX(SECRETS, "secrets")

enum kpi_log_module {
#define XX(symbol, name) KPI_LOG_##symbol,
    KPI_LOG_MODULE_MAP(XX)
#undef XX
        KPI_LOG_MODULES
};

enum kpi_log_type { KPI_LOG_TEXT = 0, KPI_LOG_U64 = 1, KPI_LOG_BOOL = 2 };

/* One field. Text is borrowed for the call; never a secret. */
struct kpi_log_field {
    const char *name;
    enum kpi_log_type type;
    kp_span text;
    uint64_t number;
};

struct kpi_log_field kpi_field_span(const char *name, kp_span text);
struct kpi_log_field kpi_field_str(const char *name, const char *text);
struct kpi_log_field kpi_field_u64(const char *name, uint64_t number);
struct kpi_log_field kpi_field_bool(const char *name, bool value);

struct kpi_log {
    kp_log_fn *sink;
    void *sink_ctx;
    const struct kpi_clock *clock;
    bool json;
    _Atomic uint32_t levels[KPI_LOG_MODULES]; /* KP_LOG_*; 0: nothing */
    _Atomic uint32_t lines_per_second;
    uv_mutex_t lock;
    uint64_t window_s; /* under lock: the second being counted */
    uint32_t n_lines;
    uint64_t n_suppressed;
};

/* sink NULL: a log that says nothing. Errors: no_memory. */
kp_status kpi_log_init(struct kpi_log *log, kp_log_fn *sink, void *sink_ctx, bool json,
                       uint32_t lines_per_second, const struct kpi_clock *clock) KP_MUST_USE;
/* Reports lines left out since the last report; nobody may log any more. */
void kpi_log_clear(struct kpi_log *log);

/*
 * Reads levels as kpi_log_set_levels does, without setting them: the configuration's check.
 */
kp_status kpi_log_levels_parse(const char *text, uint32_t ret_levels[KPI_LOG_MODULES],
                               struct kp_error *reterr) KP_MUST_USE;

/*
 * Levels from text such as "info,pipeline=debug": at most one for all modules ("info" when there is
 * none), and exceptions, in any order; off, error, warn, info, debug, trace. Errors: config naming
 * the part; nothing changes.
 */
kp_status kpi_log_set_levels(struct kpi_log *log, const char *text, struct kp_error *reterr)
    KP_MUST_USE;
/* The level with that name, -1 for none. "off" is 0. */
int kpi_log_level_from_text(kp_span text);

/* Would a line of this level be written? Cheap; ask before collecting expensive fields. */
bool kpi_log_wants(const struct kpi_log *log, enum kpi_log_module module, uint32_t level);

/* Writes a line, unless the level or the bound says no. event: a short snake_case word. */
void kpi_log_write(struct kpi_log *log, enum kpi_log_module module, uint32_t level,
                   const char *event, const struct kpi_log_field *fields, size_t n_fields);

#endif /* KP_CORE_LOG_H */
