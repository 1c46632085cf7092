#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "support/failing_heap.h"

#define BASE "https://app.vault.azure.net"
#define V1 "0123456789abcdef0123456789abcdef"
#define V2 "fedcba9876543210fedcba9876543210"
#define KID BASE "/keys/app/" V1
#define IV12 "MTIzNDU2Nzg5MDEy"
#define TAG16 "MTIzNDU2Nzg5MDEyMzQ1Ng"

static struct azr_answer answer;
static struct kp_error err;

static int init_answer(void **state)
{
    (void)state;
    azr_answer_init(&answer);
    return 0;
}

static int clear_answer(void **state)
{
    (void)state;
    azr_answer_clear(&answer);
    return 0;
}

static struct kp_request request_of(uint32_t op)
{
    const struct kp_request request = {
        .struct_size = sizeof request, .op = op, .name = kpb_span_str("app")};
    return request;
}

static struct kp_request use_of(uint32_t op, uint32_t alg, const void *value, size_t len)
{
    struct kp_request request = request_of(op);
    request.alg = alg;
    request.value = kpb_span(value, len);
    request.version = kpb_span_str(V1);
    return request;
}

static kp_status read_body(const struct kp_request *request, const char *body)
{
    kp_error_init(&err);
    return azr_answer_read(BASE, request, kpb_span_str(body), &answer, &err);
}

/* Refused with this class and number, and nothing of it is left in the answer. */
static void assert_refused(const struct kp_request *request, const char *body, kp_status status,
                           uint32_t code)
{
    kp_status st = read_body(request, body);
    if (st != status || err.code != code)
        fail_msg("%s: %s, %u, %s", body, kp_status_text(st), err.code, err.text);
    assert_int_equal(err.exposure, KP_ANSWERED);
    assert_true(err.text[0] != '\0');
    assert_int_equal(answer.reply.value.len, 0);
    assert_int_equal(answer.bytes.len, 0);
    assert_null(answer.reply.key);
}

/* ---- Operations with a key ---- */

static void use_reply_says_who_did_what(void **state)
{
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    assert_int_equal(read_body(&r, "{\"kid\":\"" KID "\",\"value\":\"__79\"}"), KP_OK);
    assert_int_equal(answer.reply.struct_size, sizeof answer.reply);
    assert_int_equal(answer.reply.alg, KP_ALG_RSA_OAEP);
    assert_true(kpb_span_eq_str(answer.reply.name, "app"));
    assert_true(kpb_span_eq_str(answer.reply.version, V1));
    assert_true(kpb_span_eq_str(answer.reply.kid, KID));
    assert_memory_equal(answer.reply.value.ptr, "\xff\xfe\xfd", 3);
    assert_true(answer.bytes.secret);
}

static void use_reply_may_hold_nulls_blanks_padding_and_strangers(void **state)
{
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    assert_int_equal(read_body(&r,
                               " {\r\n\t\"value\" : \"YQ==\" , \"iv\":null,\"tag\":null,\"new\":[{}"
                               ",[1,2]],\"kid\":\"https:\\/\\/APP.vault.azure.net:443\\/keys\\/"
                               "APP\\/" V1 "\"} "),
                     KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.value, "a"));
    assert_true(kpb_span_eq_str(answer.reply.version, V1));
}

static void use_reply_that_is_no_json_has_the_number_of_its_step(void **state)
{
    static const char *const BODIES[] = {
        "", "OK", "[]", "{", "{\"value\":\"YQ\"", "<html>", "{\"value\":\"YQ\"}x", "null"};
    struct kp_request r = use_of(KP_OP_WRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        r.op = KP_OP_WRAP;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3607);
        r.op = KP_OP_UNWRAP;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3707);
        r.op = KP_OP_GET_KEY;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3404);
        r.op = KP_OP_BACKUP;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3504);
        r.op = KP_OP_LIST_KEYS;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3001);
    }
}

