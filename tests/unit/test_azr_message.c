#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "plugins/azure-rest/message.h"
#include "plugins/azure-rest/page.h"
#include "support/failing_heap.h"

#define BASE "https://app.vault.azure.net"
#define VERSION "0123456789abcdef0123456789abcdef"
static const struct azr_site SITE = {BASE, "7.6"};

static struct kp_request request_of(uint32_t op)
{
    const struct kp_request request = {
        .struct_size = sizeof request, .op = op, .name = kpb_span_str("app")};
    return request;
}

static struct kp_key_params params_of(uint32_t kty)
{
    const struct kp_key_params params = {.struct_size = sizeof params,
                                         .kty = kty,
                                         .not_before_unix_s = KP_TIME_NONE,
                                         .expires_unix_s = KP_TIME_NONE};
    return params;
}

static void assert_built(const struct kp_request *request, const char *method, const char *path,
                         const char *body)
{
    struct azr_message m;
    struct kp_error err = {0};
    char url[1024];
    (void)snprintf(url, sizeof url, "%s%s", BASE, path);
    azr_message_init(&m);
    if (azr_message_build(&SITE, request, &m, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_string_equal(m.method, method);
    if (!kpb_span_eq_str(kp_buf_view(&m.url), url))
        fail_msg("%.*s instead of %s", (int)m.url.len, (const char *)m.url.ptr, url);
    if (!kpb_span_eq_str(kp_buf_view(&m.body), body))
        fail_msg("%.*s instead of %s", (int)m.body.len, (const char *)m.body.ptr, body);
    assert_int_equal(m.has_body, body[0] != '\0');
    assert_true(m.body.secret);
    azr_message_clear(&m);
}

static void assert_refused(const struct kp_request *request, kp_status status)
{
    struct azr_message m;
    struct kp_error err = {0};
    azr_message_init(&m);
    assert_int_equal(azr_message_build(&SITE, request, &m, &err), status);
    assert_true(err.text[0] != '\0');
    azr_message_clear(&m);
}

/* ---- Paths ---- */

static void message_each_operation_without_a_body_has_its_path(void **state)
{
    static const struct {
        uint32_t op;
        const char *method;
        const char *path;
    } ROWS[] = {
        {KP_OP_GET_KEY, "GET", "/keys/app?api-version=7.6"},
        {KP_OP_LIST_KEYS, "GET", "/keys?api-version=7.6"},
        {KP_OP_LIST_VERSIONS, "GET", "/keys/app/versions?api-version=7.6"},
        {KP_OP_DELETE, "DELETE", "/keys/app?api-version=7.6"},
        {KP_OP_GET_DELETED, "GET", "/deletedkeys/app?api-version=7.6"},
        {KP_OP_LIST_DELETED, "GET", "/deletedkeys?api-version=7.6"},
        {KP_OP_RECOVER, "POST", "/deletedkeys/app/recover?api-version=7.6"},
        {KP_OP_PURGE, "DELETE", "/deletedkeys/app?api-version=7.6"},
        {KP_OP_BACKUP, "POST", "/keys/app/backup?api-version=7.6"},
        {KP_OP_ROTATE, "POST", "/keys/app/rotate?api-version=7.6"},
        {KP_OP_GET_ROTATION_POLICY, "GET", "/keys/app/rotationpolicy?api-version=7.6"},
        {KP_OP_ATTEST, "GET", "/keys/app/attestation?api-version=7.6"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct kp_request r = request_of(ROWS[i].op);
        assert_built(&r, ROWS[i].method, ROWS[i].path, "");
    }
}

static void message_version_is_in_the_path_where_it_belongs(void **state)
{
    struct kp_request r = request_of(KP_OP_GET_KEY);
    (void)state;
    r.version = kpb_span_str(VERSION);
    assert_built(&r, "GET", "/keys/app/" VERSION "?api-version=7.6", "");
    r.op = KP_OP_ATTEST;
    assert_built(&r, "GET", "/keys/app/" VERSION "/attestation?api-version=7.6", "");
}

static void message_names_that_could_change_the_path_are_refused(void **state)
{
    static const char *const NAMES[] = {"",    "a/b", "..",       "a?b", "a%2fb",
                                        "a b", "a#",  "\xc3\xa4", "a:b"};
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct kp_request r = request_of(KP_OP_GET_KEY);
        r.name = kpb_span_str(NAMES[i]);
        assert_refused(&r, KP_USAGE);
        r.name = kpb_span_str("app");
        r.version = kpb_span_str(NAMES[i]);
        if (NAMES[i][0])
            assert_refused(&r, KP_USAGE);
    }
}

static void message_api_version_that_is_none_is_config(void **state)
{
    static const char *const VERSIONS[] = {"", "7.6&a=b", "7.6#", "7 6",
                                           "123456789012345678901234567890123"};
    const struct kp_request r = request_of(KP_OP_GET_KEY);
    struct azr_message m;
    (void)state;
    azr_message_init(&m);
    for (size_t i = 0; i < sizeof VERSIONS / sizeof VERSIONS[0]; i++) {
        const struct azr_site site = {BASE, VERSIONS[i]};
        assert_int_equal(azr_message_build(&site, &r, &m, NULL), KP_CONFIG);
    }
    azr_message_clear(&m);
}

static void message_operation_that_is_none_is_unsupported(void **state)
{
    const struct kp_request r = request_of(KP_OP_MAX + 1);
    (void)state;
    assert_refused(&r, KP_UNSUPPORTED);
}

static void message_look_and_probe_have_their_own_paths(void **state)
{
    const struct kp_request gone = request_of(KP_OP_DELETE);
    const struct kp_request back = request_of(KP_OP_RECOVER);
    struct azr_message m;
    (void)state;
    azr_message_init(&m);
    assert_int_equal(azr_message_look(&SITE, &gone, &m, NULL), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&m.url), BASE "/deletedkeys/app?api-version=7.6"));
    assert_int_equal(azr_message_look(&SITE, &back, &m, NULL), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&m.url), BASE "/keys/app?api-version=7.6"));
    assert_int_equal(azr_message_probe(&SITE, &m, NULL), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&m.url), BASE "/keys?api-version=7.6&maxresults=1"));
    assert_false(m.has_body);
    azr_message_clear(&m);
}

