/*
 * Exchanges that real vaults and Managed HSMs took part in: each request we build equals the
 * recorded one (apart from letter case of the operation, empty path segments, api-version, null and
 * empty members), each reply reads as what it says, each refusal is judged by its status and codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/message.h"
#include "support/recorded_keys.h"
#include "support/recordings.h"

typedef void each_fn(const json_t *exchange, struct recorded *r, const char *where);

static unsigned each_exchange(each_fn *each)
{
    unsigned n_seen = 0;
    for (size_t i = 0; recorded_names[i]; i++) {
        size_t n;
        json_t *all = recordings_load(recorded_names[i], &n);
        for (size_t j = 0; j < n; j++) {
            struct recorded r;
            char where[128];
            (void)snprintf(where, sizeof where, "%s, exchange %zu", recorded_names[i], j + 1);
            if (!recorded_read(json_array_get(all, j), &r))
                continue;
            each(json_array_get(all, j), &r, where);
            recorded_clear(&r);
            n_seen++;
        }
        json_decref(all);
    }
    return n_seen;
}

/* ---- Requests ---- */

/* Path in lower case where it names an operation, without empty segments. */
static void normal_path(const char *url, char *out, size_t cap)
{
    size_t n = 0;
    const char *end = url + strcspn(url, "?");
    for (const char *at = strchr(url, '/'); at < end && n + 1 < cap; at++) {
        if (*at == '/' && (at + 1 == end || at[1] == '/'))
            continue;
        out[n++] = *at;
    }
    out[n] = '\0';
    char *last = strrchr(out, '/');
    for (char *at = last ? last : out; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
}

static bool has_parameter(const char *query, const char *parameter, size_t len)
{
    for (const char *at = query; at; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, parameter, len) == 0 && (at[len] == '&' || at[len] == '\0'))
            return true;
    }
    return false;
}

/* Every parameter of one is in the other, in any order. */
static void assert_within(const char *a, const char *b, const char *where)
{
    for (const char *at = a; *at;) {
        size_t n = strcspn(at, "&");
        if (n > 0 && strncmp(at, "api-version=", 12) != 0 && !has_parameter(b, at, n))
            fail_msg("%s: parameter %.*s of '%s' is not in '%s'", where, (int)n, at, a, b);
        at += n + (at[n] == '&');
    }
}

static const char *query_of(const char *url)
{
    const char *query = strchr(url, '?');
    return query ? query + 1 : "";
}

static bool is_number_name(const char *name)
{
    static const char *const NAMES[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    }
    return false;
}

/* base64url as bytes in hex; integers without leading zeros, whatever their text has. */
static json_t *normal_bytes(const char *text, bool is_number)
{
    kp_buf bytes;
    kp_buf_init(&bytes, "test", 65536);
    if (kpb_base64url_decode(kpb_span_str(text), &bytes) != KP_OK) {
        kp_buf_clear(&bytes);
        return json_string(text);
    }
    kp_span view = kp_buf_view(&bytes);
    while (is_number && view.len > 1 && view.ptr[0] == 0)
        view = kpb_span(view.ptr + 1, view.len - 1);
    char *hex = calloc(2, view.len + 1);
    assert_non_null(hex);
    kpb_hex_encode(view, hex);
    json_t *normal = json_string(hex);
    free(hex);
    kp_buf_clear(&bytes);
    return normal;
}

static json_t *normal_value(const char *name, json_t *value, bool in_key);

static bool is_bytes_name(const char *name)
{
    return strcmp(name, "value") == 0 || strcmp(name, "data") == 0;
}

static json_t *normal_text(const char *name, const json_t *value, bool in_key)
{
    const char *text = json_string_value(value);
    if (strcmp(name, "type") == 0)
        return json_string(strcasecmp(text, "rotate") == 0 ? "rotate" : "notify");
    if (is_bytes_name(name) || (in_key && is_number_name(name)))
        return normal_bytes(text, in_key);
    return json_string(text);
}

