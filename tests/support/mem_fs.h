/*
 * A file system in memory for the file vault: one directory, which records every change, fails on
 * demand, and can show what a crash might have left of it.
 *
 * A crash after any number of recorded changes may lose any set of those that were not made
 * durable: bytes written before a sync of their file (lost, cut in half, or zeroed), names made,
 * renamed or removed before a sync of the directory, and the directory itself before a sync of its
 * parent.
 *
 * One thread at a time.
 */
#ifndef KP_TESTS_SUPPORT_MEM_FS_H
#define KP_TESTS_SUPPORT_MEM_FS_H

#include <stdbool.h>

#include "plugins/file-test/fs.h"

#define MEM_FS_PATH "/vault"
#define MEM_FS_INODES_MAX 512
#define MEM_FS_ENTRIES_MAX 64
#define MEM_FS_HANDLES_MAX 16
#define MEM_FS_EVENTS_MAX 1024

enum mem_event_kind {
    MEM_MAKE_DIR,
    MEM_SYNC_PARENT,
    MEM_CREATE,
    MEM_WRITE,
    MEM_SYNC,
    MEM_RENAME,
    MEM_REMOVE,
    MEM_SYNC_DIR
};

struct mem_event {
    enum mem_event_kind kind;
    size_t inode;
    char from[192];
    char to[192];
    uint8_t *bytes;
    size_t len;
};

struct mem_inode {
    uint8_t *bytes;
    size_t len;
    int64_t mtime_ns;
    bool is_locked;
};

struct mem_entry {
    char name[192];
    size_t inode;
};

struct mem_handle {
    bool is_open;
    bool is_dir;
    bool holds_lock;
    size_t inode;
    size_t at;
};

struct mem_fs {
    struct ft_fs fs; /* hand this to the plugin */
    bool has_dir;
    struct mem_inode inodes[MEM_FS_INODES_MAX];
    size_t n_inodes;
    struct mem_entry entries[MEM_FS_ENTRIES_MAX];
    size_t n_entries;
    struct mem_handle handles[MEM_FS_HANDLES_MAX];
    struct mem_event events[MEM_FS_EVENTS_MAX];
    size_t n_events;
    bool is_recording;
    bool is_read_only; /* every change fails so */

    int64_t now_ns;
    int64_t mtime_step_ns; /* times of modification are cut to multiples of this; 0: exact */

    /* Failures: the fail_at-th call from now (1: the next) that could fail does, and with
     * fail_always all after it. 0: none. */
    unsigned fail_at;
    bool fail_always;
    enum ft_io fail_with;
    unsigned n_calls;
    bool did_fail;
    const char *failed_call;
};

/* An empty file system without the directory. */
void mem_fs_init(struct mem_fs *mem);
/* Frees everything; fails the test when a handle is still open. */
void mem_fs_clear(struct mem_fs *mem);

/* Arms a failure and counts calls from 0. */
void mem_fs_fail(struct mem_fs *mem, unsigned fail_at, bool always, enum ft_io with);

/* How many of the first n events a crash may lose. */
size_t mem_fs_unsynced(const struct mem_fs *mem, size_t n);
/*
 * Makes *ret what is left of the first n events. fate[i] is for the i-th of the unsynced ones: 0 it
 * happened, 1 it was lost, 2 and 3 (writes only) it was cut in half or zeroed.
 */
void mem_fs_crash(const struct mem_fs *mem, size_t n, const uint8_t *fate, struct mem_fs *ret);
/* Fates an event has: 2, or 4 for a write. i counts the unsynced ones of the first n. */
unsigned mem_fs_n_fates(const struct mem_fs *mem, size_t n, size_t i);

/* Bytes of a file, NULL when it is not there; *ret_len its length. */
const uint8_t *mem_fs_file(const struct mem_fs *mem, const char *name, size_t *ret_len);
/* Puts a file there as if it had always been. */
void mem_fs_put(struct mem_fs *mem, const char *name, const void *bytes, size_t len);
size_t mem_fs_n_files(const struct mem_fs *mem);

#endif /* KP_TESTS_SUPPORT_MEM_FS_H */
