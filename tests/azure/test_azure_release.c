/*
 * Secure key release through both plugins: a key goes out to whom its policy names, wrapped for the
 * key in an attestation token, and what comes out is that key. The token is the emulator's, of its
 * test attestation authority.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "support/live_azure.h"
#include "tools/kp-emulator/transfer.h"

#define TOKEN_ROOM 16384u
#define ENC "RSA_AES_KEY_WRAP_256"

static struct live_azure live;
static struct kpc_key *transport; /* the key of the environment that asks */

static int begin(void **state)
{
    const struct kp_key_params params = {
        .struct_size = sizeof params, .kty = KP_KTY_RSA, .bits = 2048};
    (void)state;
    live_azure_begin(&live);
    return kpc_key_generate(&params, &transport, NULL) == KP_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    kpc_key_release(transport);
    live_azure_end(&live);
    return 0;
}

/* ---- Attestation ---- */

static json_t *base64url(kp_span bytes)
{
    kp_buf text;
    kp_buf_init(&text, "test", TOKEN_ROOM);
    assert_int_equal(kpb_base64url_encode(bytes, &text), KP_OK);
    json_t *value = json_stringn((const char *)text.ptr, text.len);
    kp_buf_clear(&text);
    return value;
}

/* A token that says trusted or not, with the transport key; the caller frees it. */
static char *attest(const char *trusted)
{
    struct kp_key_info info;
    kpc_key_describe(transport, &info);
    json_t *claims = json_pack("{s:{s:[{s:s,s:s,s:o,s:o}]},s:{s:s}}", "x-ms-runtime", "keys", "kty",
                               "RSA", "kid", "transport", "n", base64url(info.n), "e",
                               base64url(info.e), "inner", "trusted", trusted);
    char *text = json_dumps(claims, JSON_COMPACT);
    assert_non_null(text);
    char *token = live_azure_attest(&live, text);
    free(text);
    json_decref(claims);
    return token;
}

/* ---- Keys ---- */

static void create(enum live_place place, const char *name, bool exportable, struct kp_result *ret)
{
    char policy[256];
    struct kp_key_params params;
    struct kp_request request = live_azure_request(KP_OP_CREATE, name);
    (void)snprintf(policy, sizeof policy,
                   "{\"version\":\"1.0.0\",\"anyOf\":[{\"authority\":\"https://localhost:%u\","
                   "\"allOf\":[{\"claim\":\"inner.trusted\",\"equals\":\"yes\"}]}]}",
                   (unsigned)live.emulator.ports[EMULATOR_LOGIN]);
    kp_key_params_init(&params);
    params.kty = KP_KTY_EC_HSM;
    params.curve = KP_CURVE_P256;
    if (exportable) {
        params.set = KP_SET_RELEASE_POLICY | KP_SET_EXPORTABLE;
        params.flags = KP_KEY_EXPORTABLE;
        params.release_policy = kpb_span_str(policy);
    }
    request.params = &params;
    live_azure_expect(&live, place, &request, KP_OK, ret);
}

static void release(enum live_place place, const char *name, const char *token, kp_status status,
                    struct kp_result *ret)
{
    struct kp_request request = live_azure_request(KP_OP_RELEASE, name);
    request.value = kpb_span_str(token);
    request.enc = kpb_span_str(ENC);
    request.nonce = kpb_span_str("a nonce");
    live_azure_expect(&live, place, &request, status, ret);
}

/* ---- What comes out ---- */

static json_t *decoded(kp_span text)
{
    kp_buf bytes;
    kp_buf_init(&bytes, "test", TOKEN_ROOM);
    assert_int_equal(kpb_base64url_decode(text, &bytes), KP_OK);
    json_t *json = json_loadb((const char *)bytes.ptr, bytes.len, 0, NULL);
    kp_buf_clear(&bytes);
    assert_non_null(json);
    return json;
}

