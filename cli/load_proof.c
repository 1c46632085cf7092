#include "cli/load_proof.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "cli/load_platform.h"

#define N_MAKERS 3u                 /* wrap, encrypt, sign */
#define PART_MAX_LEN (128u * 1024u) /* a payload of --payload, and what an algorithm adds */

/* One answer. Written once, by whoever takes the flag. */
struct answer {
    atomic_flag is_taken;
    bool is_kept; /* whole */
    struct load_item item;
    uint64_t n;
    kp_buf value;
    kp_buf iv;
    kp_buf tag;
    char version[KP_KEY_VERSION_MAX_LEN + 1];
};

struct load_proof {
    struct answer answers[N_MAKERS][LOAD_POOL_LEN];
};

/* What undoes an operation; LOAD_N_OPS where nothing does. */
static enum load_op undoer_of(enum load_op op)
{
    return op == LOAD_WRAP      ? LOAD_UNWRAP
           : op == LOAD_ENCRYPT ? LOAD_DECRYPT
           : op == LOAD_SIGN    ? LOAD_VERIFY
                                : LOAD_N_OPS;
}

struct load_proof *cli_load_proof_new(void)
{
    struct load_proof *proof = kpb_alloc("cli.load.proof", sizeof *proof);
    for (uint32_t i = 0; proof && i < N_MAKERS * LOAD_POOL_LEN; i++) {
        struct answer *answer = &proof->answers[i / LOAD_POOL_LEN][i % LOAD_POOL_LEN];
        atomic_flag_clear(&answer->is_taken);
        kp_buf_init(&answer->value, "cli.load.proof", PART_MAX_LEN);
        kp_buf_init(&answer->iv, "cli.load.proof", PART_MAX_LEN);
        kp_buf_init(&answer->tag, "cli.load.proof", PART_MAX_LEN);
    }
    return proof;
}

void cli_load_proof_free(struct load_proof *proof)
{
    for (uint32_t i = 0; proof && i < N_MAKERS * LOAD_POOL_LEN; i++) {
        struct answer *answer = &proof->answers[i / LOAD_POOL_LEN][i % LOAD_POOL_LEN];
        kp_buf_clear(&answer->value);
        kp_buf_clear(&answer->iv);
        kp_buf_clear(&answer->tag);
    }
    kpb_free(proof);
}

/* ---- Keeping ---- */

static bool copy_reply(struct answer *answer, const struct kp_reply *reply)
{
    if (reply->version.len >= sizeof answer->version ||
        kp_buf_append(&answer->value, reply->value) != KP_OK ||
        kp_buf_append(&answer->iv, reply->iv) != KP_OK ||
        kp_buf_append(&answer->tag, reply->tag) != KP_OK) {
        return false;
    }
    if (reply->version.len > 0) {
        memcpy(answer->version, reply->version.ptr, reply->version.len);
    }
    answer->version[reply->version.len] = '\0';
    return true;
}

void cli_load_proof_keep(struct load_proof *proof, const struct load_item *item, uint64_t n,
                         const struct kp_reply *reply)
{
    if (undoer_of(item->op) == LOAD_N_OPS) {
        return;
    }
    const size_t row = item->op == LOAD_WRAP ? 0 : item->op == LOAD_ENCRYPT ? 1 : 2;
    struct answer *answer = &proof->answers[row][n % LOAD_POOL_LEN];
    if (atomic_flag_test_and_set(&answer->is_taken)) {
        return;
    }
    answer->item = *item;
    answer->n = n;
    answer->is_kept = copy_reply(answer, reply);
}

/* ---- Undoing ---- */

static kp_status undo(const struct answer *answer, const struct load_plan *plan,
                      const struct load_targets *targets, struct kp_error *reterr)
{
    const struct load_item item = {undoer_of(answer->item.op), answer->item.key, 0};
    const struct kp_reply made = {.version = kpb_span_str(answer->version),
                                  .value = kp_buf_view(&answer->value),
                                  .iv = kp_buf_view(&answer->iv),
                                  .tag = kp_buf_view(&answer->tag)};
    struct kp_request request;
    struct kp_result result;
    cli_load_target_undo(targets, plan, &item, answer->n, &made, &request);
    request.flags |= KP_REQ_WAIT_FOR_ROOM;
    kp_status st = kp_call(cli_load_target_vault(targets, &item), &request, &result);
    if (st != KP_OK) {
        *reterr = result.error;
    } else {
        st = cli_load_target_check(targets, &item, answer->n, &result.reply, reterr);
    }
    kp_result_clear(&result);
    return st;
}

/* Whether a failure to undo says something of what was to be undone, and not of who asked, or of
 * the vault just now. */
static bool is_proof(kp_status status)
{
    return status == KP_USAGE || status == KP_VAULT || status == KP_PROTOCOL ||
           status == KP_INTEGRITY || status == KP_INTERNAL;
}

static void add_failure(const struct answer *answer, const struct kp_error *why, uint64_t at_ns,
                        struct load_result *result)
{
    struct kp_error error;
    const struct load_outcome outcome = {answer->item.op, answer->item.key, at_ns,
                                         at_ns,           KP_INTEGRITY,     &error};
    (void)kpb_fail(&error, KP_INTEGRITY, "%s did not come back: %.180s",
                   cli_load_op_text(answer->item.op), why->text);
    cli_load_result_add(result, &outcome);
}

void cli_load_proof_try(struct load_proof *proof, const struct load_plan *plan,
                        const struct load_targets *targets, uint64_t at_ns,
                        struct load_result *result)
{
    struct load_proven proven = {.n_right = 0};
    for (uint32_t i = 0; i < N_MAKERS * LOAD_POOL_LEN && !cli_interrupted(); i++) {
        const struct answer *answer = &proof->answers[i / LOAD_POOL_LEN][i % LOAD_POOL_LEN];
        struct kp_error error;
        if (!answer->is_kept) {
            continue;
        }
        const kp_status st = undo(answer, plan, targets, &error);
        proven.n_right += st == KP_OK ? 1 : 0;
        proven.n_wrong += is_proof(st) ? 1 : 0;
        proven.n_untried += st != KP_OK && !is_proof(st) ? 1 : 0;
        if (is_proof(st)) {
            add_failure(answer, &error, at_ns, result);
        }
    }
    cli_load_result_prove(result, &proven);
}
