/*
 * Thumbprints: the few bytes by which SQL Server remembers a key of the provider. Three schemes.
 *
 *   public-key  ours: the first 20 bytes of SHA-256 over the DER of the SubjectPublicKeyInfo of the
 *               RSA key (RFC 5280 section 4.1, RFC 8017 appendix A.1.1, parameters NULL), integers
 *               minimal. It depends on the key and on nothing else, so it is equal on every machine
 *               and after a restore into another vault.
 *   name        the old connectors': the key's name, six bits a character. It depends on the name
 *               alone, so versions of a key share it, and keys of equal name in different vaults.
 *   foreign     the newer connectors': 20 bytes whose input is not public. Opaque here; known only
 *               through imported records (ekm/keys/key_map.h).
 *
 * The scheme does not show in the bytes: about one in twenty-five of the other two kinds reads as
 * a name. So a record is asked before a decoder.
 *
 * Threads: pure functions over plain data, any thread. Nothing here allocates but ekm_thumb_of_key,
 * through OpenSSL.
 */
#ifndef KP_EKM_KEYS_THUMB_H
#define KP_EKM_KEYS_THUMB_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define EKM_THUMB_MAX_LEN 32u /* bytes the interface and the catalogue carry */
#define EKM_THUMB_LEN 20u     /* bytes of ours; sys.dm_database_encryption_keys holds no more */
#define EKM_THUMB_NAME_MAX_LEN 26u /* characters of a name that 20 bytes can carry */
#define EKM_THUMB_HEX_LEN (2u + 2u * EKM_THUMB_MAX_LEN + 1u) /* "0x", digits, NUL */

/* XX(SYMBOL, number, "text in files") */
#define EKM_SCHEME_MAP(XX)                                                                         \
    XX(PUBLIC_KEY, 1, "public-key")                                                                \
    XX(NAME, 2, "name")                                                                            \
    XX(FOREIGN, 3, "foreign")

enum ekm_scheme {
    EKM_SCHEME_NONE = 0,
#define XX(symbol, number, text) EKM_SCHEME_##symbol = (number),
    EKM_SCHEME_MAP(XX)
#undef XX
};

/* Text of a scheme, "?" for a number that is none. Static storage. */
const char *ekm_scheme_text(uint32_t scheme);
/* The scheme of a text, 0 for a text that is none. Case matters. */
uint32_t ekm_scheme_from_text(kp_span text);

/* A thumbprint by value. Bytes beyond len are 0. len 0: none. */
struct ekm_thumb {
    uint32_t len; /* bytes, 0..EKM_THUMB_MAX_LEN */
    uint8_t bytes[EKM_THUMB_MAX_LEN];
};

/*
 * Copies bytes, 1..EKM_THUMB_MAX_LEN. Errors: usage with code 6 for any other length.
 */
kp_status ekm_thumb_from_bytes(kp_span bytes, struct ekm_thumb *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Ours, of an RSA key. n and e are big-endian integers; leading zeros do not matter. n has 1..512
 * bytes, e 1..64, after them.
 * Errors: usage (an integer is empty, zero or too long), no_memory, internal (OpenSSL failed).
 */
kp_status ekm_thumb_of_key(kp_span n, kp_span e, struct ekm_thumb *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * The name scheme: characters a-z are 1..26, A-Z 27..52, 0-9 53..62, hyphen 63; six bits each,
 * first character in the highest bits, zero bits to the end of the last byte. A name of n
 * characters takes ceil(6n/8) bytes; "key20181029" is 0x2C5677D76F76D77F80.
 * Errors: usage with code 2049 (longer than EKM_THUMB_NAME_MAX_LEN, or empty), usage with code 2052
 * (another character; the sentence names it and its place).
 */
kp_status ekm_thumb_of_name(kp_span name, struct ekm_thumb *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Reads a name thumbprint back; ret_name gets the name and a NUL. Accepts exactly what
 * ekm_thumb_of_name makes. That it reads does not prove that it is one; see above.
 * Errors: integrity with code 2053.
 */
kp_status ekm_thumb_to_name(const struct ekm_thumb *thumb,
                            char ret_name[EKM_THUMB_NAME_MAX_LEN + 1], struct kp_error *reterr)
    KP_MUST_USE;

/* Same length and bytes. */
bool ekm_thumb_eq(const struct ekm_thumb *a, const struct ekm_thumb *b);
/* Order by bytes, shorter first where one begins the other: < 0, 0, > 0. */
int ekm_thumb_compare(const struct ekm_thumb *a, const struct ekm_thumb *b);

/* Writes "0x" and upper-case hex as SQL Server shows it; "0x" for none. */
void ekm_thumb_format(const struct ekm_thumb *thumb, char out[EKM_THUMB_HEX_LEN]);
/*
 * Reads hex digits of either case, with or without 0x before them; 1..EKM_THUMB_MAX_LEN bytes.
 * Errors: usage.
 */
kp_status ekm_thumb_parse(kp_span text, struct ekm_thumb *ret, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_EKM_KEYS_THUMB_H */
