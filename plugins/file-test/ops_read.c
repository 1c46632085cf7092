/* Operations that only look: they take no lock and change nothing, but for a rotation that is
 * due. */
#include "plugins/file-test/info.h"
#include "plugins/file-test/op.h"
#include "plugins/file-test/policy.h"
#include "plugins/file-test/rotate.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"

#define SITE "file-test.read"

/* ---- One key ---- */

/* Reads a key to be looked at; after a rotation that was due, once more. */
static kp_status look_at(struct ft_op *op, struct ft_keyfile *file, struct kp_error *reterr)
{
    kp_span name = op->request.name;
    kp_status st = ft_load_live(op->vault, name, file, reterr);
    if (st != KP_OK || op->request.version.len > 0 || !ft_rotate_if_due(op->vault, file))
        return st;
    ft_keyfile_clear(file);
    return ft_load_live(op->vault, name, file, reterr);
}

kp_status ft_op_get_key(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    struct ft_version *version;
    (void)lock;
    kp_status st = look_at(op, &file, reterr);
    if (st == KP_OK)
        st = ft_find_version(op->vault, &file, op->request.version, &version, reterr);
    if (st == KP_OK)
        st = ft_answer_key(op, &file, version, reterr);
    ft_keyfile_clear(&file);
    return st;
}

kp_status ft_op_get_deleted(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    (void)lock;
    kp_status st = ft_load_deleted(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK)
        st = ft_answer_key(op, &file, ft_keyfile_current(&file), reterr);
    ft_keyfile_clear(&file);
    return st;
}

