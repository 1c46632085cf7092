/*
 * The vocabulary every other header speaks: byte spans, operations, key types, algorithms, and the
 * structs that describe a request, a key and a reply.
 *
 * Threads: everything here is plain data. Ownership: a kp_span and every pointer in these structs
 * is borrowed; the function that takes or returns it says until when.
 *
 * Growth: a struct that starts with struct_size may gain members at its end. Set struct_size to
 * sizeof of the struct you compiled against, also in nested ones; the reader looks at no byte
 * beyond it and takes what is missing as 0, so that one left at 0 reads as empty. Not so those that
 * one side makes room for and the other fills: kp_error, kp_close_report, and kp_result with the
 * kp_reply in it, keep their size while the library keeps its soname. Structs without struct_size
 * never grow. Values of enums and bit masks are fixed for ever; members called reserved are 0.
 */
#ifndef KP_KEYPROVIDER_TYPES_H
#define KP_KEYPROVIDER_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && defined(KP_SHARED)
#ifdef KP_BUILDING
#define KP_API __declspec(dllexport)
#else
#define KP_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define KP_API __attribute__((visibility("default")))
#else
#define KP_API
#endif

#if defined(__GNUC__)
#define KP_MUST_USE __attribute__((warn_unused_result))
#else /* MSVC has no such mark that stands behind a declaration */
#define KP_MUST_USE
#endif

/* ---- Limits a caller can rely on ---- */

#define KP_KEY_NAME_MAX_LEN 127u /* bytes; [0-9A-Za-z-]; Key Vault REST 7.6, KeyCreate name */
#define KP_KEY_VERSION_MAX_LEN 64u
#define KP_VAULT_TEXT_MAX_LEN 4096u
#define KP_TAGS_MAX 15u /* Key Vault: at most 15 tags of up to 256 characters each */
#define KP_TAG_MAX_LEN 256u
#define KP_RANDOM_MAX_LEN 128u             /* Managed HSM rng: 1..128 bytes a call */
#define KP_PAYLOAD_MAX_LEN (1024u * 1024u) /* value, aad: bytes accepted by submit */
/* value of restore: 500 versions, as many as a vault backs up, of what a Managed HSM's take */
#define KP_BACKUP_MAX_LEN (9u * 1024u * 1024u)
#define KP_PAGE_MAX 25u        /* Key Vault maxresults: 1..25 */
#define KP_TIME_NONE INT64_MIN /* an absent point in time */

/* ---- Bytes ---- */

/* Borrowed bytes. ptr may be NULL only when len is 0. Text in a span is UTF-8 without a NUL. */
typedef struct kp_span {
    const uint8_t *ptr;
    size_t len;
} kp_span;

/* One tag of a key. Both spans are UTF-8, at most KP_TAG_MAX_LEN bytes. */
struct kp_tag {
    kp_span name;
    kp_span value;
};

/* ---- Operations ---- */

/*
 * One row per operation: XX(SYMBOL, number, "text", traits).
 * Traits: R repeatable (sending it twice does no harm), V makes a new key version, K needs a key
 * name, P acts on a payload under a key algorithm, M changes what the vault holds.
 */
#define KP_OP_MAP(XX)                                                                              \
    XX(GET_KEY, 1, "get_key", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)                            \
    XX(LIST_KEYS, 2, "list_keys", KP_TRAIT_REPEATABLE)                                             \
    XX(LIST_VERSIONS, 3, "list_versions", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)                \
    XX(CREATE, 4, "create", KP_TRAIT_NEEDS_KEY | KP_TRAIT_NEW_VERSION | KP_TRAIT_MUTATES)          \
    XX(IMPORT, 5, "import", KP_TRAIT_NEEDS_KEY | KP_TRAIT_NEW_VERSION | KP_TRAIT_MUTATES)          \
    XX(IMPORT_BYOK, 6, "import_byok",                                                              \
       KP_TRAIT_NEEDS_KEY | KP_TRAIT_NEW_VERSION | KP_TRAIT_MUTATES)                               \
    XX(UPDATE, 7, "update", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_MUTATES)           \
    XX(DELETE, 8, "delete", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_MUTATES)           \
    XX(GET_DELETED, 9, "get_deleted", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)                    \
    XX(LIST_DELETED, 10, "list_deleted", KP_TRAIT_REPEATABLE)                                      \
    XX(RECOVER, 11, "recover", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_MUTATES)        \
    XX(PURGE, 12, "purge", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_MUTATES)            \
    XX(BACKUP, 13, "backup", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)                             \
    XX(RESTORE, 14, "restore", KP_TRAIT_REPEATABLE | KP_TRAIT_MUTATES)                             \
    XX(ROTATE, 15, "rotate", KP_TRAIT_NEEDS_KEY | KP_TRAIT_NEW_VERSION | KP_TRAIT_MUTATES)         \
    XX(GET_ROTATION_POLICY, 16, "get_rotation_policy", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)   \
    XX(SET_ROTATION_POLICY, 17, "set_rotation_policy",                                             \
       KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_MUTATES)                                \
    XX(ENCRYPT, 18, "encrypt", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)        \
    XX(DECRYPT, 19, "decrypt", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)        \
    XX(WRAP, 20, "wrap", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)              \
    XX(UNWRAP, 21, "unwrap", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)          \
    XX(SIGN, 22, "sign", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)              \
    XX(VERIFY, 23, "verify", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY | KP_TRAIT_PAYLOAD)          \
    XX(RANDOM, 24, "random", KP_TRAIT_REPEATABLE)                                                  \
    XX(RELEASE, 25, "release", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)                           \
    XX(ATTEST, 26, "attest", KP_TRAIT_REPEATABLE | KP_TRAIT_NEEDS_KEY)

