#include "plugins/azure-rest/cloud.h"

#include "base/errors.h"
#include "base/span.h"

/*
 * Aliases as instance discovery lists them. A token from an alias is the same token; they are
 * never contacted, because only the first name of each cloud is sure to stay.
 */
static const char *const PUBLIC_ALIASES[] = {"login.windows.net", "login.microsoft.com",
                                             "sts.windows.net", NULL};
static const char *const US_ALIASES[] = {"login.usgovcloudapi.net", "login-us.microsoftonline.com",
                                         NULL};
static const char *const CHINA_ALIASES[] = {"login.chinacloudapi.cn", NULL};
static const char *const NO_ALIASES[] = {NULL};

static const struct azr_cloud CLOUDS[] = {
    {"public", "login.microsoftonline.com", "vault.azure.net", "managedhsm.azure.net",
     PUBLIC_ALIASES},
    {"us-government", "login.microsoftonline.us", "vault.usgovcloudapi.net",
     "managedhsm.usgovcloudapi.net", US_ALIASES},
    {"china", "login.partner.microsoftonline.cn", "vault.azure.cn", "managedhsm.azure.cn",
     CHINA_ALIASES},
    /* Closed in October 2021: an old script that names it gets told so. */
    {"germany", NULL, "vault.microsoftazure.de", NULL, NO_ALIASES},
};
#define N_CLOUDS (sizeof CLOUDS / sizeof CLOUDS[0])

/* Names that private DNS zones use; they point at addresses and have no certificate of their own.
 * Microsoft Learn, "Integrate Key Vault with Azure Private Link". */
static const struct {
    const char *suffix;
    const char *public_suffix;
} PRIVATE_LINKS[] = {
    {"privatelink.vaultcore.azure.net", "vault.azure.net"},
    {"privatelink.vaultcore.usgovcloudapi.net", "vault.usgovcloudapi.net"},
    {"privatelink.vaultcore.azure.cn", "vault.azure.cn"},
    {"privatelink.managedhsm.azure.net", "managedhsm.azure.net"},
    {"privatelink.managedhsm.usgovcloudapi.net", "managedhsm.usgovcloudapi.net"},
    {"privatelink.managedhsm.azure.cn", "managedhsm.azure.cn"},
};

const struct azr_cloud *azr_cloud_at(size_t i)
{
    return i < N_CLOUDS ? &CLOUDS[i] : NULL;
}

const struct azr_cloud *azr_cloud_find(kp_span name)
{
    for (size_t i = 0; i < N_CLOUDS; i++)
        if (kpb_span_eq_str(name, CLOUDS[i].name))
            return &CLOUDS[i];
    return NULL;
}

static bool is_login_of(const struct azr_cloud *cloud, kp_span host)
{
    if (cloud->login_host && kpb_span_eq_nocase(host, kpb_span_str(cloud->login_host)))
        return true;
    for (size_t i = 0; cloud->aliases[i]; i++)
        if (kpb_span_eq_nocase(host, kpb_span_str(cloud->aliases[i])))
            return true;
    return false;
}

const struct azr_cloud *azr_cloud_of_login(kp_span login_host)
{
    for (size_t i = 0; i < N_CLOUDS; i++)
        if (is_login_of(&CLOUDS[i], login_host))
            return &CLOUDS[i];
    return NULL;
}

const char *azr_cloud_suffix(const struct azr_cloud *cloud, uint32_t service)
{
    switch (service) {
    case AZR_SERVICE_VAULT:
        return cloud->vault_suffix;
    case AZR_SERVICE_MANAGED_HSM:
        return cloud->hsm_suffix;
    default:
        return NULL;
    }
}

/* ---- The configuration's additions ---- */

static bool is_plain_origin(kp_span url)
{
    struct azr_url parts;
    return azr_https_url_parse(url, &parts) &&
           (parts.path.len == 0 || kpb_span_eq_str(parts.path, "/"));
}

