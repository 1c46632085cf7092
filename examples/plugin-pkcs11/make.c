/*
 * create and rotate. A new version's ID begins with the time and ends with chance, so that two
 * makers never meet, and is always greater than the current one, whatever the clock says: a new
 * version that did not become the current one would never be used.
 */
#include <string.h>

#include "vault.h"

#define TIME_LEN 8
#define ID_LEN 16
#define BITS_MIN 2048

/* ---- The new ID ---- */

static void put_time(uint8_t id[ID_LEN], uint64_t time)
{
    for (size_t i = 0; i < TIME_LEN; i++) {
        id[i] = (uint8_t)(time >> (8 * (TIME_LEN - 1 - i)));
    }
}

/* The part of an ID, taken as a number of ID_LEN bytes, where ours have the time. */
static uint64_t time_of(const struct p11_key *key)
{
    uint64_t time = 0;
    for (size_t i = 0; i + (ID_LEN - TIME_LEN) < key->id_len; i++) {
        time = time << 8 | key->id[i];
    }
    return time;
}

static kp_status make_id(struct p11_job *job, const struct p11_key *current, uint8_t id[ID_LEN])
{
    const struct kp_host *host = job->vault->host;
    const kp_status st = host->random(host->self, id + TIME_LEN, ID_LEN - TIME_LEN);
    if (st != KP_OK) {
        return p11_fail(&job->error, st, KP_NOT_SENT, "no random bytes for a key's ID");
    }
    put_time(id, (uint64_t)host->unix_s(host->self));
    if (!current || p11_keys_compare_ids(id, ID_LEN, current->id, current->id_len) > 0) {
        return KP_OK;
    }
    put_time(id, time_of(current) + 1);
    if (p11_keys_compare_ids(id, ID_LEN, current->id, current->id_len) > 0) {
        return KP_OK;
    }
    return p11_fail(&job->error, KP_CONFLICT, KP_NOT_SENT,
                    "key %s: no ID of %d bytes is greater than that of version %s, so a new "
                    "version would not be the current one; use another name",
                    current->name, ID_LEN, current->version);
}

/* ---- The new key ---- */

/* Describes what was made. A failure from here on must not look as if nothing had been: a create
 * that is tried again makes one more version. */
static kp_status tell_new(struct p11_job *job, const uint8_t id[ID_LEN])
{
    char version[2 * ID_LEN + 1];
    p11_hex_encode(id, ID_LEN, version);
    kp_status st = p11_keys_find(&job->session, job->request->name, p11_span_str(version),
                                 &job->key, &job->error);
    if (st == KP_OK) {
        st = p11_describe(job);
    }
    job->error.exposure = KP_ANSWERED;
    return st;
}

static kp_status generate(struct p11_job *job, uint32_t bits, const struct p11_key *current)
{
    static const CK_BYTE exponent[] = {1, 0, 1};
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG n_bits = bits;
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
    const kp_span name = job->request->name;
    uint8_t id[ID_LEN];
    kp_status st = make_id(job, current, id);
    if (st != KP_OK) {
        return st;
    }
    CK_ATTRIBUTE public[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)(uintptr_t)name.ptr, name.len},
        {CKA_ID, id, sizeof id},
        {CKA_ENCRYPT, &yes, sizeof yes},
        {CKA_VERIFY, &no, sizeof no},
        {CKA_MODULUS_BITS, &n_bits, sizeof n_bits},
        {CKA_PUBLIC_EXPONENT, (void *)(uintptr_t)exponent, sizeof exponent},
    };
    CK_ATTRIBUTE private[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_LABEL, (void *)(uintptr_t)name.ptr, name.len},
        {CKA_ID, id, sizeof id},
        {CKA_DECRYPT, &yes, sizeof yes},
        {CKA_SIGN, &no, sizeof no},
    };
    const CK_RV rv = job->session.f->C_GenerateKeyPair(
        job->session.handle, &mechanism, public, sizeof public / sizeof public[0], private,
        sizeof private / sizeof private[0], &public_key, &job -> key.object);
    if (rv != CKR_OK) {
        return p11_fail_rv(&job->error, "C_GenerateKeyPair", rv);
    }
    return tell_new(job, id);
}

/* ---- What was asked for ---- */

/* Whatever a token cannot keep is refused rather than dropped. */
static kp_status check_params(const struct kp_key_params *params, struct kp_error *reterr)
{
    const int is_disabled =
        (params->set & KP_SET_ENABLED) != 0 && (params->flags & KP_KEY_ENABLED) == 0;
    if ((params->set & ~(uint32_t)KP_SET_ENABLED) != 0 || is_disabled) {
        return p11_fail(reterr, KP_UNSUPPORTED, KP_NOT_SENT,
                        "a token keeps no tags, times, permitted operations, release policy or "
                        "disabled keys; create the key without them");
    }
    if (params->public_exponent != 0 && params->public_exponent != 65537) {
        return p11_fail(reterr, KP_UNSUPPORTED, KP_NOT_SENT, "the public exponent is 65537 here");
    }
    return KP_OK;
}

kp_status p11_create(struct p11_job *job)
{
    const struct kp_key_params *params = job->request->params;
    struct p11_key_list *list = &job->list;
    kp_status st = check_params(params, &job->error);
    if (st == KP_OK) {
        st = p11_keys_list(&job->session, job->request->name, list, &job->error);
    }
    if (st == KP_OK) {
        st = generate(job, params->bits ? params->bits : BITS_MIN, list->n ? list->keys : NULL);
    }
    return st;
}

/* A new version is made like the current one, but never shorter than keys should be. */
kp_status p11_rotate(struct p11_job *job)
{
    struct p11_key current;
    kp_status st =
        p11_keys_find(&job->session, job->request->name, p11_span(NULL, 0), &current, &job->error);
    if (st == KP_OK) {
        st = p11_keys_public(&job->session, &current, &job->public, &job->error);
    }
    if (st == KP_OK) {
        const uint32_t bits = (uint32_t)(8 * job->public.n_len);
        st = generate(job, bits > BITS_MIN ? bits : BITS_MIN, &current);
    }
    return st;
}