static void use_reply_without_value_or_kid_is_refused(void **state)
{
    static const char *const BODIES[] = {"{}",
                                         "{\"kid\":\"" KID "\"}",
                                         "{\"kid\":\"" KID "\",\"value\":null}",
                                         "{\"kid\":\"" KID "\",\"value\":7}",
                                         "{\"value\":\"YQ\"}",
                                         "{\"kid\":null,\"value\":\"YQ\"}",
                                         "{\"kid\":\"app\",\"value\":\"YQ\"}",
                                         "{\"kid\":\"" BASE "/keys/app\",\"value\":\"YQ\"}"};
    struct kp_request r = use_of(KP_OP_WRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        r.op = KP_OP_WRAP;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3608);
        r.op = KP_OP_UNWRAP;
        assert_refused(&r, BODIES[i], KP_PROTOCOL, 3708);
    }
}

static void use_reply_of_other_than_base64url_is_refused(void **state)
{
    static const char *const VALUES[] = {"YQ=",        "Y",     "YR",      "Y Q", "+/+/",
                                         "YQ\\u0041A", "YQ===", "\\u0000", "Y=Q="};
    struct kp_request r = use_of(KP_OP_WRAP, KP_ALG_RSA_OAEP, "x", 1);
    char body[512];
    (void)state;
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"kid\":\"%s\",\"value\":\"%s\"}", KID, VALUES[i]);
        r.op = KP_OP_WRAP;
        assert_refused(&r, body, KP_PROTOCOL, 3606);
        r.op = KP_OP_UNWRAP;
        assert_refused(&r, body, KP_PROTOCOL, 3706);
    }
}

static void use_reply_of_another_key_version_or_vault_is_integrity(void **state)
{
    static const char *const KIDS[] = {BASE "/keys/other/" V1, BASE "/keys/app/" V2,
                                       "https://evil.vault.azure.net/keys/app/" V1,
                                       "https://app.vault.azure.net.evil/keys/app/" V1,
                                       "https://app.vault.azure.net:8443/keys/app/" V1};
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    char body[512];
    (void)state;
    for (size_t i = 0; i < sizeof KIDS / sizeof KIDS[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"kid\":\"%s\",\"value\":\"YQ\"}", KIDS[i]);
        assert_refused(&r, body, KP_INTEGRITY, 0);
    }
}

static void use_reply_without_asking_for_a_version_names_the_one_used(void **state)
{
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    r.version = kpb_span(NULL, 0);
    assert_int_equal(read_body(&r, "{\"kid\":\"" BASE "/keys/app/" V2 "\",\"value\":\"YQ\"}"),
                     KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.version, V2));
}

static void use_reply_that_contradicts_the_request_is_integrity(void **state)
{
    struct kp_request r = use_of(KP_OP_ENCRYPT, KP_ALG_A256GCM, "x", 1);
    (void)state;
    r.aad = kpb_span_str("aad");
    assert_refused(&r,
                   "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"iv\":\"" IV12 "\",\"tag\":\"" TAG16
                   "\",\"alg\":\"A128GCM\"}",
                   KP_INTEGRITY, 0);
    assert_refused(&r,
                   "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"iv\":\"" IV12 "\",\"tag\":\"" TAG16
                   "\",\"aad\":\"YQ\"}",
                   KP_INTEGRITY, 0);
    r = use_of(KP_OP_ENCRYPT, KP_ALG_A256CBC, "x", 1);
    r.iv = kpb_span_str("1234567890123456");
    assert_refused(
        &r, "{\"kid\":\"" KID "\",\"value\":\"" TAG16 "\",\"iv\":\"MTIzNDU2Nzg5MDEyMzQ1Nw\"}",
        KP_INTEGRITY, 0);
}

/* A ciphertext without its iv or tag is lost; better to know at once. */
static void gcm_reply_without_iv_or_tag_is_refused(void **state)
{
    struct kp_request r = use_of(KP_OP_ENCRYPT, KP_ALG_A256GCM, "x", 1);
    (void)state;
    assert_refused(&r, "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"tag\":\"" TAG16 "\"}", KP_PROTOCOL,
                   3608);
    assert_refused(&r, "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"iv\":\"" IV12 "\"}", KP_PROTOCOL,
                   3608);
    assert_refused(&r, "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"iv\":\"" IV12 "\",\"tag\":\"YQ\"}",
                   KP_PROTOCOL, 3608);
    r.aad = kpb_span_str("aad");
    assert_int_equal(read_body(&r, "{\"kid\":\"" KID "\",\"value\":\"YQ\",\"iv\":\"" IV12
                                   "\",\"tag\":\"" TAG16 "\",\"aad\":\"YWFk\"}"),
                     KP_OK);
    assert_int_equal(answer.reply.iv.len, 12);
    assert_int_equal(answer.reply.tag.len, 16);
    assert_true(kpb_span_eq_str(answer.reply.aad, "aad"));
}

