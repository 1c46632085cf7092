/* The rows of operations: each does its own, with keys of its own, and looks at what came of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/span.h"
#include "support/emulator.h"
#include "support/plugin_suite.h"
#include "support/vectors.h"

#define TEXT_MAX_LEN 16384u
#define VERSION_LEN 32u

static const uint8_t PLAIN[32] = "thirty-two bytes of a data key.";

/* A request on a key of the case's own, an EC key made for it; kept for the length of the case. */
static struct kp_request on_new_key(struct suite_vault *vault, uint32_t op, const char *name)
{
    if (vault->caps->ops & KP_OP_BIT(op))
        suite_create(vault, name, KP_KTY_EC, 0, KP_CURVE_P256);
    return suite_request(op, name);
}

static void must_do(struct suite_vault *vault, uint32_t op, const char *name)
{
    struct kp_result result;
    struct kp_request request = suite_request(op, name);
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
}

static kp_status status_of(struct suite_vault *vault, uint32_t op, const char *name)
{
    struct kp_request request = suite_request(op, name);
    return suite_status(vault, &request);
}

/* Ends a case: what was answered is no longer needed. */
static const char *done(struct kp_result *result)
{
    kp_result_clear(result);
    return SUITE_YES;
}

static const char *not_served(struct kp_result *result)
{
    kp_result_clear(result);
    return SUITE_NO;
}

/* ---- Looking ---- */

static const char *get_key(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = suite_request(op, suite_key(vault, KP_KTY_RSA, 2048, 0));
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    const struct kp_key_info *key = result.reply.key;
    assert_true(kpb_span_eq(key->name, request.name));
    assert_int_equal(key->version.len, VERSION_LEN);
    assert_int_equal(key->bits, 2048);
    assert_int_equal(key->n.len, 256);
    assert_int_equal(key->key_ops, KP_KEY_OP_ENCRYPT | KP_KEY_OP_DECRYPT | KP_KEY_OP_SIGN |
                                       KP_KEY_OP_VERIFY | KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP);
    return done(&result);
}

static uint32_t count_named(const struct kp_reply *reply, kp_span name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < reply->n_keys; i++)
        n += kpb_span_eq(reply->keys[i]->name, name);
    return n;
}

/* How often a name is on all pages of a list; the request's page token is changed. */
static uint32_t count_on_pages(struct suite_vault *vault, struct kp_request *request, kp_span name)
{
    struct kp_result page;
    kp_buf token;
    uint32_t n = 0;
    kp_buf_init(&token, "test", TEXT_MAX_LEN);
    do {
        suite_must(vault, request, &page);
        n += count_named(&page.reply, name);
        kp_buf_reset(&token);
        assert_int_equal(kp_buf_append(&token, page.reply.next_page), KP_OK);
        request->page_token = kp_buf_view(&token);
        kp_result_clear(&page);
    } while (token.len > 0);
    kp_buf_clear(&token);
    return n;
}

static const char *list_keys(struct suite_vault *vault, uint32_t op)
{
    struct kp_request request = suite_request(op, NULL);
    suite_create(vault, "listed-1", KP_KTY_EC, 0, KP_CURVE_P256);
    suite_create(vault, "listed-2", KP_KTY_EC, 0, KP_CURVE_P256);
    request.page_size = 1;
    assert_int_equal(count_on_pages(vault, &request, suite_span("listed-1")), 1);
    assert_int_equal(count_on_pages(vault, &request, suite_span("listed-2")), 1);
    return SUITE_YES;
}

static const char *list_versions(struct suite_vault *vault, uint32_t op)
{
    struct kp_request request = on_new_key(vault, op, "versions");
    suite_create(vault, "versions", KP_KTY_EC, 0, KP_CURVE_P256);
    request.page_size = 1;
    assert_int_equal(count_on_pages(vault, &request, request.name), 2);
    return SUITE_YES;
}

/* ---- Making and changing ---- */

