#include "tools/kp-emulator/bundle.h"

#include "base/span.h"
#include "tools/kp-emulator/guard.h"

json_t *emu_kid(const struct emu_exchange *x, const char *section, kp_span name, kp_span version)
{
    char base[EMU_BASE_MAX_LEN];
    emu_base_url(x, base);
    return json_sprintf("%s/%s/%.*s%s%.*s", base, section, (int)name.len, (const char *)name.ptr,
                        version.len > 0 ? "/" : "", (int)version.len, (const char *)version.ptr);
}

static void set(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static void set_time(json_t *object, const char *name, int64_t unix_s)
{
    if (unix_s != KP_TIME_NONE)
        set(object, name, json_integer(unix_s));
}

/* ---- The JWK ---- */

static const json_t *facts_of(const struct emu_exchange *x, const struct kp_key_info *info)
{
    return emu_book_version(&x->vault->book, info->name, info->version);
}

static const char *kty_text(const struct emu_exchange *x, const struct kp_key_info *info)
{
    bool is_hsm = json_is_true(json_object_get(facts_of(x, info), "hsm"));
    if (is_hsm && info->kty == KP_KTY_RSA)
        return kp_kty_text(KP_KTY_RSA_HSM);
    if (is_hsm && info->kty == KP_KTY_EC)
        return kp_kty_text(KP_KTY_EC_HSM);
    return kp_kty_text(info->kty);
}

/* A Managed HSM gives the operations in no fixed order: here they turn with each answer. */
static json_t *key_ops(const struct emu_exchange *x, uint32_t mask)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } OPS[] = {
#define XX(symbol, bit, text) {bit, text},
        KP_KEY_OP_MAP(XX)
#undef XX
    };
    const size_t n = sizeof OPS / sizeof OPS[0];
    size_t start = emu_is_hsm(x->vault) ? (size_t)x->request_id[0] % n : 0;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        size_t at = (start + i) % n;
        if (mask & OPS[at].bit)
            (void)json_array_append_new(list, json_string(OPS[at].text));
    }
    return list;
}

static void set_integer(json_t *jwk, const char *name, kp_span number)
{
    if (number.len > 0)
        set(jwk, name, emu_json_base64url(number));
}

static json_t *jwk_of(const struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *jwk = json_object();
    set(jwk, "kid", emu_kid(x, "keys", info->name, info->version));
    set(jwk, "kty", json_string(kty_text(x, info)));
    set(jwk, "key_ops", key_ops(x, info->key_ops));
    set_integer(jwk, "n", info->n);
    set_integer(jwk, "e", info->e);
    if (info->curve != KP_CURVE_NONE)
        set(jwk, "crv", json_string(kp_curve_text(info->curve)));
    set_integer(jwk, "x", info->x);
    set_integer(jwk, "y", info->y);
    return jwk;
}

/* ---- The rest ---- */

static const char *platform_of(const struct emu_exchange *x, const struct kp_key_info *info)
{
    return json_is_true(json_object_get(facts_of(x, info), "hsm")) ? "2" : "0";
}

static json_t *attributes_of(const struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *a = json_object();
    const json_t *facts = facts_of(x, info);
    set(a, "enabled", json_boolean(info->flags & KP_KEY_ENABLED));
    set_time(a, "nbf", info->not_before_unix_s);
    set_time(a, "exp", info->expires_unix_s);
    if (info->bits > 0 && emu_has_key_size(x) && info->curve == KP_CURVE_NONE)
        set(a, "key_size", json_integer(info->bits));
    set_time(a, "created", info->created_unix_s);
    set_time(a, "updated", info->updated_unix_s);
    set(a, "recoveryLevel", emu_json_string(info->recovery_level));
    set(a, "recoverableDays", json_integer(info->recoverable_days));
    set(a, "exportable", json_boolean(json_is_true(json_object_get(facts, "exportable"))));
    if (!emu_is_hsm(x->vault) && emu_has_platform(x))
        set(a, "hsmPlatform", json_string(platform_of(x, info)));
    return a;
}

static void add_tags(const struct kp_key_info *info, json_t *object)
{
    json_t *tags = info->n_tags > 0 ? json_object() : NULL;
    for (uint32_t i = 0; tags && i < info->n_tags; i++) {
        const struct kp_tag *tag = &info->tags[i];
        (void)json_object_setn_new(tags, (const char *)tag->name.ptr, tag->name.len,
                                   emu_json_string(tag->value));
    }
    if (tags)
        set(object, "tags", tags);
}

json_t *emu_bundle(const struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *bundle = json_object();
    json_t *policy = json_object_get(facts_of(x, info), "release_policy");
    set(bundle, "key", jwk_of(x, info));
    set(bundle, "attributes", attributes_of(x, info));
    add_tags(info, bundle);
    if (policy)
        (void)json_object_set(bundle, "release_policy", policy);
    return bundle;
}

json_t *emu_item(const struct emu_exchange *x, const struct kp_key_info *info)
{
    json_t *item = json_object();
    set(item, "kid", emu_kid(x, "keys", info->name, info->version));
    set(item, "attributes", attributes_of(x, info));
    add_tags(info, item);
    return item;
}

void emu_add_deleted(const struct emu_exchange *x, const struct kp_key_info *info, json_t *object)
{
    set(object, "recoveryId", emu_kid(x, "deletedkeys", info->name, kpb_span(NULL, 0)));
    set_time(object, "deletedDate", info->deleted_unix_s);
    set_time(object, "scheduledPurgeDate", info->scheduled_purge_unix_s);
    if (emu_is_hsm(x->vault)) /* recorded: a deleted bundle has no key_size there */
        (void)json_object_del(json_object_get(object, "attributes"), "key_size");
}
