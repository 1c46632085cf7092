#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/keyfile.h"
#include "plugins/file-test/seal.h"

/* An EC key file as the vault writes it; "private" is only text here. */
#define ID "0123456789abcdef0123456789abcdef"
#define VERSION                                                                                    \
    "{\"version\":\"" ID "\",\"kty\":\"EC\",\"crv\":\"P-256\",\"bits\":256,"                       \
    "\"key_ops\":[\"sign\",\"verify\"],\"enabled\":true,\"nbf\":1,\"exp\":2,\"created\":3,"        \
    "\"updated\":4,\"tags\":{\"a\":\"b\"},\"x\":\"AQID\",\"y\":\"BAUG\",\"private\":\"c2VjcmV0\"}"
#define FILE_OF(versions, rest)                                                                    \
    "{\"format\":1,\"name\":\"app\",\"versions\":[" versions "]" rest "}"
#define POLICY                                                                                     \
    ",\"rotation_policy\":{\"rules\":[{\"action\":\"Rotate\",\"trigger\":\"timeAfterCreate\","     \
    "\"duration\":\"P30D\"}],\"expiry\":\"P1Y\",\"created\":5,\"updated\":6}"
#define DELETED ",\"deleted\":{\"at\":7,\"purge_at\":8}"

static kp_status decode(struct ft_keyfile *file, const char *text, struct kp_error *err)
{
    ft_keyfile_init(file, true);
    kp_error_init(err);
    assert_int_equal(kp_buf_append_str(&file->raw, text), KP_OK);
    return ft_keyfile_decode(file, kpb_span_str("app"), err);
}

static void keyfile_decode_whole_file_is_read(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    (void)state;
    assert_int_equal(decode(&file, FILE_OF(VERSION, POLICY DELETED), &err), KP_OK);
    const struct ft_version *v = ft_keyfile_current(&file);
    assert_string_equal(file.name, "app");
    assert_string_equal(v->id, ID);
    assert_int_equal(v->kty, KP_KTY_EC);
    assert_int_equal(v->curve, KP_CURVE_P256);
    assert_int_equal(v->key_ops, KP_KEY_OP_SIGN | KP_KEY_OP_VERIFY);
    assert_true(v->enabled);
    assert_int_equal(v->not_before_unix_s, 1);
    assert_int_equal(v->expires_unix_s, 2);
    assert_int_equal(v->created_unix_s, 3);
    assert_int_equal(v->updated_unix_s, 4);
    assert_int_equal(v->n_tags, 1);
    assert_true(kpb_span_eq_str(v->tags[0].value, "b"));
    assert_memory_equal(v->x.ptr, "\1\2\3", 3);
    assert_true(kpb_span_eq_str(v->sealed, "c2VjcmV0"));
    assert_true(file.has_policy);
    assert_true(kpb_span_eq_str(file.policy.expiry, "P1Y"));
    assert_int_equal(file.deleted_unix_s, 7);
    assert_int_equal(file.purge_unix_s, 8);
    ft_keyfile_clear(&file);
}

/* A tag may have any name: that of the member which holds the secret is none of them all. */
static void keyfile_decode_tag_named_private_keeps_its_value(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    char text[] = FILE_OF(VERSION, "");
    const char wanted[] = "{\"private\":\"yes\"}";
    char *tags = strstr(text, "{\"a\":\"b\"}");
    char long_text[sizeof text + sizeof wanted];
    (void)state;
    (void)snprintf(long_text, sizeof long_text, "%.*s%s%s", (int)(tags - text), text, wanted,
                   tags + strlen("{\"a\":\"b\"}"));
    assert_int_equal(decode(&file, long_text, &err), KP_OK);
    const struct ft_version *v = ft_keyfile_current(&file);
    assert_int_equal(v->n_tags, 1);
    assert_true(kpb_span_eq_str(v->tags[0].name, "private"));
    assert_true(kpb_span_eq_str(v->tags[0].value, "yes"));
    assert_true(kpb_span_eq_str(v->sealed, "c2VjcmV0"));
    ft_keyfile_clear(&file);
}

static void keyfile_encode_comes_back_the_same(void **state)
{
    struct ft_keyfile file, again;
    struct kp_error err;
    kp_buf first, second;
    (void)state;
    assert_int_equal(decode(&file, FILE_OF(VERSION, POLICY DELETED), &err), KP_OK);
    kp_buf_init_secret(&first, "test", FT_KEYFILE_MAX_LEN);
    kp_buf_init_secret(&second, "test", FT_KEYFILE_MAX_LEN);
    assert_int_equal(ft_keyfile_encode(&file, &first, &err), KP_OK);
    ft_keyfile_init(&again, true);
    assert_int_equal(kp_buf_append(&again.raw, kp_buf_view(&first)), KP_OK);
    assert_int_equal(ft_keyfile_decode(&again, kpb_span_str("app"), &err), KP_OK);
    assert_int_equal(ft_keyfile_encode(&again, &second, &err), KP_OK);
    assert_true(kpb_span_eq(kp_buf_view(&first), kp_buf_view(&second)));
    kp_buf_clear(&first);
    kp_buf_clear(&second);
    ft_keyfile_clear(&file);
    ft_keyfile_clear(&again);
}

