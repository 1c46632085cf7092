#include "tools/ekm-rehearse/node.h"

#include "base/span.h"
#include "crypto/random.h"
#include "tools/ekm-rehearse/store.h"

#define PATH_LEN 4096u

static kp_status join(const struct rh_options *o, const char *name, char path[PATH_LEN],
                      struct kp_error *err)
{
    const int n = snprintf(path, PATH_LEN, "%s/%s%s%s", o->folder, o->node, *name ? "/" : "", name);
    if (n < 0 || n >= (int)PATH_LEN)
        return kpb_fail(err, KP_CONFIG, "the path of folder %s is too long", o->folder);
    return KP_OK;
}

/* ---- The service master key ---- */

static kp_status make_service_key(const char *path, kp_buf *key, struct kp_error *err)
{
    uint8_t *room = NULL;
    kp_buf_reset(key);
    if (kp_buf_extend(key, RH_DEK_LEN, &room) != KP_OK)
        return kpb_fail_memory(err, "rehearse.service_key");
    const kp_status st = kpc_random_secret(room, RH_DEK_LEN, err);
    return st == KP_OK ? rh_store_write(path, kp_buf_view(key), err) : st;
}

static kp_status open_service_key(const struct rh_options *o, bool is_new, kp_buf *key,
                                  struct kp_error *err)
{
    char path[PATH_LEN];
    kp_buf_init_secret(key, "rehearse.service_key", RH_DEK_LEN);
    kp_status st = join(o, "service.key", path, err);
    if (st != KP_OK)
        return st;
    if (is_new)
        return make_service_key(path, key, err);
    st = rh_store_read(path, key, err);
    if (st == KP_OK && key->len != RH_DEK_LEN)
        st = kpb_fail(err, KP_CONFIG, "%s is not the key of 32 bytes that was made here", path);
    return st;
}

/* ---- The catalogue ---- */

static kp_status read_catalog(const char *path, struct rh_catalog *c, struct kp_error *err)
{
    kp_buf json;
    kp_buf_init(&json, "rehearse.catalog", RH_CATALOG_MAX_LEN);
    kp_status st = rh_store_read(path, &json, err);
    if (st == KP_OK)
        st = rh_catalog_read(c, kp_buf_view(&json), err);
    kp_buf_clear(&json);
    return st;
}

static kp_status open_catalog(const struct rh_options *o, struct rh_catalog *c, kp_buf *key,
                              struct kp_error *err)
{
    char path[PATH_LEN];
    kp_status st = join(o, "catalog.json", path, err);
    if (st != KP_OK)
        return st;
    st = read_catalog(path, c, err);
    if (st != KP_NOT_FOUND)
        return st == KP_OK ? open_service_key(o, false, key, err) : st;
    st = rh_catalog_init(c, o->login);
    if (st != KP_OK)
        return kpb_fail(err, st, "a new node cannot be made for login %s", o->login);
    return open_service_key(o, true, key, err);
}

kp_status rh_node_open(const struct rh_options *o, struct rh_catalog *c, kp_buf *service_key,
                       struct kp_error *reterr)
{
    char path[PATH_LEN];
    int lock = -1;
    kp_status st = rh_store_folder(o->folder, reterr);
    if (st == KP_OK)
        st = join(o, "", path, reterr);
    if (st == KP_OK)
        st = rh_store_folder(path, reterr);
    if (st == KP_OK)
        st = rh_store_lock(path, &lock, reterr);
    return st == KP_OK ? open_catalog(o, c, service_key, reterr) : st;
}

kp_status rh_node_save(const struct rh_options *o, const struct rh_catalog *c,
                       struct kp_error *reterr)
{
    char path[PATH_LEN];
    kp_buf json;
    kp_buf_init(&json, "rehearse.catalog", RH_CATALOG_MAX_LEN);
    kp_status st = join(o, "catalog.json", path, reterr);
    if (st == KP_OK && rh_catalog_print(c, &json) != KP_OK)
        st = kpb_fail_memory(reterr, "rehearse.catalog");
    if (st == KP_OK)
        st = rh_store_write(path, kp_buf_view(&json), reterr);
    kp_buf_clear(&json);
    return st;
}