static kp_span member(const json_t *object, const char *name)
{
    return kpb_span_str(json_string_value(json_object_get(object, name)));
}

/* The payload of a JWS: HEADER.PAYLOAD.SIGNATURE. */
static json_t *payload_of(kp_span jws)
{
    const uint8_t *first = memchr(jws.ptr, '.', jws.len);
    assert_non_null(first);
    first++;
    const uint8_t *second = memchr(first, '.', jws.len - (size_t)(first - jws.ptr));
    assert_non_null(second);
    return decoded(kpb_span(first, (size_t)(second - first)));
}

/* Opens the released key with the transport key and compares it with what was created. */
static void expect_released(kp_span jws, const struct kp_key_info *made)
{
    struct kp_key_params params;
    kp_buf wrapped;
    kp_buf der;
    kp_buf members;
    json_t *payload = payload_of(jws);
    const json_t *outer = json_object_get(json_object_get(payload, "response"), "key");
    json_t *blob = decoded(member(json_object_get(outer, "key"), "key_hsm"));
    kp_buf_init(&wrapped, "test", TOKEN_ROOM);
    kp_buf_init_secret(&der, "test", TOKEN_ROOM);
    kp_buf_init_secret(&members, "test", TOKEN_ROOM);
    kp_key_params_init(&params);
    assert_int_equal(kpb_base64url_decode(member(blob, "ciphertext"), &wrapped), KP_OK);
    assert_int_equal(emu_transfer_unwrap(transport, kp_buf_view(&wrapped),
                                         emu_transfer_digest(kpb_span_str(ENC)), &der, NULL),
                     KP_OK);
    assert_int_equal(emu_pkcs8_read(kp_buf_view(&der), &members, &params, NULL), KP_OK);
    assert_int_equal(params.curve, KP_CURVE_P256);
    assert_true(kpb_span_eq(params.x, made->x));
    assert_true(kpb_span_eq(params.y, made->y));
    kp_buf_clear(&members);
    kp_buf_clear(&der);
    kp_buf_clear(&wrapped);
    json_decref(blob);
    json_decref(payload);
}

/* ---- Tests ---- */

static void key_is_released_to_whom_its_policy_names(enum live_place place)
{
    struct kp_result made;
    struct kp_result released;
    char *token = attest("yes");
    create(place, "released", true, &made);
    release(place, "released", token, KP_OK, &released);
    expect_released(released.reply.value, made.reply.key);
    kp_result_clear(&released);
    kp_result_clear(&made);
    free(token);
}

static void vault_releases_to_whom_the_policy_names(void **state)
{
    (void)state;
    key_is_released_to_whom_its_policy_names(LIVE_VAULT);
}

static void hsm_releases_to_whom_the_policy_names(void **state)
{
    (void)state;
    key_is_released_to_whom_its_policy_names(LIVE_HSM);
}

static void nobody_else_is_given_a_key(void **state)
{
    struct kp_result result;
    char *trusted = attest("yes");
    char *stranger = attest("no");
    (void)state;
    for (enum live_place place = LIVE_VAULT; place <= LIVE_HSM; place++) {
        create(place, "guarded", true, &result);
        kp_result_clear(&result);
        create(place, "kept", false, &result);
        kp_result_clear(&result);
        release(place, "guarded", stranger, KP_FORBIDDEN, &result);
        kp_result_clear(&result);
        release(place, "kept", trusted, KP_FORBIDDEN, &result);
        kp_result_clear(&result);
    }
    trusted[strlen(trusted) - 10] ^= 1; /* of its signature */
    release(LIVE_VAULT, "guarded", trusted, KP_FORBIDDEN, &result);
    kp_result_clear(&result);
    free(stranger);
    free(trusted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vault_releases_to_whom_the_policy_names),
        cmocka_unit_test(hsm_releases_to_whom_the_policy_names),
        cmocka_unit_test(nobody_else_is_given_a_key),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
