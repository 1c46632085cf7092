#include "crypto/key_parts.h"
#include "crypto/lib.h"

static EVP_PKEY_CTX *prepare_context(const struct kpc_key *key, uint32_t alg,
                                     enum kpc_direction direction, kpc_prepare_fn *prepare)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(kpc_lib_ctx(), key->pkey, NULL);
    if (ctx && prepare(ctx, alg, direction) > 0)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/*
 * Copying a prepared context is free beside an RSA operation; making and setting up a new one costs
 * a third of an RSA-2048 encryption.
 */
EVP_PKEY_CTX *kpc_key_context(struct kpc_key *key, uint32_t alg, enum kpc_direction direction,
                              kpc_prepare_fn *prepare)
{
    _Atomic(EVP_PKEY_CTX *) *slot = &key->prepared[alg][direction];
    EVP_PKEY_CTX *published = atomic_load_explicit(slot, memory_order_acquire);
    if (published)
        return EVP_PKEY_CTX_dup(published);
    EVP_PKEY_CTX *ctx = prepare_context(key, alg, direction, prepare);
    if (!ctx)
        return NULL;
    if (atomic_compare_exchange_strong(slot, &published, ctx))
        return EVP_PKEY_CTX_dup(ctx);
    EVP_PKEY_CTX_free(ctx); /* another thread was first */
    return EVP_PKEY_CTX_dup(published);
}