static const uint8_t ZEROS[512];

static kp_status read_len(uint32_t op, uint32_t alg, size_t sent, size_t told)
{
    struct kp_request r = use_of(op, alg, ZEROS, sent);
    char body[1024];
    kp_buf text;
    kp_buf_init(&text, "test", 1024);
    assert_int_equal(kpb_base64url_encode(kpb_span(ZEROS, told), &text), KP_OK);
    (void)snprintf(body, sizeof body,
                   "{\"kid\":\"" KID "\",\"value\":\"%.*s\",\"iv\":\"" IV12 "\",\"tag\":\"" TAG16
                   "\"}",
                   (int)text.len, (const char *)text.ptr);
    kp_buf_clear(&text);
    return read_body(&r, body);
}

static void use_reply_of_a_length_that_cannot_be_is_integrity(void **state)
{
    static const struct {
        uint32_t op;
        uint32_t alg;
        size_t sent;
        size_t good;
        size_t bad;
    } ROWS[] = {
        {KP_OP_WRAP, KP_ALG_A256KW, 32, 40, 48},
        {KP_OP_UNWRAP, KP_ALG_A256KW, 40, 32, 40},
        {KP_OP_WRAP, KP_ALG_CKM_AES_KEY_WRAP, 32, 40, 32},
        {KP_OP_WRAP, KP_ALG_CKM_AES_KEY_WRAP_PAD, 33, 48, 41},
        {KP_OP_UNWRAP, KP_ALG_CKM_AES_KEY_WRAP_PAD, 48, 33, 32},
        {KP_OP_ENCRYPT, KP_ALG_A128GCM, 5, 5, 6},
        {KP_OP_DECRYPT, KP_ALG_A128GCM, 5, 5, 4},
        {KP_OP_ENCRYPT, KP_ALG_A256CBC, 5, 16, 17},
        {KP_OP_ENCRYPT, KP_ALG_A256CBCPAD, 16, 32, 48},
        {KP_OP_DECRYPT, KP_ALG_A256CBCPAD, 32, 20, 33},
        {KP_OP_SIGN, KP_ALG_ES256, 32, 64, 70},
        {KP_OP_SIGN, KP_ALG_ES256K, 32, 64, 63},
        {KP_OP_SIGN, KP_ALG_ES384, 48, 96, 64},
        {KP_OP_SIGN, KP_ALG_ES512, 64, 132, 128},
        {KP_OP_SIGN, KP_ALG_HS256, 32, 32, 16},
        {KP_OP_SIGN, KP_ALG_HS384, 48, 48, 32},
        {KP_OP_SIGN, KP_ALG_HS512, 64, 64, 32},
        {KP_OP_SIGN, KP_ALG_PS256, 32, 256, 64},
        {KP_OP_SIGN, KP_ALG_RS512, 64, 512, 500},
        {KP_OP_WRAP, KP_ALG_RSA_OAEP, 32, 256, 0},
        {KP_OP_WRAP, KP_ALG_RSA_OAEP, 32, 384, 255},
        {KP_OP_WRAP, KP_ALG_RSA_OAEP_256, 32, 512, 300},
        {KP_OP_ENCRYPT, KP_ALG_RSA1_5, 32, 256, 128},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (read_len(ROWS[i].op, ROWS[i].alg, ROWS[i].sent, ROWS[i].good) != KP_OK)
            fail_msg("row %zu: %s", i, err.text);
        if (read_len(ROWS[i].op, ROWS[i].alg, ROWS[i].sent, ROWS[i].bad) != KP_INTEGRITY)
            fail_msg("row %zu: %zu bytes were taken", i, ROWS[i].bad);
    }
    assert_int_equal(read_len(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, 256, 0), KP_OK); /* an empty message */
}

