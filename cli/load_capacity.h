/*
 * A wanted load read against what the services document: how many vaults or pools it takes, how
 * many subscriptions, how many operations under way, and what throttles first.
 *
 * Pure but for cli_load_capacity_tell. Main thread.
 * Source, vendor pages: "Azure Key Vault service limits" (transactions per vault in 10 s; five
 * times that per subscription and region), as of 2026-08-21; "Managed HSM scaling guidance"
 * (averages per partition, three partitions to a pool), of 2025-12-03; five pools per subscription
 * and region: the limits of Managed HSM, an older page without a date.
 */
#ifndef KP_CLI_LOAD_CAPACITY_H
#define KP_CLI_LOAD_CAPACITY_H

#include "cli/load_plan.h"

struct load_key_kind {
    uint32_t kty;  /* enum kp_kty */
    uint32_t bits; /* of an RSA modulus or an AES key */
    uint32_t curve;
};

/* What a key is, wherever it is kept: RSA for RSA-HSM. */
struct load_key_kind cli_load_key_kind(const struct kp_key_info *key);

enum load_service { LOAD_VAULT_SOFTWARE, LOAD_VAULT_HSM, LOAD_MANAGED_HSM, LOAD_N_SERVICES };

/* What a wanted load takes of one service. */
struct load_need {
    bool known;           /* the service documents a figure for every operation of the mix */
    double rate_per_unit; /* of this mix, one vault or one pool */
    uint32_t n_units;     /* vaults or pools */
    uint32_t n_subscriptions;
    enum load_op first; /* the operation that uses up most of a unit */
    double first_share; /* of what is used */
};

const char *cli_load_service_text(enum load_service service);

/* rate: operations per second of the plan's mix. */
struct load_need cli_load_capacity_need(const struct load_plan *plan,
                                        const struct load_key_kind *key, enum load_service service,
                                        double rate);

/* Operations under way at that rate when they take mean_ns on average (Little's law), at least
 * 1. */
uint32_t cli_load_capacity_callers(double rate, uint64_t mean_ns);

/* What a measurement has shown: the rate one process kept up, and the mean latency there. */
struct load_shown {
    double rate;
    uint64_t mean_ns;
};

/* Writes the whole answer for a wanted rate, as text or, with --json, as one object. */
void cli_load_capacity_tell(struct cli *c, const struct load_plan *plan,
                            const struct load_key_kind *key, const struct load_shown *shown,
                            double wanted);

#endif /* KP_CLI_LOAD_CAPACITY_H */
