/*
 * encrypt, decrypt, wrap, unwrap and random.
 *
 * Wrapping asks for no public key of the token: in a token whoever plugs it in can put public keys
 * beside others', without a PIN. What is wrapped goes under the modulus the private key itself
 * tells, handed to the token for the length of the session, and so can always be unwrapped.
 */
#include <string.h>

#include "vault.h"

struct mechanism {
    CK_MECHANISM ck;
    CK_RSA_PKCS_OAEP_PARAMS oaep;
};

/* m must stay where it is: ck points into it. */
static void fill_mechanism(struct mechanism *m, uint32_t alg)
{
    memset(m, 0, sizeof *m);
    m->ck.mechanism = CKM_RSA_PKCS;
    if (alg == KP_ALG_RSA1_5) {
        return;
    }
    m->ck.mechanism = CKM_RSA_PKCS_OAEP;
    m->ck.pParameter = &m->oaep;
    m->ck.ulParameterLen = sizeof m->oaep;
    m->oaep.hashAlg = alg == KP_ALG_RSA_OAEP_256 ? CKM_SHA256 : CKM_SHA_1;
    m->oaep.mgf = alg == KP_ALG_RSA_OAEP_256 ? CKG_MGF1_SHA256 : CKG_MGF1_SHA1;
    m->oaep.source = CKZ_DATA_SPECIFIED;
}

static kp_status fail_init(struct p11_job *job, const char *step, CK_RV rv)
{
    /* What SoftHSM says of a digest it does not have. */
    return p11_fail_rv(&job->error, step,
                       rv == CKR_ARGUMENTS_BAD ? CKR_MECHANISM_PARAM_INVALID : rv);
}

static kp_status find_key(struct p11_job *job)
{
    const struct kp_request *request = job->request;
    return p11_keys_find(&job->session, request->name, request->version, &job->key, &job->error);
}

static kp_status answer(struct p11_job *job, CK_ULONG len)
{
    job->reply.alg = job->request->alg;
    job->reply.name = p11_span_str(job->key.name);
    job->reply.version = p11_span_str(job->key.version);
    job->reply.value = p11_span(job->value, len);
    return KP_OK;
}

/* ---- Encrypting ---- */

/* The object goes with the session. */
static kp_status bring_public(struct p11_job *job, CK_OBJECT_HANDLE *ret)
{
    static CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    static CK_KEY_TYPE type = CKK_RSA;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    struct p11_public *public = &job->public;
    const kp_status st = p11_keys_public(&job->session, &job->key, public, &job->error);
    if (st != KP_OK) {
        return st;
    }
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &no, sizeof no},
        {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_MODULUS, public->n, public->n_len},
        {CKA_PUBLIC_EXPONENT, public->e, public->e_len},
    };
    const CK_RV rv = job->session.f->C_CreateObject(job->session.handle, attributes,
                                                    sizeof attributes / sizeof attributes[0], ret);
    return rv == CKR_OK ? KP_OK : p11_fail_rv(&job->error, "C_CreateObject", rv);
}

/* Tokens do not all say it when a value is too long, so we do. */
static kp_status check_length(struct p11_job *job)
{
    const uint32_t alg = job->request->alg;
    const size_t digest_len = alg == KP_ALG_RSA_OAEP_256 ? 32 : 20;
    const size_t padding_len = alg == KP_ALG_RSA1_5 ? 11 : 2 * digest_len + 2;
    if (job->request->value.len + padding_len <= job->public.n_len) {
        return KP_OK;
    }
    return p11_fail_rv(&job->error, "C_Encrypt", CKR_DATA_LEN_RANGE);
}

static kp_status encrypt_with(struct p11_job *job, CK_OBJECT_HANDLE public)
{
    const struct p11_session *s = &job->session;
    const kp_span value = job->request->value;
    CK_ULONG len = P11_MODULUS_MAX_LEN;
    struct mechanism m;
    fill_mechanism(&m, job->request->alg);
    CK_RV rv = s->f->C_EncryptInit(s->handle, &m.ck, public);
    if (rv != CKR_OK) {
        return fail_init(job, "C_EncryptInit", rv);
    }
    rv = s->f->C_Encrypt(s->handle, (CK_BYTE_PTR)(uintptr_t)value.ptr, value.len, job->value, &len);
    return rv == CKR_OK ? answer(job, len) : p11_fail_rv(&job->error, "C_Encrypt", rv);
}

kp_status p11_encrypt(struct p11_job *job)
{
    CK_OBJECT_HANDLE public = CK_INVALID_HANDLE;
    kp_status st = find_key(job);
    if (st == KP_OK) {
        st = bring_public(job, &public);
    }
    if (st == KP_OK) {
        st = check_length(job);
    }
    return st == KP_OK ? encrypt_with(job, public) : st;
}

/* ---- Decrypting ---- */

/* A value that another key made is to many tokens, SoftHSM among them, a failure like any other. It
 * is the likely one, and no reason to take the token for broken. */
static kp_status fail_decrypt(struct p11_job *job, CK_RV rv)
{
    if (rv != CKR_GENERAL_ERROR && rv != CKR_FUNCTION_FAILED && rv != CKR_DATA_INVALID) {
        return p11_fail_rv(&job->error, "C_Decrypt", rv);
    }
    return p11_fail(&job->error, KP_INTEGRITY, KP_ANSWERED_REFUSED,
                    "C_Decrypt: 0x%lx: the value is damaged, or another key version or algorithm "
                    "made it; if not, see the token's own log",
                    (unsigned long)rv);
}

kp_status p11_decrypt(struct p11_job *job)
{
    const struct p11_session *s = &job->session;
    const kp_span value = job->request->value;
    CK_ULONG len = P11_MODULUS_MAX_LEN;
    struct mechanism m;
    const kp_status st = find_key(job);
    if (st != KP_OK) {
        return st;
    }
    fill_mechanism(&m, job->request->alg);
    CK_RV rv = s->f->C_DecryptInit(s->handle, &m.ck, job->key.object);
    if (rv != CKR_OK) {
        return fail_init(job, "C_DecryptInit", rv);
    }
    rv = s->f->C_Decrypt(s->handle, (CK_BYTE_PTR)(uintptr_t)value.ptr, value.len, job->value, &len);
    return rv == CKR_OK ? answer(job, len) : fail_decrypt(job, rv);
}

kp_status p11_random(struct p11_job *job)
{
    const uint32_t n = job->request->count;
    const CK_RV rv = job->session.f->C_GenerateRandom(job->session.handle, job->value, n);
    if (rv != CKR_OK) {
        return p11_fail_rv(&job->error, "C_GenerateRandom", rv);
    }
    job->reply.value = p11_span(job->value, n);
    return KP_OK;
}