kp_status azr_trust_check(const struct azr_trust *trust, struct kp_error *reterr)
{
    if (trust->suffix.len > 0 && !azr_is_host_name(trust->suffix))
        return kpb_fail(reterr, KP_CONFIG,
                        "custom_suffix '%.*s' is no host name: write it without scheme, port and "
                        "leading dot",
                        AZR_SHOW(trust->suffix));
    if (trust->authority.len > 0 && !is_plain_origin(trust->authority))
        return kpb_fail(reterr, KP_CONFIG,
                        "authority '%.*s' is not of the form https://HOST[:PORT]",
                        AZR_SHOW(trust->authority));
    if (trust->resource.len > 0 && !is_plain_origin(trust->resource))
        return kpb_fail(reterr, KP_CONFIG,
                        "custom_resource '%.*s' is not of the form https://HOST[:PORT]",
                        AZR_SHOW(trust->resource));
    return KP_OK;
}

/* ---- Classifying a request host ---- */

static bool match_suffix(kp_span host, const struct azr_cloud *cloud, uint32_t service,
                         struct azr_place *ret)
{
    const char *suffix = azr_cloud_suffix(cloud, service);
    if (!suffix || !azr_host_is_below(host, kpb_span_str(suffix)))
        return false;
    ret->service = service;
    ret->cloud = cloud;
    ret->suffix = kpb_span_str(suffix);
    return true;
}

static bool match_table(kp_span host, struct azr_place *ret)
{
    for (size_t i = 0; i < N_CLOUDS; i++)
        if (match_suffix(host, &CLOUDS[i], AZR_SERVICE_VAULT, ret) ||
            match_suffix(host, &CLOUDS[i], AZR_SERVICE_MANAGED_HSM, ret))
            return true;
    return false;
}

static bool match_trust(kp_span host, const struct azr_trust *trust, struct azr_place *ret)
{
    if (!trust || !azr_host_is_under(host, trust->suffix))
        return false;
    ret->service = trust->service;
    ret->cloud = NULL;
    ret->suffix = trust->suffix;
    return true;
}

static kp_status refuse_private_link(kp_span host, struct kp_error *reterr)
{
    for (size_t i = 0; i < sizeof PRIVATE_LINKS / sizeof PRIVATE_LINKS[0]; i++)
        if (azr_host_is_under(host, kpb_span_str(PRIVATE_LINKS[i].suffix)))
            return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetAKVResourceUrlStartPosition,
                                 "'%.*s' is a private link name and has no certificate; use "
                                 "NAME.%s, which leads to the private address from inside",
                                 AZR_SHOW(host), PRIVATE_LINKS[i].public_suffix);
    return KP_OK;
}

static kp_status refuse_unknown(kp_span host, struct kp_error *reterr)
{
    return kpb_fail_code(
        reterr, KP_CONFIG, KP_CODE_ErrorGetAKVResourceUrlStartPosition,
        "no credential goes to '%.*s': it is under no suffix of Azure Key Vault "
        "or Managed HSM and under none that the configuration adds (custom_suffix)",
        AZR_SHOW(host));
}

kp_status azr_place_find(kp_span host_port, const struct azr_trust *trust, struct azr_place *ret,
                         struct kp_error *reterr)
{
    struct azr_place place = {0};
    if (!azr_host_port_parse(host_port, &place.at))
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetAKVResourceUrlStartPosition,
                             "'%.*s' is no host name of a vault", AZR_SHOW(host_port));
    kp_span host = place.at.host;
    if (!match_trust(host, trust, &place)) {
        kp_status st = refuse_private_link(host, reterr);
        if (st != KP_OK)
            return st;
        if (!match_table(host, &place))
            return refuse_unknown(host, reterr);
        if (place.at.port != 443)
            return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorGetAKVResourceUrlStartPosition,
                                 "'%.*s' answers on port 443 only; port %u was asked for",
                                 AZR_SHOW(host), (unsigned)place.at.port);
    }
    *ret = place;
    return KP_OK;
}
