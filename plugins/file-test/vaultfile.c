#include "plugins/file-test/vaultfile.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/file-test/json_read.h"
#include "plugins/file-test/json_write.h"

#define SITE "file-test.vaultfile"
#define DERIVED_LEN (KPC_SEAL_KEY_LEN + FT_CHECK_LEN)

/* ---- Writing ---- */

static void put_passphrase(struct ft_json_writer *w, const struct ft_vaultfile *v)
{
    ft_json_open(w, "passphrase", '{');
    ft_json_put_text(w, "kdf", kpb_span_str("scrypt"));
    ft_json_put_int(w, "n", (int64_t)v->cost.n);
    ft_json_put_int(w, "r", v->cost.r);
    ft_json_put_int(w, "p", v->cost.p);
    ft_json_put_bytes(w, "salt", kpb_span(v->salt, sizeof v->salt));
    ft_json_put_bytes(w, "check", kpb_span(v->check, sizeof v->check));
    ft_json_close(w, '}');
}

kp_status ft_vaultfile_encode(const struct ft_vaultfile *v, kp_buf *out, struct kp_error *reterr)
{
    struct ft_json_writer w;
    char id[2 * FT_VAULT_ID_LEN + 1];
    kpb_hex_encode(kpb_span(v->id, sizeof v->id), id);
    ft_json_writer_init(&w, out);
    ft_json_open(&w, NULL, '{');
    ft_json_put_int(&w, "format", FT_VAULTFILE_FORMAT);
    ft_json_put_text(&w, "id", kpb_span_str(id));
    ft_json_put_int(&w, "created", v->created_unix_s);
    if (v->is_sealed)
        put_passphrase(&w, v);
    ft_json_close(&w, '}');
    return ft_json_finish(&w) == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

/* ---- Reading ---- */

static kp_status read_fixed(const json_t *object, const char *name, struct ft_arena *arena,
                            uint8_t *out, size_t len, struct kp_error *reterr)
{
    kp_span bytes;
    kp_status st = ft_json_bytes(object, name, arena, &bytes, reterr);
    if (st != KP_OK)
        return st;
    if (bytes.len != len)
        return kpb_fail(reterr, KP_INTEGRITY, "member \"%s\" has not %zu bytes", name, len);
    memcpy(out, bytes.ptr, len);
    return KP_OK;
}

static kp_status read_cost(const json_t *object, struct kpc_scrypt_cost *cost,
                           struct kp_error *reterr)
{
    int64_t n = 0, r = 0, p = 0;
    kp_status st = ft_json_int(object, "n", true, &n, reterr);
    if (st == KP_OK)
        st = ft_json_int(object, "r", true, &r, reterr);
    if (st == KP_OK)
        st = ft_json_int(object, "p", true, &p, reterr);
    if (st != KP_OK)
        return st;
    if (n < 2 || n > INT32_MAX || r < 1 || r > INT32_MAX || p < 1 || p > INT32_MAX)
        return kpb_fail(reterr, KP_INTEGRITY, "\"n\", \"r\" or \"p\" is out of range");
    cost->n = (uint64_t)n;
    cost->r = (uint32_t)r;
    cost->p = (uint32_t)p;
    return KP_OK;
}

static kp_status read_passphrase(const json_t *root, struct ft_arena *arena,
                                 struct ft_vaultfile *ret, struct kp_error *reterr)
{
    static const char *const MEMBERS[] = {"kdf", "n", "r", "p", "salt", "check", NULL};
    json_t *object;
    kp_span kdf;
    kp_status st = ft_json_object(root, "passphrase", false, &object, reterr);
    if (st != KP_OK || !object)
        return st;
    ret->is_sealed = true;
    st = ft_json_only(object, MEMBERS, reterr);
    if (st == KP_OK)
        st = ft_json_text(object, "kdf", true, &kdf, reterr);
    if (st == KP_OK && !kpb_span_eq_str(kdf, "scrypt"))
        st = kpb_fail(reterr, KP_UNSUPPORTED, "it names a \"kdf\" this build does not know");
    if (st == KP_OK)
        st = read_cost(object, &ret->cost, reterr);
    if (st == KP_OK)
        st = read_fixed(object, "salt", arena, ret->salt, sizeof ret->salt, reterr);
    if (st == KP_OK)
        st = read_fixed(object, "check", arena, ret->check, sizeof ret->check, reterr);
    return st;
}

static kp_status read_root(const json_t *root, struct ft_arena *arena, struct ft_vaultfile *ret,
                           struct kp_error *reterr)
{
    static const char *const MEMBERS[] = {"format", "id", "created", "passphrase", NULL};
    int64_t format = 0;
    kp_span id;
    kp_status st = ft_json_int(root, "format", true, &format, reterr);
    if (st == KP_OK && format != FT_VAULTFILE_FORMAT)
        return kpb_fail(reterr, KP_UNSUPPORTED,
                        "it has format %lld and this build knows format %d; use a newer build",
                        (long long)format, FT_VAULTFILE_FORMAT);
    if (st == KP_OK)
        st = ft_json_only(root, MEMBERS, reterr);
    if (st == KP_OK)
        st = ft_json_text(root, "id", true, &id, reterr);
    if (st == KP_OK && kpb_hex_decode(id, ret->id, sizeof ret->id) != KP_OK)
        st = kpb_fail(reterr, KP_INTEGRITY, "member \"id\" has not 32 hexadecimal digits");
    if (st == KP_OK)
        st = ft_json_int(root, "created", true, &ret->created_unix_s, reterr);
    return st == KP_OK ? read_passphrase(root, arena, ret, reterr) : st;
}

kp_status ft_vaultfile_decode(kp_span text, struct ft_vaultfile *ret, struct kp_error *reterr)
{
    struct ft_arena arena = {NULL};
    json_t *root = NULL;
    kp_buf checked; /* for its depth; it holds no secret */
    size_t n_secrets = 0;
    memset(ret, 0, sizeof *ret);
    kp_buf_init(&checked, SITE, 2 * FT_VAULTFILE_MAX_LEN);
    kp_status st = ft_json_redact(text, &checked, NULL, &n_secrets, reterr);
    if (st == KP_OK)
        st = ft_json_load(kp_buf_view(&checked), &root, reterr);
    if (st == KP_OK)
        st = read_root(root, &arena, ret, reterr);
    json_decref(root);
    ft_arena_clear(&arena);
    kp_buf_clear(&checked);
    return st;
}

/* ---- The passphrase ---- */

kp_status ft_vaultfile_derive(const struct ft_vaultfile *v, kp_span passphrase, uint8_t *ret_key,
                              uint8_t ret_check[FT_CHECK_LEN], struct kp_error *reterr)
{
    uint8_t *derived = kpb_secret_alloc(SITE, DERIVED_LEN);
    if (!derived)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = kpc_kdf_passphrase(passphrase, kpb_span(v->salt, sizeof v->salt), &v->cost,
                                      derived, DERIVED_LEN, reterr);
    if (st == KP_OK) {
        memcpy(ret_key, derived, KPC_SEAL_KEY_LEN);
        memcpy(ret_check, derived + KPC_SEAL_KEY_LEN, FT_CHECK_LEN);
    }
    kpb_secret_free(derived, DERIVED_LEN);
    return st;
}
