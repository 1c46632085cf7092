/*
 * Internal to crypto/: the private OpenSSL library context and the algorithms fetched from it.
 * Each is made on first use and published once; callers borrow it for ever. Any thread.
 * All return NULL when OpenSSL is out of memory or has no such algorithm.
 */
#ifndef KP_CRYPTO_LIB_H
#define KP_CRYPTO_LIB_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <keyprovider/status.h>

enum kpc_digest {
    KPC_DIGEST_NONE = 0,
    KPC_SHA1 = 1,
    KPC_SHA256 = 2,
    KPC_SHA384 = 3,
    KPC_SHA512 = 4,
    KPC_N_DIGESTS
};

enum kpc_aes_mode {
    KPC_AES_CBC = 0,
    KPC_AES_GCM = 1,
    KPC_AES_WRAP = 2,
    KPC_AES_WRAP_PAD = 3,
    KPC_N_AES_MODES
};

enum kpc_kdf { KPC_KDF_HKDF = 0, KPC_KDF_SCRYPT = 1, KPC_N_KDFS };

OSSL_LIB_CTX *kpc_lib_ctx(void);
const EVP_MD *kpc_lib_md(enum kpc_digest digest);
/* OpenSSL's name of the digest, for OSSL_PARAM lists. */
const char *kpc_lib_md_name(enum kpc_digest digest);
/* key_bits: 128, 192 or 256; anything else gives NULL. */
const EVP_CIPHER *kpc_lib_aes(enum kpc_aes_mode mode, uint32_t key_bits);
EVP_MAC *kpc_lib_hmac(void);
EVP_KDF *kpc_lib_kdf(enum kpc_kdf kdf);

/*
 * Brackets around the body of every public function: what OpenSSL puts on the thread's error queue
 * in between is taken off again.
 */
void kpc_lib_enter(void);
void kpc_lib_leave(void);

/*
 * What OpenSSL left on the error queue since kpc_lib_enter. Out of memory it often fails without a
 * word, so that "this input is bad" must be read from a reason that says so, never from the mere
 * failure: damaged data and a wrong key lead people to drastic steps.
 */
enum kpc_blame {
    KPC_BLAME_NOBODY = 0, /* nothing, or only that something below failed */
    KPC_BLAME_INPUT = 1,  /* the RSA or EC code names what is wrong with a number or a padding */
    KPC_BLAME_MEMORY = 2
};
enum kpc_blame kpc_lib_blame(void);

/* Whether anything is on the queue at all. */
bool kpc_lib_is_silent(void);

/* OpenSSL failed at something no input can cause: no_memory when it says so, otherwise internal. */
kp_status kpc_fail_openssl(struct kp_error *reterr, const char *text);

/*
 * OpenSSL refused an input: usage with the sentence text if it blames the input, as above if not.
 */
kp_status kpc_refuse_input(struct kp_error *reterr, const char *text);

#endif /* KP_CRYPTO_LIB_H */
