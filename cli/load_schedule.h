/*
 * When operations of an open loop are meant to start, and which operation on which key comes next.
 * Latency is counted from the intended start, so that a stall is not hidden by the operations it
 * held up. A pure sequence of the plan and its seed: the same plan gives the same one.
 *
 * Threads: none of its own; whoever shares one guards it.
 * Source: Gil Tene, "How NOT to Measure Latency" (coordinated omission).
 */
#ifndef KP_CLI_LOAD_SCHEDULE_H
#define KP_CLI_LOAD_SCHEDULE_H

#include "cli/load_plan.h"

struct load_schedule {
    const struct load_plan *plan;
    uint64_t random;
    uint64_t n_measured;             /* of those started: after the warm-up */
    double next_ns;                  /* of an open loop, from the start of the run */
    double key_below[LOAD_KEYS_MAX]; /* cumulated chances of the keys */
    uint32_t n_keys;
};

/* One operation to start. */
struct load_item {
    enum load_op op;
    uint32_t key;
    uint64_t start_ns; /* intended, from the start of the run; closed loop: 0, that is now */
};

/* plan is borrowed for the life of the schedule. n_keys: 1 to LOAD_KEYS_MAX. */
void cli_load_schedule_init(struct load_schedule *schedule, const struct load_plan *plan,
                            uint32_t n_keys);

/* Nanoseconds from the first start to the end of the run, ramp and warm-up included. */
uint64_t cli_load_schedule_end_ns(const struct load_plan *plan);

/* The rate that is offered at a moment of the run; 0 for a closed loop. */
double cli_load_schedule_rate(const struct load_plan *plan, uint64_t at_ns);

/* When the i-th caller of a closed loop joins: one after the other while the ramp lasts; 0 in an
 * open loop, where the rate grows instead. */
uint64_t cli_load_schedule_join_ns(const struct load_plan *plan, uint32_t i);

/* The next operation; false when the run starts no more. now_ns is from the start of the run. */
bool cli_load_schedule_next(struct load_schedule *schedule, uint64_t now_ns, struct load_item *ret);

#endif /* KP_CLI_LOAD_SCHEDULE_H */
