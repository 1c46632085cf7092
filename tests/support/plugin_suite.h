/*
 * One contract over every plugin that comes with the project: cases that take a vault, whichever
 * plugin is behind it, do one thing with it and say what a table's cell shall hold. A case checks
 * what it did; "no" it may say only of what the plugin's capabilities leave out.
 *
 * The key vault and the Managed HSM stand in the emulator that runs the test (support/emulator.h),
 * the file vault in a folder of its own.
 */
#ifndef KP_TESTS_SUPPORT_PLUGIN_SUITE_H
#define KP_TESTS_SUPPORT_PLUGIN_SUITE_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#include "support/temp_dir.h"

#define SUITE_YES "yes"
#define SUITE_NO "no"
#define SUITE_N_VAULTS 3u

struct suite_vault {
    const char *plugin; /* its name */
    kp_vault *handle;
    const struct kp_caps *caps;
};

struct suite {
    kp_provider *provider;
    char dir[TEMP_DIR_LEN];
    struct suite_vault vaults[SUITE_N_VAULTS];
};

/* A row: what it is called in the table, and the case. number is the operation's or the like. */
struct suite_row {
    const char *name;
    uint32_t number;
    const char *(*run)(struct suite_vault *vault, uint32_t number);
};

/* The tables' rows; every operation, every algorithm, every key type, and what is not the same. */
extern const struct suite_row suite_operations[];
extern const size_t suite_n_operations;
extern const struct suite_row suite_algorithms[];
extern const size_t suite_n_algorithms;
extern const struct suite_row suite_key_types[];
extern const size_t suite_n_key_types;
extern const struct suite_row suite_rules[];
extern const size_t suite_n_rules;
/* Rows of keys: each type in each size or on each curve, created and imported. */
const struct suite_row *suite_keys(size_t *ret_n);

/* Says which plugins there are; the rest of suite stays empty until suite_begin. */
void suite_name(struct suite *suite);
/* Opens the provider with the built plugins, and the three vaults. */
void suite_begin(struct suite *suite);
/* Closes all, and expects quiet. */
void suite_end(struct suite *suite);

/* ---- For cases ---- */

kp_span suite_span(const char *text);
/* Empty request on a key, with a generous time limit. name may be NULL. */
struct kp_request suite_request(uint32_t op, const char *name);
/* Makes the call; result is the caller's to clear. */
kp_status suite_call(struct suite_vault *vault, const struct kp_request *request,
                     struct kp_result *result);
/*
 * True: it was done, and result holds the reply. False: the plugin does not offer the operation or
 * the algorithm, as its capabilities say. Anything else fails the test.
 */
bool suite_served(struct suite_vault *vault, const struct kp_request *request,
                  struct kp_result *result);
/* It must be done. */
void suite_must(struct suite_vault *vault, const struct kp_request *request,
                struct kp_result *result);
/* The class it ends with. */
kp_status suite_status(struct suite_vault *vault, const struct kp_request *request);

/* Creates a key of this name. */
void suite_create(struct suite_vault *vault, const char *name, uint32_t kty, uint32_t bits,
                  uint32_t curve);
/*
 * A key that cases share and none changes, made when the first asks for it; its name, valid until
 * the next call. curve for EC, bits for the others.
 */
const char *suite_key(struct suite_vault *vault, uint32_t kty, uint32_t bits, uint32_t curve);
/* Something made with the algorithm and this key: wrapped, encrypted or signed. */
struct kp_request suite_use(const char *name, uint32_t alg);
/*
 * Makes it and undoes or verifies it, and expects what it was made of; with RSA both wrapped and
 * encrypted. False: the plugin does not offer the algorithm.
 */
bool suite_round_trip(struct suite_vault *vault, const char *name, uint32_t alg);
/* Sets a policy that both services take: a new version 90 days after the last, each for two
 * years. */
void suite_set_policy(struct suite_vault *vault, const char *name);

#endif /* KP_TESTS_SUPPORT_PLUGIN_SUITE_H */
