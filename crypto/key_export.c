#include <openssl/core_names.h>

#include "base/errors.h"
#include "base/span.h"
#include "crypto/key_parts.h"
#include "crypto/lib.h"

/* One private integer: how OpenSSL calls it, where it goes, the room it may need. */
struct member {
    const char *name;
    kp_span *ret;
    size_t room;
    bool minimal; /* without leading zeros: RFC 7518 section 2, Base64urlUInt */
};

static kp_span skip_zeros(kp_span bytes)
{
    while (bytes.len > 1 && *bytes.ptr == 0) {
        bytes.ptr++;
        bytes.len--;
    }
    return bytes;
}

static kp_status export_member(const struct kpc_key *key, const struct member *member,
                               kp_buf *secret, struct kp_error *reterr)
{
    uint8_t *at = NULL;
    if (kp_buf_extend(secret, member->room, &at) != KP_OK)
        return kpb_fail_memory(reterr, "crypto.key.export");
    kp_status st = kpc_pkey_integer(key, member->name, at, member->room, reterr);
    if (st != KP_OK)
        return st;
    kp_span bytes = kpb_span(at, member->room);
    *member->ret = member->minimal ? skip_zeros(bytes) : bytes;
    return KP_OK;
}

static kp_status export_rsa(const struct kpc_key *key, kp_buf *secret, struct kpc_private *ret,
                            struct kp_error *reterr)
{
    size_t whole = key->first_len;
    size_t half = whole / 2;
    const struct member members[] = {
        {OSSL_PKEY_PARAM_RSA_D, &ret->d, whole, true},
        {OSSL_PKEY_PARAM_RSA_FACTOR1, &ret->p, half, true},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, &ret->q, half, true},
        {OSSL_PKEY_PARAM_RSA_EXPONENT1, &ret->dp, half, true},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, &ret->dq, half, true},
        {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &ret->qi, half, true},
    };
    kp_status st = KP_OK;
    for (size_t i = 0; st == KP_OK && i < sizeof members / sizeof members[0]; i++)
        st = export_member(key, &members[i], secret, reterr);
    return st;
}

static kp_status export_ec(const struct kpc_key *key, kp_buf *secret, struct kpc_private *ret,
                           struct kp_error *reterr)
{
    const struct member d = {OSSL_PKEY_PARAM_PRIV_KEY, &ret->d, key->first_len, false};
    return export_member(key, &d, secret, reterr);
}

static kp_status export_oct(const struct kpc_key *key, kp_buf *secret, struct kpc_private *ret,
                            struct kp_error *reterr)
{
    size_t at = secret->len;
    if (kp_buf_append(secret, kpb_span(key->secret, key->secret_len)) != KP_OK)
        return kpb_fail_memory(reterr, "crypto.key.export");
    ret->k = kpb_span(secret->ptr + at, key->secret_len);
    return KP_OK;
}

static kp_status export_by_type(const struct kpc_key *key, kp_buf *secret, struct kpc_private *ret,
                                struct kp_error *reterr)
{
    switch (key->kty) {
    case KP_KTY_RSA:
        return export_rsa(key, secret, ret, reterr);
    case KP_KTY_EC:
        return export_ec(key, secret, ret, reterr);
    default:
        return export_oct(key, secret, ret, reterr);
    }
}

static kp_status make_room(kp_buf *secret, struct kp_error *reterr)
{
    if (!secret->secret)
        return kpb_fail(reterr, KP_USAGE, "private members are exported into a secret buffer only");
    kp_status st = kp_buf_reserve(secret, KPC_PRIVATE_MAX_LEN);
    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_USAGE,
                        "the buffer for the private members takes %zu bytes; "
                        "%u more are needed",
                        secret->limit, KPC_PRIVATE_MAX_LEN);
    return st == KP_OK ? st : kpb_fail_memory(reterr, secret->site);
}

kp_status kpc_key_export_private(const struct kpc_key *key, kp_buf *secret,
                                 struct kpc_private *ret_private, struct kp_error *reterr)
{
    if (!key->has_private)
        return kpb_fail(reterr, KP_USAGE, "the key has only its public part");
    /* All at once and up front: the spans stay valid while the members are appended. */
    kp_status st = make_room(secret, reterr);
    if (st != KP_OK)
        return st;
    struct kpc_private members = {0};
    kpc_lib_enter();
    st = export_by_type(key, secret, &members, reterr);
    kpc_lib_leave();
    if (st == KP_OK)
        *ret_private = members;
    return st;
}
