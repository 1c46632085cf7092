#include "tools/kp-emulator/hosts.h"

#include <string.h>

#include "base/span.h"

#define VAULT_AUDIENCE "https://vault.azure.net"
#define HSM_AUDIENCE "https://managedhsm.azure.net"

static const struct {
    const char *suffix;
    bool is_hsm;
    const char *login;
    const char *audience; /* of tokens: the suffix itself, as https://HOST */
} SUFFIXES[] = {
    {".vault.azure.net", false, "login.microsoftonline.com", VAULT_AUDIENCE},
    {".managedhsm.azure.net", true, "login.microsoftonline.com", HSM_AUDIENCE},
    {".vault.usgovcloudapi.net", false, "login.microsoftonline.us",
     "https://vault.usgovcloudapi.net"},
    {".managedhsm.usgovcloudapi.net", true, "login.microsoftonline.us",
     "https://managedhsm.usgovcloudapi.net"},
    {".vault.azure.cn", false, "login.partner.microsoftonline.cn", "https://vault.azure.cn"},
    {".managedhsm.azure.cn", true, "login.partner.microsoftonline.cn",
     "https://managedhsm.azure.cn"},
    {".vault.localhost", false, NULL, VAULT_AUDIENCE},
    {".managedhsm.localhost", true, NULL, HSM_AUDIENCE},
};

static const char *const LOGIN_HOSTS[] = {
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.usgovcloudapi.net",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.localhost",
};

kp_span emu_vault_label(kp_span host, bool *ret_is_hsm)
{
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        if (!kpb_span_ends_with_nocase(host, SUFFIXES[i].suffix))
            continue;
        *ret_is_hsm = SUFFIXES[i].is_hsm;
        return kpb_span(host.ptr, host.len - strlen(SUFFIXES[i].suffix));
    }
    return kpb_span(NULL, 0);
}

const char *emu_login_host_for(kp_span host)
{
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        if (kpb_span_ends_with_nocase(host, SUFFIXES[i].suffix))
            return SUFFIXES[i].login;
    }
    return NULL;
}

const char *emu_audience_for(kp_span host, bool is_hsm)
{
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        if (kpb_span_ends_with_nocase(host, SUFFIXES[i].suffix))
            return SUFFIXES[i].audience;
    }
    return is_hsm ? HSM_AUDIENCE : VAULT_AUDIENCE;
}

bool emu_is_login_host(kp_span host)
{
    for (size_t i = 0; i < sizeof LOGIN_HOSTS / sizeof LOGIN_HOSTS[0]; i++) {
        if (kpb_span_eq_nocase(host, kpb_span_str(LOGIN_HOSTS[i])))
            return true;
    }
    return false;
}

bool emu_is_vault_host(kp_span host)
{
    bool is_hsm;
    return emu_vault_label(host, &is_hsm).len > 0;
}
