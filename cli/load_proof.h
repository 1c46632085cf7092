/*
 * Whether what a load test made can be undone: a sample of what wraps, encrypts and signs answered
 * is kept while the load lasts and, when it is over, unwrapped, decrypted and verified. Whoever
 * cannot unwrap what was wrapped has lost it, however fast it came.
 *
 * Threads: cli_load_proof_keep from any, at once; the others when no operation is under way.
 */
#ifndef KP_CLI_LOAD_PROOF_H
#define KP_CLI_LOAD_PROOF_H

#include "cli/load_result.h"
#include "cli/load_target.h"

struct load_proof;

/* NULL: no memory. */
struct load_proof *cli_load_proof_new(void);
/* NULL is allowed. */
void cli_load_proof_free(struct load_proof *proof);

/* Keeps the reply to the n-th request for an item, where it is the first for its payload of such an
 * operation, whatever the key; those of other operations are ignored. Copies what it keeps. */
void cli_load_proof_keep(struct load_proof *proof, const struct load_item *item, uint64_t n,
                         const struct kp_reply *reply);

/*
 * Undoes what was kept, one after the other, until it is through or Ctrl-C. What does not come back
 * as it went in is added to result as a failure of class integrity of the operation that made it,
 * at at_ns of the run; how many came back, and how many could not be tried, is noted there too.
 */
void cli_load_proof_try(struct load_proof *proof, const struct load_plan *plan,
                        const struct load_targets *targets, uint64_t at_ns,
                        struct load_result *result);

#endif /* KP_CLI_LOAD_PROOF_H */
