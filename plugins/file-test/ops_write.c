/* Operations that change a key without making a version, under the lock. */
#include "plugins/file-test/info.h"
#include "plugins/file-test/op.h"
#include "plugins/file-test/params.h"
#include "plugins/file-test/policy.h"

#include "base/errors.h"
#include "base/span.h"

#define DAY_S INT64_C(86400)

/* The answer is made before the save, so that nothing can fail once the change is there. */
static kp_status commit(struct ft_op *op, ft_handle lock, const struct ft_keyfile *file,
                        const struct ft_version *version, size_t max_len, struct kp_error *reterr)
{
    kp_status st = ft_answer_key(op, file, version, reterr);
    if (st == KP_OK)
        st = ft_store_save(&op->vault->store, lock, file, max_len, reterr);
    ft_keys_forget(&op->vault->keys, op->request.name);
    return st;
}

/* ---- Update ---- */

static kp_status update(struct ft_op *op, ft_handle lock, struct ft_keyfile *file,
                        struct kp_error *reterr)
{
    struct ft_version *version;
    kp_status st = ft_find_version(op->vault, file, op->request.version, &version, reterr);
    if (st == KP_OK)
        st = ft_params_apply(op->request.params, file, version, reterr);
    if (st != KP_OK)
        return st;
    version->updated_unix_s = ft_now_unix_s(op->vault);
    size_t max_len =
        op->request.params->set & KP_SET_TAGS ? FT_KEYFILE_GROW_MAX_LEN : FT_KEYFILE_CHANGE_MAX_LEN;
    return commit(op, lock, file, version, max_len, reterr);
}

kp_status ft_op_update(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = ft_params_check(op->request.params, reterr);
    if (st != KP_OK)
        return st;
    st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = update(op, lock, &file, reterr);
    ft_keyfile_clear(&file);
    return st;
}

/* ---- Delete, recover, purge ---- */

kp_status ft_op_delete(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK) {
        file.deleted_unix_s = ft_now_unix_s(op->vault);
        file.purge_unix_s = file.deleted_unix_s + op->vault->retention_days * DAY_S;
        st = commit(op, lock, &file, ft_keyfile_current(&file), FT_KEYFILE_MAX_LEN, reterr);
    }
    ft_keyfile_clear(&file);
    return st;
}

kp_status ft_op_recover(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = ft_load_deleted(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK) {
        file.deleted_unix_s = KP_TIME_NONE;
        file.purge_unix_s = KP_TIME_NONE;
        st = commit(op, lock, &file, ft_keyfile_current(&file), FT_KEYFILE_MAX_LEN, reterr);
    }
    ft_keyfile_clear(&file);
    return st;
}

/* A key whose retention has ended counts as purged already, but its file may still be there. */
static kp_status check_purge(const struct ft_vault *vault, const struct ft_keyfile *file,
                             struct kp_error *reterr)
{
    enum ft_life life = ft_life_of(file, ft_now_unix_s(vault));
    if (life == FT_LIVE)
        return FT_FAIL_NOT_FOUND(
            reterr, "vault %s has no deleted key '%s'; only deleted keys can be purged",
            vault->store.label, file->name);
    if (life == FT_DELETED && vault->purge_protection)
        return FT_FAIL_FORBIDDEN(
            reterr,
            "vault %s has purge protection: key '%s' stays until its retention "
            "ends",
            vault->store.label, file->name);
    return KP_OK;
}

kp_status ft_op_purge(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    const struct ft_vault *vault = op->vault;
    kp_status st = ft_store_load(&vault->store, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = check_purge(vault, &file, reterr);
    ft_keyfile_clear(&file);
    if (st == KP_OK)
        st = ft_store_remove(&vault->store, lock, op->request.name, reterr);
    ft_keys_forget(&op->vault->keys, op->request.name);
    return st;
}

/* ---- Rotation policy ---- */

static kp_status set_policy(struct ft_op *op, ft_handle lock, struct ft_keyfile *file,
                            struct kp_error *reterr)
{
    struct kp_rotation_policy policy = *op->request.policy;
    int64_t now = ft_now_unix_s(op->vault);
    policy.created_unix_s = file->has_policy ? file->policy.created_unix_s : now;
    policy.updated_unix_s = now;
    kp_status st = ft_keyfile_set_policy(file, &policy, reterr);
    if (st == KP_OK)
        st = ft_store_save(&op->vault->store, lock, file, FT_KEYFILE_CHANGE_MAX_LEN, reterr);
    ft_keys_forget(&op->vault->keys, op->request.name);
    op->answer.policy = policy; /* its texts are the request's, readable until done */
    op->answer.policy.struct_size = sizeof policy;
    op->answer.reply.policy = &op->answer.policy;
    op->answer.reply.name = op->request.name;
    return st;
}

kp_status ft_op_set_policy(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    if (!op->request.policy)
        return FT_FAIL_USAGE(reterr, "the request has no rotation policy");
    kp_status st = ft_policy_check(op->request.policy, reterr);
    if (st != KP_OK) {
        if (reterr)
            reterr->code = KP_CODE_ErrorHttpResponseCodeClientError;
        return st;
    }
    st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = set_policy(op, lock, &file, reterr);
    ft_keyfile_clear(&file);
    return st;
}
