#include "tools/kp-emulator/jwt.h"

#include <string.h>

#include "base/encode.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "crypto/lib.h"
#include "crypto/ops.h"
#include "crypto/random.h"

#include <openssl/evp.h>

#define SITE "emulator.jwt"
#define ES256_LEN 64u

/* ---- Reading ---- */

static json_t *decode_object(kp_span text)
{
    kp_buf bytes;
    json_t *object = NULL;
    kp_buf_init(&bytes, SITE, EMU_JWT_MAX_LEN);
    if (kpb_base64url_decode(text, &bytes) == KP_OK)
        object = emu_json_parse(kp_buf_view(&bytes));
    kp_buf_clear(&bytes);
    return object;
}

/* Places of the two dots; false unless there are exactly two. */
static bool find_dots(kp_span text, size_t *first, size_t *second)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '.')
            continue;
        *(n == 0 ? first : second) = i;
        if (++n > 2)
            return false;
    }
    return n == 2;
}

kp_status emu_jwt_read(kp_span text, struct emu_jwt *ret)
{
    size_t first = 0;
    size_t second = 0;
    memset(ret, 0, sizeof *ret);
    kp_buf_init(&ret->signature, SITE, EMU_JWT_MAX_LEN);
    if (text.len > EMU_JWT_MAX_LEN || !find_dots(text, &first, &second))
        return KP_PROTOCOL;
    ret->signed_part = kpb_span(text.ptr, second);
    ret->header = decode_object(kpb_span(text.ptr, first));
    ret->claims = decode_object(kpb_span(text.ptr + first + 1, second - first - 1));
    if (!ret->header || !ret->claims)
        return KP_PROTOCOL;
    return kpb_base64url_decode(kpb_span(text.ptr + second + 1, text.len - second - 1),
                                &ret->signature);
}

void emu_jwt_clear(struct emu_jwt *jwt)
{
    if (!jwt)
        return;
    json_decref(jwt->header);
    json_decref(jwt->claims);
    kp_buf_clear(&jwt->signature);
    memset(jwt, 0, sizeof *jwt);
}

int64_t emu_jwt_number(const struct emu_jwt *jwt, const char *claim, int64_t fallback)
{
    const json_t *value = json_object_get(jwt->claims, claim);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

static bool digest_of(uint32_t alg, kp_span text, uint8_t *out, size_t *ret_len)
{
    const struct kpc_alg_info *info = kpc_alg_find(alg);
    const EVP_MD *md = info ? kpc_lib_md((enum kpc_digest)info->digest) : NULL;
    unsigned int len = 0;
    if (!md || EVP_Digest(text.ptr, text.len, out, &len, md, NULL) != 1)
        return false;
    *ret_len = len;
    return true;
}

bool emu_jwt_is_signed_by(const struct emu_jwt *jwt, struct kpc_key *key, uint32_t alg_a,
                          uint32_t alg_b)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    bool is_valid = false;
    uint32_t alg = kp_alg_from_text(emu_json_member(jwt->header, "alg"));
    if (alg == KP_ALG_NONE || (alg != alg_a && alg != alg_b))
        return false;
    if (!digest_of(alg, jwt->signed_part, digest, &len))
        return false;
    kp_status st =
        kpc_verify(key, alg, kpb_span(digest, len), kp_buf_view(&jwt->signature), &is_valid, NULL);
    return st == KP_OK && is_valid;
}

/* ---- Making ---- */

kp_status emu_signer_init(struct emu_signer *signer, struct kp_error *reterr)
{
    uint8_t id[16];
    struct kp_key_params params = {
        .struct_size = sizeof params, .kty = KP_KTY_EC, .curve = KP_CURVE_P256};
    memset(signer, 0, sizeof *signer);
    kp_status st = kpc_random(id, sizeof id, reterr);
    if (st != KP_OK)
        return st;
    kpb_hex_encode(kpb_span(id, sizeof id), signer->kid);
    return kpc_key_generate(&params, &signer->key, reterr);
}

void emu_signer_clear(struct emu_signer *signer)
{
    if (!signer)
        return;
    kpc_key_release(signer->key);
    signer->key = NULL;
}

static kp_status append_object(const json_t *object, kp_buf *out)
{
    kp_buf text;
    kp_buf_init(&text, SITE, EMU_JWT_MAX_LEN);
    kp_status st = emu_json_write(object, &text);
    if (st == KP_OK)
        st = kpb_base64url_encode(kp_buf_view(&text), out);
    kp_buf_clear(&text);
    return st;
}

static kp_status append_signature(const struct emu_signer *signer, size_t start, kp_buf *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint8_t room[ES256_LEN];
    struct kpc_out signature = {room, sizeof room, 0};
    size_t len = 0;
    if (!digest_of(KP_ALG_ES256, kpb_span(out->ptr + start, out->len - start), digest, &len))
        return KP_INTERNAL;
    kp_status st = kpc_sign(signer->key, KP_ALG_ES256, kpb_span(digest, len), &signature, NULL);
    if (st == KP_OK)
        st = kp_buf_append_byte(out, '.');
    return st == KP_OK ? kpb_base64url_encode(kpb_span(room, signature.len), out) : st;
}

kp_status emu_signer_sign(const struct emu_signer *signer, const json_t *claims,
                          const json_t *more_header, kp_buf *out)
{
    size_t start = out->len;
    json_t *header = json_pack("{s:s,s:s,s:s}", "alg", "ES256", "typ", "JWT", "kid", signer->kid);
    if (!header || (more_header && json_object_update(header, (json_t *)(uintptr_t)more_header))) {
        json_decref(header);
        return KP_NO_MEMORY;
    }
    kp_status st = append_object(header, out);
    json_decref(header);
    if (st == KP_OK)
        st = kp_buf_append_byte(out, '.');
    if (st == KP_OK)
        st = append_object(claims, out);
    return st == KP_OK ? append_signature(signer, start, out) : st;
}

json_t *emu_signer_jwk(const struct emu_signer *signer)
{
    struct kp_key_info info = {.struct_size = sizeof info};
    kpc_key_describe(signer->key, &info);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "kty", "EC", "use", "sig", "alg", "ES256",
                     "kid", signer->kid, "crv", "P-256", "x", emu_json_base64url(info.x), "y",
                     emu_json_base64url(info.y));
}
