/* The operations on keys: what each is called, needs and answers. */
#ifndef KP_TOOLS_KP_EMULATOR_OPERATION_H
#define KP_TOOLS_KP_EMULATOR_OPERATION_H

#include "tools/kp-emulator/exchange.h"

/* A request to the file vault under construction; spans point into the exchange. */
struct emu_order {
    struct kp_request request;
    struct kp_key_params params;
    struct kp_rotation_policy policy;
    struct kp_tag tags[KP_TAGS_MAX];
};

/* Fills the order from the exchange's body and query; false when a failure was sent. */
typedef bool emu_fill_fn(struct emu_exchange *x, struct emu_order *order);

struct emu_operation {
    uint32_t op;            /* enum kp_op */
    const char *kind;       /* kp_op_text of it */
    const char *permission; /* of an access policy */
    const char *action;     /* of a role, after ".../keys/" */
    emu_fill_fn *fill;      /* NULL: name and version are all */
    emu_answer_fn *answer;
};

const struct emu_operation *emu_operation_of(uint32_t op);
/* Carries out the exchange's operation; ends in one emu_send. */
void emu_operation_begin(struct emu_exchange *x);
/* The part of it after the body has been read: fills an order and submits it. */
void emu_operation_resume(struct emu_exchange *x);
/* Submits another operation for the exchange; answer comes later, also for a failure. */
void emu_operation_submit(struct emu_exchange *x, const struct kp_request *request,
                          emu_answer_fn *answer);
/* Sends the answer to an operation that failed, finding out why a use was forbidden. */
void emu_operation_failed(struct emu_exchange *x, struct kp_result *result);

/* ---- Parsing (key_in.c, policy_in.c) ---- */

emu_fill_fn emu_fill_create, emu_fill_import, emu_fill_update, emu_fill_use, emu_fill_verify,
    emu_fill_list, emu_fill_restore, emu_fill_random, emu_fill_policy, emu_fill_rotate;

/* ---- Answering (key_out.c, list_out.c) ---- */

emu_answer_fn emu_answer_key, emu_answer_new_key, emu_answer_updated, emu_answer_deleted,
    emu_answer_get_deleted, emu_answer_recovered, emu_answer_purged, emu_answer_list,
    emu_answer_backup, emu_answer_restored, emu_answer_use, emu_answer_verify, emu_answer_random,
    emu_answer_policy, emu_answer_attested;

/* Operations of several steps (release.c, byok.c); the body has been read. */
void emu_release_begin(struct emu_exchange *x);
void emu_byok_begin(struct emu_exchange *x);

#endif /* KP_TOOLS_KP_EMULATOR_OPERATION_H */
