#include "crypto/lib.h"

#include <stdatomic.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/errors.h"
#include "crypto/init.h"

/*
 * For the very first call of OpenSSL, which alone can leave out its exit handler: that would take
 * away, at exit, what threads still compute with. A context of our own reads no configuration by
 * itself.
 *
 * Windows has no place for a configuration file that only administrators write, so none is read
 * there, not even by OpenSSL's own context. Elsewhere no flag either way, so that the host's own
 * later initialisation still reads its file.
 */
#if defined(_WIN32)
#define INIT_FLAGS (OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG)
#else
#define INIT_FLAGS OPENSSL_INIT_NO_ATEXIT
#endif

static _Atomic(OSSL_LIB_CTX *) lib_ctx_slot;
static _Atomic(OSSL_PROVIDER *) provider_slot; /* of the context above */

/* One kind of fetched object: how to get it, how to drop the one that lost the race. */
struct kind {
    void *(*fetch)(OSSL_LIB_CTX *ctx, const char *name);
    void (*drop)(void *thing);
};

static OSSL_LIB_CTX *make_lib_ctx(OSSL_PROVIDER **ret_provider)
{
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
    if (!made)
        return NULL;
    *ret_provider = OSSL_PROVIDER_load(made, "default");
    if (*ret_provider)
        return made;
    OSSL_LIB_CTX_free(made);
    return NULL;
}

OSSL_LIB_CTX *kpc_lib_ctx(void)
{
    OSSL_LIB_CTX *published = atomic_load_explicit(&lib_ctx_slot, memory_order_acquire);
    if (published)
        return published;
    OSSL_PROVIDER *provider = NULL;
    OSSL_LIB_CTX *made = make_lib_ctx(&provider);
    if (!made)
        return NULL;
    if (atomic_compare_exchange_strong(&lib_ctx_slot, &published, made)) {
        atomic_store(&provider_slot, provider);
        return made; /* it and its provider live as long as the process, or until kpc_end */
    }
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(made);
    return published;
}

/* Fetched algorithms keep their memory: nobody may be told that they are gone. */
void kpc_end(void)
{
    OSSL_LIB_CTX *ctx = atomic_exchange(&lib_ctx_slot, NULL);
    OSSL_PROVIDER *provider = atomic_exchange(&provider_slot, NULL);
    if (provider)
        OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(ctx);
    OPENSSL_cleanup();
}

static void *fetch_md(OSSL_LIB_CTX *ctx, const char *name)
{
    return EVP_MD_fetch(ctx, name, NULL);
}

static void drop_md(void *thing)
{
    EVP_MD_free(thing);
}

static void *fetch_cipher(OSSL_LIB_CTX *ctx, const char *name)
{
    return EVP_CIPHER_fetch(ctx, name, NULL);
}

static void drop_cipher(void *thing)
{
    EVP_CIPHER_free(thing);
}

static void *fetch_mac(OSSL_LIB_CTX *ctx, const char *name)
{
    return EVP_MAC_fetch(ctx, name, NULL);
}

static void drop_mac(void *thing)
{
    EVP_MAC_free(thing);
}

static void *fetch_kdf(OSSL_LIB_CTX *ctx, const char *name)
{
    return EVP_KDF_fetch(ctx, name, NULL);
}

static void drop_kdf(void *thing)
{
    EVP_KDF_free(thing);
}

static void *find_or_fetch(_Atomic(void *) *slot, const struct kind *kind, const char *name)
{
    void *published = atomic_load_explicit(slot, memory_order_acquire);
    if (published)
        return published;
    OSSL_LIB_CTX *ctx = kpc_lib_ctx();
    void *fetched = ctx ? kind->fetch(ctx, name) : NULL;
    if (!fetched || atomic_compare_exchange_strong(slot, &published, fetched))
        return fetched;
    kind->drop(fetched);
    return published;
}

