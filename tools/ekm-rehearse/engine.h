/*
 * The played server: one connection that runs statements against the catalogue and the provider
 * libraries, with the engine's messages. Prints to one stream. One thread; everything may block.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_ENGINE_H
#define KP_TOOLS_EKM_REHEARSE_ENGINE_H

#include <stdio.h>

#include "tools/ekm-rehearse/ast.h"
#include "tools/ekm-rehearse/catalog.h"
#include "tools/ekm-rehearse/dll.h"
#include "tools/ekm-rehearse/order.h"

#define RH_INSTANCES_MAX 16u
#define RH_SESSIONS_MAX 64u
#define RH_DEKS_MAX 4096u
#define RH_DEK_LEN 32u
#define RH_VARIABLES_MAX 64u
#define RH_MAPS_MAX 16u

struct rh_map {
    kp_span dll; /* as T-SQL names it */
    const char *path;
};

struct rh_options {
    const char *folder;  /* of all nodes; backups lie in it */
    const char *node;    /* this one's catalogue is folder/node/catalog.json */
    const char *login;   /* who runs the script, on a new node */
    const char *library; /* for every FILE that no map names; NULL: FILE as it is */
    struct rh_map maps[RH_MAPS_MAX];
    size_t n_maps;
    struct rh_orders orders;
    uint64_t seed;
    bool restart;
    bool stop_at_error;
    bool trace;
};

/* A loaded provider library. */
struct rh_instance {
    int64_t provider_id; /* 0: free */
    struct rh_dll dll;
    uint32_t thumb_len;
    bool accepts_names;
};

struct rh_session {
    struct rh_instance *instance; /* NULL: free */
    int64_t credential_id;
    int64_t last_key_id; /* looked up already; 0: none */
    SqlCpSession handle;
};

struct rh_open_dek {
    int64_t database_id;
    uint8_t dek[RH_DEK_LEN];
};

struct rh_variable {
    kp_span name;
    enum rh_type type;
    uint32_t max_len;
    struct rh_value value;
};

struct rh_engine {
    const struct rh_options *options;
    FILE *out;
    struct rh_catalog catalog;
    kp_buf service_key; /* seals the SECRETs */
    struct rh_dice dice;
    struct rh_instance instances[RH_INSTANCES_MAX];
    struct rh_session sessions[RH_SESSIONS_MAX];
    struct rh_list deks;     /* of struct rh_open_dek, wiped when removed */
    struct rh_memory memory; /* of the statement that runs */
    struct rh_memory batch;  /* of the variables */
    struct rh_variable variables[RH_VARIABLES_MAX];
    size_t n_variables;
    int64_t database_id; /* USE */
    uint32_t line;       /* of the statement that runs; 0: the server itself */
    unsigned n_errors;
};

/* ---- Lifecycle ---- */

/* A server over this catalogue (taken) and service key (taken). */
void rh_engine_init(struct rh_engine *e, const struct rh_options *options, FILE *out,
                    struct rh_catalog *catalog, kp_buf *service_key);
/* Ends the connection and the server: sessions closed, libraries unloaded, keys wiped. */
void rh_engine_clear(struct rh_engine *e);

/* Start-up: opens every encrypted database; those that cannot be are RECOVERY_PENDING. */
void rh_engine_start(struct rh_engine *e);
/* Runs the script; false when it ended early (stop_at_error). */
bool rh_engine_run(struct rh_engine *e, const struct rh_script *script);

/* ---- Messages ---- */

/*
 * Prints "Msg N, Level L, State S, Line n" and the sentence; severity above 10 counts as an error.
 * Returns false, so that a failure reads `return rh_msg(e, ...)`.
 */
bool rh_msg(struct rh_engine *e, unsigned number, unsigned severity, unsigned state,
            const char *fmt, ...) KPB_PRINTF(5, 6);
/* The same with the provider's code, what it means, and the rule that was broken, if one was. */
bool rh_msg_verdict(struct rh_engine *e, unsigned number, unsigned state,
                    const struct rh_verdict *v, const char *fmt, ...) KPB_PRINTF(5, 6);
/* A line that is no message. */
void rh_note(struct rh_engine *e, const char *fmt, ...) KPB_PRINTF(2, 3);
/* "Memory is out": what to return when an allocation of ours failed. */
bool rh_msg_memory(struct rh_engine *e);
/* Text for "%.*s" of a span. */
#define RH_S(span) (int)(span).len, (const char *)(span).ptr

/* ---- Providers and sessions ---- */

/* Loads the library if need be and checks it against the catalogue; NULL after a message. */
struct rh_instance *rh_instance_of(struct rh_engine *e, const struct rh_provider *p);
/* Loads path without a row, fills guid and version of *ret_row; NULL after a message. */
struct rh_instance *rh_instance_register(struct rh_engine *e, struct rh_provider *ret_row);
/* Closes its sessions and unloads it. NULL allowed. */
void rh_instance_unload(struct rh_engine *e, struct rh_instance *i);
struct rh_instance *rh_instance_find(struct rh_engine *e, int64_t provider_id);

