/*
 * The statements a rehearsal knows, one struct per family. Made by parse.h, read by the engine.
 * Texts are borrowed from the memory of the script; an absent clause is an empty span or NULL.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_AST_H
#define KP_TOOLS_EKM_REHEARSE_AST_H

#include "tools/ekm-rehearse/lex.h"
#include "tools/ekm-rehearse/value.h"

#define RH_EXPR_MAX_DEPTH 32u
#define RH_ARGS_MAX 4u
#define RH_COLUMNS_MAX 64u

/* ---- Expressions ---- */

enum rh_expr_kind {
    RH_EXPR_VALUE = 1,
    RH_EXPR_VARIABLE = 2, /* name */
    RH_EXPR_COLUMN = 3,   /* name */
    RH_EXPR_CALL = 4,     /* name(args) */
    RH_EXPR_CONVERT = 5,  /* args[0] as type(max_len) */
    RH_EXPR_ADD = 6       /* args[0] + args[1] */
};

struct rh_expr {
    enum rh_expr_kind kind;
    struct rh_place place;
    kp_span name;
    struct rh_value value;
    enum rh_type type;
    uint32_t max_len;
    size_t n_args;
    struct rh_expr *args[RH_ARGS_MAX];
};

/* ---- Statements ---- */

enum rh_verb {
    RH_CONFIGURE = 1,
    RH_RECONFIGURE,
    RH_CREATE_PROVIDER,
    RH_ALTER_PROVIDER,
    RH_DROP_PROVIDER,
    RH_CREATE_CREDENTIAL,
    RH_ALTER_CREDENTIAL,
    RH_DROP_CREDENTIAL,
    RH_CREATE_LOGIN,
    RH_ALTER_LOGIN,
    RH_DROP_LOGIN,
    RH_CREATE_KEY,
    RH_DROP_KEY,
    RH_CREATE_DATABASE,
    RH_DROP_DATABASE,
    RH_SET_ENCRYPTION,
    RH_USE,
    RH_CREATE_DEK,
    RH_ALTER_DEK,
    RH_DROP_DEK,
    RH_BACKUP,
    RH_RESTORE,
    RH_DECLARE,
    RH_SET,
    RH_SELECT,
    RH_PRINT,
    RH_N_VERBS
};

struct rh_configure {
    kp_span option; /* empty: list them all */
    bool has_value;
    int64_t value;
};

enum rh_switch { RH_UNCHANGED = 0, RH_ON = 1, RH_OFF = 2 };

struct rh_provider_ddl {
    kp_span name;
    kp_span file;
    enum rh_switch enabled;
};

struct rh_credential_ddl {
    kp_span name;
    kp_span identity;
    kp_span secret;
    bool has_secret;
    kp_span provider;
};

struct rh_login_ddl {
    kp_span name;
    kp_span key;        /* CREATE ... FROM ASYMMETRIC KEY */
    kp_span credential; /* ALTER ... ADD/DROP CREDENTIAL */
    bool drop;
};

enum rh_disposition { RH_CREATE_NEW = 0, RH_OPEN_EXISTING = 1 };

struct rh_key_ddl {
    kp_span name;
    kp_span provider; /* empty: a key of the server itself */
    kp_span algorithm;
    kp_span key_name;
    enum rh_disposition disposition; /* CREATE_NEW when the clause is absent */
    bool remove_provider_key;
};

struct rh_database_ddl {
    kp_span name;
    enum rh_switch encryption;
};

struct rh_dek_ddl {
    kp_span algorithm; /* of CREATE and REGENERATE */
    kp_span key;       /* ENCRYPTION BY SERVER ASYMMETRIC KEY */
};

struct rh_backup_ddl {
    kp_span database;
    kp_span disk;
    kp_span algorithm;
    kp_span key;
    bool replace; /* RESTORE ... WITH REPLACE */
};

struct rh_variable_ddl {
    kp_span name;
    enum rh_type type;
    uint32_t max_len;
    struct rh_expr *value; /* NULL: NULL */
};

struct rh_column {
    struct rh_expr *expr;
    kp_span alias;
};

struct rh_select {
    struct rh_column columns[RH_COLUMNS_MAX];
    size_t n_columns; /* 0: * */
    kp_span view;     /* empty: no FROM */
    struct rh_expr *view_arg;
    struct rh_expr *where[RH_ARGS_MAX][2]; /* column = value, all of them */
    size_t n_where;
};

struct rh_statement {
    enum rh_verb verb;
    struct rh_place place;
    union {
        struct rh_configure configure;
        struct rh_provider_ddl provider;
        struct rh_credential_ddl credential;
        struct rh_login_ddl login;
        struct rh_key_ddl key;
        struct rh_database_ddl database;
        struct rh_dek_ddl dek;
        struct rh_backup_ddl backup;
        struct rh_variable_ddl variable;
        struct rh_select *select;
        struct rh_expr *print;
    } as;
};

struct rh_batch {
    size_t first; /* index into the statements */
    size_t n;
    int64_t count; /* GO count */
};

struct rh_script {
    struct rh_statement *statements;
    size_t n_statements;
    struct rh_batch *batches;
    size_t n_batches;
};

#endif /* KP_TOOLS_EKM_REHEARSE_AST_H */
