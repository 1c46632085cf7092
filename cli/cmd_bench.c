#include "cli/cmd.h"
#include "cli/io.h"
#include "cli/load_compare.h"
#include "cli/load_file.h"
#include "cli/load_report.h"
#include "cli/load_run.h"
#include "cli/load_search.h"
#include "cli/session.h"

typedef void write_fn(const struct load_result *result, struct cli_out *o);

/* Writes one kind of report to the file of an option, if that was given. */
static kp_status write_file(struct cli *c, const struct load_result *result, enum cli_opt opt,
                            write_fn *write)
{
    struct cli_out out;
    if (!cli_has(c, opt)) {
        return KP_OK;
    }
    cli_out_init(&out);
    write(result, &out);
    return cli_load_write_file(c, opt, &out);
}

/* What the rate of this run, or the one that is wanted, needs of the services. */
static void tell_capacity(struct cli *c, const struct load_result *result,
                          const struct load_targets *targets)
{
    const struct load_plan *plan = cli_load_result_plan(result);
    const struct load_key_kind kind = cli_load_target_kind(targets);
    const struct load_shown shown = {cli_load_achieved_per_s(result),
                                     kpb_histogram_mean(cli_load_result_all(result))};
    cli_load_capacity_tell(c, plan, &kind, &shown,
                           plan->capacity > 0 ? plan->capacity : plan->rates[0]);
}

static void print(struct cli *c, const struct load_result *result,
                  const struct load_targets *targets)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    (json ? cli_load_open_json : cli_load_write_text)(result, &c->out);
    if (cli_load_result_plan(result)->wants_capacity) {
        tell_capacity(c, result, targets);
    }
    if (json) {
        cli_load_close_json(&c->out);
    }
}

/* Prints before it writes files: one that cannot be written must not cost the whole run. */
static kp_status tell(struct cli *c, const struct load_result *result,
                      const struct load_targets *targets)
{
    print(c, result, targets);
    kp_status st = cli_flush(c);
    if (st == KP_OK) {
        st = write_file(c, result, CLI_OPT_REPORT, cli_load_write_page);
    }
    if (st == KP_OK) {
        st = write_file(c, result, CLI_OPT_HDR, cli_load_write_percentiles);
    }
    c->exit_code = cli_load_result_slo_held(result) ? CLI_EXIT_OK : CLI_EXIT_NO;
    return st;
}

static kp_status run_and_tell(struct cli *c, const struct load_plan *plan,
                              const struct load_targets *targets)
{
    struct load_result *result = cli_load_result_new(plan);
    if (!result) {
        return kpb_fail_memory(&c->fault.error, "cli.load.result");
    }
    kp_status st = cli_load_run(c, plan, targets, result);
    if (st == KP_OK) {
        st = tell(c, result, targets);
    }
    cli_load_result_free(result);
    return st;
}

static kp_status run(struct cli *c)
{
    struct load_plan plan;
    struct load_targets targets = {NULL, 0};
    if (cli_has(c, CLI_OPT_COMPARE)) {
        return cli_load_compare(c, cli_opt(c, CLI_OPT_COMPARE), cli_operand(c, 0));
    }
    kp_status st = cli_load_plan_read(c, &plan);
    if (st == KP_OK && cli_operand(c, 0)) {
        st = kpb_fail(&c->fault.error, KP_USAGE, "'%.64s' is too much; keys are named by --key",
                      cli_operand(c, 0));
    }
    if (st == KP_OK) {
        st = cli_load_targets_open(c, &plan, &targets);
    }
    if (st == KP_OK && plan.wants_capacity && !cli_load_targets_alike(&targets)) {
        st = kpb_fail(&c->fault.error, KP_USAGE,
                      "--capacity reads one type and size of key against the documented limits; "
                      "those of --key differ");
    }
    if (st == KP_OK) {
        st = cli_has(c, CLI_OPT_SEARCH) ? cli_load_search(c, &plan, &targets)
                                        : run_and_tell(c, &plan, &targets);
    }
    cli_load_targets_close(&targets);
    return st;
}

const struct cli_command cli_cmd_bench = {
    .name = "bench",
    .operands = "[OTHER]",
    .summary = "load a vault and tell how long its operations took",
    .details =
        "Without --rate a closed loop: --callers operations are always under way. With it an\n"
        "open loop: operations start by the clock whatever became of the ones before, and their\n"
        "latency counts from the moment they were meant to start.\n\n"
        "Keys are used, never changed; the input of unwrap, decrypt and verify is made\n"
        "before the clock starts, and their answers are compared with what went in.\n\n"
        "--search looks for the highest rate at which the promises of --slo hold, with runs of\n"
        "the given duration, beginning at --rate.\n\n"
        "--capacity RATE reads a load per second against the limits that Key Vault and Managed\n"
        "HSM document: how many of them, how many callers, what throttles first.\n\n"
        "--compare FILE OTHER sets two results of --json against each other.\n\n"
        "Exit 1: the promises of --slo were broken.\n",
    .n_operands_min = 0,
    .n_operands_max = 1,
    .options =
        CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_KEY) | CLI_OPT_BIT(CLI_OPT_MIX) |
        CLI_OPT_BIT(CLI_OPT_RATE) | CLI_OPT_BIT(CLI_OPT_ARRIVALS) | CLI_OPT_BIT(CLI_OPT_CALLERS) |
        CLI_OPT_BIT(CLI_OPT_SYNC) | CLI_OPT_BIT(CLI_OPT_DURATION) | CLI_OPT_BIT(CLI_OPT_WARM_UP) |
        CLI_OPT_BIT(CLI_OPT_RAMP) | CLI_OPT_BIT(CLI_OPT_N_OPS) | CLI_OPT_BIT(CLI_OPT_PAYLOAD) |
        CLI_OPT_BIT(CLI_OPT_ZIPF) | CLI_OPT_BIT(CLI_OPT_SEED) | CLI_OPT_BIT(CLI_OPT_SLO) |
        CLI_OPT_BIT(CLI_OPT_REPORT) | CLI_OPT_BIT(CLI_OPT_HDR) | CLI_OPT_BIT(CLI_OPT_COMPARE) |
        CLI_OPT_BIT(CLI_OPT_SEARCH) | CLI_OPT_BIT(CLI_OPT_CAPACITY) | CLI_OPT_BIT(CLI_OPT_YES_REAL),
    .run = run,
};