/* The session of this connection for provider and credential, opened on first need; NULL after a
 * message. */
struct rh_session *rh_session_of(struct rh_engine *e, const struct rh_provider *p,
                                 const struct rh_credential *c);
/* The session of the login that runs the script. 33046 when it has no credential. */
struct rh_session *rh_session_of_login(struct rh_engine *e, const struct rh_provider *p);
/* Closes the sessions opened with this credential. */
void rh_sessions_close(struct rh_engine *e, int64_t credential_id);

/* Unseals the SECRET of c into secret. */
bool rh_secret_open(struct rh_engine *e, const struct rh_credential *c, kp_buf *secret);
bool rh_secret_seal(struct rh_engine *e, struct rh_credential *c, kp_span secret);

/* ---- Keys ---- */

/* Checks an algorithm against its tag: 33083, 33087, 33088, 33089. */
bool rh_check_algorithm(struct rh_engine *e, struct rh_instance *i, SqlCpAlgId id,
                        struct rh_algorithm *ret);
/* Encrypts or decrypts with a key of the catalogue; the result lives in e->memory. */
bool rh_use_key(struct rh_engine *e, struct rh_session *s, const struct rh_key *k,
                enum rh_direction direction, kp_span in, kp_span *ret);
/* The session of the login made from this key of master: 33120, 33121. */
struct rh_session *rh_session_of_key(struct rh_engine *e, const struct rh_key *k);
/* The key of master with this thumbprint: 33111. */
struct rh_key *rh_encryptor_by_thumb(struct rh_engine *e, kp_span thumb);
/* The key of master of this name, which must be able to encrypt: 15151, 33120. */
struct rh_key *rh_encryptor_by_name(struct rh_engine *e, kp_span name);

/* ---- Databases ---- */

/* The DEK of a database, unwrapped through the provider if this server has not yet. */
const uint8_t *rh_dek_of(struct rh_engine *e, const struct rh_database *d);
/* Remembers a DEK; forgets one. */
bool rh_dek_keep(struct rh_engine *e, int64_t database_id, const uint8_t *dek);
void rh_dek_forget(struct rh_engine *e, int64_t database_id);
/* Reads the page of a database, sealed or not; 824 when the DEK is another one. */
bool rh_page_check(struct rh_engine *e, const struct rh_database *d);
bool rh_page_seal(struct rh_engine *e, struct rh_database *d, bool encrypted);
/* The database of that name, online: 911, 945. */
struct rh_database *rh_database_open(struct rh_engine *e, kp_span name);
struct rh_database *rh_database_current(struct rh_engine *e);

/* ---- Expressions and rows ---- */

struct rh_row {
    const char *const *names;
    const struct rh_value *values;
    size_t n;
};

/* row: NULL outside a view. */
bool rh_eval(struct rh_engine *e, const struct rh_expr *x, const struct rh_row *row,
             struct rh_value *ret);

#define RH_VIEW_COLUMNS_MAX 20u

struct rh_table {
    const char *names[RH_VIEW_COLUMNS_MAX];
    size_t n_columns;
    struct rh_value *cells; /* n_rows * n_columns, in e->memory */
    size_t n_rows;
    size_t cap;
};

/* Fills the view; false after a message. */
bool rh_view(struct rh_engine *e, kp_span name, const struct rh_value *arg, struct rh_table *t);

/* ---- Statements, by family ---- */

typedef bool rh_exec_fn(struct rh_engine *e, const struct rh_statement *s);

rh_exec_fn rh_exec_configure;
rh_exec_fn rh_exec_reconfigure;
rh_exec_fn rh_exec_create_provider;
rh_exec_fn rh_exec_alter_provider;
rh_exec_fn rh_exec_drop_provider;
rh_exec_fn rh_exec_create_credential;
rh_exec_fn rh_exec_alter_credential;
rh_exec_fn rh_exec_drop_credential;
rh_exec_fn rh_exec_create_login;
rh_exec_fn rh_exec_alter_login;
rh_exec_fn rh_exec_drop_login;
rh_exec_fn rh_exec_create_key;
rh_exec_fn rh_exec_drop_key;
rh_exec_fn rh_exec_create_database;
rh_exec_fn rh_exec_drop_database;
rh_exec_fn rh_exec_set_encryption;
rh_exec_fn rh_exec_use;
rh_exec_fn rh_exec_create_dek;
rh_exec_fn rh_exec_alter_dek;
rh_exec_fn rh_exec_drop_dek;
rh_exec_fn rh_exec_backup;
rh_exec_fn rh_exec_restore;
rh_exec_fn rh_exec_declare;
rh_exec_fn rh_exec_set;
rh_exec_fn rh_exec_select;
rh_exec_fn rh_exec_print;

#endif /* KP_TOOLS_EKM_REHEARSE_ENGINE_H */
