/*
 * The life of a request on its loop thread: admitted, queued, dispatched, attempted, perhaps tried
 * again, ended. Every way out passes kpi_pipeline_end.
 *
 * Threads: kpi_pipeline_post_* from any; the rest on the loop thread.
 */
#ifndef KP_CORE_PIPELINE_H
#define KP_CORE_PIPELINE_H

#include "core/op.h"

struct kpi_shard;
struct kp_vault;

/* Any thread: hands a set-up operation to its loop. */
void kpi_pipeline_post_submit(struct kpi_op *op);
/* Any thread: the finish of an attempt, claimed before and written into op. */
void kpi_pipeline_post_finish(struct kpi_op *op);
/* Any thread: a cancellation, claimed before. */
void kpi_pipeline_post_cancel(struct kpi_op *op);

/* Dispatches for every vault that has become ready. */
void kpi_pipeline_dispatch(struct kpi_shard *shard);
/* Puts vault on its shard's ready list. */
void kpi_pipeline_make_ready(struct kp_vault *vault);

/* Back to the queue: a pause has passed, or a shared fetch is done. */
void kpi_pipeline_requeue(struct kpi_op *op);

/* Judges how an attempt came out: ends the operation or lets it pause. */
void kpi_pipeline_judge(struct kpi_op *op, kp_status status, const struct kp_error *error);

/*
 * The one finaliser: takes the operation out of every list, tells the client exactly once, hastens
 * an attempt still under way. reply is NULL unless status is KP_OK, error NULL when it is.
 */
void kpi_pipeline_end(struct kpi_op *op, kp_status status, const struct kp_reply *reply,
                      const struct kp_error *error);
/* kpi_pipeline_end with a class and one sentence. */
void kpi_pipeline_end_with(struct kpi_op *op, kp_status status, const char *sentence);

/* Opening is over: with KP_OK dispatches what waits, else judges all of it by the reason. */
void kpi_pipeline_vault_opened(struct kp_vault *vault, kp_status status,
                               const struct kp_error *error);
/* Ends everything pending of a vault with canceled. */
void kpi_pipeline_cancel_all(struct kp_vault *vault);

#endif /* KP_CORE_PIPELINE_H */