static kp_status answer_policy(struct ft_op *op, const struct kp_rotation_policy *policy,
                               struct kp_error *reterr)
{
    struct ft_answer *answer = &op->answer;
    answer->policy = *policy;
    kp_status st = ft_arena_copy(&answer->arena, policy->expiry, &answer->policy.expiry);
    for (uint32_t i = 0; st == KP_OK && i < policy->n_rules; i++)
        st = ft_arena_copy(&answer->arena, policy->rules[i].duration,
                           &answer->policy.rules[i].duration);
    answer->reply.policy = &answer->policy;
    answer->reply.name = op->request.name;
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

kp_status ft_op_get_policy(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    struct kp_rotation_policy policy;
    (void)lock;
    kp_status st = ft_load_live(op->vault, op->request.name, &file, reterr);
    if (st == KP_OK) {
        ft_policy_default(&policy);
        st = answer_policy(op, file.has_policy ? &file.policy : &policy, reterr);
    }
    ft_keyfile_clear(&file);
    return st;
}

/* ---- Lists ---- */

/* A page under construction. The token of the next page is the last name or version of this one. */
struct page {
    struct ft_op *op;
    uint32_t size;
    struct kp_key_info *infos;
};

static kp_status start_page(struct ft_op *op, struct page *page, struct kp_error *reterr)
{
    page->op = op;
    page->size = op->request.page_size ? op->request.page_size : KP_PAGE_MAX;
    if (page->size > KP_PAGE_MAX)
        return FT_FAIL_USAGE(reterr, "a page has 1 to %u entries", KP_PAGE_MAX);
    page->infos = ft_arena_alloc(&op->answer.arena, page->size * sizeof *page->infos);
    if (!page->infos)
        return kpb_fail_memory(reterr, SITE);
    op->answer.reply.keys = op->answer.keys;
    return KP_OK;
}

static bool is_full(const struct page *page)
{
    return page->op->answer.reply.n_keys == page->size;
}

static kp_status add_to_page(struct page *page, const struct ft_keyfile *file,
                             const struct ft_version *version, enum ft_detail detail,
                             struct kp_error *reterr)
{
    struct ft_answer *answer = &page->op->answer;
    struct kp_key_info *info = &page->infos[answer->reply.n_keys];
    kp_status st =
        ft_info_fill(page->op->vault, &answer->arena, file, version, detail, info, reterr);
    if (st == KP_OK)
        answer->keys[answer->reply.n_keys++] = info;
    return st;
}

/* There is more behind this page. */
static void end_page(struct page *page)
{
    struct kp_reply *reply = &page->op->answer.reply;
    const struct kp_key_info *last = reply->keys[reply->n_keys - 1];
    reply->next_page = last->version.len > 0 ? last->version : last->name;
}

static kp_status add_named(struct page *page, const char *name, enum ft_life wanted, bool *ret_more,
                           struct kp_error *reterr)
{
    struct ft_keyfile file;
    const struct ft_vault *vault = page->op->vault;
    kp_status st = ft_store_load(&vault->store, kpb_span_str(name), &file, reterr);
    if (st == KP_NOT_FOUND) {
        st = KP_OK; /* purged since the directory was read */
    } else if (st == KP_OK && ft_life_of(&file, ft_now_unix_s(vault)) == wanted) {
        *ret_more = is_full(page);
        if (!*ret_more)
            st = add_to_page(page, &file, ft_keyfile_current(&file), FT_DETAIL_LIST_KEYS, reterr);
    }
    ft_keyfile_clear(&file);
    return st;
}

static bool is_behind(const char *name, kp_span token)
{
    size_t len = strlen(name);
    int order = memcmp(name, token.ptr, len < token.len ? len : token.len);
    return order > 0 || (order == 0 && len > token.len);
}

static kp_status list_names(struct ft_op *op, enum ft_life wanted, struct kp_error *reterr)
{
    kp_span token = op->request.page_token;
    struct ft_names names = {NULL, 0, 0};
    struct page page = {.op = op};
    bool more = false;
    if (token.len > 0 && !kpb_is_key_name(token))
        return FT_FAIL_USAGE(reterr, "the page token is none of this vault");
    kp_status st = start_page(op, &page, reterr);
    if (st == KP_OK)
        st = ft_store_names(&op->vault->store, &names, reterr);
    for (size_t i = 0; st == KP_OK && !more && i < names.n; i++) {
        if (token.len == 0 || is_behind(names.names[i], token))
            st = add_named(&page, names.names[i], wanted, &more, reterr);
        if (st == KP_OK)
            st = ft_op_check(op, reterr);
    }
    if (st == KP_OK && more)
        end_page(&page);
    ft_names_clear(&names);
    return st;
}

kp_status ft_op_list_keys(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    (void)lock;
    return list_names(op, FT_LIVE, reterr);
}

kp_status ft_op_list_deleted(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    (void)lock;
    return list_names(op, FT_DELETED, reterr);
}

/* Versions never go away one by one, so the one behind the token's is where a list goes on. */
static kp_status find_start(const struct ft_op *op, const struct ft_keyfile *file, size_t *ret,
                            struct kp_error *reterr)
{
    kp_span token = op->request.page_token;
    *ret = 0;
    if (token.len == 0)
        return KP_OK;
    const struct ft_version *last = ft_keyfile_find(file, token);
    if (!last)
        return FT_FAIL_USAGE(reterr, "the page token is none of key '%s'", file->name);
    *ret = (size_t)(last - file->versions) + 1;
    return KP_OK;
}

kp_status ft_op_list_versions(struct ft_op *op, ft_handle lock, struct kp_error *reterr)
{
    struct ft_keyfile file;
    struct page page = {.op = op};
    size_t i = 0;
    (void)lock;
    kp_status st = look_at(op, &file, reterr);
    if (st == KP_OK)
        st = start_page(op, &page, reterr);
    if (st == KP_OK)
        st = find_start(op, &file, &i, reterr);
    for (; st == KP_OK && i < file.n_versions && !is_full(&page); i++)
        st = add_to_page(&page, &file, &file.versions[i], FT_DETAIL_LIST_VERSIONS, reterr);
    if (st == KP_OK && i < file.n_versions)
        end_page(&page);
    ft_keyfile_clear(&file);
    return st;
}
