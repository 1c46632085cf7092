#include "cli/load_schedule.h"

#include <math.h>

#include "cli/load_random.h"

/* Zipf: the k-th key is chosen in proportion to 1/k^skew; 0 makes all alike. */
static void weigh_keys(struct load_schedule *s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->n_keys; i++) {
        sum += pow((double)i + 1, -s->plan->zipf);
        s->key_below[i] = sum;
    }
    for (uint32_t i = 0; i < s->n_keys; i++) {
        s->key_below[i] /= sum;
    }
}

void cli_load_schedule_init(struct load_schedule *schedule, const struct load_plan *plan,
                            uint32_t n_keys)
{
    *schedule = (struct load_schedule){.plan = plan, .random = plan->seed, .n_keys = n_keys};
    weigh_keys(schedule);
}

uint64_t cli_load_schedule_end_ns(const struct load_plan *plan)
{
    return plan->warm_up_ns + plan->duration_ns;
}

double cli_load_schedule_rate(const struct load_plan *plan, uint64_t at_ns)
{
    if (plan->n_rates == 0) {
        return 0;
    }
    if (at_ns < plan->ramp_ns) {
        return plan->rates[0] * (double)at_ns / (double)plan->ramp_ns;
    }
    if (at_ns <= plan->warm_up_ns) {
        return plan->rates[0];
    }
    const double share = (double)(at_ns - plan->warm_up_ns) / (double)plan->duration_ns;
    const double step = floor(share * plan->n_rates);
    return plan->rates[step < plan->n_rates ? (uint32_t)step : plan->n_rates - 1];
}

uint64_t cli_load_schedule_join_ns(const struct load_plan *plan, uint32_t i)
{
    return plan->n_rates > 0
               ? 0
               : (uint64_t)((double)plan->ramp_ns * (double)i / (double)plan->n_callers);
}

static enum load_op choose_op(struct load_schedule *s)
{
    uint64_t at = cli_load_random(&s->random) % s->plan->total_weight;
    int op = 0;
    while (at >= s->plan->weights[op]) {
        at -= s->plan->weights[op++];
    }
    return (enum load_op)op;
}

static uint32_t choose_key(struct load_schedule *s)
{
    const double at = cli_load_random_unit(&s->random);
    uint32_t key = 0;
    while (key + 1 < s->n_keys && at > s->key_below[key]) {
        key++;
    }
    return key;
}

/*
 * Within the ramp the rate grows evenly: rate * t / ramp, so that n more operations, the integral
 * of it, take from t to sqrt(t^2 + 2 * n * ramp / rate). Takes off *n what the ramp has of them.
 */
static double advance_in_ramp(const struct load_schedule *s, double *n)
{
    const double at = s->next_ns;
    const double ramp = (double)s->plan->ramp_ns;
    const double per_ns = s->plan->rates[0] / (double)LOAD_NS_PER_S;
    const double left = per_ns * (ramp * ramp - at * at) / (2 * ramp);
    if (*n > left) {
        *n -= left;
        return ramp;
    }
    const double there = sqrt(at * at + 2 * *n * ramp / per_ns);
    *n = 0;
    return there;
}

/* Poisson arrivals have exponential gaps: 1 on average, in operations. */
static void advance(struct load_schedule *s)
{
    double n = s->plan->poisson ? -log(cli_load_random_unit(&s->random)) : 1;
    if (s->next_ns < (double)s->plan->ramp_ns) {
        s->next_ns = advance_in_ramp(s, &n);
    }
    if (n > 0) {
        s->next_ns +=
            n * (double)LOAD_NS_PER_S / cli_load_schedule_rate(s->plan, (uint64_t)s->next_ns);
    }
}

bool cli_load_schedule_next(struct load_schedule *schedule, uint64_t now_ns, struct load_item *ret)
{
    const struct load_plan *plan = schedule->plan;
    const uint64_t at_ns = plan->n_rates > 0 ? (uint64_t)schedule->next_ns : now_ns;
    if (at_ns >= cli_load_schedule_end_ns(plan) ||
        (plan->n_ops > 0 && schedule->n_measured >= plan->n_ops)) {
        return false;
    }
    ret->op = choose_op(schedule);
    ret->key = choose_key(schedule);
    ret->start_ns = plan->n_rates > 0 ? at_ns : 0;
    schedule->n_measured += at_ns >= plan->warm_up_ns ? 1 : 0;
    if (plan->n_rates > 0) {
        advance(schedule);
    }
    return true;
}
