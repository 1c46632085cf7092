#include "cli/load_search.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/errors.h"
#include "cli/io.h"
#include "cli/load_file.h"
#include "cli/load_platform.h"
#include "cli/load_report.h"
#include "cli/load_run.h"

/* ---- Which rate next ---- */

double cli_load_search_answer(const struct load_trial *trials, uint32_t n)
{
    double best = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (trials[i].held && trials[i].rate > best) {
            best = trials[i].rate;
        }
    }
    return best;
}

/* The lowest rate that failed above everything that held; 0: none yet. */
static double lowest_failed(const struct load_trial *trials, uint32_t n, double above)
{
    double lowest = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!trials[i].held && trials[i].rate > above && (lowest == 0 || trials[i].rate < lowest)) {
            lowest = trials[i].rate;
        }
    }
    return lowest;
}

double cli_load_search_next(const struct load_trial *trials, uint32_t n, double first)
{
    const double held = cli_load_search_answer(trials, n);
    const double failed = lowest_failed(trials, n, held);
    if (n == 0) {
        return first;
    }
    if (n == LOAD_TRIALS_MAX) {
        return 0;
    }
    if (failed == 0) {
        return held * 2 <= LOAD_RATE_MAX ? held * 2 : 0;
    }
    if (held == 0) {
        return failed > 1 ? failed / 4 : 0; /* began far too high */
    }
    return failed / held > LOAD_SEARCH_PRECISION ? (held + failed) / 2 : 0;
}

/* ---- Trials ---- */

static void take_stock(const struct load_result *result, double rate, struct load_trial *ret)
{
    const struct kpb_histogram *all = cli_load_result_all(result);
    *ret = (struct load_trial){.rate = rate,
                               .achieved = cli_load_achieved_per_s(result),
                               .p50_ns = kpb_histogram_quantile(all, 0.5),
                               .p99_ns = kpb_histogram_quantile(all, 0.99),
                               .mean_ns = kpb_histogram_mean(all),
                               .n_failed = cli_load_result_n_failed(result)};
    ret->held = cli_load_result_slo_held(result) && ret->achieved >= LOAD_KEPT_UP * rate;
}

static kp_status try_rate(struct cli *c, const struct load_plan *plan,
                          const struct load_targets *targets, double rate, struct load_trial *ret)
{
    struct load_plan trial = *plan;
    trial.rates[0] = rate;
    trial.n_rates = 1;
    trial.n_ops = 0;
    struct load_result *result = cli_load_result_new(&trial);
    if (!result) {
        return kpb_fail_memory(&c->fault.error, "cli.load.result");
    }
    const kp_status st = cli_load_run(c, &trial, targets, result);
    if (st == KP_OK) {
        take_stock(result, rate, ret);
    }
    cli_load_result_free(result);
    return st;
}

/* ---- Telling ---- */

static void tell_trial(struct cli *c, const struct load_trial *trial)
{
    char line[160];
    (void)snprintf(line, sizeof line, "%10.1f %10.1f %10.3f %10.3f %10" PRIu64 "  %s\n",
                   trial->rate, trial->achieved, (double)trial->p50_ns / LOAD_NS_PER_MS,
                   (double)trial->p99_ns / LOAD_NS_PER_MS, trial->n_failed,
                   trial->held ? "held" : "broken");
    cli_out_text(&c->out, line);
}

static void tell_trial_json(struct cli *c, const struct load_trial *trial)
{
    cli_json_begin(&c->out, '{');
    cli_json_member_real(&c->out, "rate_per_s", trial->rate, 2);
    cli_json_member_real(&c->out, "achieved_per_s", trial->achieved, 2);
    cli_json_member_uint(&c->out, "p50", trial->p50_ns);
    cli_json_member_uint(&c->out, "p99", trial->p99_ns);
    cli_json_member_uint(&c->out, "failed", trial->n_failed);
    cli_json_member_bool(&c->out, "held", trial->held);
    cli_json_end(&c->out, '}');
}

