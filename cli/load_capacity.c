#include "cli/load_capacity.h"

#include <math.h>
#include <stdio.h>

#define BUCKET_S 10.0             /* a vault's transactions are counted in 10 s */
#define VAULTS_PER_SUBSCRIPTION 5 /* a subscription may do five times what one vault may */
#define PARTITIONS 3.0            /* of a pool */
#define POOLS_PER_SUBSCRIPTION 5  /* in one region */

/* Transactions other than create in 10 s, per vault and region. 0: no such key. */
static const struct {
    uint32_t kty;
    uint32_t bits; /* 0: any */
    double software;
    double hsm;
} VAULT_LIMITS[] = {
    {KP_KTY_RSA, 2048, 4000, 2000},
    {KP_KTY_RSA, 3072, 1000, 500},
    {KP_KTY_RSA, 4096, 500, 250},
    {KP_KTY_EC, 0, 4000, 2000},
};

/* Operations per second of one partition; 0: none is documented. */
static const struct {
    uint32_t kty;
    uint32_t size; /* bits, or the curve of an EC key */
    double per_s[LOAD_N_OPS];
} PARTITION_LIMITS[] = {
    {KP_KTY_RSA,
     2048,
     {[LOAD_WRAP] = 2200,
      [LOAD_UNWRAP] = 1100,
      [LOAD_ENCRYPT] = 2800,
      [LOAD_DECRYPT] = 1100,
      [LOAD_SIGN] = 900,
      [LOAD_VERIFY] = 3400,
      [LOAD_GET_KEY] = 1100}},
    {KP_KTY_RSA,
     3072,
     {[LOAD_WRAP] = 1900,
      [LOAD_UNWRAP] = 360,
      [LOAD_ENCRYPT] = 2700,
      [LOAD_DECRYPT] = 360,
      [LOAD_SIGN] = 340,
      [LOAD_VERIFY] = 3400,
      [LOAD_GET_KEY] = 1100}},
    {KP_KTY_RSA,
     4096,
     {[LOAD_WRAP] = 1900,
      [LOAD_UNWRAP] = 160,
      [LOAD_ENCRYPT] = 2300,
      [LOAD_DECRYPT] = 160,
      [LOAD_SIGN] = 150,
      [LOAD_VERIFY] = 3700,
      [LOAD_GET_KEY] = 1100}},
    {KP_KTY_EC, KP_CURVE_P256, {[LOAD_SIGN] = 330, [LOAD_VERIFY] = 130, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_EC, KP_CURVE_P256K, {[LOAD_SIGN] = 330, [LOAD_VERIFY] = 130, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_EC, KP_CURVE_P384, {[LOAD_SIGN] = 160, [LOAD_VERIFY] = 82, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_EC, KP_CURVE_P521, {[LOAD_SIGN] = 200, [LOAD_VERIFY] = 28, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_OCT, 128, {[LOAD_WRAP] = 2100, [LOAD_UNWRAP] = 1800, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_OCT, 192, {[LOAD_WRAP] = 2100, [LOAD_UNWRAP] = 1900, [LOAD_GET_KEY] = 1100}},
    {KP_KTY_OCT, 256, {[LOAD_WRAP] = 2100, [LOAD_UNWRAP] = 2200, [LOAD_GET_KEY] = 1100}},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct load_key_kind cli_load_key_kind(const struct kp_key_info *key)
{
    const uint32_t kty = key->kty == KP_KTY_RSA_HSM   ? KP_KTY_RSA
                         : key->kty == KP_KTY_EC_HSM  ? KP_KTY_EC
                         : key->kty == KP_KTY_OCT_HSM ? KP_KTY_OCT
                                                      : key->kty;
    return (struct load_key_kind){kty, key->bits, key->curve};
}

/* ---- One unit ---- */

/* What one vault may do a second with such a key, whatever it is; 0: no such key there. */
static double vault_limit(const struct load_key_kind *key, bool hsm)
{
    for (size_t i = 0; i < COUNT(VAULT_LIMITS); i++) {
        if (VAULT_LIMITS[i].kty == key->kty &&
            (VAULT_LIMITS[i].bits == 0 || VAULT_LIMITS[i].bits == key->bits)) {
            return (hsm ? VAULT_LIMITS[i].hsm : VAULT_LIMITS[i].software) / BUCKET_S;
        }
    }
    return 0;
}

/* What one pool may do a second of one operation alone. */
static double pool_limit(const struct load_key_kind *key, enum load_op op)
{
    const uint32_t size = key->kty == KP_KTY_EC ? key->curve : key->bits;
    for (size_t i = 0; i < COUNT(PARTITION_LIMITS); i++) {
        if (PARTITION_LIMITS[i].kty == key->kty && PARTITION_LIMITS[i].size == size) {
            return PARTITION_LIMITS[i].per_s[op] * PARTITIONS;
        }
    }
    return 0;
}

static double unit_limit(const struct load_key_kind *key, enum load_service service,
                         enum load_op op)
{
    return service == LOAD_MANAGED_HSM ? pool_limit(key, op)
                                       : vault_limit(key, service == LOAD_VAULT_HSM);
}

/* ---- The need ---- */

static uint32_t whole(double x)
{
    const double up = ceil(x - 1e-9);
    return up < 1 ? 1 : up > UINT32_MAX ? UINT32_MAX : (uint32_t)up;
}

/* Each operation takes its part of a unit's second; the parts of a mix add up. */
struct load_need cli_load_capacity_need(const struct load_plan *plan,
                                        const struct load_key_kind *key, enum load_service service,
                                        double rate)
{
    struct load_need need = {.known = true};
    double used = 0; /* of a unit's second, by one operation of the mix */
    double most = 0;
    for (int i = 0; i < LOAD_N_OPS; i++) {
        const double limit = unit_limit(key, service, (enum load_op)i);
        const double share = (double)plan->weights[i] / plan->total_weight;
        if (share > 0 && limit <= 0) {
            return (struct load_need){.known = false};
        }
        const double own = share > 0 ? share / limit : 0;
        used += own;
        if (own > most) {
            most = own;
            need.first = (enum load_op)i;
        }
    }
    need.rate_per_unit = 1 / used;
    need.first_share = most / used;
    need.n_units = whole(rate * used);
    need.n_subscriptions =
        whole((double)need.n_units /
              (service == LOAD_MANAGED_HSM ? POOLS_PER_SUBSCRIPTION : VAULTS_PER_SUBSCRIPTION));
    return need;
}

uint32_t cli_load_capacity_callers(double rate, uint64_t mean_ns)
{
    return whole(rate * (double)mean_ns / LOAD_NS_PER_S);
}

/* ---- Telling ---- */

const char *cli_load_service_text(enum load_service service)
{
    static const char *const texts[LOAD_N_SERVICES] = {[LOAD_VAULT_SOFTWARE] =
                                                           "Key Vault, software key",
                                                       [LOAD_VAULT_HSM] = "Key Vault, HSM key",
                                                       [LOAD_MANAGED_HSM] = "Managed HSM"};
    return texts[service];
}

static const char *unit_text(enum load_service service, uint32_t n)
{
    return service == LOAD_MANAGED_HSM ? (n == 1 ? "pool of 3 partitions" : "pools of 3 partitions")
                                       : (n == 1 ? "vault" : "vaults");
}

static void format_first(enum load_service service, const struct load_need *need, char text[160])
{
    if (service == LOAD_MANAGED_HSM) {
        (void)snprintf(text, 160, "the partitions' time, %.0f%% of it for %s",
                       100 * need->first_share, cli_load_op_text(need->first));
    } else {
        (void)snprintf(text, 160, "the vault's transactions in 10 s (429), at %.0f per s",
                       need->rate_per_unit);
    }
}

static void tell_text(struct cli *c, enum load_service service, const struct load_need *need)
{
    char line[320];
    char first[160];
    if (!need->known) {
        (void)snprintf(line, sizeof line,
                       "%-24s no documented figure for every operation of this mix\n",
                       cli_load_service_text(service));
    } else {
        format_first(service, need, first);
        (void)snprintf(
            line, sizeof line, "%-24s %u %s in %u subscription%s; first to throttle: %s\n",
            cli_load_service_text(service), need->n_units, unit_text(service, need->n_units),
            need->n_subscriptions, need->n_subscriptions == 1 ? "" : "s", first);
    }
    cli_out_text(&c->out, line);
}

static void tell_json(struct cli *c, enum load_service service, const struct load_need *need)
{
    char first[160];
    cli_json_begin(&c->out, '{');
    cli_json_member_text(&c->out, "service", cli_load_service_text(service));
    cli_json_member_bool(&c->out, "documented", need->known);
    if (need->known) {
        format_first(service, need, first);
        cli_json_member_uint(&c->out, "units", need->n_units);
        cli_json_member_real(&c->out, "per_unit_per_s", need->rate_per_unit, 2);
        cli_json_member_uint(&c->out, "subscriptions", need->n_subscriptions);
        cli_json_member_text(&c->out, "throttles_first", first);
    }
    cli_json_end(&c->out, '}');
}

static void begin_json(struct cli *c, double wanted, uint32_t n_callers, uint32_t n_processes)
{
    cli_json_name(&c->out, "capacity");
    cli_json_begin(&c->out, '{');
    cli_json_member_real(&c->out, "wanted_per_s", wanted, 2);
    cli_json_member_uint(&c->out, "callers", n_callers);
    cli_json_member_uint(&c->out, "processes", n_processes);
    cli_json_name(&c->out, "services");
    cli_json_begin(&c->out, '[');
}

static void begin_text(struct cli *c, double wanted, uint32_t n_callers, uint32_t n_processes)
{
    char line[320];
    (void)snprintf(line, sizeof line,
                   "\ncapacity for %.1f per s: %u callers (operations under way at the mean "
                   "latency measured here), at most %u such process%s\n",
                   wanted, n_callers, n_processes, n_processes == 1 ? "" : "es");
    cli_out_text(&c->out, line);
}

void cli_load_capacity_tell(struct cli *c, const struct load_plan *plan,
                            const struct load_key_kind *key, const struct load_shown *shown,
                            double wanted)
{
    const bool json = cli_has(c, CLI_OPT_JSON);
    (json ? begin_json : begin_text)(c, wanted, cli_load_capacity_callers(wanted, shown->mean_ns),
                                     shown->rate > 0 ? whole(wanted / shown->rate) : 0);
    for (int i = 0; i < LOAD_N_SERVICES; i++) {
        const struct load_need need =
            cli_load_capacity_need(plan, key, (enum load_service)i, wanted);
        (json ? tell_json : tell_text)(c, (enum load_service)i, &need);
    }
    if (json) {
        cli_json_end(&c->out, ']');
        cli_json_end(&c->out, '}');
    }
}
