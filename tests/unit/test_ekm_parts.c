/* The small parts of the provider: text, numbers, algorithms, the public blob, lines of log. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/span.h"
#include "ekm/algorithms.h"
#include "ekm/number.h"
#include "ekm/public_blob.h"
#include "ekm/report.h"
#include "ekm/stopwatch.h"
#include "ekm/unwrap_cache.h"
#include "ekm/utf16.h"

/* ---- Stopwatch ---- */

/* Several at once count once, and who began before the last one left does not count that again. */
static void stopwatch_measures_the_time_anybody_was_at_it(void **state)
{
    struct ekm_stopwatch watch = {0};

    (void)state;
    ekm_stopwatch_start(&watch, 100);
    assert_int_equal(ekm_stopwatch_read(&watch, 150), 50);
    ekm_stopwatch_start(&watch, 80); /* noticed late */
    ekm_stopwatch_stop(&watch, 200);
    assert_int_equal(ekm_stopwatch_read(&watch, 220), 140);
    ekm_stopwatch_stop(&watch, 230);
    assert_int_equal(ekm_stopwatch_read(&watch, 1000), 150);
    ekm_stopwatch_start(&watch, 190);
    assert_int_equal(ekm_stopwatch_read(&watch, 240), 160);
    ekm_stopwatch_stop(&watch, 240);
    assert_int_equal(ekm_stopwatch_read(&watch, 240), 160);
}

/* ---- UTF-16 ---- */

static void utf16_round_trip_keeps_every_plane(void **state)
{
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e/9";
    uint16_t units[16];
    kp_buf out;

    (void)state;
    assert_int_equal(ekm_utf16_len(kpb_span_str(text)), 7);
    ekm_utf16_write(kpb_span_str(text), units);
    assert_int_equal(units[3], 0xd834);
    kp_buf_init(&out, "test", 64);
    assert_int_equal(ekm_utf16_read(units, 7, &out), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), text));
    kp_buf_clear(&out);
}

static void utf16_broken_text_is_refused(void **state)
{
    static const uint16_t broken[][2] = {
        {0xd834, 'a'}, {0xdd1e, 'a'}, {'a', 0xd834}, {0, 'a'}, {0xd834, 0xd834}};
    kp_buf out;

    (void)state;
    kp_buf_init(&out, "test", 64);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(ekm_utf16_read(broken[i], 2, &out), KP_USAGE);
    kp_buf_clear(&out);
    kp_buf_init(&out, "test", 1);
    assert_int_equal(ekm_utf16_read((const uint16_t[]){'a', 'b'}, 2, &out), KP_USAGE);
    kp_buf_clear(&out);
}

/* ---- Numbers ---- */

static SqlCpError number_of(kp_status st, uint32_t code, enum ekm_act act)
{
    const struct kp_error err = {.status = (uint32_t)st, .code = code};

    return ekm_number(&err, act);
}

static void number_every_code_we_emit_is_itself(void **state)
{
    (void)state;
    for (size_t i = 0; kp_code_at(i); i++) {
        const struct kp_code_info *info = kp_code_at(i);

        if (info->origin == KP_ORIGIN_EMITTED)
            assert_int_equal(number_of(KP_INTERNAL, info->code, EKM_ACT_READ), info->code);
        else
            assert_int_equal(number_of(KP_INTERNAL, info->code, EKM_ACT_READ), 1);
    }
}

/* No class, with any act, becomes success, a reserved number, or one that is not documented. */
static void number_every_class_has_a_documented_one(void **state)
{
    (void)state;
    for (int st = 0; st <= KP_STATUS_COUNT; st++) {
        for (int act = 0; act < EKM_N_ACTS; act++) {
            SqlCpError number = number_of((kp_status)st, 99999, (enum ekm_act)act);
            const struct kp_code_info *info = kp_code_find((uint32_t)number);

            assert_non_null(info);
            assert_int_equal(info->origin, KP_ORIGIN_EMITTED);
            assert_int_not_equal(number, scp_err_Success);
            assert_int_not_equal(number, scp_err_InsufficientBuffer);
            assert_true(number <= 6 || number > scp_err_MaxReserved);
        }
    }
}

