#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/key_parts.h"
#include "crypto/random.h"

#define OCT_DEFAULT_BITS 256u

static kp_status set_secret(struct kpc_key *key, size_t len, struct kp_error *reterr)
{
    key->secret = kpb_secret_alloc("crypto.key.secret", len);
    if (!key->secret)
        return kpb_fail_memory(reterr, "crypto.key.secret");
    key->secret_len = len;
    key->bits = (uint32_t)len * 8;
    key->has_private = true;
    return KP_OK;
}

kp_status kpc_oct_generate(struct kpc_key *key, const struct kp_key_params *params,
                           struct kp_error *reterr)
{
    uint32_t bits = params->bits ? params->bits : OCT_DEFAULT_BITS;
    if (bits != 128 && bits != 192 && bits != 256)
        return kpb_fail(reterr, KP_USAGE, "oct keys are made with 128, 192 or 256 bits, not %u",
                        bits);
    kp_status st = set_secret(key, bits / 8, reterr);
    return st == KP_OK ? kpc_random_secret(key->secret, key->secret_len, reterr) : st;
}

kp_status kpc_oct_import(struct kpc_key *key, const struct kp_key_params *params,
                         struct kp_error *reterr)
{
    if (params->n.len > 0 || params->e.len > 0 || params->d.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an oct key has no n, e and d");
    if (params->x.len > 0 || params->y.len > 0)
        return kpb_fail(reterr, KP_USAGE, "an oct key has no x and y");
    if (params->k.len == 0)
        return kpb_fail(reterr, KP_USAGE, "the oct key has no k");
    if (params->k.len < KPC_OCT_MIN_LEN || params->k.len > KPC_OCT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "k of the oct key has %zu bytes; %u to %u are taken",
                        params->k.len, KPC_OCT_MIN_LEN, KPC_OCT_MAX_LEN);
    kp_status st = set_secret(key, params->k.len, reterr);
    if (st == KP_OK)
        memcpy(key->secret, params->k.ptr, params->k.len);
    return st;
}
