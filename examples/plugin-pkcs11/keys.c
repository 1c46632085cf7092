#include "keys.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 65536 /* a token that says it has more is not believed */
#define STEP 64        /* objects asked for at once */

static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_KEY_TYPE rsa_type = CKK_RSA;

/* ---- One object ---- */

/* The length of an attribute, 0 when it is not to be had or longer than out. */
static size_t read_bytes(const struct p11_session *s, CK_OBJECT_HANDLE object,
                         CK_ATTRIBUTE_TYPE type, void *out, size_t size)
{
    CK_ATTRIBUTE a = {type, out, size};
    const CK_RV rv = s->f->C_GetAttributeValue(s->handle, object, &a, 1);
    return rv == CKR_OK && a.ulValueLen <= size ? a.ulValueLen : 0;
}

static int read_bool(const struct p11_session *s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    return read_bytes(s, object, type, &value, sizeof value) == sizeof value && value == CK_TRUE;
}

static int is_name(const char *name, size_t len)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
    return len > 0 && strspn(name, letters) == len;
}

/* 0: the object is none of ours. */
static int read_key(const struct p11_session *s, CK_OBJECT_HANDLE object, struct p11_key *out)
{
    memset(out, 0, sizeof *out);
    out->object = object;
    out->id_len = read_bytes(s, object, CKA_ID, out->id, sizeof out->id);
    p11_hex_encode(out->id, out->id_len, out->version);
    const size_t len = read_bytes(s, object, CKA_LABEL, out->name, sizeof out->name - 1);
    return out->id_len > 0 && is_name(out->name, len);
}

kp_status p11_keys_public(const struct p11_session *session, const struct p11_key *key,
                          struct p11_public *ret, struct kp_error *reterr)
{
    memset(ret, 0, sizeof *ret);
    ret->n_len = read_bytes(session, key->object, CKA_MODULUS, ret->n, sizeof ret->n);
    ret->e_len = read_bytes(session, key->object, CKA_PUBLIC_EXPONENT, ret->e, sizeof ret->e);
    ret->key_ops |= read_bool(session, key->object, CKA_DECRYPT)
                        ? KP_KEY_OP_ENCRYPT | KP_KEY_OP_DECRYPT | KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP
                        : 0;
    if (ret->n_len > 0 && ret->e_len > 0) {
        return KP_OK;
    }
    return p11_fail(reterr, KP_UNSUPPORTED, KP_ANSWERED_REFUSED,
                    "key %s version %s: the token does not tell its modulus and exponent, or they "
                    "are longer than 8192 bits",
                    key->name, key->version);
}

/* ---- Order ---- */

static int skip_zeros(const uint8_t **id, size_t *len)
{
    while (*len > 0 && **id == 0) {
        (*id)++;
        (*len)--;
    }
    return (int)*len;
}

int p11_keys_compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    const int more = skip_zeros(&a, &a_len) - skip_zeros(&b, &b_len);
    return more != 0 ? more : memcmp(a, b, a_len);
}

static int compare_keys(const void *left, const void *right)
{
    const struct p11_key *a = left;
    const struct p11_key *b = right;
    const int by_name = strcmp(a->name, b->name);
    const int by_id = p11_keys_compare_ids(b->id, b->id_len, a->id, a->id_len);
    if (by_name != 0 || by_id != 0) {
        return by_name != 0 ? by_name : by_id;
    }
    return strcmp(a->version, b->version); /* 01 and 0001 are one number and two versions */
}

/* ---- Lists ---- */

static kp_status grow(const struct p11_session *s, struct p11_key_list *list)
{
    const size_t size = list->size ? 2 * list->size : STEP;
    struct p11_key *keys =
        s->memory->alloc(s->memory->ctx, "pkcs11.keys", size * sizeof *list->keys);
    if (!keys) {
        return KP_NO_MEMORY;
    }
    if (list->n > 0) {
        memcpy(keys, list->keys, list->n * sizeof *keys);
    }
    s->memory->free(s->memory->ctx, list->keys);
    list->keys = keys;
    list->size = size;
    return KP_OK;
}

