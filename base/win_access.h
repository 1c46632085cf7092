/*
 * Owners and access lists of Windows objects; for the win_*.c twins of rooms that keep files or
 * registry keys of their own. Any thread; asks the system, no server.
 */
#ifndef KP_BASE_WIN_ACCESS_H
#define KP_BASE_WIN_ACCESS_H

#include <stdbool.h>

#include <keyprovider/status.h>

/*
 * Refuses a file or folder that somebody else could have written. handle: open with READ_CONTROL.
 * It must belong to the account that runs this, its service, SYSTEM, Administrators or
 * TrustedInstaller, and its access list must let nobody else write, delete or change rights.
 * Refusals in the list are not counted in its favour. name is for the sentence.
 * Errors: config.
 */
kp_status kpb_win_check_file(void *handle, const char *name, struct kp_error *reterr) KP_MUST_USE;

/*
 * The same for a folder on the way to such a file: others may make new files in it, which replaces
 * nothing, but not delete, rename or change rights.
 * Errors: config.
 */
kp_status kpb_win_check_way(void *handle, const char *name, struct kp_error *reterr) KP_MUST_USE;

/* Whether a file or folder belongs to the account that runs this, or to Administrators. */
bool kpb_win_is_ours(void *handle);
/* Whether nobody but those kpb_win_check_file trusts may do anything with it. */
bool kpb_win_is_private(void *handle);

/*
 * Refuses a registry key that a group to which anybody belongs (Everyone, Users, Authenticated
 * Users, Interactive, Guests, ...) could write. Accounts are no objection: the key map is written
 * by the account of SQL Server and read by the administrator who runs kp.
 * Errors: config.
 */
kp_status kpb_win_check_key(void *key, const char *name, struct kp_error *reterr) KP_MUST_USE;

/*
 * A security descriptor for a new file or folder of ours: full control for the account that runs
 * this, SYSTEM and Administrators, inherited by what is made inside, and nothing inherited from
 * above. Freed with kpb_win_access_free. NULL: memory is out.
 */
void *kpb_win_access_private(void) KP_MUST_USE;
/* From SDDL; NULL: memory is out, or text is none. */
void *kpb_win_access_from(const wchar_t *sddl) KP_MUST_USE;
/* NULL allowed. */
void kpb_win_access_free(void *descriptor);

#endif /* KP_BASE_WIN_ACCESS_H */
