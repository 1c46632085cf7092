#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/keyfile.h"
#include "support/file_vault.h"

#define DAY_S INT64_C(86400)

static struct file_vault vault;
static char dir[FV_PATH_LEN];

static int open_plain(void **state)
{
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&vault, dir, NULL);
    vault.host.use_threads = true;
    return 0;
}

static int close_plain(void **state)
{
    (void)state;
    fv_close(&vault);
    fv_remove_temp(dir);
    return 0;
}

static void reopen(const char *const (*settings)[2])
{
    int64_t now = vault.host.now_unix_s;
    fv_close(&vault);
    fv_open_ok(&vault, dir, settings);
    vault.host.now_unix_s = now;
}

static kp_status create_with(const char *name, const struct kp_key_params *params,
                             struct fake_result *result)
{
    struct kp_request request = fv_request(KP_OP_CREATE, name, NULL);
    request.params = params;
    return fv_call(&vault, &request, result);
}

/* ---- Create ---- */

static void create_answers_what_get_answers(void **state)
{
    struct fake_result made, got;
    struct kp_tag tags[] = {{fv_span("team"), fv_span("db \"a\"\\\n\xc3\xa4")},
                            {fv_span("empty"), fv_span("")}};
    struct kp_key_params params = fv_params(KP_KTY_RSA, 2048, 0);
    (void)state;
    params.set = KP_SET_TAGS | KP_SET_KEY_OPS | KP_SET_EXPIRES | KP_SET_NOT_BEFORE | KP_SET_ENABLED;
    params.tags = tags;
    params.n_tags = 2;
    params.key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP;
    params.expires_unix_s = 4102444800;
    params.not_before_unix_s = 1;
    assert_int_equal(create_with("app", &params, &made), KP_OK);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &got), KP_OK);
    for (int i = 0; i < 2; i++) {
        const struct kp_key_info *key = i == 0 ? made.reply.key : got.reply.key;
        assert_true(fv_span_is(key->name, "app"));
        assert_int_equal(key->version.len, 32);
        assert_int_equal(key->kty, KP_KTY_RSA);
        assert_int_equal(key->bits, 2048);
        assert_int_equal(key->n.len, 256);
        assert_memory_equal(key->e.ptr, "\1\0\1", 3);
        assert_int_equal(key->key_ops, params.key_ops);
        assert_int_equal(key->flags, 0);
        assert_int_equal(key->expires_unix_s, 4102444800);
        assert_int_equal(key->not_before_unix_s, 1);
        assert_int_equal(key->created_unix_s, vault.host.now_unix_s);
        assert_int_equal(key->updated_unix_s, vault.host.now_unix_s);
        assert_true(key->deleted_unix_s == KP_TIME_NONE);
        assert_int_equal(key->recoverable_days, 90);
        assert_true(fv_span_is(key->recovery_level, "Recoverable+Purgeable"));
        assert_true(fv_span_is(key->hsm_platform, "0"));
        assert_int_equal(key->n_tags, 2);
        assert_true(kpb_span_eq(key->tags[0].value, tags[0].value));
        assert_int_equal(key->tags[1].value.len, 0);
    }
    assert_true(kpb_span_eq(made.reply.key->version, got.reply.key->version));
    fake_result_clear(&made);
    fake_result_clear(&got);
}

static void create_on_an_existing_name_adds_a_version(void **state)
{
    char first[33], second[33];
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, first);
    fv_create(&vault, "app", KP_KTY_EC, 0, KP_CURVE_P384, second);
    assert_string_not_equal(first, second);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.version, second));
    assert_int_equal(result.reply.key->kty, KP_KTY_EC);
    assert_int_equal(result.reply.key->x.len, 48);
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", first, &result), KP_OK);
    assert_int_equal(result.reply.key->kty, KP_KTY_OCT);
    fake_result_clear(&result);
}

static void create_defaults_are_the_services(void **state)
{
    static const struct {
        uint32_t kty;
        uint32_t bits;
        uint32_t key_ops;
    } CASES[] = {{KP_KTY_RSA, 2048, 0x3f}, {KP_KTY_EC, 256, 0x0c}, {KP_KTY_OCT, 256, 0x3f}};
    struct fake_result result;
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct kp_key_params params = fv_params(CASES[i].kty, 0, 0);
        assert_int_equal(create_with("app", &params, &result), KP_OK);
        assert_int_equal(result.reply.key->bits, CASES[i].bits);
        assert_int_equal(result.reply.key->key_ops, CASES[i].key_ops);
        assert_int_equal(result.reply.key->flags, KP_KEY_ENABLED);
        fake_result_clear(&result);
    }
}

