/* From an error to the number SQL Server prints: one table. Pure functions, any thread. */
#ifndef KP_EKM_NUMBER_H
#define KP_EKM_NUMBER_H

#include <keyprovider/status.h>

#include "ekm/abi.h"

/* What the provider was about when the error came; decides where the class alone does not. */
enum ekm_act {
    EKM_ACT_LOCAL = 0, /* nothing a vault was asked for */
    EKM_ACT_READ = 1,  /* reading and listing keys */
    EKM_ACT_WRAP = 2,
    EKM_ACT_UNWRAP = 3,
    EKM_ACT_WRITE = 4, /* creating, deleting */
    EKM_N_ACTS
};

/* What an operation is, as an act. */
enum ekm_act ekm_act_of(uint32_t op);
/* "read", "unwrap"; for the log. Static storage. */
const char *ekm_act_text(enum ekm_act act);

/*
 * The documented code the error carries, if it is one that a provider returns; otherwise what its
 * class and act have in the table. Never 0 for an error, never 7, 401, 404 or an old number.
 */
SqlCpError ekm_number(const struct kp_error *err, enum ekm_act act);

#endif /* KP_EKM_NUMBER_H */