static const char *create(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(op, "created");
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC;
    params.curve = KP_CURVE_P256;
    params.set = KP_SET_KEY_OPS;
    params.key_ops = KP_KEY_OP_SIGN;
    request.params = &params;
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_int_equal(result.reply.key->key_ops, KP_KEY_OP_SIGN);
    assert_int_equal(result.reply.key->x.len, 32);
    return done(&result);
}

static const char *import_key(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct vec_jwk jwk;
    struct kp_request request = suite_request(op, "imported");
    vec_jwk_load(&jwk, &vec_ec_rfc7515_a3);
    request.params = &jwk.params;
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_true(kpb_span_eq(result.reply.key->x, jwk.params.x));
    assert_true(kpb_span_eq(result.reply.key->y, jwk.params.y));
    return done(&result);
}

static const char *import_byok(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(op, "imported-wrapped");
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA_HSM;
    params.key_hsm = suite_span("{}");
    request.params = &params;
    return suite_served(vault, &request, &result) ? done(&result) : not_served(&result);
}

static const char *update(struct suite_vault *vault, uint32_t op)
{
    static const struct kp_tag tag = {{(const uint8_t *)"owner", 5}, {(const uint8_t *)"us", 2}};
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = on_new_key(vault, op, "updated");
    kp_key_params_init(&params);
    params.set = KP_SET_TAGS | KP_SET_EXPIRES;
    params.tags = &tag;
    params.n_tags = 1;
    params.expires_unix_s = INT64_C(4102444800); /* 2100 */
    request.params = &params;
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_int_equal(result.reply.key->expires_unix_s, params.expires_unix_s);
    assert_int_equal(result.reply.key->n_tags, 1);
    assert_true(kpb_span_eq_str(result.reply.key->tags[0].value, "us"));
    return done(&result);
}

static const char *rotate(struct suite_vault *vault, uint32_t op)
{
    struct kp_result first;
    struct kp_result second;
    struct kp_request request = on_new_key(vault, KP_OP_GET_KEY, "rotated");
    suite_set_policy(vault, "rotated"); /* one of the services wants it */
    suite_must(vault, &request, &first);
    request.op = op;
    suite_must(vault, &request, &second);
    assert_int_equal(second.reply.key->version.len, VERSION_LEN);
    assert_false(kpb_span_eq(first.reply.key->version, second.reply.key->version));
    kp_result_clear(&first);
    return done(&second);
}

static void expect_policy(const struct kp_rotation_policy *policy)
{
    assert_int_equal(policy->n_rules, 1);
    assert_int_equal(policy->rules[0].action, KP_ROTATION_ROTATE);
    assert_int_equal(policy->rules[0].trigger, KP_TRIGGER_AFTER_CREATE);
    assert_true(kpb_span_eq_str(policy->rules[0].duration, "P90D"));
    assert_true(kpb_span_eq_str(policy->expiry, "P2Y"));
}

static const char *rotation_policy(struct suite_vault *vault, uint32_t op)
{
    char name[32];
    struct kp_result result;
    (void)snprintf(name, sizeof name, "policy-%u", op);
    struct kp_request request = on_new_key(vault, KP_OP_GET_ROTATION_POLICY, name);
    suite_set_policy(vault, name);
    suite_must(vault, &request, &result);
    expect_policy(result.reply.policy);
    return done(&result);
}

/* ---- Away and back ---- */

static const char *delete_key(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = on_new_key(vault, op, "deleted");
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_true(kpb_span_eq_str(result.reply.key->name, "deleted"));
    assert_true(result.reply.key->deleted_unix_s > 0);
    assert_int_equal(status_of(vault, KP_OP_GET_KEY, "deleted"), KP_NOT_FOUND);
    return done(&result);
}

static const char *get_deleted(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = on_new_key(vault, KP_OP_DELETE, "seen-deleted");
    must_do(vault, KP_OP_DELETE, "seen-deleted");
    request.op = op;
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_true(result.reply.key->scheduled_purge_unix_s > result.reply.key->deleted_unix_s);
    return done(&result);
}