/* What the wanted load needs, by the trial at the rate that held. */
static void tell_capacity(struct cli *c, const struct load_plan *plan,
                          const struct load_targets *targets, const struct load_trial *trials,
                          uint32_t n)
{
    const struct load_key_kind kind = cli_load_target_kind(targets);
    struct load_shown shown = {cli_load_search_answer(trials, n), 0};
    if (!plan->wants_capacity || shown.rate <= 0) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        shown.mean_ns = trials[i].rate == shown.rate ? trials[i].mean_ns : shown.mean_ns;
    }
    cli_load_capacity_tell(c, plan, &kind, &shown,
                           plan->capacity > 0 ? plan->capacity : shown.rate);
}

static void tell_json(struct cli *c, const struct load_trial *trials, uint32_t n, double answer)
{
    cli_json_begin(&c->out, '{');
    cli_json_name(&c->out, "trials");
    cli_json_begin(&c->out, '[');
    for (uint32_t i = 0; i < n; i++) {
        tell_trial_json(c, &trials[i]);
    }
    cli_json_end(&c->out, ']');
    cli_json_member_real(&c->out, "rate_per_s", answer, 2);
}

static void tell_text(struct cli *c, const struct load_trial *trials, uint32_t n, double answer)
{
    cli_out_text(&c->out, "  rate / s   achieved     p50 ms     p99 ms     failed  slo\n");
    for (uint32_t i = 0; i < n; i++) {
        tell_trial(c, &trials[i]);
    }
    cli_out_text(&c->out, "\nholds at    ");
    cli_out_real(&c->out, answer, 1);
    cli_out_text(&c->out, answer > 0 ? " per s\n" : " per s: at no rate that was tried\n");
}

static void print(struct cli *c, const struct load_plan *plan, const struct load_targets *targets,
                  const struct load_trial *trials, uint32_t n)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    (json ? tell_json : tell_text)(c, trials, n, cli_load_search_answer(trials, n));
    tell_capacity(c, plan, targets, trials, n);
    if (json) {
        cli_json_end(&c->out, '}');
        cli_out_text(&c->out, "\n");
    }
}

static kp_status check_options(struct cli *c, const struct load_plan *plan)
{
    if (!plan->slo.given) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--search needs --slo: what has to hold at the rate it looks for");
    }
    if (plan->n_rates > 1) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--search begins at one --rate; it makes the other steps itself");
    }
    return cli_load_refuse(c, CLI_OPT_SEARCH,
                           CLI_OPT_BIT(CLI_OPT_HDR) | CLI_OPT_BIT(CLI_OPT_N_OPS));
}

static kp_status write_page(struct cli *c, const struct load_plan *plan,
                            const struct load_trial *trials, uint32_t n)
{
    struct cli_out out;
    if (!cli_has(c, CLI_OPT_REPORT)) {
        return KP_OK;
    }
    cli_out_init(&out);
    cli_load_search_write_page(plan, trials, n, &out);
    return cli_load_write_file(c, CLI_OPT_REPORT, &out);
}

kp_status cli_load_search(struct cli *c, const struct load_plan *plan,
                          const struct load_targets *targets)
{
    struct load_trial trials[LOAD_TRIALS_MAX];
    const double first = plan->n_rates > 0 ? plan->rates[0] : LOAD_SEARCH_START;
    uint32_t n = 0;
    kp_status st = check_options(c, plan);
    if (st != KP_OK) {
        return st;
    }
    for (double rate; (rate = cli_load_search_next(trials, n, first)) > 0 && !cli_interrupted();) {
        st = try_rate(c, plan, targets, rate, &trials[n]);
        if (st != KP_OK) {
            return st;
        }
        n += cli_interrupted() ? 0 : 1; /* one that was cut short shows nothing */
    }
    const double answer = cli_load_search_answer(trials, n);
    c->exit_code = answer > 0 ? CLI_EXIT_OK : CLI_EXIT_NO;
    print(c, plan, targets, trials, n);
    st = cli_flush(c);
    return st == KP_OK ? write_page(c, plan, trials, n) : st;
}
