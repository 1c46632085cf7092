#include "cli/load_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/load_platform.h"
#include "cli/load_schedule.h"
#include "cli/load_threads.h"

#define LINE_NS (LOAD_NS_PER_S / 2)
#define PIPE_LINE_NS (10 * LOAD_NS_PER_S)
#define COLUMNS_DEFAULT 80u /* of a terminal that does not tell */

struct load_progress {
    /* ---- fixed after start ---- */
    struct load_result *result;
    uint64_t begin_ns;
    bool on_terminal;
    uv_thread_t thread;

    /* ---- under lock ---- */
    struct cli_lock lock;
    bool ended;

    /* ---- its thread's ---- */
    size_t last_len; /* letters of the line that stands there */
};

/* ---- The line ---- */

static void put_end(const struct load_plan *plan, char *out, size_t n)
{
    if (plan->is_open_ended) {
        (void)snprintf(out, n, "%" PRIu64 " operations", plan->n_ops);
    } else {
        (void)snprintf(out, n, "%.1f s", (double)cli_load_schedule_end_ns(plan) / LOAD_NS_PER_S);
    }
}

static const char *part_of(const struct load_plan *plan, uint64_t now_ns)
{
    return now_ns < plan->ramp_ns ? " (ramp)" : now_ns < plan->warm_up_ns ? " (warm-up)" : "";
}

/* What matters most comes first: a narrow terminal cuts the end. */
void cli_load_progress_text(const struct load_plan *plan, const struct load_glance *glance,
                            uint64_t now_ns, uint32_t columns, char out[LOAD_PROGRESS_LEN])
{
    char end[48];
    const double measured_s =
        now_ns > plan->warm_up_ns ? (double)(now_ns - plan->warm_up_ns) / LOAD_NS_PER_S : 0;
    put_end(plan, end, sizeof end);
    (void)snprintf(out, LOAD_PROGRESS_LEN,
                   "%.1f s of %s%s: %" PRIu64 " ok, %" PRIu64 " failed, p99 %.3f ms, %.1f per s",
                   (double)now_ns / LOAD_NS_PER_S, end, part_of(plan, now_ns), glance->n_ok,
                   glance->n_failed, (double)glance->p99_ns / LOAD_NS_PER_MS,
                   measured_s > 0 ? (double)glance->n_ok / measured_s : 0);
    if (columns < LOAD_PROGRESS_LEN) {
        out[columns] = '\0';
    }
}

/* The cursor stays on the line: the last column is left free, or some terminals wrap. */
static void print_over(struct load_progress *progress, const char *line)
{
    const size_t len = strlen(line);
    const size_t blank = progress->last_len > len ? progress->last_len - len : 0;
    (void)fprintf(stderr, "\r%s%*s", line, (int)blank, "");
    (void)fflush(stderr);
    progress->last_len = len;
}

static void print(struct load_progress *progress)
{
    char line[LOAD_PROGRESS_LEN];
    struct load_glance glance;
    const uint32_t width = progress->on_terminal ? cli_stderr_columns() : LOAD_PROGRESS_LEN;
    cli_load_result_now(progress->result, &glance);
    cli_load_progress_text(cli_load_result_plan(progress->result), &glance,
                           cli_now_ns() - progress->begin_ns,
                           (width > 0 ? width : COLUMNS_DEFAULT) - 1, line);
    if (progress->on_terminal) {
        print_over(progress, line);
    } else {
        (void)fprintf(stderr, "kp: %s\n", line);
    }
}

/* ---- The thread ---- */

/* Waits for a moment; false when the run ended first. */
static bool wait_until(struct load_progress *progress, uint64_t at_ns)
{
    cli_lock_take(&progress->lock);
    while (!progress->ended && cli_now_ns() < at_ns) {
        cli_lock_wait(&progress->lock, at_ns);
    }
    const bool goes_on = !progress->ended;
    cli_lock_give(&progress->lock);
    return goes_on;
}

static void run(void *arg)
{
    struct load_progress *progress = arg;
    const uint64_t every_ns = progress->on_terminal ? LINE_NS : PIPE_LINE_NS;
    for (uint64_t at_ns = progress->begin_ns + every_ns; wait_until(progress, at_ns);
         at_ns += every_ns) {
        print(progress);
    }
    if (progress->on_terminal) {
        print_over(progress, "");
        (void)fputc('\r', stderr);
    }
}

static void free_progress(struct load_progress *progress)
{
    cli_lock_clear(&progress->lock);
    kpb_free(progress);
}

struct load_progress *cli_load_progress_start(struct load_result *result, uint64_t begin_ns)
{
    struct load_progress *progress = kpb_alloc("cli.load.progress", sizeof *progress);
    if (!progress) {
        return NULL;
    }
    progress->result = result;
    progress->begin_ns = begin_ns;
    progress->on_terminal = cli_stderr_is_terminal();
    if (!cli_lock_init(&progress->lock)) {
        kpb_free(progress);
        return NULL;
    }
    if (uv_thread_create(&progress->thread, run, progress) != 0) {
        free_progress(progress);
        return NULL;
    }
    return progress;
}

void cli_load_progress_end(struct load_progress *progress)
{
    if (!progress) {
        return;
    }
    cli_lock_take(&progress->lock);
    progress->ended = true;
    cli_lock_notify(&progress->lock);
    cli_lock_give(&progress->lock);
    (void)uv_thread_join(&progress->thread);
    free_progress(progress);
}
