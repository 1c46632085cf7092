#include "cli/load_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/values.h"

#define CALLERS_DEFAULT 16u
#define CALLERS_OPEN_DEFAULT 1024u
#define THREADS_OPEN_DEFAULT 64u /* --sync: a thread for each of them */
#define DURATION_DEFAULT_S 10u
#define DAY_S 86400u /* a run that only a count ends has to end some day */
#define PAYLOAD_DEFAULT_LEN 32u
#define PAYLOAD_MAX_LEN 65536u
#define OPS_MAX 1000000000u
#define ITEM_LEN 64u

uint32_t cli_load_op(enum load_op op)
{
    static const uint32_t ops[LOAD_N_OPS] = {
#define XX(symbol) [LOAD_##symbol] = KP_OP_##symbol,
        LOAD_OPS_MAP(XX)
#undef XX
    };
    return ops[op];
}

const char *cli_load_op_text(enum load_op op)
{
    return kp_op_text(cli_load_op(op));
}

/* ---- Lists with commas ---- */

bool cli_load_next_item(const char **at, char *out, size_t room)
{
    const size_t len = strcspn(*at, ",");
    if (len == 0 || len >= room) {
        return false;
    }
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    if (**at == ',') {
        (*at)++;
        return **at != '\0'; /* nothing may end with a comma */
    }
    return true;
}

/* Reads a plain decimal number such as 0.1, with nothing behind it. */
static bool parse_real(const char *text, double max, double *ret)
{
    char *end = NULL;
    if (strspn(text, "0123456789.") != strlen(text) || text[0] == '\0') {
        return false; /* no sign, no exponent, no "inf" */
    }
    *ret = strtod(text, &end);
    return *end == '\0' && *ret <= max;
}

/* ---- --mix ---- */

static bool find_op(const char *name, enum load_op *ret)
{
    for (int i = 0; i < LOAD_N_OPS; i++) {
        if (strcmp(name, cli_load_op_text((enum load_op)i)) == 0) {
            *ret = (enum load_op)i;
            return true;
        }
    }
    return false;
}

static bool parse_weight(char *item, struct load_plan *plan)
{
    enum load_op op = LOAD_WRAP;
    uint32_t weight = 1;
    char *colon = strchr(item, ':');
    if (colon) {
        *colon = '\0';
        if (!cli_parse_u32(colon + 1, 1, 1000000, &weight)) {
            return false;
        }
    }
    if (!find_op(item, &op) || plan->weights[op] != 0) {
        return false;
    }
    plan->weights[op] = weight;
    plan->total_weight += weight;
    return true;
}

kp_status cli_load_mix_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
{
    char item[ITEM_LEN];
    const char *at = text;
    do {
        if (!cli_load_next_item(&at, item, sizeof item) || !parse_weight(item, plan)) {
            return kpb_fail(reterr, KP_USAGE,
                            "--mix '%.64s' is no list such as wrap:1,unwrap:9; operations are "
                            "wrap, unwrap, encrypt, decrypt, sign, verify and get_key, once each",
                            text);
        }
    } while (*at != '\0');
    return KP_OK;
}

/* ---- --rate ---- */

kp_status cli_load_rates_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
{
    char item[ITEM_LEN];
    const char *at = text;
    do {
        double *rate = &plan->rates[plan->n_rates];
        if (plan->n_rates == LOAD_STEPS_MAX || !cli_load_next_item(&at, item, sizeof item) ||
            !parse_real(item, LOAD_RATE_MAX, rate) || *rate < 0.01) {
            return kpb_fail(reterr, KP_USAGE,
                            "--rate '%.64s' is neither operations per second such as 500 nor up "
                            "to %u of them with commas between, 0.01 to %.0f each",
                            text, LOAD_STEPS_MAX, LOAD_RATE_MAX);
        }
        plan->n_rates++;
    } while (*at != '\0');
    return KP_OK;
}

/* ---- --slo ---- */

static bool parse_quantile(const char *name, double *ret)
{
    double percent = 0;
    if (name[0] != 'p' || !parse_real(name + 1, 100, &percent) || percent <= 0) {
        return false;
    }
    *ret = percent / 100;
    return true;
}

static bool parse_errors(char *value, double *ret)
{
    const size_t len = strlen(value);
    if (len < 2 || value[len - 1] != '%') {
        return false;
    }
    value[len - 1] = '\0';
    return parse_real(value, 100, ret);
}

/* A span as everywhere, or, since some latencies are shorter, microseconds. */
static bool parse_limit(const char *text, uint64_t *ret_ns)
{
    char digits[ITEM_LEN];
    uint32_t n = 0;
    const size_t len = strlen(text);
    if (len < 3 || strcmp(text + len - 2, "us") != 0) {
        const bool ok = cli_parse_timeout(text, &n);
        *ret_ns = n * LOAD_NS_PER_MS;
        return ok;
    }
    (void)snprintf(digits, sizeof digits, "%.*s", (int)(len - 2), text);
    const bool ok = cli_parse_u32(digits, 1, UINT32_MAX, &n);
    *ret_ns = n * UINT64_C(1000);
    return ok;
}

