#include "core/log.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "core/log_line.h"

/* ---- Fields ---- */

struct kpi_log_field kpi_field_span(const char *name, kp_span text)
{
    return (struct kpi_log_field){name, KPI_LOG_TEXT, text, 0};
}

struct kpi_log_field kpi_field_str(const char *name, const char *text)
{
    return kpi_field_span(name, kpb_span_str(text));
}

struct kpi_log_field kpi_field_u64(const char *name, uint64_t number)
{
    return (struct kpi_log_field){name, KPI_LOG_U64, {NULL, 0}, number};
}

struct kpi_log_field kpi_field_bool(const char *name, bool value)
{
    return (struct kpi_log_field){name, KPI_LOG_BOOL, {NULL, 0}, value};
}

/* ---- Levels ---- */

static const char *const module_names[] = {
#define XX(symbol, name) name,
    KPI_LOG_MODULE_MAP(XX)
#undef XX
};

int kpi_log_level_from_text(kp_span text)
{
    for (uint32_t level = 0; level <= KP_LOG_TRACE; level++)
        if (kpb_span_eq_str(text, kpi_log_level_text(level)))
            return (int)level;
    return -1;
}

static int module_from_text(kp_span text)
{
    for (int module = 0; module < KPI_LOG_MODULES; module++)
        if (kpb_span_eq_str(text, module_names[module]))
            return module;
    return -1;
}

#define UNSAID UINT32_MAX

/* Levels as the text gives them: one for all modules, then those of single ones. */
struct reading {
    uint32_t all;
    uint32_t modules[KPI_LOG_MODULES];
};

/* One part, LEVEL or MODULE=LEVEL. False: neither, or said before. */
static bool read_part(kp_span part, struct reading *reading)
{
    const uint8_t *eq = part.len ? memchr(part.ptr, '=', part.len) : NULL;
    size_t name_len = eq ? (size_t)(eq - part.ptr) : 0;
    size_t skip = eq ? name_len + 1 : 0;
    int level = kpi_log_level_from_text(kpb_span(part.ptr + skip, part.len - skip));
    int module = eq ? module_from_text(kpb_span(part.ptr, name_len)) : 0;
    if (level < 0 || module < 0)
        return false;
    uint32_t *slot = eq ? &reading->modules[module] : &reading->all;
    if (*slot != UNSAID)
        return false;
    *slot = (uint32_t)level;
    return true;
}

/* Reads parts up to the end of text or the first bad one, whose place it returns. */
static const char *read_parts(const char *text, struct reading *reading)
{
    const char *at = text;
    while (*text) {
        size_t len = strcspn(at, ",");
        if (!read_part(kpb_span(at, len), reading))
            return at;
        if (!at[len])
            break;
        at += len + 1;
    }
    return NULL;
}

kp_status kpi_log_levels_parse(const char *text, uint32_t ret_levels[KPI_LOG_MODULES],
                               struct kp_error *reterr)
{
    struct reading reading = {.all = UNSAID};
    for (int i = 0; i < KPI_LOG_MODULES; i++)
        reading.modules[i] = UNSAID;
    const char *bad = read_parts(text, &reading);
    if (bad)
        return kpb_fail(reterr, KP_CONFIG,
                        "log levels: \"%.*s\" is neither a level nor MODULE=LEVEL, or stands there "
                        "twice; levels are off, error, warn, info, debug, trace",
                        (int)strcspn(bad, ","), bad);
    uint32_t rest = reading.all == UNSAID ? KP_LOG_INFO : reading.all;
    for (int i = 0; i < KPI_LOG_MODULES; i++)
        ret_levels[i] = reading.modules[i] == UNSAID ? rest : reading.modules[i];
    return KP_OK;
}

kp_status kpi_log_set_levels(struct kpi_log *log, const char *text, struct kp_error *reterr)
{
    uint32_t levels[KPI_LOG_MODULES];
    kp_status st = kpi_log_levels_parse(text, levels, reterr);
    for (int i = 0; st == KP_OK && i < KPI_LOG_MODULES; i++)
        atomic_store_explicit(&log->levels[i], levels[i], memory_order_relaxed);
    return st;
}

/* ---- Writing ---- */

bool kpi_log_wants(const struct kpi_log *log, enum kpi_log_module module, uint32_t level)
{
    return log->sink && level != 0 &&
           level <= atomic_load_explicit(&log->levels[module], memory_order_relaxed);
}

static void write_locked(struct kpi_log *log, enum kpi_log_module module, uint32_t level,
                         const char *event, const struct kpi_log_field *fields, size_t n_fields)
{
    char line[KPI_LOG_LINE_LEN];
    int64_t now_ms = kpi_unix_ms(log->clock);
    size_t len =
        log->json
            ? kpi_log_line_json(line, now_ms, level, module_names[module], event, fields, n_fields)
            : kpi_log_line_text(line, now_ms, level, module_names[module], event, fields, n_fields);
    log->sink(log->sink_ctx, line, len);
}

/* Says how many lines were left out, which is itself a line beyond the bound. */
static void report_suppressed_locked(struct kpi_log *log)
{
    const struct kpi_log_field fields[] = {kpi_field_u64("lines", log->n_suppressed)};
    if (log->n_suppressed == 0)
        return;
    log->n_suppressed = 0;
    write_locked(log, KPI_LOG_PROVIDER, KP_LOG_WARN, "suppressed", fields, 1);
}

/* A new second: says first what the last one kept quiet about. */
static void begin_window_locked(struct kpi_log *log, uint64_t now_s)
{
    log->window_s = now_s;
    log->n_lines = 0;
    report_suppressed_locked(log);
}

void kpi_log_write(struct kpi_log *log, enum kpi_log_module module, uint32_t level,
                   const char *event, const struct kpi_log_field *fields, size_t n_fields)
{
    if (!kpi_log_wants(log, module, level))
        return;
    uint64_t now_s = kpi_now_ns(log->clock) / (1000 * KPI_NS_PER_MS);
    uv_mutex_lock(&log->lock);
    if (now_s != log->window_s)
        begin_window_locked(log, now_s);
    if (log->n_lines < atomic_load_explicit(&log->lines_per_second, memory_order_relaxed)) {
        log->n_lines++;
        write_locked(log, module, level, event, fields, n_fields);
    } else {
        log->n_suppressed++;
    }
    uv_mutex_unlock(&log->lock);
}

/* ---- Life ---- */

kp_status kpi_log_init(struct kpi_log *log, kp_log_fn *sink, void *sink_ctx, bool json,
                       uint32_t lines_per_second, const struct kpi_clock *clock)
{
    if (uv_mutex_init(&log->lock) != 0)
        return KP_NO_MEMORY;
    log->sink = sink;
    log->sink_ctx = sink_ctx;
    log->clock = clock;
    log->json = json;
    log->window_s = 0;
    log->n_lines = 0;
    log->n_suppressed = 0;
    atomic_init(&log->lines_per_second, lines_per_second);
    for (int i = 0; i < KPI_LOG_MODULES; i++)
        atomic_init(&log->levels[i], KP_LOG_INFO);
    return KP_OK;
}

void kpi_log_clear(struct kpi_log *log)
{
    uv_mutex_lock(&log->lock);
    report_suppressed_locked(log);
    uv_mutex_unlock(&log->lock);
    uv_mutex_destroy(&log->lock);
}
