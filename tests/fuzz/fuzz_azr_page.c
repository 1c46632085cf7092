#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/message.h"
#include "plugins/azure-rest/page.h"
#include "tests/fuzz/entries.h"

#define BASE "https://app.vault.azure.net"

/* Whatever the token says: our host, our path, our version, and nothing that ends a line. */
static void check_url(kp_span url)
{
    FUZZ_CHECK(kpb_span_starts_with(url, BASE "/keys?api-version=7.6"));
    for (size_t i = 0; i < url.len; i++)
        FUZZ_CHECK(url.ptr[i] > ' ' && url.ptr[i] < 0x7f && url.ptr[i] != '#');
}

static void build_with(kp_span token, bool must_build)
{
    const struct azr_site site = {BASE, "7.6"};
    const struct kp_request request = {
        .struct_size = sizeof request, .op = KP_OP_LIST_KEYS, .page_token = token};
    struct azr_message message;
    azr_message_init(&message);
    kp_status st = azr_message_build(&site, &request, &message, NULL);
    FUZZ_CHECK(st == KP_OK || (st == KP_USAGE && !must_build));
    if (st == KP_OK)
        check_url(kp_buf_view(&message.url));
    azr_message_clear(&message);
}

int fuzz_azr_page(const uint8_t *bytes, size_t len)
{
    struct azr_page page;
    kp_buf next;
    const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
    size_t n = end ? (size_t)(end - bytes) : len;
    kp_span link = end ? kpb_span(end + 1, len - n - 1) : kpb_span(NULL, 0);
    build_with(kpb_span(bytes, n), false);
    if (azr_page_read(kpb_span(bytes, n), &page, NULL) != KP_OK)
        return 0;
    kp_buf_init_secret(&next, "fuzz", AZR_PAGE_TOKEN_MAX_LEN);
    if (azr_page_next(BASE, kpb_span_str("/keys"), &page, link, &next, NULL) == KP_OK) {
        fuzz_took();
        build_with(kp_buf_view(&next), true);
    }
    kp_buf_clear(&next);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_page)
