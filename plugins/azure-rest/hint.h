/* When a service wants to be asked again, by the headers of its reply. Pure function, any
 * thread. */
#ifndef KP_PLUGINS_AZURE_REST_HINT_H
#define KP_PLUGINS_AZURE_REST_HINT_H

#include <keyprovider/plugin.h>

/*
 * Milliseconds to wait, from retry-after-ms, x-ms-retry-after-ms or Retry-After (seconds or an HTTP
 * date against now_unix_s), in this order; at most an hour. KP_NO_RETRY_HINT where none is usable.
 */
uint64_t azr_hint_ms(const struct kp_http_reply *reply, int64_t now_unix_s);

#endif /* KP_PLUGINS_AZURE_REST_HINT_H */
