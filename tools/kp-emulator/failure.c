#include "tools/kp-emulator/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/iso8601.h"
#include "base/span.h"
#include "tools/kp-emulator/clock.h"

#define TEXT_MAX_LEN 1024u

/* ---- Headers ---- */

static void vault_headers(struct emu_exchange *x)
{
    char client_id[64];
    kp_span asked = emu_request_header(&x->request, "x-ms-client-request-id");
    emu_set_header(x, "Cache-Control", "no-cache");
    emu_set_header(x, "Pragma", "no-cache");
    emu_set_header(x, "Expires", "-1");
    emu_set_header(x, "x-ms-keyvault-region", "emulated");
    emu_set_header(x, "x-ms-keyvault-service-version", "1.9.2455.1");
    emu_set_header(x, "x-ms-keyvault-network-info",
                   "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;");
    emu_set_header(x, "Strict-Transport-Security", "max-age=31536000;includeSubDomains");
    if (asked.len > 0 && asked.len < sizeof client_id) {
        (void)snprintf(client_id, sizeof client_id, "%.*s", (int)asked.len,
                       (const char *)asked.ptr);
        emu_set_header(x, "x-ms-client-request-id", client_id);
    }
}

static void hsm_headers(struct emu_exchange *x)
{
    emu_set_header(x, "Cache-Control", "no-cache");
    emu_set_header(x, "Content-Security-Policy", "default-src 'self'");
    emu_set_header(x, "X-Frame-Options", "SAMEORIGIN");
    emu_set_header(x, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    if (x->request.method == EMU_GET)
        emu_set_header(x, "x-ms-build-version", "1.0.20260101-1-emulated");
}

void emu_service_headers(struct emu_exchange *x)
{
    emu_set_header(x, "x-ms-request-id", x->request_id);
    emu_set_header(x, "X-Content-Type-Options", "nosniff");
    if (x->vault && emu_is_hsm(x->vault))
        hsm_headers(x);
    else
        vault_headers(x);
}

/* ---- Texts ---- */

/* A text may quote what a client sent: JSON takes no bytes that are no UTF-8. */
static void make_plain(char *text)
{
    for (char *c = text; *c; c++) {
        bool is_plain = (*c >= 0x20 && *c < 0x7f) || *c == '\r' || *c == '\n';
        *c = is_plain ? *c : '?';
    }
}

/* ---- Errors of a vault ---- */

static void fail_with(struct emu_exchange *x, int status, const char *code, const char *inner,
                      const char *text)
{
    char message[TEXT_MAX_LEN + 64];
    bool is_hsm = x->vault && emu_is_hsm(x->vault);
    (void)snprintf(message, sizeof message, is_hsm ? "%s (Activity ID: %s)" : "%s%.0s", text,
                   x->request_id);
    json_t *error = json_pack("{s:s,s:s}", "code", code, "message", message);
    if (error && inner && !is_hsm)
        (void)json_object_set_new(error, "innererror", json_pack("{s:s}", "code", inner));
    emu_send_json(x, status, json_pack("{s:o}", "error", error));
}

void emu_fail(struct emu_exchange *x, int status, const char *code, const char *inner,
              const char *fmt, ...)
{
    char text[TEXT_MAX_LEN];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_plain(text);
    fail_with(x, status, code, inner, text);
}

void emu_fail_parameter(struct emu_exchange *x, const char *fmt, ...)
{
    char text[TEXT_MAX_LEN];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_plain(text);
    fail_with(x, 400, "BadParameter", NULL, text);
}

void emu_fail_not_found(struct emu_exchange *x, bool deleted)
{
    emu_fail(x, 404, "KeyNotFound", NULL, "%s: no %skey %.*s%s%.*s", "emulated vault",
             deleted ? "deleted " : "", (int)x->name.len, (const char *)x->name.ptr,
             x->version.len > 0 ? "/" : "", (int)x->version.len, (const char *)x->version.ptr);
}

void emu_fail_throttled(struct emu_exchange *x, int64_t wait_s)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)wait_s);
    if (x->emu->settings.sends_retry_after)
        emu_set_header(x, "Retry-After", text);
    emu_fail(x, 429, "Throttled", NULL,
             "the vault's limit for this kind of request is used up: VaultRequestTypeLimitReached");
}

/* Class of failure -> what a vault would have said. */
static const struct {
    kp_status status;
    int http;
    const char *code;
} FAILURES[] = {
    {KP_USAGE, 400, "BadParameter"},         {KP_UNSUPPORTED, 400, "BadParameter"},
    {KP_INTEGRITY, 400, "BadParameter"},     {KP_FORBIDDEN, 403, "Forbidden"},
    {KP_NOT_FOUND, 404, "KeyNotFound"},      {KP_CONFLICT, 409, "Conflict"},
    {KP_THROTTLED, 429, "Throttled"},        {KP_TRANSIENT, 503, "ServiceUnavailable"},
    {KP_TIMEOUT, 503, "ServiceUnavailable"}, {KP_CANCELED, 503, "ServiceUnavailable"},
};

void emu_fail_operation(struct emu_exchange *x, const struct kp_error *error)
{
    for (size_t i = 0; i < sizeof FAILURES / sizeof FAILURES[0]; i++) {
        if ((uint32_t)FAILURES[i].status == error->status) {
            emu_fail(x, FAILURES[i].http, FAILURES[i].code, NULL, "%s", error->text);
            return;
        }
    }
    emu_fail(x, 500, "InternalServerError", NULL, "%s", error->text);
}

/* ---- Errors of the login service ---- */

static void time_text(char out[KPB_TIME_TEXT_LEN])
{
    kpb_time_format(emu_clock_unix_s(), out);
    out[10] = ' ';
}

void emu_fail_login(struct emu_exchange *x, int status, const char *error, long number,
                    const char *fmt, ...)
{
    char text[TEXT_MAX_LEN];
    char now[KPB_TIME_TEXT_LEN];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    make_plain(text);
    time_text(now);
    kp_span asked = emu_request_header(&x->request, "client-request-id");
    json_t *correlation = asked.len > 0 ? emu_json_string(asked) : NULL;
    if (!correlation)
        correlation = json_string(x->request_id);
    json_t *description =
        json_sprintf("AADSTS%ld: %s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", number,
                     text, x->request_id, correlation ? json_string_value(correlation) : "", now);
    emu_send_json(
        x, status,
        json_pack("{s:s,s:o,s:[i],s:s,s:s,s:o,s:o}", "error", error, "error_description",
                  description, "error_codes", (int)number, "timestamp", now, "trace_id",
                  x->request_id, "correlation_id", correlation, "error_uri",
                  json_sprintf("https://login.microsoftonline.com/error?code=%ld", number)));
}