#define KP_TRAIT_REPEATABLE 0x01u
#define KP_TRAIT_NEW_VERSION 0x02u
#define KP_TRAIT_NEEDS_KEY 0x04u
#define KP_TRAIT_PAYLOAD 0x08u
#define KP_TRAIT_MUTATES 0x10u

enum kp_op {
    KP_OP_NONE = 0,
#define XX(symbol, number, text, traits) KP_OP_##symbol = (number),
    KP_OP_MAP(XX)
#undef XX
};

#define KP_OP_MAX 26u
/* Bit of an operation in a 64-bit operation mask. */
#define KP_OP_BIT(op) (UINT64_C(1) << (unsigned)(op))

/* ---- Key types, curves, permitted operations ---- */

/* XX(SYMBOL, number, "JWK name") */
#define KP_KTY_MAP(XX)                                                                             \
    XX(RSA, 1, "RSA")                                                                              \
    XX(RSA_HSM, 2, "RSA-HSM")                                                                      \
    XX(EC, 3, "EC")                                                                                \
    XX(EC_HSM, 4, "EC-HSM")                                                                        \
    XX(OCT, 5, "oct")                                                                              \
    XX(OCT_HSM, 6, "oct-HSM")

enum kp_kty {
    KP_KTY_NONE = 0,
#define XX(symbol, number, text) KP_KTY_##symbol = (number),
    KP_KTY_MAP(XX)
#undef XX
};

/* XX(SYMBOL, number, "JWK name", bits, bytes of one coordinate) */
#define KP_CURVE_MAP(XX)                                                                           \
    XX(P256, 1, "P-256", 256, 32)                                                                  \
    XX(P256K, 2, "P-256K", 256, 32)                                                                \
    XX(P384, 3, "P-384", 384, 48)                                                                  \
    XX(P521, 4, "P-521", 521, 66)

enum kp_curve {
    KP_CURVE_NONE = 0,
#define XX(symbol, number, text, bits, coord_len) KP_CURVE_##symbol = (number),
    KP_CURVE_MAP(XX)
#undef XX
};

/* What a key may be used for, a bit mask: XX(SYMBOL, bit, "JWK key_ops name") */
#define KP_KEY_OP_MAP(XX)                                                                          \
    XX(ENCRYPT, 0x01u, "encrypt")                                                                  \
    XX(DECRYPT, 0x02u, "decrypt")                                                                  \
    XX(SIGN, 0x04u, "sign")                                                                        \
    XX(VERIFY, 0x08u, "verify")                                                                    \
    XX(WRAP, 0x10u, "wrapKey")                                                                     \
    XX(UNWRAP, 0x20u, "unwrapKey")                                                                 \
    XX(IMPORT, 0x40u, "import")                                                                    \
    XX(EXPORT, 0x80u, "export")                                                                    \
    XX(DERIVE, 0x100u, "deriveKey")

enum kp_key_op {
#define XX(symbol, bit, text) KP_KEY_OP_##symbol = (bit),
    KP_KEY_OP_MAP(XX)
#undef XX
};

/* ---- Algorithms ---- */

/*
 * XX(SYMBOL, number, "JWA or service name", family)
 * Names and meaning: RFC 7518 sections 3.1, 4.1, 5.1; Key Vault REST 7.6
 * JsonWebKeyEncryptionAlgorithm and JsonWebKeySignatureAlgorithm; CKM_* as PKCS #11 names them (RFC
 * 3394, RFC 5649).
 */
