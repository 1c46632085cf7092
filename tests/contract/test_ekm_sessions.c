/* Sessions and credentials through the exports: who gets in, as whom, and who is cancelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/ekm_engine.h"
#include "support/latch.h"

#define SECRET "thirty-two bytes, yours random.."

static struct engine engine;
static struct script_vault *script;

static int begin(void **state)
{
    (void)state;
    engine_begin(&engine, NULL);
    script = script_vault("s");
    engine_answers(script);
    return 0;
}

static int end(void **state)
{
    (void)state;
    engine_end(&engine);
    return 0;
}

/* ---- Who gets in ---- */

static void configured_vault_opens_with_its_access_secret_alone(void **state)
{
    SqlCpSession session = NULL;

    (void)state;
    assert_int_equal(engine_open(&engine, "config:s", "open", &session), 0);
    engine_close(session);
    assert_int_equal(engine_open(&engine, "config:s", "opem", &session), 3303);
    assert_int_equal(engine_open(&engine, "config:s", "", &session), 3303);
    assert_int_equal(engine_open(&engine, "config:open", "x", &session), scp_err_AuthFailure);
    assert_int_equal(engine_open(&engine, "config:gone", "x", &session), scp_err_AuthFailure);
    assert_int_equal(engine_open(&engine, "config:elsewhere", "x", &session), scp_err_AuthFailure);
}

/* ---- The file of an access secret ---- */

static char access_dir[TEMP_DIR_LEN];
static char access_path[TEMP_DIR_LEN + 8];