/* ---- Bodies ---- */

static void message_crypt_has_alg_value_and_what_was_given(void **state)
{
    struct kp_request r = request_of(KP_OP_WRAP);
    (void)state;
    r.alg = KP_ALG_RSA_OAEP_256;
    r.value = kpb_span("\xff\xfe\xfd", 3);
    assert_built(&r, "POST", "/keys/app/wrapkey?api-version=7.6",
                 "{\"alg\":\"RSA-OAEP-256\",\"value\":\"__79\"}");
    r.op = KP_OP_DECRYPT;
    r.alg = KP_ALG_A256GCM;
    r.version = kpb_span_str(VERSION);
    r.iv = kpb_span_str("i");
    r.aad = kpb_span_str("a");
    r.tag = kpb_span_str("t");
    assert_built(&r, "POST", "/keys/app/" VERSION "/decrypt?api-version=7.6",
                 "{\"alg\":\"A256GCM\",\"value\":\"__79\",\"iv\":\"aQ\",\"aad\":\"YQ\",\"tag\":"
                 "\"dA\"}");
}

static void message_verify_has_digest_and_signature(void **state)
{
    struct kp_request r = request_of(KP_OP_VERIFY);
    (void)state;
    r.alg = KP_ALG_ES256;
    r.value = kpb_span_str("d");
    r.signature = kpb_span_str("s");
    assert_built(&r, "POST", "/keys/app/verify?api-version=7.6",
                 "{\"alg\":\"ES256\",\"digest\":\"ZA\",\"value\":\"cw\"}");
}

static void message_algorithm_of_another_operation_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_WRAP);
    (void)state;
    r.alg = KP_ALG_RS256;
    assert_refused(&r, KP_USAGE);
    r.alg = KP_ALG_NONE;
    assert_refused(&r, KP_USAGE);
}

