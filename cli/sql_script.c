#include "cli/sql_script.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/utf8.h"

#define PROVIDER "[keyprovider]"
#define PUBLIC_CLOUD ".vault.azure.net"
#define VERSION_SHOWN 8u /* of a version, in names of the server */

/* ---- Texts ---- */

bool sql_is_clean(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (kpb_is_control(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0 && kpb_utf8_is_valid(text);
}

bool sql_is_name(const char *text)
{
    const kp_span span = kpb_span_str(text);
    size_t n = 0;
    for (size_t i = 0; i < span.len; i++) {
        n += (span.ptr[i] & 0xc0u) != 0x80u; /* first bytes of characters */
    }
    return sql_is_clean(span) && n <= SQL_NAME_MAX_LEN;
}

/* ---- The vault ---- */

static kp_status set_identity(struct sql_plan *plan, const char *prefix, kp_span text,
                              enum sql_secret secret, struct kp_error *reterr)
{
    const int n = snprintf(plan->identity, sizeof plan->identity, "%s%.*s", prefix, (int)text.len,
                           (const char *)text.ptr);
    plan->secret = secret;
    return n > 0 && (size_t)n < sizeof plan->identity
               ? KP_OK
               : kpb_fail(reterr, KP_USAGE, "the vault's name is longer than %u bytes",
                          SQL_IDENTITY_MAX_LEN);
}

/* Of this machine or of a server with drive letters. */
static bool is_whole_path(kp_span path)
{
    const bool has_drive =
        path.len > 2 && path.ptr[1] == ':' && (path.ptr[2] == '/' || path.ptr[2] == '\\');
    return has_drive || (path.len > 1 && path.ptr[0] == '/' && path.ptr[1] != '/');
}

static kp_status set_folder(struct sql_plan *plan, kp_span vault, struct kp_error *reterr)
{
    const size_t scheme_len = strlen("file:");
    if (!is_whole_path(kpb_span(vault.ptr + scheme_len, vault.len - scheme_len))) {
        return kpb_fail(reterr, KP_USAGE,
                        "SQL Server runs in a folder of its own: give file: with the whole path");
    }
    return set_identity(plan, "", vault, SQL_SECRET_NONE, reterr);
}

static kp_status set_host(struct sql_plan *plan, kp_span host, bool is_managed,
                          struct kp_error *reterr)
{
    if (memchr(host.ptr, ':', host.len)) {
        return kpb_fail(reterr, KP_UNSUPPORTED,
                        "a credential of SQL Server names a host without a port; configure the "
                        "vault and give its name");
    }
    if (kpb_span_ends_with_nocase(host, PUBLIC_CLOUD)) {
        host.len -= strlen(PUBLIC_CLOUD);
    }
    return set_identity(plan, "", host, is_managed ? SQL_SECRET_MANAGED : SQL_SECRET_CLIENT,
                        reterr);
}

kp_status sql_plan_set_vault(struct sql_plan *plan, kp_span vault, bool is_managed,
                             struct kp_error *reterr)
{
    if (!sql_is_clean(vault)) {
        return kpb_fail(reterr, KP_USAGE, "that is no name of a vault");
    }
    const bool is_host = memchr(vault.ptr, '.', vault.len) && !kpb_span_starts_with(vault, "file:");
    if (is_managed && !is_host) {
        return kpb_fail(reterr, KP_USAGE,
                        "only a vault that is named by its host is reached as the machine's "
                        "identity by a credential; a configured one has its identity there");
    }
    if (kpb_span_starts_with(vault, "file:")) {
        return set_folder(plan, vault, reterr);
    }
    if (is_host) {
        return set_host(plan, vault, is_managed, reterr);
    }
    if (memchr(vault.ptr, ':', vault.len)) {
        return kpb_fail(reterr, KP_UNSUPPORTED,
                        "a credential of SQL Server names a host, a configured vault or file:DIR");
    }
    return set_identity(plan, "config:", vault, SQL_SECRET_ACCESS, reterr);
}

/* ---- Quoting ---- */

/* The mark that ends the text is doubled where it stands in it. */
static void quoted(struct cli_out *o, const char *begin, kp_span text, char end)
{
    cli_out_text(o, begin);
    for (size_t i = 0; i < text.len; i++) {
        const char one[] = {(char)text.ptr[i], '\0'};
        cli_out_text(o, one);
        cli_out_text(o, text.ptr[i] == (uint8_t)end ? one : "");
    }
    const char last[] = {end, '\0'};
    cli_out_text(o, last);
}

static void name(struct cli_out *o, const char *text)
{
    quoted(o, "[", kpb_span_str(text), ']');
}

static void string(struct cli_out *o, const char *text)
{
    quoted(o, "N'", kpb_span_str(text), '\'');
}

/* ---- Names that the server gets ---- */

/* kp_KEY, or kp_KEY_VERSION, with something behind it; a key's name has no mark of quoting. */
static void own_name(struct cli_out *o, const struct sql_plan *p, const char *tail)
{
    cli_out_text(o, "[kp_");
    /* 127 characters of a name would leave no room for what is put around it. */
    cli_out_receive(o, kpb_span(p->key.ptr, p->key.len < 96 ? p->key.len : 96));
    if (p->version.len > 0) {
        cli_out_text(o, "_");
        cli_out_receive(o,
                        kpb_span(p->version.ptr,
                                 p->version.len < VERSION_SHOWN ? p->version.len : VERSION_SHOWN));
    }
    cli_out_text(o, tail);
    cli_out_text(o, "]");
}

/* ---- The parts ---- */

static const char *secret_text(enum sql_secret secret)
{
    switch (secret) {
    case SQL_SECRET_CLIENT:
        return "CLIENT-ID-WITHOUT-HYPHENS"
               "CLIENT-SECRET";
    case SQL_SECRET_MANAGED:
        return "Managed Identity";
    case SQL_SECRET_ACCESS:
        return "ACCESS-SECRET";
    default:
        return "";
    }
}

static const char *secret_advice(enum sql_secret secret)
{
    switch (secret) {
    case SQL_SECRET_CLIENT:
        return "-- Put in, twice: the client id without its hyphens, directly followed by the "
               "client "
               "secret.\n";
    case SQL_SECRET_MANAGED:
        return "-- The vault is reached as the identity of the machine.\n";
    case SQL_SECRET_ACCESS:
        return "-- Put in, twice: the access_secret of the vault in the provider's configuration.\n"
               "-- IDENTITY must stand in its ekm.allow.\n";
    default:
        return "-- A file vault; IDENTITY must stand in ekm.allow of the provider's "
               "configuration.\n";
    }
}

static void head(const struct sql_plan *p, struct cli_out *o)
{
    cli_out_text(o, "-- The key ");
    cli_out_receive(o, p->key);
    cli_out_text(o, p->version.len > 0 ? ", version "
                                       : ", in the version that is current when this "
                                         "runs,");
    cli_out_receive(o, p->version);
    cli_out_text(o, " of the vault\n-- ");
    cli_out_text(o, p->identity);
    cli_out_text(o, " for SQL Server, through the provider keyprovider.\n"
                    "-- To be run by ");
    cli_out_text(o, p->login);
    cli_out_text(o, ", who is a sysadmin.\n");
    cli_out_text(o, secret_advice(p->secret));
    cli_out_text(o, "USE master;\nGO\n");
}

static void provider(const struct sql_plan *p, struct cli_out *o)
{
    cli_out_text(o, "EXEC sp_configure 'show advanced options', 1;\n"
                    "RECONFIGURE;\n"
                    "GO\n"
                    "EXEC sp_configure 'EKM provider enabled', 1;\n"
                    "RECONFIGURE;\n"
                    "GO\n"
                    "CREATE CRYPTOGRAPHIC PROVIDER " PROVIDER " FROM FILE = ");
    string(o, p->library);
    cli_out_text(o, ";\nGO\n");
}

static void credential(const struct sql_plan *p, struct cli_out *o, const char *tail)
{
    cli_out_text(o, "CREATE CREDENTIAL ");
    own_name(o, p, tail);
    cli_out_text(o, "\n    WITH IDENTITY = ");
    string(o, p->identity);
    cli_out_text(o, ",\n         SECRET = ");
    string(o, secret_text(p->secret));
    cli_out_text(o, "\n    FOR CRYPTOGRAPHIC PROVIDER " PROVIDER ";\n");
}

static void alter_login(const struct sql_plan *p, struct cli_out *o, const char *what)
{
    cli_out_text(o, "ALTER LOGIN ");
    name(o, p->login);
    cli_out_text(o, what);
    own_name(o, p, "_admin");
    cli_out_text(o, ";\n");
}

/* Only while the key is made does the administrator need a way to the vault. */
static void key(const struct sql_plan *p, struct cli_out *o)
{
    cli_out_text(o, "\n-- The administrator's way to the vault, for as long as the key is made.\n");
    credential(p, o, "_admin");
    alter_login(p, o, " ADD CREDENTIAL ");
    cli_out_text(o, "GO\nCREATE ASYMMETRIC KEY ");
    own_name(o, p, "");
    cli_out_text(o, " FROM PROVIDER " PROVIDER "\n    WITH PROVIDER_KEY_NAME = N'");
    cli_out_receive(o, p->key);
    cli_out_text(o, p->version.len > 0 ? "/" : "");
    cli_out_receive(o, p->version);
    cli_out_text(o, "', CREATION_DISPOSITION = OPEN_EXISTING;\n"
                    "GO\n");
    alter_login(p, o, " DROP CREDENTIAL ");
    cli_out_text(o, "DROP CREDENTIAL ");
    own_name(o, p, "_admin");
    cli_out_text(o, ";\nGO\n");
}

static void login(const struct sql_plan *p, struct cli_out *o)
{
    cli_out_text(o, "\n-- The login with which the server itself opens what the key protects.\n"
                    "CREATE LOGIN ");
    own_name(o, p, "_login");
    cli_out_text(o, " FROM ASYMMETRIC KEY ");
    own_name(o, p, "");
    cli_out_text(o, ";\n");
    credential(p, o, "_server");
    cli_out_text(o, "ALTER LOGIN ");
    own_name(o, p, "_login");
    cli_out_text(o, " ADD CREDENTIAL ");
    own_name(o, p, "_server");
    cli_out_text(o, ";\nGO\n");
}

static void database(const struct sql_plan *p, struct cli_out *o)
{
    cli_out_text(o, p->is_rotation
                        ? "\n-- Only the wrapped key changes: online, in seconds. Backups "
                          "still name the old key: keep it.\nUSE "
                        : "\nUSE ");
    name(o, p->database);
    cli_out_text(o, p->is_rotation ? ";\nALTER DATABASE ENCRYPTION KEY\n    ENCRYPTION BY SERVER "
                                     "ASYMMETRIC KEY "
                                   : ";\nCREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256\n"
                                     "    ENCRYPTION BY SERVER ASYMMETRIC KEY ");
    own_name(o, p, "");
    cli_out_text(o, ";\n");
    if (!p->is_rotation) {
        cli_out_text(o, "ALTER DATABASE ");
        name(o, p->database);
        cli_out_text(o, " SET ENCRYPTION ON;\n");
    }
    cli_out_text(o, "GO\nUSE master;\n"
                    "SELECT DB_NAME(database_id) AS [database], encryption_state_desc, "
                    "key_algorithm, key_length\n"
                    "FROM sys.dm_database_encryption_keys WHERE encryption_state = 3;\nGO\n");
}

void sql_script_write(const struct sql_plan *plan, struct cli_out *out)
{
    head(plan, out);
    if (!plan->is_rotation) {
        provider(plan, out);
    }
    key(plan, out);
    login(plan, out);
    if (plan->database) {
        database(plan, out);
    }
}