#define KP_ALG_MAP(XX)                                                                             \
    XX(RSA1_5, 1, "RSA1_5", KP_FAMILY_RSA_CRYPT)                                                   \
    XX(RSA_OAEP, 2, "RSA-OAEP", KP_FAMILY_RSA_CRYPT)                                               \
    XX(RSA_OAEP_256, 3, "RSA-OAEP-256", KP_FAMILY_RSA_CRYPT)                                       \
    XX(RS256, 4, "RS256", KP_FAMILY_RSA_SIGN)                                                      \
    XX(RS384, 5, "RS384", KP_FAMILY_RSA_SIGN)                                                      \
    XX(RS512, 6, "RS512", KP_FAMILY_RSA_SIGN)                                                      \
    XX(PS256, 7, "PS256", KP_FAMILY_RSA_SIGN)                                                      \
    XX(PS384, 8, "PS384", KP_FAMILY_RSA_SIGN)                                                      \
    XX(PS512, 9, "PS512", KP_FAMILY_RSA_SIGN)                                                      \
    XX(RSNULL, 10, "RSNULL", KP_FAMILY_RSA_SIGN)                                                   \
    XX(ES256, 11, "ES256", KP_FAMILY_EC_SIGN)                                                      \
    XX(ES256K, 12, "ES256K", KP_FAMILY_EC_SIGN)                                                    \
    XX(ES384, 13, "ES384", KP_FAMILY_EC_SIGN)                                                      \
    XX(ES512, 14, "ES512", KP_FAMILY_EC_SIGN)                                                      \
    XX(A128KW, 15, "A128KW", KP_FAMILY_AES_WRAP)                                                   \
    XX(A192KW, 16, "A192KW", KP_FAMILY_AES_WRAP)                                                   \
    XX(A256KW, 17, "A256KW", KP_FAMILY_AES_WRAP)                                                   \
    XX(CKM_AES_KEY_WRAP, 18, "CKM_AES_KEY_WRAP", KP_FAMILY_AES_WRAP)                               \
    XX(CKM_AES_KEY_WRAP_PAD, 19, "CKM_AES_KEY_WRAP_PAD", KP_FAMILY_AES_WRAP)                       \
    XX(A128GCM, 20, "A128GCM", KP_FAMILY_AES_GCM)                                                  \
    XX(A192GCM, 21, "A192GCM", KP_FAMILY_AES_GCM)                                                  \
    XX(A256GCM, 22, "A256GCM", KP_FAMILY_AES_GCM)                                                  \
    XX(A128CBC, 23, "A128CBC", KP_FAMILY_AES_CBC)                                                  \
    XX(A192CBC, 24, "A192CBC", KP_FAMILY_AES_CBC)                                                  \
    XX(A256CBC, 25, "A256CBC", KP_FAMILY_AES_CBC)                                                  \
    XX(A128CBCPAD, 26, "A128CBCPAD", KP_FAMILY_AES_CBC)                                            \
    XX(A192CBCPAD, 27, "A192CBCPAD", KP_FAMILY_AES_CBC)                                            \
    XX(A256CBCPAD, 28, "A256CBCPAD", KP_FAMILY_AES_CBC)                                            \
    XX(HS256, 29, "HS256", KP_FAMILY_HMAC)                                                         \
    XX(HS384, 30, "HS384", KP_FAMILY_HMAC)                                                         \
    XX(HS512, 31, "HS512", KP_FAMILY_HMAC)

enum kp_alg {
    KP_ALG_NONE = 0,
#define XX(symbol, number, text, family) KP_ALG_##symbol = (number),
    KP_ALG_MAP(XX)
#undef XX
};

#define KP_ALG_MAX 31u
#define KP_ALG_BIT(alg) (UINT64_C(1) << (unsigned)(alg))

enum kp_alg_family {
    KP_FAMILY_NONE = 0,
    KP_FAMILY_RSA_CRYPT = 1, /* encrypt, decrypt, wrap, unwrap with an RSA key */
    KP_FAMILY_RSA_SIGN = 2,
    KP_FAMILY_EC_SIGN = 3,  /* signatures are raw r||s, never DER */
    KP_FAMILY_AES_WRAP = 4, /* wrap and unwrap with an oct key */
    KP_FAMILY_AES_GCM = 5,
    KP_FAMILY_AES_CBC = 6,
    KP_FAMILY_HMAC = 7
};

/* ---- Describing a key ---- */