static json_t *normal_object(json_t *object, bool in_key)
{
    json_t *normal = json_object();
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        bool is_nothing = json_is_null(value) ||
                          (strcmp(name, "attributes") == 0 && json_object_size(value) == 0);
        bool is_default = strcmp(name, "contentType") == 0;
        if (!is_nothing && !is_default)
            json_object_set_new(normal, name,
                                normal_value(name, value, in_key || strcmp(name, "key") == 0));
    }
    return normal;
}

static json_t *normal_value(const char *name, json_t *value, bool in_key)
{
    size_t i;
    json_t *element;
    if (json_is_string(value))
        return normal_text(name, value, in_key);
    if (json_is_object(value))
        return normal_object(value, in_key);
    if (!json_is_array(value))
        return json_incref(value);
    json_t *normal = json_array();
    json_array_foreach(value, i, element) {
        json_array_append_new(normal, normal_value("", element, in_key));
    }
    return normal;
}

/* key_ops are a set: ours come in our own order. */
static void sort_key_ops(json_t *object)
{
    json_t *ops = json_object_get(object, "key_ops");
    uint32_t mask = 0;
    size_t i;
    json_t *value;
    json_array_foreach(ops, i, value) {
        mask |= kp_key_op_from_text(kpb_span_str(json_string_value(value)));
    }
    if (ops)
        json_object_set_new(object, "key_ops", json_integer(mask));
}

static json_t *normal_body(json_t *body)
{
    json_t *normal = normal_object(body, false);
    sort_key_ops(normal);
    sort_key_ops(json_object_get(normal, "key"));
    json_object_del(normal, "Hsm"); /* implied by the HSM, and by the key's type */
    return normal;
}

static void assert_same_body(const struct azr_message *m, json_t *recorded, const char *where)
{
    json_error_t error;
    json_t *ours =
        json_loadb((const char *)m->body.ptr, m->body.len, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(ours);
    json_t *a = normal_body(ours);
    json_t *b = normal_body(recorded);
    char *ours_text = json_dumps(a, JSON_SORT_KEYS);
    char *recorded_text = json_dumps(b, JSON_SORT_KEYS);
    if (!json_equal(a, b))
        fail_msg("%s: body %s, recorded %s", where, ours_text, recorded_text);
    free(ours_text);
    free(recorded_text);
    json_decref(a);
    json_decref(b);
    json_decref(ours);
}

static void assert_same_url(const struct azr_message *m, const struct recorded *r, const char *path,
                            const char *where)
{
    char ours[4096];
    char a[1024];
    char b[1024];
    assert_true(snprintf(ours, sizeof ours, "%.*s", (int)m->url.len, (const char *)m->url.ptr) <
                (int)sizeof ours);
    assert_true(strncmp(ours, r->base, strlen(r->base)) == 0);
    normal_path(ours + strlen(r->base), a, sizeof a);
    normal_path(path, b, sizeof b);
    if (strcmp(a, b) != 0)
        fail_msg("%s: path %s, recorded %s", where, a, b);
    assert_within(query_of(ours), query_of(path), where);
    assert_within(query_of(path), query_of(ours), where);
    assert_true(has_parameter(query_of(ours), "api-version=7.6", 15));
}

static unsigned n_built;
static unsigned n_untold;

static void request_equals(const json_t *exchange, struct recorded *r, const char *where)
{
    const struct azr_site site = {r->base, "7.6"};
    struct azr_message message;
    struct kp_error error = {0};
    json_t *body = json_object_get(exchange, "request_body");
    azr_message_init(&message);
    kp_status st = azr_message_build(&site, &r->request, &message, &error);
    if (r->untold) {
        n_untold++;
    } else if (r->request.op == KP_OP_CREATE && r->request.name.len == 0) {
        assert_int_equal(st, KP_USAGE); /* /keys//create: the service refuses it, too */
    } else if (st != KP_OK && json_is_object(body)) {
        fail_msg("%s: %s", where, error.text);
    } else if (st == KP_OK) {
        n_built++;
        assert_string_equal(message.method, recordings_text(exchange, "method"));
        assert_same_url(&message, r, recordings_text(exchange, "path"), where);
        if (json_is_object(body))
            assert_same_body(&message, body, where);
    }
    azr_message_clear(&message);
}

static void recorded_requests_equal_ours(void **state)
{
    (void)state;
    recordings_need();
    n_built = 0;
    n_untold = 0;
    unsigned n = each_exchange(request_equals);
    print_message("%u exchanges, %u requests built and compared, %u beyond our API\n", n, n_built,
                  n_untold);
    assert_true(n_built > 150);
    assert_in_range(n_untold, 1, 8);
}

/* ---- Replies ---- */

static void assert_text(kp_span ours, const json_t *object, const char *name, const char *where)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!kpb_span_eq_str(ours, text ? text : ""))
        fail_msg("%s: %s is '%.*s', recorded '%s'", where, name, (int)ours.len,
                 (const char *)ours.ptr, text ? text : "");
}