static void create_names_that_differ_in_case_are_two_keys(void **state)
{
    char lower[33], upper[33];
    struct fake_result result;
    (void)state;
    fv_create(&vault, "con", KP_KTY_OCT, 256, 0, lower);
    fv_create(&vault, "CON", KP_KTY_OCT, 256, 0, upper);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "con", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.version, lower));
    fake_result_clear(&result);
    fv_must(&vault, KP_OP_DELETE, "con", NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "CON", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.version, upper));
    fake_result_clear(&result);
}

struct malformed {
    const char *name;
    struct kp_key_params params;
    kp_status want;
    const char *says;
};

static void assert_all_refused(const struct malformed *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct fake_result result;
        struct kp_key_params params = cases[i].params;
        params.struct_size = sizeof params;
        if (create_with(cases[i].name, &params, &result) != cases[i].want)
            fail_msg("case %zu: %d %s", i, result.status, result.error.text);
        if (cases[i].says && !strstr(result.error.text, cases[i].says))
            fail_msg("case %zu says: %s", i, result.error.text);
        if (cases[i].want == KP_USAGE)
            assert_int_equal(result.error.code, KP_CODE_ErrorHttpResponseCodeClientError);
        fake_result_clear(&result);
    }
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_NOT_FOUND);
}

static void create_malformed_requests_are_refused_each_with_its_sentence(void **state)
{
    static const struct malformed CASES[] = {
        {"", {.kty = KP_KTY_OCT}, KP_USAGE, "key name"},
        {"a b", {.kty = KP_KTY_OCT}, KP_USAGE, "'a b'"},
        {"app", {.kty = 0}, KP_USAGE, "key type"},
        {"app", {.kty = 77}, KP_USAGE, "key type"},
        {"app", {.kty = KP_KTY_RSA_HSM}, KP_UNSUPPORTED, "RSA-HSM"},
        {"app", {.kty = KP_KTY_RSA, .bits = 1024}, KP_USAGE, NULL},
        {"app", {.kty = KP_KTY_RSA, .bits = 2049}, KP_USAGE, NULL},
        {"app", {.kty = KP_KTY_OCT, .bits = 64}, KP_USAGE, NULL},
        {"app", {.kty = KP_KTY_EC, .curve = 9}, KP_USAGE, NULL},
        {"app", {.kty = KP_KTY_OCT, .set = KP_SET_KEY_OPS, .key_ops = 0x200}, KP_USAGE, "key_ops"},
        {"app", {.kty = KP_KTY_OCT, .set = KP_SET_EXPIRES, .expires_unix_s = -1}, KP_USAGE, "1970"},
        {"app",
         {.kty = KP_KTY_OCT, .set = KP_SET_EXPORTABLE, .flags = KP_KEY_EXPORTABLE},
         KP_UNSUPPORTED,
         "exportable"},
        {"app", {.kty = KP_KTY_OCT, .set = KP_SET_RELEASE_POLICY}, KP_UNSUPPORTED, "release"},
    };
    (void)state;
    assert_all_refused(CASES, sizeof CASES / sizeof CASES[0]);
    assert_int_equal(fv_status(&vault, KP_OP_CREATE, "app", NULL), KP_USAGE); /* no params */
}

#define WITH_TAGS(list, n)                                                                         \
    {                                                                                              \
        .kty = KP_KTY_OCT, .set = KP_SET_TAGS, .tags = (list), .n_tags = (n)                       \
    }

