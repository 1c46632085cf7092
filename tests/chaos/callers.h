/*
 * The callers: each wraps data keys, unwraps them again, reads and creates key versions, blocking
 * or not, with short deadlines, and takes some requests back. They note every rule that is broken:
 *
 *     a request completes exactly once, and by its deadline
 *     a wrapped key unwraps to what it was, with the version that wrapped it
 *     what fails, fails for a passing reason
 *     what is refused as auth traces to a refusal that was planted
 */
#ifndef KP_TESTS_CHAOS_CALLERS_H
#define KP_TESTS_CHAOS_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <keyprovider/keyprovider.h>

struct callers;

struct callers_options {
    kp_provider *provider;
    kp_vault *const *vaults;
    size_t n_vaults;
    size_t n;
    uint64_t seed;
    uint32_t slack_ms; /* past its deadline, for a machine that is busy */
};

/* Starts their threads. NULL, with a sentence on stderr. */
struct callers *callers_start(const struct callers_options *options);
/*
 * To be called when every fault is over: no new requests but those that unwrap whatever was
 * wrapped. False when some are still at it after wait_ms: they are stuck.
 */
bool callers_finish(struct callers *all, uint32_t wait_ms);
/*
 * After callers_finish: every request that ended with auth must have been refused for a reason that
 * was planted, which is_planted tells by the vault's id of the request (empty where there is none).
 */
void callers_check_refused(struct callers *all, bool (*is_planted)(void *ctx, const char *id),
                           void *ctx);
/* After the provider is closed: what happened. Returns the number of broken rules. */
size_t callers_report(struct callers *all, FILE *out);
void callers_free(struct callers *all);

#endif /* KP_TESTS_CHAOS_CALLERS_H */
