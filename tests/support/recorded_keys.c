#include "support/recorded_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "support/recordings.h"

const char *const recorded_names[] = {
    "hsm-aes-cbcpad-lifecycle",
    "hsm-aes-gcm-lifecycle",
    "hsm-aes-known-key",
    "hsm-backup-missing-404",
    "hsm-challenge-create-get",
    "hsm-create-ec",
    "hsm-create-exportable",
    "hsm-create-rsa",
    "hsm-delete-recover",
    "hsm-encrypt-rsa1_5",
    "hsm-exportable-no-policy-400",
    "hsm-list-versions-paged",
    "hsm-random-bytes-400",
    "hsm-random-bytes-challenge",
    "hsm-random-bytes",
    "hsm-release-policy-bad-400",
    "hsm-restore-malformed-400",
    "hsm-rotation-policy-rotate",
    "hsm-sign-hs256-known-key",
    "hsm-update-disable-get",
    "hsm-wrap-a128kw",
    "hsm-wrap-ckm-aes-key-wrap-pad",
    "vault-backup-restore",
    "vault-challenge-create-get",
    "vault-create-being-deleted-409",
    "vault-create-deleted-409",
    "vault-create-ec-p384",
    "vault-create-empty-name-400",
    "vault-create-options",
    "vault-create-release-policy",
    "vault-create-rsa",
    "vault-create-tags",
    "vault-delete-missing-404",
    "vault-delete-poll",
    "vault-double-delete",
    "vault-encrypt-rsa-oaep",
    "vault-encrypt-versionless",
    "vault-exportable-no-policy-400",
    "vault-immutable-policy-400",
    "vault-import-rsa-oaep-known-key",
    "vault-import-rsa",
    "vault-list-deleted-paged",
    "vault-list-keys-paged",
    "vault-list-versions-paged",
    "vault-recover",
    "vault-release",
    "vault-restore-malformed-400",
    "vault-rotate",
    "vault-rotation-policy-default",
    "vault-rotation-policy-missing-404",
    "vault-rotation-policy",
    "vault-rsa-hsm-delete-purge",
    "vault-sign-es256-es256k",
    "vault-sign-es512-lifecycle",
    "vault-sign-rs256-ps256",
    "vault-sign-rs384-ps384",
    "vault-token-dance-recover-missing-404",
    "vault-update",
    "vault-wrap-rsa-oaep-256",
    NULL,
};

/* ---- Spans ---- */

static kp_span keep(struct recorded *r, const void *bytes, size_t len)
{
    size_t from = r->bytes.len;
    assert_int_equal(kp_buf_append(&r->bytes, kpb_span(bytes, len)), KP_OK);
    return kpb_span(r->bytes.ptr + from, len);
}

static kp_span text_of(struct recorded *r, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? keep(r, text, strlen(text)) : kpb_span(NULL, 0);
}

static kp_span bytes_of(struct recorded *r, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t from = r->bytes.len;
    if (!text)
        return kpb_span(NULL, 0);
    assert_int_equal(kpb_base64url_decode(kpb_span_str(text), &r->bytes), KP_OK);
    return kpb_span(r->bytes.ptr + from, r->bytes.len - from);
}

/* ---- Bodies ---- */

static void read_key_ops(struct recorded *r, const json_t *array)
{
    size_t i;
    json_t *value;
    if (!json_is_array(array))
        return;
    r->params.set |= KP_SET_KEY_OPS;
    json_array_foreach(array, i, value) {
        r->params.key_ops |= kp_key_op_from_text(kpb_span_str(json_string_value(value)));
    }
}

static void read_flag(struct recorded *r, const json_t *attributes, const char *name, uint32_t set,
                      uint32_t flag)
{
    const json_t *value = json_object_get(attributes, name);
    if (!json_is_boolean(value))
        return;
    r->params.set |= set;
    r->params.flags |= json_is_true(value) ? flag : 0;
}

