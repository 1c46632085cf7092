#include "ekm/credential.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/environment.h"

#define PUBLIC_CLOUD ".vault.azure.net"
#define MANAGED_IDENTITY "Managed Identity"
#define HOST_MAX_LEN 253u

#define CODE_AUTH_FAILURE KP_CODE_scp_err_AuthFailure
#define CODE_BAD_CREDENTIALS KP_CODE_ErrorGetTokenBadCredentials
#define CODE_NO_SUCH_VAULT KP_CODE_ErrorAKVDoesNotExist
#define CODE_TOO_SHORT KP_CODE_scp_err_PasswordTooShort

/* ---- Characters ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_host(kp_span text)
{
    if (text.len == 0 || text.len > HOST_MAX_LEN || text.ptr[0] == '.' || text.ptr[0] == '-' ||
        text.ptr[text.len - 1] == '.')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.')
            return false;
    }
    return true;
}

static bool is_managed_identity(kp_span text)
{
    return kpb_span_eq_nocase(text, kpb_span_str(MANAGED_IDENTITY));
}

static kp_span after(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

static bool has_prefix_nocase(kp_span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && kpb_span_eq_nocase(kpb_span(text.ptr, len), kpb_span(prefix, len));
}

/* ---- The vault ---- */

static kp_status set_vault(struct ekm_credential *c, kp_span text, const char *tail,
                           struct kp_error *reterr)
{
    kp_status st = kp_buf_append(&c->vault, text);

    if (st == KP_OK)
        st = kp_buf_append_str(&c->vault, tail);
    if (st == KP_OK)
        st = kp_buf_append_byte(&c->vault, '\0');
    if (st != KP_OK)
        return kpb_fail_memory(reterr, "ekm.credential");
    c->vault.len--;
    return KP_OK;
}

static kp_status refuse_host(kp_span text, struct kp_error *reterr)
{
    if (has_prefix_nocase(text, "https:") || has_prefix_nocase(text, "http:"))
        return kpb_fail_code(reterr, KP_NOT_FOUND, CODE_NO_SUCH_VAULT,
                             "IDENTITY begins with a scheme: leave https:// and everything after "
                             "the host out, as in my-vault or my-vault.vault.azure.net");
    return kpb_fail_code(reterr, KP_NOT_FOUND, CODE_NO_SUCH_VAULT,
                         "IDENTITY is no name of a vault: give my-vault, the vault's whole host "
                         "name, config:NAME or file:DIR");
}

static kp_status set_host(struct ekm_credential *c, kp_span text, struct kp_error *reterr)
{
    bool is_bare = !memchr(text.ptr, '.', text.len);

    if (!is_host(text))
        return refuse_host(text, reterr);
    return set_vault(c, text, is_bare ? PUBLIC_CLOUD : "", reterr);
}

/* ---- Client id and secret ---- */

/* 8-4-4-4-12, as every tool shows it. */
static bool has_hyphens(kp_span secret)
{
    static const uint8_t at[] = {8, 13, 18, 23};

    if (secret.len < EKM_GUID_LEN)
        return false;
    for (size_t i = 0; i < sizeof at; i++) {
        if (secret.ptr[at[i]] != '-')
            return false;
    }
    return true;
}

static bool is_client_id(kp_span secret)
{
    for (size_t i = 0; i < EKM_CLIENT_ID_LEN; i++) {
        if (!is_hex(secret.ptr[i]))
            return false;
    }
    return true;
}

static kp_status check_secret(kp_span secret, struct kp_error *reterr)
{
    if (secret.len < EKM_CLIENT_ID_LEN)
        return kpb_fail_code(reterr, KP_AUTH, CODE_TOO_SHORT,
                             "SECRET has %zu characters: it begins with the 32 of the client id "
                             "without its hyphens, and the client secret follows",
                             secret.len);
    if (has_hyphens(secret))
        return kpb_fail_code(reterr, KP_AUTH, CODE_BAD_CREDENTIALS,
                             "the client id in SECRET has its hyphens: take the four of them out; "
                             "those of the client secret stay");
    if (!is_client_id(secret))
        return kpb_fail_code(reterr, KP_AUTH, CODE_BAD_CREDENTIALS,
                             "SECRET does not begin with a client id: 32 hexadecimal digits, "
                             "directly followed by the client secret");
    if (secret.len == EKM_CLIENT_ID_LEN)
        return kpb_fail_code(reterr, KP_AUTH, CODE_BAD_CREDENTIALS,
                             "SECRET ends after the client id: the client secret is missing");
    return KP_OK;
}

/* The login service knows the id with its hyphens only. */
static void set_client_id(struct ekm_credential *c, kp_span secret)
{
    size_t n = 0;

    for (size_t i = 0; i < EKM_CLIENT_ID_LEN; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            c->client_id[n++] = '-';
        c->client_id[n++] = (char)secret.ptr[i];
    }
    c->client_id[n] = '\0';
}

static kp_status read_client(struct ekm_credential *c, kp_span identity, kp_span secret,
                             struct kp_error *reterr)
{
    kp_status st = set_host(c, identity, reterr);

    if (st == KP_OK && is_managed_identity(secret)) {
        c->kind = EKM_CREDENTIAL_MANAGED;
        return KP_OK;
    }
    if (st == KP_OK)
        st = check_secret(secret, reterr);
    if (st != KP_OK)
        return st;
    set_client_id(c, secret);
    c->kind = EKM_CREDENTIAL_CLIENT;
    st = kp_buf_append(&c->secret, after(secret, EKM_CLIENT_ID_LEN));
    return st == KP_OK ? st : kpb_fail_memory(reterr, "ekm.credential");
}

