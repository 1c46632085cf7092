#include "plugins/file-test/seal.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "crypto/hash.h"

#define SITE "file-test.seal"
#define KIND_CLEAR 0x00u
#define KIND_SEALED 0x01u
#define CHECK_LEN 16u
#define PARTS_MAX_LEN (KPC_PRIVATE_MAX_LEN + 16u)
#define BLOB_MAX_LEN (1u + PARTS_MAX_LEN + KPC_SEAL_OVERHEAD)

/* ---- What a text is bound to ---- */

static kp_status feed_sized(struct kpc_sha256 *hash, kp_span bytes, struct kp_error *reterr)
{
    const uint8_t len[4] = {(uint8_t)(bytes.len >> 24), (uint8_t)(bytes.len >> 16),
                            (uint8_t)(bytes.len >> 8), (uint8_t)bytes.len};
    kp_status st = kpc_sha256_feed(hash, kpb_span(len, sizeof len), reterr);
    if (st == KP_OK && bytes.len > 0)
        st = kpc_sha256_feed(hash, bytes, reterr);
    return st;
}

static kp_status make_binding(const char *name, const struct ft_version *v,
                              uint8_t out[KPC_SHA256_LEN], struct kp_error *reterr)
{
    const uint8_t numbers[4] = {(uint8_t)v->kty, (uint8_t)v->curve, (uint8_t)(v->bits >> 8),
                                (uint8_t)v->bits};
    const kp_span fields[] = {
        kpb_span_str("keyprovider file vault key 1"),
        kpb_span_str(name),
        kpb_span_str(v->id),
        kpb_span(numbers, sizeof numbers),
        v->n,
        v->e,
        v->x,
        v->y,
    };
    struct kpc_sha256 hash = {NULL};
    kp_status st = kpc_sha256_start(&hash, reterr);
    for (size_t i = 0; st == KP_OK && i < sizeof fields / sizeof fields[0]; i++)
        st = feed_sized(&hash, fields[i], reterr);
    if (st == KP_OK)
        st = kpc_sha256_finish(&hash, out, reterr);
    kpc_sha256_clear(&hash);
    return st;
}

static kp_status make_check(kp_span binding, kp_span parts, uint8_t out[KPC_SHA256_LEN],
                            struct kp_error *reterr)
{
    struct kpc_sha256 hash = {NULL};
    kp_status st = kpc_sha256_start(&hash, reterr);
    if (st == KP_OK)
        st = kpc_sha256_feed(&hash, binding, reterr);
    if (st == KP_OK)
        st = kpc_sha256_feed(&hash, parts, reterr);
    if (st == KP_OK)
        st = kpc_sha256_finish(&hash, out, reterr);
    kpc_sha256_clear(&hash);
    return st;
}

/* ---- Parts of a private key as bytes ---- */

static kp_status put_parts(const struct kpc_private *p, kp_buf *out)
{
    const kp_span parts[] = {p->d, p->p, p->q, p->dp, p->dq, p->qi, p->k};
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < sizeof parts / sizeof parts[0]; i++) {
        const uint8_t len[2] = {(uint8_t)(parts[i].len >> 8), (uint8_t)parts[i].len};
        st = kp_buf_append(out, kpb_span(len, sizeof len));
        if (st == KP_OK)
            st = kp_buf_append(out, parts[i]);
    }
    return st;
}

static bool take_part(kp_span *rest, kp_span *ret)
{
    if (rest->len < 2)
        return false;
    size_t len = (size_t)rest->ptr[0] << 8 | rest->ptr[1];
    if (rest->len - 2 < len)
        return false;
    *ret = kpb_span(rest->ptr + 2, len);
    *rest = kpb_span(rest->ptr + 2 + len, rest->len - 2 - len);
    return true;
}

/* Views into bytes. */
static bool get_parts(kp_span bytes, struct kp_key_params *p)
{
    return take_part(&bytes, &p->d) && take_part(&bytes, &p->p) && take_part(&bytes, &p->q) &&
           take_part(&bytes, &p->dp) && take_part(&bytes, &p->dq) && take_part(&bytes, &p->qi) &&
           take_part(&bytes, &p->k) && bytes.len == 0;
}