static void read_date(struct recorded *r, const json_t *attributes, const char *name, uint32_t set,
                      int64_t *ret)
{
    const json_t *value = json_object_get(attributes, name);
    if (!json_is_integer(value))
        return;
    r->params.set |= set;
    *ret = json_integer_value(value);
}

static void read_attributes(struct recorded *r, const json_t *attributes)
{
    read_flag(r, attributes, "enabled", KP_SET_ENABLED, KP_KEY_ENABLED);
    read_flag(r, attributes, "exportable", KP_SET_EXPORTABLE, KP_KEY_EXPORTABLE);
    read_date(r, attributes, "nbf", KP_SET_NOT_BEFORE, &r->params.not_before_unix_s);
    read_date(r, attributes, "exp", KP_SET_EXPIRES, &r->params.expires_unix_s);
}

static void read_tags(struct recorded *r, json_t *tags)
{
    const char *key;
    json_t *value;
    if (!json_is_object(tags))
        return;
    r->params.set |= KP_SET_TAGS;
    json_object_foreach(tags, key, value) {
        struct kp_tag *tag = &r->tags[r->params.n_tags++];
        tag->name = keep(r, key, strlen(key));
        tag->value = keep(r, json_string_value(value), json_string_length(value));
    }
    r->params.tags = r->tags;
}

static void read_release_policy(struct recorded *r, const json_t *policy)
{
    if (!json_is_object(policy))
        return;
    r->params.set |= KP_SET_RELEASE_POLICY;
    r->params.release_policy = bytes_of(r, policy, "data");
    if (json_object_get(policy, "immutable"))
        r->untold = "an immutable release policy cannot be asked for";
}

static void read_kind(struct recorded *r, const json_t *object)
{
    struct kp_key_params *p = &r->params;
    kp_span kty = text_of(r, object, "kty");
    p->kty = kp_kty_from_text(kty);
    if (p->kty == KP_KTY_NONE) {
        r->untold = "kty AES is our oct-HSM";
        p->kty = KP_KTY_OCT_HSM;
    }
    p->curve = kp_curve_from_text(text_of(r, object, "crv"));
    if (p->kty == KP_KTY_RSA && p->curve != KP_CURVE_NONE)
        r->untold = "an RSA key with a curve cannot be asked for";
    read_key_ops(r, json_object_get(object, "key_ops"));
}

static void read_params(struct recorded *r, const json_t *body)
{
    struct kp_key_params *p = &r->params;
    const json_t *size = json_object_get(body, "key_size");
    const json_t *exponent = json_object_get(body, "public_exponent");
    p->bits = (uint32_t)json_integer_value(size);
    p->public_exponent = (uint64_t)json_integer_value(exponent);
    read_attributes(r, json_object_get(body, "attributes"));
    read_tags(r, json_object_get(body, "tags"));
    read_release_policy(r, json_object_get(body, "release_policy"));
    r->request.params = p;
}

static void read_jwk(struct recorded *r, const json_t *jwk)
{
    struct kp_key_params *p = &r->params;
    read_kind(r, jwk);
    p->n = bytes_of(r, jwk, "n");
    p->e = bytes_of(r, jwk, "e");
    p->d = bytes_of(r, jwk, "d");
    p->p = bytes_of(r, jwk, "p");
    p->q = bytes_of(r, jwk, "q");
    p->dp = bytes_of(r, jwk, "dp");
    p->dq = bytes_of(r, jwk, "dq");
    p->qi = bytes_of(r, jwk, "qi");
    p->x = bytes_of(r, jwk, "x");
    p->y = bytes_of(r, jwk, "y");
    p->k = bytes_of(r, jwk, "k");
}

static void read_use(struct recorded *r, const json_t *body)
{
    struct kp_request *q = &r->request;
    const char *value = q->op == KP_OP_VERIFY ? "digest" : "value";
    q->alg = kp_alg_from_text(text_of(r, body, "alg"));
    q->value = bytes_of(r, body, value);
    q->iv = bytes_of(r, body, "iv");
    q->aad = bytes_of(r, body, "aad");
    q->tag = bytes_of(r, body, "tag");
    if (q->op == KP_OP_VERIFY)
        q->signature = bytes_of(r, body, "value");
}