static void create_malformed_tags_are_refused_each_with_its_sentence(void **state)
{
    static struct kp_tag many[KP_TAGS_MAX + 1];
    static char names[KP_TAGS_MAX + 1][4], longest[KP_TAG_MAX_LEN + 2];
    const struct kp_tag twice[] = {{fv_span("a"), fv_span("1")}, {fv_span("a"), fv_span("2")}};
    const struct kp_tag unnamed = {fv_span(""), fv_span("1")};
    const struct kp_tag foreign = {fv_span("a"), fv_span("\xff\xfe")};
    const struct kp_tag nul = {fv_span("a"), kpb_span("b\0c", 3)};
    memset(longest, 'x', KP_TAG_MAX_LEN + 1);
    const struct kp_tag too_long = {fv_span("a"), fv_span(longest)};
    (void)state;
    for (size_t i = 0; i <= KP_TAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%zu", i);
        many[i].name = fv_span(names[i]);
    }
    const struct malformed cases[] = {
        {"app", WITH_TAGS(many, KP_TAGS_MAX + 1), KP_USAGE, "15 tags"},
        {"app", WITH_TAGS(NULL, 1), KP_USAGE, "15 tags"},
        {"app", WITH_TAGS(twice, 2), KP_USAGE, "tag 2"},
        {"app", WITH_TAGS(&unnamed, 1), KP_USAGE, "tag 1"},
        {"app", WITH_TAGS(&foreign, 1), KP_USAGE, "UTF-8"},
        {"app", WITH_TAGS(&nul, 1), KP_USAGE, "NUL"},
        {"app", WITH_TAGS(&too_long, 1), KP_USAGE, "256"},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

/* Whatever text a tag may hold, the key can be read again. */
static void create_tags_of_any_text_come_back(void **state)
{
    char value[4] = "", name[16];
    struct fake_result result;
    struct kp_tag tags[2] = {{fv_span("private"), fv_span("not a secret")}};
    struct kp_key_params params = fv_params(KP_KTY_OCT, 128, 0);
    (void)state;
    params.set = KP_SET_TAGS;
    params.tags = tags;
    params.n_tags = 2;
    for (unsigned c = 1; c < 0x800; c += c < 0x100 ? 1 : 37) {
        size_t len = c < 0x80 ? 1 : 2;
        value[0] = (char)(c < 0x80 ? c : 0xc0 | c >> 6);
        value[1] = (char)(0x80 | (c & 0x3f));
        tags[1].name = tags[1].value = kpb_span(value, len);
        (void)snprintf(name, sizeof name, "k%u", c);
        assert_int_equal(create_with(name, &params, &result), KP_OK);
        fake_result_clear(&result);
        assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, name, NULL, &result), KP_OK);
        assert_true(fv_span_is(result.reply.key->tags[0].value, "not a secret"));
        assert_true(kpb_span_eq(result.reply.key->tags[1].name, tags[1].name));
        assert_true(kpb_span_eq(result.reply.key->tags[1].value, tags[1].value));
        fake_result_clear(&result);
    }
}

static void create_beyond_the_room_of_a_key_file_is_a_conflict(void **state)
{
    static char value[KP_TAG_MAX_LEN + 1];
    static char names[KP_TAGS_MAX][4];
    struct kp_tag tags[KP_TAGS_MAX];
    struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
    struct fake_result result;
    kp_status st = KP_OK;
    unsigned n = 0;
    (void)state;
    memset(value, 1, KP_TAG_MAX_LEN); /* controls take six bytes each in JSON */
    for (size_t i = 0; i < KP_TAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "t%zu", i);
        tags[i].name = fv_span(names[i]);
        tags[i].value = fv_span(value);
    }
    params.set = KP_SET_TAGS;
    params.tags = tags;
    params.n_tags = KP_TAGS_MAX;
    for (; st == KP_OK && n < FT_VERSIONS_MAX; n++) {
        st = create_with("app", &params, &result);
        fake_result_clear(&result);
    }
    assert_int_equal(st, KP_CONFLICT);
    assert_true(n > 30);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", NULL), KP_OK);
    params.set = KP_SET_ENABLED; /* there is always room to disable and to delete */
    params.flags = 0;
    struct kp_request request = fv_request(KP_OP_UPDATE, "app", NULL);
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_DELETE, "app", NULL), KP_OK);
    assert_int_equal(fv_status(&vault, KP_OP_RECOVER, "app", NULL), KP_OK);
}