/* A file cut anywhere is damaged, and says so in one sentence. */
static void keyfile_decode_every_prefix_is_refused(void **state)
{
    static const char TEXT[] = FILE_OF(VERSION, POLICY DELETED);
    char cut[sizeof TEXT];
    (void)state;
    for (size_t n = 0; n + 1 < sizeof TEXT; n++) {
        struct ft_keyfile file;
        struct kp_error err;
        memcpy(cut, TEXT, n);
        cut[n] = '\0';
        if (decode(&file, cut, &err) != KP_INTEGRITY)
            fail_msg("accepted after %zu bytes", n);
        assert_true(err.text[0] != '\0');
        ft_keyfile_clear(&file);
    }
}

struct malformed {
    const char *text;
    const char *says;
};

static void keyfile_decode_malformed_files_name_the_member(void **state)
{
    static const struct malformed CASES[] = {
        {"[]", "not a JSON object"},
        {"{}", "\"format\" is missing"},
        {"{\"format\":\"1\"}", "\"format\" is not an integer"},
        {FILE_OF(VERSION, ",\"x\":1"), "unknown member \"x\""},
        {FILE_OF("", ""), "\"versions\" is empty"},
        {FILE_OF("1", ""), "versions[0]: an entry"},
        {FILE_OF("{}", ""), "versions[0]: member \"version\" is missing"},
        {FILE_OF(VERSION "," VERSION, ""), "versions[1]: a version id stands there twice"},
        {"{\"format\":1,\"name\":\"b\",\"versions\":[" VERSION "]}", "it holds the key 'b'"},
        {"{\"format\":1,\"name\":\"a/b\",\"versions\":[" VERSION "]}", "no key name"},
        {"{\"format\":1,\"name\":3,\"versions\":[" VERSION "]}", "\"name\" is not a string"},
        {"{\"format\":1,\"name\":\"app\",\"versions\":{}}", "\"versions\" is not an array"},
        {"{\"format\":1,\"format\":1}", "not valid JSON"},
        {FILE_OF(VERSION, ",\"deleted\":{\"at\":-1,\"purge_at\":8}"), "\"at\" is no point in time"},
        {FILE_OF(VERSION, ",\"deleted\":{\"at\":1}"), "\"purge_at\" is missing"},
        {FILE_OF(VERSION, ",\"rotation_policy\":{\"rules\":[{\"action\":\"x\",\"trigger\":\"y\","
                          "\"duration\":\"P30D\"}],\"created\":1,\"updated\":1}"),
         "\"rotation_policy\""},
        {"[[[[[[[[[[[[]]]]]]]]]]]]", "deeper than"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ft_keyfile file;
        struct kp_error err;
        assert_int_equal(decode(&file, CASES[i].text, &err), KP_INTEGRITY);
        if (!strstr(err.text, CASES[i].says))
            fail_msg("case %zu says: %s", i, err.text);
        ft_keyfile_clear(&file);
    }
}

/* One member of a good version replaced by a bad one. */
static void keyfile_decode_bad_members_of_a_version_are_refused(void **state)
{
    static const char *const CASES[][2] = {
        {"\"version\":\"" ID "\"", "\"version\":\"0123\""},
        {"\"version\":\"" ID "\"", "\"version\":\"0123456789ABCDEF0123456789abcdef\""},
        {"\"kty\":\"EC\"", "\"kty\":\"ec\""},
        {"\"kty\":\"EC\"", "\"kty\":\"RSA\""},
        {"\"crv\":\"P-256\"", "\"crv\":\"P-257\""},
        {"\"bits\":256", "\"bits\":0"},
        {"\"bits\":256", "\"bits\":99999999999999999999"},
        {"\"bits\":256", "\"bits\":256.5"},
        {"[\"sign\",\"verify\"]", "[\"sign\",\"sign\"]"},
        {"[\"sign\",\"verify\"]", "[\"sing\"]"},
        {"[\"sign\",\"verify\"]", "[1]"},
        {"[\"sign\",\"verify\"]", "\"sign\""},
        {"\"enabled\":true", "\"enabled\":1"},
        {"\"enabled\":true,", ""},
        {"\"nbf\":1", "\"nbf\":-5"},
        {"\"exp\":2", "\"exp\":999999999999999"},
        {"\"created\":3", "\"created\":null"},
        {"{\"a\":\"b\"}", "{\"a\":1}"},
        {"{\"a\":\"b\"}", "[]"},
        {"\"x\":\"AQID\"", "\"x\":\"AQ*D\""},
        {"\"x\":\"AQID\"", "\"x\":5"},
        {"\"private\":\"c2VjcmV0\"", "\"private\":5"},
        {"\"private\":\"c2VjcmV0\"", "\"private\":\"\""},
        {"\"private\":\"c2VjcmV0\"", "\"private\":{}"},
        {"\"private\":\"c2VjcmV0\"", "\"priv\\u0061te\":\"c2VjcmV0\""},
        {",\"private\":\"c2VjcmV0\"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        static const char GOOD[] = FILE_OF(VERSION, "");
        char text[2048];
        struct ft_keyfile file;
        struct kp_error err;
        const char *at = strstr(GOOD, CASES[i][0]);
        assert_non_null(at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - GOOD), GOOD, CASES[i][1],
                       at + strlen(CASES[i][0]));
        if (decode(&file, text, &err) != KP_INTEGRITY)
            fail_msg("accepted: %s", text);
        assert_non_null(strstr(err.text, "versions[0]") ? err.text
                                                        : strstr(err.text, "not valid JSON"));
        ft_keyfile_clear(&file);
    }
}

static void keyfile_decode_newer_format_is_unsupported(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    (void)state;
    assert_int_equal(decode(&file, "{\"format\":2,\"future\":true}", &err), KP_UNSUPPORTED);
    assert_non_null(strstr(err.text, "format 2"));
    ft_keyfile_clear(&file);
}

/* No error may show what stands in "private". */
static void keyfile_decode_errors_hold_no_secret(void **state)
{
    static const char *const TEXTS[] = {
        FILE_OF("{\"private\":\"SECRETSECRET\"", ""),
        "{\"private\":\"SECRETSECRET\",,",
        "{\"private\":\"SECRETSECRET",
        "{\"private\"  :\n \"SECRETSECRET\" \"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct ft_keyfile file;
        struct kp_error err;
        assert_int_equal(decode(&file, TEXTS[i], &err), KP_INTEGRITY);
        assert_null(strstr(err.text, "SECRET"));
        ft_keyfile_clear(&file);
    }
}

/* Bytes replaced, repeated and dropped at random: refused or read, but never more than that. */
static void keyfile_decode_survives_random_damage(void **state)
{
    static const char TEXT[] = FILE_OF(VERSION, POLICY DELETED);
    static const char ALPHABET[] = "{}[]\":,\\0123456789truefalsn eE+-.\x01\xff";
    uint64_t random = 42;
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char text[2 * sizeof TEXT];
        struct ft_keyfile file;
        struct kp_error err;
        memcpy(text, TEXT, sizeof TEXT);
        for (int k = 0; k < 3; k++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t at = (random >> 33) % strlen(text);
            char c = ALPHABET[(random >> 50) % (sizeof ALPHABET - 1)];
            if (random >> 48 & 1)
                text[at] = c;
            else
                memmove(text + at, text + at + 1, strlen(text + at));
        }
        kp_status st = decode(&file, text, &err);
        assert_true(st == KP_OK || st == KP_INTEGRITY || st == KP_UNSUPPORTED);
        ft_keyfile_clear(&file);
    }
}

