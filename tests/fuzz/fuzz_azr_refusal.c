#include <string.h>

#include "base/span.h"
#include "base/utf8.h"
#include "plugins/azure-rest/judge.h"
#include "tests/fuzz/entries.h"

static void check_error(kp_status st, const struct kp_error *error, uint32_t http_status)
{
    FUZZ_CHECK(st != KP_OK && error->status == (uint32_t)st);
    FUZZ_CHECK(error->http_status == http_status);
    FUZZ_CHECK(kp_code_find(error->code) != NULL);
    FUZZ_CHECK(error->exposure == KP_ANSWERED || error->exposure == KP_ANSWERED_REFUSED);
    FUZZ_CHECK(error->retry_after_ms == KP_NO_RETRY_HINT || error->retry_after_ms <= 3600000);
    FUZZ_CHECK(memchr(error->text, 0, sizeof error->text) != NULL && error->text[0] != '\0');
    FUZZ_CHECK(kpb_utf8_is_valid(kpb_span_str(error->text)));
    FUZZ_CHECK(memchr(error->request_id, 0, sizeof error->request_id) != NULL);
}

static size_t line_len(const uint8_t *bytes, size_t len)
{
    const uint8_t *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
    return end ? (size_t)(end - bytes) : len;
}

int fuzz_azr_refusal(const uint8_t *bytes, size_t len)
{
    struct kp_error error;
    if (len < 3)
        return 0;
    size_t n = line_len(bytes + 3, len - 3);
    const struct kp_request request = {
        .struct_size = sizeof request, .op = bytes[0] % (KP_OP_MAX + 1), .name = {bytes + 3, n}};
    const struct kp_http_header headers[] = {
        {kpb_span_str("Retry-After"), kpb_span(bytes + 3, n)},
        {kpb_span_str("x-ms-request-id"), kpb_span(bytes + 3, n)}};
    struct kp_http_reply reply = {.struct_size = sizeof reply, .headers = headers, .n_headers = 2};
    const struct azr_exchange exchange = {
        .base = "https://app.vault.azure.net", .request = &request, .now_unix_s = 784111777};
    reply.http_status = (uint32_t)bytes[1] << 8 | bytes[2];
    if (3 + n < len)
        reply.body = kpb_span(bytes + 3 + n + 1, len - 3 - n - 1);
    kp_status st = azr_judge(&exchange, &reply, NULL, &error);
    check_error(st, &error, reply.http_status);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_refusal)
