/*
 * What a load test has seen: latencies per operation, failures by class and documented code, and
 * the course over time. Warm-up is left out.
 *
 * Threads: cli_load_result_add from any, at once; everything else when the run is over, but
 * cli_load_result_now, which gives a rough picture meanwhile.
 */
#ifndef KP_CLI_LOAD_RESULT_H
#define KP_CLI_LOAD_RESULT_H

#include "base/histogram.h"
#include "cli/load_counters.h"
#include "cli/load_plan.h"

#define LOAD_SLICES_MAX 120u /* of the course over time */
#define LOAD_CODES_MAX 64u   /* kinds of failure that are told apart */

/* What happened in one slice of time. */
struct load_slice {
    struct kpb_histogram latency;
    uint64_t n_failed;
};

/* One kind of failure. */
struct load_failure {
    kp_status status;
    uint32_t code; /* 0: none */
    uint64_t n;
    char text[KP_ERROR_TEXT_LEN]; /* the first one's sentence */
};

struct load_op_result {
    struct kpb_histogram latency; /* of those that succeeded */
    uint64_t n_failed;
};

#define LOAD_KEYS_SHOWN 6u /* keys that are told apart, the first ones of --key */

struct load_key_result {
    char name[96];
    struct kpb_histogram latency; /* of those that succeeded, whatever the operation */
    uint64_t n_failed;
};

/* What the run cost this process. */
struct load_cost {
    uint64_t wall_ns;
    uint64_t cpu_ns; /* since the warm-up */
    uint64_t max_rss_bytes;
    uint64_t grown_bytes;    /* of max_rss_bytes, since the run began */
    uint32_t most_under_way; /* operations at once */
};

/* What became of the sample of answers that was undone when the load was over. */
struct load_proven {
    uint32_t n_right;
    uint32_t n_wrong;   /* failures too, of class integrity */
    uint32_t n_untried; /* the vault would not, or could not just then */
};

struct load_result;

/* Makes an empty result. Free it with cli_load_result_free. NULL: no memory. */
struct load_result *cli_load_result_new(const struct load_plan *plan);
/* NULL is allowed. */
void cli_load_result_free(struct load_result *result);

/* An operation that has ended. Nanoseconds from the start of the run. */
struct load_outcome {
    enum load_op op;
    uint32_t key;      /* its place in --key */
    uint64_t start_ns; /* intended */
    uint64_t end_ns;
    kp_status status;
    const struct kp_error *error; /* NULL when status is KP_OK */
};
void cli_load_result_add(struct load_result *result, const struct load_outcome *outcome);

/* Names a key, so that it is told apart; those beyond LOAD_KEYS_SHOWN are not. Before the first
 * operation. */
void cli_load_result_name_key(struct load_result *result, uint32_t key, const char *name);

/* What is known so far, for the progress line. */
struct load_glance {
    uint64_t n_ok;
    uint64_t n_failed;
    uint64_t p99_ns;
};
void cli_load_result_now(struct load_result *result, struct load_glance *ret);

/* Ends the run: what is read from now on stands still. measured_ns: without the warm-up. counters
 * are copied. */
void cli_load_result_finish(struct load_result *result, const struct load_cost *cost,
                            const struct load_counters *counters, uint64_t measured_ns);

/* Notes what was proven. Once, before the end. */
void cli_load_result_prove(struct load_result *result, const struct load_proven *proven);

/* ---- Reading; valid until freed ---- */

const struct load_proven *cli_load_result_proven(const struct load_result *result);
const struct load_plan *cli_load_result_plan(const struct load_result *result);
const struct load_op_result *cli_load_result_op(const struct load_result *result, enum load_op op);
/* Latencies of all operations that succeeded. */
const struct kpb_histogram *cli_load_result_all(const struct load_result *result);
uint64_t cli_load_result_n_ok(const struct load_result *result);
uint64_t cli_load_result_n_failed(const struct load_result *result);
uint64_t cli_load_result_measured_ns(const struct load_result *result);
/* How much of it came after the duration, until all that had been due before had ended. */
uint64_t cli_load_result_drain_ns(const struct load_result *result);
const struct load_cost *cli_load_result_cost(const struct load_result *result);
/* The i-th key, NULL from the end on, and always where there is only one. */
const struct load_key_result *cli_load_result_key(const struct load_result *result, uint32_t i);
/* What the library has counted during the run. */
const struct load_counters *cli_load_result_counters(const struct load_result *result);
/* The i-th kind of failure, most frequent first; NULL from the end on. */
const struct load_failure *cli_load_result_failure(const struct load_result *result, uint32_t i);
/* The i-th slice, each cli_load_result_slice_ns long; NULL from the end on. Where only a count ends
 * the run, slices become longer as it does. */
const struct load_slice *cli_load_result_slice(const struct load_result *result, uint32_t i);
uint64_t cli_load_result_slice_ns(const struct load_result *result);

/* What a promise of --slo became. */
struct load_kept {
    const struct load_promise *promise; /* NULL: the one about errors */
    uint64_t latency_ns;                /* of a latency: what was measured */
    double errors_percent;              /* of errors: what was measured */
    bool held;
};

/* Whether the promises of --slo held; true when there are none, false when nothing was measured. */
bool cli_load_result_slo_held(const struct load_result *result);
/* The i-th promise, latencies as they were given, errors last; false from the end on. */
bool cli_load_result_promise(const struct load_result *result, uint32_t i, struct load_kept *ret);

#endif /* KP_CLI_LOAD_RESULT_H */