static void read_policy(struct recorded *r, const json_t *body)
{
    size_t i;
    json_t *action;
    json_array_foreach(json_object_get(body, "lifetimeActions"), i, action) {
        struct kp_rotation_rule *rule = &r->policy.rules[r->policy.n_rules++];
        const json_t *trigger = json_object_get(action, "trigger");
        const char *type =
            json_string_value(json_object_get(json_object_get(action, "action"), "type"));
        rule->action = strcasecmp(type, "rotate") == 0 ? KP_ROTATION_ROTATE : KP_ROTATION_NOTIFY;
        rule->duration = text_of(r, trigger, "timeAfterCreate");
        rule->trigger = rule->duration.len > 0 ? KP_TRIGGER_AFTER_CREATE : KP_TRIGGER_BEFORE_EXPIRY;
        if (rule->duration.len == 0)
            rule->duration = text_of(r, trigger, "timeBeforeExpiry");
    }
    r->policy.expiry = text_of(r, json_object_get(body, "attributes"), "expiryTime");
    r->request.policy = &r->policy;
}

static void read_body(struct recorded *r, const json_t *body)
{
    switch (r->request.op) {
    case KP_OP_CREATE:
        read_kind(r, body);
        read_params(r, body);
        break;
    case KP_OP_IMPORT:
        read_jwk(r, json_object_get(body, "key"));
        read_params(r, body);
        break;
    case KP_OP_UPDATE:
        read_key_ops(r, json_object_get(body, "key_ops"));
        read_params(r, body);
        break;
    case KP_OP_RANDOM:
        r->request.count = (uint32_t)json_integer_value(json_object_get(body, "count"));
        if (json_integer_value(json_object_get(body, "count")) < 0)
            r->untold = "a negative count cannot be asked for";
        break;
    case KP_OP_SET_ROTATION_POLICY:
        read_policy(r, body);
        break;
    case KP_OP_RELEASE:
        r->request.value = text_of(r, body, "target");
        r->request.nonce = text_of(r, body, "nonce");
        r->request.enc = text_of(r, body, "enc");
        break;
    default:
        read_use(r, body);
        break;
    }
}

/* ---- Paths ---- */

#define SEGMENTS_MAX 6u

static const struct {
    const char *method;
    const char *last;
    uint32_t op;
} OPERATIONS[] = {
    {"POST", "create", KP_OP_CREATE},
    {"POST", "backup", KP_OP_BACKUP},
    {"POST", "rotate", KP_OP_ROTATE},
    {"POST", "encrypt", KP_OP_ENCRYPT},
    {"POST", "decrypt", KP_OP_DECRYPT},
    {"POST", "wrapkey", KP_OP_WRAP},
    {"POST", "unwrapkey", KP_OP_UNWRAP},
    {"POST", "sign", KP_OP_SIGN},
    {"POST", "verify", KP_OP_VERIFY},
    {"POST", "release", KP_OP_RELEASE},
    {"GET", "versions", KP_OP_LIST_VERSIONS},
    {"GET", "rotationpolicy", KP_OP_GET_ROTATION_POLICY},
    {"PUT", "rotationpolicy", KP_OP_SET_ROTATION_POLICY},
    {"GET", "attestation", KP_OP_ATTEST},
};

static uint32_t named_op(const char *method, const char *last)
{
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof OPERATIONS[0]; i++) {
        if (strcmp(method, OPERATIONS[i].method) == 0 && strcasecmp(last, OPERATIONS[i].last) == 0)
            return OPERATIONS[i].op;
    }
    return KP_OP_NONE;
}

static uint32_t plain_op(const char *method)
{
    if (strcmp(method, "GET") == 0)
        return KP_OP_GET_KEY;
    if (strcmp(method, "PUT") == 0)
        return KP_OP_IMPORT;
    return strcmp(method, "PATCH") == 0 ? KP_OP_UPDATE : KP_OP_DELETE;
}