/* ---- Sealing ---- */

static kp_status append_clear(kp_span binding, kp_span parts, kp_buf *blob, struct kp_error *reterr)
{
    uint8_t check[KPC_SHA256_LEN];
    kp_status st = make_check(binding, parts, check, reterr);
    if (st != KP_OK)
        return st;
    if (kp_buf_append_byte(blob, KIND_CLEAR) != KP_OK || kp_buf_append(blob, parts) != KP_OK ||
        kp_buf_append(blob, kpb_span(check, CHECK_LEN)) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    return KP_OK;
}

static kp_status append_sealed(kp_span key, kp_span binding, kp_span parts, kp_buf *blob,
                               struct kp_error *reterr)
{
    struct kpc_out out = {.cap = parts.len + KPC_SEAL_OVERHEAD};
    if (kp_buf_append_byte(blob, KIND_SEALED) != KP_OK ||
        kp_buf_extend(blob, out.cap, &out.ptr) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    return kpc_seal(key, binding, parts, &out, reterr);
}

static kp_status seal_parts(const struct ft_sealer *sealer, const char *name,
                            const struct ft_version *v, kp_span parts, kp_buf *out,
                            struct kp_error *reterr)
{
    uint8_t digest[KPC_SHA256_LEN];
    kp_status st = make_binding(name, v, digest, reterr);
    if (st != KP_OK)
        return st;
    kp_span binding = kpb_span(digest, sizeof digest);
    kp_buf blob;
    kp_buf_init_secret(&blob, SITE, BLOB_MAX_LEN);
    st = sealer->key.len > 0 ? append_sealed(sealer->key, binding, parts, &blob, reterr)
                             : append_clear(binding, parts, &blob, reterr);
    if (st == KP_OK && kpb_base64url_encode(kp_buf_view(&blob), out) != KP_OK)
        st = kpb_fail_memory(reterr, SITE);
    kp_buf_clear(&blob);
    return st;
}

kp_status ft_seal_key(const struct ft_sealer *sealer, const char *name, const struct ft_version *v,
                      const struct kpc_key *key, kp_buf *out, struct kp_error *reterr)
{
    struct kpc_private parts;
    kp_buf exported, bytes;
    kp_buf_init_secret(&exported, SITE, KPC_PRIVATE_MAX_LEN);
    kp_buf_init_secret(&bytes, SITE, PARTS_MAX_LEN);
    kp_status st = kpc_key_export_private(key, &exported, &parts, reterr);
    if (st == KP_OK && put_parts(&parts, &bytes) != KP_OK)
        st = kpb_fail_memory(reterr, SITE);
    if (st == KP_OK)
        st = seal_parts(sealer, name, v, kp_buf_view(&bytes), out, reterr);
    kp_buf_clear(&bytes);
    kp_buf_clear(&exported);
    return st;
}

/* ---- Opening ---- */

static kp_status fail_damaged(struct kp_error *reterr, const struct ft_version *v)
{
    return kpb_fail(reterr, KP_INTEGRITY,
                    "the private part of version %s was altered or belongs to another key", v->id);
}

static kp_status open_clear(kp_span binding, kp_span rest, const struct ft_version *v,
                            kp_buf *parts, struct kp_error *reterr)
{
    uint8_t check[KPC_SHA256_LEN];
    if (rest.len < CHECK_LEN)
        return fail_damaged(reterr, v);
    kp_span bytes = kpb_span(rest.ptr, rest.len - CHECK_LEN);
    kp_status st = make_check(binding, bytes, check, reterr);
    if (st != KP_OK)
        return st;
    if (!kpb_span_eq(kpb_span(check, CHECK_LEN), kpb_span(bytes.ptr + bytes.len, CHECK_LEN)))
        return fail_damaged(reterr, v);
    return kp_buf_append(parts, bytes) == KP_OK ? KP_OK : kpb_fail_memory(reterr, SITE);
}

static kp_status open_sealed(kp_span key, kp_span binding, kp_span rest, const struct ft_version *v,
                             kp_buf *parts, struct kp_error *reterr)
{
    if (rest.len <= KPC_SEAL_OVERHEAD)
        return fail_damaged(reterr, v);
    struct kpc_out out = {.cap = rest.len - KPC_SEAL_OVERHEAD};
    if (kp_buf_extend(parts, out.cap, &out.ptr) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = kpc_open(key, binding, rest, &out, reterr);
    return st == KP_INTEGRITY ? fail_damaged(reterr, v) : st;
}

static kp_status open_blob(const struct ft_sealer *sealer, const char *name,
                           const struct ft_version *v, kp_span blob, kp_buf *parts,
                           struct kp_error *reterr)
{
    uint8_t digest[KPC_SHA256_LEN];
    if (blob.len == 0 || blob.ptr[0] > KIND_SEALED)
        return fail_damaged(reterr, v);
    if (blob.ptr[0] != (sealer->key.len > 0 ? KIND_SEALED : KIND_CLEAR))
        return kpb_fail(reterr, KP_INTEGRITY,
                        "the private part of version %s %s; it comes from another vault", v->id,
                        sealer->key.len > 0 ? "is not sealed, but this vault has a passphrase"
                                            : "is sealed, but this vault has no passphrase");
    kp_status st = make_binding(name, v, digest, reterr);
    if (st != KP_OK)
        return st;
    kp_span binding = kpb_span(digest, sizeof digest);
    kp_span rest = kpb_span(blob.ptr + 1, blob.len - 1);
    return sealer->key.len > 0 ? open_sealed(sealer->key, binding, rest, v, parts, reterr)
                               : open_clear(binding, rest, v, parts, reterr);
}

/* Appends the parts to a secret buffer. */
static kp_status unseal_parts(const struct ft_sealer *sealer, const char *name,
                              const struct ft_version *v, kp_buf *parts, struct kp_error *reterr)
{
    kp_buf blob;
    kp_buf_init_secret(&blob, SITE, BLOB_MAX_LEN);
    kp_status st = kpb_base64url_decode(v->sealed, &blob);
    if (st == KP_OK)
        st = open_blob(sealer, name, v, kp_buf_view(&blob), parts, reterr);
    else
        st = st == KP_NO_MEMORY ? kpb_fail_memory(reterr, SITE) : fail_damaged(reterr, v);
    kp_buf_clear(&blob);
    return st;
}

static kp_status make_key(const struct ft_version *v, kp_span parts, struct kpc_key **ret_key,
                          struct kp_error *reterr)
{
    struct kp_key_params params = {.struct_size = sizeof params,
                                   .kty = kpc_plain_kty(v->kty),
                                   .curve = v->curve,
                                   .n = v->n,
                                   .e = v->e,
                                   .x = v->x,
                                   .y = v->y};
    struct kpc_key *key = NULL;
    if (!get_parts(parts, &params))
        return fail_damaged(reterr, v);
    kp_status st = kpc_key_from_jwk(&params, KPC_STORED, &key, reterr);
    if (st == KP_OK && kpc_key_has_private(key) && kpc_key_bits(key) == v->bits) {
        *ret_key = key; /* moved to the caller */
        return KP_OK;
    }
    kpc_key_release(key);
    return st == KP_OK || st == KP_USAGE ? fail_damaged(reterr, v) : st;
}

kp_status ft_unseal_key(const struct ft_sealer *sealer, const char *name,
                        const struct ft_version *v, struct kpc_key **ret_key,
                        struct kp_error *reterr)
{
    kp_buf parts;
    kp_buf_init_secret(&parts, SITE, PARTS_MAX_LEN);
    kp_status st = unseal_parts(sealer, name, v, &parts, reterr);
    if (st == KP_OK)
        st = make_key(v, kp_buf_view(&parts), ret_key, reterr);
    kp_buf_clear(&parts);
    return st;
}

kp_status ft_reseal(const struct ft_sealer *from, const struct ft_sealer *to, const char *name,
                    const struct ft_version *v, kp_buf *out, struct kp_error *reterr)
{
    kp_buf parts;
    kp_buf_init_secret(&parts, SITE, PARTS_MAX_LEN);
    kp_status st = unseal_parts(from, name, v, &parts, reterr);
    if (st == KP_OK)
        st = seal_parts(to, name, v, kp_buf_view(&parts), out, reterr);
    kp_buf_clear(&parts);
    return st;
}
