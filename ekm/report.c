#include "ekm/report.h"

#include <stdio.h>

#include "base/errors.h"
#include "base/mem.h"
#include "ekm/keys/sync.h"

/* ekm.event_level */
enum { LEVEL_ALL = 0, LEVEL_ERRORS = 1, LEVEL_NONE = 2 };

#define LINES_PER_SECOND 1000u /* until the configuration is known */

struct ekm_report {
    /* ---- fixed after new ---- */
    const struct ekm_environment *env;
    struct ekm_sync *sync;
    /* ---- under sync ---- */
    struct ekm_log_file *file;
    bool json;
    uint32_t level;
    uint32_t lines_per_second;
    int64_t second;
    uint32_t n_lines;
    uint32_t n_suppressed;
};

kp_status ekm_report_new(const struct ekm_environment *env, struct ekm_report **ret,
                         struct kp_error *reterr)
{
    struct ekm_report *report = kpb_alloc("ekm.report", sizeof *report);
    kp_status st;

    if (!report)
        return kpb_fail_memory(reterr, "ekm.report");
    report->env = env;
    report->level = LEVEL_ALL;
    report->lines_per_second = LINES_PER_SECOND;
    report->sync = ekm_sync_new();
    st = report->sync ? ekm_log_file_open(NULL, &report->file, reterr)
                      : kpb_fail_memory(reterr, "ekm.report");
    if (st != KP_OK) {
        ekm_report_free(report);
        return st;
    }
    *ret = report; /* moved to the caller */
    return KP_OK;
}

void ekm_report_configure(struct ekm_report *report, struct ekm_log_file *file, bool json,
                          uint32_t level, uint32_t lines_per_second)
{
    struct ekm_log_file *old;

    ekm_sync_lock(report->sync);
    old = report->file;
    report->file = file; /* moved to the report */
    report->json = json;
    report->level = level;
    report->lines_per_second = lines_per_second;
    ekm_sync_unlock(report->sync);
    ekm_log_file_close(old);
}

void ekm_report_free(struct ekm_report *report)
{
    if (!report)
        return;
    ekm_log_file_close(report->file);
    ekm_sync_free(report->sync);
    kpb_free(report);
}

/* May one more line be written in this second? */
static bool has_room_locked(struct ekm_report *report, int64_t second)
{
    if (second != report->second) {
        report->second = second;
        report->n_lines = 0;
    }
    if (report->n_lines < report->lines_per_second) {
        report->n_lines++;
        return true;
    }
    report->n_suppressed++;
    return false;
}

static void write_line_locked(struct ekm_report *report, int64_t unix_ms,
                              const struct ekm_news *news)
{
    bool wanted = news->err ? report->level <= LEVEL_ERRORS : report->level == LEVEL_ALL;
    char line[EKM_LINE_LEN];
    size_t len = ekm_line_format(line, report->json, unix_ms, news);

    ekm_log_file_write(report->file, line, len);
    if (wanted && report->env->event)
        report->env->event(report->env->ctx, news->err != NULL, line);
}

static void tell_suppressed_locked(struct ekm_report *report, int64_t unix_ms)
{
    char text[64];
    const struct ekm_news note = {.event = "suppressed", .text = text};

    if (report->n_suppressed == 0)
        return;
    (void)snprintf(text, sizeof text, "%u lines were left out", report->n_suppressed);
    report->n_suppressed = 0;
    write_line_locked(report, unix_ms, &note);
}

void ekm_report_write(struct ekm_report *report, const struct ekm_news *news)
{
    int64_t now = ekm_platform_unix_ms();

    ekm_sync_lock(report->sync);
    if (has_room_locked(report, now / 1000)) {
        tell_suppressed_locked(report, now);
        write_line_locked(report, now, news);
    }
    ekm_sync_unlock(report->sync);
}

/* The core bounds its lines itself. */
void ekm_report_core_line(void *ctx, const char *line, size_t len)
{
    struct ekm_report *report = ctx;

    ekm_sync_lock(report->sync);
    ekm_log_file_write(report->file, line, len);
    ekm_sync_unlock(report->sync);
}