/* An IV used twice under AES-GCM gives the key's authentication away: the HSM makes it. */
static void message_gcm_encrypt_with_an_iv_is_refused(void **state)
{
    struct kp_request r = request_of(KP_OP_ENCRYPT);
    (void)state;
    r.alg = KP_ALG_A256GCM;
    r.iv = kpb_span_str("123456789012");
    assert_refused(&r, KP_USAGE);
    r.alg = KP_ALG_A256CBCPAD;
    r.iv = kpb_span_str("1234567890123456");
    assert_built(&r, "POST", "/keys/app/encrypt?api-version=7.6",
                 "{\"alg\":\"A256CBCPAD\",\"value\":\"\",\"iv\":\"MTIzNDU2Nzg5MDEyMzQ1Ng\"}");
}

static void message_create_says_all_that_was_set(void **state)
{
    const struct kp_tag tags[] = {{kpb_span_str("a\"b"), kpb_span_str("c\\\n")}};
    struct kp_key_params p = params_of(KP_KTY_RSA_HSM);
    struct kp_request r = request_of(KP_OP_CREATE);
    (void)state;
    r.params = &p;
    p.bits = 3072;
    p.public_exponent = 17;
    p.set = KP_SET_KEY_OPS | KP_SET_ENABLED | KP_SET_NOT_BEFORE | KP_SET_EXPIRES | KP_SET_TAGS |
            KP_SET_EXPORTABLE | KP_SET_RELEASE_POLICY;
    p.key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP;
    p.flags = KP_KEY_ENABLED;
    p.not_before_unix_s = -1;
    p.tags = tags;
    p.n_tags = 1;
    p.release_policy = kpb_span_str("{}");
    assert_built(&r, "POST", "/keys/app/create?api-version=7.6",
                 "{\"kty\":\"RSA-HSM\",\"key_size\":3072,\"public_exponent\":17,\"key_ops\":["
                 "\"wrapKey\",\"unwrapKey\"],\"attributes\":{\"enabled\":true,\"nbf\":-1,"
                 "\"exportable\":false},\"tags\":{\"a\\u0022b\":\"c\\u005c\\u000a\"},"
                 "\"release_policy\":{\"data\":\"e30\"}}");
}

static void message_create_sizes_are_as_the_type_needs(void **state)
{
    struct kp_key_params p = params_of(KP_KTY_RSA);
    struct kp_request r = request_of(KP_OP_CREATE);
    (void)state;
    r.params = &p;
    assert_built(&r, "POST", "/keys/app/create?api-version=7.6", "{\"kty\":\"RSA\"}");
    p.kty = KP_KTY_OCT_HSM;
    assert_built(&r, "POST", "/keys/app/create?api-version=7.6",
                 "{\"kty\":\"oct-HSM\",\"key_size\":256}");
    p.kty = KP_KTY_EC;
    p.curve = KP_CURVE_P256K;
    p.bits = 256;
    assert_built(&r, "POST", "/keys/app/create?api-version=7.6",
                 "{\"kty\":\"EC\",\"crv\":\"P-256K\"}");
}

static void message_import_numbers_are_minimal_and_coordinates_whole(void **state)
{
    struct kp_key_params p = params_of(KP_KTY_RSA);
    struct kp_request r = request_of(KP_OP_IMPORT);
    (void)state;
    r.params = &p;
    p.n = kpb_span("\0\0\1", 3);
    p.e = kpb_span("\1\0\1", 3);
    p.d = kpb_span("\0\2", 2);
    assert_built(&r, "PUT", "/keys/app?api-version=7.6",
                 "{\"key\":{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\",\"d\":\"Ag\"}}");
    p = params_of(KP_KTY_EC_HSM);
    p.curve = KP_CURVE_P256;
    p.x = kpb_span("\1", 1);
    p.y = kpb_span("\2", 1);
    p.d = kpb_span("\3", 1);
    assert_built(&r, "PUT", "/keys/app?api-version=7.6",
                 "{\"Hsm\":true,\"key\":{\"kty\":\"EC-HSM\",\"crv\":\"P-256\","
                 "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
                 "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI\","
                 "\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM\"}}");
}