static const char *list_deleted(struct suite_vault *vault, uint32_t op)
{
    struct kp_request request = on_new_key(vault, KP_OP_DELETE, "listed-deleted");
    must_do(vault, KP_OP_DELETE, "listed-deleted");
    request = suite_request(op, NULL);
    request.page_size = 1;
    assert_int_equal(count_on_pages(vault, &request, suite_span("listed-deleted")), 1);
    return SUITE_YES;
}

static const char *recover(struct suite_vault *vault, uint32_t op)
{
    struct kp_result before;
    struct kp_result after;
    struct kp_request request = on_new_key(vault, KP_OP_GET_KEY, "recovered");
    suite_must(vault, &request, &before);
    must_do(vault, KP_OP_DELETE, "recovered");
    must_do(vault, op, "recovered");
    suite_must(vault, &request, &after);
    assert_true(kpb_span_eq(before.reply.key->version, after.reply.key->version));
    kp_result_clear(&before);
    return done(&after);
}

static const char *purge(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = on_new_key(vault, KP_OP_DELETE, "purged");
    must_do(vault, KP_OP_DELETE, "purged");
    request.op = op;
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_int_equal(status_of(vault, KP_OP_GET_DELETED, "purged"), KP_NOT_FOUND);
    return done(&result);
}

static const char *backup(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = on_new_key(vault, op, "backed-up");
    if (!suite_served(vault, &request, &result))
        return not_served(&result);
    assert_true(result.reply.value.len > 100);
    return done(&result);
}

/* All versions come back, and the same. */
static const char *restore(struct suite_vault *vault, uint32_t op)
{
    struct kp_result blob;
    struct kp_result result;
    struct kp_request request = on_new_key(vault, KP_OP_BACKUP, "restored");
    suite_create(vault, "restored", KP_KTY_EC, 0, KP_CURVE_P256);
    suite_must(vault, &request, &blob);
    must_do(vault, KP_OP_DELETE, "restored");
    must_do(vault, KP_OP_PURGE, "restored");
    request = suite_request(op, NULL);
    request.value = blob.reply.value;
    suite_must(vault, &request, &result);
    assert_true(kpb_span_eq_str(result.reply.key->name, "restored"));
    request = suite_request(KP_OP_LIST_VERSIONS, "restored");
    assert_int_equal(count_on_pages(vault, &request, request.name), 2);
    kp_result_clear(&blob);
    return done(&result);
}

/* ---- Use ---- */

static void make(struct suite_vault *vault, uint32_t op, uint32_t alg, struct kp_result *ret)
{
    struct kp_request request = suite_request(op, suite_key(vault, KP_KTY_RSA, 2048, 0));
    request.alg = alg;
    request.value = kpb_span(PLAIN, sizeof PLAIN);
    suite_must(vault, &request, ret);
    assert_int_equal(ret->reply.version.len, VERSION_LEN);
}

static const char *encrypt(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    make(vault, op, KP_ALG_RSA_OAEP_256, &result);
    assert_int_equal(result.reply.value.len, 256);
    return done(&result);
}

static const char *undo(struct suite_vault *vault, uint32_t first, uint32_t op)
{
    struct kp_result made;
    struct kp_result result;
    make(vault, first, KP_ALG_RSA_OAEP_256, &made);
    struct kp_request request = suite_request(op, suite_key(vault, KP_KTY_RSA, 2048, 0));
    request.alg = KP_ALG_RSA_OAEP_256;
    request.version = made.reply.version;
    request.value = made.reply.value;
    suite_must(vault, &request, &result);
    assert_true(kpb_span_eq(result.reply.value, kpb_span(PLAIN, sizeof PLAIN)));
    assert_true(kpb_span_eq(result.reply.version, made.reply.version));
    kp_result_clear(&made);
    return done(&result);
}

static const char *decrypt(struct suite_vault *vault, uint32_t op)
{
    return undo(vault, KP_OP_ENCRYPT, op);
}

static const char *unwrap(struct suite_vault *vault, uint32_t op)
{
    return undo(vault, KP_OP_WRAP, op);
}

