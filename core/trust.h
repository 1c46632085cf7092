/*
 * Opening files that decide what this process does: configuration, secrets, plugins. Whatever
 * somebody else could have written is refused. What has been checked is what is used: the answer is
 * the descriptor of the very object that was looked at, and readers and the loader work on it.
 *
 * The rule, for the object and for every folder and symbolic link on the way from the root to it:
 * it belongs to root or to the effective user, and neither its group nor others can write it. A
 * sticky folder may be writable, for in it nobody can replace what belongs to somebody else.
 *
 * Threads: any; everything here may block on the file system. A descriptor belongs to the caller,
 * who closes it with kpi_trust_close.
 *
 * Source: the rule is that of sshd for its own files (sshd_config(5), StrictModes), carried from
 * names to descriptors.
 */
#ifndef KP_CORE_TRUST_H
#define KP_CORE_TRUST_H

#include "base/buf.h"

#define KPI_PATH_MAX_LEN 4095u /* bytes of a path, also after links are followed */

enum kpi_trust_kind {
    KPI_TRUST_FILE = 1, /* a regular file, opened for reading */
    KPI_TRUST_FOLDER = 2
};

/*
 * Opens path, relative ones from the current folder. Follows symbolic links itself, so that each
 * step is checked on the descriptor it goes through.
 * Errors: not_found (there is no such path), config (not trusted, not of that kind, not readable;
 * the sentence names the path, what was found and the command that mends it), no_memory.
 */
kp_status kpi_trust_open(const char *path, enum kpi_trust_kind kind, int *ret_fd,
                         struct kp_error *reterr) KP_MUST_USE;
/* Closes a descriptor of kpi_trust_open. -1 is allowed. */
void kpi_trust_close(int fd);

/*
 * Appends the whole content of the file behind fd to out; path is for the sentence.
 * Errors: config (longer than out may hold, unreadable), no_memory.
 */
kp_status kpi_trust_read_fd(int fd, const char *path, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;
/* Takes a piece of a file, borrowed for the call. Anything but KP_OK ends the reading with it. */
typedef kp_status kpi_trust_piece_fn(void *ctx, kp_span piece, struct kp_error *reterr);
/*
 * Hands the whole content of the file behind fd, at most max_len bytes, to each, piece by piece.
 * Errors: config (longer, unreadable), no_memory, and what each returned.
 */
kp_status kpi_trust_feed(int fd, const char *path, size_t max_len, kpi_trust_piece_fn *each,
                         void *ctx, struct kp_error *reterr) KP_MUST_USE;
/* Opens, reads and closes a file. Errors: of both. */
kp_status kpi_trust_read(const char *path, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

/* One name of a folder, borrowed for the call. Anything but KP_OK ends the listing with it. */
typedef kp_status kpi_trust_name_fn(void *ctx, const char *name);

/*
 * Calls each with every name in the folder behind fd that ends in suffix, in byte order.
 * Errors: config (unreadable), no_memory, and what each returned.
 */
kp_status kpi_trust_list(int fd, const char *path, const char *suffix, kpi_trust_name_fn *each,
                         void *ctx, struct kp_error *reterr) KP_MUST_USE;

/*
 * Appends path to out, made absolute from the current folder, with empty and "." parts and a
 * trailing slash taken out. ".." stays: only the file system knows where it leads.
 * Errors: usage (empty, a NUL, too long), config (the current folder cannot be told), no_memory.
 */
kp_status kpi_path_absolute(kp_span path, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CORE_TRUST_H */
