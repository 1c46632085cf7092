/*
 * The one seam to the file system. Every open, read, write, rename, sync, unlink, stat and lock of
 * the vault goes through a struct ft_fs, so that tests can record, fail and replay them.
 *
 * The calls may block: workers only, except stat_at, which `run` uses to see whether a key changed.
 * Files are never changed in place: they are written under a temporary name and renamed.
 * Handles and directories belong to the struct ft_fs that made them. Names are plain ASCII without
 * a slash, relative to the directory. Threads: any, for different handles at once.
 */
#ifndef KP_PLUGINS_FILE_TEST_FS_H
#define KP_PLUGINS_FILE_TEST_FS_H

#include <stddef.h>
#include <stdint.h>

#include <keyprovider/types.h>

/* How a call ended, the part of errno that makes a difference here. */
enum ft_io {
    FT_IO_OK = 0,
    FT_IO_NOT_FOUND = 1,
    FT_IO_EXISTS = 2,
    FT_IO_FULL = 3,      /* no space or quota left */
    FT_IO_READ_ONLY = 4, /* a read-only file system */
    FT_IO_DENIED = 5,    /* the permissions forbid it */
    FT_IO_LOCKED = 6,    /* somebody else holds the lock */
    FT_IO_LINK = 7,      /* a symbolic link, where none is followed */
    FT_IO_NOT_DIR = 8,
    FT_IO_EXHAUSTED = 9, /* too many open files, or no memory in the kernel */
    FT_IO_FAILED = 10    /* everything else: the device itself */
};

#define FT_IS_FILE 0x01u
#define FT_IS_DIR 0x02u
#define FT_IS_OURS 0x04u    /* owned by the user we run as */
#define FT_IS_PRIVATE 0x08u /* nobody else has any permission */

/* Two stats that differ in any of the first four members are different states of a file. */
struct ft_stat {
    uint64_t ino;
    uint64_t size; /* bytes */
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint32_t traits; /* FT_IS_* */
};

typedef intptr_t ft_handle;
#define FT_NO_HANDLE ((ft_handle)-1)

/* Called once per entry of a directory, dot entries left out; name is borrowed for the call. */
typedef void ft_fs_each_fn(void *ctx, const char *name);

/* The table. Every function returns FT_IO_OK or why not, and writes ret_x only on success. */
struct ft_fs {
    void *ctx; /* first argument of every call */

    /* Opens a directory; a symbolic link in path is followed. */
    enum ft_io (*open_dir)(void *ctx, const char *path, ft_handle *ret_dir);
    /* Makes a directory only its owner can use. Not durable before sync_parent. */
    enum ft_io (*make_dir)(void *ctx, const char *path);
    /* Makes the entry of path in its parent directory durable. */
    enum ft_io (*sync_parent)(void *ctx, const char *path);
    enum ft_io (*list)(void *ctx, ft_handle dir, ft_fs_each_fn *each, void *each_ctx);
    /* Makes every entry made, renamed or removed in dir durable. */
    enum ft_io (*sync_dir)(void *ctx, ft_handle dir);

    /* Opens a file to read it; a link is refused. */
    enum ft_io (*open_read)(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file);
    /* Makes a new, empty file only its owner can use; FT_IO_EXISTS when the name is taken. */
    enum ft_io (*create)(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file);
    /* Opens the lock file, making it where there is none. */
    enum ft_io (*open_lock)(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file);
    /* Takes the exclusive lock of an open lock file, or FT_IO_LOCKED. */
    enum ft_io (*try_lock)(void *ctx, ft_handle file);
    /* Gives the lock back, also when a child process has inherited the file. Close comes after
     * it. */
    void (*unlock)(void *ctx, ft_handle file);

    /* Reads up to n bytes; *ret_n 0 is the end of the file. */
    enum ft_io (*read)(void *ctx, ft_handle file, uint8_t *out, size_t n, size_t *ret_n);
    /* Appends all bytes. */
    enum ft_io (*write)(void *ctx, ft_handle file, kp_span bytes);
    enum ft_io (*set_mtime)(void *ctx, ft_handle file, int64_t mtime_ns);
    /* Makes the bytes of a file durable. */
    enum ft_io (*sync)(void *ctx, ft_handle file);
    /* State of an open file or directory. */
    enum ft_io (*stat)(void *ctx, ft_handle handle, struct ft_stat *ret);
    void (*close)(void *ctx, ft_handle handle);

    /* State of a file by name, links not followed, without FT_IS_OURS: the owner is looked at
     * once the file is open. The one call that `run` makes. */
    enum ft_io (*stat_at)(void *ctx, ft_handle dir, const char *name, struct ft_stat *ret);
    /* Atomically replaces `to`. Not durable before sync_dir. */
    enum ft_io (*rename)(void *ctx, ft_handle dir, const char *from, const char *to);
    enum ft_io (*remove)(void *ctx, ft_handle dir, const char *name);
};

/* The real one, in posix_fs.c. Static storage. */
extern const struct ft_fs ft_fs_real;

#endif /* KP_PLUGINS_FILE_TEST_FS_H */
