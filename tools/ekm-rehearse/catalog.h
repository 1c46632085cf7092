/*
 * What the played server remembers between runs: providers, credentials, logins, asymmetric keys,
 * databases with their wrapped encryption keys. Plain records of fixed size in bounded lists; a
 * file of JSON, replaced in one step. SECRETs lie in it sealed under a key that is a file beside
 * it, as the engine's service master key seals them. One thread.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_CATALOG_H
#define KP_TOOLS_EKM_REHEARSE_CATALOG_H

#include <stdbool.h>

#include "base/buf.h"

#define RH_NAME_LEN 513u  /* bytes of a name, its NUL included */
#define RH_TEXT_LEN 4001u /* of an IDENTITY or a path */
#define RH_BYTES_LEN 4096u
#define RH_MASTER 1          /* number of the database master */
#define RH_ADMIN 1           /* number of the login that runs scripts */
#define RH_RECORDS_MAX 4096u /* of each kind */
#define RH_CATALOG_MAX_LEN (64u * 1024u * 1024u)

struct rh_blob {
    uint32_t len;
    uint8_t data[RH_BYTES_LEN];
};

struct rh_provider {
    int64_t id;
    char name[RH_NAME_LEN];
    char path[RH_TEXT_LEN];
    char guid[37];    /* as sys.cryptographic_providers shows it */
    char version[20]; /* aa.bb.cccc.dd */
    bool is_enabled;
};

struct rh_credential {
    int64_t id;
    char name[RH_NAME_LEN];
    char identity[RH_TEXT_LEN];
    bool has_secret;
    struct rh_blob secret; /* sealed */
    int64_t provider_id;   /* 0: for no provider */
};

struct rh_login {
    int64_t id;
    char name[RH_NAME_LEN];
    int64_t key_id; /* 0: no login of a key */
};

struct rh_mapping {
    int64_t login_id;
    int64_t credential_id;
};

struct rh_key {
    int64_t id;
    int64_t database_id;
    char name[RH_NAME_LEN];
    char algorithm[64];
    int64_t algorithm_id;
    int64_t bits;
    char provider_guid[37];
    struct rh_blob thumb;
    struct rh_blob public_key;
};

enum rh_database_state { RH_ONLINE = 0, RH_RECOVERY_PENDING = 3 };
enum rh_encryption { RH_NO_DEK = 0, RH_UNENCRYPTED = 1, RH_ENCRYPTED = 3 };

/* page: the contents, sealed under the DEK when encrypted. */
struct rh_database {
    int64_t id;
    char name[RH_NAME_LEN];
    int64_t state;
    int64_t encryption;
    char algorithm[16];
    struct rh_blob encryptor;
    struct rh_blob wrapped;
    struct rh_blob page;
};

struct rh_list {
    void *items;
    size_t n;
    size_t cap;
    size_t size; /* bytes of a record */
};

struct rh_catalog {
    int64_t next_id;
    bool ekm_enabled;    /* in use */
    bool ekm_configured; /* by sp_configure, until RECONFIGURE */
    bool advanced;
    bool advanced_configured;
    struct rh_list providers;
    struct rh_list credentials;
    struct rh_list logins;
    struct rh_list mappings;
    struct rh_list keys;
    struct rh_list databases;
};

/* ---- Lifecycle ---- */

/* An empty server: the login of that name, the database master. Errors: no_memory. */
kp_status rh_catalog_init(struct rh_catalog *c, const char *login) KP_MUST_USE;
/* Wipes and frees. NULL lists are allowed. */
void rh_catalog_clear(struct rh_catalog *c);

/*
 * Reads what rh_catalog_print wrote into a zeroed *c; every member is checked, unknown ones are
 * refused. Errors: config naming the member; no_memory. *c can be cleared in any case.
 */
kp_status rh_catalog_read(struct rh_catalog *c, kp_span json, struct kp_error *reterr) KP_MUST_USE;
/* Appends the whole catalogue as JSON. Errors: no_memory; usage beyond out's limit. */
kp_status rh_catalog_print(const struct rh_catalog *c, kp_buf *out) KP_MUST_USE;

/* ---- Records ---- */

/* A new zeroed record at the end; pointers to others of the list may move. NULL: no memory or
 * RH_RECORDS_MAX reached. */
void *rh_list_add(struct rh_list *list) KP_MUST_USE;
/* Wipes the record and closes the gap. */
void rh_list_remove(struct rh_list *list, void *item);
void *rh_list_at(const struct rh_list *list, size_t i);

int64_t rh_catalog_new_id(struct rh_catalog *c);

/* The first record of that name (any case) or number; NULL. */
struct rh_provider *rh_find_provider(const struct rh_catalog *c, kp_span name);
struct rh_provider *rh_provider_by_id(const struct rh_catalog *c, int64_t id);
struct rh_provider *rh_provider_by_guid(const struct rh_catalog *c, const char *guid);
struct rh_credential *rh_find_credential(const struct rh_catalog *c, kp_span name);
struct rh_credential *rh_credential_by_id(const struct rh_catalog *c, int64_t id);
struct rh_login *rh_find_login(const struct rh_catalog *c, kp_span name);
struct rh_key *rh_find_key(const struct rh_catalog *c, int64_t database_id, kp_span name);
struct rh_key *rh_key_by_id(const struct rh_catalog *c, int64_t id);
struct rh_key *rh_key_by_thumb(const struct rh_catalog *c, int64_t database_id, kp_span thumb);
struct rh_database *rh_find_database(const struct rh_catalog *c, kp_span name);
struct rh_database *rh_database_by_id(const struct rh_catalog *c, int64_t id);

/* The credential that login has for provider; NULL: none. */
struct rh_credential *rh_credential_of(const struct rh_catalog *c, int64_t login_id,
                                       int64_t provider_id);

/* ---- Texts and bytes of records ---- */

/* Copies, with a NUL; false when it does not fit or holds a NUL. */
bool rh_put_text(char *out, size_t len, kp_span text) KP_MUST_USE;
bool rh_put_blob(struct rh_blob *out, kp_span bytes) KP_MUST_USE;
kp_span rh_blob_view(const struct rh_blob *b);

#endif /* KP_TOOLS_EKM_REHEARSE_CATALOG_H */