#define KP_KEY_ENABLED 0x01u
#define KP_KEY_EXPORTABLE 0x02u
#define KP_KEY_MANAGED 0x04u /* owned by a certificate of the vault */

/*
 * What a vault tells about one key version. In a list some members are absent: spans empty, numbers
 * 0, times KP_TIME_NONE, which is not 0: a plugin sets all six times, for 0 is the year 1970. Never
 * holds a private part. Integers n, e, x, y are big-endian.
 */
struct kp_key_info {
    uint32_t struct_size;
    uint32_t kty;     /* enum kp_kty */
    uint32_t curve;   /* enum kp_curve, EC only */
    uint32_t bits;    /* modulus, curve or secret size */
    uint32_t key_ops; /* mask of enum kp_key_op; compare as a set */
    uint32_t flags;   /* KP_KEY_* */
    kp_span name;
    kp_span version; /* empty in a list of keys */
    kp_span kid;     /* the vault's own identifier; empty when it has none */
    kp_span n;
    kp_span e;
    kp_span x;
    kp_span y;
    int64_t not_before_unix_s;
    int64_t expires_unix_s;
    int64_t created_unix_s;
    int64_t updated_unix_s;
    int64_t deleted_unix_s;         /* deleted keys only */
    int64_t scheduled_purge_unix_s; /* deleted keys only */
    int32_t recoverable_days;
    uint32_t n_tags;
    const struct kp_tag *tags;
    kp_span recovery_level;
    kp_span recovery_id; /* deleted keys only */
    kp_span hsm_platform;
    kp_span release_policy;
};

/* Which members of kp_key_params the caller set. */
#define KP_SET_KEY_OPS 0x01u
#define KP_SET_ENABLED 0x02u
#define KP_SET_NOT_BEFORE 0x04u
#define KP_SET_EXPIRES 0x08u
#define KP_SET_TAGS 0x10u /* replaces the whole map; n_tags 0 clears it */
#define KP_SET_EXPORTABLE 0x20u
#define KP_SET_RELEASE_POLICY 0x40u

/* What create, import, import_byok and update ask for. What `set` does not name is left alone. */
struct kp_key_params {
    uint32_t struct_size;
    uint32_t set;  /* KP_SET_* */
    uint32_t kty;  /* create and import */
    uint32_t bits; /* RSA 2048 (0 means 2048), 3072, 4096; oct 128, 192, 256 (0 means 256) */
    uint32_t curve;
    uint32_t key_ops;
    uint32_t flags; /* KP_KEY_ENABLED, KP_KEY_EXPORTABLE where set */
    uint32_t n_tags;
    const struct kp_tag *tags;
    int64_t not_before_unix_s; /* KP_TIME_NONE with its bit set clears it */
    int64_t expires_unix_s;
    uint64_t public_exponent; /* RSA create; 0 means 65537 */
    kp_span release_policy;
    /* import: JWK members, big-endian integers; p, q, dp, dq, qi may be absent together */
    kp_span n;
    kp_span e;
    kp_span d;
    kp_span p;
    kp_span q;
    kp_span dp;
    kp_span dq;
    kp_span qi;
    kp_span x;
    kp_span y;
    kp_span k;
    kp_span key_hsm; /* import_byok: the transfer blob */
};

/* ---- Rotation policy ---- */

enum kp_rotation_action { KP_ROTATION_NOTIFY = 1, KP_ROTATION_ROTATE = 2 };
enum kp_rotation_trigger { KP_TRIGGER_AFTER_CREATE = 1, KP_TRIGGER_BEFORE_EXPIRY = 2 };

#define KP_ROTATION_ACTIONS_MAX 4u

/* Durations are ISO 8601 text such as P90D, P2Y, P18M; empty means absent. */
struct kp_rotation_rule {
    uint32_t action;  /* enum kp_rotation_action */
    uint32_t trigger; /* enum kp_rotation_trigger */
    kp_span duration;
};

struct kp_rotation_policy {
    uint32_t struct_size;
    uint32_t n_rules; /* at most KP_ROTATION_ACTIONS_MAX */
    struct kp_rotation_rule rules[KP_ROTATION_ACTIONS_MAX];
    kp_span expiry;
    int64_t created_unix_s;
    int64_t updated_unix_s;
};

/* ---- Request and reply ---- */

#define KP_REQ_WAIT_FOR_ROOM 0x01u  /* a full queue: wait until the deadline instead of throttled */
#define KP_REQ_CACHED_OK 0x02u      /* get_key may be answered from the metadata cache */
#define KP_REQ_NEVER_INLINE 0x04u   /* a blocking call does no cryptography on the calling thread */
#define KP_REQ_WAIT_FOR_PROBE 0x08u /* an open breaker: wait for its next probe, not refused */