static void create_with_the_setting_hsm_makes_hsm_kinds(void **state)
{
    static const char *const HSM[][2] = {{"hsm", "true"}, {NULL, NULL}};
    static const uint32_t CASES[][3] = {{KP_KTY_RSA, KP_KTY_RSA_HSM, 0x3f},
                                        {KP_KTY_EC, KP_KTY_EC_HSM, 0x10c},
                                        {KP_KTY_OCT, KP_KTY_OCT_HSM, 0x13f},
                                        {KP_KTY_OCT_HSM, KP_KTY_OCT_HSM, 0x13f}};
    struct fake_result result;
    uint8_t ct[64];
    size_t len = sizeof ct;
    (void)state;
    reopen(HSM);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct kp_key_params params = fv_params(CASES[i][0], 0, 0);
        assert_int_equal(create_with("app", &params, &result), KP_OK);
        assert_int_equal(result.reply.key->kty, CASES[i][1]);
        assert_int_equal(result.reply.key->key_ops, CASES[i][2]);
        assert_int_equal(result.reply.key->hsm_platform.len, 0);
        fake_result_clear(&result);
    }
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 3, ct, &len, NULL);
    assert_int_equal(fv_unwrap(&vault, "app", NULL, KP_ALG_A256KW, 3, ct, len), KP_OK);
    fv_must(&vault, KP_OP_ROTATE, "app", NULL);
}

/* ---- Import ---- */

static kp_status import_oct(const char *name, size_t len, struct fake_result *result)
{
    uint8_t k[80];
    struct kp_key_params params = fv_params(KP_KTY_OCT, 0, 0);
    struct kp_request request = fv_request(KP_OP_IMPORT, name, NULL);
    memset(k, 0x42, sizeof k);
    params.k = kpb_span(k, len);
    request.params = &params;
    return fv_call(&vault, &request, result);
}

static void import_secret_is_used_as_it_is(void **state)
{
    /* RFC 3394 section 4.6: 256 bits wrapped under 256 bits. */
    static const uint8_t KEK[32] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                    0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
                                    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                    0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
    static const uint8_t DATA[32] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
                                     0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                     0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    static const uint8_t WRAPPED[40] = {0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc,
                                        0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f, 0x57, 0x86, 0xe2,
                                        0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99,
                                        0xf4, 0x3b, 0xfb, 0x98, 0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21};
    struct fake_result result;
    struct kp_key_params params = fv_params(KP_KTY_OCT, 0, 0);
    struct kp_request request = fv_request(KP_OP_IMPORT, "kek", NULL);
    (void)state;
    params.k = kpb_span(KEK, sizeof KEK);
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    assert_int_equal(result.reply.key->bits, 256);
    fake_result_clear(&result);
    reopen(NULL); /* and from the disk */
    request = fv_request(KP_OP_WRAP, "kek", NULL);
    request.alg = KP_ALG_A256KW;
    request.value = kpb_span(DATA, sizeof DATA);
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    assert_int_equal(result.reply.value.len, sizeof WRAPPED);
    assert_memory_equal(result.reply.value.ptr, WRAPPED, sizeof WRAPPED);
    fake_result_clear(&result);
}

static void import_sizes_that_are_none_are_refused(void **state)
{
    struct fake_result result;
    (void)state;
    assert_int_equal(import_oct("k", 0, &result), KP_USAGE);
    fake_result_clear(&result);
    assert_int_equal(import_oct("k", 15, &result), KP_USAGE);
    fake_result_clear(&result);
    assert_int_equal(import_oct("k", 65, &result), KP_USAGE);
    fake_result_clear(&result);
    assert_int_equal(import_oct("k", 64, &result), KP_OK);
    fake_result_clear(&result);
}

static void import_public_key_alone_is_refused(void **state)
{
    struct fake_result made, result;
    struct kp_key_params params = fv_params(KP_KTY_EC, 0, KP_CURVE_P256);
    struct kp_request request = fv_request(KP_OP_IMPORT, "copy", NULL);
    (void)state;
    fv_create(&vault, "app", KP_KTY_EC, 0, KP_CURVE_P256, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &made), KP_OK);
    params.x = made.reply.key->x;
    params.y = made.reply.key->y;
    request.params = &params;
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    assert_non_null(strstr(result.error.text, "private"));
    fake_result_clear(&result);
    fake_result_clear(&made);
}

/* ---- Update ---- */

