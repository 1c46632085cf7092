/*
 * The provider's own words: one line per failed call, to the log (ekm.log_file, else standard
 * error) and to the events of the system. SQL Server shows a number and nothing else, so what a DBA
 * can do about it stands here.
 *
 *     2026-11-22T10:33:07Z error ekm failed call=GetKeyInfoByName step=read number=3112
 *         class=not_found vault=prod.vault.azure.net key=app http_status=404
 *         service_code=KeyNotFound request_id=... text="..." advice="..."  (one line, no breaks)
 *
 * With log.format json the same members in one object. Never a secret; control characters are
 * replaced, and a field that finds no room is left out. Lines above log.lines_per_second are
 * counted and reported with the next.
 *
 * Threads: any.
 */
#ifndef KP_EKM_REPORT_H
#define KP_EKM_REPORT_H

#include "ekm/environment.h"
#include "ekm/number.h"

#define EKM_LINE_LEN 4096u

struct ekm_report;

/* A failed call, or a piece of news (number 0). Texts are borrowed for the call; NULL: left out. */
struct ekm_news {
    const char *event; /* "failed", "opened", "note" */
    const char *call;  /* "Encrypt" */
    const char *step;  /* ekm_act_text */
    const char *vault;
    const char *key;
    uint32_t number;            /* what SQL Server prints */
    const struct kp_error *err; /* NULL: no failure */
    const char *text;           /* for news without err */
};

/* Text to standard error and every event, until the configuration is known. Errors: no_memory. */
kp_status ekm_report_new(const struct ekm_environment *env, struct ekm_report **ret,
                         struct kp_error *reterr) KP_MUST_USE;
/* What the configuration says. file moves in. level: ekm.event_level. Any thread. */
void ekm_report_configure(struct ekm_report *report, struct ekm_log_file *file, bool json,
                          uint32_t level, uint32_t lines_per_second);
/* NULL allowed. */
void ekm_report_free(struct ekm_report *report);

/* Writes the line and the event. Any thread. */
void ekm_report_write(struct ekm_report *report, const struct ekm_news *news);
/* A line of the core's own log, as it comes. ctx: a struct ekm_report. */
void ekm_report_core_line(void *ctx, const char *line, size_t len);

/* Puts the line of a piece of news into `into`, NUL-terminated, and returns its length. Pure. */
size_t ekm_line_format(char into[EKM_LINE_LEN], bool json, int64_t unix_ms,
                       const struct ekm_news *news);

#endif /* KP_EKM_REPORT_H */
