/* Answers of operations with keys: what was computed, and with which version. */
#include "base/span.h"
#include "crypto/algs.h"
#include "plugins/azure-rest/answer_parts.h"

#define AES_BLOCK_LEN 16u
#define AES_WRAP_LEN 8u /* what RFC 3394 adds */
#define GCM_IV_LEN 12u
#define TAG_LEN 16u
#define RSA_MIN_LEN 256u  /* 2048 bits */
#define RSA_STEP_LEN 128u /* 1024 bits */

/* ---- What the service says back ---- */

static kp_status check_alg(const struct azr_reading *r, struct azr_json body)
{
    kp_span alg;
    if (!azr_json_plain(azr_json_member(body, "alg"), &alg))
        return KP_OK; /* a vault does not say it */
    if (!kpb_span_eq_str(alg, kp_alg_text(r->request->alg)))
        return azr_refuse_integrity(r, "names another algorithm");
    return KP_OK;
}

/* Absent is fine; what is there must be what was sent. */
static kp_status check_echo(const struct azr_reading *r, kp_span sent, kp_span echoed,
                            const char *what)
{
    if (sent.len == 0 || echoed.len == 0 || kpb_span_eq(sent, echoed))
        return KP_OK;
    return azr_refuse_integrity(r, what);
}

/* ---- What an algorithm makes of a length ---- */

static size_t hmac_len(uint32_t alg)
{
    return alg == KP_ALG_HS256 ? 32 : alg == KP_ALG_HS384 ? 48 : 64;
}

/* What RSA makes is as long as the modulus, of which only the sizes that a vault takes are
 * known. */
static bool is_rsa_len(size_t len)
{
    return len >= RSA_MIN_LEN && len % RSA_STEP_LEN == 0;
}

/* Raw r||s for EC. */
static bool is_signature_len(const struct kpc_alg_info *alg, size_t len)
{
    if (alg->family == KP_FAMILY_EC_SIGN)
        return len == 2 * kpc_curve_coord_len(alg->curve);
    return alg->family == KP_FAMILY_HMAC ? len == hmac_len(alg->alg) : is_rsa_len(len);
}

/* RFC 3394 and RFC 5649: 8 bytes more than the input, which the latter pads to a multiple of 8. */
static bool is_wrap_len(uint32_t alg, size_t plain, size_t wrapped)
{
    if (alg != KP_ALG_CKM_AES_KEY_WRAP_PAD)
        return wrapped == plain + AES_WRAP_LEN;
    return wrapped == (plain + 7) / 8 * 8 + AES_WRAP_LEN;
}

static bool is_cbc_len(size_t plain, size_t cipher)
{
    return cipher % AES_BLOCK_LEN == 0 && cipher >= plain && cipher - plain <= AES_BLOCK_LEN;
}

/* Whether one length is what the other becomes; of RSA's and unknown ones that cannot be told. */
static bool fits(const struct kpc_alg_info *alg, size_t plain, size_t cipher)
{
    switch (alg->family) {
    case KP_FAMILY_AES_WRAP:
        return is_wrap_len(alg->alg, plain, cipher);
    case KP_FAMILY_AES_GCM:
        return plain == cipher;
    case KP_FAMILY_AES_CBC:
        return is_cbc_len(plain, cipher);
    default:
        return true;
    }
}

static bool is_cipher_len(const struct kpc_alg_info *alg, size_t plain, size_t cipher)
{
    if (alg->family == KP_FAMILY_RSA_CRYPT)
        return is_rsa_len(cipher);
    return cipher > 0 && fits(alg, plain, cipher);
}

static kp_status check_len(const struct azr_reading *r)
{
    const struct kp_request *request = r->request;
    const struct kpc_alg_info *alg = kpc_alg_find(request->alg);
    size_t made = r->answer->reply.value.len;
    bool is_forward = request->op == KP_OP_ENCRYPT || request->op == KP_OP_WRAP;
    bool ok = alg != NULL;
    if (alg && request->op == KP_OP_SIGN)
        ok = is_signature_len(alg, made);
    else if (alg)
        ok = is_forward ? is_cipher_len(alg, request->value.len, made)
                        : fits(alg, made, request->value.len);
    if (ok)
        return KP_OK;
    return azr_refuse_integrity(r, "has a length that the algorithm cannot make");
}

/* Without its iv or tag a ciphertext is lost. */
static kp_status check_gcm(const struct azr_reading *r)
{
    const struct kp_request *request = r->request;
    const struct kp_reply *reply = &r->answer->reply;
    if (request->op != KP_OP_ENCRYPT || kp_alg_family_of(request->alg) != KP_FAMILY_AES_GCM)
        return KP_OK;
    if (reply->iv.len == GCM_IV_LEN && reply->tag.len == TAG_LEN)
        return KP_OK;
    return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the iv or the tag");
}

/* ---- The readers ---- */

static kp_status take_version(const struct azr_reading *r, const struct azr_kid *kid)
{
    struct kp_reply *reply = &r->answer->reply;
    if (kid->version.len == 0)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "does not say which version did the work");
    reply->alg = r->request->alg;
    reply->name = kid->name;
    reply->version = kid->version;
    return KP_OK;
}