static bool parse_promise(char *item, struct load_slo *slo)
{
    char *equals = strchr(item, '=');
    if (!equals) {
        return false;
    }
    *equals = '\0';
    if (strcmp(item, "errors") == 0) {
        return slo->errors_percent < 0 && parse_errors(equals + 1, &slo->errors_percent);
    }
    struct load_promise *promise = &slo->promises[slo->n_promises];
    const size_t len = (size_t)(equals - item);
    if (slo->n_promises == LOAD_PROMISES_MAX || len >= sizeof promise->name ||
        !parse_quantile(strcmp(item, "max") == 0 ? "p100" : item, &promise->quantile) ||
        !parse_limit(equals + 1, &promise->limit_ns)) {
        return false;
    }
    memcpy(promise->name, item, len + 1);
    slo->n_promises++;
    return true;
}

kp_status cli_load_capacity_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
{
    struct load_plan wanted = {.n_rates = 0};
    struct kp_error ignored;
    plan->wants_capacity = true;
    plan->capacity = 0;
    if (strcmp(text, "found") == 0) {
        return KP_OK;
    }
    if (cli_load_rates_parse(text, &wanted, &ignored) != KP_OK || wanted.n_rates != 1) {
        return kpb_fail(reterr, KP_USAGE,
                        "--capacity '%.64s' is neither a rate per second, such as 3300, nor found",
                        text);
    }
    plan->capacity = wanted.rates[0];
    return KP_OK;
}

kp_status cli_load_slo_parse(const char *text, struct load_slo *ret, struct kp_error *reterr)
{
    char item[ITEM_LEN];
    const char *at = text;
    *ret = (struct load_slo){.given = true, .errors_percent = -1};
    do {
        if (!cli_load_next_item(&at, item, sizeof item) || !parse_promise(item, ret)) {
            return kpb_fail(reterr, KP_USAGE,
                            "--slo '%.64s' is not like p50=500us,p99=50ms,max=1s,errors=0.1%%, "
                            "up to %u latencies and errors once",
                            text, LOAD_PROMISES_MAX);
        }
    } while (*at != '\0');
    return KP_OK;
}

/* ---- --payload ---- */

kp_status cli_load_payloads_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
{
    char item[ITEM_LEN];
    const char *at = text;
    plan->n_payloads = 0;
    do {
        uint32_t *len = &plan->payload_lens[plan->n_payloads];
        if (plan->n_payloads == LOAD_PAYLOADS_MAX || !cli_load_next_item(&at, item, sizeof item) ||
            !cli_parse_u32(item, 1, PAYLOAD_MAX_LEN, len)) {
            return kpb_fail(reterr, KP_USAGE,
                            "--payload '%.64s' is neither a number of bytes such as 32 nor up to "
                            "%u of them with commas between, 1 to %u each",
                            text, LOAD_PAYLOADS_MAX, PAYLOAD_MAX_LEN);
        }
        plan->n_payloads++;
    } while (*at != '\0');
    return KP_OK;
}

/* ---- All of them ---- */

kp_status cli_load_refuse(struct cli *c, enum cli_opt with, uint64_t refused)
{
    for (int opt = 0; opt < CLI_OPT_COUNT; opt++) {
        if (cli_has(c, (enum cli_opt)opt) && (refused & CLI_OPT_BIT(opt)) != 0) {
            return kpb_fail(&c->fault.error, KP_USAGE, "--%s takes no --%s",
                            cli_opt_info(with)->name, cli_opt_info((enum cli_opt)opt)->name);
        }
    }
    return KP_OK;
}

/* An option that is a whole number; left alone when it was not given. */
static kp_status read_number(struct cli *c, enum cli_opt opt, uint32_t min, uint32_t max,
                             uint32_t *ret)
{
    const char *text = cli_opt(c, opt);
    if (!text || cli_parse_u32(text, min, max, ret)) {
        return KP_OK;
    }
    return kpb_fail(&c->fault.error, KP_USAGE, "--%s '%.64s' is no number from %u to %u",
                    cli_opt_info(opt)->name, text, min, max);
}

static kp_status read_span(struct cli *c, enum cli_opt opt, uint64_t *ret_ns)
{
    uint32_t ms = 0;
    const char *text = cli_opt(c, opt);
    if (!text) {
        return KP_OK;
    }
    if (!cli_parse_timeout(text, &ms)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--%s '%.64s' is no span such as 500ms or 30s",
                        cli_opt_info(opt)->name, text);
    }
    *ret_ns = ms * LOAD_NS_PER_MS;
    return KP_OK;
}

/* A search chooses the rates itself: each of its trials is an open loop. */
static bool is_open(const struct cli *c, const struct load_plan *plan)
{
    return plan->n_rates > 0 || cli_has(c, CLI_OPT_SEARCH);
}

