/*
 * Secrets at rest: DPAPI, by which Windows seals bytes for a machine or for one of its accounts;
 * for win_*.c twins. Any thread; may block, for the system's own service does the work and may ask
 * a domain controller about an account's key.
 */
#ifndef KP_BASE_WIN_DPAPI_H
#define KP_BASE_WIN_DPAPI_H

#include <stdbool.h>

#include "base/buf.h"

/* Who may open what was sealed. */
enum kpb_win_dpapi_scope {
    KPB_WIN_DPAPI_MACHINE = 1, /* every account of this machine that can read the bytes */
    KPB_WIN_DPAPI_USER = 2     /* the account that sealed them */
};

/*
 * Appends secret, sealed, to out. What another program has sealed is opened by neither side: words
 * of our own go into the key.
 * Errors: internal (the system's sentence), no_memory.
 */
kp_status kpb_win_dpapi_seal(kp_span secret, enum kpb_win_dpapi_scope scope, kp_buf *out,
                             struct kp_error *reterr) KP_MUST_USE;

/*
 * Appends what sealed holds to out, a secret buffer. name is for the sentence.
 * Errors: config (not ours, changed, of another account or machine, longer than out may hold),
 * no_memory.
 */
kp_status kpb_win_dpapi_open(kp_span sealed, const char *name, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_BASE_WIN_DPAPI_H */
