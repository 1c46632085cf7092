#include "support/vectors_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kpc_key *import_foreign(const struct kp_key_params *params)
{
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    kp_status st = kpc_key_from_jwk(params, KPC_FOREIGN, &key, &err);
    if (st != KP_OK)
        fail_msg("import: %s", err.text);
    return key;
}

struct kpc_key *vec_key(const struct vec_jwk_text *text)
{
    struct vec_jwk jwk;
    vec_jwk_load(&jwk, text);
    return import_foreign(&jwk.params);
}

struct kpc_key *vec_public_key(const struct vec_jwk_text *text)
{
    struct vec_jwk_text open = *text;
    struct vec_jwk jwk;
    open.d = open.p = open.q = open.dp = open.dq = open.qi = NULL;
    vec_jwk_load(&jwk, &open);
    return import_foreign(&jwk.params);
}

struct kpc_key *vec_oct_key(kp_span k)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = KP_KTY_OCT, .k = k};
    return import_foreign(&params);
}

struct kpc_key *vec_new_key(uint32_t kty, uint32_t bits, uint32_t curve)
{
    struct kp_key_params params = {.struct_size = sizeof params, .kty = kty, .bits = bits};
    struct kpc_key *key = NULL;
    struct kp_error err = {0};
    params.curve = curve;
    kp_status st = kpc_key_generate(&params, &key, &err);
    if (st != KP_OK)
        fail_msg("generate: %s", err.text);
    return key;
}

static void make_room(struct vec_result *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->r.value.ptr = ret->value.b;
    ret->r.value.cap = sizeof ret->value.b;
}

kp_status vec_encrypt(struct kpc_key *key, const struct kpc_input *in, struct vec_result *ret,
                      struct kp_error *err)
{
    make_room(ret);
    kp_status st = kpc_encrypt(key, in, &ret->r, err);
    ret->value.len = ret->r.value.len;
    return st;
}

kp_status vec_decrypt(struct kpc_key *key, const struct kpc_input *in, struct vec_result *ret,
                      struct kp_error *err)
{
    make_room(ret);
    kp_status st = kpc_decrypt(key, in, &ret->r, err);
    ret->value.len = ret->r.value.len;
    return st;
}

kp_status vec_sign(struct kpc_key *key, uint32_t alg, kp_span digest, struct vec *ret,
                   struct kp_error *err)
{
    struct kpc_out out = {ret->b, sizeof ret->b, 0};
    kp_status st = kpc_sign(key, alg, digest, &out, err);
    ret->len = out.len;
    return st;
}

bool vec_verify(struct kpc_key *key, uint32_t alg, kp_span digest, kp_span signature)
{
    bool valid = false;
    struct kp_error err = {0};
    kp_status st = kpc_verify(key, alg, digest, signature, &valid, &err);
    if (st != KP_OK)
        fail_msg("verify: %s", err.text);
    return valid;
}

void vec_assert_failed(kp_status st, kp_status expected, const struct kp_error *err,
                       const char *part)
{
    if (st != expected || err->status != (uint32_t)expected || !strstr(err->text, part))
        fail_msg("got %s \"%s\", expected %s with \"%s\"", kp_status_text(st), err->text,
                 kp_status_text(expected), part);
}

void vec_assert_bytes(kp_span actual, kp_span expected)
{
    assert_int_equal(actual.len, expected.len);
    if (expected.len > 0)
        assert_memory_equal(actual.ptr, expected.ptr, expected.len);
}
