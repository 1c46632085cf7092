/* Azure Key Vault: what a vault can do, and the table over what both services share. */
#include "plugins/azure-keyvault/azure_keyvault.h"

#include "base/plugin_entry.h"
#include "plugins/azure-rest/memory.h"
#include "plugins/azure-rest/op.h"
#include "plugins/azure-rest/settings.h"
#include "plugins/azure-rest/table.h"
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

#define CURVE_BIT(symbol, number, text, bits, coord_len) | (1u << (number))

/* Random bytes and symmetric keys only a Managed HSM has. */
static const struct kp_caps CAPS = {
    .struct_size = sizeof(struct kp_caps),
    .flags = KP_CAP_CANCEL,
    .ops = AZR_OPS,
    .algs = AZR_RSA_CRYPT_ALGS | AZR_RSA_SIGN_ALGS | AZR_EC_SIGN_ALGS,
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

KPB_PLUGIN_ENTRY(kp_azure_keyvault_plugin_get, PLUGIN)
