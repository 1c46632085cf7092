#include <windows.h>

#include <winhttp.h>

#include "base/errors.h"
#include "base/win_text.h"
#include "core/system_proxy.h"

#define TEXT_LEN 4096u

static kp_status append(kp_buf *out, const wchar_t *text, struct kp_error *reterr)
{
    char utf8[TEXT_LEN];
    kp_status st;

    if (!text)
        return KP_OK;
    if (!kpb_win_utf8_fill(text, utf8, sizeof utf8))
        return kpb_fail(reterr, KP_CONFIG, "the system's settings for a proxy are no text");
    st = kp_buf_append_str(out, utf8);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, out->site);
    return st == KP_OK
               ? KP_OK
               : kpb_fail(reterr, KP_CONFIG, "the system's settings for a proxy are too long");
}

/* The machine's own, which netsh winhttp sets. */
static kp_status read_machine(kp_buf *proxy, kp_buf *bypass, struct kp_error *reterr)
{
    WINHTTP_PROXY_INFO info = {0, NULL, NULL};
    kp_status st = KP_OK;

    if (!WinHttpGetDefaultProxyConfiguration(&info))
        return KP_OK; /* none was ever set */
    if (info.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY) {
        st = append(proxy, info.lpszProxy, reterr);
        if (st == KP_OK)
            st = append(bypass, info.lpszProxyBypass, reterr);
    }
    (void)GlobalFree(info.lpszProxy);
    (void)GlobalFree(info.lpszProxyBypass);
    return st;
}

/* A script goes unheeded where a proxy is named as well: nobody runs one here. */
static kp_status take_account(const WINHTTP_CURRENT_USER_IE_PROXY_CONFIG *found, kp_buf *proxy,
                              kp_buf *bypass, struct kp_error *reterr)
{
    kp_status st;

    if (found->lpszProxy) {
        st = append(proxy, found->lpszProxy, reterr);
        return st == KP_OK ? append(bypass, found->lpszProxyBypass, reterr) : st;
    }
    if (found->lpszAutoConfigUrl)
        return kpb_fail(reterr, KP_CONFIG,
                        "the account's proxy is computed by a script, which is not run here; write "
                        "http.proxy as http://HOST:PORT or none");
    return read_machine(proxy, bypass, reterr);
}

/* The account this runs as: for a service the service account, whose settings nobody sees on a
 * desktop. Reads the registry. */
kp_status kpi_platform_system_proxy(void *ctx, kp_buf *proxy, kp_buf *bypass,
                                    struct kp_error *reterr)
{
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG found = {0};
    kp_status st;

    (void)ctx;
    if (!WinHttpGetIEProxyConfigForCurrentUser(&found))
        return read_machine(proxy, bypass, reterr);
    st = take_account(&found, proxy, bypass, reterr);
    (void)GlobalFree(found.lpszAutoConfigUrl);
    (void)GlobalFree(found.lpszProxy);
    (void)GlobalFree(found.lpszProxyBypass);
    return st;
}
