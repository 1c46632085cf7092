#include "plugins/azure-rest/settings.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/errors.h"
#include "base/settings.h"

#define RELOAD KP_SETTING_RELOADABLE
#define MINUTE_MS 60000
#define API_VERSION_MAX_LEN 32u

/* XX(member, type, flags, "name", fallback, min, max, "doc") */
#define SETTING_MAP(XX)                                                                            \
    XX(api_version, KP_SETTING_TEXT, RELOAD, "api_version", "7.6", 0, 0,                           \
       "Version of the service's REST interface to ask for.")                                      \
    XX(custom_suffix, KP_SETTING_TEXT, 0, "custom_suffix", NULL, 0, 0,                             \
       "Test servers: host name under which vaults may be that are in no cloud.")                  \
    XX(custom_resource, KP_SETTING_TEXT, 0, "custom_resource", NULL, 0, 0,                         \
       "Test servers: what tokens are asked for, as https://HOST; default: the suffix's.")         \
    XX(authority, KP_SETTING_TEXT, 0, "authority", NULL, 0, 0,                                     \
       "Login service to use in place of the cloud's, as https://HOST[:PORT].")                    \
    XX(poll_ms, KP_SETTING_INTEGER, RELOAD, "poll_ms", "2000", 50, MINUTE_MS,                      \
       "Pause between two looks at a change that is still spreading.")                             \
    XX(write_spread_ms, KP_SETTING_INTEGER, RELOAD, "write_spread_ms", "360000", 0,                \
       60 * MINUTE_MS,                                                                             \
       "Managed HSM: time a write may take to reach its other region; 0: there is none.")          \
    XX(partitions, KP_SETTING_INTEGER, RELOAD, "partitions", "3", 0, 1000,                         \
       "Managed HSM: how many partitions' documented rates hold here; 0: no rate does.")           \
    XX(token_timeout_ms, KP_SETTING_INTEGER, RELOAD, "token_timeout_ms", "30000", 1000,            \
       10 * MINUTE_MS, "Time a token may take to arrive, all tries together.")                     \
    XX(kind, KP_SETTING_TEXT, RELOAD, "identity.kind", NULL, 0, 0,                                 \
       "client_secret, certificate, workload or managed_identity, or several with commas.")        \
    XX(tenant, KP_SETTING_TEXT, RELOAD, "identity.tenant", NULL, 0, 0,                             \
       "Tenant to log in at; default: the one the vault names.")                                   \
    XX(client_id, KP_SETTING_TEXT, RELOAD, "identity.client_id", NULL, 0, 0,                       \
       "Client id of the application or of a user-assigned managed identity.")                     \
    XX(secret, KP_SETTING_SECRET, RELOAD, "identity.secret", NULL, 0, 0, "Client secret.")         \
    XX(certificate, KP_SETTING_TEXT, RELOAD, "identity.certificate", NULL, 0, 0,                   \
       "File with certificate and private key: PFX, PEM, MSBLOB or PVK; read anew each time.")     \
    XX(certificate_password, KP_SETTING_SECRET, RELOAD, "identity.certificate_password", NULL, 0,  \
       0, "Password of that file.")                                                                \
    XX(thumbprint, KP_SETTING_TEXT, RELOAD, "identity.thumbprint", NULL, 0, 0,                     \
       "Thumbprint of the certificate, SHA-1 or SHA-256, where the file holds none.")              \
    XX(assertion, KP_SETTING_TEXT, RELOAD, "identity.assertion", "PS256", 0, 0,                    \
       "How the certificate signs: PS256, or RS256 for old login services.")                       \
    XX(token_file, KP_SETTING_TEXT, RELOAD, "identity.token_file", NULL, 0, 0,                     \
       "Workload identity: the federated token's file; default: AZURE_FEDERATED_TOKEN_FILE.")      \
    XX(managed_source, KP_SETTING_TEXT, RELOAD, "identity.managed_source", "auto", 0, 0,           \
       "Managed identity endpoint: auto, imds, app_service, arc or service_fabric.")               \
    XX(object_id, KP_SETTING_TEXT, RELOAD, "identity.object_id", NULL, 0, 0,                       \
       "Managed identity named by its object id.")                                                 \
    XX(resource_id, KP_SETTING_TEXT, RELOAD, "identity.resource_id", NULL, 0, 0,                   \
       "Managed identity named by its resource id.")                                               \
    XX(imds_host, KP_SETTING_TEXT, RELOAD, "identity.imds_host", NULL, 0, 0,                       \
       "Address of the metadata service as http://HOST[:PORT]; default: 169.254.169.254.")

SETTING_MAP(KPB_SETTING_SPEC)

const struct kp_setting_spec *const azr_setting_specs[] = {SETTING_MAP(KPB_SETTING_REF) NULL};

static const size_t OFFSETS[] = {
#define XX(member, type, flags, name, fallback, min, max, doc)                                     \
    offsetof(struct azr_settings, member),
    SETTING_MAP(XX)
#undef XX
};

/* It becomes part of every URL as it stands. */
static kp_status check_api_version(kp_span text, struct kp_error *reterr)
{
    bool ok = text.len > 0 && text.len <= API_VERSION_MAX_LEN;
    for (size_t i = 0; ok && i < text.len; i++) {
        uint8_t c = text.ptr[i];
        ok = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
    }
    return ok ? KP_OK
              : kpb_fail(reterr, KP_CONFIG,
                         "setting api_version must be a version such as 7.6 or 2025-07-01");
}

kp_status azr_settings_read(const struct kp_vault_settings *in, struct azr_settings *ret,
                            struct kp_error *reterr)
{
    const struct kpb_settings_table table = {azr_setting_specs, OFFSETS, sizeof *ret};
    kp_status st = kpb_settings_read(&table, in, ret, reterr);
    return st == KP_OK ? check_api_version(ret->api_version, reterr) : st;
}
