/* Operations that make a version: create, import and rotate. Keys are made before the lock is
 * taken. */
#include "plugins/file-test/info.h"
#include "plugins/file-test/op.h"
#include "plugins/file-test/params.h"
#include "plugins/file-test/rotate.h"

#include "base/errors.h"
#include "base/span.h"
#include "crypto/algs.h"

#define SITE "file-test.make"

/* Errors of the crypto library on what the caller sent get the code of a bad request. */
static kp_status with_code(kp_status st, struct kp_error *reterr)
{
    if (st == KP_USAGE && reterr && reterr->code == 0)
        reterr->code = KP_CODE_ErrorHttpResponseCodeClientError;
    return st;
}

static kp_status check_request(const struct ft_op *op, struct kp_error *reterr)
{
    uint32_t kty;
    if (!kpb_is_key_name(op->request.name))
        return ft_fail_name(reterr, op->request.name);
    kp_status st = ft_params_check(op->request.params, reterr);
    return st == KP_OK ? ft_params_kty(op->vault, op->request.params->kty, &kty, reterr) : st;
}

/* ---- Before the lock ---- */

kp_status ft_op_create_prepare(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    (void)lock;
    kp_status st = check_request(op, reterr);
    if (st == KP_OK)
        st = with_code(kpc_key_generate(op->request.params, &op->fresh, reterr), reterr);
    return st;
}

kp_status ft_op_import_prepare(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    (void)lock;
    kp_status st = check_request(op, reterr);
    if (st == KP_OK)
        st = with_code(kpc_key_from_jwk(op->request.params, KPC_FOREIGN, &op->fresh, reterr),
                       reterr);
    if (st == KP_OK && !kpc_key_has_private(op->fresh))
        st = FT_FAIL_USAGE(reterr, "the key to import has no private part");
    return st;
}

kp_status ft_op_rotate_prepare(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    (void)lock;
    kp_status st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = ft_rotate_generate(ft_keyfile_current(&file), &op->fresh, reterr);
    ft_keyfile_clear(&file);
    return st;
}

/* ---- Under the lock ---- */

/* The key of that name as it is, or an empty one where there is none or its retention has ended. */
static kp_status load_or_start(struct ft_op *op, struct ft_keyfile *file, struct kp_error *reterr)
{
    const struct ft_vault *vault = op->vault;
    kp_status st = ft_store_load(&vault->store, op->request.name, file, reterr);
    enum ft_life life = st == KP_OK ? ft_life_of(file, ft_now_unix_s(vault)) : FT_GONE;
    if ((st != KP_OK && st != KP_NOT_FOUND) || life == FT_LIVE)
        return st;
    if (life == FT_DELETED)
        return FT_FAIL_CONFLICT(reterr,
                                "key '%s' of vault %s is deleted but recoverable, so its name is "
                                "taken; recover or purge it",
                                file->name, vault->store.label);
    ft_keyfile_clear(file);
    ft_keyfile_init(file, vault->store.sealer.key.len == 0);
    for (size_t i = 0; i < op->request.name.len; i++)
        file->name[i] = (char)op->request.name.ptr[i];
    return KP_OK;
}

static kp_status append(struct ft_op *op, struct ft_keyfile *file, struct kp_error *reterr)
{
    struct ft_version v;
    uint32_t kty;
    kp_buf sealed;
    kp_status st = ft_params_kty(op->vault, op->request.params->kty, &kty, reterr);
    if (st != KP_OK)
        return st;
    ft_params_new_version(op->vault, op->request.params, kty, op->fresh, &v);
    kp_buf_init_secret(&sealed, SITE, FT_SEALED_MAX_LEN);
    st = ft_version_seal(op->vault, file->name, &v, op->fresh, &sealed, reterr);
    if (st == KP_OK)
        st = ft_keyfile_add(file, &v, kp_buf_view(&sealed), reterr);
    kp_buf_clear(&sealed);
    return st;
}

/* Saves and answers with the current version. */
static kp_status commit(struct ft_op *op, ft_handle lock, const struct ft_keyfile *file,
                        struct kp_error *reterr)
{
    kp_status st = ft_answer_key(op, file, ft_keyfile_current(file), reterr);
    if (st == KP_OK)
        st = ft_store_save(&op->vault->store, lock, file, FT_KEYFILE_GROW_MAX_LEN, reterr);
    ft_keys_forget(&op->vault->keys, op->request.name);
    return st;
}

kp_status ft_op_add_version(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = load_or_start(op, &file, reterr);
    if (st == KP_OK)
        st = append(op, &file, reterr);
    if (st == KP_OK)
        st = commit(op, lock, &file, reterr);
    ft_keyfile_clear(&file);
    return st;
}

/* Somebody may have imported a key of another type since prepare looked; then a new one is made. */
static kp_status fit_fresh(struct ft_op *op, const struct ft_keyfile *file, struct kp_error *reterr)
{
    const struct ft_version *current = ft_keyfile_current(file);
    if (ft_rotate_fits(current, op->fresh))
        return KP_OK;
    kpc_key_release(op->fresh);
    op->fresh = NULL;
    return ft_rotate_generate(current, &op->fresh, reterr);
}

kp_status ft_op_rotate(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    kp_status st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = fit_fresh(op, &file, reterr);
    if (st == KP_OK)
        st = ft_rotate_append(op->vault, &file, op->fresh, NULL, reterr);
    if (st == KP_OK)
        st = commit(op, lock, &file, reterr);
    ft_keyfile_clear(&file);
    return st;
}
