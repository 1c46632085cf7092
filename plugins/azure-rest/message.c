#include "plugins/azure-rest/message.h"

#include <inttypes.h>
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/json_write.h"
#include "plugins/azure-rest/page.h"

#define SITE "azure-rest.message"

void azr_message_init(struct azr_message *message)
{
    message->method = NULL;
    message->has_body = false;
    kp_buf_init(&message->url, SITE, AZR_URL_MAX_LEN);
    kp_buf_init_secret(&message->body, SITE, AZR_BODY_MAX_LEN);
}

void azr_message_clear(struct azr_message *message)
{
    kp_buf_clear(&message->url);
    kp_buf_clear(&message->body);
}

/* ---- Paths: one row per operation ---- */

/* %n: key name; %v: "/" and version, or nothing. body: what the request's body is made of. */
enum body_kind {
    BODY_NONE = 0,
    BODY_EMPTY, /* none, but the length is said */
    BODY_CREATE,
    BODY_IMPORT,
    BODY_UPDATE,
    BODY_BLOB,
    BODY_CRYPT,
    BODY_SIGN,
    BODY_VERIFY,
    BODY_RELEASE,
    BODY_RANDOM,
    BODY_POLICY
};

static const struct {
    const char *method;
    const char *path;
    enum body_kind body;
} ROWS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = {"GET", "/keys/%n%v", BODY_NONE},
    [KP_OP_LIST_KEYS] = {"GET", "/keys", BODY_NONE},
    [KP_OP_LIST_VERSIONS] = {"GET", "/keys/%n/versions", BODY_NONE},
    [KP_OP_CREATE] = {"POST", "/keys/%n/create", BODY_CREATE},
    [KP_OP_IMPORT] = {"PUT", "/keys/%n", BODY_IMPORT},
    [KP_OP_UPDATE] = {"PATCH", "/keys/%n%v", BODY_UPDATE},
    [KP_OP_DELETE] = {"DELETE", "/keys/%n", BODY_NONE},
    [KP_OP_GET_DELETED] = {"GET", "/deletedkeys/%n", BODY_NONE},
    [KP_OP_LIST_DELETED] = {"GET", "/deletedkeys", BODY_NONE},
    [KP_OP_RECOVER] = {"POST", "/deletedkeys/%n/recover", BODY_EMPTY},
    [KP_OP_PURGE] = {"DELETE", "/deletedkeys/%n", BODY_NONE},
    [KP_OP_BACKUP] = {"POST", "/keys/%n/backup", BODY_EMPTY},
    [KP_OP_RESTORE] = {"POST", "/keys/restore", BODY_BLOB},
    [KP_OP_ROTATE] = {"POST", "/keys/%n/rotate", BODY_EMPTY},
    [KP_OP_GET_ROTATION_POLICY] = {"GET", "/keys/%n/rotationpolicy", BODY_NONE},
    [KP_OP_SET_ROTATION_POLICY] = {"PUT", "/keys/%n/rotationpolicy", BODY_POLICY},
    [KP_OP_ENCRYPT] = {"POST", "/keys/%n%v/encrypt", BODY_CRYPT},
    [KP_OP_DECRYPT] = {"POST", "/keys/%n%v/decrypt", BODY_CRYPT},
    [KP_OP_WRAP] = {"POST", "/keys/%n%v/wrapkey", BODY_CRYPT},
    [KP_OP_UNWRAP] = {"POST", "/keys/%n%v/unwrapkey", BODY_CRYPT},
    [KP_OP_SIGN] = {"POST", "/keys/%n%v/sign", BODY_SIGN},
    [KP_OP_VERIFY] = {"POST", "/keys/%n%v/verify", BODY_VERIFY},
    [KP_OP_RANDOM] = {"POST", "/rng", BODY_RANDOM},
    [KP_OP_RELEASE] = {"POST", "/keys/%n%v/release", BODY_RELEASE},
};

/* ---- URLs ---- */

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
        st = *at == 'n' ? kp_buf_append(url, request->name)
                        : append_version(url, request->version);
    }
    return st;
}

