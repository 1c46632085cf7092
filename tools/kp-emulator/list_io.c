/* Pages of lists and their links. */
#include "tools/kp-emulator/operation.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/bundle.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/regions.h"

#define SITE "emulator.list"
#define TOKEN_MAX_LEN 512u
#define LINK_MAX_LEN 2048u

/* ---- In ---- */

static bool take_page_size(struct emu_exchange *x, struct kp_request *request)
{
    bool found;
    uint32_t size = 0;
    kp_span text = emu_fields_get(&x->request.query, "maxresults", &found);
    for (size_t i = 0; i < text.len && i < 3; i++)
        size = text.ptr[i] >= '0' && text.ptr[i] <= '9' ? size * 10 + (text.ptr[i] - '0') : 1000;
    if (found && (text.len > 2 || size < 1 || size > KP_PAGE_MAX)) {
        emu_fail_parameter(x, "maxresults must be from 1 to %u", KP_PAGE_MAX);
        return false;
    }
    request->page_size = found ? size : KP_PAGE_MAX;
    return true;
}

/* {"NextMarker":"..."} as base64url; the marker is the file vault's page token. */
static bool take_marker(struct emu_exchange *x, struct kp_request *request)
{
    bool found;
    kp_span text = emu_fields_get(&x->request.query, "$skiptoken", &found);
    if (!found)
        return true;
    if (kp_buf_reserve(&x->bytes, text.len) == KP_OK &&
        kpb_base64url_decode(text, &x->bytes) == KP_OK)
        x->body = emu_json_parse(kp_buf_view(&x->bytes));
    const json_t *marker = json_object_get(x->body, "NextMarker");
    request->page_token = emu_json_text(marker);
    if (json_is_string(marker))
        return true;
    emu_fail_parameter(x, "$skiptoken is none that this service gave out");
    return false;
}

/* ---- Out ---- */

static json_t *skip_token(kp_span marker)
{
    kp_buf text;
    json_t *token = NULL;
    json_t *object = json_pack("{s:o}", "NextMarker", emu_json_string(marker));
    kp_buf_init(&text, SITE, TOKEN_MAX_LEN);
    if (object && emu_json_write(object, &text) == KP_OK)
        token = emu_json_base64url(kp_buf_view(&text));
    kp_buf_clear(&text);
    json_decref(object);
    return token;
}

static void append_path(const struct emu_exchange *x, char *out, size_t cap)
{
    size_t len = strlen(out);
    for (size_t i = 0; i < x->request.n_segments && len < cap; i++) {
        kp_span segment = x->request.segments[i];
        int n =
            snprintf(out + len, cap - len, "/%.*s", (int)segment.len, (const char *)segment.ptr);
        len += n > 0 ? (size_t)n : 0;
    }
}

/* A vault names port 443 and the api-version in its links, a Managed HSM does neither. */
static json_t *next_link(const struct emu_exchange *x, kp_span marker)
{
    char url[LINK_MAX_LEN];
    char query[128];
    json_t *token = skip_token(marker);
    kp_span version = emu_fields_get(&x->request.query, "api-version", NULL);
    kp_span size = emu_fields_get(&x->request.query, "maxresults", NULL);
    bool has_port = emu_request_header(&x->request, "Host").len > x->request.host.len;
    bool is_hsm = emu_is_hsm(x->vault);
    emu_base_url(x, url);
    if (!is_hsm && !has_port)
        (void)snprintf(url + strlen(url), sizeof url - strlen(url), ":443");
    append_path(x, url, sizeof url);
    (void)snprintf(query, sizeof query, "%s%.*s%s%.*s", size.len > 0 ? "&maxresults=" : "",
                   (int)size.len, (const char *)size.ptr, "", 0, "");
    json_t *link = is_hsm
                       ? json_sprintf("%s?$skiptoken=%s%s", url, json_string_value(token), query)
                       : json_sprintf("%s?api-version=%.*s&$skiptoken=%s%s", url, (int)version.len,
                                      (const char *)version.ptr, json_string_value(token), query);
    json_decref(token);
    return link;
}

static void send_page(struct emu_exchange *x, json_t *value, bool has_next, kp_span marker)
{
    json_t *page = json_pack("{s:o}", "value", value);
    if (has_next)
        (void)json_object_set_new(page, "nextLink", next_link(x, marker));
    else if (!emu_is_hsm(x->vault))
        (void)json_object_set_new(page, "nextLink", json_null());
    emu_send_json(x, 200, page);
}

void emu_answer_list(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_reply *reply = &result->reply;
    json_t *value = json_array();
    for (uint32_t i = 0; i < reply->n_keys; i++) {
        if (!emu_region_knows(x, reply->keys[i]->name, reply->keys[i]->version))
            continue;
        json_t *item = emu_item(x, reply->keys[i]);
        if (x->operation->op == KP_OP_LIST_DELETED)
            emu_add_deleted(x, reply->keys[i], item);
        (void)json_array_append_new(value, item);
    }
    send_page(x, value, reply->next_page.len > 0, reply->next_page);
}

bool emu_fill_list(struct emu_exchange *x, struct emu_order *order)
{
    bool has_token;
    (void)emu_fields_get(&x->request.query, "$skiptoken", &has_token);
    if (!take_page_size(x, &order->request) || !take_marker(x, &order->request))
        return false;
    if (!x->emu->settings.empty_pages || has_token)
        return true;
    send_page(x, json_array(), true, kpb_span(NULL, 0));
    return false;
}
