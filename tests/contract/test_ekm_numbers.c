/* Every class and every documented code a vault can answer with, as SQL Server gets to see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/ekm_engine.h"

static struct engine engine;
static struct script_vault *script;
static SqlCpSession session;
static struct engine_key key;

static int begin(void **state)
{
    (void)state;
    engine_begin(&engine, ", \"bad_credential_ms\": 0");
    script = script_vault("s");
    engine_answers(script);
    session = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    engine_close(session);
    engine_end(&engine);
    return 0;
}

static SqlCpError read_key(void)
{
    struct engine_key ignored;

    return engine_key_by_name(session, "k", &ignored);
}

static SqlCpError encrypt(void)
{
    uint8_t out[512];
    uint32_t len = sizeof out;

    return engine_encrypt(session, &key, "0123456789abcdef", 16, out, &len);
}

static SqlCpError decrypt(void)
{
    uint8_t in[256] = {1};
    uint8_t out[512];
    uint32_t len = sizeof out;

    return engine_decrypt(session, &key, in, sizeof in, out, &len);
}

/* Once: the breaker of the vault must not open on it. */
static void plant(kp_status status, uint32_t code)
{
    script_push(script, (struct script_act){
                            .status = status, .code = code, .exposure = KP_ANSWERED_REFUSED});
}

static void every_documented_code_of_a_vault_reaches_the_engine(void **state)
{
    char number[32];
    char event[4096];

    (void)state;
    for (size_t i = 0; kp_code_at(i); i++) {
        const struct kp_code_info *info = kp_code_at(i);
        kp_status status = (kp_status)info->status;

        if (info->origin != KP_ORIGIN_EMITTED || info->code < 2051)
            continue;
        plant(status, info->code);
        assert_int_equal(encrypt(), info->code);
        engine_last_event(&engine, event);
        (void)snprintf(number, sizeof number, "number=%u ", info->code);
        assert_non_null(strstr(event, number));
        assert_non_null(strstr(event, "call=Encrypt step=wrap"));
        assert_int_equal(encrypt(), 0); /* and the next call is none the worse */
    }
}

static void every_class_without_a_code_has_its_number(void **state)
{
    static const struct {
        kp_status status;
        uint32_t read;
        uint32_t wrap;
        uint32_t unwrap;
    } rows[] = {
        {KP_USAGE, 3110, 3110, 3110},     {KP_CONFIG, 1, 1, 1},
        {KP_AUTH, 3303, 3303, 3303},      {KP_FORBIDDEN, 3113, 3113, 3113},
        {KP_NOT_FOUND, 3112, 3112, 3112}, {KP_CONFLICT, 3110, 3110, 3110},
        {KP_THROTTLED, 3109, 3109, 3109}, {KP_TRANSIENT, 3106, 3106, 3106},
        {KP_VAULT, 3001, 3001, 3001},     {KP_PROTOCOL, 3404, 3607, 3707},
        {KP_INTEGRITY, 3001, 3001, 3001}, {KP_TIMEOUT, 3403, 3609, 3709},
        {KP_NO_MEMORY, 2051, 2051, 2051}, {KP_UNSUPPORTED, 3, 3, 3},
        {KP_INTERNAL, 1, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        plant(rows[i].status, 0);
        assert_int_equal(read_key(), rows[i].read);
        plant(rows[i].status, 0);
        assert_int_equal(encrypt(), rows[i].wrap);
        plant(rows[i].status, 0);
        assert_int_equal(decrypt(), rows[i].unwrap);
    }
}

/* 401, 404 and the numbers of old connectors are no numbers of a provider. */
static void codes_that_are_not_ours_do_not_get_out(void **state)
{
    (void)state;
    plant(KP_AUTH, 401);
    assert_int_equal(read_key(), 3303);
    plant(KP_NOT_FOUND, 404);
    assert_int_equal(read_key(), 3112);
    plant(KP_NOT_FOUND, 3076);
    assert_int_equal(read_key(), 3112);
    plant(KP_INTERNAL, 7);
    assert_int_equal(read_key(), 1);
}

static void a_damaged_thumbprint_or_none_is_told(void **state)
{
    struct engine_key broken = key;

    (void)state;
    broken.thumb_len = 0;
    assert_int_equal(engine_key_by_thumb(session, &broken), 6);
    broken = key;
    broken.thumb[0] ^= 1;
    assert_int_equal(engine_key_by_thumb(session, &broken), scp_err_NotFound);
}

/* ---- The map that cannot be written ---- */

static void a_map_that_cannot_be_written_is_2058(void **state)
{
    SqlCpSession other;
    struct engine_key found;

    (void)state;
    engine_begin(&engine, NULL);
    char *path = strstr(engine.config, "/map.json");
    assert_non_null(path);
    memcpy(path, "/x/m.json", strlen("/x/m.json")); /* in a folder that is not there */
    assert_int_equal(SqlCryptFreeProvider(), 0);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    engine_answers(script_vault("s"));
    other = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(other, "k", &found), 2058);
    engine_close(other);
    engine_end(&engine);
}