static void message_import_byok_is_the_blob_alone(void **state)
{
    struct kp_key_params p = params_of(KP_KTY_RSA_HSM);
    struct kp_request r = request_of(KP_OP_IMPORT_BYOK);
    (void)state;
    r.params = &p;
    assert_refused(&r, KP_USAGE);
    p.key_hsm = kpb_span_str("{}");
    assert_built(&r, "PUT", "/keys/app?api-version=7.6",
                 "{\"Hsm\":true,\"key\":{\"kty\":\"RSA-HSM\",\"key_hsm\":\"e30\"}}");
    p.kty = KP_KTY_NONE;
    assert_refused(&r, KP_USAGE);
}

static void message_update_names_only_what_changes(void **state)
{
    struct kp_key_params p = params_of(KP_KTY_NONE);
    struct kp_request r = request_of(KP_OP_UPDATE);
    (void)state;
    r.params = &p;
    assert_built(&r, "PATCH", "/keys/app?api-version=7.6", "{}");
    p.set = KP_SET_TAGS | KP_SET_ENABLED;
    assert_built(&r, "PATCH", "/keys/app?api-version=7.6",
                 "{\"attributes\":{\"enabled\":false},\"tags\":{}}");
    p.set = KP_SET_EXPIRES; /* to none */
    assert_refused(&r, KP_UNSUPPORTED);
}

static void message_text_that_is_not_utf8_is_refused(void **state)
{
    const struct kp_tag tags[] = {{kpb_span_str("a"), kpb_span_str("\xff")}};
    struct kp_key_params p = params_of(KP_KTY_RSA);
    struct kp_request r = request_of(KP_OP_CREATE);
    (void)state;
    r.params = &p;
    p.set = KP_SET_TAGS;
    p.tags = tags;
    p.n_tags = 1;
    assert_refused(&r, KP_USAGE);
    r = request_of(KP_OP_RELEASE);
    assert_refused(&r, KP_USAGE);
    r.value = kpb_span_str("\xc3");
    assert_refused(&r, KP_USAGE);
}

static void message_without_what_it_needs_is_refused(void **state)
{
    static const uint32_t OPS[] = {KP_OP_CREATE, KP_OP_IMPORT, KP_OP_UPDATE,
                                   KP_OP_SET_ROTATION_POLICY};
    (void)state;
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        struct kp_request r = request_of(OPS[i]);
        assert_refused(&r, KP_USAGE);
    }
}

static void message_rotation_policy_has_one_trigger_a_rule(void **state)
{
    struct kp_rotation_policy policy = {.struct_size = sizeof policy};
    struct kp_request r = request_of(KP_OP_SET_ROTATION_POLICY);
    (void)state;
    r.policy = &policy;
    assert_built(&r, "PUT", "/keys/app/rotationpolicy?api-version=7.6",
                 "{\"lifetimeActions\":[],\"attributes\":{}}");
    policy.n_rules = 1;
    policy.rules[0].action = KP_ROTATION_ROTATE;
    policy.rules[0].trigger = KP_TRIGGER_BEFORE_EXPIRY;
    policy.rules[0].duration = kpb_span_str("P30D");
    policy.expiry = kpb_span_str("P2Y");
    assert_built(&r, "PUT", "/keys/app/rotationpolicy?api-version=7.6",
                 "{\"lifetimeActions\":[{\"trigger\":{\"timeBeforeExpiry\":\"P30D\"},\"action\":{"
                 "\"type\":\"Rotate\"}}],\"attributes\":{\"expiryTime\":\"P2Y\"}}");
    policy.expiry = kpb_span_str("P2Y\",\"x\":\"");
    assert_refused(&r, KP_USAGE);
    policy.expiry = kpb_span_str("P2Y");
    policy.rules[0].duration = kpb_span_str("soon");
    assert_refused(&r, KP_USAGE);
}