/* ---- Managed identity ---- */

/* Only identity and secret cross the interface, so the vault must be said elsewhere. */
static kp_status read_managed(struct ekm_credential *c, const struct ekm_settings *settings,
                              struct kp_error *reterr)
{
    if (!settings->managed_identity_vault)
        return kpb_fail_code(reterr, KP_CONFIG, CODE_AUTH_FAILURE,
                             "IDENTITY = 'Managed Identity' needs ekm.managed_identity_vault in "
                             "the configuration; or write IDENTITY = 'HOST', SECRET = 'Managed "
                             "Identity'");
    c->kind = EKM_CREDENTIAL_MANAGED;
    return set_host(c, kpb_span_str(settings->managed_identity_vault), reterr);
}

/* ---- config: and file: ---- */

static bool is_listed(const struct ekm_texts *allow, kp_span identity)
{
    for (size_t i = 0; i < allow->n; i++) {
        kp_span item = kpb_span_str(allow->at[i]);

        while (item.len > 1 && item.ptr[item.len - 1] == '/')
            item.len--;
        if (kpb_span_eq(item, identity))
            return true;
    }
    return false;
}

static kp_status check_allowed(const struct ekm_settings *settings, kp_span identity,
                               struct kp_error *reterr)
{
    if (is_listed(&settings->allow, identity))
        return KP_OK;
    return kpb_fail_code(reterr, KP_FORBIDDEN, CODE_AUTH_FAILURE,
                         "IDENTITY '%.*s' is not listed in ekm.allow of the configuration",
                         (int)(identity.len < 128 ? identity.len : 128),
                         (const char *)identity.ptr);
}

static kp_status read_config(struct ekm_credential *c, kp_span identity, kp_span secret,
                             const struct ekm_settings *settings, struct kp_error *reterr)
{
    kp_status st = check_allowed(settings, identity, reterr);

    if (st == KP_OK)
        st = set_vault(c, after(identity, strlen("config:")), "", reterr);
    if (st == KP_OK && kp_buf_append(&c->secret, secret) != KP_OK)
        st = kpb_fail_memory(reterr, "ekm.credential");
    c->kind = EKM_CREDENTIAL_CONFIG;
    return st;
}

static kp_status check_path(kp_span path, struct kp_error *reterr)
{
    enum ekm_path_kind kind = ekm_platform_path_kind(path);

    if (kind == EKM_PATH_ELSEWHERE)
        return kpb_fail_code(reterr, KP_FORBIDDEN, CODE_AUTH_FAILURE,
                             "IDENTITY names a network or device path; a file vault is a folder of "
                             "this machine");
    if (kind == EKM_PATH_PARTIAL)
        return kpb_fail_code(reterr, KP_FORBIDDEN, CODE_AUTH_FAILURE,
                             "IDENTITY = 'file:DIR' takes the folder's whole path, without ..");
    return KP_OK;
}

static kp_status read_file(struct ekm_credential *c, kp_span identity,
                           const struct ekm_settings *settings, struct kp_error *reterr)
{
    kp_status st;

    while (identity.len > strlen("file:/") && identity.ptr[identity.len - 1] == '/')
        identity.len--;
    st = check_path(after(identity, strlen("file:")), reterr);
    if (st == KP_OK)
        st = check_allowed(settings, identity, reterr);
    if (st == KP_OK)
        st = set_vault(c, identity, "", reterr);
    c->kind = EKM_CREDENTIAL_FILE;
    return st;
}

/* ---- The whole ---- */

static kp_status read_any(struct ekm_credential *c, kp_span identity, kp_span secret,
                          const struct ekm_settings *settings, struct kp_error *reterr)
{
    if (identity.len == 0)
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_scp_err_InvalidArgument,
                             "IDENTITY is empty: it names the vault");
    if (is_managed_identity(identity))
        return read_managed(c, settings, reterr);
    if (kpb_span_starts_with(identity, "config:"))
        return read_config(c, identity, secret, settings, reterr);
    if (kpb_span_starts_with(identity, "file:"))
        return read_file(c, identity, settings, reterr);
    if (identity.ptr[0] == '\\' || identity.ptr[0] == '/')
        return check_path(kpb_span_str("//"), reterr);
    return read_client(c, identity, secret, reterr);
}

kp_status ekm_credential_read(kp_span identity, kp_span secret, const struct ekm_settings *settings,
                              struct ekm_credential *ret, struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    kp_buf_init(&ret->vault, "ekm.credential", KP_VAULT_TEXT_MAX_LEN);
    kp_buf_init_secret(&ret->secret, "ekm.credential", (size_t)4 * EKM_CREDENTIAL_MAX_LEN);
    return read_any(ret, identity, secret, settings, reterr);
}

void ekm_credential_clear(struct ekm_credential *credential)
{
    kp_buf_clear(&credential->vault);
    kp_buf_clear(&credential->secret);
    kpb_wipe(credential->client_id, sizeof credential->client_id);
    credential->kind = EKM_CREDENTIAL_NONE;
}

const char *ekm_credential_vault(const struct ekm_credential *credential)
{
    return credential->vault.ptr ? (const char *)credential->vault.ptr : "";
}
