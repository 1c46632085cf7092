/*
 * What a load test is asked to do, as read from the options of `kp bench`. Plain data, fixed once
 * read. Durations are nanoseconds, rates operations per second.
 */
#ifndef KP_CLI_LOAD_PLAN_H
#define KP_CLI_LOAD_PLAN_H

#include "cli/cli.h"

#define LOAD_STEPS_MAX 32u      /* rates of --rate */
#define LOAD_PAYLOADS_MAX 8u    /* lengths of --payload */
#define LOAD_PROMISES_MAX 8u    /* latencies of --slo */
#define LOAD_KEYS_MAX 256u      /* names of --key */
#define LOAD_CALLERS_MAX 10000u /* operations under way */
#define LOAD_THREADS_MAX 512u   /* ... of blocking callers, one thread each */
#define LOAD_RATE_MAX 1000000.0
#define LOAD_NS_PER_MS UINT64_C(1000000)
#define LOAD_NS_PER_S UINT64_C(1000000000)

/* The operations a mix may name, in the order they are reported. */
#define LOAD_OPS_MAP(XX) XX(WRAP) XX(UNWRAP) XX(ENCRYPT) XX(DECRYPT) XX(SIGN) XX(VERIFY) XX(GET_KEY)

enum load_op {
#define XX(symbol) LOAD_##symbol,
    LOAD_OPS_MAP(XX)
#undef XX
        LOAD_N_OPS
};

/* enum kp_op of a load_op, and its text. */
uint32_t cli_load_op(enum load_op op);
const char *cli_load_op_text(enum load_op op);

/* One latency that --slo promises. */
struct load_promise {
    char name[16];   /* p99 of p99=50ms; max is p100 */
    double quantile; /* 0.99 */
    uint64_t limit_ns;
};

/* What --slo promises. */
struct load_slo {
    bool given;
    struct load_promise promises[LOAD_PROMISES_MAX];
    uint32_t n_promises;
    double errors_percent; /* of all operations; negative: none */
};

struct load_plan {
    const char *keys;  /* as --key has them; NULL: not told */
    const char *vault; /* as -V has it; NULL: each key names its own */
    uint32_t weights[LOAD_N_OPS];
    uint32_t total_weight;
    double rates[LOAD_STEPS_MAX]; /* equal shares of the duration each */
    uint32_t n_rates;             /* 0: closed loop */
    bool poisson;
    bool sync;            /* blocking callers on threads of their own */
    uint32_t n_callers;   /* closed loop: always that many under way; open loop: at most */
    uint64_t duration_ns; /* of what is measured */
    bool is_open_ended;   /* only n_ops ends it; duration_ns is a day */
    uint64_t ramp_ns;     /* the load grows evenly to its whole; the first part of warm_up_ns */
    uint64_t warm_up_ns;  /* all that comes before what is measured */
    uint64_t n_ops;       /* measured ones, after which the run ends; 0: the duration alone does */
    uint32_t payload_lens[LOAD_PAYLOADS_MAX]; /* in turns */
    uint32_t n_payloads;
    uint32_t timeout_ms; /* of each operation; 0: the vault's */
    double zipf;         /* skew of the key choice; 0: uniform */
    uint64_t seed;
    struct load_slo slo;
    bool wants_capacity;
    double capacity; /* operations per second that are wanted; 0: as many as are found */
};

/*
 * Reads the options into *ret. Errors: usage, naming the option and what it takes.
 */
kp_status cli_load_plan_read(struct cli *c, struct load_plan *ret) KP_MUST_USE;

/* Refuses options that one of the others has no use for, a mask, instead of ignoring them. Errors:
 * usage, naming the first. */
kp_status cli_load_refuse(struct cli *c, enum cli_opt with, uint64_t refused) KP_MUST_USE;

/* Copies the next item of a list with commas into out and moves *at behind it; false when it is
 * empty, has no room or is followed by a comma alone. */
bool cli_load_next_item(const char **at, char *out, size_t room);

/* Reads "wrap:1,unwrap:9"; a name without a number weighs 1. Errors: usage. */
kp_status cli_load_mix_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads "500" or "100,200,400". Errors: usage. */
kp_status cli_load_rates_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads a list of promises such as "p50=500us,p99=50ms,max=1s,errors=0.1%". Errors: usage. */
kp_status cli_load_slo_parse(const char *text, struct load_slo *ret, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads "32" or "32,190", bytes. Errors: usage. */
kp_status cli_load_payloads_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads "3300", the load that is wanted per second, or "found": 0. Errors: usage. */
kp_status cli_load_capacity_parse(const char *text, struct load_plan *plan, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CLI_LOAD_PLAN_H */
