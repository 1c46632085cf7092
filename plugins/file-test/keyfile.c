#include "plugins/file-test/keyfile.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SITE "file-test.keyfile"

static void init_buf(kp_buf *b, bool is_secret)
{
    if (is_secret)
        kp_buf_init_secret(b, SITE, FT_KEYFILE_MAX_LEN);
    else
        kp_buf_init(b, SITE, FT_KEYFILE_MAX_LEN);
}

void ft_keyfile_init(struct ft_keyfile *file, bool is_secret)
{
    memset(file, 0, sizeof *file);
    file->deleted_unix_s = KP_TIME_NONE;
    file->purge_unix_s = KP_TIME_NONE;
    init_buf(&file->raw, is_secret);
    init_buf(&file->fresh, is_secret);
}

void ft_keyfile_clear(struct ft_keyfile *file)
{
    kp_buf_clear(&file->raw);
    kp_buf_clear(&file->fresh);
    ft_arena_clear(&file->arena);
    file->versions = NULL;
    file->n_versions = 0;
}

struct ft_version *ft_keyfile_current(const struct ft_keyfile *file)
{
    return file->n_versions > 0 ? &file->versions[file->n_versions - 1] : NULL;
}

struct ft_version *ft_keyfile_find(const struct ft_keyfile *file, kp_span id)
{
    if (id.len == 0)
        return ft_keyfile_current(file);
    for (size_t i = file->n_versions; i > 0; i--) {
        if (kpb_span_eq_str(id, file->versions[i - 1].id))
            return &file->versions[i - 1];
    }
    return NULL;
}

/* Copies what a version points to into the arena. */
static kp_status own_version(struct ft_keyfile *file, struct ft_version *v)
{
    kp_span *spans[] = {&v->n, &v->e, &v->x, &v->y};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        kp_status st = ft_arena_copy(&file->arena, *spans[i], spans[i]);
        if (st != KP_OK)
            return st;
    }
    return ft_keyfile_set_tags(file, v, v->tags, v->n_tags, NULL);
}

/*
 * Only one version is added to a file between reading and writing it, so fresh never moves under a
 * sealed text that points into it.
 */
kp_status ft_keyfile_add(struct ft_keyfile *file, const struct ft_version *version, kp_span sealed,
                         struct kp_error *reterr)
{
    size_t n = file->n_versions;
    if (n >= FT_VERSIONS_MAX)
        return kpb_fail(reterr, KP_CONFLICT,
                        "key '%.127s' has %u versions, which is the most a key can have; create a "
                        "key of another name",
                        file->name, FT_VERSIONS_MAX);
    struct ft_version *versions = ft_arena_alloc(&file->arena, (n + 1) * sizeof *versions);
    if (!versions || kp_buf_append(&file->fresh, sealed) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    if (n > 0)
        memcpy(versions, file->versions, n * sizeof *versions);
    versions[n] = *version;
    versions[n].sealed = kp_buf_view(&file->fresh);
    if (own_version(file, &versions[n]) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    file->versions = versions;
    file->n_versions = n + 1;
    return KP_OK;
}

kp_status ft_keyfile_set_tags(struct ft_keyfile *file, struct ft_version *version,
                              const struct kp_tag *tags, uint32_t n_tags, struct kp_error *reterr)
{
    struct kp_tag *copy = NULL;
    if (n_tags > 0) {
        copy = ft_arena_alloc(&file->arena, n_tags * sizeof *copy);
        if (!copy)
            return kpb_fail_memory(reterr, SITE);
    }
    for (uint32_t i = 0; i < n_tags; i++) {
        if (ft_arena_copy(&file->arena, tags[i].name, &copy[i].name) != KP_OK ||
            ft_arena_copy(&file->arena, tags[i].value, &copy[i].value) != KP_OK)
            return kpb_fail_memory(reterr, SITE);
    }
    version->tags = copy;
    version->n_tags = n_tags;
    return KP_OK;
}

kp_status ft_keyfile_set_policy(struct ft_keyfile *file, const struct kp_rotation_policy *policy,
                                struct kp_error *reterr)
{
    struct kp_rotation_policy copy = *policy;
    copy.struct_size = sizeof copy;
    kp_status st = ft_arena_copy(&file->arena, policy->expiry, &copy.expiry);
    for (uint32_t i = 0; st == KP_OK && i < copy.n_rules; i++)
        st = ft_arena_copy(&file->arena, policy->rules[i].duration, &copy.rules[i].duration);
    if (st != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    file->policy = copy;
    file->has_policy = true;
    return KP_OK;
}
