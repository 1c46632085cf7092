/*
 * A node: the folder with the catalogue and the service master key of one server. Blocks on the
 * disk.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_NODE_H
#define KP_TOOLS_EKM_REHEARSE_NODE_H

#include "tools/ekm-rehearse/catalog.h"
#include "tools/ekm-rehearse/engine.h"

/*
 * Reads the node's catalogue and key, or makes a new node; holds the folder's lock until the
 * process ends. *c and *service_key: zeroed; cleared by the caller in any case.
 * Errors: config, not_found, no_memory.
 */
kp_status rh_node_open(const struct rh_options *o, struct rh_catalog *c, kp_buf *service_key,
                       struct kp_error *reterr) KP_MUST_USE;

/* Writes the catalogue back. */
kp_status rh_node_save(const struct rh_options *o, const struct rh_catalog *c,
                       struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_NODE_H */
