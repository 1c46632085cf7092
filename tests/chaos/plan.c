#include "tests/chaos/plan.h"

#include <stdlib.h>
#include <string.h>

#include "tests/chaos/dice.h"

/* Faults of a round: %s is a kind of request, %u how often it strikes. */
static const struct {
    const char *rule;
    uint32_t times_max;
    int tokens; /* strikes requests for tokens, and nothing else */
} FAULTS[] = {
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":429}", 40, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":429,"
     "\"headers\":{\"retry-after-ms\":\"150\"}}",
     20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":429,"
     "\"headers\":{\"Retry-After\":\"1\"}}",
     4, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":503}", 20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":408}", 10, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"html\",\"status\":502}", 10, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"reset\"}", 20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"reset\",\"after\":true}", 10, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"drop\"}", 6, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"drop\",\"after\":true}", 4, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"delay\",\"delay_ms\":700}", 20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"slow\",\"delay_ms\":60}", 20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"truncate\"}", 20, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"cae\"}", 3, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"challenge\",\"challenge\":\"unquoted\"}", 3, 0},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"status\",\"status\":503}", 3, 1},
    {"{\"kind\":\"%s\",\"times\":%u,\"fault\":\"drop\"}", 1, 1},
};

#define N_FAULTS (sizeof FAULTS / sizeof FAULTS[0])

_Static_assert(N_FAULTS + 3 <= PLAN_EVENTS_OF_ROUND, "a round has room for all that happens in it");

static struct plan_event *add(struct plan *plan, struct dice *dice, uint32_t begin_ms,
                              enum plan_kind kind)
{
    struct plan_event *event = &plan->events[plan->n++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->at_ms = begin_ms + dice_between(dice, 0, PLAN_ROUND_MS - 1);
    return event;
}

static void add_fault(struct plan *plan, struct dice *dice, uint32_t begin_ms, size_t i)
{
    static const char *const KINDS[] = {"wrap", "unwrap", "get_key"};
    struct plan_event *event = add(plan, dice, begin_ms, PLAN_FAULT);
    const char *kind = KINDS[dice_between(dice, 0, 9) % 3]; /* wrap oftener than the others */
    const uint32_t times = dice_between(dice, 1, FAULTS[i].times_max);
    (void)snprintf(event->rule, sizeof event->rule, FAULTS[i].rule,
                   FAULTS[i].tokens ? "token" : kind, times);
}

static void add_round(struct plan *plan, struct dice *dice, uint32_t round)
{
    const uint32_t begin_ms = round * PLAN_ROUND_MS;
    for (size_t i = 0; i < N_FAULTS; i++)
        add_fault(plan, dice, begin_ms, i);
    (void)add(plan, dice, begin_ms, PLAN_EXPIRE);
    add(plan, dice, begin_ms, PLAN_FREEZE)->ms = dice_between(dice, 50, 1200);
    add(plan, dice, begin_ms, round % 2 == 0 ? PLAN_KILL : PLAN_RESTART)->ms =
        dice_between(dice, 0, 500);
}

static int by_time(const void *a, const void *b)
{
    const struct plan_event *x = a;
    const struct plan_event *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->rule, y->rule);
}

void plan_make(struct plan *plan, uint64_t seed, uint32_t total_ms)
{
    struct dice dice = dice_of(seed, 0);
    plan->n = 0;
    for (uint32_t i = 0; i < PLAN_ROUNDS_MAX && i * PLAN_ROUND_MS < total_ms; i++)
        add_round(plan, &dice, i);
    qsort(plan->events, plan->n, sizeof plan->events[0], by_time);
}

const char *plan_kind_text(enum plan_kind kind)
{
    static const char *const TEXT[] = {"fault", "expire", "freeze", "restart", "kill"};
    return TEXT[kind];
}

void plan_print(const struct plan *plan, FILE *out)
{
    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_event *e = &plan->events[i];
        (void)fprintf(out, "%8u ms  %-7s %u ms  %s\n", e->at_ms, plan_kind_text(e->kind), e->ms,
                      e->rule);
    }
}
