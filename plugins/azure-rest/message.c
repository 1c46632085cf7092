#include "plugins/azure-rest/message.h"

#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/message_body.h"
#include "plugins/azure-rest/page.h"

#define URL_SITE "azure-rest.url"
#define BODY_SITE "azure-rest.body"
#define API_VERSION_MAX_LEN 32u

void azr_message_init(struct azr_message *message)
{
    message->method = NULL;
    message->has_body = false;
    kp_buf_init(&message->url, URL_SITE, AZR_URL_MAX_LEN);
    kp_buf_init_secret(&message->body, BODY_SITE, AZR_BODY_MAX_LEN);
}

void azr_message_clear(struct azr_message *message)
{
    kp_buf_clear(&message->url);
    kp_buf_clear(&message->body);
}

/* ---- Paths: one row per operation ---- */

/*
 * %n: the key's name; %v: "/" and its version, or nothing for the current one. Every URL ends in
 * ?api-version=7.6; lists add &maxresults=N or what a page token says.
 */
static const struct row {
    const char *method;
    const char *path;
    enum azr_body body;
} ROWS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = {"GET", "/keys/%n%v", AZR_BODY_NONE},
    [KP_OP_LIST_KEYS] = {"GET", "/keys", AZR_BODY_NONE},
    [KP_OP_LIST_VERSIONS] = {"GET", "/keys/%n/versions", AZR_BODY_NONE},
    [KP_OP_CREATE] = {"POST", "/keys/%n/create", AZR_BODY_CREATE},
    [KP_OP_IMPORT] = {"PUT", "/keys/%n", AZR_BODY_IMPORT},
    [KP_OP_IMPORT_BYOK] = {"PUT", "/keys/%n", AZR_BODY_IMPORT},
    [KP_OP_UPDATE] = {"PATCH", "/keys/%n%v", AZR_BODY_UPDATE},
    [KP_OP_DELETE] = {"DELETE", "/keys/%n", AZR_BODY_NONE},
    [KP_OP_GET_DELETED] = {"GET", "/deletedkeys/%n", AZR_BODY_NONE},
    [KP_OP_LIST_DELETED] = {"GET", "/deletedkeys", AZR_BODY_NONE},
    [KP_OP_RECOVER] = {"POST", "/deletedkeys/%n/recover", AZR_BODY_NONE},
    [KP_OP_PURGE] = {"DELETE", "/deletedkeys/%n", AZR_BODY_NONE},
    [KP_OP_BACKUP] = {"POST", "/keys/%n/backup", AZR_BODY_NONE},
    [KP_OP_RESTORE] = {"POST", "/keys/restore", AZR_BODY_BLOB},
    [KP_OP_ROTATE] = {"POST", "/keys/%n/rotate", AZR_BODY_NONE},
    [KP_OP_GET_ROTATION_POLICY] = {"GET", "/keys/%n/rotationpolicy", AZR_BODY_NONE},
    [KP_OP_SET_ROTATION_POLICY] = {"PUT", "/keys/%n/rotationpolicy", AZR_BODY_POLICY},
    [KP_OP_ENCRYPT] = {"POST", "/keys/%n%v/encrypt", AZR_BODY_CRYPT},
    [KP_OP_DECRYPT] = {"POST", "/keys/%n%v/decrypt", AZR_BODY_CRYPT},
    [KP_OP_WRAP] = {"POST", "/keys/%n%v/wrapkey", AZR_BODY_CRYPT},
    [KP_OP_UNWRAP] = {"POST", "/keys/%n%v/unwrapkey", AZR_BODY_CRYPT},
    [KP_OP_SIGN] = {"POST", "/keys/%n%v/sign", AZR_BODY_CRYPT},
    [KP_OP_VERIFY] = {"POST", "/keys/%n%v/verify", AZR_BODY_VERIFY},
    [KP_OP_RANDOM] = {"POST", "/rng", AZR_BODY_RANDOM},
    [KP_OP_RELEASE] = {"POST", "/keys/%n%v/release", AZR_BODY_RELEASE},
    [KP_OP_ATTEST] = {"GET", "/keys/%n%v/attestation", AZR_BODY_NONE},
};

/* ---- URLs ---- */

static bool is_list(uint32_t op)
{
    return op == KP_OP_LIST_KEYS || op == KP_OP_LIST_VERSIONS || op == KP_OP_LIST_DELETED;
}

/* Length of what append_path writes, at most. */
static size_t path_room(const char *path, const struct kp_request *request)
{
    return strlen(path) + request->name.len + request->version.len + 1;
}

static kp_status append_version(kp_buf *url, kp_span version)
{
    if (version.len == 0)
        return KP_OK;
    kp_status st = kp_buf_append_byte(url, '/');
    return st == KP_OK ? kp_buf_append(url, version) : st;
}

static kp_status append_path(kp_buf *url, const char *path, const struct kp_request *request)
{
    kp_status st = KP_OK;
    for (const char *at = path; st == KP_OK && *at; at++) {
        if (*at != '%') {
            st = kp_buf_append_byte(url, (uint8_t)*at);
            continue;
        }
        at++;
        st = *at == 'n' ? kp_buf_append(url, request->name) : append_version(url, request->version);
    }
    return st;
}

