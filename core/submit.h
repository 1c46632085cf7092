/*
 * Admission: from a caller's request to an operation in the pipeline. Any thread.
 */
#ifndef KP_CORE_SUBMIT_H
#define KP_CORE_SUBMIT_H

#include "core/op.h"

struct kp_vault;

/*
 * What a caller has to get right, checked against what the plugin can do; nothing is copied.
 * *ret_request is the request as this build knows it. Errors: usage (one sentence naming the
 * member), unsupported.
 */
kp_status kpi_request_check(const struct kp_vault *vault, const struct kp_request *given,
                            struct kp_request *ret_request, struct kp_error *reterr) KP_MUST_USE;

/*
 * Whatever a plugin answers, the key and version asked for did the work, or are what the metadata
 * is of. Errors: protocol (no version told), integrity (another one).
 */
kp_status kpi_reply_check(const struct kp_request *request, const struct kp_reply *reply,
                          struct kp_error *reterr) KP_MUST_USE;

/* Where the outcome goes: cb, or for a blocking caller result with one reference kept for it. */
struct kpi_client {
    kp_done_fn *cb;
    void *ctx;
    struct kp_result *result;
    uint64_t submitted_ns;          /* when the caller came; 0: now */
    uint32_t failed_attempts;       /* already made on the thread of a blocking caller */
    const struct kp_error *failure; /* of the last of them; may be where errors go */
};

/*
 * Takes a place in the vault's queue for one operation; false when it is full and the request does
 * not wait. Give it back with kpi_place_give, unless the pipeline took it over.
 */
bool kpi_place_take(struct kp_vault *vault, const struct kp_request *request);
void kpi_place_give(struct kp_vault *vault);

/* throttled, with a sentence that says whose queue is full. */
kp_status kpi_fail_full(const struct kp_vault *vault, const struct kp_request *request,
                        struct kp_error *reterr) KP_MUST_USE;

/*
 * Sets up an operation for a checked request, whose place has been taken, and posts it. For a
 * blocking client *ret_op gets the operation with a reference of its own.
 * Errors: throttled (no slot), no_memory; the place is the caller's again.
 */
kp_status kpi_submit_checked(struct kp_vault *vault, const struct kp_request *request,
                             const struct kpi_client *client, kp_op_id *ret_id,
                             struct kpi_op **ret_op, struct kp_error *reterr) KP_MUST_USE;

/* For the core's own requests: not counted, not refused for a full queue. Loop thread. */
kp_status kpi_submit_internal(struct kp_vault *vault, const struct kp_request *request,
                              kp_done_fn *cb, void *ctx) KP_MUST_USE;

#endif /* KP_CORE_SUBMIT_H */
