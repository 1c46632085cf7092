/*
 * What a plugin asked the host to do and call back about: a timer, work on a worker, a file, an
 * HTTP request. An errand belongs to one attempt, or to the vault when no operation is named, and
 * calls back exactly once on the loop thread.
 *
 * Threads: loop thread. The plugin's work function runs on a worker.
 */
#ifndef KP_CORE_ERRAND_H
#define KP_CORE_ERRAND_H

#include <keyprovider/plugin.h>

struct kp_vault;

/* usage: the operation is not an attempt of this vault under way, or not on the loop thread. */
kp_status kpi_errand_timer(struct kp_vault *vault, kp_op_id op, uint32_t delay_ms, kp_timer_fn *cb,
                           void *arg, kp_timer_id *ret_id) KP_MUST_USE;
/* An id that is over or unknown is ignored. */
void kpi_errand_timer_hasten(struct kp_vault *vault, kp_timer_id id);
kp_status kpi_errand_work(struct kp_vault *vault, kp_op_id op, kp_work_fn *work,
                          kp_work_done_fn *done, void *arg) KP_MUST_USE;
kp_status kpi_errand_read_file(struct kp_vault *vault, kp_op_id op, kp_span path, size_t max_len,
                               uint32_t flags, kp_file_done_fn *cb, void *arg) KP_MUST_USE;

/* time of its own: what is left of the operation's, or http.timeout_ms for the vault's. */
kp_status kpi_errand_http(struct kp_vault *vault, kp_op_id op,
                          const struct kp_http_request *request, kp_http_done_fn *cb, void *arg,
                          kp_http_id *ret_id) KP_MUST_USE;
/* An id that is over or unknown is ignored. */
void kpi_errand_http_cancel(struct kp_vault *vault, kp_http_id id);

/* The plugin has closed the vault: nothing calls back any more, everything ends soon. */
void kpi_errand_orphan_all(struct kp_vault *vault);

#endif /* KP_CORE_ERRAND_H */
