/*
 * The life of one operation.
 *
 *     WAITING   for a token                         cancel ends it
 *     SENDING   a request is under way              cancel cancels the request
 *     PAUSING   until the next look or try          cancel hastens the timer
 *     ENDED     finish was called
 *
 *     WAITING -> SENDING, ENDED
 *     SENDING -> WAITING (a 401, twice at most), PAUSING (a look, a key being deleted), ENDED
 *     PAUSING -> SENDING, WAITING (the token is over), ENDED
 *
 * The request is built once, before anything is waited for: one that cannot be built costs no
 * token. After a delete or recover that spreads slowly, looks at the key follow the request proper,
 * with the answer kept meanwhile.
 *
 * Operations that have ended are kept with their buffers and used again: the steady path allocates
 * nothing.
 * Loop thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_OP_H
#define KP_PLUGINS_AZURE_REST_OP_H

#include "plugins/azure-rest/vault.h"

enum azr_op_state { AZR_OP_ENDED = 0, AZR_OP_WAITING, AZR_OP_SENDING, AZR_OP_PAUSING };

/* The slots of the tables. */
kp_status azr_op_submit(void *vault, kp_op_id id, const struct kp_request *request,
                        void **ret_state, struct kp_error *reterr) KP_MUST_USE;
void azr_op_cancel(void *vault, kp_op_id id, void *state);
void azr_op_done(void *vault, kp_op_id id, void *state);

/* Frees the operations kept for the next. */
void azr_op_free_idle(struct azr_vault *vault);

#endif /* KP_PLUGINS_AZURE_REST_OP_H */
