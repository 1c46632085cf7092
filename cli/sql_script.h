/*
 * The T-SQL by which SQL Server comes to use a key through the EKM provider. Pure functions over
 * the caller's data. No secret goes into a script: where one belongs, a word in capitals stands.
 */
#ifndef KP_CLI_SQL_SCRIPT_H
#define KP_CLI_SQL_SCRIPT_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#include "cli/out.h"

#define SQL_NAME_MAX_LEN 128u /* characters of a name of SQL Server: sysname */
#define SQL_IDENTITY_MAX_LEN 512u

/* What a credential's SECRET is. */
enum sql_secret {
    SQL_SECRET_CLIENT = 1,  /* client id and client secret */
    SQL_SECRET_MANAGED = 2, /* the words Managed Identity */
    SQL_SECRET_ACCESS = 3,  /* access_secret of a configured vault */
    SQL_SECRET_NONE = 4     /* a file vault: not looked at */
};

/* What a script is about; everything is borrowed. */
struct sql_plan {
    char identity[SQL_IDENTITY_MAX_LEN + 1]; /* IDENTITY of the credentials */
    enum sql_secret secret;
    kp_span key;          /* its name in the vault */
    kp_span version;      /* empty: the one that is current when the script runs */
    const char *library;  /* path of the provider on the server */
    const char *login;    /* who runs the script */
    const char *database; /* NULL: none is encrypted */
    bool is_rotation;     /* the provider is there, and the database has another key */
};

/*
 * Fills identity and secret from a vault as kp takes it: a host (of the public cloud's Key Vault
 * the bare name), a configured name, or file:DIR with the folder's whole path. is_managed: as the
 * machine's identity.
 * Errors: usage, unsupported; the sentence says what a credential cannot name.
 */
kp_status sql_plan_set_vault(struct sql_plan *plan, kp_span vault, bool is_managed,
                             struct kp_error *reterr) KP_MUST_USE;

/* Whether a text may stand in a script: UTF-8, not empty, no control, so no line that says GO. */
bool sql_is_clean(kp_span text);
/* Whether a text can be a name of SQL Server's: clean, at most 128 characters. */
bool sql_is_name(const char *text);

/* Writes the script. The plan's texts are what sql_plan_set_vault, kp_key_ref_parse and
 * sql_is_name took. */
void sql_script_write(const struct sql_plan *plan, struct cli_out *out);

#endif /* KP_CLI_SQL_SCRIPT_H */
