/* Bodies of requests that make, change or use a key. */
#include "tools/kp-emulator/operation.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "tools/kp-emulator/failure.h"
#include "tools/kp-emulator/release_policy.h"

#define RSA_DEFAULT_BITS 2048

/* ---- Members ---- */

/* Decodes a base64url member into the exchange's bytes; absent and null give an empty span. */
static bool take_bytes(struct emu_exchange *x, const json_t *object, const char *name, kp_span *ret)
{
    const json_t *value = json_object_get(object, name);
    size_t start = x->bytes.len;
    *ret = kpb_span(NULL, 0);
    if (!value || json_is_null(value))
        return true;
    if (emu_json_bytes(value, &x->bytes) != KP_OK) {
        emu_fail_parameter(x, "%s is not base64url", name);
        return false;
    }
    *ret = kpb_span(x->bytes.ptr + start, x->bytes.len - start);
    return true;
}

static bool take_key_ops(struct emu_exchange *x, const json_t *object, struct emu_order *order)
{
    const json_t *ops = json_object_get(object, "key_ops");
    if (!ops || json_is_null(ops))
        return true;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        kp_span name = emu_json_text(json_array_get(ops, i));
        uint32_t op = kp_key_op_from_text(name);
        if (op == 0) {
            emu_fail_parameter(x, "key_ops[%zu] is no operation of a key", i);
            return false;
        }
        order->params.key_ops |= op;
    }
    if (order->params.key_ops != 0)
        order->params.set |= KP_SET_KEY_OPS;
    return true;
}

static bool take_tags(struct emu_exchange *x, struct emu_order *order)
{
    const char *name;
    json_t *value;
    json_t *tags = json_object_get(x->body, "tags");
    if (!tags || json_is_null(tags))
        return true;
    if (!json_is_object(tags) || json_object_size(tags) > KP_TAGS_MAX) {
        emu_fail_parameter(x, "tags must be an object of at most %u strings", KP_TAGS_MAX);
        return false;
    }
    order->params.set |= KP_SET_TAGS;
    order->params.tags = order->tags;
    json_object_foreach(tags, name, value) {
        struct kp_tag *tag = &order->tags[order->params.n_tags++];
        tag->name = kpb_span_str(name);
        tag->value = emu_json_text(value);
    }
    return true;
}

static void take_time(const json_t *attributes, const char *name, uint32_t bit, int64_t *ret,
                      struct emu_order *order)
{
    const json_t *value = json_object_get(attributes, name);
    if (!json_is_integer(value))
        return;
    order->params.set |= bit;
    *ret = (int64_t)json_integer_value(value);
}

static bool take_attributes(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *attributes = json_object_get(x->body, "attributes");
    const json_t *enabled = json_object_get(attributes, "enabled");
    if (attributes && !json_is_object(attributes) && !json_is_null(attributes)) {
        emu_fail_parameter(x, "attributes must be an object");
        return false;
    }
    if (json_is_boolean(enabled)) {
        order->params.set |= KP_SET_ENABLED;
        order->params.flags |= json_is_true(enabled) ? KP_KEY_ENABLED : 0u;
    }
    take_time(attributes, "nbf", KP_SET_NOT_BEFORE, &order->params.not_before_unix_s, order);
    take_time(attributes, "exp", KP_SET_EXPIRES, &order->params.expires_unix_s, order);
    return take_tags(x, order);
}

/* ---- Type ---- */

/* A Managed HSM takes AES for oct. */
static uint32_t kty_from_text(const struct emu_exchange *x, kp_span text)
{
    if (emu_is_hsm(x->vault) && kpb_span_eq_str(text, "AES"))
        return KP_KTY_OCT;
    return kp_kty_from_text(text);
}

static bool take_kty(struct emu_exchange *x, const json_t *object, bool asks_hsm,
                     struct emu_order *order)
{
    uint32_t kty = kty_from_text(x, emu_json_member(object, "kty"));
    uint32_t plain = kpc_plain_kty(kty);
    bool is_hsm = emu_is_hsm(x->vault) || kty != plain || asks_hsm;
    if (plain == 0 || (plain == KP_KTY_OCT && !emu_is_hsm(x->vault))) {
        emu_fail_parameter(x, "kty is missing or no key type of this service");
        return false;
    }
    /* The file vault keeps a vault's HSM keys as plain ones; the book knows better. */
    order->params.kty = plain;
    x->facts = json_pack("{s:b}", "hsm", is_hsm);
    return x->facts != NULL;
}

static bool take_curve(struct emu_exchange *x, const json_t *object, struct emu_order *order)
{
    const json_t *crv = json_object_get(object, "crv");
    order->params.curve = order->params.kty == KP_KTY_EC ? KP_CURVE_P256 : KP_CURVE_NONE;
    if (!crv || json_is_null(crv))
        return true;
    order->params.curve = kp_curve_from_text(emu_json_text(crv));
    if (order->params.curve != KP_CURVE_NONE)
        return true;
    emu_fail_parameter(x, "crv is no curve of this service");
    return false;
}

static bool take_size(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *size = json_object_get(x->body, "key_size");
    const json_t *exponent = json_object_get(x->body, "public_exponent");
    int64_t bits = (int64_t)json_integer_value(size);
    int64_t e = (int64_t)json_integer_value(exponent);
    if (bits < 0 || bits > 65536 || e < 0) {
        emu_fail_parameter(x, "key_size or public_exponent is out of range");
        return false;
    }
    order->params.bits = order->params.kty == KP_KTY_EC ? 0 : (uint32_t)bits;
    order->params.public_exponent = (uint64_t)e;
    return true;
}

