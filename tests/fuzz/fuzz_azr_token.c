/* Replies to token requests, read as success and as refusal; and the scanner against Jansson. */
#include <string.h>

#include <jansson.h>

#include "base/span.h"
#include "plugins/azure-rest/json_scan.h"
#include "plugins/azure-rest/token_reply.h"
#include "plugins/azure-rest/token_request.h"
#include "tests/fuzz/entries.h"

static void check_token(kp_span body, uint32_t source)
{
    struct azr_lifetime life;
    struct kp_error err;
    kp_buf token;
    kp_status st = azr_token_read(body, source, 1700000000, &token, &life, &err);
    if (st == KP_OK) {
        fuzz_took();
        FUZZ_CHECK(token.len > 0 && token.len <= AZR_TOKEN_MAX_LEN);
        for (size_t i = 0; i < token.len; i++)
            FUZZ_CHECK(token.ptr[i] > ' ' && token.ptr[i] < 0x7f);
        FUZZ_CHECK(life.expires_s >= 1 && life.expires_s <= AZR_TOKEN_MAX_LIFETIME_S);
        FUZZ_CHECK(life.refresh_s >= 0 && life.refresh_s < life.expires_s);
    } else {
        FUZZ_CHECK(err.code >= 3304 && err.code <= 3308);
        FUZZ_CHECK(token.len == 0);
    }
    kp_buf_clear(&token);
}

static void check_refusal(kp_span body, uint32_t http_status, uint32_t source)
{
    struct kp_error err;
    kp_status st = azr_token_error(body, http_status, source, &err);
    FUZZ_CHECK(st != KP_OK && err.code != 0 && err.text[0] != '\0');
    FUZZ_CHECK(memchr(err.request_id, '\0', sizeof err.request_id) != NULL);
}

/* Numbers too large for it, and NUL in a member's name: it refuses what we need not. */
static bool is_its_own_bound(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

/* NUL inside strings and the depth are where the two differ on purpose. */
static void check_against_jansson(kp_span body)
{
    struct azr_json value;
    json_t *other;
    if (!azr_json_parse(body, &value))
        return;
    other = json_loadb((const char *)body.ptr, body.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_error_t error;
    if (!other) {
        other = json_loadb((const char *)body.ptr, body.len,
                           JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        FUZZ_CHECK(other || is_its_own_bound(&error));
    }
    json_decref(other);
}

static void check_claims(kp_span body)
{
    kp_buf claims;
    struct azr_json value;
    if (azr_token_claims(true, body, &claims, NULL) == KP_OK) {
        FUZZ_CHECK(azr_json_parse(kp_buf_view(&claims), &value) && value.type == AZR_JSON_OBJECT);
    }
    kp_buf_clear(&claims);
}

int fuzz_azr_token(const uint8_t *bytes, size_t len)
{
    kp_span body = kpb_span(bytes, len);
    check_token(body, AZR_SOURCE_LOGIN);
    check_token(body, AZR_SOURCE_MANAGED_IDENTITY);
    check_refusal(body, 400, AZR_SOURCE_LOGIN);
    check_refusal(body, 400, AZR_SOURCE_MANAGED_IDENTITY);
    check_refusal(body, 503, AZR_SOURCE_LOGIN);
    check_against_jansson(body);
    check_claims(body);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_token)
