/* Internal to the files of a rehearsal: one record of a database as JSON. */
#ifndef KP_TOOLS_EKM_REHEARSE_CATALOG_RECORD_H
#define KP_TOOLS_EKM_REHEARSE_CATALOG_RECORD_H

#include <jansson.h>

#include "tools/ekm-rehearse/catalog.h"

/* A new object of the caller's, or NULL when memory is out. */
json_t *rh_database_to_json(const struct rh_database *d);
/* Errors: config naming the member. */
kp_status rh_database_from_json(const json_t *object, struct rh_database *ret,
                                struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_CATALOG_RECORD_H */