/* ---- Events ---- */

static void event_level_says_which_are_sent(void **state)
{
    static const char *const members[] = {", \"event_level\": 0", ", \"event_level\": 1",
                                          ", \"event_level\": 2"};
    static const uint32_t n_expected[] = {2, 1, 0}; /* opened; failed */
    SqlCpSession ignored = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        engine_begin(&engine, members[i]);
        assert_int_equal(engine_open(&engine, "contoso", "short", &ignored), 2050);
        assert_int_equal(engine.n_events, n_expected[i]);
        engine_end(&engine);
    }
}

/* ---- Patience ---- */

static void passing_failures_are_waited_out_while_the_process_is_young(void **state)
{
    SqlCpSession young;
    struct engine_key found;

    (void)state;
    engine_begin(&engine, NULL);
    engine.skips_pauses = true;
    script = script_vault("s");
    engine_answers(script);
    young = engine_script_session(&engine);
    atomic_store(&engine.age_ms, 0);
    plant(KP_TRANSIENT, 3900);
    plant(KP_THROTTLED, 0);
    plant(KP_TIMEOUT, 0);
    assert_int_equal(engine_key_by_name(young, "k", &found), 0);
    assert_int_equal(atomic_load(&engine.n_pauses), 3);
    plant(KP_FORBIDDEN, 0); /* not a passing one */
    assert_int_equal(engine_key_by_name(young, "k", &found), 3113);
    assert_int_equal(atomic_load(&engine.n_pauses), 3);
    atomic_store(&engine.age_ms, 45000); /* patience is over */
    plant(KP_TRANSIENT, 3900);
    assert_int_equal(engine_key_by_name(young, "k", &found), 3900);
    engine_close(young);
    engine_end(&engine);
}

/* What engine_prepare made, in a process that has just begun and whose pauses move its clock. */
static SqlCpSession begin_young(void)
{
    SqlCpSession young;

    engine.has_own_clock = true;
    engine.skips_pauses = true;
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    script = script_vault("s");
    engine_answers(script);
    young = engine_script_session(&engine);
    atomic_store(&engine.age_ms, 0);
    return young;
}

/* The vault stays away: the call ends with the patience, with the last failure's number. */
static void patience_ends_and_tells_the_last_number(void **state)
{
    SqlCpSession young;
    struct engine_key found;

    (void)state;
    engine_prepare(&engine, NULL);
    young = begin_young();
    script_usually(script, (struct script_act){.status = KP_THROTTLED});
    assert_int_equal(engine_key_by_name(young, "k", &found), 3109);
    assert_int_equal(atomic_load(&engine.age_ms), 45000);
    assert_true(atomic_load(&engine.n_pauses) > 10);
    engine_close(young);
    engine_end(&engine);
}