/* What a backup answers fits into a restore: both are bounded by the same length of JSON. */
static void message_restore_takes_whatever_a_backup_answers(void **state)
{
    static uint8_t blob[KP_BACKUP_MAX_LEN];
    struct azr_message m;
    struct kp_request r = request_of(KP_OP_RESTORE);
    (void)state;
    r.name = kpb_span(NULL, 0);
    r.value = kpb_span(blob, (AZR_BACKUP_REPLY_MAX_LEN - sizeof "{\"value\":\"\"}") / 4 * 3);
    azr_message_init(&m);
    struct kp_error err;
    if (azr_message_build(&SITE, &r, &m, &err) != KP_OK)
        fail_msg("%s", err.text);
    assert_in_range(m.body.len, AZR_BACKUP_REPLY_MAX_LEN - 8, AZR_BACKUP_REPLY_MAX_LEN);
    azr_message_clear(&m);
}

static void message_restore_random_and_release_have_their_bodies(void **state)
{
    struct kp_request r = request_of(KP_OP_RESTORE);
    (void)state;
    r.value = kpb_span_str("blob");
    assert_built(&r, "POST", "/keys/restore?api-version=7.6", "{\"value\":\"YmxvYg\"}");
    r = request_of(KP_OP_RANDOM);
    r.count = 16;
    assert_built(&r, "POST", "/rng?api-version=7.6", "{\"count\":16}");
    r = request_of(KP_OP_RELEASE);
    r.value = kpb_span_str("a.b.c");
    r.nonce = kpb_span_str("n");
    r.enc = kpb_span_str("CKM_RSA_AES_KEY_WRAP");
    assert_built(&r, "POST", "/keys/app/release?api-version=7.6",
                 "{\"target\":\"a.b.c\",\"nonce\":\"n\",\"enc\":\"CKM_RSA_AES_KEY_WRAP\"}");
}

/* ---- Memory ---- */

static void message_second_of_a_kind_allocates_nothing(void **state)
{
    struct kp_request r = request_of(KP_OP_WRAP);
    uint8_t value[32] = {0};
    struct azr_message m;
    (void)state;
    r.alg = KP_ALG_RSA_OAEP;
    r.value = kpb_span(value, sizeof value);
    r.version = kpb_span_str(VERSION);
    azr_message_init(&m);
    assert_int_equal(azr_message_build(&SITE, &r, &m, NULL), KP_OK);
    const uint8_t *url = m.url.ptr;
    const uint8_t *body = m.body.ptr;
    failing_heap_use(1); /* the next allocation would fail */
    r.op = KP_OP_UNWRAP;
    r.version = kpb_span_str("fedcba9876543210fedcba98765432");
    assert_int_equal(azr_message_build(&SITE, &r, &m, NULL), KP_OK);
    assert_null(failing_heap_site());
    failing_heap_drop();
    assert_ptr_equal(m.url.ptr, url);
    assert_ptr_equal(m.body.ptr, body);
    azr_message_clear(&m);
}

static void message_each_allocation_failing_has_the_number_of_its_step(void **state)
{
    static const struct {
        uint32_t op;
        uint32_t url_code;
        uint32_t body_code;
    } ROWS[] = {{KP_OP_WRAP, 3601, 3603},
                {KP_OP_UNWRAP, 3701, 3703},
                {KP_OP_GET_KEY, 3401, 0},
                {KP_OP_BACKUP, 3501, 0},
                {KP_OP_SIGN, 2051, 2051}};
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct kp_request r = request_of(ROWS[i].op);
        r.alg = ROWS[i].op == KP_OP_SIGN ? KP_ALG_RS256 : KP_ALG_RSA_OAEP;
        for (unsigned nth = 1; nth <= (ROWS[i].body_code ? 2u : 1u); nth++) {
            struct azr_message m;
            struct kp_error err;
            failing_heap_use(nth);
            azr_message_init(&m);
            assert_int_equal(azr_message_build(&SITE, &r, &m, &err), KP_NO_MEMORY);
            assert_int_equal(err.code, nth == 1 ? ROWS[i].url_code : ROWS[i].body_code);
            assert_non_null(strstr(err.text, failing_heap_site()));
            azr_message_clear(&m);
            assert_int_equal(failing_heap_live(), 0);
            failing_heap_drop();
        }
    }
}