static void verify_reply_is_a_verdict_with_a_version(void **state)
{
    struct kp_request r = use_of(KP_OP_VERIFY, KP_ALG_ES256, "x", 1);
    (void)state;
    assert_int_equal(read_body(&r, "{\"value\":true}"), KP_OK);
    assert_int_equal(answer.reply.flags, KP_REPLY_VERIFIED);
    assert_true(kpb_span_eq_str(answer.reply.version, V1));
    assert_int_equal(read_body(&r, "{\"value\":false}"), KP_OK);
    assert_int_equal(answer.reply.flags, 0);
    assert_refused(&r, "{\"value\":\"true\"}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{\"value\":1}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{\"value\":true,\"kid\":\"" BASE "/keys/app/" V2 "\"}", KP_INTEGRITY, 0);
    assert_refused(&r, "{\"value\":true,\"alg\":\"ES384\"}", KP_INTEGRITY, 0);
    r.version = kpb_span(NULL, 0);
    assert_refused(&r, "{\"value\":true}", KP_PROTOCOL, 3001);
    assert_int_equal(read_body(&r, "{\"value\":true,\"kid\":\"" KID "\"}"), KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.version, V1));
}

static void blob_replies_are_their_value(void **state)
{
    struct kp_request r = request_of(KP_OP_BACKUP);
    (void)state;
    assert_int_equal(read_body(&r, "{\"value\":\"YmxvYg\"}"), KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.value, "blob"));
    assert_refused(&r, "{}", KP_PROTOCOL, 3505);
    assert_refused(&r, "{\"value\":\"\"}", KP_PROTOCOL, 3505);
    assert_refused(&r, "{\"value\":\"?\"}", KP_PROTOCOL, 3506);
    r = request_of(KP_OP_RANDOM);
    r.count = 4;
    assert_int_equal(read_body(&r, "{\"value\":\"YmxvYg\"}"), KP_OK);
    r.count = 5;
    assert_refused(&r, "{\"value\":\"YmxvYg\"}", KP_PROTOCOL, 3001);
    r = request_of(KP_OP_RELEASE);
    assert_int_equal(read_body(&r, "{\"value\":\"a.b.c\"}"), KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.value, "a.b.c"));
    assert_refused(&r, "{\"value\":\"\"}", KP_PROTOCOL, 3001);
    r = request_of(KP_OP_PURGE);
    assert_int_equal(read_body(&r, ""), KP_OK);
}

/* ---- Keys ---- */

#define BUNDLE(jwk, rest) "{\"key\":{\"kid\":\"" KID "\"," jwk "}" rest "}"

static void key_reply_numbers_have_no_leading_zeros(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    (void)state;
    assert_int_equal(read_body(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"AADB\",\"e\":\"AAEAAQ\"", "")),
                     KP_OK);
    assert_int_equal(answer.reply.key->n.len, 1);
    assert_int_equal(answer.reply.key->bits, 8);
    assert_int_equal(answer.reply.key->e.len, 3);
    assert_int_equal(answer.reply.key->flags, KP_KEY_ENABLED);
    assert_true(answer.reply.key->expires_unix_s == KP_TIME_NONE);
}

static void key_reply_members_that_miss_have_their_numbers(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    (void)state;
    assert_refused(&r, "{}", KP_PROTOCOL, 3405);
    assert_refused(&r, "{\"key\":null}", KP_PROTOCOL, 3405);
    assert_refused(&r, "{\"key\":{\"kty\":\"oct\"}}", KP_PROTOCOL, 3406);
    assert_refused(&r, BUNDLE("\"x\":1", ""), KP_PROTOCOL, 3407);
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"e\":\"AQAB\"", ""), KP_PROTOCOL, 3408);
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"?\",\"e\":\"AQAB\"", ""), KP_PROTOCOL, 3409);
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"AQAB\"", ""), KP_PROTOCOL, 3410);
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"A\"", ""), KP_PROTOCOL, 3411);
    assert_refused(&r, "{\"key\":{\"kid\":\"" BASE "/keys/app\",\"kty\":\"oct\"}}", KP_PROTOCOL,
                   3412);
}

static void key_reply_of_types_not_known_here_reads_as_none(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    (void)state;
    assert_int_equal(
        read_body(&r, BUNDLE("\"kty\":\"AKP\",\"key_ops\":[\"sign\",\"secureWrapKey\"]",
                             ",\"attributes\":{\"key_size\":\"256\"}")),
        KP_OK);
    assert_int_equal(answer.reply.key->kty, KP_KTY_NONE);
    assert_int_equal(answer.reply.key->key_ops, KP_KEY_OP_SIGN);
    assert_int_equal(answer.reply.key->bits, 256);
}

