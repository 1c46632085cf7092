/* Azure Managed HSM: what a pool can do, and the table over what both services share. */
#include "plugins/managed-hsm/managed_hsm.h"

#include "base/plugin_entry.h"
#include "plugins/azure-rest/memory.h"
#include "plugins/azure-rest/op.h"
#include "plugins/azure-rest/settings.h"
#include "plugins/azure-rest/table.h"
#include "plugins/azure-rest/vault.h"

#define PLUGIN_VERSION "0.1.0"

static const char *const SCHEMES[] = {NULL};

/* Every cloud's; regional labels stand before them. */
static const char *const HOST_SUFFIXES[] = {
    ".managedhsm.azure.net",
    ".managedhsm.usgovcloudapi.net",
    ".managedhsm.azure.cn",
    NULL,
};

#define ALG_BIT(symbol, number, text, family) | KP_ALG_BIT(number)
#define KTY_BIT(symbol, number, text) | (1u << (number))
#define CURVE_BIT(symbol, number, text, bits, coord_len) | (1u << (number))

/* Plain key types are taken, too: the service makes the -HSM kind of them. */
static const struct kp_caps CAPS = {
    .struct_size = sizeof(struct kp_caps),
    .flags = KP_CAP_CANCEL,
    .ops = AZR_OPS | KP_OP_BIT(KP_OP_RANDOM),
    .algs = 0 KP_ALG_MAP(ALG_BIT),
    .ktys = 0 KP_KTY_MAP(KTY_BIT),
    .curves = 0 KP_CURVE_MAP(CURVE_BIT),
    .rsa_bits_min = 2048,
    .rsa_bits_max = 4096,
    .schemes = SCHEMES,
    .host_suffixes = HOST_SUFFIXES,
    .settings = azr_setting_specs,
};

#define AES_KW_ALGS                                                                                \
    (KP_ALG_BIT(KP_ALG_A128KW) | KP_ALG_BIT(KP_ALG_A192KW) | KP_ALG_BIT(KP_ALG_A256KW))

/*
 * What one partition does in a second, from the scaling guidance of the service (December 2025). A
 * request does not say how long its RSA key is: the rates are those of 2048 bits.
 */
static const struct azr_rate RATES[] = {
    {KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_IMPORT) | KP_OP_BIT(KP_OP_ROTATE), 0, 1},
    {KP_OP_BIT(KP_OP_DELETE) | KP_OP_BIT(KP_OP_PURGE) | KP_OP_BIT(KP_OP_BACKUP) |
         KP_OP_BIT(KP_OP_RESTORE),
     0, 10},
    {KP_OP_BIT(KP_OP_GET_KEY), 0, 1100},
    {KP_OP_BIT(KP_OP_ENCRYPT), AZR_RSA_CRYPT_ALGS, 2800},
    {KP_OP_BIT(KP_OP_WRAP), AZR_RSA_CRYPT_ALGS, 2200},
    {KP_OP_BIT(KP_OP_DECRYPT) | KP_OP_BIT(KP_OP_UNWRAP), AZR_RSA_CRYPT_ALGS, 1100},
    {KP_OP_BIT(KP_OP_SIGN), AZR_RSA_SIGN_ALGS, 900},
    {KP_OP_BIT(KP_OP_VERIFY), AZR_RSA_SIGN_ALGS, 3400},
    {KP_OP_BIT(KP_OP_SIGN), AZR_P256_SIGN_ALGS, 330},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES384), 160},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES512), 200},
    {KP_OP_BIT(KP_OP_VERIFY), AZR_P256_SIGN_ALGS, 130},
    {KP_OP_BIT(KP_OP_VERIFY), KP_ALG_BIT(KP_ALG_ES384), 82},
    {KP_OP_BIT(KP_OP_VERIFY), KP_ALG_BIT(KP_ALG_ES512), 28},
    {KP_OP_BIT(KP_OP_WRAP), AES_KW_ALGS, 2100},
    {KP_OP_BIT(KP_OP_UNWRAP), KP_ALG_BIT(KP_ALG_A128KW), 1800},
    {KP_OP_BIT(KP_OP_UNWRAP), KP_ALG_BIT(KP_ALG_A192KW), 1900},
    {KP_OP_BIT(KP_OP_UNWRAP), KP_ALG_BIT(KP_ALG_A256KW), 2200},
    {0, 0, 0},
};

/* Deletes show at once. One name stands for both regions, and leads to the other within seconds
 * when one fails. */
static const struct azr_profile PROFILE = {
    .service = AZR_SERVICE_MANAGED_HSM,
    .flags = AZR_ROTATE_NEEDS_RULE | AZR_WRITES_SPREAD,
    .noun = "managed HSM",
    .dns_lifetime_ms = 5000,
    .rotation = {.noun = "managed HSM",
                 .takes_notify = false,
                 .max_rules = 1,
                 .after_min_days = 28,
                 .before_min_days = 0,
                 .life_min_days = 28,
                 .expiry_min_days = 28},
    .rates = RATES,
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
    .name = "managed-hsm",
    .version = PLUGIN_VERSION,
    .doc = "Keys in Azure Managed HSM, in every cloud.",
    .caps = &CAPS,
    .open = open_vault,
    .submit = azr_op_submit,
    .cancel = azr_op_cancel,
    .done = azr_op_done,
    .close = azr_vault_close,
    .reload = azr_vault_reload,
};

KPB_PLUGIN_ENTRY(kp_managed_hsm_plugin_get, PLUGIN)
