#include "crypto/ops.h"

#include "base/errors.h"
#include "base/mem.h"
#include "crypto/families.h"

#define N_FAMILIES (KP_FAMILY_HMAC + 1)

/* NULL: the family does not do that. */
static const struct kpc_crypt_family *const crypt_families[N_FAMILIES] = {
    [KP_FAMILY_RSA_CRYPT] = &kpc_rsa_crypt_family,
    [KP_FAMILY_AES_WRAP] = &kpc_aes_wrap_family,
    [KP_FAMILY_AES_GCM] = &kpc_aes_gcm_family,
    [KP_FAMILY_AES_CBC] = &kpc_aes_cbc_family,
};

static const struct kpc_sign_family *const sign_families[N_FAMILIES] = {
    [KP_FAMILY_RSA_SIGN] = &kpc_rsa_sign_family,
    [KP_FAMILY_EC_SIGN] = &kpc_ec_sign_family,
    [KP_FAMILY_HMAC] = &kpc_hmac_family,
};

/* ---- Checks all families share ---- */

static kp_status fail_fit(const struct kpc_key *key, const struct kpc_alg_info *alg,
                          struct kp_error *reterr)
{
    const char *kind = key->kty == KP_KTY_EC ? kp_curve_text(key->curve) : kp_kty_text(key->kty);
    if (alg->curve != KP_CURVE_NONE)
        return kpb_fail(reterr, KP_USAGE, "%s needs a %s key; this one is %s with %u bits",
                        alg->name, kp_curve_text(alg->curve), kind, key->bits);
    if (alg->key_bits != 0)
        return kpb_fail(reterr, KP_USAGE, "%s needs a %u-bit oct key; this one is %s with %u bits",
                        alg->name, alg->key_bits, kind, key->bits);
    return kpb_fail(reterr, KP_USAGE, "%s needs %s key; this one is %s with %u bits", alg->name,
                    alg->kty == KP_KTY_RSA              ? "an RSA"
                    : alg->family == KP_FAMILY_AES_WRAP ? "a 128, 192 or 256-bit oct"
                                                        : "an oct",
                    kind, key->bits);
}

static kp_status find_alg(uint32_t alg, const struct kpc_alg_info **ret, struct kp_error *reterr)
{
    *ret = kpc_alg_find(alg);
    return *ret ? KP_OK : kpb_fail(reterr, KP_USAGE, "algorithm %u is none", alg);
}

static kp_status check_fit(const struct kpc_key *key, const struct kpc_alg_info *alg,
                           struct kp_error *reterr)
{
    if (kpc_alg_fits(key->kty, key->bits, key->curve, alg->alg))
        return KP_OK;
    return fail_fit(key, alg, reterr);
}

static kp_status check_private(const struct kpc_key *key, struct kp_error *reterr)
{
    if (key->has_private)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE,
                    "the key has only its public part, which cannot decrypt, unwrap "
                    "or sign");
}

static kp_status check_payload(kp_span bytes, const char *member, struct kp_error *reterr)
{
    if (bytes.len <= KP_PAYLOAD_MAX_LEN)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "%s has %zu bytes; at most %u are taken", member, bytes.len,
                    KP_PAYLOAD_MAX_LEN);
}

static kp_status check_room(const struct kpc_out *out, size_t need, struct kp_error *reterr)
{
    if (out->cap >= need)
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "the output area has %zu bytes; %zu are needed", out->cap,
                    need);
}

kp_status kpc_fail_unreadable(const struct kpc_crypt_job *job)
{
    kpb_wipe(job->ret->value.ptr, job->ret->value.cap);
    job->ret->value.len = 0;
    return kpb_fail(job->err, KP_INTEGRITY,
                    "the value cannot be recovered: it was altered, or made with another "
                    "key, version or algorithm");
}

kp_status kpc_fail_crypt(const struct kpc_crypt_job *job)
{
    kpb_wipe(job->ret->value.ptr, job->ret->value.cap);
    job->ret->value.len = 0;
    return kpc_fail_openssl(job->err, "OpenSSL could not carry the operation out");
}

/* ---- Encrypting and decrypting ---- */

static kp_status run_crypt(struct kpc_crypt_job *job, const struct kpc_crypt_family *family)
{
    const struct kpc_input *in = job->in;
    kp_status st = check_payload(in->value, "the value", job->err);
    if (st == KP_OK)
        st = check_payload(in->aad, "the aad", job->err);
    if (st == KP_OK)
        st = family->check(job);
    if (st == KP_OK)
        st = check_room(&job->ret->value,
                        family->max_len(job->key, job->alg, job->direction, in->value.len),
                        job->err);
    return st == KP_OK ? family->run(job) : st;
}

static kp_status start_crypt(struct kpc_crypt_job *job)
{
    kp_status st = find_alg(job->in->alg, &job->alg, job->err);
    if (st != KP_OK)
        return st;
    if (!crypt_families[job->alg->family])
        return kpb_fail(job->err, KP_USAGE, "%s signs; it does not encrypt or wrap",
                        job->alg->name);
    st = check_fit(job->key, job->alg, job->err);
    if (st != KP_OK || job->direction == KPC_FORWARD)
        return st;
    return check_private(job->key, job->err);
}

