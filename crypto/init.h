/*
 * Starting the cryptographic library, and what is to know about the one underneath.
 *
 * crypto/ is algorithms over OpenSSL 3 EVP and nothing else: no input or output, no vault, no
 * configuration. Everything of it works in one private OpenSSL library context of this process that
 * reads no configuration file, so that neither a host's openssl.cnf nor the providers a host loads
 * change what our keys do, and nothing here changes the host's. OpenSSL is initialised without its
 * exit handler, unless the host was faster; we register none.
 *
 * Every function here leaves OpenSSL's error queue of the calling thread as it found it.
 *
 * What OpenSSL copies where we cannot look:
 *   - RSA and EC private numbers live in its BIGNUMs on the C heap, with Montgomery forms and
 *     blinding factors beside them; wiped when the last reference to the key goes.
 *   - An oct key lives in our secret memory; a call copies its schedule (AES) or its padded blocks
 *     (HMAC) into a context on the C heap, which OpenSSL wipes when the call ends. The prepared
 *     HMAC contexts of a key keep such a copy as long as the key lives.
 *   - Raw RSA results and unpadded messages pass through heap blocks that OpenSSL wipes; numbers
 *     pass through pooled temporaries, wiped when their pool goes.
 *   - Passphrases are copied by its scrypt and wiped there, with the scrypt working memory.
 *   - Its random generators keep their state per thread; it goes with the thread.
 *   - Registers and stack frames of its assembler are not wiped by anybody.
 * None of that is locked into memory or kept out of core dumps by us.
 */
#ifndef KP_CRYPTO_INIT_H
#define KP_CRYPTO_INIT_H

#include <keyprovider/status.h>

/*
 * Makes the private library context, once per process; later calls only look. Everything else in
 * crypto/ does it by itself; call this to hear of a failure early. Any thread, also several at
 * once.
 * Errors: no_memory; internal when OpenSSL has no default provider. Both may be tried again.
 */
kp_status kpc_init(struct kp_error *reterr) KP_MUST_USE;

/*
 * Gives back what OpenSSL has of the process: its places in thread-local storage, of which Windows
 * has a thousand. Only where this code leaves a process that goes on, and OpenSSL with it (a DLL
 * with both linked in): nothing of crypto/ or OpenSSL may run then or later. Not for Linux, where
 * libraries stay.
 */
void kpc_end(void);

#endif /* KP_CRYPTO_INIT_H */
