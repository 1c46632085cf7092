/*
 * What makes one service differ from the other: data that the two plugins fill in beside their
 * tables. Static storage.
 */
#ifndef KP_PLUGINS_AZURE_REST_PROFILE_H
#define KP_PLUGINS_AZURE_REST_PROFILE_H

#include "plugins/azure-rest/cloud.h"
#include "plugins/azure-rest/pace.h"
#include "plugins/azure-rest/rotation.h"

/* Behaviour of a service, a bit mask. */
#define AZR_DELETES_SPREAD 0x01u    /* a delete or recover shows after seconds: it is waited for */
#define AZR_VERIFY_IS_MUTE 0x02u    /* its answer to verify does not name the version */
#define AZR_ROTATE_NEEDS_RULE 0x04u /* a key rotates only once a policy says so */
#define AZR_WRITES_SPREAD 0x08u     /* its other region may learn of a new version minutes later */

struct azr_profile {
    uint32_t service;         /* enum azr_service its hosts must belong to */
    uint32_t flags;           /* AZR_* above */
    const char *noun;         /* "key vault": for sentences */
    uint32_t dns_lifetime_ms; /* time an address of its host is used; 0: the host's own */
    struct azr_rotation_rules rotation;
    const struct azr_rate *rates; /* of one partition; NULL: nothing is held to a rate */
};

#endif /* KP_PLUGINS_AZURE_REST_PROFILE_H */