static void update_changes_what_it_names_and_nothing_else(void **state)
{
    char first[33], second[33];
    struct fake_result result;
    struct kp_tag tag = {fv_span("a"), fv_span("b")};
    struct kp_key_params params = fv_params(0, 0, 0);
    struct kp_request request = fv_request(KP_OP_UPDATE, "app", NULL);
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, first);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, second);
    fake_host_advance_s(&vault.host, 100);
    params.set = KP_SET_TAGS | KP_SET_ENABLED | KP_SET_EXPIRES;
    params.tags = &tag;
    params.n_tags = 1;
    params.expires_unix_s = 4102444800;
    request.params = &params;
    request.version = fv_span(first);
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    const struct kp_key_info *key = result.reply.key;
    assert_true(fv_span_is(key->version, first));
    assert_int_equal(key->flags, 0);
    assert_int_equal(key->n_tags, 1);
    assert_int_equal(key->key_ops, 0x3f);
    assert_int_equal(key->updated_unix_s, key->created_unix_s + 100);
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_OK);
    assert_true(fv_span_is(result.reply.version, second));
    assert_int_equal(result.reply.key->flags, KP_KEY_ENABLED);
    assert_int_equal(result.reply.key->n_tags, 0);
    fake_result_clear(&result);

    params.set = KP_SET_EXPIRES | KP_SET_TAGS; /* both cleared */
    params.expires_unix_s = KP_TIME_NONE;
    params.n_tags = 0;
    assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
    assert_true(result.reply.key->expires_unix_s == KP_TIME_NONE);
    assert_int_equal(result.reply.key->n_tags, 0);
    fake_result_clear(&result);
    request.version = fv_span("ffffffffffffffffffffffffffffffff");
    assert_int_equal(fv_call(&vault, &request, &result), KP_NOT_FOUND);
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_UPDATE, "app", NULL), KP_USAGE);
}

/* ---- Delete, recover, purge ---- */

static void delete_keeps_the_key_recoverable_and_its_name_taken(void **state)
{
    char version[33];
    struct fake_result result;
    const struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
    uint8_t ct[64];
    size_t len = sizeof ct;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, version);
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, &len, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_DELETE, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.key->deleted_unix_s, vault.host.now_unix_s);
    assert_int_equal(result.reply.key->scheduled_purge_unix_s, vault.host.now_unix_s + 90 * DAY_S);
    fake_result_clear(&result);

    assert_int_equal(fv_simple(&vault, KP_OP_GET_KEY, "app", NULL, &result), KP_NOT_FOUND);
    assert_non_null(strstr(result.error.text, "recovered"));
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_DELETE, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_ROTATE, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_BACKUP, "app", NULL), KP_CONFIG);
    assert_int_equal(fv_unwrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, len), KP_NOT_FOUND);
    assert_int_equal(fv_unwrap(&vault, "app", version, KP_ALG_A256KW, 1, ct, len), KP_NOT_FOUND);
    assert_int_equal(create_with("app", &params, &result), KP_CONFLICT);
    assert_non_null(strstr(result.error.text, "recover or purge"));
    fake_result_clear(&result);
    assert_int_equal(fv_status(&vault, KP_OP_GET_DELETED, "app", NULL), KP_OK);

    fv_must(&vault, KP_OP_RECOVER, "app", NULL);
    assert_int_equal(fv_status(&vault, KP_OP_GET_DELETED, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_RECOVER, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_unwrap(&vault, "app", version, KP_ALG_A256KW, 1, ct, len), KP_OK);
}

static void purge_takes_deleted_keys_only(void **state)
{
    uint8_t ct[64];
    size_t len = sizeof ct;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, &len, NULL);
    assert_int_equal(fv_status(&vault, KP_OP_PURGE, "app", NULL), KP_NOT_FOUND);
    fv_must(&vault, KP_OP_DELETE, "app", NULL);
    fv_must(&vault, KP_OP_PURGE, "app", NULL);
    assert_int_equal(fv_status(&vault, KP_OP_PURGE, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_RECOVER, "app", NULL), KP_NOT_FOUND);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_unwrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, len), KP_INTEGRITY);
}

static void purge_protection_holds_until_the_retention_ends(void **state)
{
    static const char *const PROTECTED[][2] = {
        {"purge_protection", "true"}, {"retention_days", "7"}, {NULL, NULL}};
    struct fake_result result;
    (void)state;
    reopen(PROTECTED);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_DELETE, "app", NULL, &result), KP_OK);
    assert_int_equal(result.reply.key->recoverable_days, 7);
    assert_true(fv_span_is(result.reply.key->recovery_level, "CustomizedRecoverable"));
    fake_result_clear(&result);
    assert_int_equal(fv_simple(&vault, KP_OP_PURGE, "app", NULL, &result), KP_FORBIDDEN);
    assert_int_equal(result.error.code, KP_CODE_ErrorHttpOperationForbidden);
    fake_result_clear(&result);
    fake_host_advance_s(&vault.host, 7 * DAY_S);
    assert_int_equal(fv_status(&vault, KP_OP_PURGE, "app", NULL), KP_OK);
}