/* ---- Create, import, update ---- */

static bool is_name_good(struct emu_exchange *x)
{
    if (kpb_is_key_name(x->name))
        return true;
    emu_fail_parameter(x, "the key's name must be 1 to 127 letters, digits and hyphens");
    return false;
}

static void note_rsa_bits(struct emu_exchange *x, const struct emu_order *order)
{
    if (order->params.kty == KP_KTY_RSA)
        (void)json_object_set_new(
            x->facts, "rsa_bits",
            json_integer(order->params.bits ? order->params.bits : RSA_DEFAULT_BITS));
}

bool emu_fill_create(struct emu_exchange *x, struct emu_order *order)
{
    order->request.params = &order->params;
    if (!is_name_good(x) || !take_kty(x, x->body, false, order) || !take_curve(x, x->body, order) ||
        !take_size(x, order) || !take_key_ops(x, x->body, order) || !take_attributes(x, order) ||
        !emu_release_policy_note(x, NULL))
        return false;
    note_rsa_bits(x, order);
    return true;
}

static bool take_parts(struct emu_exchange *x, const json_t *key, struct kp_key_params *p)
{
    return take_bytes(x, key, "n", &p->n) && take_bytes(x, key, "e", &p->e) &&
           take_bytes(x, key, "d", &p->d) && take_bytes(x, key, "p", &p->p) &&
           take_bytes(x, key, "q", &p->q) && take_bytes(x, key, "dp", &p->dp) &&
           take_bytes(x, key, "dq", &p->dq) && take_bytes(x, key, "qi", &p->qi) &&
           take_bytes(x, key, "x", &p->x) && take_bytes(x, key, "y", &p->y) &&
           take_bytes(x, key, "k", &p->k);
}

bool emu_fill_import(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *key = json_object_get(x->body, "key");
    order->request.params = &order->params;
    if (!is_name_good(x))
        return false;
    if (!json_is_object(key)) {
        emu_fail_parameter(x, "key is missing");
        return false;
    }
    if (!take_kty(x, key, json_is_true(json_object_get(x->body, "Hsm")), order) ||
        !take_curve(x, key, order) || !take_parts(x, key, &order->params) ||
        !take_key_ops(x, key, order) || !take_attributes(x, order) ||
        !emu_release_policy_note(x, NULL))
        return false;
    order->params.bits = (uint32_t)order->params.n.len * 8;
    note_rsa_bits(x, order);
    order->params.bits = 0;
    return true;
}

bool emu_fill_update(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *old = emu_book_version(&x->vault->book, x->name, x->version);
    order->request.params = &order->params;
    x->facts = old ? json_deep_copy(old) : json_object();
    return x->facts && take_key_ops(x, x->body, order) && take_attributes(x, order) &&
           emu_release_policy_note(x, old);
}

/* ---- Use ---- */

static bool take_alg(struct emu_exchange *x, struct emu_order *order)
{
    order->request.alg = kp_alg_from_text(emu_json_member(x->body, "alg"));
    if (order->request.alg != KP_ALG_NONE)
        return true;
    emu_fail_parameter(x, "alg is missing or no algorithm of this service");
    return false;
}

/* Decrypt and unwrap without a version use the current one, as the service does. */
bool emu_fill_use(struct emu_exchange *x, struct emu_order *order)
{
    struct kp_request *r = &order->request;
    bool makes_iv = false;
    if (!take_alg(x, order) || !take_bytes(x, x->body, "value", &r->value) ||
        !take_bytes(x, x->body, "iv", &r->iv) || !take_bytes(x, x->body, "aad", &r->aad) ||
        !take_bytes(x, x->body, "tag", &r->tag))
        return false;
    if (r->value.len == 0) {
        emu_fail_parameter(x, "value is missing");
        return false;
    }
    const struct kpc_alg_info *info = kpc_alg_find(r->alg);
    makes_iv = info && info->family == KP_FAMILY_AES_GCM && r->op == KP_OP_ENCRYPT;
    if (makes_iv && r->iv.len > 0) {
        emu_fail_parameter(x, "the service makes the iv of %s itself", info->name);
        return false;
    }
    return true;
}

bool emu_fill_verify(struct emu_exchange *x, struct emu_order *order)
{
    return take_alg(x, order) && take_bytes(x, x->body, "digest", &order->request.value) &&
           take_bytes(x, x->body, "value", &order->request.signature);
}

/* ---- Others ---- */

bool emu_fill_random(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *count = json_object_get(x->body, "count");
    json_int_t n = json_is_integer(count) ? json_integer_value(count) : 0;
    order->request.count = n >= 1 && n <= KP_RANDOM_MAX_LEN ? (uint32_t)n : 0;
    if (order->request.count > 0)
        return true;
    emu_fail_parameter(x, "count must be from 1 to %u", KP_RANDOM_MAX_LEN);
    return false;
}

/* A new version is what the one before it was. */
bool emu_fill_rotate(struct emu_exchange *x, struct emu_order *order)
{
    const json_t *old = emu_book_version(&x->vault->book, x->name, kpb_span(NULL, 0));
    (void)order;
    x->facts = old ? json_deep_copy(old) : json_object();
    if (!emu_is_hsm(x->vault) || !old || emu_book_get(&x->vault->book, x->name, "has_policy"))
        return true;
    emu_fail_parameter(x, "the key has no rotation policy; a Managed HSM rotates by one only");
    return false;
}