static kp_status take_values(const struct azr_reading *r, struct azr_json body)
{
    struct kp_reply *reply = &r->answer->reply;
    uint32_t code = azr_fault_code(r->request->op, AZR_FAULT_NOT_BASE64);
    struct azr_json value = azr_json_member(body, "value");
    if (value.type != AZR_JSON_STRING)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the value");
    kp_status st = azr_keep_base64(r, value, code, &reply->value);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(body, "iv"), code, &reply->iv);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(body, "tag"), code, &reply->tag);
    if (st == KP_OK)
        st = azr_keep_base64(r, azr_json_member(body, "aad"), code, &reply->aad);
    return st;
}

static kp_status check_values(const struct azr_reading *r, struct azr_json body)
{
    const struct kp_request *request = r->request;
    const struct kp_reply *reply = &r->answer->reply;
    kp_status st = check_alg(r, body);
    if (st == KP_OK)
        st = check_echo(r, request->iv, reply->iv, "names another iv");
    if (st == KP_OK)
        st = check_echo(r, request->aad, reply->aad, "names other additional data (aad)");
    if (st == KP_OK)
        st = check_gcm(r);
    return st == KP_OK ? check_len(r) : st;
}

/* An encryption's iv and aad are part of what it made, whether the service says them back or
 * not. */
static void fill_parts(const struct azr_reading *r)
{
    const struct kp_request *request = r->request;
    struct kp_reply *reply = &r->answer->reply;
    if (request->op != KP_OP_ENCRYPT && request->op != KP_OP_WRAP) {
        reply->iv = kpb_span(NULL, 0);
        reply->tag = kpb_span(NULL, 0);
        reply->aad = kpb_span(NULL, 0);
        return;
    }
    if (reply->iv.len == 0)
        reply->iv = request->iv;
    reply->aad = request->aad;
}

/*
 * 200
 * {"kid":"https://HOST/keys/NAME/VERSION","value":"BASE64URL"}
 * A Managed HSM adds "alg", and "iv", "tag" and "aad" where there are such.
 */
kp_status azr_read_result(const struct azr_reading *r, struct azr_json body)
{
    struct azr_kid kid;
    uint32_t code = azr_fault_code(r->request->op, AZR_FAULT_NO_VALUE);
    kp_status st = azr_take_kid(r, azr_json_member(body, "kid"), code, &r->answer->reply.kid, &kid);
    if (st == KP_OK)
        st = take_version(r, &kid);
    if (st == KP_OK)
        st = take_values(r, body);
    if (st == KP_OK)
        st = check_values(r, body);
    if (st == KP_OK)
        fill_parts(r);
    return st;
}

/*
 * 200
 * {"value":true}
 * A Managed HSM adds "alg" and "kid"; with a vault the version is the one that was asked for.
 */
kp_status azr_read_verdict(const struct azr_reading *r, struct azr_json body)
{
    struct kp_reply *reply = &r->answer->reply;
    struct azr_json verdict = azr_json_member(body, "value");
    struct azr_json told = azr_json_member(body, "kid");
    struct azr_kid kid = {.name = r->request->name, .version = r->request->version};
    kp_status st = check_alg(r, body);
    if (verdict.type != AZR_JSON_TRUE && verdict.type != AZR_JSON_FALSE)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "does not say if the signature is good");
    if (st == KP_OK && told.type == AZR_JSON_STRING)
        st = azr_take_kid(r, told, azr_fault_code(r->request->op, AZR_FAULT_NO_VALUE), &reply->kid,
                          &kid);
    if (st == KP_OK)
        st = take_version(r, &kid);
    reply->flags = verdict.type == AZR_JSON_TRUE ? KP_REPLY_VERIFIED : 0;
    return st;
}

/* 200 {"value":"BASE64URL"}: a backup, random bytes. */
kp_status azr_read_blob(const struct azr_reading *r, struct azr_json body)
{
    struct kp_reply *reply = &r->answer->reply;
    struct azr_json value = azr_json_member(body, "value");
    if (value.type != AZR_JSON_STRING)
        return azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the value");
    kp_status st = azr_keep_base64(r, value, azr_fault_code(r->request->op, AZR_FAULT_NOT_BASE64),
                                   &reply->value);
    if (st == KP_OK && reply->value.len == 0)
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "has an empty value");
    if (st == KP_OK && r->request->op == KP_OP_RANDOM && reply->value.len != r->request->count)
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "has not as many bytes as were asked for");
    return st;
}

/* 200 {"value":"HEADER.PAYLOAD.SIGNATURE"}: a released key as a JWS of the service. */
kp_status azr_read_released(const struct azr_reading *r, struct azr_json body)
{
    kp_status st = azr_keep_text(r, azr_json_member(body, "value"), &r->answer->reply.value);
    if (st == KP_OK && r->answer->reply.value.len == 0)
        st = azr_refuse_fault(r, AZR_FAULT_NO_VALUE, "lacks the value");
    return st;
}