/* After the retention a key is gone for every call; its file stays until the name is used again. */
static void retention_that_has_ended_frees_the_name(void **state)
{
    char version[33];
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, version);
    fv_must(&vault, KP_OP_DELETE, "app", NULL);
    fake_host_advance_s(&vault.host, 90 * DAY_S - 1);
    assert_int_equal(fv_status(&vault, KP_OP_GET_DELETED, "app", NULL), KP_OK);
    fake_host_advance_s(&vault.host, 1);
    assert_int_equal(fv_status(&vault, KP_OP_GET_DELETED, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_status(&vault, KP_OP_RECOVER, "app", NULL), KP_NOT_FOUND);
    assert_int_equal(fv_simple(&vault, KP_OP_LIST_DELETED, NULL, NULL, &result), KP_OK);
    assert_int_equal(result.reply.n_keys, 0);
    fake_result_clear(&result);
    fake_host_advance_s(&vault.host, -DAY_S); /* the clock had been wrong */
    assert_int_equal(fv_status(&vault, KP_OP_RECOVER, "app", NULL), KP_OK);
    fv_must(&vault, KP_OP_DELETE, "app", NULL);
    fake_host_advance_s(&vault.host, 90 * DAY_S);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(fv_status(&vault, KP_OP_GET_KEY, "app", version), KP_NOT_FOUND);
}

/* ---- Lists ---- */

static unsigned count_pages(uint32_t op, const char *name, uint32_t size, unsigned *ret_n_keys)
{
    struct kp_request request = fv_request(op, name, NULL);
    char token[200] = "", last[200] = "";
    unsigned pages = 0;
    *ret_n_keys = 0;
    request.page_size = size;
    do {
        struct fake_result result;
        request.page_token = fv_span(token);
        assert_int_equal(fv_call(&vault, &request, &result), KP_OK);
        assert_true(result.reply.n_keys <= (size ? size : KP_PAGE_MAX));
        for (uint32_t i = 0; i < result.reply.n_keys; i++) {
            kp_span text = op == KP_OP_LIST_VERSIONS ? result.reply.keys[i]->version
                                                     : result.reply.keys[i]->name;
            char now[200] = {0};
            memcpy(now, text.ptr, text.len);
            if (op != KP_OP_LIST_VERSIONS)
                assert_true(strcmp(last, now) < 0); /* each once, in order */
            memcpy(last, now, sizeof last);
        }
        *ret_n_keys += result.reply.n_keys;
        memset(token, 0, sizeof token);
        memcpy(token, result.reply.next_page.ptr ? result.reply.next_page.ptr : (const uint8_t *)"",
               result.reply.next_page.len);
        pages++;
        fake_result_clear(&result);
    } while (token[0]);
    return pages;
}

static void list_pages_hold_every_key_once(void **state)
{
    unsigned n;
    (void)state;
    assert_int_equal(count_pages(KP_OP_LIST_KEYS, NULL, 0, &n), 1);
    assert_int_equal(n, 0);
    for (int i = 0; i < 60; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%s%d", i % 2 ? "k" : "K", i);
        fv_create(&vault, name, KP_KTY_OCT, 128, 0, NULL);
        if (i % 6 == 0)
            fv_must(&vault, KP_OP_DELETE, name, NULL);
    }
    assert_int_equal(count_pages(KP_OP_LIST_KEYS, NULL, 0, &n), 2);
    assert_int_equal(n, 50);
    assert_int_equal(count_pages(KP_OP_LIST_KEYS, NULL, 1, &n), 50);
    assert_int_equal(n, 50);
    assert_int_equal(count_pages(KP_OP_LIST_KEYS, NULL, 7, &n), 8);
    assert_int_equal(n, 50);
    assert_int_equal(count_pages(KP_OP_LIST_DELETED, NULL, 5, &n), 2);
    assert_int_equal(n, 10);
}