static const char *sign(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    make(vault, op, KP_ALG_PS256, &result);
    assert_int_equal(result.reply.value.len, 256);
    return done(&result);
}

static bool verifies(struct suite_vault *vault, uint32_t op, kp_span digest, kp_span signature)
{
    struct kp_result result;
    struct kp_request request = suite_request(op, suite_key(vault, KP_KTY_RSA, 2048, 0));
    request.alg = KP_ALG_PS256;
    request.value = digest;
    request.signature = signature;
    suite_must(vault, &request, &result);
    bool yes = result.reply.flags & KP_REPLY_VERIFIED;
    kp_result_clear(&result);
    return yes;
}

static const char *verify(struct suite_vault *vault, uint32_t op)
{
    static const uint8_t other[32] = "thirty-two bytes of a data key!";
    struct kp_result made;
    make(vault, KP_OP_SIGN, KP_ALG_PS256, &made);
    assert_true(verifies(vault, op, kpb_span(PLAIN, sizeof PLAIN), made.reply.value));
    assert_false(verifies(vault, op, kpb_span(other, sizeof other), made.reply.value));
    return done(&made);
}

static const char *random_bytes(struct suite_vault *vault, uint32_t op)
{
    struct kp_result first;
    struct kp_result second;
    struct kp_request request = suite_request(op, NULL);
    request.count = KP_RANDOM_MAX_LEN;
    if (!suite_served(vault, &request, &first))
        return not_served(&first);
    suite_must(vault, &request, &second);
    assert_int_equal(first.reply.value.len, KP_RANDOM_MAX_LEN);
    assert_false(kpb_span_eq(first.reply.value, second.reply.value));
    kp_result_clear(&second);
    return done(&first);
}

/* ---- Release ---- */

/* {"token":"TOKEN"}, of the emulator's attestation authority, for this transport key. */
static void attest(const struct kp_key_info *transport, kp_buf *ret)
{
    kp_buf claims;
    kp_buf_init(&claims, "test", TEXT_MAX_LEN);
    assert_int_equal(kp_buf_append_str(&claims, "{\"claims\": {\"trusted\": \"yes\", \"keys\": "
                                                "[{\"kty\": \"RSA\", \"e\": \"AQAB\", \"n\": \""),
                     KP_OK);
    assert_int_equal(kpb_base64url_encode(transport->n, &claims), KP_OK);
    assert_int_equal(kp_buf_append(&claims, kpb_span("\"}]}}", sizeof "\"}]}}")), KP_OK);
    emulator_tell("attestation", (const char *)claims.ptr, ret);
    kp_buf_clear(&claims);
}

/* Between the quotes around "eyJ...", as the header of any token begins. */
static kp_span token_in(kp_buf *answer)
{
    assert_int_equal(kp_buf_append_byte(answer, 0), KP_OK);
    const char *start = strstr((const char *)answer->ptr, "eyJ");
    if (!start)
        fail_msg("no token: %s", (const char *)answer->ptr);
    return kpb_span(start, start ? strcspn(start, "\"") : 0);
}

static void create_exportable(struct suite_vault *vault, const char *name)
{
    char policy[512];
    struct kp_result result;
    struct kp_key_params params;
    struct kp_request request = suite_request(KP_OP_CREATE, name);
    (void)snprintf(policy, sizeof policy,
                   "{\"version\": \"1.0.0\", \"anyOf\": [{\"authority\": \"%s\", \"allOf\": "
                   "[{\"claim\": \"trusted\", \"equals\": \"yes\"}]}]}",
                   emulator_variable("KP_EMULATOR_LOGIN"));
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC_HSM;
    params.curve = KP_CURVE_P256;
    params.set = KP_SET_EXPORTABLE | KP_SET_RELEASE_POLICY;
    params.flags = KP_KEY_EXPORTABLE;
    params.release_policy = suite_span(policy);
    request.params = &params;
    suite_must(vault, &request, &result);
    kp_result_clear(&result);
}

