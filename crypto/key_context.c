#include "crypto/key_parts.h"
#include "crypto/lib.h"

/* What a context is for stands in its application data. */
static void *purpose_of(uint32_t alg, enum kpc_direction direction)
{
    static char purposes[(KP_ALG_MAX + 1) * KPC_N_DIRECTIONS];
    return &purposes[alg * KPC_N_DIRECTIONS + (uint32_t)direction];
}

/* ---- Spares ---- */

/* True when the key had room for it. */
static bool put_spare(struct kpc_key *key, EVP_PKEY_CTX *ctx)
{
    for (size_t i = 0; i < KPC_N_SPARES; i++) {
        EVP_PKEY_CTX *none = NULL;
        if (!atomic_load_explicit(&key->spares[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong(&key->spares[i], &none, ctx))
            return true;
    }
    return false;
}

/* One for this purpose, or NULL. One for another is looked at by nobody else meanwhile. */
static EVP_PKEY_CTX *take_spare(struct kpc_key *key, const void *purpose)
{
    for (size_t i = 0; i < KPC_N_SPARES; i++) {
        if (!atomic_load_explicit(&key->spares[i], memory_order_relaxed))
            continue;
        EVP_PKEY_CTX *ctx = atomic_exchange(&key->spares[i], NULL);
        if (ctx && EVP_PKEY_CTX_get_app_data(ctx) == purpose)
            return ctx;
        if (ctx && !put_spare(key, ctx))
            EVP_PKEY_CTX_free(ctx);
    }
    return NULL;
}

void kpc_key_context_back(struct kpc_key *key, EVP_PKEY_CTX *ctx, bool good)
{
    if (ctx && !(good && put_spare(key, ctx)))
        EVP_PKEY_CTX_free(ctx);
}

/* ---- Prepared ones ---- */

static EVP_PKEY_CTX *prepare_context(const struct kpc_key *key, uint32_t alg,
                                     enum kpc_direction direction, kpc_prepare_fn *prepare)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(kpc_lib_ctx(), key->pkey, NULL);
    if (ctx && prepare(ctx, alg, direction) > 0)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

/* The key's own for the purpose; made on first use, published once. */
static EVP_PKEY_CTX *prepared_context(struct kpc_key *key, uint32_t alg,
                                      enum kpc_direction direction, kpc_prepare_fn *prepare)
{
    _Atomic(EVP_PKEY_CTX *) *slot = &key->prepared[alg][direction];
    EVP_PKEY_CTX *published = atomic_load_explicit(slot, memory_order_acquire);
    if (published)
        return published;
    EVP_PKEY_CTX *ctx = prepare_context(key, alg, direction, prepare);
    if (!ctx || atomic_compare_exchange_strong(slot, &published, ctx))
        return ctx;
    EVP_PKEY_CTX_free(ctx); /* another thread was first */
    return published;
}

/*
 * To make a context and set it up costs a third of an RSA-2048 encryption, to copy a prepared one
 * a fifteenth, to use one again nothing.
 */
EVP_PKEY_CTX *kpc_key_context(struct kpc_key *key, uint32_t alg, enum kpc_direction direction,
                              kpc_prepare_fn *prepare)
{
    void *purpose = purpose_of(alg, direction);
    EVP_PKEY_CTX *ctx = take_spare(key, purpose);
    if (ctx)
        return ctx;
    const EVP_PKEY_CTX *prepared = prepared_context(key, alg, direction, prepare);
    ctx = prepared ? EVP_PKEY_CTX_dup(prepared) : NULL;
    if (ctx)
        EVP_PKEY_CTX_set_app_data(ctx, purpose);
    return ctx;
}