static void key_reply_coordinates_are_as_long_as_the_curve(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    (void)state;
    assert_int_equal(
        read_body(&r, BUNDLE("\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AQ\",\"y\":\"AAI\"", "")),
        KP_OK);
    assert_int_equal(answer.reply.key->x.len, 66);
    assert_int_equal(answer.reply.key->y.len, 66);
    assert_int_equal(answer.reply.key->x.ptr[65], 1);
    assert_int_equal(answer.reply.key->y.ptr[65], 2);
    assert_int_equal(answer.reply.key->bits, 521);
    assert_refused(&r, BUNDLE("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\"", ""), KP_PROTOCOL,
                   3001);
}

static void key_reply_of_import_holds_what_was_imported(void **state)
{
    struct kp_key_params p = {.struct_size = sizeof p, .kty = KP_KTY_RSA};
    struct kp_request r = request_of(KP_OP_IMPORT);
    (void)state;
    r.params = &p;
    p.n = kpb_span("\0\xc1", 2);
    p.e = kpb_span("\1\0\1", 3);
    assert_int_equal(
        read_body(&r, BUNDLE("\"kty\":\"RSA-HSM\",\"n\":\"AADB\",\"e\":\"AAEAAQ\"", "")), KP_OK);
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"AADC\",\"e\":\"AQAB\"", ""), KP_INTEGRITY,
                   0);
    assert_refused(&r, BUNDLE("\"kty\":\"oct\"", ""), KP_INTEGRITY, 0);
}

static void key_reply_of_create_is_of_the_kind_asked_for(void **state)
{
    struct kp_key_params p = {.struct_size = sizeof p, .kty = KP_KTY_EC, .curve = KP_CURVE_P384};
    struct kp_request r = request_of(KP_OP_CREATE);
    (void)state;
    r.params = &p;
    assert_refused(&r, BUNDLE("\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"", ""),
                   KP_INTEGRITY, 0);
    p.kty = KP_KTY_RSA;
    p.bits = 4096;
    assert_refused(&r, BUNDLE("\"kty\":\"RSA\",\"n\":\"wQ\",\"e\":\"AQAB\"", ""), KP_INTEGRITY, 0);
}

/* A rotate makes another version than the one that a caller may have named. */
static void key_reply_of_a_new_version_is_not_held_to_the_old_one(void **state)
{
    struct kp_request r = request_of(KP_OP_ROTATE);
    (void)state;
    r.version = kpb_span_str(V2);
    assert_int_equal(read_body(&r, BUNDLE("\"kty\":\"oct\"", "")), KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.version, V1));
    r.op = KP_OP_UPDATE;
    assert_refused(&r, BUNDLE("\"kty\":\"oct\"", ""), KP_INTEGRITY, 0);
}

static void key_reply_tags_are_all_or_none(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    char body[1024];
    size_t n;
    (void)state;
    n = (size_t)snprintf(body, sizeof body,
                         "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"oct\"},\"tags\":{");
    for (int i = 0; i < 16; i++) {
        n += (size_t)snprintf(body + n, sizeof body - n, "%s\"t%d\":\"\\u00e4%d\"", i ? "," : "", i,
                              i);
        char whole[1100];
        (void)snprintf(whole, sizeof whole, "%s}}", body);
        if (i < 15) {
            assert_int_equal(read_body(&r, whole), KP_OK);
            assert_int_equal(answer.reply.key->n_tags, i + 1);
            assert_true(kpb_span_starts_with(answer.reply.key->tags[i].value, "\xc3\xa4"));
        } else {
            assert_refused(&r, whole, KP_PROTOCOL, 3404);
        }
    }
}

static void attest_reply_is_the_key_and_its_attestation(void **state)
{
    struct kp_request r = request_of(KP_OP_ATTEST);
    (void)state;
    assert_int_equal(read_body(&r, BUNDLE("\"kty\":\"oct-HSM\"",
                                          ",\"attributes\":{\"attestation\":{\"version\":\"1\"}}")),
                     KP_OK);
    assert_true(kpb_span_eq_str(answer.reply.value, "{\"version\":\"1\"}"));
    assert_int_equal(answer.reply.key->kty, KP_KTY_OCT_HSM);
    assert_refused(&r, BUNDLE("\"kty\":\"oct-HSM\"", ""), KP_PROTOCOL, 3405);
}

