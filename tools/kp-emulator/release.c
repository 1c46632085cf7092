/*
 * Secure key release: the key goes out wrapped for the transport key in an attestation token that
 * satisfies the key's policy. The answer is a JWS over {"request": ..., "response": {"key":
 * BUNDLE}} whose JWK has "key_hsm", a transfer blob as in byok.c.
 */
#include "tools/kp-emulator/operation.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/attestation.h"
#include "tools/kp-emulator/bundle.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/key_opener.h"
#include "tools/kp-emulator/release_policy.h"
#include "tools/kp-emulator/transfer.h"

#define SITE "emulator.release"
#define BLOB_MAX_LEN 16384u

/* ---- The attestation ---- */

static bool is_genuine(const struct emu_exchange *x, const struct emu_jwt *jwt)
{
    char authority[EMU_BASE_MAX_LEN];
    emu_attestation_authority(x->emu, authority);
    return emu_jwt_is_signed_by(jwt, x->emu->attestation.key, KP_ALG_ES256, KP_ALG_NONE) &&
           kpb_span_eq_str(emu_json_member(jwt->claims, "iss"), authority) &&
           emu_clock_unix_s() < emu_jwt_number(jwt, "exp", 0);
}

static json_t *policy_of(const struct emu_exchange *x)
{
    kp_buf text;
    json_t *policy = NULL;
    const json_t *facts = emu_book_version(&x->vault->book, x->name, x->version);
    const json_t *kept = json_object_get(facts, "release_policy");
    kp_buf_init(&text, SITE, EMU_JWT_MAX_LEN);
    if (emu_json_bytes(json_object_get(kept, "data"), &text) == KP_OK)
        policy = emu_json_parse(kp_buf_view(&text));
    kp_buf_clear(&text);
    return policy;
}

/* The first RSA key among those the attested environment vouches for. */
static json_t *transport_key(const json_t *claims)
{
    const json_t *runtime = json_object_get(claims, "x-ms-runtime");
    const json_t *keys = json_object_get(runtime ? runtime : claims, "keys");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        json_t *key = json_array_get(keys, i);
        if (kpb_span_eq_str(emu_json_member(key, "kty"), "RSA"))
            return key;
    }
    return NULL;
}

/* Why the key is not released, or NULL; keeps the transport key in the body. */
static const char *objection(struct emu_exchange *x, const struct emu_jwt *jwt)
{
    json_t *key = transport_key(jwt->claims);
    json_t *policy = policy_of(x);
    bool holds = policy &&
                 emu_release_policy_holds(policy, emu_json_member(jwt->claims, "iss"), jwt->claims);
    json_decref(policy);
    if (!is_genuine(x, jwt))
        return "the target is no valid token of the emulator's attestation authority";
    if (!policy)
        return "the key is not exportable";
    if (!holds)
        return "the target does not satisfy the key's release policy";
    if (!key || json_object_set(x->body, "transport", key) != 0)
        return "the target has no RSA key to wrap for";
    return NULL;
}

/* ---- The answer ---- */

static kp_status wrap_key(struct emu_exchange *x, const struct kpc_key *key, kp_buf *out,
                          struct kp_error *reterr)
{
    kp_buf numbers;
    const json_t *jwk = json_object_get(x->body, "transport");
    const char *digest = emu_transfer_digest(emu_json_member(x->body, "enc"));
    kp_buf_init(&numbers, SITE, 2048);
    kp_status st = emu_json_bytes(json_object_get(jwk, "n"), &numbers);
    const size_t n_len = numbers.len;
    if (st == KP_OK)
        st = emu_json_bytes(json_object_get(jwk, "e"), &numbers);
    if (st == KP_OK)
        st = emu_transfer_wrap(key, kpb_span(numbers.ptr, n_len),
                               kpb_span(numbers.ptr + n_len, numbers.len - n_len), digest, out,
                               reterr);
    else
        st = kpb_fail(reterr, KP_USAGE, "the transport key is no JWK");
    kp_buf_clear(&numbers);
    return st;
}

