/*
 * One try at an operation: handed to the plugin's submit or run, finished by it once, wound down by
 * done after the last callback. The attempt may outlive the client's interest; it keeps its place
 * in flight and its buffers until the plugin has let go.
 *
 * Threads: kpi_attempt_finish from any; the rest on the loop thread.
 */
#ifndef KP_CORE_ATTEMPT_H
#define KP_CORE_ATTEMPT_H

#include "core/op.h"

struct kp_vault;

/* Starts an attempt in the plugin; its outcome comes through kpi_pipeline_judge. */
void kpi_attempt_start(struct kpi_op *op);
/* The same without the plugin: kpi_local_run on a worker. */
void kpi_attempt_start_local(struct kpi_op *op);
/* Writes the outcome of an attempt whose finish is ours: local ones and run. Any thread. */
void kpi_attempt_take_reply(struct kpi_op *op, const struct kp_reply *reply);
void kpi_attempt_take_error(struct kpi_op *op, kp_status status, const struct kp_error *error);
/* Tells the plugin that nobody waits any more. At most once an attempt. */
void kpi_attempt_hasten(struct kpi_op *op);

/*
 * What the plugin's finish does: claims, copies, posts. Errors: usage when id is not an attempt of
 * this vault that is open; counted, harmless.
 */
kp_status kpi_attempt_finish(struct kp_vault *vault, kp_op_id id, kp_status status,
                             const struct kp_reply *reply, const struct kp_error *error)
    KP_MUST_USE;
/* The finish has arrived at the loop. */
void kpi_attempt_finished(struct kpi_op *op);

/* A host call made in the attempt's name will call back later; pair with callback_over. */
void kpi_attempt_expect_callback(struct kpi_op *op);
void kpi_attempt_callback_over(struct kpi_op *op);

#endif /* KP_CORE_ATTEMPT_H */
