#include "plugins/azure-rest/assertion.h"

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "crypto/ops.h"
#include "plugins/azure-rest/names.h"

#define SITE "azure-rest.assertion"
#define JWT_MAX_LEN 4096u
#define HEADER_MAX_LEN 256u
#define PAYLOAD_MAX_LEN 1536u
#define AUDIENCE_MAX_LEN 1024u

static kp_status fail_memory(struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_NO_MEMORY, KP_CODE_ErrorGetTokenOutOfMemoryConcatBody,
                         "out of memory at " SITE);
}

static kp_status fail_step(kp_status st, struct kp_error *reterr, uint32_t code, const char *text)
{
    return st == KP_NO_MEMORY ? fail_memory(reterr)
                              : kpb_fail_code(reterr, KP_INTERNAL, code, "%s", text);
}

/* ---- Header ---- */

/* The thumbprint that goes with the signature where both are known, else the one that is. */
static bool uses_s256(const struct azr_credential *credential, uint32_t alg)
{
    return credential->has_x5t_s256 && (alg == AZR_ASSERTION_PS256 || !credential->has_x5t);
}

static kp_status write_header(const struct azr_credential *credential, uint32_t alg, kp_buf *out)
{
    bool is_s256 = uses_s256(credential, alg);
    kp_status st = kp_buf_append_fmt(out, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"%s\":\"",
                                     alg == AZR_ASSERTION_RS256 ? "RS256" : "PS256",
                                     is_s256 ? "x5t#S256" : "x5t");
    if (st == KP_OK)
        st = kpb_base64url_encode(is_s256 ? kpb_span(credential->x5t_s256, AZR_X5T_S256_LEN)
                                          : kpb_span(credential->x5t, AZR_X5T_LEN),
                                  out);
    return st == KP_OK ? kp_buf_append_str(out, "\"}") : st;
}

static kp_status add_header(const struct azr_credential *credential, uint32_t alg, kp_buf *jwt,
                            struct kp_error *reterr)
{
    kp_buf text;
    kp_buf_init(&text, SITE, HEADER_MAX_LEN);
    kp_status st = credential->has_x5t || credential->has_x5t_s256
                       ? write_header(credential, alg, &text)
                       : KP_USAGE;
    if (st == KP_OK)
        st = kpb_base64url_encode(kp_buf_view(&text), jwt);
    kp_buf_clear(&text);
    return st == KP_OK ? KP_OK
                       : fail_step(st, reterr, KP_CODE_ErrorJWTTokenCreateHeader,
                                   "the header of the client assertion could not be written");
}

/* ---- Payload ---- */

/* Random bytes as a version 4 UUID (RFC 9562 section 5.4). */
static bool write_jti(const uint8_t random[AZR_JTI_LEN], char out[AZR_GUID_LEN + 1u])
{
    uint8_t bytes[AZR_JTI_LEN];
    char digits[2 * AZR_JTI_LEN + 1];
    memcpy(bytes, random, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    kpb_hex_encode(kpb_span(bytes, sizeof bytes), digits);
    return azr_guid_normalise(kpb_span_str(digits), out);
}

/* Audience and client id were checked: no character of theirs needs an escape. */
static bool is_plain_text(kp_span text, size_t max_len)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f || text.ptr[i] == '"' || text.ptr[i] == '\\')
            return false;
    return text.len > 0 && text.len <= max_len;
}

static kp_status write_payload(const struct azr_assertion *in, kp_buf *out)
{
    char jti[AZR_GUID_LEN + 1u];
    long long now = (long long)in->now_unix_s;
    if (!is_plain_text(in->audience, AUDIENCE_MAX_LEN) || !azr_is_guid(in->client_id) ||
        in->now_unix_s < 0 || in->now_unix_s > INT64_MAX / 2 || !write_jti(in->jti, jti))
        return KP_USAGE;
    return kp_buf_append_fmt(out,
                             "{\"aud\":\"%.*s\",\"iss\":\"%.*s\",\"sub\":\"%.*s\",\"jti\":\"%s\","
                             "\"nbf\":%lld,\"iat\":%lld,\"exp\":%lld}",
                             (int)in->audience.len, (const char *)in->audience.ptr,
                             (int)in->client_id.len, (const char *)in->client_id.ptr,
                             (int)in->client_id.len, (const char *)in->client_id.ptr, jti, now, now,
                             now + AZR_ASSERTION_LIFETIME_S);
}

static kp_status add_payload(const struct azr_assertion *in, kp_buf *jwt, struct kp_error *reterr)
{
    kp_buf text;
    kp_buf_init(&text, SITE, PAYLOAD_MAX_LEN);
    kp_status st = write_payload(in, &text);
    if (st == KP_OK)
        st = kp_buf_append_byte(jwt, '.');
    if (st == KP_OK)
        st = kpb_base64url_encode(kp_buf_view(&text), jwt);
    kp_buf_clear(&text);
    return st == KP_OK ? KP_OK
                       : fail_step(st, reterr, KP_CODE_ErrorJWTTokenCreatePayload,
                                   "the payload of the client assertion could not be written: it "
                                   "needs a client id (GUID), an audience and a clock");
}

/* ---- Signature ---- */

static kp_status sign(const struct azr_credential *credential, uint32_t alg, kp_span text,
                      struct kpc_out *signature, struct kp_error *reterr)
{
    uint8_t digest[KPC_SHA256_LEN];
    kp_status st = kpc_sha256(text, digest, NULL);
    if (st != KP_OK)
        return fail_step(st, reterr, KP_CODE_ErrorJWTTokenSignatureHash,
                         "the SHA-256 digest of the client assertion could not be computed");
    st = kpc_sign(credential->key, alg == AZR_ASSERTION_RS256 ? KP_ALG_RS256 : KP_ALG_PS256,
                  kpb_span(digest, sizeof digest), signature, NULL);
    if (st == KP_NO_MEMORY)
        return fail_memory(reterr);
    if (st != KP_OK)
        return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorJWTTokenSignatureSignHash,
                             "the certificate's private key would not sign the client assertion");
    return KP_OK;
}

static kp_status add_signature(const struct azr_credential *credential, uint32_t alg, kp_buf *jwt,
                               struct kp_error *reterr)
{
    uint8_t bytes[KPC_RSA_MAX_LEN];
    struct kpc_out signature = {bytes, sizeof bytes, 0};
    if (!credential->key)
        return kpb_fail_code(reterr, KP_AUTH, KP_CODE_ErrorJWTTokenSignatureSignHash,
                             "there is no private key to sign the client assertion with");
    kp_status st = sign(credential, alg, kp_buf_view(jwt), &signature, reterr);
    if (st != KP_OK)
        return st;
    st = kp_buf_append_byte(jwt, '.');
    if (st == KP_OK)
        st = kpb_base64url_encode(kpb_span(bytes, signature.len), jwt);
    return st == KP_OK ? KP_OK
                       : fail_step(st, reterr, KP_CODE_ErrorJWTTokenCreateToken,
                                   "the client assertion could not be put together");
}

kp_status azr_assertion_make(const struct azr_credential *credential,
                             const struct azr_assertion *in, kp_buf *ret_jwt,
                             struct kp_error *reterr)
{
    kp_buf_init_secret(ret_jwt, SITE, JWT_MAX_LEN);
    kp_status st = add_header(credential, in->alg, ret_jwt, reterr);
    if (st == KP_OK)
        st = add_payload(in, ret_jwt, reterr);
    return st == KP_OK ? add_signature(credential, in->alg, ret_jwt, reterr) : st;
}
