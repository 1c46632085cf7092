#include "crypto/key.h"

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/algs.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"

static struct kpc_key *new_key(uint32_t kty)
{
    struct kpc_key *key = kpb_alloc("crypto.key", sizeof *key);
    if (!key)
        return NULL;
    key->kty = kty;
    atomic_init(&key->refs, 1);
    return key;
}

static void free_key(struct kpc_key *key)
{
    for (uint32_t alg = 0; alg <= KP_ALG_MAX; alg++)
        for (int direction = 0; direction < KPC_N_DIRECTIONS; direction++)
            EVP_PKEY_CTX_free(atomic_load(&key->prepared[alg][direction]));
    for (int i = 0; i < KPC_N_SPARES; i++)
        EVP_PKEY_CTX_free(atomic_load(&key->spares[i]));
    for (int i = 0; i < KPC_N_HMACS; i++)
        EVP_MAC_CTX_free(atomic_load(&key->prepared_hmac[i]));
    EVP_PKEY_free(key->pkey);
    kpb_secret_free(key->secret, key->secret_len);
    kpb_free(key);
}

struct kpc_key *kpc_key_acquire(struct kpc_key *key)
{
    (void)atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void kpc_key_release(struct kpc_key *key)
{
    /* Release then acquire: whatever other threads did with the key is done before it goes. */
    if (key && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1)
        free_key(key);
}

static kp_status generate_by_type(struct kpc_key *key, const struct kp_key_params *params,
                                  struct kp_error *reterr)
{
    switch (key->kty) {
    case KP_KTY_RSA:
        return kpc_rsa_generate(key, params, reterr);
    case KP_KTY_EC:
        return kpc_ec_generate(key, params, reterr);
    default:
        return kpc_oct_generate(key, params, reterr);
    }
}

static kp_status import_by_type(struct kpc_key *key, const struct kp_key_params *params,
                                enum kpc_origin origin, struct kp_error *reterr)
{
    switch (key->kty) {
    case KP_KTY_RSA:
        return kpc_rsa_import(key, params, origin, reterr);
    case KP_KTY_EC:
        return kpc_ec_import(key, params, reterr);
    default:
        return kpc_oct_import(key, params, reterr);
    }
}

/* A new key of the type, or NULL with *ret_st saying why. */
static struct kpc_key *start_key(uint32_t kty, kp_status *ret_st, struct kp_error *reterr)
{
    uint32_t plain = kpc_plain_kty(kty);
    if (plain == KP_KTY_NONE) {
        *ret_st = kpb_fail(reterr, KP_USAGE, "kty %u is not a key type; use RSA, EC or oct", kty);
        return NULL;
    }
    struct kpc_key *key = new_key(plain);
    if (!key)
        *ret_st = kpb_fail_memory(reterr, "crypto.key");
    return key;
}

/* Gives the finished key to the caller, or drops the half-built one. */
static kp_status finish_key(kp_status st, struct kpc_key *key, struct kpc_key **ret_key)
{
    if (st == KP_OK)
        *ret_key = key; /* moved to the caller */
    else
        kpc_key_release(key);
    return st;
}

kp_status kpc_key_generate(const struct kp_key_params *params, struct kpc_key **ret_key,
                           struct kp_error *reterr)
{
    kp_status st = KP_OK;
    struct kpc_key *key = start_key(params->kty, &st, reterr);
    if (!key)
        return st;
    kpc_lib_enter();
    st = generate_by_type(key, params, reterr);
    kpc_lib_leave();
    return finish_key(st, key, ret_key);
}

kp_status kpc_key_from_jwk(const struct kp_key_params *params, enum kpc_origin origin,
                           struct kpc_key **ret_key, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    struct kpc_key *key = start_key(params->kty, &st, reterr);
    if (!key)
        return st;
    kpc_lib_enter();
    st = import_by_type(key, params, origin, reterr);
    kpc_lib_leave();
    return finish_key(st, key, ret_key);
}

kp_status kpc_key_from_public(const struct kp_key_info *info, struct kpc_key **ret_key,
                              struct kp_error *reterr)
{
    if (kpc_plain_kty(info->kty) == KP_KTY_OCT)
        return kpb_fail(reterr, KP_USAGE, "an oct key has no public part");
    struct kp_key_params params = {.struct_size = sizeof params, .kty = info->kty};
    params.curve = info->curve;
    params.n = info->n;
    params.e = info->e;
    params.x = info->x;
    params.y = info->y;
    return kpc_key_from_jwk(&params, KPC_FOREIGN, ret_key, reterr);
}

uint32_t kpc_key_kty(const struct kpc_key *key)
{
    return key->kty;
}

uint32_t kpc_key_bits(const struct kpc_key *key)
{
    return key->bits;
}

uint32_t kpc_key_curve(const struct kpc_key *key)
{
    return key->curve;
}

bool kpc_key_has_private(const struct kpc_key *key)
{
    return key->has_private;
}

void kpc_key_describe(const struct kpc_key *key, struct kp_key_info *ret_info)
{
    kp_span none = {NULL, 0};
    kp_span first = kpb_span(key->pub, key->first_len);
    kp_span second = kpb_span(key->pub + key->first_len, key->second_len);
    ret_info->kty = key->kty;
    ret_info->bits = key->bits;
    ret_info->curve = key->curve;
    ret_info->n = key->kty == KP_KTY_RSA ? first : none;
    ret_info->e = key->kty == KP_KTY_RSA ? second : none;
    ret_info->x = key->kty == KP_KTY_EC ? first : none;
    ret_info->y = key->kty == KP_KTY_EC ? second : none;
}
