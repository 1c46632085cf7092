/*
 * What `kp install` and its kin do to a machine with Windows, in steps that can each be undone.
 * Main thread; blocks on files and the registry. Texts are UTF-8.
 *
 *   FOLDER\                      the programs and the DLL; SQL Server is told this path once
 *   FOLDER\previous\             what stood there before the last upgrade
 *   %ProgramData%\keyprovider\   configuration; the service account reads it
 *   %ProgramData%\keyprovider\log\  where the service account may write its log
 *   HKLM\SOFTWARE\keyprovider    folder, service account and version of this installation
 *   the key map's key, the source of events: as ekm/ uses them
 */
#ifndef KP_CLI_WIN_INSTALL_H
#define KP_CLI_WIN_INSTALL_H

#include <stdbool.h>
#include <stdint.h>
#include <wchar.h>

#include <keyprovider/status.h>

#define WIN_PATH_LEN 512u /* bytes, NUL included */
#define WIN_ACCOUNT_LEN 256u
#define WIN_SID_LEN 192u
#define WIN_VERSION_LEN 32u

#define WIN_DLL "keyprovider-ekm.dll"
#define WIN_KP "kp.exe"
#define WIN_SERVICE_DEFAULT "NT SERVICE\\MSSQLSERVER"

/* One installation, on its way or found. */
struct win_install {
    char folder[WIN_PATH_LEN];
    char from[WIN_PATH_LEN]; /* the new files */
    char data[WIN_PATH_LEN];
    char service[WIN_ACCOUNT_LEN];
    wchar_t sid[WIN_SID_LEN]; /* of the service account, as text */
    uint32_t made;            /* WIN_MADE_*: what this run has made, and may undo */
};

#define WIN_MADE_FILES 0x01u
#define WIN_MADE_DATA 0x02u
#define WIN_MADE_LOG 0x04u
#define WIN_MADE_MAP 0x08u
#define WIN_MADE_EVENTS 0x10u
#define WIN_MADE_RECORD 0x20u

/* FOLDER\NAME. Errors: usage (too long). */
kp_status win_path(char out[WIN_PATH_LEN], const char *folder, const char *name,
                   struct kp_error *reterr) KP_MUST_USE;
/* A failure of the system's, with its reason. */
kp_status win_fail(struct kp_error *reterr, const char *verb, const char *what, uint32_t code);

/* %ProgramFiles%\keyprovider, %ProgramData%\keyprovider, and the folder of the running program. */
kp_status win_default_folders(struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Finds the account's identifier. Errors: config (there is no such account). */
kp_status win_find_service(struct win_install *w, const char *account, struct kp_error *reterr)
    KP_MUST_USE;

/* ---- Files: win_install_files.c ---- */

/* What the DLL in a folder says of itself. Errors: not_found, config (none of ours). */
kp_status win_dll_version(const char *folder, char out[WIN_VERSION_LEN], struct kp_error *reterr)
    KP_MUST_USE;
/* Checks the new files, makes FOLDER, and puts them there; what stood there goes to previous. A DLL
 * that a server has loaded moves with its file and stays loaded until the server restarts. */
kp_status win_files_put(struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Changes what is there and what was there before. Errors: not_found (nothing was before). */
kp_status win_files_swap(const struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Whether no process has the DLL loaded. */
bool win_dll_is_idle(const struct win_install *w);
/* Takes the files away, the folder too when nothing else is in it. *ret_left: the running program
 * is left until the next start of the machine. */
kp_status win_files_remove(const struct win_install *w, bool *ret_left, struct kp_error *reterr)
    KP_MUST_USE;
/* The configuration's folder and its log folder, with their access lists, set anew where they were
 * there. Errors: config (somebody else could have written the first). */
kp_status win_data_make(struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Errors: config, forbidden: one is not there, or others may write the first. */
kp_status win_data_check(const struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Takes away what this run made of them, if nothing has been put in. */
void win_data_undo(const struct win_install *w);

/* ---- Registry: win_install_registry.c ---- */

/* Reads the record of an installation into w. Errors: not_found. */
kp_status win_record_read(struct win_install *w, char version[WIN_VERSION_LEN],
                          struct kp_error *reterr) KP_MUST_USE;
kp_status win_record_write(struct win_install *w, const char *version, struct kp_error *reterr)
    KP_MUST_USE;
void win_record_remove(void);

/* The key map's key, with the rights that the service account needs and no more. */
kp_status win_map_make(struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
/* Takes an empty one away. */
void win_map_undo(void);
/* Errors: config, the sentence says what is missing or too much. */
kp_status win_map_check(const struct win_install *w, struct kp_error *reterr) KP_MUST_USE;

/* The source of events, which points to the DLL. */
kp_status win_events_make(struct win_install *w, struct kp_error *reterr) KP_MUST_USE;
void win_events_remove(void);
/* Errors: config. */
kp_status win_events_check(const struct win_install *w, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CLI_WIN_INSTALL_H */
