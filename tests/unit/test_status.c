/* status.h: every class and every documented code is there, once, and has something to say. */
#include <keyprovider/status.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The documented numbers, written down here a second time and independently of the rows. */
static const struct {
    uint32_t first;
    uint32_t last;
} documented[] = {
    {0, 7},       {401, 401},   {404, 404},   {2049, 2053}, {2057, 2058}, {3000, 3019},
    {3076, 3077}, {3100, 3122}, {3200, 3208}, {3300, 3308}, {3400, 3412}, {3500, 3506},
    {3600, 3609}, {3700, 3709}, {3800, 3822}, {3900, 3900}, {4000, 4000},
};

static bool is_sentence(const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    }
    return n >= 11 && n <= 320 && strchr(".'", text[n - 1]) && text[0] != ' ' &&
           !strstr(text, "  ");
}

static void codes_are_exactly_the_documented_ones(void **state)
{
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof documented / sizeof documented[0]; i++) {
        for (uint32_t code = documented[i].first; code <= documented[i].last; code++) {
            const struct kp_code_info *info = kp_code_at(at++);

            assert_non_null(info);
            assert_int_equal(info->code, code);
            assert_ptr_equal(kp_code_find(code), info);
        }
    }
    assert_int_equal(at, 145);
    assert_int_equal(at, KP_CODE_COUNT);
    assert_null(kp_code_at(at));
    assert_null(kp_code_at(SIZE_MAX));
}

static void code_find_knows_no_other_number(void **state)
{
    size_t n = 0;

    (void)state;
    for (uint32_t code = 0; code <= 5000; code++)
        n += kp_code_find(code) != NULL;
    assert_int_equal(n, KP_CODE_COUNT);
    assert_null(kp_code_find(UINT32_MAX));
}

/* Something to type stands between grave accents. */
static bool has_command(const char *text)
{
    const char *from = strchr(text, '`');
    const char *to = from ? strchr(from + 1, '`') : NULL;

    return to && to > from + 1;
}

static void codes_say_cause_and_advice(void **state)
{
    (void)state;
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *info = kp_code_at(i);

        if (!is_sentence(info->cause) || (!is_sentence(info->advice) && info->status != KP_OK))
            fail_msg("%u: the texts are no sentences", info->code);
        if (info->status != KP_OK && !has_command(info->advice))
            fail_msg("%u: the advice has nothing to type", info->code);
        assert_true(strlen(info->symbol) > 0);
        assert_true(strlen(info->area) > 0);
        assert_true(info->status < KP_STATUS_COUNT);
    }
}

static void codes_count_by_origin(void **state)
{
    size_t n[6] = {0};

    (void)state;
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        uint32_t origin = kp_code_at(i)->origin;

        assert_in_range(origin, KP_ORIGIN_EMITTED, KP_ORIGIN_LEGACY);
        n[origin]++;
    }
    assert_int_equal(n[KP_ORIGIN_EMITTED], 120);
    assert_int_equal(n[KP_ORIGIN_SUCCESS], 2);
    assert_int_equal(n[KP_ORIGIN_ENGINE], 1);
    assert_int_equal(n[KP_ORIGIN_EVENT_LOG], 2);
    assert_int_equal(n[KP_ORIGIN_LEGACY], 20);
}

static void codes_success_is_the_only_ok(void **state)
{
    (void)state;
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *info = kp_code_at(i);

        assert_int_equal(info->status == KP_OK, info->origin == KP_ORIGIN_SUCCESS);
    }
}

static void codes_out_of_memory_is_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *info = kp_code_at(i);
        bool named = strstr(info->symbol, "OutOfMemory") != NULL;

        assert_int_equal(info->status == KP_NO_MEMORY, named);
    }
}

/* A legacy row has the symbol of its modern twin and sends the reader there. */
static void codes_legacy_name_their_twin(void **state)
{
    (void)state;
    for (size_t i = 0; i < KP_CODE_COUNT; i++) {
        const struct kp_code_info *old = kp_code_at(i);
        size_t n_twins = 0;

        for (size_t k = 0; k < KP_CODE_COUNT; k++) {
            const struct kp_code_info *twin = kp_code_at(k);
            char command[32];

            if (twin->code == old->code || strcmp(twin->symbol, old->symbol) != 0)
                continue;
            n_twins++;
            snprintf(command, sizeof command, "`kp explain %u`", twin->code);
            assert_int_equal(twin->status, old->status);
            assert_true(old->origin != KP_ORIGIN_LEGACY || strstr(old->advice, command));
        }
        if (old->origin == KP_ORIGIN_LEGACY)
            assert_int_equal(n_twins, 1);
    }
}

static void codes_constants_have_their_numbers(void **state)
{
    (void)state;
    assert_int_equal(KP_CODE_scp_err_PasswordTooShort, 2050);
    assert_int_equal(KP_CODE_ErrorHttpSendRequest, 3106);
    assert_int_equal(KP_CODE_LEGACY_ErrorHttpSendRequest, 3008);
    assert_int_equal(KP_CODE_ErrorCreateKeyVaultRetryManagerOutOfMemory, 4000);
    assert_string_equal(kp_code_find(3008)->symbol, "ErrorHttpSendRequest");
    assert_int_equal(kp_code_find(3109)->status, KP_THROTTLED);
    assert_int_equal(kp_code_find(3112)->status, KP_NOT_FOUND);
    assert_int_equal(kp_code_find(3113)->status, KP_FORBIDDEN);
    assert_int_equal(kp_code_find(3303)->status, KP_AUTH);
    assert_int_equal(kp_code_find(3707)->status, KP_PROTOCOL);
}

static void status_classes_have_texts(void **state)
{
    size_t n = 0;

    (void)state;
#define XX(symbol, number, text, meaning)                                                          \
    assert_int_equal(KP_##symbol, n++);                                                            \
    assert_string_equal(kp_status_text(KP_##symbol), text);                                        \
    assert_string_equal(kp_status_meaning(KP_##symbol), meaning);                                  \
    assert_true(sizeof(text) > 1 && sizeof(meaning) > 1);
    KP_STATUS_MAP(XX)
#undef XX
    assert_int_equal(n, KP_STATUS_COUNT);
}

static void status_unknown_is_question_mark(void **state)
{
    (void)state;
    assert_string_equal(kp_status_text((kp_status)KP_STATUS_COUNT), "?");
    assert_string_equal(kp_status_text((kp_status)-1), "?");
    assert_string_equal(kp_status_meaning((kp_status)KP_STATUS_COUNT), "?");
}

static void error_init_is_empty(void **state)
{
    struct kp_error err;

    (void)state;
    memset(&err, 0xff, sizeof err);
    kp_error_init(&err);
    assert_int_equal(err.struct_size, sizeof err);
    assert_int_equal(err.status, KP_OK);
    assert_true(err.retry_after_ms == KP_NO_RETRY_HINT);
    assert_string_equal(err.text, "");
    assert_string_equal(err.request_id, "");
    kp_error_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_exactly_the_documented_ones),
        cmocka_unit_test(code_find_knows_no_other_number),
        cmocka_unit_test(codes_say_cause_and_advice),
        cmocka_unit_test(codes_count_by_origin),
        cmocka_unit_test(codes_success_is_the_only_ok),
        cmocka_unit_test(codes_out_of_memory_is_no_memory),
        cmocka_unit_test(codes_legacy_name_their_twin),
        cmocka_unit_test(codes_constants_have_their_numbers),
        cmocka_unit_test(status_classes_have_texts),
        cmocka_unit_test(status_unknown_is_question_mark),
        cmocka_unit_test(error_init_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
