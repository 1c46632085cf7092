/*
 * The keys a load test works on, each with what its operations need: algorithms, payloads, and
 * ciphertexts and signatures made before the clock starts.
 *
 * Threads: prepared on the main thread, read-only while the run lasts.
 */
#ifndef KP_CLI_LOAD_TARGET_H
#define KP_CLI_LOAD_TARGET_H

#include "cli/load_capacity.h"
#include "cli/load_schedule.h"

#define LOAD_POOL_LEN 16u /* payloads of one key, with what was made of them */

struct load_target;

struct load_targets {
    struct load_target *targets;
    uint32_t n;
};

/*
 * Opens the vaults of the keys of --key (NAME[/VERSION] with -V, else VAULT/NAME[/VERSION] or a
 * URL, commas between), asks what they are, and makes with them what the mix undoes. A vault that
 * is no file: needs --yes-this-is-a-real-vault. Errors: usage, what the operations answer.
 */
kp_status cli_load_targets_open(struct cli *c, const struct load_plan *plan,
                                struct load_targets *ret) KP_MUST_USE;
/* Wipes and frees; a zeroed or half-built one is allowed. */
void cli_load_targets_close(struct load_targets *targets);

/* The key as --key names it, cut to what a table has room for. */
const char *cli_load_target_text(const struct load_targets *targets, uint32_t i);
/* What the first key is, and whether all are that. */
struct load_key_kind cli_load_target_kind(const struct load_targets *targets);
bool cli_load_targets_alike(const struct load_targets *targets);

/* The vault an operation goes to. */
kp_vault *cli_load_target_vault(const struct load_targets *targets, const struct load_item *item);

/* Fills the n-th request for an item; its spans are borrowed from targets. */
void cli_load_target_request(const struct load_targets *targets, const struct load_plan *plan,
                             const struct load_item *item, uint64_t n, struct kp_request *ret);
/* Fills the request that undoes what the n-th request made: item's operation is unwrap, decrypt or
 * verify. Its spans are borrowed from targets and made. */
void cli_load_target_undo(const struct load_targets *targets, const struct load_plan *plan,
                          const struct load_item *item, uint64_t n, const struct kp_reply *made,
                          struct kp_request *ret);
/*
 * Whether a reply to the n-th request for an item is what it must be: what is unwrapped or
 * decrypted equals what went in, a signature made before verifies; what is wrapped, encrypted or
 * signed is there, and a key is told about. Errors: integrity, with the sentence.
 */
kp_status cli_load_target_check(const struct load_targets *targets, const struct load_item *item,
                                uint64_t n, const struct kp_reply *reply, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CLI_LOAD_TARGET_H */