static void list_versions_goes_from_the_oldest(void **state)
{
    unsigned n;
    (void)state;
    for (int i = 0; i < 30; i++)
        fv_create(&vault, "app", KP_KTY_OCT, 128, 0, NULL);
    assert_int_equal(count_pages(KP_OP_LIST_VERSIONS, "app", 0, &n), 2);
    assert_int_equal(n, 30);
    assert_int_equal(count_pages(KP_OP_LIST_VERSIONS, "app", 10, &n), 3);
    assert_int_equal(n, 30);
    assert_int_equal(fv_status(&vault, KP_OP_LIST_VERSIONS, "none", NULL), KP_NOT_FOUND);
}

static void list_entries_show_what_the_service_shows(void **state)
{
    struct fake_result result;
    (void)state;
    fv_create(&vault, "app", KP_KTY_EC, 0, KP_CURVE_P256, NULL);
    assert_int_equal(fv_simple(&vault, KP_OP_LIST_KEYS, NULL, NULL, &result), KP_OK);
    assert_int_equal(result.reply.keys[0]->version.len, 0);
    assert_int_equal(result.reply.keys[0]->x.len, 0);
    assert_int_equal(result.reply.keys[0]->kty, 0);
    assert_int_equal(result.reply.keys[0]->flags, KP_KEY_ENABLED);
    fake_result_clear(&result);
}

static void list_bad_pages_are_usage(void **state)
{
    struct fake_result result;
    struct kp_request request = fv_request(KP_OP_LIST_KEYS, NULL, NULL);
    (void)state;
    request.page_size = KP_PAGE_MAX + 1;
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    fake_result_clear(&result);
    request.page_size = 0;
    request.page_token = fv_span("../x");
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    fake_result_clear(&result);
    fv_create(&vault, "app", KP_KTY_OCT, 128, 0, NULL);
    request = fv_request(KP_OP_LIST_VERSIONS, "app", NULL);
    request.page_token = fv_span("ffffffffffffffffffffffffffffffff");
    assert_int_equal(fv_call(&vault, &request, &result), KP_USAGE);
    fake_result_clear(&result);
}

/* ---- Restart ---- */

static void restart_finds_everything_as_it_was(void **state)
{
    char versions[3][33];
    uint8_t ct[3][64];
    size_t len[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
        len[i] = sizeof ct[i];
        fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, (uint8_t)i, ct[i], &len[i], versions[i]);
    }
    reopen(NULL);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            kp_status st =
                fv_unwrap(&vault, "app", versions[k], KP_ALG_A256KW, (uint8_t)i, ct[i], len[i]);
            assert_int_equal(st, i == k ? KP_OK : KP_INTEGRITY); /* never with another version */
        }
    }
}

int main(void)
{
#define VAULT_TEST(f) cmocka_unit_test_setup_teardown(f, open_plain, close_plain)
    const struct CMUnitTest tests[] = {
        VAULT_TEST(create_answers_what_get_answers),
        VAULT_TEST(create_on_an_existing_name_adds_a_version),
        VAULT_TEST(create_defaults_are_the_services),
        VAULT_TEST(create_names_that_differ_in_case_are_two_keys),
        VAULT_TEST(create_malformed_requests_are_refused_each_with_its_sentence),
        VAULT_TEST(create_malformed_tags_are_refused_each_with_its_sentence),
        VAULT_TEST(create_tags_of_any_text_come_back),
        VAULT_TEST(create_beyond_the_room_of_a_key_file_is_a_conflict),
        VAULT_TEST(create_with_the_setting_hsm_makes_hsm_kinds),
        VAULT_TEST(import_secret_is_used_as_it_is),
        VAULT_TEST(import_sizes_that_are_none_are_refused),
        VAULT_TEST(import_public_key_alone_is_refused),
        VAULT_TEST(update_changes_what_it_names_and_nothing_else),
        VAULT_TEST(delete_keeps_the_key_recoverable_and_its_name_taken),
        VAULT_TEST(purge_takes_deleted_keys_only),
        VAULT_TEST(purge_protection_holds_until_the_retention_ends),
        VAULT_TEST(retention_that_has_ended_frees_the_name),
        VAULT_TEST(list_pages_hold_every_key_once),
        VAULT_TEST(list_versions_goes_from_the_oldest),
        VAULT_TEST(list_entries_show_what_the_service_shows),
        VAULT_TEST(list_bad_pages_are_usage),
        VAULT_TEST(restart_finds_everything_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