/* ---- Lists and policies ---- */

static void list_reply_may_be_empty_and_not_the_last(void **state)
{
    struct kp_request r = request_of(KP_OP_LIST_KEYS);
    (void)state;
    assert_int_equal(
        read_body(&r, "{\"value\":[],\"nextLink\":\"" BASE ":443/keys?$skiptoken=a\"}"), KP_OK);
    assert_int_equal(answer.reply.n_keys, 0);
    assert_true(answer.reply.next_page.len > 0);
    assert_int_equal(read_body(&r, "{\"value\":null,\"nextLink\":null}"), KP_OK);
    assert_int_equal(answer.reply.next_page.len, 0);
    assert_int_equal(read_body(&r, "{\"value\":[{\"kid\":\"" BASE "/keys/other\"}]}"), KP_OK);
    assert_int_equal(answer.reply.n_keys, 1);
    assert_true(kpb_span_eq_str(answer.reply.keys[0]->name, "other"));
}

static void list_reply_of_strangers_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_LIST_VERSIONS);
    (void)state;
    assert_refused(&r, "{}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{\"value\":{}}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{\"value\":[7]}", KP_PROTOCOL, 3406);
    assert_refused(&r, "{\"value\":[{\"kid\":\"" BASE "/keys/other/" V1 "\"}]}", KP_INTEGRITY, 0);
    assert_refused(&r, "{\"value\":[{\"kid\":\"" BASE "/keys/app\"}]}", KP_PROTOCOL, 3001);
    assert_refused(&r, "{\"value\":[{\"kid\":\"https://evil.example/keys/app/" V1 "\"}]}",
                   KP_INTEGRITY, 0);
    assert_refused(&r, "{\"value\":[],\"nextLink\":\"" BASE "/keys?$skiptoken=a\"}", KP_PROTOCOL,
                   0);
    assert_refused(&r, "{\"value\":[],\"nextLink\":7}", KP_PROTOCOL, 3001);
}

static void list_reply_whose_link_leads_elsewhere_is_refused(void **state)
{
    static const char *const LINKS[] = {
        "http://app.vault.azure.net/keys?$skiptoken=a",
        "https://other.vault.azure.net/keys?$skiptoken=a",
        "https://app.vault.azure.net:8443/keys?$skiptoken=a",
        "https://app.vault.azure.net:443:443/keys?$skiptoken=a",
        "https://app.vault.azure.net.evil.example/keys?$skiptoken=a",
        "https://app.vault.azure.net./keys?$skiptoken=a",
        "https://app.vault.azure.net@evil.example/keys?$skiptoken=a",
        "https://evil.example\\\\@app.vault.azure.net/keys?$skiptoken=a",
        "https://app.vault.azure.net?/keys?$skiptoken=a",
        "//app.vault.azure.net/keys?$skiptoken=a",
        "/keys?$skiptoken=a",
        "https://app.vault.azure.net/keys/../deletedkeys?$skiptoken=a",
        "https://app.vault.azure.net//keys?$skiptoken=a",
        "https://app.vault.azure.net/deletedkeys?$skiptoken=a",
        "https://app.vault.azure.net/keys/app/versions?$skiptoken=a",
        "https://app.vault.azure.net/keys?$skiptoken=a#b",
        "https://app.vault.azure.net/keys?$skiptoken=a\\r\\nX: y",
        "https://app.vault.azure.net/keys",
    };
    const struct kp_request r = request_of(KP_OP_LIST_KEYS);
    char body[256];
    (void)state;
    for (size_t i = 0; i < sizeof LINKS / sizeof LINKS[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"value\":[],\"nextLink\":\"%s\"}", LINKS[i]);
        if (read_body(&r, body) != KP_PROTOCOL)
            fail_msg("%s is followed", LINKS[i]);
    }
}