static void write_access(const char *secret)
{
    FILE *f = fopen(access_path, "w");

    assert_non_null(f);
    assert_true(fputs(secret, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Vault "gone" has its access secret in a file. */
static void begin_access(const char *settings)
{
    char vault[256];

    temp_dir_make(access_dir);
    (void)snprintf(access_path, sizeof access_path, "%s/access", access_dir);
    (void)snprintf(vault, sizeof vault,
                   "}, \"gone\": {\"location\": \"script:gone\", "
                   "\"access_secret\": {\"file\": \"%s\"}",
                   access_path);
    engine_prepare_vault(&engine, settings, vault);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    script = script_vault("s");
    write_access("one");
}

static int begin_with_file(void **state)
{
    (void)state;
    begin_access("");
    return 0;
}

/* Calls that end by themselves within the second of a test that is in a hurry. */
#define PATIENCE 60u

/* For files that hang: so long is what they are waited for. */
static int begin_with_file_in_a_hurry(void **state)
{
    (void)state;
    begin_access(", \"timeout_ms\": 1000");
    return 0;
}

static int end_with_file(void **state)
{
    temp_dir_remove(access_dir);
    return end(state);
}

static SqlCpError open_by_file(const char *secret)
{
    SqlCpSession session = NULL;
    SqlCpError number = engine_open(&engine, "config:gone", secret, &session);

    if (number == 0)
        engine_close(session);
    return number;
}

static void expect_last_event(const char *words)
{
    char event[4096];

    engine_last_event(&engine, event);
    if (!strstr(event, words))
        fail_msg("%s is not in: %s", words, event);
}

static void changed_access_secret_counts_at_once(void **state)
{
    (void)state;
    assert_int_equal(open_by_file("one"), 0);
    write_access("two\n");
    assert_int_equal(open_by_file("one"), 3303);
    assert_int_equal(open_by_file("two"), 0);
}

static void access_secret_that_cannot_be_read_is_5_and_named(void **state)
{
    (void)state;
    assert_int_equal(remove(access_path), 0);
    assert_int_equal(open_by_file("one"), scp_err_AuthFailure);
    expect_last_event("vaults.gone.access_secret");
    expect_last_event(access_path);
    expect_last_event("does not exist");
}

/* All workers that read files hang, as on a disk that is away; who waits for them does not. */
static struct latch hanging;
static struct latch disk_is_back;

static void hang_on_worker(void *arg)
{
    (void)arg;
    latch_hit(&hanging);
    latch_wait(&disk_is_back, 1);
}

static void worker_is_free(void *arg)
{
    script_op_arrived(arg);
}

static kp_status take_worker(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));

    script_op_expect(op);
    assert_int_equal(host->work(host->self, script_op_id(op), hang_on_worker, worker_is_free, op),
                     KP_OK);
    return script_finish(op, KP_NOT_FOUND);
}

/* What the calls themselves are told counts for nothing: on a busy machine their time may be up. */
static void hang_all_workers(SqlCpSession session)
{
    uint32_t n_cores = uv_available_parallelism();
    uint32_t n = n_cores > 4 ? n_cores : 4;
    struct engine_key key;

    script_usually(script, (struct script_act){.how = SCRIPT_CALL, .call = take_worker});
    for (uint32_t i = 0; i < PATIENCE && latch_count(&hanging) < n; i++)
        (void)engine_key_by_name(session, "k", &key);
    latch_wait(&hanging, n);
}

static bool is_answered(SqlCpError number)
{
    char event[4096];

    engine_last_event(&engine, event);
    return number == 0 || !strstr(event, "was not read within");
}

static void access_secret_on_a_disk_that_hangs_is_given_up(void **state)
{
    SqlCpSession session = engine_script_session(&engine);
    SqlCpError number;

    (void)state;
    latch_init(&hanging);
    latch_init(&disk_is_back);
    hang_all_workers(session);
    assert_int_equal(open_by_file("one"), scp_err_AuthFailure);
    expect_last_event("was not read within 1000 ms");
    latch_hit(&disk_is_back);
    number = open_by_file("one");
    for (uint32_t i = 0; i < PATIENCE && !is_answered(number); i++)
        number = open_by_file("one"); /* a second each, if the machine has no time for it */
    assert_int_equal(number, 0);
    engine_close(session);
}

static void malformed_credentials_have_their_numbers_and_a_line(void **state)
{
    SqlCpSession session = NULL;
    char event[4096];

    (void)state;
    assert_int_equal(engine_open(&engine, "contoso", "short", &session), 2050);
    engine_last_event(&engine, event);
    assert_non_null(strstr(event, "call=OpenSession"));
    assert_non_null(strstr(event, "number=2050"));
    assert_null(strstr(event, "short "));
    assert_int_equal(engine_open(&engine, "contoso.example.com", ENGINE_ID "secret", &session),
                     3900);
    assert_int_equal(engine_open(&engine, "Managed Identity", "", &session), 5);
    assert_int_equal(engine_open(&engine, "file:/etc", "", &session), 5);
    engine_last_event(&engine, event);
    assert_non_null(strstr(event, "ekm.allow"));
    assert_null(session);
}

/* Whatever is wrong with a SECRET, no piece of it is written anywhere. */
static void log_never_shows_a_secret(void **state)
{
    static const char *const secrets[] = {"Hush", ENGINE_ID "Hush",
                                          "01234567-89ab-cdef-0123-456789abcdefHush",
                                          "not hexadecimal digits at all, Hush"};
    static char log[65536];
    char path[TEMP_DIR_LEN + 8];
    SqlCpSession session = NULL;
    FILE *f;

    (void)state;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (engine_open(&engine, "contoso", secrets[i], &session) == 0)
            engine_close(session);
        assert_int_not_equal(engine_open(&engine, "config:s", secrets[i], &session), 0);
        assert_int_not_equal(engine_open(&engine, "con toso", secrets[i], &session), 0);
        assert_int_not_equal(engine_open(&engine, "file:/x", secrets[i], &session), 0);
    }
    (void)snprintf(path, sizeof path, "%s/log", engine.dir);
    f = fopen(path, "r");
    assert_non_null(f);
    log[fread(log, 1, sizeof log - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
    assert_non_null(strstr(log, "number=2050"));
    assert_null(strstr(log, "Hush"));
}

/* A folder that is no vault yet: the first call fails, and nothing has come into being. */
static void file_vault_is_never_created(void **state)
{
    SqlCpSession session = engine_session(&engine);
    struct engine_key key;

    (void)state;
    assert_int_not_equal(engine_key_by_name(session, "app", &key), 0);
    engine_close(session);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    engine_make_key(&engine, "app", 2048); /* would fail on a half-made one */
    assert_int_equal(SqlCryptInitializeProvider(), 0);
}

/* ---- Nobody waits for the network, and nobody gets in by another's secret ---- */

static void open_asks_no_vault(void **state)
{
    SqlCpSession session = NULL;

    (void)state;
    script_usually(script, (struct script_act){.status = KP_TRANSIENT});
    assert_int_equal(engine_open(&engine, "config:s", "open", &session), 0);
    assert_int_equal(script_counts(script).n_open, 0);
    engine_close(session);
}

/* The vault knows one secret; what it told those who have it, nobody else gets. */
static kp_status (*script_open)(const struct kp_host *host,
                                const struct kp_vault_settings *settings, void **ret_vault,
                                struct kp_error *reterr);

static kp_status open_by_secret(const struct kp_host *host,
                                const struct kp_vault_settings *settings, void **ret_vault,
                                struct kp_error *reterr)
{
    if (kpb_span_eq_str(settings->secret, "right"))
        return script_open(host, settings, ret_vault, reterr);
    *reterr = (struct kp_error){.struct_size = sizeof *reterr,
                                .status = KP_AUTH,
                                .exposure = KP_ANSWERED_REFUSED,
                                .retry_after_ms = KP_NO_RETRY_HINT,
                                .text = "the login service knows no such secret"};
    return KP_AUTH;
}

static void wrong_secret_is_refused_whatever_is_cached(void **state)
{
    struct script_vault *host;
    SqlCpSession good = NULL;
    SqlCpSession bad = NULL;
    struct engine_key key;
    struct engine_key stolen;
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    (void)state;
    engine_prepare(&engine, ", \"unwrap_cache_ms\": 60000");
    script_open = script_table()->open;
    script_table()->open = open_by_secret;
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    host = script_vault("contoso.vault.azure.net");
    engine_answers(host);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "right", &good), 0);
    assert_int_equal(engine_key_by_name(good, "k", &key), 0);
    assert_int_equal(engine_encrypt(good, &key, SECRET, 32, wrapped, &wrapped_len), 0);
    assert_int_equal(engine_decrypt(good, &key, wrapped, wrapped_len, value, &len), 0);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "wrong", &bad), 0);
    len = sizeof value;
    assert_int_equal(engine_decrypt(bad, &key, wrapped, wrapped_len, value, &len), 3303);
    assert_int_equal(engine_key_by_name(bad, "k", &stolen), 3303);
    stolen = key;
    assert_int_equal(engine_key_by_thumb(bad, &stolen), 3303);
    assert_int_equal(engine_export(bad, &stolen), 3303);
    engine_close(bad);
    assert_int_equal(engine_open(&engine, "contoso", ENGINE_ID "wrong", &bad), 3303);
    engine_close(good);
    engine_end(&engine);
}

