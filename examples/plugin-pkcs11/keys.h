/*
 * The keys of a token. A key version is a private RSA key: its CKA_LABEL is the key's name, its
 * CKA_ID in hexadecimal the version. The token has no order of versions; ours is that of the
 * numbers the IDs are, and the greatest is the current one (make.c makes them so).
 *
 * Private keys with a label or an ID that cannot be a name or a version are not ours to serve.
 *
 * Threads: any but the loop's, each with its own session.
 */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_KEYS_H
#define KP_EXAMPLES_PLUGIN_PKCS11_KEYS_H

#include "text.h"

#define P11_ID_MAX_LEN (KP_KEY_VERSION_MAX_LEN / 2)
#define P11_MODULUS_MAX_LEN 1024 /* 8192 bits */
#define P11_EXPONENT_MAX_LEN 16

/* Where a worker works. */
struct p11_session {
    CK_FUNCTION_LIST_PTR f;
    CK_SESSION_HANDLE handle;
    const struct kp_memory *memory;
};

struct p11_key {
    CK_OBJECT_HANDLE object; /* the private key */
    size_t id_len;
    uint8_t id[P11_ID_MAX_LEN];
    char name[KP_KEY_NAME_MAX_LEN + 1];
    char version[KP_KEY_VERSION_MAX_LEN + 1];
};

/* In order of name, then of age, the newest first. */
struct p11_key_list {
    struct p11_key *keys;
    size_t n;
    size_t size; /* places there is memory for */
};

/* What is public of a key, and what it may do. */
struct p11_public {
    size_t n_len;
    size_t e_len;
    uint8_t n[P11_MODULUS_MAX_LEN];
    uint8_t e[P11_EXPONENT_MAX_LEN];
    uint32_t key_ops;
};

/* All versions of one key, or of all keys when name is empty. The list is the caller's to free. */
kp_status p11_keys_list(const struct p11_session *session, kp_span name, struct p11_key_list *ret,
                        struct kp_error *reterr);
void p11_keys_free(const struct p11_session *session, struct p11_key_list *list);

/*
 * The version asked for, the current one when version is empty.
 * Errors: not_found; conflict when the token has two private keys of that label and ID, one of
 * which would be the wrong one.
 */
kp_status p11_keys_find(const struct p11_session *session, kp_span name, kp_span version,
                        struct p11_key *ret, struct kp_error *reterr);
/* The number an ID is decides: below, equal to or above 0. */
int p11_keys_compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* not_found, and which key it is that the token does not have. version may be empty. */
kp_status p11_keys_missing(kp_span name, kp_span version, struct kp_error *reterr);

/* Errors: unsupported for a key whose modulus cannot be had or is too long. */
kp_status p11_keys_public(const struct p11_session *session, const struct p11_key *key,
                          struct p11_public *ret, struct kp_error *reterr);

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_KEYS_H */