static void number_depends_on_the_act_where_documented(void **state)
{
    (void)state;
    assert_int_equal(number_of(KP_AUTH, 0, EKM_ACT_READ), 3303);
    assert_int_equal(number_of(KP_FORBIDDEN, 0, EKM_ACT_WRAP), 3113);
    assert_int_equal(number_of(KP_NOT_FOUND, 0, EKM_ACT_READ), 3112);
    assert_int_equal(number_of(KP_NOT_FOUND, 0, EKM_ACT_LOCAL), 4);
    assert_int_equal(number_of(KP_THROTTLED, 0, EKM_ACT_UNWRAP), 3109);
    assert_int_equal(number_of(KP_TIMEOUT, 0, EKM_ACT_READ), 3403);
    assert_int_equal(number_of(KP_TIMEOUT, 0, EKM_ACT_WRAP), 3609);
    assert_int_equal(number_of(KP_TIMEOUT, 0, EKM_ACT_UNWRAP), 3709);
    assert_int_equal(number_of(KP_NO_MEMORY, 0, EKM_ACT_LOCAL), 2051);
    assert_int_equal(number_of(KP_UNSUPPORTED, 0, EKM_ACT_WRITE), 3);
}

/* ---- Algorithms ---- */

static void algorithms_never_change_their_ids(void **state)
{
    (void)state;
    assert_string_equal(ekm_algorithm_find(1)->tag, "RSA_2048");
    assert_string_equal(ekm_algorithm_find(2)->tag, "RSA_3072");
    assert_string_equal(ekm_algorithm_find(3)->tag, "RSA_4096");
    assert_null(ekm_algorithm_find(0));
    assert_null(ekm_algorithm_find(4));
    assert_null(ekm_algorithm_find(UINT32_MAX));
    assert_int_equal(ekm_algorithm_next(1, true)->id, 3);
    assert_int_equal(ekm_algorithm_next(1, false)->id, 2);
    assert_null(ekm_algorithm_next(3, false));
    assert_int_equal(ekm_algorithm_for(3072, true)->id, 1);
    assert_int_equal(ekm_algorithm_for(3072, false)->id, 2);
    assert_null(ekm_algorithm_for(1024, true));
}

/* ---- The blob ---- */

static void blob_is_the_cng_one(void **state)
{
    static const uint8_t head[24] = {'R', 'S', 'A', '1', 0, 8, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0};
    static const uint8_t e[] = {1, 0, 1};
    uint8_t n[512];
    uint8_t out[EKM_BLOB_MAX_LEN];

    (void)state;
    memset(n, 0xab, sizeof n);
    assert_int_equal(ekm_public_blob(kpb_span(n, 256), kpb_span(e, 3), 2048, out), 283);
    assert_memory_equal(out, head, sizeof head);
    assert_memory_equal(out + 24, e, 3);
    assert_memory_equal(out + 27, n, 256);
    assert_int_equal(ekm_public_blob(kpb_span(n, 512), kpb_span(e, 3), 4096, out), 539);
    assert_int_equal(ekm_public_blob(kpb_span(NULL, 0), kpb_span(e, 3), 4096, out), 0);
    assert_int_equal(ekm_public_blob(kpb_span(n, 512), kpb_span(n, 512), 4096, out), 0);
}

/* ---- Lines ---- */

static const struct kp_error sample_error = {.status = KP_NOT_FOUND,
                                             .http_status = 404,
                                             .service_code = "KeyNotFound",
                                             .request_id = "r-1",
                                             .text = "no key \"app\"\nat all \xff\xc2\x9b"};
static const struct ekm_news sample = {.event = "failed",
                                       .call = "GetKeyInfoByName",
                                       .step = "read",
                                       .vault = "v.vault.azure.net",
                                       .key = "app",
                                       .number = 3112,
                                       .err = &sample_error};

static void line_has_what_happened_where_and_what_to_do(void **state)
{
    char line[EKM_LINE_LEN];
    size_t len = ekm_line_format(line, false, 1000, &sample);

    (void)state;
    assert_int_equal(strlen(line), len);
    assert_null(strchr(line, '\n'));
    assert_non_null(strstr(line, "1970-01-01T00:00:01Z error ekm failed call=GetKeyInfoByName "
                                 "step=read number=3112 vault=v.vault.azure.net key=app "
                                 "class=not_found http_status=404 service_code=KeyNotFound "
                                 "request_id=r-1 text=\"no key "
                                 "\\\"app\\\"?at all ???\" advice=\""));
    assert_non_null(strstr(line, kp_code_find(3112)->advice));
}

static void line_of_json_is_json(void **state)
{
    char line[EKM_LINE_LEN];
    json_t *root;

    (void)state;
    (void)ekm_line_format(line, true, 1000, &sample);
    root = json_loads(line, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "number")), 3112);
    assert_string_equal(json_string_value(json_object_get(root, "text")),
                        "no key \"app\"?at all ???");
    json_decref(root);
}