/* What stands behind api-version: "&maxresults=5", or the parameters of a later page. */
static kp_status append_rest(kp_buf *url, const char *more, kp_span query)
{
    kp_status st = kp_buf_append_str(url, more);
    if (st == KP_OK && query.len > 0)
        st = kp_buf_append_byte(url, '&');
    return st == KP_OK ? kp_buf_append(url, query) : st;
}

static kp_status write_url(const struct azr_site *site, const char *path,
                           const struct kp_request *request, const char *more, kp_span query,
                           kp_buf *url)
{
    static const char VERSION[] = "?api-version=";
    kp_buf_reset(url);
    kp_status st =
        kp_buf_reserve(url, strlen(site->base) + path_room(path, request) + sizeof VERSION +
                                strlen(site->api_version) + strlen(more) + query.len + 1);
    if (st == KP_OK)
        st = kp_buf_append_str(url, site->base);
    if (st == KP_OK)
        st = append_path(url, path, request);
    if (st == KP_OK)
        st = kp_buf_append_str(url, VERSION);
    if (st == KP_OK)
        st = kp_buf_append_str(url, site->api_version);
    return st == KP_OK ? append_rest(url, more, query) : st;
}

/* A later page says its size itself. Left away, the service takes its largest, 25. */
static void write_page_size(const struct kp_request *request, const struct azr_page *page,
                            char out[24])
{
    out[0] = '\0';
    if (is_list(request->op) && page->count == 0 && request->page_size > 0)
        (void)snprintf(out, 24, "&maxresults=%u", (unsigned)request->page_size);
}

/* ---- The whole ---- */

/* 7.6, 7.6-preview.2, 2025-07-01 */
static bool is_api_version(const char *text)
{
    size_t n = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz.-");
    return n > 0 && n <= API_VERSION_MAX_LEN && text[n] == '\0';
}

static kp_status check(const struct azr_site *site, const struct kp_request *r,
                       struct kp_error *reterr)
{
    bool needs_key = (kp_op_traits(r->op) & KP_TRAIT_NEEDS_KEY) != 0;
    if (!is_api_version(site->api_version))
        return kpb_fail(reterr, KP_CONFIG,
                        "api_version is no version of the service such as 7.6 or 2025-07-01");
    if (needs_key && !kpb_is_key_name(r->name))
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "%s: a key name is 1 to 127 letters, digits and hyphens",
                             kp_op_text(r->op));
    if (needs_key && r->version.len > 0 && !kpb_is_key_version(r->version))
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "%s: a key version is 1 to %u letters, digits and hyphens",
                             kp_op_text(r->op), KP_KEY_VERSION_MAX_LEN);
    return KP_OK;
}

static kp_status end_build(kp_status st, uint32_t op, enum azr_fault fault, struct kp_error *reterr)
{
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_USAGE, "%s: the request is larger than the protocol allows",
                        kp_op_text(op));
    if (st != KP_OK)
        return kpb_fail_code(reterr, st, azr_fault_code(op, fault),
                             "%s: no memory for the request at %s", kp_op_text(op),
                             fault == AZR_FAULT_URL_MEMORY ? URL_SITE : BODY_SITE);
    return KP_OK;
}

static kp_status write_message(const struct azr_site *site, const struct row *row,
                               const struct kp_request *request, const struct azr_page *page,
                               struct azr_message *message, struct kp_error *reterr)
{
    char more[24];
    write_page_size(request, page, more);
    message->method = row->method;
    message->has_body = row->body != AZR_BODY_NONE;
    kp_status st = write_url(site, row->path, request, more, page->query, &message->url);
    if (st != KP_OK)
        return end_build(st, request->op, AZR_FAULT_URL_MEMORY, reterr);
    st = azr_body_write(row->body, request, &message->body);
    return end_build(st, request->op, AZR_FAULT_BODY_MEMORY, reterr);
}

kp_status azr_message_build(const struct azr_site *site, const struct kp_request *request,
                            struct azr_message *message, struct kp_error *reterr)
{
    struct azr_page page = {0};
    if (request->op > KP_OP_MAX || !ROWS[request->op].path)
        return kpb_fail(reterr, KP_UNSUPPORTED, "the service has no request for %s",
                        kp_op_text(request->op));
    const struct row *row = &ROWS[request->op];
    kp_status st = check(site, request, reterr);
    if (st == KP_OK)
        st = azr_body_check(row->body, request, reterr);
    if (st == KP_OK && is_list(request->op))
        st = azr_page_read(request->page_token, &page, reterr);
    return st == KP_OK ? write_message(site, row, request, &page, message, reterr) : st;
}

kp_status azr_message_look(const struct azr_site *site, const struct kp_request *request,
                           struct azr_message *message, struct kp_error *reterr)
{
    const struct kp_request look = {.struct_size = sizeof look,
                                    .op = request->op == KP_OP_DELETE ? KP_OP_GET_DELETED
                                                                      : KP_OP_GET_KEY,
                                    .name = request->name};
    return azr_message_build(site, &look, message, reterr);
}

kp_status azr_message_probe(const struct azr_site *site, struct azr_message *message,
                            struct kp_error *reterr)
{
    const struct kp_request probe = {
        .struct_size = sizeof probe, .op = KP_OP_LIST_KEYS, .page_size = 1};
    return azr_message_build(site, &probe, message, reterr);
}