static kp_status append_first_page(const struct azr_site *site, const char *path,
                                   const struct kp_request *request, kp_buf *url)
{
    kp_status st = append_path(url, path, request);
    uint32_t size = request->page_size > 0 ? request->page_size : KP_PAGE_MAX;
    if (st == KP_OK)
        st = kp_buf_append_fmt(url, "?api-version=%s", site->api_version);
    if (st == KP_OK && (kp_op_traits(request->op) & KP_TRAIT_REPEATABLE) &&
        (request->op == KP_OP_LIST_KEYS || request->op == KP_OP_LIST_VERSIONS ||
         request->op == KP_OP_LIST_DELETED))
        st = kp_buf_append_fmt(url, "&maxresults=%" PRIu32, size);
    return st;
}

static bool contains(kp_span text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++) {
        if (memcmp(text.ptr + i, word, n) == 0)
            return true;
    }
    return false;
}

/* A Managed HSM leaves the version out of its links. */
static kp_status append_later_page(const struct azr_site *site, const struct azr_page *page,
                                   kp_buf *url)
{
    kp_status st = kp_buf_append(url, page->target);
    if (st == KP_OK && !contains(page->target, "api-version="))
        st = kp_buf_append_fmt(url, "%sapi-version=%s", contains(page->target, "?") ? "&" : "?",
                               site->api_version);
    return st;
}

static kp_status write_url(const struct azr_site *site, const char *path,
                           const struct kp_request *request, const struct azr_page *page,
                           kp_buf *url)
{
    kp_buf_reset(url);
    kp_status st = kp_buf_append_str(url, site->base);
    if (st != KP_OK)
        return st;
    return page->count > 0 ? append_later_page(site, page, url)
                           : append_first_page(site, path, request, url);
}

/* ---- Bodies ---- */

static void write_key_ops(struct azr_json_out *out, uint32_t key_ops)
{
    azr_json_open(out, "key_ops", '[');
    for (uint32_t bit = 1; bit <= KP_KEY_OP_DERIVE; bit <<= 1) {
        if (key_ops & bit)
            azr_json_text(out, NULL, kpb_span_str(kp_key_op_text(bit)));
    }
    azr_json_close(out, ']');
}

static void write_time(struct azr_json_out *out, const char *name, int64_t unix_s)
{
    if (unix_s == KP_TIME_NONE)
        azr_json_null(out, name);
    else
        azr_json_integer_out(out, name, unix_s);
}

static void write_attributes(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & (KP_SET_ENABLED | KP_SET_NOT_BEFORE | KP_SET_EXPIRES | KP_SET_EXPORTABLE)))
        return;
    azr_json_open(out, "attributes", '{');
    if (p->set & KP_SET_ENABLED)
        azr_json_bool(out, "enabled", (p->flags & KP_KEY_ENABLED) != 0);
    if (p->set & KP_SET_NOT_BEFORE)
        write_time(out, "nbf", p->not_before_unix_s);
    if (p->set & KP_SET_EXPIRES)
        write_time(out, "exp", p->expires_unix_s);
    if (p->set & KP_SET_EXPORTABLE)
        azr_json_bool(out, "exportable", (p->flags & KP_KEY_EXPORTABLE) != 0);
    azr_json_close(out, '}');
}

static void write_tags(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & KP_SET_TAGS))
        return;
    azr_json_open(out, "tags", '{');
    for (uint32_t i = 0; i < p->n_tags; i++)
        azr_json_pair(out, p->tags[i].name, p->tags[i].value);
    azr_json_close(out, '}');
}

static void write_release_policy(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (!(p->set & KP_SET_RELEASE_POLICY))
        return;
    azr_json_open(out, "release_policy", '{');
    azr_json_base64url(out, "data", p->release_policy);
    azr_json_close(out, '}');
}

/* What create, import and update have in common. */
static void write_common(struct azr_json_out *out, const struct kp_key_params *p)
{
    write_attributes(out, p);
    write_tags(out, p);
    write_release_policy(out, p);
}