static kp_status (*script_open)(const struct kp_host *host,
                                const struct kp_vault_settings *settings, void **ret_vault,
                                struct kp_error *reterr);

/* The vault serves one secret; with another one it stays busy. */
static kp_status open_for_one(const struct kp_host *host, const struct kp_vault_settings *settings,
                              void **ret_vault, struct kp_error *reterr)
{
    if (!kpb_span_eq_str(settings->secret, "two"))
        return script_open(host, settings, ret_vault, reterr);
    *reterr = (struct kp_error){.struct_size = sizeof *reterr,
                                .status = KP_THROTTLED,
                                .exposure = KP_ANSWERED_REFUSED,
                                .retry_after_ms = KP_NO_RETRY_HINT};
    return KP_THROTTLED;
}

/* One vault that is away takes no time from another, and under each credential it is the same. */
static void patience_belongs_to_the_vault(void **state)
{
    struct script_vault *host;
    SqlCpSession sessions[3];
    struct engine_key found;
    uint64_t n_pauses;

    (void)state;
    engine_prepare(&engine, NULL);
    script_open = script_table()->open;
    script_table()->open = open_for_one;
    sessions[0] = begin_young();
    host = script_vault("contoso.vault.azure.net");
    engine_answers(host);
    script_usually(script, (struct script_act){.status = KP_THROTTLED});
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "one", &sessions[1]), 0);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "two", &sessions[2]), 0);
    assert_int_equal(engine_key_by_name(sessions[0], "k", &found), 3109);
    assert_int_equal(atomic_load(&engine.age_ms), 45000);
    n_pauses = atomic_load(&engine.n_pauses);
    assert_int_equal(engine_key_by_name(sessions[0], "k", &found), 3109); /* spent */
    assert_int_equal(atomic_load(&engine.n_pauses), n_pauses);
    script_push(host, (struct script_act){.status = KP_THROTTLED});
    assert_int_equal(engine_key_by_name(sessions[1], "k", &found), 0); /* whole */
    assert_int_equal(atomic_load(&engine.n_pauses), n_pauses + 1);
    script_usually(host, (struct script_act){.status = KP_THROTTLED});
    assert_int_equal(engine_key_by_name(sessions[1], "k", &found), 3109);
    assert_int_equal(atomic_load(&engine.age_ms), 90000);
    n_pauses = atomic_load(&engine.n_pauses);
    assert_int_equal(engine_key_by_name(sessions[2], "k", &found),
                     3109); /* the other secret's too */
    assert_int_equal(atomic_load(&engine.n_pauses), n_pauses);
    for (int i = 0; i < 3; i++)
        engine_close(sessions[i]);
    engine_end(&engine);
}

/* Calls that do not fail for passing reasons leave the clock of the process alone. */
static void patience_counts_from_the_start_of_the_process(void **state)
{
    SqlCpSession young;
    struct engine_key found;

    (void)state;
    engine_prepare(&engine, NULL);
    young = begin_young();
    assert_int_equal(engine_key_by_name(young, "k", &found), 0);
    engine_move(&engine, 40000);
    script_usually(script, (struct script_act){.status = KP_THROTTLED});
    assert_int_equal(engine_key_by_name(young, "k", &found), 3109);
    assert_int_equal(atomic_load(&engine.age_ms), 45000); /* five seconds were left of it */
    engine_close(young);
    engine_end(&engine);
}

/* ---- The breaker ---- */

/* open: how long its breaker stays open, in JSON. */
static SqlCpSession open_on_touchy_vault(const char *open)
{
    char breaker[128];

    (void)snprintf(breaker, sizeof breaker, ", \"breaker\": {\"failures\": 1, %s}", open);
    engine_prepare_vault(&engine, NULL, breaker);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    engine.skips_pauses = true;
    script = script_vault("s");
    engine_answers(script);
    return engine_script_session(&engine);
}

