#include "plugins/file-test/keyfile.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"
#include "crypto/algs.h"
#include "plugins/file-test/json_read.h"
#include "plugins/file-test/policy.h"

#define SITE "file-test.keyfile"
#define FIRST_TIME_UNIX_S INT64_C(0)
#define LAST_TIME_UNIX_S INT64_C(253402300799) /* end of the year 9999 */

struct decoder {
    struct ft_keyfile *file;
    struct kp_error *err;
    kp_span *secrets;
    size_t n_secrets;
};

static kp_status damaged(struct decoder *d, const char *what)
{
    return kpb_fail(d->err, KP_INTEGRITY, "%s", what);
}

static kp_status no_memory(struct decoder *d)
{
    return kpb_fail_memory(d->err, SITE);
}

static kp_status read_time(struct decoder *d, const json_t *object, const char *name, bool required,
                           int64_t *ret)
{
    *ret = KP_TIME_NONE;
    kp_status st = ft_json_int(object, name, required, ret, d->err);
    if (st != KP_OK || *ret == KP_TIME_NONE)
        return st;
    if (*ret < FIRST_TIME_UNIX_S || *ret > LAST_TIME_UNIX_S)
        return kpb_fail(d->err, KP_INTEGRITY, "member \"%s\" is no point in time", name);
    return KP_OK;
}

/* ---- One version ---- */

static kp_status read_id(struct decoder *d, const json_t *object, struct ft_version *v)
{
    kp_span id;
    kp_status st = ft_json_text(object, "version", true, &id, d->err);
    if (st != KP_OK)
        return st;
    if (id.len != FT_VERSION_ID_LEN)
        return damaged(d, "a version id has not 32 digits");
    memcpy(v->id, id.ptr, id.len);
    if (strspn(v->id, "0123456789abcdef") != FT_VERSION_ID_LEN)
        return damaged(d, "a version id is not lower-case hex");
    if (ft_keyfile_find(d->file, id))
        return damaged(d, "a version id stands there twice");
    return KP_OK;
}

static kp_status read_type(struct decoder *d, const json_t *object, struct ft_version *v)
{
    kp_span kty, crv = {NULL, 0};
    int64_t bits = 0;
    kp_status st = ft_json_text(object, "kty", true, &kty, d->err);
    if (st == KP_OK)
        st = ft_json_text(object, "crv", false, &crv, d->err);
    if (st == KP_OK)
        st = ft_json_int(object, "bits", true, &bits, d->err);
    if (st != KP_OK)
        return st;
    v->kty = kp_kty_from_text(kty);
    v->curve = kp_curve_from_text(crv);
    v->bits = (uint32_t)bits;
    if (v->kty == KP_KTY_NONE || (crv.len > 0 && v->curve == KP_CURVE_NONE))
        return damaged(d, "an unknown \"kty\" or \"crv\"");
    if ((kpc_plain_kty(v->kty) == KP_KTY_EC) != (v->curve != KP_CURVE_NONE))
        return damaged(d, "\"crv\" does not go with \"kty\"");
    return bits < 1 || bits > 65536 ? damaged(d, "\"bits\" is no size of a key") : KP_OK;
}

static kp_status read_key_ops(struct decoder *d, const json_t *object, struct ft_version *v)
{
    json_t *ops;
    kp_status st = ft_json_array(object, "key_ops", true, &ops, d->err);
    if (st != KP_OK)
        return st;
    for (size_t i = 0; i < json_array_size(ops); i++) {
        uint32_t bit = kp_key_op_from_text(kpb_span_str(json_string_value(json_array_get(ops, i))));
        if (bit == 0 || v->key_ops & bit)
            return damaged(d, "an unknown or repeated entry of \"key_ops\"");
        v->key_ops |= bit;
    }
    return KP_OK;
}

static kp_status read_times(struct decoder *d, const json_t *object, struct ft_version *v)
{
    kp_status st = ft_json_bool(object, "enabled", &v->enabled, d->err);
    if (st == KP_OK)
        st = read_time(d, object, "nbf", false, &v->not_before_unix_s);
    if (st == KP_OK)
        st = read_time(d, object, "exp", false, &v->expires_unix_s);
    if (st == KP_OK)
        st = read_time(d, object, "created", true, &v->created_unix_s);
    if (st == KP_OK)
        st = read_time(d, object, "updated", true, &v->updated_unix_s);
    return st;
}

static kp_status read_tag(struct decoder *d, const char *name, const json_t *value,
                          struct kp_tag *tag)
{
    if (!json_is_string(value))
        return damaged(d, "a tag is not a string");
    kp_span name_span = kpb_span_str(name);
    kp_span value_span = kpb_span(json_string_value(value), json_string_length(value));
    if (name_span.len > KP_TAG_MAX_LEN || value_span.len > KP_TAG_MAX_LEN)
        return damaged(d, "a tag is too long");
    if (ft_arena_copy(&d->file->arena, name_span, &tag->name) != KP_OK ||
        ft_arena_copy(&d->file->arena, value_span, &tag->value) != KP_OK)
        return no_memory(d);
    return KP_OK;
}

