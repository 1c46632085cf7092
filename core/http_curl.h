/*
 * Starting libcurl, once per process and without an exit handler of ours. Where we are the first to
 * start it, its memory comes through base/mem.h and is wiped when freed, for requests and answers
 * pass through it.
 *
 * Threads: any.
 */
#ifndef KP_CORE_HTTP_CURL_H
#define KP_CORE_HTTP_CURL_H

#include <keyprovider/status.h>

/* Errors: no_memory; internal for a libcurl without TLS. Both may be tried again. */
kp_status kpi_curl_begin(void) KP_MUST_USE;
/* In a forked child: the lock may be held by a thread that is not here. */
void kpi_curl_recover_in_child(void);

#endif /* KP_CORE_HTTP_CURL_H */
