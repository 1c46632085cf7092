/*
 * What kp asks of the operating system; one file per platform implements it (posix_*.c, win_*.c).
 * Threads: main thread, before any other exists, unless it says otherwise.
 */
#ifndef KP_CLI_PLATFORM_H
#define KP_CLI_PLATFORM_H

#include <stdbool.h>

#include <keyprovider/plugin.h>

#include "base/buf.h"
#include "base/signature.h"
#include "cli/fault.h"

#define CLI_PATH_MAX_LEN 4096u /* bytes, NUL included */

/* Keeps memory out of core dumps. Best effort. */
void cli_platform_harden(void);

/*
 * The arguments in UTF-8: replaces the two, for the life of the program, where the system hands
 * them over otherwise. false: memory is out, or one of them is no text.
 */
bool cli_platform_args(int *argc, char ***argv);

/* A variable of the environment; NULL when unset, empty, or when privileges were raised. */
const char *cli_platform_env(const char *name);

/*
 * Finds the configuration file that applies when none is named: the user's, then the machine's.
 * Writes its path to out (CLI_PATH_MAX_LEN bytes). A file that exists but cannot be read counts: it
 * is the reader's to refuse. false: there is none.
 */
bool cli_platform_config_path(char *out);

/* Where the key map of SQL Server's provider is when nothing else is said. Static storage. */
const char *cli_platform_key_map(void);

/*
 * The plugin folder beside the running program (BIN/../lib/keyprovider/plugins), the same in a
 * build tree and an install tree. false: there is no such folder, the library's own default
 * applies.
 */
bool cli_platform_plugin_dir(char *out);

/*
 * The plugins that are linked into the program, NULL-terminated: on Windows the three that come
 * with it, so that none of ours has to be a file that somebody signed; on POSIX none.
 */
extern kp_plugin_get_fn *const cli_platform_plugins[];

/*
 * What the system says of a file's signature. Asks no server. false: files have no signers here,
 * and *ret is as before.
 */
bool cli_platform_signature(const char *path, struct kpb_signature *ret);

/* Whether stdout is a terminal. */
bool cli_platform_stdout_is_terminal(void);

/* Receives input piece by piece, borrowed for the call. Anything but KP_OK ends the reading. */
typedef kp_status cli_chunk_fn(void *ctx, kp_span bytes, struct cli_fault *f);

/*
 * Hands the bytes of a file to take, in order. path NULL or "-": stdin. Blocks.
 * Errors: io (the sentence names the file), what take returns.
 */
kp_status cli_platform_read(const char *path, cli_chunk_fn *take, void *ctx, struct cli_fault *f)
    KP_MUST_USE;

/*
 * Writes a whole file: into a temporary file beside it, synced, then renamed over it, so that path
 * holds the old bytes or the new. Private files get mode 0600, others what the umask leaves. What
 * is no regular file (a device, a pipe, a symbolic link) is written in place.
 * Errors: io; no temporary file is left behind.
 */
kp_status cli_platform_write(const char *path, kp_span bytes, bool is_private, struct cli_fault *f)
    KP_MUST_USE;

/* Writes to stdout. Errors: io. */
kp_status cli_platform_write_stdout(kp_span bytes, struct cli_fault *f) KP_MUST_USE;

#endif /* KP_CLI_PLATFORM_H */