static uint32_t deleted_op(const char *method, size_t n)
{
    if (n == 1)
        return KP_OP_LIST_DELETED;
    if (n == 3)
        return KP_OP_RECOVER;
    return strcmp(method, "GET") == 0 ? KP_OP_GET_DELETED : KP_OP_PURGE;
}

static size_t cut_path(char *path, char *segments[SEGMENTS_MAX])
{
    size_t n = 0;
    char *rest = path;
    for (char *at = strtok_r(path, "/", &rest); at && n < SEGMENTS_MAX;
         at = strtok_r(NULL, "/", &rest))
        segments[n++] = at;
    return n;
}

static void read_key_path(struct recorded *r, const char *method, char *segments[], size_t n)
{
    struct kp_request *q = &r->request;
    q->op = named_op(method, segments[n - 1]);
    size_t n_names = q->op == KP_OP_NONE ? n - 1 : n - 2;
    if (q->op == KP_OP_NONE)
        q->op = plain_op(method);
    if (n_names > 0)
        q->name = keep(r, segments[1], strlen(segments[1]));
    if (n_names > 1)
        q->version = keep(r, segments[2], strlen(segments[2]));
}

static void read_path(struct recorded *r, const char *method, char *path)
{
    char *segments[SEGMENTS_MAX];
    size_t n = cut_path(path, segments);
    if (n == 0)
        fail_msg("an empty path");
    else if (strcasecmp(segments[0], "rng") == 0)
        r->request.op = KP_OP_RANDOM;
    else if (strcasecmp(segments[0], "deletedkeys") == 0)
        r->request.op = deleted_op(method, n);
    else if (n == 1)
        r->request.op = KP_OP_LIST_KEYS;
    else if (n == 2 && strcmp(method, "POST") == 0 && strcasecmp(segments[1], "restore") == 0)
        r->request.op = KP_OP_RESTORE;
    else
        read_key_path(r, method, segments, n);
    if (n > 1 && strcasecmp(segments[0], "deletedkeys") == 0)
        r->request.name = keep(r, segments[1], strlen(segments[1]));
}

/* A later page is asked for with the token that stands for its query. */
static void read_query(struct recorded *r, const char *query)
{
    const char *size = strstr(query, "maxresults=");
    const char *version = strstr(query, "api-version=");
    char token[4096];
    char rest[4000];
    (void)snprintf(r->api_version, sizeof r->api_version, "%s", version ? version + 12 : "7.6");
    r->api_version[strcspn(r->api_version, "&")] = '\0';
    if (!strstr(query, "$skiptoken=")) {
        r->request.page_size = size ? (uint32_t)strtoul(size + 11, NULL, 10) : 0;
        return;
    }
    size_t before = version ? (size_t)(version - query) : strlen(query);
    size_t skip = version ? before + 12 + strlen(r->api_version) : before;
    (void)snprintf(rest, sizeof rest, "%.*s%s", (int)before, query, query + skip);
    while (rest[0] && rest[strlen(rest) - 1] == '&')
        rest[strlen(rest) - 1] = '\0';
    int n = snprintf(token, sizeof token, "1.0000000000000000.%s", rest);
    r->request.page_token = keep(r, token, (size_t)n);
}

/* ---- Replies ---- */

static const json_t *find_text(const json_t *value, const char *name)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        if (strcmp(key, name) == 0 && json_is_string(member))
            return member;
        const json_t *found = json_is_array(member)    ? find_text(json_array_get(member, 0), name)
                              : json_is_object(member) ? find_text(member, name)
                                                       : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static void read_base(struct recorded *r, const json_t *body)
{
    static const char *const MEMBERS[] = {"kid", "recoveryId", "nextLink"};
    (void)snprintf(r->base, sizeof r->base, "https://recorded.vault.azure.net");
    for (size_t i = 0; i < 3; i++) {
        const char *text = json_string_value(find_text(body, MEMBERS[i]));
        size_t n = text ? strcspn(text + 8, ":/") + 8 : 0;
        if (!text || strncmp(text, "https://", 8) != 0 || n >= sizeof r->base)
            continue;
        (void)snprintf(r->base, sizeof r->base, "%.*s", (int)n, text);
        return;
    }
}