static void write_create(struct azr_json_out *out, const struct kp_key_params *p)
{
    azr_json_text(out, "kty", kpb_span_str(kp_kty_text(p->kty)));
    if (p->bits > 0)
        azr_json_integer_out(out, "key_size", p->bits);
    if (p->public_exponent > 0)
        azr_json_integer_out(out, "public_exponent", (int64_t)p->public_exponent);
    if (p->curve != KP_CURVE_NONE)
        azr_json_text(out, "crv", kpb_span_str(kp_curve_text(p->curve)));
    if (p->set & KP_SET_KEY_OPS)
        write_key_ops(out, p->key_ops);
    write_common(out, p);
}

static void write_number(struct azr_json_out *out, const char *name, kp_span bytes)
{
    if (bytes.len > 0)
        azr_json_base64url(out, name, bytes);
}

static void write_jwk(struct azr_json_out *out, const struct kp_key_params *p)
{
    azr_json_open(out, "key", '{');
    azr_json_text(out, "kty", kpb_span_str(kp_kty_text(p->kty)));
    if (p->curve != KP_CURVE_NONE)
        azr_json_text(out, "crv", kpb_span_str(kp_curve_text(p->curve)));
    if (p->set & KP_SET_KEY_OPS)
        write_key_ops(out, p->key_ops);
    write_number(out, "n", p->n);
    write_number(out, "e", p->e);
    write_number(out, "d", p->d);
    write_number(out, "p", p->p);
    write_number(out, "q", p->q);
    write_number(out, "dp", p->dp);
    write_number(out, "dq", p->dq);
    write_number(out, "qi", p->qi);
    write_number(out, "x", p->x);
    write_number(out, "y", p->y);
    write_number(out, "k", p->k);
    azr_json_close(out, '}');
}

static void write_import(struct azr_json_out *out, const struct kp_key_params *p)
{
    bool is_hsm = p->kty == KP_KTY_RSA_HSM || p->kty == KP_KTY_EC_HSM || p->kty == KP_KTY_OCT_HSM;
    if (is_hsm)
        azr_json_bool(out, "Hsm", true);
    write_jwk(out, p);
    write_common(out, p);
}

static void write_update(struct azr_json_out *out, const struct kp_key_params *p)
{
    if (p->set & KP_SET_KEY_OPS)
        write_key_ops(out, p->key_ops);
    write_common(out, p);
}

static void write_crypt(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "alg", kpb_span_str(kp_alg_text(r->alg)));
    azr_json_base64url(out, "value", r->value);
    write_number(out, "iv", r->iv);
    write_number(out, "aad", r->aad);
    write_number(out, "tag", r->tag);
}

static void write_verify(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "alg", kpb_span_str(kp_alg_text(r->alg)));
    azr_json_base64url(out, "digest", r->value);
    azr_json_base64url(out, "value", r->signature);
}

static void write_release(struct azr_json_out *out, const struct kp_request *r)
{
    azr_json_text(out, "target", r->value);
    if (r->nonce.len > 0)
        azr_json_text(out, "nonce", r->nonce);
    if (r->enc.len > 0)
        azr_json_text(out, "enc", r->enc);
}

static void write_rule(struct azr_json_out *out, const struct kp_rotation_rule *rule)
{
    bool is_before = rule->trigger == KP_TRIGGER_BEFORE_EXPIRY;
    azr_json_open(out, NULL, '{');
    azr_json_open(out, "trigger", '{');
    azr_json_text(out, is_before ? "timeBeforeExpiry" : "timeAfterCreate", rule->duration);
    azr_json_close(out, '}');
    azr_json_open(out, "action", '{');
    azr_json_text(out, "type",
                  kpb_span_str(rule->action == KP_ROTATION_ROTATE ? "Rotate" : "Notify"));
    azr_json_close(out, '}');
    azr_json_close(out, '}');
}

static void write_policy(struct azr_json_out *out, const struct kp_rotation_policy *policy)
{
    azr_json_open(out, "lifetimeActions", '[');
    for (uint32_t i = 0; i < policy->n_rules && i < KP_ROTATION_ACTIONS_MAX; i++)
        write_rule(out, &policy->rules[i]);
    azr_json_close(out, ']');
    azr_json_open(out, "attributes", '{');
    if (policy->expiry.len > 0)
        azr_json_text(out, "expiryTime", policy->expiry);
    azr_json_close(out, '}');
}