/* Old process: the open breaker answers at once, with the number of what opened it. */
static void open_breaker_repeats_its_cause(void **state)
{
    SqlCpSession old = open_on_touchy_vault("\"open_ms\": 60000");
    struct engine_key found;
    uint32_t n_submit;

    (void)state;
    plant(KP_TRANSIENT, 3900);
    assert_int_equal(engine_key_by_name(old, "k", &found), 3900);
    n_submit = script_counts(script).n_submit;
    assert_int_equal(engine_key_by_name(old, "k", &found), 3900);
    assert_int_equal(script_counts(script).n_submit, n_submit);
    engine_close(old);
    engine_end(&engine);
}

/* Young process: the call waits for the probe, and the probe finds the vault well again. */
static void young_process_waits_for_the_probe(void **state)
{
    SqlCpSession young = open_on_touchy_vault("\"open_ms\": 60, \"open_max_ms\": 60");
    struct engine_key found;

    (void)state;
    atomic_store(&engine.age_ms, 0);
    plant(KP_TRANSIENT, 3900);
    assert_int_equal(engine_key_by_name(young, "k", &found), 0);
    assert_int_equal(atomic_load(&engine.n_pauses), 1);
    engine_close(young);
    engine_end(&engine);
}

/* ---- Values kept for outages ---- */

static void kept_value_serves_while_the_vault_is_away(void **state)
{
    uint8_t wrapped[256] = {7};
    uint8_t value[512];
    uint32_t len = sizeof value;
    SqlCpSession opened;

    (void)state;
    engine_begin(&engine, ", \"unwrap_cache_ms\": 5000");
    script = script_vault("s");
    engine_answers(script);
    opened = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(opened, "k", &key), 0);
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 0);
    plant(KP_TRANSIENT, 0);
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 0);
    assert_int_equal(len, sizeof wrapped);
    assert_memory_equal(value, wrapped, sizeof wrapped);
    plant(KP_FORBIDDEN, 0); /* the vault said no: that is an answer */
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 3113);
    plant(KP_TRANSIENT, 0); /* and the last one it gave */
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 3106);
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 0);
    wrapped[0] = 8; /* another value */
    plant(KP_TRANSIENT, 0);
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 3106);
    engine_move(&engine, 5001);
    wrapped[0] = 7;
    plant(KP_TRANSIENT, 0);
    len = sizeof value;
    assert_int_equal(engine_decrypt(opened, &key, wrapped, sizeof wrapped, value, &len), 3106);
    engine_close(opened);
    engine_end(&engine);
}

static void nothing_is_kept_by_default(void **state)
{
    (void)state;
    assert_int_equal(decrypt(), 0);
    plant(KP_TRANSIENT, 0);
    assert_int_equal(decrypt(), 3106);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_documented_code_of_a_vault_reaches_the_engine, begin,
                                        end),
        cmocka_unit_test_setup_teardown(every_class_without_a_code_has_its_number, begin, end),
        cmocka_unit_test_setup_teardown(codes_that_are_not_ours_do_not_get_out, begin, end),
        cmocka_unit_test_setup_teardown(a_damaged_thumbprint_or_none_is_told, begin, end),
        cmocka_unit_test(a_map_that_cannot_be_written_is_2058),
        cmocka_unit_test(event_level_says_which_are_sent),
        cmocka_unit_test(passing_failures_are_waited_out_while_the_process_is_young),
        cmocka_unit_test(patience_ends_and_tells_the_last_number),
        cmocka_unit_test(patience_belongs_to_the_vault),
        cmocka_unit_test(patience_counts_from_the_start_of_the_process),
        cmocka_unit_test(open_breaker_repeats_its_cause),
        cmocka_unit_test(young_process_waits_for_the_probe),
        cmocka_unit_test(kept_value_serves_while_the_vault_is_away),
        cmocka_unit_test_setup_teardown(nothing_is_kept_by_default, begin, end),
    };

    return cmocka_run_group_tests_name("ekm_numbers", tests, NULL, NULL);
}
