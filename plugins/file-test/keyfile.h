/*
 * One key with all its versions, as a file of the vault holds it. docs/FILE-VAULT.md describes the
 * JSON. Private parts stay the sealed text they are in the file; seal.h opens them.
 *
 * Threads: one owner at a time; a finished keyfile may be read by many. Everything a keyfile points
 * to belongs to it and goes with ft_keyfile_clear.
 */
#ifndef KP_PLUGINS_FILE_TEST_KEYFILE_H
#define KP_PLUGINS_FILE_TEST_KEYFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "plugins/file-test/arena.h"
#include "plugins/file-test/fs.h"

#define FT_KEYFILE_FORMAT 1
#define FT_KEYFILE_MAX_LEN (1024u * 1024u) /* bytes of a file we read */
/*
 * What create, import, rotate and new tags may make of one. The rest is for changes that must not
 * fail for want of room, such as to disable a version, and for restore, where sealing adds a few
 * bytes to each version. Deletion may fill it all; it leaves every backup below KP_PAYLOAD_MAX_LEN.
 */
#define FT_KEYFILE_GROW_MAX_LEN 1000000u
#define FT_KEYFILE_CHANGE_MAX_LEN (FT_KEYFILE_MAX_LEN - 1024u)
#define FT_VERSIONS_MAX 500u  /* Key Vault backs up no more than 500 versions */
#define FT_VERSION_ID_LEN 32u /* lower-case hex digits */
#define FT_SEALED_MAX_LEN 4096u

/* One version of a key. Spans point into the keyfile. */
struct ft_version {
    char id[FT_VERSION_ID_LEN + 1];
    uint32_t kty; /* enum kp_kty, HSM kinds as they are */
    uint32_t curve;
    uint32_t bits;
    uint32_t key_ops;
    bool enabled;
    int64_t not_before_unix_s;
    int64_t expires_unix_s;
    int64_t created_unix_s;
    int64_t updated_unix_s;
    uint32_t n_tags;
    struct kp_tag *tags;
    kp_span n;
    kp_span e;
    kp_span x;
    kp_span y;
    kp_span sealed; /* private part or oct key, base64url text of seal.h */
};

struct ft_keyfile {
    char name[KP_KEY_NAME_MAX_LEN + 1];
    struct ft_version *versions; /* oldest first; the last one is current */
    size_t n_versions;
    bool has_policy;
    struct kp_rotation_policy policy;
    int64_t deleted_unix_s; /* KP_TIME_NONE: not deleted */
    int64_t purge_unix_s;
    struct ft_stat stat; /* of the file it was read from; zero when it was not */
    struct ft_arena arena;
    kp_buf raw;   /* the file; sealed texts point here */
    kp_buf fresh; /* sealed texts of versions that were added */
};

/* Empty. is_secret: raw and fresh hold private parts in clear and live in secret memory. */
void ft_keyfile_init(struct ft_keyfile *file, bool is_secret);
/* Frees, wiping what is secret. A zeroed keyfile is allowed. */
void ft_keyfile_clear(struct ft_keyfile *file);

/* A version by id, or the current one for an empty id; NULL when there is none. */
struct ft_version *ft_keyfile_find(const struct ft_keyfile *file, kp_span id);
/* The current version. A keyfile read or given a version always has one. */
struct ft_version *ft_keyfile_current(const struct ft_keyfile *file);

/*
 * Appends a version: all members of *version are copied but sealed, which is taken from `sealed`.
 * Pointers to other versions become invalid.
 * Errors: conflict when FT_VERSIONS_MAX is reached, no_memory.
 */
kp_status ft_keyfile_add(struct ft_keyfile *file, const struct ft_version *version, kp_span sealed,
                         struct kp_error *reterr) KP_MUST_USE;

/* Replaces the tags of a version by copies. Errors: no_memory. */
kp_status ft_keyfile_set_tags(struct ft_keyfile *file, struct ft_version *version,
                              const struct kp_tag *tags, uint32_t n_tags, struct kp_error *reterr)
    KP_MUST_USE;
/* Replaces the rotation policy by a copy. Errors: no_memory. */
kp_status ft_keyfile_set_policy(struct ft_keyfile *file, const struct kp_rotation_policy *policy,
                                struct kp_error *reterr) KP_MUST_USE;

/*
 * Writes the JSON text to out, which must be secret if the file was initialised so.
 * Errors: no_memory; conflict when it gets longer than out may hold.
 */
kp_status ft_keyfile_encode(const struct ft_keyfile *file, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Reads file->raw into the other members of an initialised keyfile. The name inside must be name,
 * or any valid one when name is empty.
 * Errors: integrity with a sentence that names line or member; unsupported for a newer format;
 * no_memory. The keyfile must be cleared in any case.
 */
kp_status ft_keyfile_decode(struct ft_keyfile *file, kp_span name, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_KEYFILE_H */