static void write_members(struct azr_json_out *out, enum body_kind kind, const struct kp_request *r)
{
    switch (kind) {
    case BODY_CREATE:
        write_create(out, r->params);
        break;
    case BODY_IMPORT:
        write_import(out, r->params);
        break;
    case BODY_UPDATE:
        write_update(out, r->params);
        break;
    case BODY_BLOB:
        azr_json_base64url(out, "value", r->value);
        break;
    case BODY_VERIFY:
        write_verify(out, r);
        break;
    case BODY_RELEASE:
        write_release(out, r);
        break;
    case BODY_RANDOM:
        azr_json_integer_out(out, "count", r->count);
        break;
    case BODY_POLICY:
        write_policy(out, r->policy);
        break;
    default:
        write_crypt(out, r);
        break;
    }
}

static kp_status write_body(enum body_kind kind, const struct kp_request *request, kp_buf *body)
{
    struct azr_json_out out;
    kp_buf_reset(body);
    if (kind == BODY_NONE || kind == BODY_EMPTY)
        return KP_OK;
    azr_json_begin(&out, body);
    azr_json_open(&out, NULL, '{');
    write_members(&out, kind, request);
    azr_json_close(&out, '}');
    return out.status;
}

/* ---- The whole ---- */

static kp_status end_build(kp_status st, struct kp_error *reterr)
{
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_USAGE, "the request is larger than the vault's protocol allows");
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static kp_status check(const struct kp_request *r, enum body_kind kind, struct kp_error *reterr)
{
    bool needs_params = kind == BODY_CREATE || kind == BODY_IMPORT || kind == BODY_UPDATE;
    if ((kp_op_traits(r->op) & KP_TRAIT_NEEDS_KEY) && !kpb_is_key_name(r->name))
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "a key name has 1 to 127 letters, digits and hyphens");
    if (r->version.len > 0 && !kpb_is_key_version(r->version))
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError,
                             "a key version has letters, digits and hyphens only");
    if ((needs_params && !r->params) || (kind == BODY_POLICY && !r->policy))
        return kpb_fail(reterr, KP_USAGE, "%s needs its parameters", kp_op_text(r->op));
    return KP_OK;
}

kp_status azr_message_build(const struct azr_site *site, const struct kp_request *request,
                            struct azr_message *message, struct kp_error *reterr)
{
    struct azr_page page;
    if (request->op > KP_OP_MAX || !ROWS[request->op].path)
        return kpb_fail(reterr, KP_UNSUPPORTED, "this vault does not serve %s",
                        kp_op_text(request->op));
    enum body_kind kind = ROWS[request->op].body;
    kp_status st = check(request, kind, reterr);
    if (st == KP_OK)
        st = azr_page_read(request->page_token, &page, reterr);
    if (st != KP_OK)
        return st;
    message->method = ROWS[request->op].method;
    message->has_body = kind != BODY_NONE && kind != BODY_EMPTY;
    st = write_url(site, ROWS[request->op].path, request, &page, &message->url);
    if (st == KP_OK)
        st = write_body(kind, request, &message->body);
    return end_build(st, reterr);
}

static kp_status build_get(const struct azr_site *site, const struct kp_request *request,
                           const char *path, const char *more, struct azr_message *message,
                           struct kp_error *reterr)
{
    kp_buf *url = &message->url;
    message->method = "GET";
    message->has_body = false;
    kp_buf_reset(url);
    kp_buf_reset(&message->body);
    kp_status st = kp_buf_append_str(url, site->base);
    if (st == KP_OK)
        st = append_path(url, path, request);
    if (st == KP_OK)
        st = kp_buf_append_fmt(url, "?api-version=%s%s", site->api_version, more);
    return end_build(st, reterr);
}

kp_status azr_message_look(const struct azr_site *site, const struct kp_request *request,
                           struct azr_message *message, struct kp_error *reterr)
{
    bool is_delete = request->op == KP_OP_DELETE;
    return build_get(site, request, is_delete ? "/deletedkeys/%n" : "/keys/%n", "", message,
                     reterr);
}

kp_status azr_message_probe(const struct azr_site *site, struct azr_message *message,
                            struct kp_error *reterr)
{
    static const struct kp_request none = {.struct_size = sizeof none};
    return build_get(site, &none, "/keys", "&maxresults=1", message, reterr);
}