static void message_larger_than_the_protocol_allows_is_usage(void **state)
{
    struct kp_request r = request_of(KP_OP_RESTORE);
    uint8_t *blob = calloc(1, AZR_BODY_MAX_LEN);
    (void)state;
    assert_non_null(blob);
    r.value = kpb_span(blob, AZR_BODY_MAX_LEN);
    assert_refused(&r, KP_USAGE);
    r.value = kpb_span(blob, SIZE_MAX / 2);
    assert_refused(&r, KP_USAGE);
    free(blob);
}

/* ---- Pages ---- */

static void message_page_says_its_query_and_our_version(void **state)
{
    struct kp_request r = request_of(KP_OP_LIST_KEYS);
    (void)state;
    r.page_size = 6;
    assert_built(&r, "GET", "/keys?api-version=7.6&maxresults=6", "");
    r.page_token = kpb_span_str("0000001.0123456789abcdef.$skiptoken=abc&maxresults=6");
    assert_built(&r, "GET", "/keys?api-version=7.6&$skiptoken=abc&maxresults=6", "");
}

static void message_page_token_of_other_making_is_refused(void **state)
{
    static const char *const TOKENS[] = {"x",
                                         "1.",
                                         "1.0123456789abcdef",
                                         "1.0123456789abcdef.",
                                         "1.0123456789ABCDEF.a=b",
                                         "1.0123456789abcde.a=b",
                                         "1.0123456789abcdef.a b",
                                         "1.0123456789abcdef.a#b",
                                         "1.0123456789abcdef.a\nb",
                                         "1.0123456789abcdef.\xc3\xa4",
                                         "12345678.0123456789abcdef.a=b",
                                         ".0123456789abcdef.a=b",
                                         "1.0123456789abcdef.a\"b",
                                         "1.0123456789abcdef.a\\b"};
    (void)state;
    for (size_t i = 0; i < sizeof TOKENS / sizeof TOKENS[0]; i++) {
        struct kp_request r = request_of(KP_OP_LIST_KEYS);
        r.page_token = kpb_span_str(TOKENS[i]);
        assert_refused(&r, KP_USAGE);
    }
}

/* Follows links as a service would give them; returns how it ended. */
static kp_status next_of(const char *token, const char *link, kp_buf *out)
{
    struct azr_page page;
    struct kp_error err;
    assert_int_equal(azr_page_read(kpb_span_str(token), &page, NULL), KP_OK);
    kp_buf_reset(out);
    return azr_page_next(BASE, kpb_span_str("/keys"), &page, kpb_span_str(link), out, &err);
}

static void page_keeps_the_query_of_our_own_list_only(void **state)
{
    static const char *const BAD[] = {"http://app.vault.azure.net/keys?a=b",
                                      "https://evil.example/keys?a=b",
                                      "https://app.vault.azure.net:8443/keys?a=b",
                                      "https://app.vault.azure.net.evil.example/keys?a=b",
                                      "https://app.vault.azure.net@evil.example/keys?a=b",
                                      "https://app.vault.azure.net/secrets?a=b",
                                      "https://app.vault.azure.net/keys/app?a=b",
                                      "https://app.vault.azure.net/keys/../secrets?a=b",
                                      "https://app.vault.azure.net/keys?a=b#c",
                                      "https://app.vault.azure.net/keys?a=b c",
                                      "https://app.vault.azure.net/keys?api-version=7.6",
                                      "https://app.vault.azure.net/keys?",
                                      "https://app.vault.azure.net/keys",
                                      "https://app.vault.azure.net",
                                      "/keys?a=b",
                                      ""};
    kp_buf out;
    (void)state;
    kp_buf_init_secret(&out, "test", AZR_PAGE_TOKEN_MAX_LEN);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (next_of("", BAD[i], &out) != KP_PROTOCOL)
            fail_msg("followed %s", BAD[i]);
    }
    assert_int_equal(next_of("",
                             "https://APP.vault.azure.net:443/keys?api-version=7.6&"
                             "$skiptoken=x&API-Version=7.5&maxresults=2",
                             &out),
                     KP_OK);
    assert_true(kpb_span_starts_with(kp_buf_view(&out), "0000001."));
    assert_true(kpb_span_ends_with_nocase(kp_buf_view(&out), ".$skiptoken=x&maxresults=2"));
    kp_buf_clear(&out);
}

