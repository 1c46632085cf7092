/*
 * What happens to the emulator and when, made from a seed alone: the same seed and length give the
 * same plan. It is made of rounds; each has every fault once and one of everything else, in an
 * order and at times of its own. Pure.
 */
#ifndef KP_TESTS_CHAOS_PLAN_H
#define KP_TESTS_CHAOS_PLAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PLAN_ROUND_MS 4000u
#define PLAN_ROUNDS_MAX 250u
#define PLAN_EVENTS_OF_ROUND 20u
#define PLAN_RULE_MAX_LEN 256u

enum plan_kind {
    PLAN_FAULT = 0, /* the emulator plays a rule */
    PLAN_EXPIRE,    /* its clock jumps: every token is over */
    PLAN_FREEZE,    /* it stands still for ms: connections stay open, nothing answers */
    PLAN_RESTART,   /* it ends as asked, and another starts after ms */
    PLAN_KILL       /* it is killed, and another starts after ms */
};

struct plan_event {
    uint32_t at_ms;
    enum plan_kind kind;
    uint32_t ms;
    char rule[PLAN_RULE_MAX_LEN]; /* of a fault: one rule, as docs/EMULATOR.md has it */
};

struct plan {
    size_t n;
    struct plan_event events[PLAN_ROUNDS_MAX * PLAN_EVENTS_OF_ROUND];
};

void plan_make(struct plan *plan, uint64_t seed, uint32_t total_ms);
/* One line for each event. */
void plan_print(const struct plan *plan, FILE *out);
const char *plan_kind_text(enum plan_kind kind);

#endif /* KP_TESTS_CHAOS_PLAN_H */