static kp_status read_tags(struct decoder *d, const json_t *object, struct ft_version *v)
{
    json_t *tags;
    kp_status st = ft_json_object(object, "tags", false, &tags, d->err);
    if (st != KP_OK || !tags)
        return st;
    if (json_object_size(tags) > KP_TAGS_MAX)
        return damaged(d, "more than 15 tags");
    v->tags = ft_arena_alloc(&d->file->arena, json_object_size(tags) * sizeof *v->tags);
    if (!v->tags)
        return no_memory(d);
    void *it = json_object_iter(tags);
    for (; st == KP_OK && it; it = json_object_iter_next(tags, it))
        st = read_tag(d, json_object_iter_key(it), json_object_iter_value(it),
                      &v->tags[v->n_tags++]);
    return st;
}

static kp_status read_public(struct decoder *d, const json_t *object, struct ft_version *v)
{
    struct ft_arena *arena = &d->file->arena;
    kp_status st = ft_json_bytes(object, "n", arena, &v->n, d->err);
    if (st == KP_OK)
        st = ft_json_bytes(object, "e", arena, &v->e, d->err);
    if (st == KP_OK)
        st = ft_json_bytes(object, "x", arena, &v->x, d->err);
    if (st == KP_OK)
        st = ft_json_bytes(object, "y", arena, &v->y, d->err);
    return st;
}

/* What stands here is the ordinal ft_json_redact left in place of the secret. */
static kp_status read_sealed(struct decoder *d, const json_t *object, struct ft_version *v)
{
    kp_span ordinal;
    kp_status st = ft_json_text(object, "private", true, &ordinal, d->err);
    if (st != KP_OK)
        return st;
    size_t i = 0;
    size_t n_digits = strspn((const char *)ordinal.ptr, "0123456789");
    for (size_t at = 0; at < n_digits && i <= FT_VERSIONS_MAX; at++)
        i = i * 10 + (size_t)(ordinal.ptr[at] - '0');
    if (n_digits == 0 || n_digits != ordinal.len || i >= d->n_secrets || d->secrets[i].len == 0)
        return damaged(d, "member \"private\" is damaged");
    v->sealed = d->secrets[i];
    return KP_OK;
}

static kp_status read_version(struct decoder *d, const json_t *object, struct ft_version *v)
{
    static const char *const MEMBERS[] = {
        "version", "kty",  "crv", "bits", "key_ops", "enabled", "nbf",     "exp", "created",
        "updated", "tags", "n",   "e",    "x",       "y",       "private", NULL};
    typedef kp_status read_fn(struct decoder *, const json_t *, struct ft_version *);
    static read_fn *const STEPS[] = {read_id,   read_type,   read_key_ops, read_times,
                                     read_tags, read_public, read_sealed};
    if (!json_is_object(object))
        return damaged(d, "an entry of \"versions\" is no object");
    kp_status st = ft_json_only(object, MEMBERS, d->err);
    for (size_t i = 0; st == KP_OK && i < sizeof STEPS / sizeof STEPS[0]; i++)
        st = STEPS[i](d, object, v);
    return st;
}

static kp_status read_versions(struct decoder *d, const json_t *root)
{
    json_t *versions;
    kp_status st = ft_json_array(root, "versions", true, &versions, d->err);
    if (st != KP_OK)
        return st;
    size_t n = json_array_size(versions);
    if (n == 0 || n > FT_VERSIONS_MAX)
        return damaged(d, "\"versions\" is empty or too long");
    d->file->versions = ft_arena_alloc(&d->file->arena, n * sizeof *d->file->versions);
    if (!d->file->versions)
        return no_memory(d);
    for (size_t i = 0; st == KP_OK && i < n; i++) {
        st = read_version(d, json_array_get(versions, i), &d->file->versions[i]);
        if (st == KP_OK)
            d->file->n_versions = i + 1;
        else
            kpb_error_prefix(d->err, "versions[%zu]", i);
    }
    return st;
}

/* ---- The rest ---- */

static kp_status read_rule(struct decoder *d, const json_t *object, struct kp_rotation_rule *rule)
{
    static const char *const MEMBERS[] = {"action", "trigger", "duration", NULL};
    kp_span action, trigger, duration;
    if (!json_is_object(object))
        return damaged(d, "an entry of \"rules\" is no object");
    kp_status st = ft_json_only(object, MEMBERS, d->err);
    if (st == KP_OK)
        st = ft_json_text(object, "action", true, &action, d->err);
    if (st == KP_OK)
        st = ft_json_text(object, "trigger", true, &trigger, d->err);
    if (st == KP_OK)
        st = ft_json_text(object, "duration", true, &duration, d->err);
    if (st != KP_OK)
        return st;
    rule->action = ft_policy_action_from_text(action);
    rule->trigger = ft_policy_trigger_from_text(trigger);
    rule->duration = duration;
    return KP_OK;
}

