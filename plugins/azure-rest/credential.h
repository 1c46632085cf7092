/*
 * Signing credentials: a private RSA key and the thumbprint of its certificate, read from the bytes
 * of a file. Files come from the machine's owner and are still treated as hostile: bounded in size,
 * nesting, number of parts and in the work a password costs.
 *
 *   PFX    PKCS #12, also old ones sealed with RC2 or 3DES: read in an OpenSSL library context of
 *          its own with the legacy provider, made for the import and gone afterwards
 *   PEM    PKCS #8, encrypted PKCS #8 or traditional RSA key, with its certificate in the same text
 *          or with a configured thumbprint
 *   blob   MSBLOB (PRIVATEKEYBLOB) or PVK file, with a configured thumbprint
 *
 * Threads: any; reading computes for up to some 0.5 s (key checks, password stretching), a worker's
 * job. A credential belongs to one thread at a time; its key may be shared.
 * What OpenSSL copies of key and password meanwhile is on its heap and wiped there. Reading ASN.1
 * makes OpenSSL read its configuration file into its default context, as its first user of any kind
 * does; nothing here works in that context.
 */
#ifndef KP_PLUGINS_AZURE_REST_CREDENTIAL_H
#define KP_PLUGINS_AZURE_REST_CREDENTIAL_H

#include "crypto/key.h"

#define AZR_CREDENTIAL_FILE_MAX_LEN 65536u   /* bytes of a PFX, PEM or blob file */
#define AZR_CREDENTIAL_PASSWORD_MAX_LEN 512u /* bytes of its password */
#define AZR_KDF_MAX_ITERATIONS 5000000u      /* of one password derivation; more is refused */
#define AZR_CREDENTIAL_MAX_PARTS 64u         /* bags of a PFX, blocks of a PEM */
#define AZR_X5T_LEN 20u                      /* SHA-1 of a certificate */
#define AZR_X5T_S256_LEN 32u                 /* SHA-256 of a certificate */

enum azr_container {
    AZR_CONTAINER_NONE = 0,
    AZR_CONTAINER_PFX = 1,
    AZR_CONTAINER_PEM = 2,
    AZR_CONTAINER_BLOB = 3
};

/* What an assertion is signed with. A zeroed one is empty. */
struct azr_credential {
    struct kpc_key *key; /* RSA, private; one reference */
    uint32_t container;  /* enum azr_container: decides the numbers of later failures */
    bool has_x5t;        /* x5t is known */
    bool has_x5t_s256;   /* x5t_s256 is known */
    uint8_t x5t[AZR_X5T_LEN];
    uint8_t x5t_s256[AZR_X5T_S256_LEN];
    int64_t not_before_unix_s; /* of the certificate; KP_TIME_NONE without one */
    int64_t not_after_unix_s;
};

/* Gives the key back and empties it. NULL and a half-built one allowed. */
void azr_credential_clear(struct azr_credential *credential);

/* PFX, PEM or blob by its first bytes; AZR_CONTAINER_NONE for anything else. */
uint32_t azr_container_guess(kp_span file);

/*
 * Reads a configured thumbprint: hex of 20 or 32 bytes, also with ":" or blanks between the bytes,
 * or base64 of either alphabet, padded or not. Sets x5t or x5t_s256 of *ret.
 * Errors: config, code 3815.
 */
kp_status azr_thumbprint_read(kp_span text, struct azr_credential *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Reads a PFX. password: UTF-8, may be empty. *ret: the caller clears it; written on success only.
 * Errors: config 3809 not a PFX, too large, wrong password, an algorithm nobody offers; 3810 no
 * certificate that goes with the key; 3811 no private key, or several; 3813 the key is not RSA of
 * 2048, 3072 or 4096 bits or is damaged; unsupported 3812 OpenSSL has no such algorithm; no_memory.
 */
kp_status azr_credential_from_pfx(kp_span file, kp_span password, struct azr_credential *ret,
                                  struct kp_error *reterr) KP_MUST_USE;

/*
 * Reads a PEM. passphrase: of an encrypted key, or empty. thumbprint: as azr_thumbprint_read takes
 * it, or empty: then the text holds the certificate. With both, both must name the same one. Of
 * several certificates the one of the key counts.
 * Errors: config 3815 thumbprint missing, wrong or of another certificate; 3816 no private key,
 * several, wrong passphrase; 3818 key unfit; auth 3807 no certificate in the text is the key's;
 * no_memory.
 */
kp_status azr_credential_from_pem(kp_span file, kp_span passphrase, kp_span thumbprint,
                                  struct azr_credential *ret, struct kp_error *reterr) KP_MUST_USE;

/*
 * Reads an MSBLOB or PVK file; password: of an encrypted PVK, or empty; thumbprint: needed.
 * Errors: config 3815 thumbprint missing or wrong, 3821 not such a blob, wrong password, key unfit;
 * unsupported 3820 RC4 not to be had; no_memory.
 */
kp_status azr_credential_from_blob(kp_span file, kp_span password, kp_span thumbprint,
                                   struct azr_credential *ret, struct kp_error *reterr) KP_MUST_USE;

/*
 * Reads whichever of the three it is. thumbprint: empty for a PFX, as above for the others; a PFX
 * refuses one of another certificate (code 3810). Errors: as above, config 3809 for a file that is
 * none of them.
 */
kp_status azr_credential_read(kp_span file, kp_span password, kp_span thumbprint,
                              struct azr_credential *ret, struct kp_error *reterr) KP_MUST_USE;

enum azr_expiry {
    AZR_EXPIRY_UNKNOWN = 0, /* no certificate, only a thumbprint */
    AZR_EXPIRY_FAR = 1,
    AZR_EXPIRY_NEAR = 2, /* within AZR_EXPIRY_WARNING_DAYS: to be logged */
    AZR_EXPIRY_PAST = 3,
    AZR_EXPIRY_NOT_YET = 4 /* not valid before a later time */
};
#define AZR_EXPIRY_WARNING_DAYS 30

/*
 * How the certificate stands at now. *ret_days, NULL allowed: whole days left, rounded down;
 * negative once it is past; days until it begins when it is not yet valid; 0 when unknown.
 */
enum azr_expiry azr_credential_expiry(const struct azr_credential *credential, int64_t now_unix_s,
                                      int64_t *ret_days);

#endif /* KP_PLUGINS_AZURE_REST_CREDENTIAL_H */
