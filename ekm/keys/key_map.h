/*
 * The key map: a durable record of which key version stands behind a thumbprint. SQL Server keeps
 * the thumbprint and forgets the name, so what was wrapped years ago finds its version here, or by
 * a search (ekm/keys/resolve.h) where the map is lost.
 *
 * One file of JSON (docs/EKM-KEYS.md), shared by every process of the machine: changes are made
 * under a lock in the file system, appear by rename, and are seen by the others at their next
 * look-up. A process that cannot write keeps what it learned in memory until it can.
 *
 * A record is found by thumbprint and vault: keys of equal name in two vaults have one name
 * thumbprint. Within a vault a thumbprint belongs to one key version for good.
 *
 * Threads: any; an ekm_map is used by many at once. Functions block on the file system, briefly,
 * and ekm_map_put on the lock of other processes, at most EKM_MAP_LOCK_MS.
 */
#ifndef KP_EKM_KEYS_KEY_MAP_H
#define KP_EKM_KEYS_KEY_MAP_H

#include "base/buf.h"
#include "ekm/keys/map_store.h"
#include "ekm/keys/thumb.h"

#define EKM_VAULT_MAX_LEN 511u             /* bytes of a vault's text */
#define EKM_MAP_RECORDS_MAX 8192u          /* records of one map */
#define EKM_MAP_FILE_MAX_LEN (8u << 20)    /* bytes of the file */
#define EKM_MAP_IMPORT_MAX_LEN (16u << 20) /* bytes of an import; a .reg file has two a character */
#define EKM_MAP_LOCK_MS 5000u

/* How a record came to be: XX(SYMBOL, number, "text in files") */
#define EKM_ORIGIN_MAP(XX)                                                                         \
    XX(REPORTED, 1, "reported") /* the provider reported the thumbprint of a key asked by name */  \
    XX(FOUND, 2, "found")       /* seen in the vault, by a scan or a configured name */            \
    XX(PROVEN, 3, "proven")     /* a version that unwrapped what was wrapped by name */            \
    XX(IMPORTED, 4, "imported") /* from another node's map or the connector's */                   \
    XX(ADDED, 5, "added")       /* by `kp keymap add` */

enum ekm_origin {
    EKM_ORIGIN_NONE = 0,
#define XX(symbol, number, text) EKM_ORIGIN_##symbol = (number),
    EKM_ORIGIN_MAP(XX)
#undef XX
};

/* Text of an origin, "?" for a number that is none. Static storage. */
const char *ekm_origin_text(uint32_t origin);
/* The origin of a text, 0 for a text that is none. */
uint32_t ekm_origin_from_text(kp_span text);

/*
 * One record, by value. Texts are NUL-terminated.
 * vault is what ekm_vault_text makes of the vault's name. version is empty only where nobody knows
 * it: an imported record whose KeyUri names none.
 */
struct ekm_record {
    struct ekm_thumb thumb;
    struct ekm_thumb key;  /* ours of the same key; len 0: its public key has not been seen */
    uint32_t scheme;       /* enum ekm_scheme of thumb */
    uint32_t origin;       /* enum ekm_origin */
    uint32_t reported_alg; /* algorithm id first reported for it, never changed; 0: none yet */
    uint32_t wrap_alg;     /* enum kp_alg known to unwrap what it holds; 0: not known */
    char vault[EKM_VAULT_MAX_LEN + 1];
    char name[KP_KEY_NAME_MAX_LEN + 1];
    char version[KP_KEY_VERSION_MAX_LEN + 1];
};

/*
 * The one spelling of a vault in records. A host loses "https://", a port 443 and a trailing slash
 * and becomes lower-case; config:NAME and file:DIR stay as they are.
 * Errors: usage (empty, longer than EKM_VAULT_MAX_LEN, controls or no UTF-8 in it, "http:").
 */