static void list_reply_longer_than_a_page_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_LIST_KEYS);
    char body[4096] = "{\"value\":[";
    (void)state;
    for (unsigned i = 0; i < KP_PAGE_MAX + 1; i++) {
        char whole[4200];
        size_t n = strlen(body);
        (void)snprintf(body + n, sizeof body - n, "%s{\"kid\":\"" BASE "/keys/k%u\"}", i ? "," : "",
                       i);
        (void)snprintf(whole, sizeof whole, "%s]}", body);
        if (i == KP_PAGE_MAX - 1) {
            assert_int_equal(read_body(&r, whole), KP_OK);
            assert_int_equal(answer.reply.n_keys, KP_PAGE_MAX);
        } else if (i == KP_PAGE_MAX) {
            assert_refused(&r, whole, KP_PROTOCOL, 3001);
        }
    }
}

static void list_reply_that_comes_back_to_its_page_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_LIST_KEYS);
    char token[128];
    (void)state;
    assert_int_equal(read_body(&r, "{\"value\":[],\"nextLink\":\"" BASE "/keys?$skiptoken=a\"}"),
                     KP_OK);
    (void)snprintf(token, sizeof token, "%.*s", (int)answer.reply.next_page.len,
                   (const char *)answer.reply.next_page.ptr);
    r.page_token = kpb_span_str(token);
    assert_refused(&r, "{\"value\":[],\"nextLink\":\"" BASE "/keys?$skiptoken=a\"}", KP_PROTOCOL,
                   0);
}

static void policy_reply_default_and_full_are_read(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_ROTATION_POLICY);
    (void)state;
    assert_int_equal(read_body(&r, "{\"lifetimeActions\":null,\"attributes\":null}"), KP_OK);
    assert_int_equal(answer.reply.policy->n_rules, 0);
    assert_true(answer.reply.policy->created_unix_s == KP_TIME_NONE);
    assert_int_equal(
        read_body(&r, "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":null,"
                      "\"timeBeforeExpiry\":\"P30D\"},\"action\":{\"type\":\"rotate\"}}],"
                      "\"attributes\":{\"expiryTime\":\"P2Y\",\"created\":1,\"updated\":\"2\"}}"),
        KP_OK);
    assert_int_equal(answer.reply.policy->rules[0].action, KP_ROTATION_ROTATE);
    assert_int_equal(answer.reply.policy->rules[0].trigger, KP_TRIGGER_BEFORE_EXPIRY);
    assert_true(kpb_span_eq_str(answer.reply.policy->rules[0].duration, "P30D"));
    assert_true(kpb_span_eq_str(answer.reply.policy->expiry, "P2Y"));
    assert_int_equal(answer.reply.policy->updated_unix_s, 2);
    assert_refused(&r, "{\"lifetimeActions\":[{}]}", KP_PROTOCOL, 3001);
    assert_refused(&r,
                   "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P1D\"},\"action\":{"
                   "\"type\":\"Erase\"}}]}",
                   KP_PROTOCOL, 3001);
}

/* ---- Bounds ---- */

static void body_nested_or_long_beyond_bounds_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    char *body = calloc(1, AZR_BACKUP_REPLY_MAX_LEN + 2);
    (void)state;
    assert_non_null(body);
    memset(body, '[', 100000);
    assert_refused(&r, body, KP_PROTOCOL, 3404);
    memset(body, ' ', AZR_BACKUP_REPLY_MAX_LEN + 1);
    memcpy(body, "{}", 2);
    assert_refused(&r, body, KP_PROTOCOL, 3404);
    assert_non_null(strstr(err.text, "too long"));
    body[AZR_KEY_REPLY_MAX_LEN + 1] = '\0';
    assert_refused(&r, body, KP_PROTOCOL, 3404);
    assert_non_null(strstr(err.text, "too long"));
    body[AZR_KEY_REPLY_MAX_LEN] = '\0';
    assert_refused(&r, body, KP_PROTOCOL, 3405);
    r.op = KP_OP_BACKUP;
    body[AZR_KEY_REPLY_MAX_LEN] = ' ';
    body[AZR_KEY_REPLY_MAX_LEN + 1] = ' ';
    assert_refused(&r, body, KP_PROTOCOL, 3504);
    assert_non_null(strstr(err.text, "too long"));
    body[AZR_BACKUP_REPLY_MAX_LEN] = '\0';
    assert_refused(&r, body, KP_PROTOCOL, 3505);
    r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    body[AZR_REPLY_MAX_LEN + 1] = '\0';
    assert_refused(&r, body, KP_PROTOCOL, 3707);
    assert_non_null(strstr(err.text, "too long"));
    free(body);
}