static bool is_vault_host(const char *host, size_t len)
{
    const kp_span name = kpb_span(host, len);
    return kpb_span_ends_with_nocase(name, ".vault.azure.net") ||
           kpb_span_ends_with_nocase(name, ".managedhsm.azure.net");
}

/* The recorder scrubbed the vault's name in some identifiers of a reply and forgot others. */
static void mend_hosts(struct recorded *r)
{
    kp_buf mended;
    const char *from = r->body;
    kp_buf_init(&mended, "recorded", 1u << 20);
    for (const char *at = strstr(from, "https://"); at; at = strstr(from, "https://")) {
        size_t len = strcspn(at + 8, ":/\"");
        const char *host = is_vault_host(at + 8, len) ? r->base + 8 : NULL;
        assert_int_equal(kp_buf_append(&mended, kpb_span(from, (size_t)(at + 8 - from))), KP_OK);
        assert_int_equal(kp_buf_append(&mended, host ? kpb_span_str(host) : kpb_span(at + 8, len)),
                         KP_OK);
        from = at + 8 + len;
    }
    assert_int_equal(kp_buf_append(&mended, kpb_span(from, strlen(from) + 1)), KP_OK);
    free(r->body);
    r->body = strdup((const char *)mended.ptr);
    kp_buf_clear(&mended);
}

static void read_reply(struct recorded *r, const json_t *exchange)
{
    const char *key;
    json_t *value;
    const json_t *body = json_object_get(exchange, "response_body");
    json_object_foreach(json_object_get(exchange, "response_headers"), key, value) {
        assert_true(r->reply.n_headers < RECORDED_HEADERS_MAX);
        struct kp_http_header *header = &r->headers[r->reply.n_headers++];
        header->name = kpb_span_str(key);
        header->value = kpb_span_str(json_string_value(value));
    }
    r->reply.struct_size = sizeof r->reply;
    r->reply.headers = r->headers;
    r->reply.http_status = (uint32_t)json_integer_value(json_object_get(exchange, "status"));
    r->body = json_is_null(body) ? strdup("") : recordings_reply(exchange);
    read_base(r, body);
    mend_hosts(r);
    r->reply.body = kpb_span_str(r->body);
}

bool recorded_read(const json_t *exchange, struct recorded *ret)
{
    const char *path = recordings_text(exchange, "path");
    char copy[4096];
    const json_t *body = json_object_get(exchange, "request_body");
    if (strncmp(path, "VAULT/", 6) != 0 && strncmp(path, "HSM/", 4) != 0)
        return false;
    memset(ret, 0, sizeof *ret);
    kp_buf_init(&ret->bytes, "recorded", 1u << 20);
    assert_int_equal(kp_buf_reserve(&ret->bytes, 1u << 19), KP_OK);
    ret->request.struct_size = sizeof ret->request;
    ret->params.struct_size = sizeof ret->params;
    ret->params.not_before_unix_s = KP_TIME_NONE;
    ret->params.expires_unix_s = KP_TIME_NONE;
    ret->policy.struct_size = sizeof ret->policy;
    assert_true(snprintf(copy, sizeof copy, "%s", strchr(path, '/')) < (int)sizeof copy);
    char *query = strchr(copy, '?');
    if (query)
        *query++ = '\0';
    read_query(ret, query ? query : "");
    read_path(ret, recordings_text(exchange, "method"), copy);
    if (json_is_object(body)) /* not so in a 401 to an empty question, or where it was not kept */
        read_body(ret, body);
    read_reply(ret, exchange);
    return true;
}

void recorded_clear(struct recorded *recorded)
{
    kp_buf_clear(&recorded->bytes);
    free(recorded->body);
    recorded->body = NULL;
}