static void keyfile_add_keeps_old_versions_and_their_texts(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    (void)state;
    assert_int_equal(decode(&file, FILE_OF(VERSION, ""), &err), KP_OK);
    struct ft_version v = *ft_keyfile_current(&file);
    v.id[0] = 'f';
    assert_int_equal(ft_keyfile_add(&file, &v, kpb_span_str("bmV3"), &err), KP_OK);
    assert_int_equal(file.n_versions, 2);
    assert_true(kpb_span_eq_str(file.versions[0].sealed, "c2VjcmV0"));
    assert_true(kpb_span_eq_str(file.versions[1].sealed, "bmV3"));
    assert_ptr_equal(ft_keyfile_find(&file, kpb_span_str(ID)), &file.versions[0]);
    assert_ptr_equal(ft_keyfile_find(&file, kpb_span(NULL, 0)), &file.versions[1]);
    assert_null(ft_keyfile_find(&file, kpb_span_str("0123")));
    ft_keyfile_clear(&file);
}

static void keyfile_encode_beyond_the_limit_is_a_conflict(void **state)
{
    struct ft_keyfile file;
    struct kp_error err;
    kp_buf out;
    (void)state;
    assert_int_equal(decode(&file, FILE_OF(VERSION, ""), &err), KP_OK);
    kp_buf_init_secret(&out, "test", 100);
    assert_int_equal(ft_keyfile_encode(&file, &out, &err), KP_CONFLICT);
    kp_buf_clear(&out);
    ft_keyfile_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyfile_decode_whole_file_is_read),
        cmocka_unit_test(keyfile_decode_tag_named_private_keeps_its_value),
        cmocka_unit_test(keyfile_encode_comes_back_the_same),
        cmocka_unit_test(keyfile_decode_every_prefix_is_refused),
        cmocka_unit_test(keyfile_decode_malformed_files_name_the_member),
        cmocka_unit_test(keyfile_decode_bad_members_of_a_version_are_refused),
        cmocka_unit_test(keyfile_decode_newer_format_is_unsupported),
        cmocka_unit_test(keyfile_decode_errors_hold_no_secret),
        cmocka_unit_test(keyfile_decode_survives_random_damage),
        cmocka_unit_test(keyfile_add_keeps_old_versions_and_their_texts),
        cmocka_unit_test(keyfile_encode_beyond_the_limit_is_a_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