/* However long the parts are, the line ends in time, and stays JSON. */
static void line_too_long_is_cut(void **state)
{
    static char much[4000];
    char line[EKM_LINE_LEN];
    struct ekm_news news = sample;
    json_t *root;

    (void)state;
    memset(much, '"', sizeof much - 1);
    news.call = news.key = news.vault = much;
    assert_true(ekm_line_format(line, false, 0, &news) < EKM_LINE_LEN);
    assert_true(ekm_line_format(line, true, 0, &news) < EKM_LINE_LEN);
    root = json_loads(line, 0, NULL);
    assert_non_null(root);
    json_decref(root);
}

/* ---- Values kept ---- */

static void cache_keeps_and_forgets(void **state)
{
    static const struct ekm_thumb thumb = {2, {1, 2}};
    static const struct ekm_thumb other = {2, {1, 3}};
    struct ekm_unwrap_cache *cache = NULL;
    kp_buf out;

    (void)state;
    assert_int_equal(ekm_unwrap_cache_new(2, 100, &cache, NULL), KP_OK);
    kp_buf_init_secret(&out, "test", 64);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("wrapped"), kpb_span_str("value"), 1000);
    assert_int_equal(ekm_unwrap_cache_get(cache, &other, kpb_span_str("wrapped"), 1001, &out),
                     KP_NOT_FOUND);
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("wrappee"), 1001, &out),
                     KP_NOT_FOUND);
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("wrapped"), 1099, &out),
                     KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), "value"));
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("wrapped"), 1100, &out),
                     KP_NOT_FOUND);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("1"), kpb_span_str("a"), 0);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("2"), kpb_span_str("b"), 0);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("3"), kpb_span_str("c"), 0);
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("1"), 1, &out), KP_NOT_FOUND);
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("3"), 1, &out), KP_OK);
    kp_buf_clear(&out);
    ekm_unwrap_cache_free(cache);
    ekm_unwrap_cache_free(NULL);
}

static uint32_t n_secrets_freed;

static void count_freed(void *ctx, void *p, size_t n)
{
    const struct kpb_mem_hooks defaults = kpb_mem_defaults();

    (void)ctx;
    n_secrets_freed += p != NULL;
    defaults.secret_free(defaults.ctx, p, n);
}

/* Nobody may ever ask again for what has passed its lifetime. */
static void cache_wipes_what_is_past_its_lifetime_whatever_is_asked_for(void **state)
{
    static const struct ekm_thumb thumb = {2, {1, 2}};
    struct kpb_mem_hooks counting = kpb_mem_defaults();
    struct ekm_unwrap_cache *cache = NULL;
    kp_buf out;

    (void)state;
    counting.secret_free = count_freed;
    kpb_mem_use(&counting);
    assert_int_equal(ekm_unwrap_cache_new(4, 100, &cache, NULL), KP_OK);
    kp_buf_init_secret(&out, "test", 64);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("1"), kpb_span_str("a"), 0);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("2"), kpb_span_str("b"), 50);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("3"), kpb_span_str("c"), 99);
    assert_int_equal(n_secrets_freed, 0);
    ekm_unwrap_cache_put(cache, &thumb, kpb_span_str("3"), kpb_span_str("c"), 100);
    assert_int_equal(n_secrets_freed, 2); /* a, and what the new c replaces */
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("9"), 150, &out),
                     KP_NOT_FOUND);
    assert_int_equal(n_secrets_freed, 3); /* b */
    assert_int_equal(ekm_unwrap_cache_get(cache, &thumb, kpb_span_str("3"), 199, &out), KP_OK);
    kp_buf_clear(&out);
    ekm_unwrap_cache_free(cache);
    kpb_mem_use(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopwatch_measures_the_time_anybody_was_at_it),
        cmocka_unit_test(utf16_round_trip_keeps_every_plane),
        cmocka_unit_test(utf16_broken_text_is_refused),
        cmocka_unit_test(number_every_code_we_emit_is_itself),
        cmocka_unit_test(number_every_class_has_a_documented_one),
        cmocka_unit_test(number_depends_on_the_act_where_documented),
        cmocka_unit_test(algorithms_never_change_their_ids),
        cmocka_unit_test(blob_is_the_cng_one),
        cmocka_unit_test(line_has_what_happened_where_and_what_to_do),
        cmocka_unit_test(line_of_json_is_json),
        cmocka_unit_test(line_too_long_is_cut),
        cmocka_unit_test(cache_keeps_and_forgets),
        cmocka_unit_test(cache_wipes_what_is_past_its_lifetime_whatever_is_asked_for),
    };

    return cmocka_run_group_tests_name("ekm_parts", tests, NULL, NULL);
}
