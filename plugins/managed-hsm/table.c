/* Azure Managed HSM: what a pool can do, and the table over what both services share. */
#include "plugins/managed-hsm/managed_hsm.h"

#include "plugins/azure-rest/memory.h"
#include "plugins/azure-rest/op.h"
#include "plugins/azure-rest/settings.h"
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
     KP_OP_BIT(KP_OP_RANDOM) | KP_OP_BIT(KP_OP_RELEASE))

#define ALG_BIT(symbol, number, text, family) | KP_ALG_BIT(number)
#define KTY_BIT(symbol, number, text) | (1u << (number))
#define CURVE_BIT(symbol, number, text, bits, coord_len) | (1u << (number))

/* Plain key types are taken, too: the service makes the -HSM kind of them. */
static const struct kp_caps CAPS = {
    .struct_size = sizeof(struct kp_caps),
    .flags = KP_CAP_CANCEL,
    .ops = KEY_OPS | USE_OPS,
    .algs = 0 KP_ALG_MAP(ALG_BIT),
    .ktys = 0 KP_KTY_MAP(KTY_BIT),
    .curves = 0 KP_CURVE_MAP(CURVE_BIT),
    .rsa_bits_min = 2048,
    .rsa_bits_max = 4096,
    .schemes = SCHEMES,
    .host_suffixes = HOST_SUFFIXES,
    .settings = azr_setting_specs,
};

#define RSA_CRYPT                                                                                  \
    (KP_ALG_BIT(KP_ALG_RSA1_5) | KP_ALG_BIT(KP_ALG_RSA_OAEP) | KP_ALG_BIT(KP_ALG_RSA_OAEP_256))
#define RSA_SIGN                                                                                   \
    (KP_ALG_BIT(KP_ALG_RS256) | KP_ALG_BIT(KP_ALG_RS384) | KP_ALG_BIT(KP_ALG_RS512) |              \
     KP_ALG_BIT(KP_ALG_PS256) | KP_ALG_BIT(KP_ALG_PS384) | KP_ALG_BIT(KP_ALG_PS512) |              \
     KP_ALG_BIT(KP_ALG_RSNULL))
#define P256_SIGN (KP_ALG_BIT(KP_ALG_ES256) | KP_ALG_BIT(KP_ALG_ES256K))
#define AES_KW (KP_ALG_BIT(KP_ALG_A128KW) | KP_ALG_BIT(KP_ALG_A192KW) | KP_ALG_BIT(KP_ALG_A256KW))

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
    {KP_OP_BIT(KP_OP_ENCRYPT), RSA_CRYPT, 2800},
    {KP_OP_BIT(KP_OP_WRAP), RSA_CRYPT, 2200},
    {KP_OP_BIT(KP_OP_DECRYPT) | KP_OP_BIT(KP_OP_UNWRAP), RSA_CRYPT, 1100},
    {KP_OP_BIT(KP_OP_SIGN), RSA_SIGN, 900},
    {KP_OP_BIT(KP_OP_VERIFY), RSA_SIGN, 3400},
    {KP_OP_BIT(KP_OP_SIGN), P256_SIGN, 330},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES384), 160},
    {KP_OP_BIT(KP_OP_SIGN), KP_ALG_BIT(KP_ALG_ES512), 200},
    {KP_OP_BIT(KP_OP_VERIFY), P256_SIGN, 130},
    {KP_OP_BIT(KP_OP_VERIFY), KP_ALG_BIT(KP_ALG_ES384), 82},
    {KP_OP_BIT(KP_OP_VERIFY), KP_ALG_BIT(KP_ALG_ES512), 28},
    {KP_OP_BIT(KP_OP_WRAP), AES_KW, 2100},
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

static const struct kp_plugin *get_plugin(uint32_t host_abi_major)
{
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}

#ifdef KP_PLUGIN_STATIC
const struct kp_plugin *kp_managed_hsm_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
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