const char *kpc_lib_md_name(enum kpc_digest digest)
{
    static const char *const names[KPC_N_DIGESTS] = {NULL, "SHA1", "SHA256", "SHA384", "SHA512"};
    return digest < KPC_N_DIGESTS ? names[digest] : NULL;
}

const EVP_MD *kpc_lib_md(enum kpc_digest digest)
{
    static _Atomic(void *) slots[KPC_N_DIGESTS];
    static const struct kind md = {fetch_md, drop_md};
    const char *name = kpc_lib_md_name(digest);
    return name ? find_or_fetch(&slots[digest], &md, name) : NULL;
}

const EVP_CIPHER *kpc_lib_aes(enum kpc_aes_mode mode, uint32_t key_bits)
{
    static _Atomic(void *) slots[KPC_N_AES_MODES][3];
    static const struct kind cipher = {fetch_cipher, drop_cipher};
    static const char *const names[KPC_N_AES_MODES][3] = {
        {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
        {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
        {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"},
        {"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"},
    };
    if (mode >= KPC_N_AES_MODES || (key_bits != 128 && key_bits != 192 && key_bits != 256))
        return NULL;
    size_t size = (key_bits - 128) / 64;
    return find_or_fetch(&slots[mode][size], &cipher, names[mode][size]);
}

EVP_MAC *kpc_lib_hmac(void)
{
    static _Atomic(void *) slot;
    static const struct kind mac = {fetch_mac, drop_mac};
    return find_or_fetch(&slot, &mac, "HMAC");
}

EVP_KDF *kpc_lib_kdf(enum kpc_kdf kdf)
{
    static _Atomic(void *) slots[KPC_N_KDFS];
    static const struct kind kind = {fetch_kdf, drop_kdf};
    static const char *const names[KPC_N_KDFS] = {"HKDF", "SCRYPT"};
    return kdf < KPC_N_KDFS ? find_or_fetch(&slots[kdf], &kind, names[kdf]) : NULL;
}

void kpc_lib_enter(void)
{
    /* Answers 0 on an empty queue; leaving then empties it, which is what it was. */
    (void)ERR_set_mark();
}

void kpc_lib_leave(void)
{
    (void)ERR_pop_to_mark();
}

static enum kpc_blame blame_of(unsigned long error)
{
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return KPC_BLAME_MEMORY;
    int lib = ERR_GET_LIB(error);
    if ((lib == ERR_LIB_RSA || lib == ERR_LIB_EC) && !ERR_COMMON_ERROR(error))
        return KPC_BLAME_INPUT;
    return KPC_BLAME_NOBODY;
}

enum kpc_blame kpc_lib_blame(void)
{
    /* The cause is the oldest entry of ours, or the newest where older ones are not ours. */
    enum kpc_blame oldest = blame_of(ERR_peek_error());
    enum kpc_blame newest = blame_of(ERR_peek_last_error());
    return oldest > newest ? oldest : newest;
}

bool kpc_lib_is_silent(void)
{
    return ERR_peek_error() == 0;
}

kp_status kpc_fail_openssl(struct kp_error *reterr, const char *text)
{
    if (kpc_lib_blame() == KPC_BLAME_MEMORY)
        return kpb_fail_memory(reterr, "crypto.openssl");
    return kpb_fail(reterr, KP_INTERNAL, "%s", text);
}

kp_status kpc_refuse_input(struct kp_error *reterr, const char *text)
{
    if (kpc_lib_blame() == KPC_BLAME_INPUT)
        return kpb_fail(reterr, KP_USAGE, "%s", text);
    return kpc_fail_openssl(reterr, "OpenSSL could not check the key");
}

kp_status kpc_init(struct kp_error *reterr)
{
    kp_status st = KP_OK;
    /* Even to mark the error queue initialises it. */
    const bool begun = OPENSSL_init_crypto(INIT_FLAGS, NULL) == 1;
    kpc_lib_enter();
    if (!begun || !kpc_lib_ctx())
        st = kpc_fail_openssl(reterr, "OpenSSL could not load its default provider");
    kpc_lib_leave();
    return st;
}