static void bad_credential_is_tried_again_after_its_time(void **state)
{
    SqlCpSession session = engine_script_session(&engine);
    struct engine_key key;

    (void)state;
    script_push(script, (struct script_act){.status = KP_AUTH, .exposure = KP_ANSWERED});
    assert_int_equal(engine_key_by_name(session, "k", &key), 3303);
    engine_close(session);
    assert_int_equal(engine_open(&engine, "config:s", "open", &session), 3303);
    engine_move(&engine, 60001);
    assert_int_equal(engine_open(&engine, "config:s", "open", &session), 0);
    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    engine_close(session);
    session = engine_script_session(&engine);
    engine_close(session);
}

/* ---- Handles ---- */

static void handles_are_numbers_and_never_come_again(void **state)
{
    SqlCpSession first = engine_session(&engine);
    SqlCpSession second;
    SqlCpSession invented = (void *)(uintptr_t)0x7f0000000010;
    struct engine_key key;

    (void)state;
    engine_close(first);
    second = engine_session(&engine);
    assert_ptr_not_equal(first, second);
    assert_int_equal(engine_key_by_name(first, "k", &key), scp_err_InvalidArgument);
    assert_int_equal(engine_key_by_name(invented, "k", &key), scp_err_InvalidArgument);
    assert_int_equal(engine_key_by_name(NULL, "k", &key), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptCloseSession(&first, 1), scp_err_InvalidArgument);
    engine_close(second);
}

static void thousands_are_open_at_once_and_no_more_than_allowed(void **state)
{
    enum { N = 5000 };
    static SqlCpSession sessions[N];
    SqlCpSession one = NULL;

    (void)state;
    engine_begin(&engine, ", \"max_sessions\": 5000");
    for (int i = 0; i < N; i++)
        sessions[i] = engine_session(&engine);
    assert_int_equal(engine_open(&engine, NULL, NULL, &one), scp_err_Failure);
    engine_close(sessions[17]);
    sessions[17] = engine_session(&engine);
    for (int i = 0; i < N; i++)
        engine_close(sessions[i]);
    engine_end(&engine);
}

/* ---- Abort ---- */

struct asker {
    SqlCpSession session;
    SqlCpError number;
    uv_thread_t thread;
};

static void ask(void *ctx)
{
    struct asker *a = ctx;
    struct engine_key key;

    a->number = engine_key_by_name(a->session, "k", &key);
}

static void abort_from_another_thread_ends_what_runs(void **state)
{
    struct asker a = {.session = engine_script_session(&engine)};

    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    assert_int_equal(uv_thread_create(&a.thread, ask, &a), 0);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(SqlCryptCloseSession(&a.session, 1), 0);
    assert_int_equal(uv_thread_join(&a.thread), 0);
    assert_int_equal(a.number, scp_err_Failure);
    SCRIPT_WAIT(script, n_cancel, 1);
}