/* {"schema_version", "header": {"kid", "alg", "enc"}, "ciphertext"} as base64url. */
static json_t *transfer_blob(const struct emu_exchange *x, kp_span wrapped)
{
    kp_buf text;
    kp_span kid = emu_json_member(json_object_get(x->body, "transport"), "kid");
    json_t *blob =
        json_pack("{s:s,s:{s:o,s:s,s:O},s:o}", "schema_version", "1.0", "header", "kid",
                  emu_json_string(kid), "alg", "dir", "enc", json_object_get(x->body, "enc"),
                  "ciphertext", emu_json_base64url(wrapped));
    json_t *encoded = NULL;
    kp_buf_init(&text, SITE, BLOB_MAX_LEN);
    if (blob && emu_json_write(blob, &text) == KP_OK)
        encoded = emu_json_base64url(kp_buf_view(&text));
    kp_buf_clear(&text);
    json_decref(blob);
    return encoded;
}

static void send_release(struct emu_exchange *x, kp_span wrapped)
{
    kp_buf text;
    json_t *jwk = json_object_get(x->facts, "key");
    kp_span version = emu_fields_get(&x->request.query, "api-version", NULL);
    (void)json_object_set_new(jwk, "key_hsm", transfer_blob(x, wrapped));
    json_t *claims = json_pack("{s:{s:o,s:O,s:O},s:{s:O}}", "request", "api-version",
                               emu_json_string(version), "enc", json_object_get(x->body, "enc"),
                               "kid", json_object_get(jwk, "kid"), "response", "key", x->facts);
    kp_buf_init(&text, SITE, EMU_JWT_MAX_LEN);
    kp_status st = claims ? emu_signer_sign(&x->emu->signer, claims, NULL, &text) : KP_NO_MEMORY;
    json_decref(claims);
    emu_send_json(x, 200,
                  st == KP_OK ? json_pack("{s:o}", "value", emu_json_string(kp_buf_view(&text)))
                              : NULL);
    kp_buf_clear(&text);
}

static void on_backup(struct emu_exchange *x, struct kp_result *result)
{
    char version[KP_KEY_VERSION_MAX_LEN + 1];
    struct kpc_key *key = NULL;
    struct kp_error err = result->error;
    kp_buf wrapped;
    kp_status st = result->status;
    kp_buf_init(&wrapped, SITE, BLOB_MAX_LEN);
    if (st == KP_OK)
        st = emu_key_open(x, result->reply.value, x->version, &key, version, &err);
    if (st == KP_OK)
        st = wrap_key(x, key, &wrapped, &err);
    if (st == KP_OK)
        send_release(x, kp_buf_view(&wrapped));
    else
        emu_fail_operation(x, &err);
    kpc_key_release(key);
    kp_buf_clear(&wrapped);
}

/* ---- The steps: the key as it is, its backup, the answer ---- */

static void submit(struct emu_exchange *x, uint32_t op, emu_answer_fn *answer)
{
    struct kp_request request;
    kp_request_init(&request, op);
    request.name = emu_book_name(&x->vault->book, x->name);
    request.version = op == KP_OP_GET_KEY ? x->version : kpb_span(NULL, 0);
    emu_operation_submit(x, &request, answer);
}

static void on_key(struct emu_exchange *x, struct kp_result *result)
{
    if (result->status != KP_OK) {
        emu_operation_failed(x, result);
    } else if (!(result->reply.key->flags & KP_KEY_ENABLED)) {
        emu_fail(x, 403, "Forbidden", "KeyDisabled", "the key is disabled");
    } else {
        x->facts = emu_bundle(x, result->reply.key);
        submit(x, KP_OP_BACKUP, on_backup);
    }
}

static const char *read_target(struct emu_exchange *x)
{
    struct emu_jwt jwt;
    const char *why = "the target is no token";
    if (emu_jwt_read(emu_json_member(x->body, "target"), &jwt) == KP_OK)
        why = objection(x, &jwt);
    emu_jwt_clear(&jwt);
    return why;
}

void emu_release_begin(struct emu_exchange *x)
{
    if (emu_json_lacks(x->body, "enc"))
        (void)json_object_set_new(x->body, "enc", json_string("CKM_RSA_AES_KEY_WRAP"));
    if (!emu_transfer_digest(emu_json_member(x->body, "enc"))) {
        emu_fail_parameter(x, "enc is no way of wrapping of this service");
        return;
    }
    if (!emu_book_entry(&x->vault->book, x->name)) {
        emu_fail_not_found(x, false);
        return;
    }
    const char *why = read_target(x);
    if (why)
        emu_fail(x, 403, "Forbidden", NULL, "%s", why);
    else
        submit(x, KP_OP_GET_KEY, on_key);
}
