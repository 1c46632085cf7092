/*
 * What the functions about keys share: finding a key of the session's vault, and saying what it is.
 * Threads: any, one call each.
 */
#ifndef KP_EKM_KEYS_H
#define KP_EKM_KEYS_H

#include "ekm/call.h"

/* Reads NAME[/VERSION] by the rules of the configured thumbprint; ref views asked.
 * Errors: usage with 6, 2049, 2052 or 3110, no_memory. */
kp_status ekm_take_key_name(struct ekm_call *call, const SqlCpStr *str,
                            char asked[EKM_ASKED_MAX_LEN + 1], struct kp_key_ref *ret_ref)
    KP_MUST_USE;

/* The scheme of thumbprints that new keys get. */
enum ekm_scheme ekm_reported_scheme(const struct ekm_call *call);

/* The key of a thumbprint with its public part: the session's fresh copy, else from the vault. */
kp_status ekm_key_of_thumb(struct ekm_call *call, const struct ekm_thumb *thumb,
                           struct ekm_resolved *ret) KP_MUST_USE;

/*
 * Sees to it that the record says as what algorithm the key is reported: as the first time, for
 * ever. Errors: unsupported (a size we do not serve), config with 2058.
 */
kp_status ekm_settle_algorithm(struct ekm_call *call, struct ekm_resolved *resolved) KP_MUST_USE;

/* Fills in info by the two-call protocol. Errors: usage with 2. */
kp_status ekm_fill_key_info(struct ekm_call *call, kp_span name, const struct ekm_thumb *thumb,
                            SqlCpAlgId alg, SqlCpKeyInfo *info) KP_MUST_USE;

#endif /* KP_EKM_KEYS_H */