static kp_status add_key(const struct p11_session *s, CK_OBJECT_HANDLE object,
                         struct p11_key_list *list, struct kp_error *reterr)
{
    if (list->n >= KEYS_MAX) {
        return p11_fail(reterr, KP_UNSUPPORTED, KP_ANSWERED_REFUSED,
                        "the token has more than %d private keys", KEYS_MAX);
    }
    if (list->n == list->size && grow(s, list) != KP_OK) {
        return p11_fail(reterr, KP_NO_MEMORY, KP_ANSWERED_REFUSED, "no memory for a list of keys");
    }
    list->n += read_key(s, object, &list->keys[list->n]) ? 1 : 0;
    return KP_OK;
}

static kp_status collect(const struct p11_session *s, struct p11_key_list *list,
                         struct kp_error *reterr)
{
    CK_OBJECT_HANDLE objects[STEP];
    CK_ULONG n = 0;
    kp_status st = KP_OK;
    do {
        const CK_RV rv = s->f->C_FindObjects(s->handle, objects, STEP, &n);
        st = rv == CKR_OK ? KP_OK : p11_fail_rv(reterr, "C_FindObjects", rv);
        for (CK_ULONG i = 0; i < n && st == KP_OK; i++) {
            st = add_key(s, objects[i], list, reterr);
        }
    } while (n > 0 && st == KP_OK);
    return st;
}

kp_status p11_keys_list(const struct p11_session *session, kp_span name, struct p11_key_list *ret,
                        struct kp_error *reterr)
{
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &private_class, sizeof private_class},
                             {CKA_KEY_TYPE, &rsa_type, sizeof rsa_type},
                             {CKA_LABEL, (void *)(uintptr_t)name.ptr, name.len}};
    const CK_ULONG n_wanted = name.len > 0 ? 3 : 2;
    memset(ret, 0, sizeof *ret);
    const CK_RV rv = session->f->C_FindObjectsInit(session->handle, wanted, n_wanted);
    if (rv != CKR_OK) {
        return p11_fail_rv(reterr, "C_FindObjectsInit", rv);
    }
    const kp_status st = collect(session, ret, reterr);
    (void)session->f->C_FindObjectsFinal(session->handle);
    if (st == KP_OK && ret->n > 1) {
        qsort(ret->keys, ret->n, sizeof *ret->keys, compare_keys);
    }
    return st;
}

void p11_keys_free(const struct p11_session *session, struct p11_key_list *list)
{
    session->memory->free(session->memory->ctx, list->keys);
    memset(list, 0, sizeof *list);
}

/* ---- One of them ---- */

kp_status p11_keys_missing(kp_span name, kp_span version, struct kp_error *reterr)
{
    return p11_fail(reterr, KP_NOT_FOUND, KP_ANSWERED_REFUSED,
                    "the token has no private RSA key with label %.*s%s%.*s", (int)name.len,
                    (const char *)name.ptr, version.len > 0 ? " and ID " : "", (int)version.len,
                    version.len > 0 ? (const char *)version.ptr : "");
}

static kp_status choose(const struct p11_key_list *list, kp_span name, kp_span version,
                        struct p11_key *ret, struct kp_error *reterr)
{
    const kp_span wanted =
        version.len > 0 || list->n == 0 ? version : p11_span_str(list->keys[0].version);
    size_t n_found = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (p11_span_eq(p11_span_str(list->keys[i].version), wanted)) {
            *ret = list->keys[i];
            n_found++;
        }
    }
    if (n_found == 0) {
        return p11_keys_missing(name, version, reterr);
    }
    if (n_found > 1) {
        return p11_fail(reterr, KP_CONFLICT, KP_ANSWERED_REFUSED,
                        "the token has %zu private keys with label %s and ID %s; one of them is "
                        "the wrong one, so none is used",
                        n_found, ret->name, ret->version);
    }
    return KP_OK;
}

kp_status p11_keys_find(const struct p11_session *session, kp_span name, kp_span version,
                        struct p11_key *ret, struct kp_error *reterr)
{
    struct p11_key_list list;
    kp_status st = p11_keys_list(session, name, &list, reterr);
    if (st == KP_OK) {
        st = choose(&list, name, version, ret, reterr);
    }
    p11_keys_free(session, &list);
    return st;
}
