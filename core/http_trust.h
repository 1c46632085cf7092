/*
 * Whom we believe: the system's root certificates, an extra file of them, and revocation lists, in
 * one X509_STORE that every connection of a provider shares. Read once, when the first connection
 * needs it, on a worker.
 *
 * Threads: load on a worker; the store itself is OpenSSL's to lock.
 */
#ifndef KP_CORE_HTTP_TRUST_H
#define KP_CORE_HTTP_TRUST_H

#include <openssl/ssl.h>

#include <keyprovider/status.h>

/*
 * Makes a store. ca_file and crl_file: PEM, NULL for none; checked as everything is that decides
 * what this process does (core/trust.h). Blocks. *ret_store is the caller's to X509_STORE_free.
 * A certificate whose issuer has a list in crl_file is refused when the list names it or is out of
 * date; an issuer without a list there is not asked about.
 * Errors: config (with the file and what is wrong with it), no_memory.
 */
kp_status kpi_trust_store_load(const char *ca_file, const char *crl_file, X509_STORE **ret_store,
                               struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_CORE_HTTP_TRUST_H */
