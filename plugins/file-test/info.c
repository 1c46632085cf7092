#include "plugins/file-test/info.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"

#define SITE "file-test.info"
#define DEFAULT_RETENTION_DAYS 90

kp_span ft_version_span(const struct ft_version *version)
{
    return kpb_span_str(version->id);
}

/* The service's names for how a deleted key comes back, by retention and purge protection. */
static const char *recovery_level(const struct ft_vault *vault)
{
    bool customized = vault->retention_days != DEFAULT_RETENTION_DAYS;
    if (vault->purge_protection)
        return customized ? "CustomizedRecoverable" : "Recoverable";
    return customized ? "CustomizedRecoverable+Purgeable" : "Recoverable+Purgeable";
}

static void fill_numbers(const struct ft_vault *vault, const struct ft_keyfile *file,
                         const struct ft_version *v, struct kp_key_info *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->struct_size = sizeof *ret;
    ret->flags = v->enabled ? KP_KEY_ENABLED : 0u;
    ret->not_before_unix_s = v->not_before_unix_s;
    ret->expires_unix_s = v->expires_unix_s;
    ret->created_unix_s = v->created_unix_s;
    ret->updated_unix_s = v->updated_unix_s;
    ret->deleted_unix_s = file->deleted_unix_s;
    ret->scheduled_purge_unix_s = file->purge_unix_s;
    ret->recoverable_days = (int32_t)vault->retention_days;
    ret->recovery_level = kpb_span_str(recovery_level(vault)); /* static storage */
    ret->hsm_platform = kpb_span_str(vault->hsm ? NULL : "0");
}

static kp_status fill_tags(struct ft_arena *arena, const struct ft_version *v,
                           struct kp_key_info *ret)
{
    if (v->n_tags == 0)
        return KP_OK;
    struct kp_tag *tags = ft_arena_alloc(arena, v->n_tags * sizeof *tags);
    if (!tags)
        return KP_NO_MEMORY;
    for (uint32_t i = 0; i < v->n_tags; i++) {
        if (ft_arena_copy(arena, v->tags[i].name, &tags[i].name) != KP_OK ||
            ft_arena_copy(arena, v->tags[i].value, &tags[i].value) != KP_OK)
            return KP_NO_MEMORY;
    }
    ret->tags = tags;
    ret->n_tags = v->n_tags;
    return KP_OK;
}

static kp_status fill_key(struct ft_arena *arena, const struct ft_version *v,
                          struct kp_key_info *ret)
{
    ret->kty = v->kty;
    ret->curve = v->curve;
    ret->bits = v->bits;
    ret->key_ops = v->key_ops;
    kp_status st = ft_arena_copy(arena, v->n, &ret->n);
    if (st == KP_OK)
        st = ft_arena_copy(arena, v->e, &ret->e);
    if (st == KP_OK)
        st = ft_arena_copy(arena, v->x, &ret->x);
    if (st == KP_OK)
        st = ft_arena_copy(arena, v->y, &ret->y);
    return st;
}

kp_status ft_info_fill(const struct ft_vault *vault, struct ft_arena *arena,
                       const struct ft_keyfile *file, const struct ft_version *version,
                       enum ft_detail detail, struct kp_key_info *ret, struct kp_error *reterr)
{
    fill_numbers(vault, file, version, ret);
    kp_status st = ft_arena_copy(arena, kpb_span_str(file->name), &ret->name);
    if (st == KP_OK && detail != FT_DETAIL_LIST_KEYS)
        st = ft_arena_copy(arena, ft_version_span(version), &ret->version);
    if (st == KP_OK)
        st = fill_tags(arena, version, ret);
    if (st == KP_OK && detail == FT_DETAIL_KEY)
        st = fill_key(arena, version, ret);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

kp_status ft_answer_key(struct ft_op *op, const struct ft_keyfile *file,
                        const struct ft_version *version, struct kp_error *reterr)
{
    struct ft_answer *answer = &op->answer;
    kp_status st = ft_info_fill(op->vault, &answer->arena, file, version, FT_DETAIL_KEY,
                                &answer->info, reterr);
    if (st != KP_OK)
        return st;
    answer->reply.key = &answer->info;
    answer->reply.name = answer->info.name;
    answer->reply.version = answer->info.version;
    return KP_OK;
}

enum ft_life ft_life_of(const struct ft_keyfile *file, int64_t now_unix_s)
{
    if (file->deleted_unix_s == KP_TIME_NONE)
        return FT_LIVE;
    return now_unix_s < file->purge_unix_s ? FT_DELETED : FT_GONE;
}

static kp_status load(const struct ft_vault *vault, kp_span name, enum ft_life wanted,
                      struct ft_keyfile *ret, struct kp_error *reterr)
{
    kp_status st = ft_store_load(&vault->store, name, ret, reterr);
    if (st != KP_OK)
        return st;
    enum ft_life life = ft_life_of(ret, ft_now_unix_s(vault));
    if (life == wanted)
        return KP_OK;
    if (wanted == FT_DELETED)
        return FT_FAIL_NOT_FOUND(reterr, "vault %s has no deleted key '%s'", vault->store.label,
                                 ret->name);
    return FT_FAIL_NOT_FOUND(reterr, "vault %s has no key '%s'%s", vault->store.label, ret->name,
                             life == FT_DELETED ? "; it was deleted and can be recovered" : "");
}

kp_status ft_load_live(const struct ft_vault *vault, kp_span name, struct ft_keyfile *ret,
                       struct kp_error *reterr)
{
    return load(vault, name, FT_LIVE, ret, reterr);
}

kp_status ft_load_deleted(const struct ft_vault *vault, kp_span name, struct ft_keyfile *ret,
                          struct kp_error *reterr)
{
    return load(vault, name, FT_DELETED, ret, reterr);
}

kp_status ft_find_version(const struct ft_vault *vault, const struct ft_keyfile *file,
                          kp_span version, struct ft_version **ret, struct kp_error *reterr)
{
    *ret = ft_keyfile_find(file, version);
    if (*ret)
        return KP_OK;
    int shown =
        version.len > KP_KEY_VERSION_MAX_LEN ? (int)KP_KEY_VERSION_MAX_LEN : (int)version.len;
    return FT_FAIL_NOT_FOUND(reterr, "key '%s' of vault %s has no version '%.*s'", file->name,
                             vault->store.label, shown, (const char *)version.ptr);
}
