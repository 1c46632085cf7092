#include "plugins/file-test/load.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/file-test/info.h"
#include "plugins/file-test/rotate.h"

#define SITE "file-test.load"

static void fill(struct ft_loaded *loaded, const struct ft_keyfile *file,
                 const struct ft_version *v, kp_span asked)
{
    memcpy(loaded->name, file->name, sizeof loaded->name);
    memcpy(loaded->version, v->id, sizeof loaded->version);
    if (asked.len > 0)
        memcpy(loaded->asked, v->id, sizeof loaded->asked);
    loaded->stat = file->stat;
    loaded->key_ops = v->key_ops;
    loaded->enabled = v->enabled;
    loaded->not_before_unix_s = v->not_before_unix_s;
    loaded->expires_unix_s = v->expires_unix_s;
}

/* A rotation that is due here just failed; leave it alone for a while. */
static int64_t reload_time(const struct ft_vault *vault, const struct ft_keyfile *file,
                           kp_span asked)
{
    int64_t now = ft_now_unix_s(vault);
    int64_t due = asked.len > 0 ? INT64_MAX : ft_rotate_due_unix_s(vault, file);
    return due > now ? due : now + FT_ROTATE_RETRY_S;
}

static kp_status load_version(struct ft_vault *vault, const struct ft_keyfile *file, kp_span asked,
                              struct ft_loaded *loaded, struct kp_error *reterr)
{
    struct ft_version *v;
    kp_status st = ft_find_version(vault, file, asked, &v, reterr);
    if (st != KP_OK)
        return st;
    fill(loaded, file, v, asked);
    loaded->reload_unix_s = reload_time(vault, file, asked);
    if (ft_name_encode(kpb_span_str(file->name), loaded->file) != KP_OK)
        return ft_fail_name(reterr, kpb_span_str(file->name));
    st = ft_unseal_key(&vault->store.sealer, file->name, v, &loaded->key, reterr);
    if (st == KP_INTEGRITY)
        kpb_error_prefix(reterr, "%s/%s is damaged; put it back from a backup", vault->store.where,
                         loaded->file);
    return st;
}

static kp_status read_key(struct ft_vault *vault, kp_span name, kp_span version,
                          struct ft_keyfile *file, struct kp_error *reterr)
{
    kp_status st = ft_load_live(vault, name, file, reterr);
    if (st != KP_OK || version.len > 0 || !ft_rotate_if_due(vault, file))
        return st;
    ft_keyfile_clear(file);
    return ft_load_live(vault, name, file, reterr);
}

static kp_status load_new(struct ft_vault *vault, kp_span name, kp_span version,
                          struct ft_loaded **ret, struct kp_error *reterr)
{
    struct ft_keyfile file;
    struct ft_loaded *loaded = ft_loaded_new();
    if (!loaded)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = read_key(vault, name, version, &file, reterr);
    if (st == KP_OK)
        st = load_version(vault, &file, version, loaded, reterr);
    ft_keyfile_clear(&file);
    if (st != KP_OK) {
        ft_loaded_release(loaded);
        return st;
    }
    ft_keys_put(&vault->keys, loaded);
    *ret = loaded; /* moved to the caller */
    return KP_OK;
}

kp_status ft_load_key(struct ft_vault *vault, kp_span name, kp_span version, struct ft_loaded **ret,
                      struct kp_error *reterr)
{
    struct ft_loaded *loaded = ft_keys_acquire(&vault->keys, name, version);
    if (loaded && ft_loaded_is_fresh(loaded, &vault->store) &&
        ft_now_unix_s(vault) < loaded->reload_unix_s) {
        *ret = loaded;
        return KP_OK;
    }
    if (loaded)
        ft_keys_forget(&vault->keys, name);
    ft_loaded_release(loaded);
    return load_new(vault, name, version, ret, reterr);
}