static void answer_reset_leaves_no_plaintext(void **state)
{
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    assert_int_equal(read_body(&r, "{\"value\":\"c2VjcmV0\",\"kid\":\"" KID "\"}"), KP_OK);
    const uint8_t *at = answer.reply.value.ptr;
    assert_memory_equal(at, "secret", 6);
    azr_answer_reset(&answer);
    assert_memory_equal(at, ZEROS, 6);
    assert_int_equal(answer.reply.value.len, 0);
}

static void answer_without_memory_has_the_number_of_its_step(void **state)
{
    static const struct {
        uint32_t op;
        uint32_t code;
    } ROWS[] = {{KP_OP_WRAP, 3600},
                {KP_OP_UNWRAP, 3700},
                {KP_OP_GET_KEY, 3400},
                {KP_OP_BACKUP, 3500},
                {KP_OP_LIST_KEYS, 2051}};
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct kp_request r = use_of(ROWS[i].op, KP_ALG_RSA_OAEP, "x", 1);
        azr_answer_clear(&answer);
        failing_heap_use(1);
        assert_int_equal(read_body(&r, "{}"), KP_NO_MEMORY);
        assert_int_equal(err.code, ROWS[i].code);
        assert_int_equal(err.exposure, KP_ANSWERED);
        assert_string_equal(failing_heap_site(), "azure-rest.answer");
        assert_int_equal(failing_heap_live(), 0);
        failing_heap_drop();
    }
}

/* Every reader takes at most one allocation, whatever it reads. */
static void answer_second_of_a_size_allocates_nothing(void **state)
{
    struct kp_request r = use_of(KP_OP_UNWRAP, KP_ALG_RSA_OAEP, "x", 1);
    (void)state;
    assert_int_equal(read_body(&r, "{\"value\":\"c2VjcmV0\",\"kid\":\"" KID "\"}"), KP_OK);
    failing_heap_use(1);
    assert_int_equal(read_body(&r, "{\"value\":\"c2VjcmV0\",\"kid\":\"" KID "\"}"), KP_OK);
    assert_null(failing_heap_site());
    failing_heap_drop();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, init_answer, clear_answer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(use_reply_says_who_did_what),
        TEST(use_reply_may_hold_nulls_blanks_padding_and_strangers),
        TEST(use_reply_that_is_no_json_has_the_number_of_its_step),
        TEST(use_reply_without_value_or_kid_is_refused),
        TEST(use_reply_of_other_than_base64url_is_refused),
        TEST(use_reply_of_another_key_version_or_vault_is_integrity),
        TEST(use_reply_without_asking_for_a_version_names_the_one_used),
        TEST(use_reply_that_contradicts_the_request_is_integrity),
        TEST(gcm_reply_without_iv_or_tag_is_refused),
        TEST(use_reply_of_a_length_that_cannot_be_is_integrity),
        TEST(verify_reply_is_a_verdict_with_a_version),
        TEST(blob_replies_are_their_value),
        TEST(key_reply_numbers_have_no_leading_zeros),
        TEST(key_reply_members_that_miss_have_their_numbers),
        TEST(key_reply_of_types_not_known_here_reads_as_none),
        TEST(key_reply_coordinates_are_as_long_as_the_curve),
        TEST(key_reply_of_import_holds_what_was_imported),
        TEST(key_reply_of_create_is_of_the_kind_asked_for),
        TEST(key_reply_of_a_new_version_is_not_held_to_the_old_one),
        TEST(key_reply_tags_are_all_or_none),
        TEST(attest_reply_is_the_key_and_its_attestation),
        TEST(list_reply_may_be_empty_and_not_the_last),
        TEST(list_reply_of_strangers_is_refused),
        TEST(list_reply_whose_link_leads_elsewhere_is_refused),
        TEST(list_reply_longer_than_a_page_is_refused),
        TEST(list_reply_that_comes_back_to_its_page_is_refused),
        TEST(policy_reply_default_and_full_are_read),
        TEST(body_nested_or_long_beyond_bounds_is_refused),
        TEST(answer_reset_leaves_no_plaintext),
        TEST(answer_without_memory_has_the_number_of_its_step),
        TEST(answer_second_of_a_size_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
