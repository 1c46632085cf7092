/* Azure Key Vault: what a vault can do, and the table over what both services share. */
#include "plugins/azure-keyvault/azure_keyvault.h"

#include "plugins/azure-rest/memory.h"
#include "plugins/azure-rest/op.h"
#include "plugins/azure-rest/settings.h"
#include "plugins/azure-rest/vault.h"

#define PLUGIN_VERSION "0.1.0"

static const char *const SCHEMES[] = {NULL};

/* Every cloud's; the retired one of Germany so that its hosts are refused with a reason. */
static const char *const HOST_SUFFIXES[] = {
    ".vault.azure.net",
    ".vault.usgovcloudapi.net",
    ".vault.azure.cn",
    ".vault.microsoftazure.de",
    NULL,
};

/* Everything but random bytes and attestation, which only a Managed HSM has. */
#define KEY_OPS                                                                                    \
    (KP_OP_BIT(KP_OP_GET_KEY) | KP_OP_BIT(KP_OP_LIST_KEYS) | KP_OP_BIT(KP_OP_LIST_VERSIONS) |      \
     KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_IMPORT) | KP_OP_BIT(KP_OP_UPDATE) |                 \
     KP_OP_BIT(KP_OP_DELETE) | KP_OP_BIT(KP_OP_GET_DELETED) | KP_OP_BIT(KP_OP_LIST_DELETED) |      \
     KP_OP_BIT(KP_OP_RECOVER) | KP_OP_BIT(KP_OP_PURGE) | KP_OP_BIT(KP_OP_BACKUP) |                 \
     KP_OP_BIT(KP_OP_RESTORE) | KP_OP_BIT(KP_OP_ROTATE) | KP_OP_BIT(KP_OP_GET_ROTATION_POLICY) |   \
     KP_OP_BIT(KP_OP_SET_ROTATION_POLICY))
#define USE_OPS                                                                                    \
    (KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT) | KP_OP_BIT(KP_OP_WRAP) |                 \
     KP_OP_BIT(KP_OP_UNWRAP) | KP_OP_BIT(KP_OP_SIGN) | KP_OP_BIT(KP_OP_VERIFY) |                   \
     KP_OP_BIT(KP_OP_RELEASE))

#define ALGS                                                                                       \
    (KP_ALG_BIT(KP_ALG_RSA1_5) | KP_ALG_BIT(KP_ALG_RSA_OAEP) | KP_ALG_BIT(KP_ALG_RSA_OAEP_256) |   \
     KP_ALG_BIT(KP_ALG_RS256) | KP_ALG_BIT(KP_ALG_RS384) | KP_ALG_BIT(KP_ALG_RS512) |              \
     KP_ALG_BIT(KP_ALG_PS256) | KP_ALG_BIT(KP_ALG_PS384) | KP_ALG_BIT(KP_ALG_PS512) |              \
     KP_ALG_BIT(KP_ALG_RSNULL) | KP_ALG_BIT(KP_ALG_ES256) | KP_ALG_BIT(KP_ALG_ES256K) |            \
     KP_ALG_BIT(KP_ALG_ES384) | KP_ALG_BIT(KP_ALG_ES512))

#define CURVE_BIT(symbol, number, text, bits, coord_len) | (1u << (number))

static const struct kp_caps CAPS = {
    .struct_size = sizeof(struct kp_caps),
    .flags = KP_CAP_CANCEL,
    .ops = KEY_OPS | USE_OPS,
    .algs = ALGS,
    .ktys = (1u << KP_KTY_RSA) | (1u << KP_KTY_RSA_HSM) | (1u << KP_KTY_EC) | (1u << KP_KTY_EC_HSM),
    .curves = 0 KP_CURVE_MAP(CURVE_BIT),
    .rsa_bits_min = 2048,
    .rsa_bits_max = 4096,
    .schemes = SCHEMES,
    .host_suffixes = HOST_SUFFIXES,
    .settings = azr_setting_specs,
};

static const struct azr_profile PROFILE = {
    .service = AZR_SERVICE_VAULT,
    .flags = AZR_DELETES_SPREAD | AZR_VERIFY_IS_MUTE,
    .noun = "key vault",
    .rotation = {.noun = "key vault",
                 .takes_notify = true,
                 .max_rules = 2,
                 .after_min_days = 7,
                 .before_min_days = 7,
                 .life_min_days = 7,
                 .expiry_min_days = 28},
};

static kp_status open_vault(const struct kp_host *host, const struct kp_vault_settings *settings,
                            void **ret_vault, struct kp_error *reterr)
{
#ifndef KP_PLUGIN_STATIC /* linked into a program we share its base library and its memory */
    azr_memory_use(host);
#endif
    return azr_vault_open(&PROFILE, host, settings, ret_vault, reterr);
}

static const struct kp_plugin PLUGIN = {
    .struct_size = sizeof(struct kp_plugin),
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "azure-keyvault",
    .version = PLUGIN_VERSION,
    .doc = "Keys in Azure Key Vault, in every cloud.",
    .caps = &CAPS,
    .open = open_vault,
    .submit = azr_op_submit,
    .cancel = azr_op_cancel,
    .done = azr_op_done,
    .close = azr_vault_close,
    .reload = azr_vault_reload,
};

static const struct kp_plugin *get_plugin(uint32_t host_abi_major)
{
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}

#ifdef KP_PLUGIN_STATIC
const struct kp_plugin *kp_azure_keyvault_plugin_get(uint32_t host_abi_major,
                                                     uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return get_plugin(host_abi_major);
}
#else
KP_PLUGIN_EXPORT const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major,
                                                       uint32_t host_abi_minor);

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor;
    return get_plugin(host_abi_major);
}
#endif