static kp_status do_crypt(struct kpc_crypt_job *job)
{
    job->ret->value.len = 0;
    job->ret->iv_len = 0;
    job->ret->tag_len = 0;
    kp_status st = start_crypt(job);
    if (st != KP_OK)
        return st;
    kpc_lib_enter();
    st = run_crypt(job, crypt_families[job->alg->family]);
    kpc_lib_leave();
    return st;
}

kp_status kpc_encrypt(struct kpc_key *key, const struct kpc_input *in, struct kpc_result *ret,
                      struct kp_error *reterr)
{
    struct kpc_crypt_job job = {key, NULL, KPC_FORWARD, in, ret, reterr};
    return do_crypt(&job);
}

kp_status kpc_decrypt(struct kpc_key *key, const struct kpc_input *in, struct kpc_result *ret,
                      struct kp_error *reterr)
{
    struct kpc_crypt_job job = {key, NULL, KPC_BACKWARD, in, ret, reterr};
    return do_crypt(&job);
}

/* ---- Signing and verifying ---- */

static kp_status check_digest(const struct kpc_alg_info *alg, kp_span digest,
                              struct kp_error *reterr)
{
    if (alg->digest_len != 0 && digest.len != alg->digest_len)
        return kpb_fail(reterr, KP_USAGE, "the digest has %zu bytes; %s takes %u", digest.len,
                        alg->name, alg->digest_len);
    if (digest.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the value to sign with %s is empty", alg->name);
    return check_payload(digest, "the value", reterr);
}

/* All checks up to the ones of the area or the signature; *ret_family is set on success. */
static kp_status start_sign(struct kpc_sign_job *job, uint32_t alg, bool needs_private,
                            const struct kpc_sign_family **ret_family)
{
    kp_status st = find_alg(alg, &job->alg, job->err);
    if (st != KP_OK)
        return st;
    *ret_family = sign_families[job->alg->family];
    if (!*ret_family)
        return kpb_fail(job->err, KP_USAGE, "%s does not sign", job->alg->name);
    st = check_fit(job->key, job->alg, job->err);
    if (st == KP_OK && needs_private)
        st = check_private(job->key, job->err);
    if (st == KP_OK)
        st = check_digest(job->alg, job->digest, job->err);
    return st == KP_OK ? (*ret_family)->check(job) : st;
}

kp_status kpc_sign(struct kpc_key *key, uint32_t alg, kp_span digest, struct kpc_out *ret_signature,
                   struct kp_error *reterr)
{
    struct kpc_sign_job job = {key, NULL, digest, reterr};
    const struct kpc_sign_family *family = NULL;
    ret_signature->len = 0;
    kp_status st = start_sign(&job, alg, true, &family);
    if (st == KP_OK)
        st = check_room(ret_signature, family->signature_len(key, job.alg), reterr);
    if (st != KP_OK)
        return st;
    kpc_lib_enter();
    st = family->sign(&job, ret_signature);
    kpc_lib_leave();
    return st;
}

static kp_status check_signature(const struct kpc_sign_job *job, kp_span signature, size_t len)
{
    if (signature.len == len)
        return KP_OK;
    return kpb_fail(job->err, KP_USAGE, "the signature has %zu bytes; %s with this key makes %zu",
                    signature.len, job->alg->name, len);
}

kp_status kpc_verify(struct kpc_key *key, uint32_t alg, kp_span digest, kp_span signature,
                     bool *ret_valid, struct kp_error *reterr)
{
    struct kpc_sign_job job = {key, NULL, digest, reterr};
    const struct kpc_sign_family *family = NULL;
    *ret_valid = false;
    kp_status st = start_sign(&job, alg, false, &family);
    if (st == KP_OK)
        st = check_signature(&job, signature, family->signature_len(key, job.alg));
    if (st != KP_OK)
        return st;
    kpc_lib_enter();
    st = family->verify(&job, signature, ret_valid);
    kpc_lib_leave();
    return st;
}

kp_status kpc_take_verdict(const struct kpc_sign_job *job, int answer, bool *ret_valid)
{
    *ret_valid = answer == 1;
    if (answer == 1)
        return KP_OK;
    /*
     * A wrong signature is refused without a word or by name; anything else went wrong on the way.
     */
    if (answer == 0 && (kpc_lib_is_silent() || kpc_lib_blame() == KPC_BLAME_INPUT))
        return KP_OK;
    return kpc_fail_openssl(job->err, "OpenSSL could not verify");
}

/* ---- Sizes ---- */

size_t kpc_max_output_len(const struct kpc_key *key, uint32_t alg, uint32_t op, size_t in_len)
{
    const struct kpc_alg_info *info = kpc_alg_find(alg);
    if (!info || !kpc_alg_serves(alg, op) || !kpc_alg_fits(key->kty, key->bits, key->curve, alg) ||
        in_len > KP_PAYLOAD_MAX_LEN || op == KP_OP_VERIFY)
        return 0;
    if (op == KP_OP_SIGN)
        return sign_families[info->family]->signature_len(key, info);
    bool forward = op == KP_OP_ENCRYPT || op == KP_OP_WRAP;
    return crypt_families[info->family]->max_len(key, info, forward ? KPC_FORWARD : KPC_BACKWARD,
                                                 in_len);
}
