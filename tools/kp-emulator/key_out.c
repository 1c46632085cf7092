/* Answers about one key, and to its use. */
#include "tools/kp-emulator/operation.h"

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/bundle.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/regions.h"

static void send_bundle(struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *bundle = emu_bundle(x, info);
    const json_t *tags = json_object_get(x->body, "tags");
    if (json_is_object(tags) && info->n_tags == 0) /* cleared: echoed as {} */
        (void)json_object_set_new(bundle, "tags", json_object());
    emu_send_json(x, 200, bundle);
}

void emu_answer_key(struct emu_exchange *x, struct kp_result *result)
{
    send_bundle(x, result->reply.key);
}

static void fail_book(struct emu_exchange *x)
{
    emu_fail(x, 500, "InternalServerError", NULL, "the book of the vault could not be written");
}

/* Hands the facts over to the book. */
static kp_status note_version(struct emu_exchange *x, const struct kp_key_info *key)
{
    json_t *facts = x->facts ? x->facts : json_object();
    x->facts = NULL; /* moved to the book */
    emu_region_stamp(x, facts);
    return emu_book_add(&x->vault->book, key->name, key->version, facts);
}

void emu_answer_new_key(struct emu_exchange *x, struct kp_result *result)
{
    if (note_version(x, result->reply.key) == KP_OK)
        send_bundle(x, result->reply.key);
    else
        fail_book(x);
}

void emu_answer_updated(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_key_info *key = result->reply.key;
    json_t *facts = emu_book_version(&x->vault->book, key->name, key->version);
    if (facts && json_object_update(facts, x->facts) == 0 &&
        emu_book_save(&x->vault->book) != KP_OK)
        fail_book(x);
    else
        send_bundle(x, key);
}

/* ---- Deleted keys ---- */

static void send_deleted(struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *bundle = emu_bundle(x, info);
    emu_add_deleted(x, info, bundle);
    emu_send_json(x, 200, bundle);
}

void emu_answer_deleted(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_key_info *key = result->reply.key;
    if (emu_book_set(&x->vault->book, key->name, "deleted_at", emu_clock_unix_s()) == KP_OK)
        send_deleted(x, key);
    else
        fail_book(x);
}

void emu_answer_get_deleted(struct emu_exchange *x, struct kp_result *result)
{
    send_deleted(x, result->reply.key);
}

void emu_answer_recovered(struct emu_exchange *x, struct kp_result *result)
{
    struct emu_book *book = &x->vault->book;
    const struct kp_key_info *key = result->reply.key;
    if (emu_book_set(book, key->name, "deleted_at", 0) == KP_OK &&
        emu_book_set(book, key->name, "recovered_at", emu_clock_unix_s()) == KP_OK)
        send_bundle(x, key);
    else
        fail_book(x);
}

/* The spelling of a purged name is free again, so nothing of the entry stays but the time. */
void emu_answer_purged(struct emu_exchange *x, struct kp_result *result)
{
    json_t *entry = json_pack("{s:o,s:{},s:I}", "name", emu_json_string(x->name), "versions",
                              "purged_at", (json_int_t)emu_clock_unix_s());
    (void)result;
    if (entry && emu_book_put(&x->vault->book, x->name, entry) == KP_OK)
        emu_send_empty(x, 204);
    else
        fail_book(x);
}

/* ---- Use ---- */

static json_t *kid_of(const struct emu_exchange *x, const struct kp_reply *reply)
{
    return emu_kid(x, "keys", reply->name, reply->version);
}

static void set_bytes(json_t *object, const char *name, kp_span bytes)
{
    if (bytes.len > 0)
        (void)json_object_set_new(object, name, emu_json_base64url(bytes));
}

void emu_answer_use(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_reply *reply = &result->reply;
    json_t *object =
        json_pack("{s:o,s:o}", "kid", kid_of(x, reply), "value", emu_json_base64url(reply->value));
    json_t *aad = json_object_get(x->body, "aad");
    if (emu_is_hsm(x->vault))
        (void)json_object_set_new(object, "alg", json_string(kp_alg_text(reply->alg)));
    set_bytes(object, "iv", reply->iv);
    set_bytes(object, "tag", reply->tag);
    if (x->operation->op == KP_OP_ENCRYPT && reply->tag.len > 0 && json_is_string(aad))
        (void)json_object_set(object, "aad", aad);
    emu_send_json(x, 200, object);
}

void emu_answer_verify(struct emu_exchange *x, struct kp_result *result)
{
    const struct kp_reply *reply = &result->reply;
    json_t *object = json_pack("{s:b}", "value", (reply->flags & KP_REPLY_VERIFIED) != 0);
    if (object && emu_is_hsm(x->vault)) {
        (void)json_object_set_new(object, "alg", json_string(kp_alg_text(reply->alg)));
        (void)json_object_set_new(object, "kid", kid_of(x, reply));
    }
    emu_send_json(x, 200, object);
}

void emu_answer_random(struct emu_exchange *x, struct kp_result *result)
{
    emu_send_json(x, 200, json_pack("{s:o}", "value", emu_json_base64url(result->reply.value)));
}

/* The authority's certificate, base64url of its PEM text. */
static json_t *ca_pem(const struct emu_ca *ca)
{
    kp_buf text;
    json_t *encoded = NULL;
    kp_buf_init(&text, "emulator.attestation", EMU_JWT_MAX_LEN);
    if (emu_ca_text(ca, &text) == KP_OK)
        encoded = emu_json_base64url(kp_buf_view(&text));
    kp_buf_clear(&text);
    return encoded;
}

/* The evidence is the emulator's own: it signs the public key with its attestation authority. */
void emu_answer_attested(struct emu_exchange *x, struct kp_result *result)
{
    kp_buf token;
    json_t *bundle = emu_bundle(x, result->reply.key);
    json_t *claims = json_pack("{s:O}", "key", json_object_get(bundle, "key"));
    kp_buf_init(&token, "emulator.attestation", EMU_JWT_MAX_LEN);
    kp_status st = emu_signer_sign(&x->emu->attestation, claims, NULL, &token);
    json_t *evidence = emu_json_base64url(kp_buf_view(&token));
    json_t *attestation =
        json_pack("{s:O,s:O,s:o,s:s}", "privateKeyAttestation", evidence, "publicKeyAttestation",
                  evidence, "certificatePemFile", ca_pem(&x->emu->ca), "version", "1.0");
    (void)json_object_set_new(json_object_get(bundle, "attributes"), "attestation", attestation);
    kp_buf_clear(&token);
    json_decref(evidence);
    json_decref(claims);
    if (st == KP_OK) {
        emu_send_json(x, 200, bundle);
        return;
    }
    json_decref(bundle);
    emu_send_json(x, 500, NULL);
}
