#include "bench/pairs.h"

#include "bench/stats.h"

enum measure { CPU_US, SHARE, RATE, SWITCHES, N_MEASURES };

static const char *const MEASURES[N_MEASURES] = {"cpu_us", "share", "rate", "switches"};

struct series {
    double ours[BENCH_PAIRS];
    double theirs[BENCH_PAIRS];
    double ratio[BENCH_PAIRS];
};

static double per_s(const struct bench_run *run, uint64_t ns)
{
    return ns ? (double)run->n_ops * (double)BENCH_NS_PER_S / (double)ns : 0;
}

static double value_of(const struct bench_run *run, enum measure measure)
{
    double n = run->n_ops ? (double)run->n_ops : 1;
    switch (measure) {
    case CPU_US:
        return (double)run->cost.cpu_ns / n / 1e3;
    case SHARE:
        return per_s(run, run->cost.cpu_ns + run->cost.idle_ns);
    case RATE:
        return per_s(run, run->cost.wall_ns);
    default:
        return (double)run->cost.n_switches / n;
    }
}

/* Even pairs begin with ours, odd ones with the yardstick: a drift of the machine evens out. */
static bool run_pair(const struct bench_case *c, struct bench_yardstick *yardstick, int at,
                     struct bench_run *ours, struct bench_run *theirs)
{
    if (at % 2 == 0)
        return bench_load_run(&c->load, &c->job, ours) &&
               bench_yardstick_run(yardstick, &c->yardstick, theirs);
    return bench_yardstick_run(yardstick, &c->yardstick, theirs) &&
           bench_load_run(&c->load, &c->job, ours);
}

static void note_pair(struct series series[N_MEASURES], int at, const struct bench_run *ours,
                      const struct bench_run *theirs)
{
    for (enum measure m = 0; m < N_MEASURES; m++) {
        struct series *s = &series[m];
        s->ours[at] = value_of(ours, m);
        s->theirs[at] = value_of(theirs, m);
        s->ratio[at] = s->theirs[at] > 0 ? s->ours[at] / s->theirs[at] : 0;
    }
}

static void print_series(const char *name, struct series series[N_MEASURES])
{
    for (enum measure m = 0; m < N_MEASURES; m++) {
        struct series *s = &series[m];
        printf("%s.%s %.4f %.4f %.4f\n", name, MEASURES[m], bench_median(s->ours, BENCH_PAIRS),
               bench_median(s->theirs, BENCH_PAIRS), bench_median(s->ratio, BENCH_PAIRS));
    }
}

/* Latencies have no yardstick: how far the slow calls are from the usual ones is what counts. */
static void print_latencies(const char *name, double *p50_ns, double *p99_ns)
{
    double spread[BENCH_PAIRS];
    for (int i = 0; i < BENCH_PAIRS; i++)
        spread[i] = p50_ns[i] > 0 ? p99_ns[i] / p50_ns[i] : 0;
    printf("%s.p50_ms %.4f 0 0\n", name, bench_median(p50_ns, BENCH_PAIRS) / 1e6);
    printf("%s.p99_ms %.4f 0 0\n", name, bench_median(p99_ns, BENCH_PAIRS) / 1e6);
    printf("%s.p99_p50 %.4f 0 0\n", name, bench_median(spread, BENCH_PAIRS));
}

bool bench_case_run(const struct bench_case *c, struct bench_yardstick *yardstick)
{
    struct series series[N_MEASURES];
    double p50_ns[BENCH_PAIRS];
    double p99_ns[BENCH_PAIRS];
    for (int i = 0; i < BENCH_PAIRS; i++) {
        struct bench_run ours;
        struct bench_run theirs;
        if (!run_pair(c, yardstick, i, &ours, &theirs))
            return false;
        note_pair(series, i, &ours, &theirs);
        p50_ns[i] = ours.p50_ns;
        p99_ns[i] = ours.p99_ns;
    }
    print_series(c->name, series);
    if (c->load.keep_latencies)
        print_latencies(c->name, p50_ns, p99_ns);
    (void)fflush(stdout); /* a run of minutes shows how far it is */
    return true;
}

struct bench_job bench_job(const char *mode, unsigned size, unsigned n_threads, unsigned ms)
{
    struct bench_job job = {.size = size, .n_threads = n_threads, .ms = ms};
    (void)snprintf(job.mode, sizeof job.mode, "%s", mode);
    return job;
}