static void assert_bytes(kp_span ours, const json_t *object, const char *name, const char *where)
{
    kp_buf bytes;
    const char *text = json_string_value(json_object_get(object, name));
    kp_buf_init(&bytes, "test", 1u << 20);
    assert_int_equal(kpb_base64url_decode(kpb_span_str(text ? text : ""), &bytes), KP_OK);
    if (!kpb_span_eq(ours, kp_buf_view(&bytes)))
        fail_msg("%s: %s differs", where, name);
    kp_buf_clear(&bytes);
}

static void assert_date(int64_t ours, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_int_equal(ours, json_is_integer(value) ? json_integer_value(value) : KP_TIME_NONE);
}

static void assert_same_number(kp_span ours, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        return;
    json_t *wanted = normal_bytes(text, true);
    char hex[2 * 1024 + 1];
    assert_true(ours.len > 0 && ours.len <= 1024);
    kpb_hex_encode(ours, hex);
    assert_string_equal(hex, json_string_value(wanted));
    json_decref(wanted);
}

/* A kid's last or last but one segment. */
static void assert_names(const struct kp_key_info *info, const char *kid)
{
    char text[600];
    const char *keys = strstr(kid, "keys/");
    assert_non_null(keys);
    (void)snprintf(text, sizeof text, "%.*s%s%.*s", (int)info->name.len,
                   (const char *)info->name.ptr, info->version.len > 0 ? "/" : "",
                   (int)info->version.len, (const char *)info->version.ptr);
    assert_string_equal(text, keys + 5);
    assert_true(kpb_span_eq_str(info->kid, kid));
}

static void assert_common(const struct kp_key_info *info, const json_t *object, const char *where)
{
    const json_t *attributes = json_object_get(object, "attributes");
    const json_t *tags = json_object_get(object, "tags");
    assert_int_equal((info->flags & KP_KEY_ENABLED) != 0,
                     json_is_true(json_object_get(attributes, "enabled")));
    assert_int_equal((info->flags & KP_KEY_EXPORTABLE) != 0,
                     json_is_true(json_object_get(attributes, "exportable")));
    assert_int_equal((info->flags & KP_KEY_MANAGED) != 0,
                     json_is_true(json_object_get(object, "managed")));
    assert_date(info->not_before_unix_s, attributes, "nbf");
    assert_date(info->expires_unix_s, attributes, "exp");
    assert_date(info->created_unix_s, attributes, "created");
    assert_date(info->updated_unix_s, attributes, "updated");
    assert_date(info->deleted_unix_s, object, "deletedDate");
    assert_date(info->scheduled_purge_unix_s, object, "scheduledPurgeDate");
    assert_text(info->recovery_level, attributes, "recoveryLevel", where);
    assert_text(info->hsm_platform, attributes, "hsmPlatform", where);
    assert_text(info->recovery_id, object, "recoveryId", where);
    assert_int_equal(info->recoverable_days,
                     json_integer_value(json_object_get(attributes, "recoverableDays")));
    assert_int_equal(info->n_tags, json_object_size(tags));
    for (uint32_t i = 0; i < info->n_tags; i++) {
        char name[KP_TAG_MAX_LEN + 1];
        (void)snprintf(name, sizeof name, "%.*s", (int)info->tags[i].name.len,
                       (const char *)info->tags[i].name.ptr);
        assert_text(info->tags[i].value, tags, name, where);
    }
    assert_bytes(info->release_policy, json_object_get(object, "release_policy"), "data", where);
}

