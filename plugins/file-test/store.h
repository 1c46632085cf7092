/*
 * The directory of a vault: opening and making one, reading key files, committing changes.
 *
 * Readers take no lock: a file is replaced by a rename and never changed, so what was opened is
 * whole. Writers hold the vault's lock from reading the old state to the rename of the new one; the
 * lock excludes other processes and other vaults of this one alike. Nothing is committed under a
 * lock whose file has been removed or replaced meanwhile.
 *
 * A commit is: write a temporary file, sync it, rename it over the old one, sync the directory. Its
 * time of modification is forced past that of every commit before (the lock file remembers the
 * latest), so two states of a key never look alike to stat.
 *
 * Threads: any, after ft_store_open; all calls block on files, so workers only, except
 * ft_store_stat.
 */
#ifndef KP_PLUGINS_FILE_TEST_STORE_H
#define KP_PLUGINS_FILE_TEST_STORE_H

#include <keyprovider/plugin.h>

#include "crypto/kdf.h"
#include "plugins/file-test/fail.h"
#include "plugins/file-test/fs.h"
#include "plugins/file-test/keyfile.h"
#include "plugins/file-test/names.h"
#include "plugins/file-test/seal.h"

struct ft_store {
    /* Fixed from init on. */
    const struct ft_fs *fs;
    const struct kp_host *host;
    char label[FT_LABEL_LEN]; /* the vault in sentences */
    char where[FT_LABEL_LEN]; /* the end of its path, in sentences */
    /* Fixed once open. */
    ft_handle dir;
    uint8_t *seal_key; /* secret memory, NULL without a passphrase */
    struct ft_sealer sealer;
};

/* What the caller of open wants. Borrowed for the call. */
struct ft_store_wish {
    const char *path;
    bool may_create;
    kp_span passphrase;          /* empty: none */
    struct kpc_scrypt_cost cost; /* of a vault that is made */
};

/* Makes an unopened store. fs and host are borrowed until close. */
void ft_store_init(struct ft_store *store, const struct ft_fs *fs, const struct kp_host *host,
                   kp_span name, kp_span location);

/*
 * Opens the vault at wish->path, making it when that is wished and the directory is missing or
 * empty. *ret_busy true with KP_OK: another process is making it; try again a little later.
 * Errors: not_found (no directory), config (no vault, foreign files, lax permissions, a passphrase
 * too many), auth (passphrase wrong or missing), integrity, unsupported, and those of files.
 */
kp_status ft_store_open(struct ft_store *store, const struct ft_store_wish *wish, bool *ret_busy,
                        struct kp_error *reterr) KP_MUST_USE;
/* Closes the directory and wipes the key. An unopened store is allowed. */
void ft_store_close(struct ft_store *store);

/* Removes temporary files of writers that died. Does nothing when a writer is at work, or on
 * failure. */
void ft_store_sweep(struct ft_store *store);

/* State of a key's file, cheap. */
enum ft_io ft_store_stat(const struct ft_store *store, const char *file, struct ft_stat *ret);

/*
 * Reads a key into *ret, which the caller clears in any case.
 * Errors: not_found, config (permissions), integrity and unsupported naming the file, no_memory.
 */
kp_status ft_store_load(const struct ft_store *store, kp_span name, struct ft_keyfile *ret,
                        struct kp_error *reterr) KP_MUST_USE;

/* Names of all keys, deleted ones too, in ascending order of bytes. */
struct ft_names {
    char (*names)[KP_KEY_NAME_MAX_LEN + 1];
    size_t n;
    size_t cap;
};
kp_status ft_store_names(const struct ft_store *store, struct ft_names *ret,
                         struct kp_error *reterr) KP_MUST_USE;
void ft_names_clear(struct ft_names *names);

/*
 * Takes the vault's lock. KP_OK with *ret_lock FT_NO_HANDLE: somebody else holds it; try again.
 * Errors: those of files.
 */
kp_status ft_store_try_lock(const struct ft_store *store, ft_handle *ret_lock,
                            struct kp_error *reterr) KP_MUST_USE;
void ft_store_unlock(const struct ft_store *store, ft_handle lock);

/*
 * Commits a key: after KP_OK the new state is durable, after a failure the old one stands. The one
 * exception is a failure to sync the directory: exposure is then maybe_sent, and a crash may bring
 * the old state back. max_len bounds the file.
 */
kp_status ft_store_save(const struct ft_store *store, ft_handle lock, const struct ft_keyfile *file,
                        size_t max_len, struct kp_error *reterr) KP_MUST_USE;
/* Removes a key for good. As ft_store_save. */
kp_status ft_store_remove(const struct ft_store *store, ft_handle lock, kp_span name,
                          struct kp_error *reterr) KP_MUST_USE;

/* ---- For the files of the store itself ---- */

/* Reads a file of ours of at most max_len bytes, refusing lax permissions; *ret_stat may be
 * NULL. */
kp_status ft_store_read_file(const struct ft_store *store, const char *file, const char *what,
                             size_t max_len, kp_buf *out, struct ft_stat *ret_stat,
                             struct kp_error *reterr) KP_MUST_USE;
/* Commits the bytes of one file. */
kp_status ft_store_write_file(const struct ft_store *store, ft_handle lock, const char *file,
                              const char *what, kp_span bytes, struct kp_error *reterr) KP_MUST_USE;
/* Refuses a file or directory that is not ours alone; mode is the one that the error tells to
 * chmod. */
kp_status ft_store_check_owner(const struct ft_store *store, const struct ft_stat *stat,
                               const char *file, const char *mode, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_STORE_H */
