/*
 * Files of a rehearsal, read whole and replaced in one step (written beside, synced, renamed).
 * Blocks on the disk.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_STORE_H
#define KP_TOOLS_EKM_REHEARSE_STORE_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the file to out. Errors: not_found; usage beyond out's limit; config with the system's
 * reason. */
kp_status rh_store_read(const char *path, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;
/* Mode 0600. Errors: config with the system's reason. */
kp_status rh_store_write(const char *path, kp_span bytes, struct kp_error *reterr) KP_MUST_USE;
/* Makes the folder (0700) if it is not there. Errors: config. */
kp_status rh_store_folder(const char *path, struct kp_error *reterr) KP_MUST_USE;
/* Waits for the one other rehearsal that uses this folder; *ret_fd holds the lock until the process
 * ends. Errors: config. */
kp_status rh_store_lock(const char *folder, int *ret_fd, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_STORE_H */