static void assert_key(const struct kp_reply *reply, const json_t *body, const char *where)
{
    const struct kp_key_info *info = reply->key;
    const json_t *jwk = json_object_get(body, "key");
    size_t i;
    json_t *op;
    uint32_t ops = 0;
    assert_non_null(info);
    assert_names(info, json_string_value(json_object_get(jwk, "kid")));
    assert_true(kpb_span_eq(reply->version, info->version) && info->version.len > 0);
    assert_string_equal(kp_kty_text(info->kty), json_string_value(json_object_get(jwk, "kty")));
    if (json_object_get(jwk, "x")) /* the service says a curve back that an RSA key was sent with */
        assert_string_equal(kp_curve_text(info->curve),
                            json_string_value(json_object_get(jwk, "crv")));
    json_array_foreach(json_object_get(jwk, "key_ops"), i, op) {
        ops |= kp_key_op_from_text(kpb_span_str(json_string_value(op)));
    }
    assert_int_equal(info->key_ops, ops);
    assert_same_number(info->n, jwk, "n");
    assert_same_number(info->e, jwk, "e");
    assert_bytes(info->x, jwk, "x", where);
    assert_bytes(info->y, jwk, "y", where);
    if (info->n.len > 0)
        assert_int_equal(info->bits, info->n.len * 8);
    assert_common(info, body, where);
}

static void assert_list(const struct kp_reply *reply, const json_t *body, const char *where)
{
    const json_t *items = json_object_get(body, "value");
    assert_int_equal(reply->n_keys, json_array_size(items));
    for (uint32_t i = 0; i < reply->n_keys; i++) {
        const json_t *item = json_array_get(items, i);
        assert_names(reply->keys[i], json_string_value(json_object_get(item, "kid")));
        assert_common(reply->keys[i], item, where);
    }
    assert_int_equal(reply->next_page.len > 0, json_is_string(json_object_get(body, "nextLink")));
}

static void assert_policy(const struct kp_rotation_policy *policy, const json_t *body,
                          const char *where)
{
    const json_t *actions = json_object_get(body, "lifetimeActions");
    const json_t *attributes = json_object_get(body, "attributes");
    assert_int_equal(policy->n_rules, json_array_size(actions));
    for (uint32_t i = 0; i < policy->n_rules; i++) {
        const struct kp_rotation_rule *rule = &policy->rules[i];
        const json_t *action = json_array_get(actions, i);
        const char *type =
            json_string_value(json_object_get(json_object_get(action, "action"), "type"));
        assert_text(rule->duration, json_object_get(action, "trigger"),
                    rule->trigger == KP_TRIGGER_AFTER_CREATE ? "timeAfterCreate"
                                                             : "timeBeforeExpiry",
                    where);
        assert_int_equal(rule->action,
                         strcasecmp(type, "rotate") == 0 ? KP_ROTATION_ROTATE : KP_ROTATION_NOTIFY);
    }
    assert_text(policy->expiry, attributes, "expiryTime", where);
    assert_date(policy->created_unix_s, attributes, "created");
    assert_date(policy->updated_unix_s, attributes, "updated");
}

static void assert_use(const struct kp_reply *reply, const struct kp_request *request,
                       const json_t *body, const char *where)
{
    const char *kid = json_string_value(json_object_get(body, "kid"));
    assert_int_equal(reply->alg, request->alg);
    assert_true(reply->version.len > 0);
    if (kid) {
        assert_true(kpb_span_eq_str(reply->kid, kid));
        assert_int_equal(strlen(kid) - (size_t)(strrchr(kid, '/') + 1 - kid), reply->version.len);
    }
    if (request->op == KP_OP_VERIFY) {
        assert_int_equal(reply->flags == KP_REPLY_VERIFIED,
                         json_is_true(json_object_get(body, "value")));
        return;
    }
    assert_bytes(reply->value, body, "value", where);
    if (request->op == KP_OP_ENCRYPT) {
        assert_bytes(reply->iv, body, "iv", where);
        assert_bytes(reply->tag, body, "tag", where);
        assert_true(kpb_span_eq(reply->aad, request->aad));
    }
}