kp_status ekm_vault_text(kp_span vault, char ret[EKM_VAULT_MAX_LEN + 1], struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Fills a record's vault (through ekm_vault_text), name and version; the rest becomes 0.
 * version may be empty. Errors: usage, naming the text that is none.
 */
kp_status ekm_record_init(struct ekm_record *record, kp_span vault, kp_span name, kp_span version,
                          struct kp_error *reterr) KP_MUST_USE;

/* ---- The map ---- */

typedef struct ekm_map ekm_map;

/*
 * Opens the map in the file path. A file that is not there is an empty map; it is made by the first
 * record, its folder never. path NULL: a map in memory only, which loses everything at the end.
 * Errors: config (the file is damaged, of a later format, or it or its folder is not to be
 * trusted: core/trust.h; the file is left as it is), no_memory.
 */
kp_status ekm_map_open(const char *path, ekm_map **ret_map, struct kp_error *reterr) KP_MUST_USE;
/* The same over another store; store and what it points to outlive the map. */
kp_status ekm_map_open_store(const struct ekm_map_store *store, ekm_map **ret_map,
                             struct kp_error *reterr) KP_MUST_USE;
/* Frees the map; nobody uses it any more. The file stays. NULL allowed. */
void ekm_map_close(ekm_map *map);

/*
 * The record of a thumbprint in a vault, copied to *ret. Looks whether another process changed the
 * file first; when it cannot be read then, what is known stays in force.
 * false: there is none.
 */
bool ekm_map_find(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                  struct ekm_record *ret);
/* A record of the thumbprint in any other vault than this one: where the key may have moved
 * from. */
bool ekm_map_find_elsewhere(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                            struct ekm_record *ret);
/* The record of this scheme for a key version; version may not be empty. */
bool ekm_map_find_version(ekm_map *map, const char *vault, kp_span name, kp_span version,
                          uint32_t scheme, struct ekm_record *ret);

/* Calls each with every record, ordered by thumbprint and vault, until it returns false. */
typedef bool ekm_record_each_fn(void *ctx, const struct ekm_record *record);
void ekm_map_each(ekm_map *map, ekm_record_each_fn *each, void *ctx);
/* Records in the map. */
size_t ekm_map_count(ekm_map *map);

/* What came of each record that was put. */
struct ekm_put_report {
    uint32_t n_added;
    uint32_t n_updated; /* something became known of a recorded one, or it moved here */
    uint32_t n_moved;   /* ... of these, from another vault */
    uint32_t n_same;
    uint32_t n_kept; /* in conflict with a record, which stayed (EKM_PUT_KEEP_OLD) */
};

/* Not written: keep it in memory, and write it with the next put that can. The error is told. */
#define EKM_PUT_REMEMBER 0x01u
/* A record in conflict is left out instead of refusing all. */
#define EKM_PUT_KEEP_OLD 0x02u
/* A record of the same key in another vault has moved: it is replaced. */
#define EKM_PUT_MOVES 0x04u

/*
 * Puts n records, all or none, durably. A record of the same thumbprint and vault gains what it
 * does not know yet (key, reported_alg, wrap_alg, a missing version) and keeps its reported_alg;
 * one whose name or version differs is a conflict. With EKM_PUT_MOVES a record of the same
 * thumbprint and name in another vault is replaced, if its key is the same or unknown.
 * ret_report may be NULL. Nothing is written when nothing changes.
 * Errors: conflict with code 2057 (the sentence names both versions), config with code 2058 (the
 * folder, the lock or the file cannot be written, or the map is full; with EKM_PUT_REMEMBER the
 * records are in force nevertheless), config (the file was damaged meanwhile), no_memory.
 */
kp_status ekm_map_put(ekm_map *map, const struct ekm_record *records, size_t n, uint32_t flags,
                      struct ekm_put_report *ret_report, struct kp_error *reterr) KP_MUST_USE;

/*
 * Takes the record of a thumbprint out, durably; vault NULL: those of every vault.
 * Errors: not_found with code 4, config as ekm_map_put.
 */
kp_status ekm_map_remove(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                         struct kp_error *reterr) KP_MUST_USE;

/* ---- Copies for other nodes ---- */

/*
 * Appends every record as the text of a map file. Errors: no_memory, usage (out is too small).
 */
kp_status ekm_map_export(ekm_map *map, kp_buf *out, struct kp_error *reterr) KP_MUST_USE;

/*
 * Puts the records of a text: our JSON (a map file or an export), or what regedit exports of the
 * connector's key "SQL Server Cryptographic Provider\Azure Key Vault" (UTF-16 with its mark, or
 * plain text). All or none; flags as ekm_map_put. Records of the connector whose thumbprint is the
 * encoded name become `name`, others `foreign`; what another node recorded keeps its scheme.
 * Errors: usage (neither of both, or malformed: the sentence names the line), those of ekm_map_put.
 */
kp_status ekm_map_import(ekm_map *map, kp_span text, uint32_t flags,
                         struct ekm_put_report *ret_report, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_EKM_KEYS_KEY_MAP_H */
