/*
 * Internal to the credential readers: the OpenSSL library context an import works in, what the
 * readers gather, and the numbers of their failures. One thread per import.
 */
#ifndef KP_PLUGINS_AZURE_REST_CREDENTIAL_PARTS_H
#define KP_PLUGINS_AZURE_REST_CREDENTIAL_PARTS_H

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "plugins/azure-rest/credential.h"

/* The numbers of one kind of file, and how sentences call it. */
struct azr_import_codes {
    uint32_t container; /* enum azr_container */
    const char *name;
    uint32_t file;        /* not such a file, wrong password */
    uint32_t thumbprint;  /* no certificate, or not the configured one */
    uint32_t private_key; /* none, or several */
    uint32_t algorithm;   /* OpenSSL lacks one */
    uint32_t unfit;       /* the key is no RSA key that can sign */
};
extern const struct azr_import_codes azr_pfx_codes;
extern const struct azr_import_codes azr_pem_codes;
extern const struct azr_import_codes azr_blob_codes;

/* One import. Zeroed but for codes and reterr before azr_import_begin. */
struct azr_import {
    const struct azr_import_codes *codes;
    struct kp_error *reterr;
    OSSL_LIB_CTX *lib; /* with default and, where it is installed, legacy provider */
    OSSL_PROVIDER *base;
    OSSL_PROVIDER *legacy;
    kp_buf password; /* secret, NUL behind it */
    EVP_PKEY *pkey;
    uint32_t n_parts;
    uint32_t n_certs;
    X509 *certs[AZR_CREDENTIAL_MAX_PARTS];
};

/*
 * Checks the bounds of file and password, copies the password, makes the library context.
 * The caller ends the import, also after a failure.
 */
kp_status azr_import_begin(struct azr_import *in, kp_span file, kp_span password) KP_MUST_USE;
/* Frees and wipes all of it; takes what OpenSSL put on the thread's error queue off again. */
void azr_import_end(struct azr_import *in);

/* One more part of the file. Errors: config: too many. */
kp_status azr_import_count(struct azr_import *in) KP_MUST_USE;

/* config with the number, "NAME: " and the sentence; no_memory when OpenSSL ran out of it. */
kp_status azr_import_fail(const struct azr_import *in, uint32_t code, const char *sentence);

/* Takes a decoded key, which is moved in; NULL counts as a failure to decode it. */
kp_status azr_import_take_key(struct azr_import *in, EVP_PKEY *pkey) KP_MUST_USE;
/* Takes the private key of a PKCS #8 structure, borrowed. */
kp_status azr_import_take_pkcs8(struct azr_import *in, const PKCS8_PRIV_KEY_INFO *info) KP_MUST_USE;
/* Takes a certificate in DER. One that cannot be decoded is passed over: it is not the key's. */
kp_status azr_import_take_cert(struct azr_import *in, const uint8_t *der, size_t len) KP_MUST_USE;

/*
 * Bounds the work that a password derivation may cost before it is begun: PBES1 and PKCS #12
 * schemes, PBES2 with PBKDF2 or scrypt. False: too much, or a scheme nobody here knows.
 */
bool azr_import_is_affordable(const X509_ALGOR *alg);
/* The same for a count of iterations as ASN.1 has it; NULL is 1. */
bool azr_import_is_affordable_count(const ASN1_INTEGER *iterations);

/*
 * Makes the signing key of in->pkey, and names the certificate that is its own.
 * has_thumbprint: *credential names the certificate already; one in the file must then be the same.
 */
kp_status azr_import_finish(struct azr_import *in, bool has_thumbprint,
                            struct azr_credential *credential) KP_MUST_USE;

/* Whether found, whose both thumbprints are known, has those that are wanted. */
bool azr_thumbprint_fits(const struct azr_credential *wanted, const struct azr_credential *found);

/* Makes the signing key from integers, big-endian. Errors: unfit. */
kp_status azr_import_make_key(const struct azr_import *in, const struct kp_key_params *params,
                              struct kpc_key **ret_key) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_CREDENTIAL_PARTS_H */
