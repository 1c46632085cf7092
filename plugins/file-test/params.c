#include "plugins/file-test/params.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/utf8.h"
#include "crypto/algs.h"

#define ALL_KEY_OPS 0x1ffu
#define LAST_TIME_UNIX_S INT64_C(253402300799) /* end of the year 9999 */

#define CRYPT_OPS (KP_KEY_OP_ENCRYPT | KP_KEY_OP_DECRYPT | KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP)
#define SIGN_OPS (KP_KEY_OP_SIGN | KP_KEY_OP_VERIFY)

/* ---- Key types ---- */

static uint32_t hsm_kind(uint32_t plain)
{
    switch (plain) {
    case KP_KTY_RSA:
        return KP_KTY_RSA_HSM;
    case KP_KTY_EC:
        return KP_KTY_EC_HSM;
    default:
        return KP_KTY_OCT_HSM;
    }
}

kp_status ft_params_kty(const struct ft_vault *vault, uint32_t asked, uint32_t *ret,
                        struct kp_error *reterr)
{
    uint32_t plain = kpc_plain_kty(asked);
    if (plain == 0)
        return FT_FAIL_USAGE(reterr, "the key type is missing or unknown; it is RSA, EC or oct");
    if (asked != plain && !vault->hsm)
        return kpb_fail(reterr, KP_UNSUPPORTED,
                        "vault %s makes no %s keys; ask for %s, or set the setting hsm",
                        vault->store.label, kp_kty_text(asked), kp_kty_text(plain));
    *ret = vault->hsm ? hsm_kind(plain) : plain;
    return KP_OK;
}

/* As a vault and a Managed HSM answer when key_ops is absent or empty. */
static uint32_t default_key_ops(uint32_t kty)
{
    switch (kty) {
    case KP_KTY_EC:
        return SIGN_OPS;
    case KP_KTY_EC_HSM:
        return SIGN_OPS | KP_KEY_OP_DERIVE;
    case KP_KTY_OCT_HSM:
        return CRYPT_OPS | SIGN_OPS | KP_KEY_OP_DERIVE;
    default:
        return CRYPT_OPS | SIGN_OPS;
    }
}

/* ---- Checks ---- */

static kp_status check_tag(const struct kp_key_params *params, uint32_t i, struct kp_error *reterr)
{
    const struct kp_tag *tag = &params->tags[i];
    if (tag->name.len == 0 || tag->name.len > KP_TAG_MAX_LEN || tag->value.len > KP_TAG_MAX_LEN)
        return FT_FAIL_USAGE(reterr, "tag %u: a name has 1 to %u bytes and a value up to %u", i + 1,
                             KP_TAG_MAX_LEN, KP_TAG_MAX_LEN);
    if (!kpb_utf8_is_valid(tag->name) || !kpb_utf8_is_valid(tag->value) ||
        memchr(tag->name.ptr, 0, tag->name.len) ||
        (tag->value.len > 0 && memchr(tag->value.ptr, 0, tag->value.len)))
        return FT_FAIL_USAGE(reterr, "tag %u is not UTF-8 text without NUL", i + 1);
    for (uint32_t k = 0; k < i; k++) {
        if (kpb_span_eq(params->tags[k].name, tag->name))
            return FT_FAIL_USAGE(reterr, "tag %u has the name of tag %u", i + 1, k + 1);
    }
    return KP_OK;
}

static kp_status check_tags(const struct kp_key_params *params, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    if (!(params->set & KP_SET_TAGS))
        return KP_OK;
    if (params->n_tags > KP_TAGS_MAX || (params->n_tags > 0 && !params->tags))
        return FT_FAIL_USAGE(reterr, "a key has at most %u tags", KP_TAGS_MAX);
    for (uint32_t i = 0; st == KP_OK && i < params->n_tags; i++)
        st = check_tag(params, i, reterr);
    return st;
}

static bool is_time(int64_t unix_s)
{
    return unix_s == KP_TIME_NONE || (unix_s >= 0 && unix_s <= LAST_TIME_UNIX_S);
}

static kp_status check_times(const struct kp_key_params *params, struct kp_error *reterr)
{
    if ((params->set & KP_SET_NOT_BEFORE && !is_time(params->not_before_unix_s)) ||
        (params->set & KP_SET_EXPIRES && !is_time(params->expires_unix_s)))
        return FT_FAIL_USAGE(reterr,
                             "not-before and expiry are seconds since 1970, up to the year 9999");
    return KP_OK;
}

kp_status ft_params_check(const struct kp_key_params *params, struct kp_error *reterr)
{
    if (!params)
        return FT_FAIL_USAGE(reterr, "the request says nothing about the key");
    if (params->set & KP_SET_KEY_OPS && params->key_ops & ~ALL_KEY_OPS)
        return FT_FAIL_USAGE(reterr, "key_ops has an unknown operation");
    if (params->set & KP_SET_EXPORTABLE && params->flags & KP_KEY_EXPORTABLE)
        return kpb_fail(reterr, KP_UNSUPPORTED, "a file vault has no exportable keys");
    if (params->set & KP_SET_RELEASE_POLICY)
        return kpb_fail(reterr, KP_UNSUPPORTED, "a file vault has no release policies");
    kp_status st = check_times(params, reterr);
    return st == KP_OK ? check_tags(params, reterr) : st;
}

/* ---- Filling versions ---- */

static void apply_numbers(const struct kp_key_params *params, struct ft_version *v)
{
    if (params->set & KP_SET_KEY_OPS)
        v->key_ops = params->key_ops;
    if (params->set & KP_SET_ENABLED)
        v->enabled = (params->flags & KP_KEY_ENABLED) != 0;
    if (params->set & KP_SET_NOT_BEFORE)
        v->not_before_unix_s = params->not_before_unix_s;
    if (params->set & KP_SET_EXPIRES)
        v->expires_unix_s = params->expires_unix_s;
}

void ft_params_new_version(const struct ft_vault *vault, const struct kp_key_params *params,
                           uint32_t kty, const struct kpc_key *key, struct ft_version *ret)
{
    struct kp_key_info info = {.struct_size = sizeof info};
    kpc_key_describe(key, &info);
    memset(ret, 0, sizeof *ret);
    ret->kty = kty;
    ret->curve = info.curve;
    ret->bits = info.bits;
    ret->n = info.n;
    ret->e = info.e;
    ret->x = info.x;
    ret->y = info.y;
    ret->enabled = true;
    ret->not_before_unix_s = KP_TIME_NONE;
    ret->expires_unix_s = KP_TIME_NONE;
    ret->created_unix_s = ret->updated_unix_s = ft_now_unix_s(vault);
    apply_numbers(params, ret);
    if (ret->key_ops == 0)
        ret->key_ops = default_key_ops(kty);
    if (params->set & KP_SET_TAGS) {
        ret->n_tags = params->n_tags;
        /* Copied, never written through: ft_keyfile_add makes its own. */
        ret->tags = (struct kp_tag *)(uintptr_t)params->tags;
    }
}

kp_status ft_params_apply(const struct kp_key_params *params, struct ft_keyfile *file,
                          struct ft_version *version, struct kp_error *reterr)
{
    apply_numbers(params, version);
    if (!(params->set & KP_SET_TAGS))
        return KP_OK;
    return ft_keyfile_set_tags(file, version, params->tags, params->n_tags, reterr);
}