static void assert_reply(const struct kp_reply *reply, const struct kp_request *request,
                         const json_t *body, const char *where)
{
    uint32_t traits = kp_op_traits(request->op);
    if (request->op == KP_OP_PURGE)
        return;
    if (traits & KP_TRAIT_PAYLOAD)
        assert_use(reply, request, body, where);
    else if (json_is_array(json_object_get(body, "value")))
        assert_list(reply, body, where);
    else if (json_object_get(body, "lifetimeActions"))
        assert_policy(reply->policy, body, where);
    else if (json_object_get(body, "key"))
        assert_key(reply, body, where);
    else if (request->op == KP_OP_RELEASE)
        assert_text(reply->value, body, "value", where);
    else
        assert_bytes(reply->value, body, "value", where);
}

static unsigned n_read;

static void reply_reads(const json_t *exchange, struct recorded *r, const char *where)
{
    struct azr_answer *answer = calloc(1, sizeof *answer);
    struct kp_error error = {0};
    json_t *body = json_loads(r->body, JSON_DECODE_ANY, NULL);
    (void)exchange;
    assert_non_null(answer);
    azr_answer_init(answer);
    if (r->reply.http_status == 200 || r->reply.http_status == 204) {
        if (azr_answer_read(r->base, &r->request, r->reply.body, answer, &error) != KP_OK)
            fail_msg("%s: %s", where, error.text);
        assert_reply(&answer->reply, &r->request, body, where);
        n_read++;
    }
    azr_answer_clear(answer);
    free(answer);
    json_decref(body);
}

static void recorded_replies_read_as_they_say(void **state)
{
    (void)state;
    recordings_need();
    n_read = 0;
    (void)each_exchange(reply_reads);
    print_message("%u replies read\n", n_read);
    assert_true(n_read > 120);
}

/* ---- Refusals ---- */

static unsigned n_judged;

static kp_status wanted_status(const struct recorded *r, const char *code)
{
    switch (r->reply.http_status) {
    case 400:
        return strstr(code, "alformed") ? KP_INTEGRITY : KP_USAGE;
    case 401:
        return KP_AUTH;
    case 404:
        return KP_NOT_FOUND;
    case 409:
        return KP_CONFLICT;
    default:
        return KP_OK;
    }
}

static void refusal_is_judged(const json_t *exchange, struct recorded *r, const char *where)
{
    const struct azr_exchange x = {.base = r->base, .request = &r->request};
    const json_t *body = json_object_get(exchange, "response_body");
    const json_t *error = json_object_get(body, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *inner =
        json_string_value(json_object_get(json_object_get(error, "innererror"), "code"));
    enum azr_trouble trouble;
    struct kp_error err;
    if (r->reply.http_status < 300)
        return;
    n_judged++;
    kp_status st = azr_judge(&x, &r->reply, &trouble, &err);
    if (st != wanted_status(r, code ? code : ""))
        fail_msg("%s: judged %s: %s", where, kp_status_text(st), err.text);
    assert_int_equal(err.http_status, r->reply.http_status);
    assert_int_equal(err.exposure, KP_ANSWERED_REFUSED);
    assert_true(!code || strstr(err.text, code));
    assert_true(!inner || strstr(err.text, inner));
    assert_int_equal(trouble == AZR_TROUBLE_BEING_DELETED,
                     inner && strcmp(inner, "ObjectIsBeingDeleted") == 0);
    assert_int_equal(trouble == AZR_TROUBLE_DELETED_RECOVERABLE,
                     inner && strcmp(inner, "ObjectIsDeletedButRecoverable") == 0);
    const char *id = recordings_header(exchange, "x-ms-request-id");
    assert_string_equal(err.request_id, id && strlen(id) < KP_REQUEST_ID_LEN ? id : "");
}

static void recorded_refusals_are_judged_by_status_and_code(void **state)
{
    (void)state;
    recordings_need();
    n_judged = 0;
    (void)each_exchange(refusal_is_judged);
    print_message("%u refusals judged\n", n_judged);
    assert_true(n_judged > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_equal_ours),
        cmocka_unit_test(recorded_replies_read_as_they_say),
        cmocka_unit_test(recorded_refusals_are_judged_by_status_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
