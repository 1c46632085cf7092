/* get_key and the two lists. */
#include <string.h>

#include "vault.h"

/* What is known of a key from its name alone. Times left at 0 would be the year 1970. */
static void fill_info(struct kp_key_info *info, const struct p11_key *key, int with_version)
{
    memset(info, 0, sizeof *info);
    info->struct_size = sizeof *info;
    info->kty = KP_KTY_RSA; /* whether a token is hardware, PKCS #11 does not say */
    info->flags = KP_KEY_ENABLED;
    info->name = p11_span_str(key->name);
    info->version = with_version ? p11_span_str(key->version) : info->version;
    info->not_before_unix_s = KP_TIME_NONE;
    info->expires_unix_s = KP_TIME_NONE;
    info->created_unix_s = KP_TIME_NONE;
    info->updated_unix_s = KP_TIME_NONE;
    info->deleted_unix_s = KP_TIME_NONE;
    info->scheduled_purge_unix_s = KP_TIME_NONE;
}

kp_status p11_describe(struct p11_job *job)
{
    struct kp_key_info *info = &job->info;
    const struct p11_public *public = &job->public;
    const kp_status st = p11_keys_public(&job->session, &job->key, &job->public, &job->error);
    if (st != KP_OK) {
        return st;
    }
    fill_info(info, &job->key, 1);
    info->bits = (uint32_t)(8 * public->n_len);
    info->key_ops = public->key_ops;
    info->n = p11_span(public->n, public->n_len);
    info->e = p11_span(public->e, public->e_len);
    job->reply.key = info;
    job->reply.name = info->name;
    job->reply.version = info->version;
    return KP_OK;
}

kp_status p11_get_key(struct p11_job *job)
{
    const struct kp_request *request = job->request;
    const kp_status st =
        p11_keys_find(&job->session, request->name, request->version, &job->key, &job->error);
    return st == KP_OK ? p11_describe(job) : st;
}

/* ---- Lists ---- */

/* What an item is called in its list, and what the token of the page after it is. */
static const char *item_text(const struct p11_key *key, int of_versions)
{
    return of_versions ? key->version : key->name;
}

/* One item a name, though a name has several versions. */
static void drop_older(struct p11_key_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (n == 0 || strcmp(list->keys[n - 1].name, list->keys[i].name) != 0) {
            list->keys[n++] = list->keys[i];
        }
    }
    list->n = n;
}

/* Where the page begins: behind the last item of the page before. */
static kp_status find_start(struct p11_job *job, int of_versions, size_t *ret)
{
    const kp_span token = job->request->page_token;
    *ret = 0;
    for (size_t i = 0; token.len > 0 && i < job->list.n; i++) {
        if (p11_span_eq(p11_span_str(item_text(&job->list.keys[i], of_versions)), token)) {
            *ret = i + 1;
        }
    }
    if (token.len == 0 || *ret > 0) {
        return KP_OK;
    }
    return p11_fail(&job->error, KP_CONFLICT, KP_ANSWERED_REFUSED,
                    "a key was deleted between two pages of the list; begin again");
}

static void fill_page(struct p11_job *job, size_t start, int of_versions)
{
    const uint32_t size = job->request->page_size;
    const size_t limit = size > 0 && size < KP_PAGE_MAX ? size : KP_PAGE_MAX;
    const size_t left = job->list.n - start;
    const size_t n = left < limit ? left : limit;
    for (size_t i = 0; i < n; i++) {
        fill_info(&job->page[i], &job->list.keys[start + i], of_versions);
        job->page_list[i] = &job->page[i];
    }
    job->reply.keys = job->page_list;
    job->reply.n_keys = (uint32_t)n;
    if (n < left) {
        job->reply.next_page = p11_span_str(item_text(&job->list.keys[start + n - 1], of_versions));
    }
}

static kp_status make_page(struct p11_job *job, int of_versions)
{
    size_t start = 0;
    const kp_status st = find_start(job, of_versions, &start);
    if (st == KP_OK) {
        fill_page(job, start, of_versions);
    }
    return st;
}

kp_status p11_list_keys(struct p11_job *job)
{
    const kp_status st = p11_keys_list(&job->session, p11_span(NULL, 0), &job->list, &job->error);
    if (st != KP_OK) {
        return st;
    }
    drop_older(&job->list);
    return make_page(job, 0);
}

kp_status p11_list_versions(struct p11_job *job)
{
    const kp_status st = p11_keys_list(&job->session, job->request->name, &job->list, &job->error);
    if (st != KP_OK) {
        return st;
    }
    if (job->list.n == 0) {
        return p11_keys_missing(job->request->name, p11_span(NULL, 0), &job->error);
    }
    return make_page(job, 1);
}