/* Links of a chain that runs into a circle after `tail` pages, `circle` pages long. */
static unsigned pages_until_refused(unsigned tail, unsigned circle)
{
    char token[256] = "";
    kp_buf out;
    unsigned n = 0;
    kp_buf_init(&out, "test", AZR_PAGE_TOKEN_MAX_LEN);
    for (; n < 10000; n++) {
        char link[128];
        unsigned at = n < tail ? n : tail + (n - tail) % circle;
        (void)snprintf(link, sizeof link, BASE "/keys?$skiptoken=t%u", at);
        if (next_of(token, link, &out) != KP_OK)
            break;
        (void)snprintf(token, sizeof token, "%.*s", (int)out.len, (const char *)out.ptr);
    }
    kp_buf_clear(&out);
    return n;
}

static void page_chain_that_runs_in_a_circle_is_ended(void **state)
{
    (void)state;
    assert_int_equal(pages_until_refused(1, 1), 2);
    assert_true(pages_until_refused(0, 2) < 8);
    assert_true(pages_until_refused(5, 3) < 32);
    assert_true(pages_until_refused(100, 77) < 1000);
    assert_int_equal(pages_until_refused(10000, 1), 10000);
}

static void page_after_the_last_that_is_counted_is_refused(void **state)
{
    kp_buf out;
    (void)state;
    kp_buf_init(&out, "test", AZR_PAGE_TOKEN_MAX_LEN);
    assert_int_equal(next_of("0999999.0123456789abcdef.a=b", BASE "/keys?c=d", &out), KP_OK);
    assert_int_equal(next_of("1000000.0123456789abcdef.a=b", BASE "/keys?c=d", &out), KP_PROTOCOL);
    kp_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_each_operation_without_a_body_has_its_path),
        cmocka_unit_test(message_version_is_in_the_path_where_it_belongs),
        cmocka_unit_test(message_names_that_could_change_the_path_are_refused),
        cmocka_unit_test(message_api_version_that_is_none_is_config),
        cmocka_unit_test(message_operation_that_is_none_is_unsupported),
        cmocka_unit_test(message_look_and_probe_have_their_own_paths),
        cmocka_unit_test(message_crypt_has_alg_value_and_what_was_given),
        cmocka_unit_test(message_verify_has_digest_and_signature),
        cmocka_unit_test(message_algorithm_of_another_operation_is_refused),
        cmocka_unit_test(message_gcm_encrypt_with_an_iv_is_refused),
        cmocka_unit_test(message_create_says_all_that_was_set),
        cmocka_unit_test(message_create_sizes_are_as_the_type_needs),
        cmocka_unit_test(message_import_numbers_are_minimal_and_coordinates_whole),
        cmocka_unit_test(message_import_byok_is_the_blob_alone),
        cmocka_unit_test(message_update_names_only_what_changes),
        cmocka_unit_test(message_text_that_is_not_utf8_is_refused),
        cmocka_unit_test(message_without_what_it_needs_is_refused),
        cmocka_unit_test(message_rotation_policy_has_one_trigger_a_rule),
        cmocka_unit_test(message_restore_takes_whatever_a_backup_answers),
        cmocka_unit_test(message_restore_random_and_release_have_their_bodies),
        cmocka_unit_test(message_second_of_a_kind_allocates_nothing),
        cmocka_unit_test(message_each_allocation_failing_has_the_number_of_its_step),
        cmocka_unit_test(message_larger_than_the_protocol_allows_is_usage),
        cmocka_unit_test(message_page_says_its_query_and_our_version),
        cmocka_unit_test(message_page_token_of_other_making_is_refused),
        cmocka_unit_test(page_keeps_the_query_of_our_own_list_only),
        cmocka_unit_test(page_chain_that_runs_in_a_circle_is_ended),
        cmocka_unit_test(page_after_the_last_that_is_counted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
