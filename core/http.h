/*
 * The HTTP service of one loop: requests go out through pools of connections, one pool for each
 * server and way to it, first in first out; every request ends exactly once, with an answer or with
 * a class, a number and how far it got. docs/HTTP.md tells the whole.
 *
 * Threads: the loop thread of the shard.
 */
#ifndef KP_CORE_HTTP_H
#define KP_CORE_HTTP_H

#include <keyprovider/plugin.h>

#include "core/shard.h"

struct kpi_http;
struct kpi_http_call; /* a request under way */

/* The end of a request, called once. reply is borrowed for the call and NULL unless status is
 * KP_OK; error is NULL then. */
typedef void kpi_http_ended_fn(void *ctx, kp_status status, const struct kp_http_reply *reply,
                               const struct kp_error *error);

/*
 * Sends a request; everything of it is copied. time_ms is what it has where it says nothing itself.
 * ended comes later, never from inside this call, also for a request that is refused.
 * Errors: no_memory, and then ended does not come.
 */
kp_status kpi_http_send(struct kpi_shard *shard, const struct kp_http_request *request,
                        uint32_t time_ms, kpi_http_ended_fn *ended, void *ctx,
                        struct kpi_http_call **ret_call) KP_MUST_USE;
/* How many connections have been opened for it, 0 where one that stood was used. In ended only. */
uint32_t kpi_http_n_connections(const struct kpi_http_call *call);
/* Makes the end of a request come soon, with canceled unless it has ended already. */
void kpi_http_cancel(struct kpi_http_call *call);

/* Sends what has been asked for since the last one, and lets libcurl do what it wants to do at
 * once; true when requests may have ended by it. NULL is allowed. */
bool kpi_http_flush(struct kpi_http *http);
/* Whether there is something to send that the last flush did not see. NULL is allowed. */
bool kpi_http_has_unsent(const struct kpi_http *http);
/* Whether nobody is going to call back; stops waiting for names. NULL is allowed. */
bool kpi_http_is_quiet(struct kpi_http *http);
/* Closes every connection and frees the service, of which no request is left. Its handles leave
 * the loop in the turns that follow. NULL is allowed. */
void kpi_http_close(struct kpi_http *http);

#endif /* KP_CORE_HTTP_H */
