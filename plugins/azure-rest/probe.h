/*
 * The anonymous question whose only purpose is its refusal: the 401 says where to log in.
 *
 *     GET /keys?api-version=7.6&maxresults=1
 */
#ifndef KP_PLUGINS_AZURE_REST_PROBE_H
#define KP_PLUGINS_AZURE_REST_PROBE_H

#include "plugins/azure-rest/fetch.h"

/* Asks; cb gets a target that has passed every check. A failure ends in azr_fetch_fail. */
void azr_probe_start(struct azr_fetch *fetch, azr_probed_fn *cb);

#endif /* KP_PLUGINS_AZURE_REST_PROBE_H */
