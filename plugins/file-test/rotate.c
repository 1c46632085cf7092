#include "plugins/file-test/rotate.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "plugins/file-test/info.h"
#include "plugins/file-test/params.h"
#include "plugins/file-test/policy.h"

#define SITE "file-test.rotate"

/* Exponents of up to 8 bytes are all the crypto library makes. */
static uint64_t exponent_of(const struct ft_version *v)
{
    uint64_t e = 0;
    for (size_t i = 0; i < v->e.len && v->e.len <= sizeof e; i++)
        e = e << 8 | v->e.ptr[i];
    return e;
}

kp_status ft_rotate_generate(const struct ft_version *like, struct kpc_key **ret_key,
                             struct kp_error *reterr)
{
    const struct kp_key_params params = {.struct_size = sizeof params,
                                         .kty = kpc_plain_kty(like->kty),
                                         .bits = like->bits,
                                         .curve = like->curve,
                                         .public_exponent = exponent_of(like)};
    return kpc_key_generate(&params, ret_key, reterr);
}

bool ft_rotate_fits(const struct ft_version *like, const struct kpc_key *key)
{
    return kpc_key_kty(key) == kpc_plain_kty(like->kty) && kpc_key_bits(key) == like->bits &&
           kpc_key_curve(key) == like->curve;
}

kp_status ft_version_seal(const struct ft_vault *vault, const char *name,
                          struct ft_version *version, const struct kpc_key *key, kp_buf *sealed,
                          struct kp_error *reterr)
{
    uint8_t id[FT_VERSION_ID_LEN / 2];
    const struct kp_host *host = &vault->host;
    if (host->random(host->self, id, sizeof id) != KP_OK)
        return kpb_fail(reterr, KP_INTERNAL, "the host has no random bytes");
    kpb_hex_encode(kpb_span(id, sizeof id), version->id);
    return ft_seal_key(&vault->store.sealer, name, version, key, sealed, reterr);
}

/* What a new version takes over from the one before. */
static void inherit(const struct ft_keyfile *file, int64_t now, struct ft_version *v)
{
    const struct ft_version *old = ft_keyfile_current(file);
    v->kty = old->kty;
    v->key_ops = old->key_ops;
    v->enabled = old->enabled;
    v->tags = old->tags;
    v->n_tags = old->n_tags;
    v->expires_unix_s = ft_policy_expires_unix_s(file->has_policy ? &file->policy : NULL, now);
}

kp_status ft_rotate_append(const struct ft_vault *vault, struct ft_keyfile *file,
                           struct kpc_key *key, struct ft_version **ret_version,
                           struct kp_error *reterr)
{
    const struct kp_key_params nothing = {.struct_size = sizeof nothing};
    struct ft_version v;
    kp_buf sealed;
    ft_params_new_version(vault, &nothing, ft_keyfile_current(file)->kty, key, &v);
    inherit(file, v.created_unix_s, &v);
    kp_buf_init_secret(&sealed, SITE, FT_SEALED_MAX_LEN);
    kp_status st = ft_version_seal(vault, file->name, &v, key, &sealed, reterr);
    if (st == KP_OK)
        st = ft_keyfile_add(file, &v, kp_buf_view(&sealed), reterr);
    kp_buf_clear(&sealed);
    if (st == KP_OK && ret_version)
        *ret_version = ft_keyfile_current(file);
    return st;
}

/* ---- By policy ---- */

int64_t ft_rotate_due_unix_s(const struct ft_vault *vault, const struct ft_keyfile *file)
{
    const struct ft_version *current = ft_keyfile_current(file);
    if (!vault->auto_rotate || !file->has_policy || !current->enabled)
        return INT64_MAX;
    return ft_policy_rotate_unix_s(&file->policy, current);
}

static bool is_due(const struct ft_vault *vault, const struct ft_keyfile *file)
{
    int64_t now = ft_now_unix_s(vault);
    return ft_life_of(file, now) == FT_LIVE && now >= ft_rotate_due_unix_s(vault, file);
}

/* Under the lock the key is read again: somebody may have rotated it meanwhile. */
static kp_status rotate_locked(struct ft_vault *vault, ft_handle lock, kp_span name,
                               struct kpc_key *key, bool *ret_rotated, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = ft_load_live(vault, name, &file, reterr);
    if (st == KP_OK && is_due(vault, &file) && ft_rotate_fits(ft_keyfile_current(&file), key)) {
        st = ft_rotate_append(vault, &file, key, NULL, reterr);
        if (st == KP_OK)
            st = ft_store_save(&vault->store, lock, &file, FT_KEYFILE_GROW_MAX_LEN, reterr);
        *ret_rotated = st == KP_OK;
    }
    ft_keyfile_clear(&file);
    return st;
}

static kp_status rotate_now(struct ft_vault *vault, const struct ft_keyfile *file,
                            bool *ret_rotated, struct kp_error *reterr)
{
    struct kpc_key *key = NULL;
    ft_handle lock = FT_NO_HANDLE;
    kp_status st = ft_rotate_generate(ft_keyfile_current(file), &key, reterr);
    if (st == KP_OK)
        st = ft_store_try_lock(&vault->store, &lock, reterr);
    if (st == KP_OK && lock == FT_NO_HANDLE)
        st = kpb_fail(reterr, KP_TRANSIENT, "another process has vault %s locked",
                      vault->store.label);
    if (st == KP_OK)
        st = rotate_locked(vault, lock, kpb_span_str(file->name), key, ret_rotated, reterr);
    ft_store_unlock(&vault->store, lock);
    kpc_key_release(key);
    return st;
}

bool ft_rotate_if_due(struct ft_vault *vault, const struct ft_keyfile *file)
{
    bool rotated = false;
    struct kp_error err;
    char text[KP_ERROR_TEXT_LEN];
    if (!is_due(vault, file))
        return false;
    kp_error_init(&err);
    kp_status st = rotate_now(vault, file, &rotated, &err);
    if (st != KP_OK) {
        kpb_error_prefix(&err, "key '%s' is due for rotation and was not rotated", file->name);
        ft_log(vault, KP_LOG_WARN, "rotation_failed", err.text);
    } else if (rotated) {
        (void)snprintf(text, sizeof text, "key '%s' of vault %s was rotated by its policy",
                       file->name, vault->store.label);
        ft_log(vault, KP_LOG_INFO, "key_rotated", text);
    }
    return rotated;
}