/* A JWS: three parts, of which the second holds the key. What is in it the client for JavaScript
 * opens (tests/sdk/client.mjs). */
static void expect_jws(kp_span jws, const char *name)
{
    kp_buf payload;
    const uint8_t *first = memchr(jws.ptr, '.', jws.len);
    kp_buf_init(&payload, "test", TEXT_MAX_LEN);
    assert_non_null(first);
    const size_t rest = jws.len - (size_t)(first + 1 - jws.ptr);
    const uint8_t *second = memchr(first + 1, '.', rest);
    assert_non_null(second);
    assert_int_equal(
        kpb_base64url_decode(kpb_span(first + 1, (size_t)(second - first - 1)), &payload), KP_OK);
    assert_int_equal(kp_buf_append_byte(&payload, 0), KP_OK);
    assert_non_null(strstr((const char *)payload.ptr, name));
    assert_non_null(strstr((const char *)payload.ptr, "\"key_hsm\""));
    kp_buf_clear(&payload);
}

static const char *release(struct suite_vault *vault, uint32_t op)
{
    struct kp_result transport;
    struct kp_result result;
    kp_buf token;
    struct kp_request request = suite_request(KP_OP_GET_KEY, suite_key(vault, KP_KTY_RSA, 2048, 0));
    kp_buf_init(&token, "test", TEXT_MAX_LEN);
    suite_must(vault, &request, &transport);
    attest(transport.reply.key, &token);
    if (vault->caps->ops & KP_OP_BIT(op))
        create_exportable(vault, "released");
    request = suite_request(op, "released");
    request.value = token_in(&token);
    bool is_served = suite_served(vault, &request, &result);
    if (is_served)
        expect_jws(result.reply.value, "released");
    kp_buf_clear(&token);
    kp_result_clear(&transport);
    return is_served ? done(&result) : not_served(&result);
}

static const char *attest_key(struct suite_vault *vault, uint32_t op)
{
    struct kp_result result;
    struct kp_request request = suite_request(op, suite_key(vault, KP_KTY_RSA, 2048, 0));
    return suite_served(vault, &request, &result) ? done(&result) : not_served(&result);
}

/* ---- Rows ---- */

/* In the order of KP_OP_MAP; the test of the page sees that none is missing. */
const struct suite_row suite_operations[] = {
    {"get_key", KP_OP_GET_KEY, get_key},
    {"list_keys", KP_OP_LIST_KEYS, list_keys},
    {"list_versions", KP_OP_LIST_VERSIONS, list_versions},
    {"create", KP_OP_CREATE, create},
    {"import", KP_OP_IMPORT, import_key},
    {"import_byok", KP_OP_IMPORT_BYOK, import_byok},
    {"update", KP_OP_UPDATE, update},
    {"delete", KP_OP_DELETE, delete_key},
    {"get_deleted", KP_OP_GET_DELETED, get_deleted},
    {"list_deleted", KP_OP_LIST_DELETED, list_deleted},
    {"recover", KP_OP_RECOVER, recover},
    {"purge", KP_OP_PURGE, purge},
    {"backup", KP_OP_BACKUP, backup},
    {"restore", KP_OP_RESTORE, restore},
    {"rotate", KP_OP_ROTATE, rotate},
    {"get_rotation_policy", KP_OP_GET_ROTATION_POLICY, rotation_policy},
    {"set_rotation_policy", KP_OP_SET_ROTATION_POLICY, rotation_policy},
    {"encrypt", KP_OP_ENCRYPT, encrypt},
    {"decrypt", KP_OP_DECRYPT, decrypt},
    {"wrap", KP_OP_WRAP, encrypt},
    {"unwrap", KP_OP_UNWRAP, unwrap},
    {"sign", KP_OP_SIGN, sign},
    {"verify", KP_OP_VERIFY, verify},
    {"random", KP_OP_RANDOM, random_bytes},
    {"release", KP_OP_RELEASE, release},
    {"attest", KP_OP_ATTEST, attest_key},
};
const size_t suite_n_operations = sizeof suite_operations / sizeof suite_operations[0];