static kp_status read_rules(struct decoder *d, const json_t *object, struct kp_rotation_policy *p)
{
    json_t *rules;
    kp_status st = ft_json_array(object, "rules", true, &rules, d->err);
    if (st != KP_OK)
        return st;
    if (json_array_size(rules) > KP_ROTATION_ACTIONS_MAX)
        return damaged(d, "too many rules in \"rotation_policy\"");
    for (size_t i = 0; st == KP_OK && i < json_array_size(rules); i++)
        st = read_rule(d, json_array_get(rules, i), &p->rules[p->n_rules++]);
    return st;
}

static kp_status read_policy(struct decoder *d, const json_t *root)
{
    static const char *const MEMBERS[] = {"rules", "expiry", "created", "updated", NULL};
    struct kp_rotation_policy policy = {.struct_size = sizeof policy};
    json_t *object;
    kp_status st = ft_json_object(root, "rotation_policy", false, &object, d->err);
    if (st != KP_OK || !object)
        return st;
    st = ft_json_only(object, MEMBERS, d->err);
    if (st == KP_OK)
        st = read_rules(d, object, &policy);
    if (st == KP_OK)
        st = ft_json_text(object, "expiry", false, &policy.expiry, d->err);
    if (st == KP_OK)
        st = read_time(d, object, "created", true, &policy.created_unix_s);
    if (st == KP_OK)
        st = read_time(d, object, "updated", true, &policy.updated_unix_s);
    if (st == KP_OK && ft_policy_check(&policy, NULL) != KP_OK)
        st = damaged(d, "\"rotation_policy\" has a rule that is none");
    return st == KP_OK ? ft_keyfile_set_policy(d->file, &policy, d->err) : st;
}

static kp_status read_deleted(struct decoder *d, const json_t *root)
{
    static const char *const MEMBERS[] = {"at", "purge_at", NULL};
    json_t *object;
    kp_status st = ft_json_object(root, "deleted", false, &object, d->err);
    if (st != KP_OK || !object)
        return st;
    st = ft_json_only(object, MEMBERS, d->err);
    if (st == KP_OK)
        st = read_time(d, object, "at", true, &d->file->deleted_unix_s);
    if (st == KP_OK)
        st = read_time(d, object, "purge_at", true, &d->file->purge_unix_s);
    return st;
}

static kp_status read_name(struct decoder *d, const json_t *root, kp_span expected)
{
    kp_span name;
    kp_status st = ft_json_text(root, "name", true, &name, d->err);
    if (st != KP_OK)
        return st;
    if (!kpb_is_key_name(name))
        return damaged(d, "\"name\" is no key name");
    if (expected.len > 0 && !kpb_span_eq(name, expected))
        return kpb_fail(d->err, KP_INTEGRITY, "it holds the key '%.*s'", (int)name.len,
                        (const char *)name.ptr);
    memcpy(d->file->name, name.ptr, name.len);
    return KP_OK;
}

static kp_status read_format(struct decoder *d, const json_t *root)
{
    int64_t format = 0;
    kp_status st = ft_json_int(root, "format", true, &format, d->err);
    if (st == KP_OK && format != FT_KEYFILE_FORMAT)
        return kpb_fail(d->err, KP_UNSUPPORTED,
                        "it has format %lld and this build knows format %d; use a newer build",
                        (long long)format, FT_KEYFILE_FORMAT);
    return st;
}

static kp_status read_root(struct decoder *d, const json_t *root, kp_span name)
{
    static const char *const MEMBERS[] = {"format",          "name",    "versions",
                                          "rotation_policy", "deleted", NULL};
    kp_status st = read_format(d, root);
    if (st == KP_OK)
        st = ft_json_only(root, MEMBERS, d->err);
    if (st == KP_OK)
        st = read_name(d, root, name);
    if (st == KP_OK)
        st = read_versions(d, root);
    if (st == KP_OK)
        st = read_policy(d, root);
    if (st == KP_OK)
        st = read_deleted(d, root);
    return st;
}

static kp_status parse(struct decoder *d, kp_buf *redacted, kp_span name)
{
    json_t *root = NULL;
    d->n_secrets = FT_VERSIONS_MAX;
    kp_status st =
        ft_json_redact(kp_buf_view(&d->file->raw), redacted, d->secrets, &d->n_secrets, d->err);
    if (st == KP_OK)
        st = ft_json_load(kp_buf_view(redacted), &root, d->err);
    if (st != KP_OK)
        return st;
    st = read_root(d, root, name);
    json_decref(root);
    return st;
}

kp_status ft_keyfile_decode(struct ft_keyfile *file, kp_span name, struct kp_error *reterr)
{
    struct decoder d = {.file = file, .err = reterr};
    kp_buf redacted;
    kp_buf_init(&redacted, SITE,
                2 * FT_KEYFILE_MAX_LEN); /* an ordinal may be longer than nothing */
    d.secrets = kpb_alloc_array(SITE, FT_VERSIONS_MAX, sizeof *d.secrets);
    kp_status st = d.secrets ? parse(&d, &redacted, name) : no_memory(&d);
    kpb_free(d.secrets);
    kp_buf_clear(&redacted);
    return st;
}