/*
 * One operation. Only the members the operation uses are looked at:
 *   get_key, backup, delete, ...     name [version]
 *   create, import, update           name [version] params
 *   restore                          value: the backup blob
 *   list_*                           page_token (empty: first page), page_size (0: KP_PAGE_MAX)
 *   encrypt, wrap                    name [version] alg value [iv] [aad]
 *   decrypt, unwrap                  name version alg value [iv] [aad] [tag]
 *   sign                             name [version] alg value: the digest, not the data
 *   verify                           name [version] alg value: the digest, signature
 *   random                           count: bytes wanted, 1..KP_RANDOM_MAX_LEN
 *   set_rotation_policy              name policy
 *   release                          name [version] value: target, nonce, enc
 */
struct kp_request {
    uint32_t struct_size;
    uint32_t op;         /* enum kp_op */
    uint32_t alg;        /* enum kp_alg */
    uint32_t flags;      /* KP_REQ_* */
    uint32_t timeout_ms; /* from submit; 0: the vault's configured default */
    uint32_t count;
    uint32_t page_size;
    uint32_t reserved;
    kp_span name;
    kp_span version; /* empty: the current version, where the operation allows it */
    kp_span value;
    kp_span iv;
    kp_span aad;
    kp_span tag;
    kp_span signature;
    kp_span page_token;
    kp_span nonce;
    kp_span enc;
    const struct kp_key_params *params;
    const struct kp_rotation_policy *policy;
};

#define KP_REPLY_VERIFIED 0x01u /* verify: the signature is good */
#define KP_REPLY_CACHED 0x02u   /* answered from the metadata cache */
#define KP_REPLY_STALE 0x04u    /* ... past its lifetime, because the vault is unreachable */
#define KP_REPLY_LOCAL 0x08u    /* computed here with the public part (local_public_ops) */

/*
 * What an operation answers. name and version say which key version did the work; version is never
 * empty after encrypt, decrypt, wrap, unwrap, sign or verify. Members the operation fills:
 *   get_key, create, import, update, rotate, restore, recover    key [name] [version]
 *   delete, get_deleted                      key, with its deleted members
 *   list_*                                   n_keys keys [next_page]; keys may be NULL for none
 *   encrypt, wrap                            name version alg value [kid] [iv] [tag]
 *   decrypt, unwrap, sign                    name version alg value [kid]
 *   verify                                   name version alg [kid], and flags: a signature that
 *                                            is not good is ok without KP_REPLY_VERIFIED
 *   backup, random, release                  value
 *   attest                                   key [name] [version], value: the attestation as JSON
 *   get_rotation_policy, set_rotation_policy policy
 *   purge                                    nothing
 */
struct kp_reply {
    uint32_t struct_size;
    uint32_t flags; /* KP_REPLY_* */
    uint32_t alg;
    uint32_t n_keys;
    kp_span name;
    kp_span version;
    kp_span kid;
    kp_span value; /* ciphertext, plaintext, signature, random bytes, backup blob, released key */
    kp_span iv;
    kp_span tag;
    kp_span aad;
    kp_span next_page; /* lists: opaque token of the next page, empty on the last */
    const struct kp_key_info *key;
    const struct kp_key_info *const *keys;
    const struct kp_rotation_policy *policy;
};

/* ---- Names ---- */

/*
 * Text of an enum value, "?" for a number that is none. Static storage. Any thread.
 * The *_from_text functions compare exactly as the services do (case matters) and return 0 for a
 * text that is none.
 */
KP_API const char *kp_op_text(uint32_t op);
KP_API const char *kp_alg_text(uint32_t alg);
KP_API const char *kp_kty_text(uint32_t kty);
KP_API const char *kp_curve_text(uint32_t curve);
KP_API const char *kp_key_op_text(uint32_t key_op);
KP_API uint32_t kp_op_from_text(kp_span text);
KP_API uint32_t kp_alg_from_text(kp_span text);
KP_API uint32_t kp_kty_from_text(kp_span text);
KP_API uint32_t kp_curve_from_text(kp_span text);
KP_API uint32_t kp_key_op_from_text(kp_span text);

/* KP_TRAIT_* of an operation, 0 for a number that is none. */
KP_API uint32_t kp_op_traits(uint32_t op);
/* Family of an algorithm. */
KP_API enum kp_alg_family kp_alg_family_of(uint32_t alg);

#ifdef __cplusplus
}
#endif

#endif /* KP_KEYPROVIDER_TYPES_H */