/* A plugin that does not listen keeps its own thread of work, not the engine's. */
static void abort_does_not_wait_for_a_deaf_vault(void **state)
{
    struct asker a = {.session = engine_script_session(&engine)};

    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_DEAF});
    assert_int_equal(uv_thread_create(&a.thread, ask, &a), 0);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(SqlCryptCloseSession(&a.session, 1), 0);
    assert_int_equal(uv_thread_join(&a.thread), 0);
    assert_int_equal(a.number, scp_err_Failure);
    script_finish_held(script, KP_CANCELED);
}

/* Without abort a call that runs ends in its own time, though the session is gone for others. */
static void close_without_abort_lets_a_call_finish(void **state)
{
    struct asker a = {.session = engine_script_session(&engine)};
    struct script_op *op;

    (void)state;
    script_push(script, (struct script_act){.how = SCRIPT_HELD, .status = KP_FORBIDDEN});
    assert_int_equal(uv_thread_create(&a.thread, ask, &a), 0);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(SqlCryptCloseSession(&a.session, 0), 0);
    op = script_held(script);
    assert_int_equal(script_finish(op, KP_FORBIDDEN), KP_OK);
    assert_int_equal(uv_thread_join(&a.thread), 0);
    assert_int_equal(a.number, 3113);
}

static void free_cancels_what_runs_and_leaves_nothing(void **state)
{
    struct asker a = {.session = engine_script_session(&engine)};

    (void)state;
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    assert_int_equal(uv_thread_create(&a.thread, ask, &a), 0);
    SCRIPT_WAIT(script, n_held, 1);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    assert_int_equal(uv_thread_join(&a.thread), 0);
    assert_int_equal(a.number, scp_err_Failure);
    assert_int_equal(engine_open(&engine, NULL, NULL, &a.session), scp_err_Failure);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
}

/* ---- Lifetime ---- */

static void initialize_and_free_are_counted_and_repeatable(void **state)
{
    SqlCpSession session;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(SqlCryptFreeProvider(), 0);
        assert_int_equal(SqlCryptInitializeProvider(), 0);
    }
    session = engine_session(&engine);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    engine_close(session);
    assert_int_equal(SqlCryptFreeProvider(), 0);
    assert_int_equal(SqlCryptFreeProvider(), scp_err_InvalidArgument);
    assert_int_equal(SqlCryptInitializeProvider(), 0);
}

static void broken_configuration_fails_initialize_and_says_why(void **state)
{
    char event[4096];
    char *members;

    (void)state;
    engine_prepare(&engine, ", \"timeout_ms\": 10000");
    members = strstr(engine.config, "timeout_ms");
    assert_non_null(members);
    members[0] = 'T';
    assert_int_equal(SqlCryptInitializeProvider(), scp_err_Failure);
    engine_last_event(&engine, event);
    assert_non_null(strstr(event, "is timeout_ms meant?"));
    assert_int_equal(SqlCryptFreeProvider(), scp_err_InvalidArgument);
    members[0] = 't';
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    engine_end(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(configured_vault_opens_with_its_access_secret_alone, begin,
                                        end),
        cmocka_unit_test_setup_teardown(changed_access_secret_counts_at_once, begin_with_file,
                                        end_with_file),
        cmocka_unit_test_setup_teardown(access_secret_that_cannot_be_read_is_5_and_named,
                                        begin_with_file, end_with_file),
        cmocka_unit_test_setup_teardown(access_secret_on_a_disk_that_hangs_is_given_up,
                                        begin_with_file_in_a_hurry, end_with_file),
        cmocka_unit_test_setup_teardown(malformed_credentials_have_their_numbers_and_a_line, begin,
                                        end),
        cmocka_unit_test_setup_teardown(log_never_shows_a_secret, begin, end),
        cmocka_unit_test_setup_teardown(file_vault_is_never_created, begin, end),
        cmocka_unit_test_setup_teardown(open_asks_no_vault, begin, end),
        cmocka_unit_test(wrong_secret_is_refused_whatever_is_cached),
        cmocka_unit_test_setup_teardown(bad_credential_is_tried_again_after_its_time, begin, end),
        cmocka_unit_test_setup_teardown(handles_are_numbers_and_never_come_again, begin, end),
        cmocka_unit_test(thousands_are_open_at_once_and_no_more_than_allowed),
        cmocka_unit_test_setup_teardown(abort_from_another_thread_ends_what_runs, begin, end),
        cmocka_unit_test_setup_teardown(abort_does_not_wait_for_a_deaf_vault, begin, end),
        cmocka_unit_test_setup_teardown(close_without_abort_lets_a_call_finish, begin, end),
        cmocka_unit_test_setup_teardown(free_cancels_what_runs_and_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(initialize_and_free_are_counted_and_repeatable, begin, end),
        cmocka_unit_test(broken_configuration_fails_initialize_and_says_why),
    };

    return cmocka_run_group_tests_name("ekm_sessions", tests, NULL, NULL);
}
