/*
 * The private certificate authority of one run, and the certificates it issues. Keys live in memory
 * and, where a client has to be handed one, in PEM files of mode 0600.
 */
#ifndef KP_TOOLS_KP_EMULATOR_CERTS_H
#define KP_TOOLS_KP_EMULATOR_CERTS_H

#include <openssl/ssl.h>

#include "base/buf.h"

struct emu_ca {
    EVP_PKEY *key;
    X509 *cert;
};

/* Makes an authority, EC P-256, valid from a day ago for ten years. Errors: internal. */
kp_status emu_ca_init(struct emu_ca *ca, struct kp_error *reterr) KP_MUST_USE;
/* Takes the authority that lies in path, or makes one and leaves it there: PEM, key and
 * certificate. So clients trust an emulator that was started again. Errors: internal, vault. */
kp_status emu_ca_open(struct emu_ca *ca, const char *path, struct kp_error *reterr) KP_MUST_USE;
void emu_ca_clear(struct emu_ca *ca);
/*
 * A server context for TLS 1.2 and later with a certificate for alt_names, a subjectAltName such as
 * "DNS:localhost,IP:127.0.0.1". digest gets the SHA-1 of the certificate. Errors: internal.
 */
kp_status emu_ca_server(const struct emu_ca *ca, const char *alt_names, SSL_CTX **ret_ctx,
                        uint8_t digest[20], struct kp_error *reterr) KP_MUST_USE;
/*
 * Makes an RSA-2048 key with a certificate of its own signing, for a client that proves itself with
 * an assertion, and writes both to one PEM file. Errors: internal, vault.
 */
kp_status emu_client_certificate(const char *path, const char *common_name, struct kp_error *reterr)
    KP_MUST_USE;
/* Writes the authority's certificate as PEM. */
kp_status emu_ca_write(const struct emu_ca *ca, const char *path, struct kp_error *reterr)
    KP_MUST_USE;
/* Appends the same to out. */
kp_status emu_ca_text(const struct emu_ca *ca, kp_buf *out) KP_MUST_USE;
/* Reads the first certificate of a PEM file; free with X509_free. Errors: config. */
kp_status emu_certificate_read(const char *path, X509 **ret, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_CERTS_H */