static uint32_t default_callers(const struct cli *c, const struct load_plan *plan)
{
    return !is_open(c, plan) ? CALLERS_DEFAULT
           : plan->sync      ? THREADS_OPEN_DEFAULT
                             : CALLERS_OPEN_DEFAULT;
}

static kp_status read_numbers(struct cli *c, struct load_plan *plan)
{
    uint32_t n_ops = 0;
    uint32_t seed = 1;
    plan->n_callers = default_callers(c, plan);
    kp_status st = read_number(c, CLI_OPT_CALLERS, 1,
                               plan->sync ? LOAD_THREADS_MAX : LOAD_CALLERS_MAX, &plan->n_callers);
    if (st == KP_OK) {
        st = read_number(c, CLI_OPT_N_OPS, 1, OPS_MAX, &n_ops);
    }
    if (st == KP_OK) {
        st = read_number(c, CLI_OPT_SEED, 0, UINT32_MAX, &seed);
    }
    plan->n_ops = n_ops;
    plan->seed = seed;
    return st;
}

static kp_status read_times(struct cli *c, struct load_plan *plan)
{
    uint64_t timeout_ns = 0;
    plan->is_open_ended =
        cli_has(c, CLI_OPT_N_OPS) && !cli_has(c, CLI_OPT_DURATION) && plan->n_rates <= 1;
    if (plan->is_open_ended) {
        plan->duration_ns = DAY_S * LOAD_NS_PER_S;
    }
    kp_status st = read_span(c, CLI_OPT_DURATION, &plan->duration_ns);
    if (st == KP_OK) {
        st = read_span(c, CLI_OPT_WARM_UP, &plan->warm_up_ns);
    }
    if (st == KP_OK) {
        st = read_span(c, CLI_OPT_RAMP, &plan->ramp_ns);
    }
    if (st == KP_OK) {
        st = read_span(c, CLI_OPT_TIMEOUT, &timeout_ns);
    }
    plan->warm_up_ns += plan->ramp_ns;
    plan->timeout_ms = (uint32_t)(timeout_ns / LOAD_NS_PER_MS);
    return st;
}

static kp_status read_choices(struct cli *c, struct load_plan *plan)
{
    const char *arrivals = cli_opt(c, CLI_OPT_ARRIVALS);
    const char *zipf = cli_opt(c, CLI_OPT_ZIPF);
    plan->poisson = arrivals && strcmp(arrivals, "poisson") == 0;
    if (arrivals && !plan->poisson && strcmp(arrivals, "constant") != 0) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--arrivals '%.64s' is neither constant nor poisson", arrivals);
    }
    if (arrivals && !is_open(c, plan)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--arrivals goes with --rate or --search; without one each caller starts "
                        "its next operation when the last has ended");
    }
    if (zipf && (!parse_real(zipf, 10, &plan->zipf) || plan->zipf <= 0)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--zipf '%.64s' is no skew above 0 and up to 10",
                        zipf);
    }
    return KP_OK;
}

/* The load that is wanted is a question about a rate: one that was searched or given. */
static kp_status read_capacity(struct cli *c, struct load_plan *plan)
{
    if (!cli_has(c, CLI_OPT_SEARCH) && plan->n_rates != 1) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--capacity goes with --search or one --rate");
    }
    return cli_load_capacity_parse(cli_opt(c, CLI_OPT_CAPACITY), plan, &c->fault.error);
}

kp_status cli_load_plan_read(struct cli *c, struct load_plan *ret)
{
    struct load_plan plan = {.keys = cli_opt(c, CLI_OPT_KEY),
                             .vault = cli_opt(c, CLI_OPT_VAULT),
                             .sync = cli_has(c, CLI_OPT_SYNC),
                             .duration_ns = DURATION_DEFAULT_S * LOAD_NS_PER_S,
                             .payload_lens = {PAYLOAD_DEFAULT_LEN},
                             .n_payloads = 1};
    struct kp_error *reterr = &c->fault.error;
    const char *mix = cli_opt(c, CLI_OPT_MIX);
    const char *rates = cli_opt(c, CLI_OPT_RATE);
    const char *slo = cli_opt(c, CLI_OPT_SLO);
    const char *payloads = cli_opt(c, CLI_OPT_PAYLOAD);
    kp_status st = cli_load_mix_parse(mix ? mix : "wrap:1,unwrap:1", &plan, reterr);
    if (st == KP_OK && rates) {
        st = cli_load_rates_parse(rates, &plan, reterr);
    }
    if (st == KP_OK && slo) {
        st = cli_load_slo_parse(slo, &plan.slo, reterr);
    }
    if (st == KP_OK && payloads) {
        st = cli_load_payloads_parse(payloads, &plan, reterr);
    }
    if (st == KP_OK && cli_has(c, CLI_OPT_CAPACITY)) {
        st = read_capacity(c, &plan);
    }
    if (st == KP_OK) {
        st = read_numbers(c, &plan);
    }
    if (st == KP_OK) {
        st = read_times(c, &plan);
    }
    if (st == KP_OK) {
        st = read_choices(c, &plan);
    }
    *ret = plan;
    return st;
}
