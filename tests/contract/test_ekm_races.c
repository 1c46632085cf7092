/* Everything at once: sessions that open, work, are aborted; a provider that is freed meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/ekm_engine.h"

#define SECRET "thirty-two bytes, yours random.."
#define N_THREADS 64

static struct engine engine;

struct worker {
    uint32_t seed;
    uint32_t n_rounds;
    uint32_t n_done;
    uint32_t n_wrong;
    uv_thread_t thread;
};

/* A generator of its own for each thread: rand() is one for all. */
static uint32_t next_random(struct worker *w)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return w->seed >> 8;
}

static void start(struct worker *workers, int n, uv_thread_cb run, uint32_t n_rounds)
{
    for (int i = 0; i < n; i++) {
        workers[i] = (struct worker){.seed = (uint32_t)i * 7919u + 1u, .n_rounds = n_rounds};
        assert_int_equal(uv_thread_create(&workers[i].thread, run, &workers[i]), 0);
    }
}

static void join(struct worker *workers, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(uv_thread_join(&workers[i].thread), 0);
}

/* ---- 64 threads, each with sessions of its own ---- */

static bool use_key(SqlCpSession session)
{
    struct engine_key key;
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    return engine_key_by_name(session, "app", &key) == 0 && engine_export(session, &key) == 0 &&
           engine_key_by_thumb(session, &key) == 0 &&
           engine_encrypt(session, &key, SECRET, 32, wrapped, &wrapped_len) == 0 &&
           engine_decrypt(session, &key, wrapped, wrapped_len, value, &len) == 0 && len == 32 &&
           memcmp(value, SECRET, 32) == 0;
}

static bool use_infos(void)
{
    uint16_t name[64];
    SqlCpProviderInfo info = {.name = {sizeof name, name}};
    SqlCpAlgId alg = 0;

    return SqlCryptGetProviderInfo(&info) == 0 && SqlCryptGetNextAlgorithmId(&alg) == 0;
}

static bool use_list(SqlCpSession session)
{
    SqlCpKeyId id = 0;

    return SqlCryptGetNextKeyId(&session, &id) == 0 && id == 1;
}

static void mix(void *ctx)
{
    struct worker *w = ctx;

    for (uint32_t i = 0; i < w->n_rounds; i++) {
        SqlCpSession session = NULL;
        bool right = engine_open(&engine, NULL, NULL, &session) == 0;

        switch (next_random(w) % 4) {
        case 0:
            right = right && use_infos();
            break;
        case 1:
            right = right && use_list(session);
            break;
        default:
            right = right && use_key(session);
        }
        right = right && SqlCryptCloseSession(&session, (SqlCpBoolean)(i % 2)) == 0;
        w->n_wrong += !right;
        w->n_done++;
    }
}

static void sixty_four_threads_mix_everything(void **state)
{
    static struct worker workers[N_THREADS];

    (void)state;
    engine_begin(&engine, NULL);
    engine_make_key(&engine, "app", 2048);
    start(workers, N_THREADS, mix, 4);
    join(workers, N_THREADS);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(workers[i].n_done, 4);
        assert_int_equal(workers[i].n_wrong, 0);
    }
    engine_end(&engine);
}

/* ---- One session, many threads, closed under them ---- */

static _Atomic(uintptr_t) shared;

/* Any number is right, as long as it is one: the session may be gone, or the call cancelled. */
static bool is_expected(SqlCpError number)
{
    return number == 0 || number == scp_err_Failure || number == scp_err_InvalidArgument;
}

static void use_shared(void *ctx)
{
    struct worker *w = ctx;

    for (uint32_t i = 0; i < w->n_rounds; i++) {
        SqlCpSession session = (void *)atomic_load(&shared);
        struct engine_key key;

        w->n_wrong += !is_expected(engine_key_by_name(session, "k", &key));
        w->n_done++;
    }
}

static void sessions_are_closed_under_running_calls(void **state)
{
    static struct worker workers[8];
    struct script_vault *script;

    (void)state;
    engine_begin(&engine, NULL);
    script = script_vault("s");
    engine_answers(script);
    atomic_store(&shared, (uintptr_t)engine_script_session(&engine));
    start(workers, 8, use_shared, 60);
    for (int i = 0; i < 60; i++) {
        SqlCpSession fresh = engine_script_session(&engine);
        SqlCpSession old = (void *)atomic_exchange(&shared, (uintptr_t)fresh);

        assert_int_equal(SqlCryptCloseSession(&old, (SqlCpBoolean)(i % 3 != 0)), 0);
    }
    join(workers, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(workers[i].n_done, 60);
        assert_int_equal(workers[i].n_wrong, 0);
    }
    engine_end(&engine);
}

/* ---- The provider is freed and opened again under running calls ---- */

static void use_whatever_is_there(void *ctx)
{
    struct worker *w = ctx;

    for (uint32_t i = 0; i < w->n_rounds; i++) {
        SqlCpSession session = NULL;
        struct engine_key key;

        if (engine_open(&engine, "config:s", "open", &session) == 0)
            w->n_wrong += !is_expected(engine_key_by_name(session, "k", &key));
        if (session)
            w->n_wrong += !is_expected(SqlCryptCloseSession(&session, 0));
        w->n_done++;
    }
}

static void provider_is_freed_under_running_calls(void **state)
{
    static struct worker workers[8];
    struct script_vault *script;

    (void)state;
    engine_begin(&engine, NULL);
    script = script_vault("s");
    engine_answers(script);
    start(workers, 8, use_whatever_is_there, 60);
    for (int i = 0; i < 15; i++) {
        assert_int_equal(SqlCryptFreeProvider(), 0);
        assert_int_equal(SqlCryptInitializeProvider(), 0);
    }
    join(workers, 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(workers[i].n_wrong, 0);
    engine_end(&engine);
}

/* ---- A vault that takes one at a time ---- */

static void read_once(void *ctx)
{
    struct worker *w = ctx;
    SqlCpSession session = NULL;
    struct engine_key key;

    w->n_wrong += engine_open(&engine, "config:s", "open", &session) != 0;
    w->n_wrong += engine_key_by_name(session, "k", &key) != 0;
    w->n_wrong += SqlCryptCloseSession(&session, 0) != 0;
}

/* One in flight, one in the queue, no patience left: nobody is turned away for want of room. */
static void callers_wait_for_room(void **state)
{
    static struct worker workers[N_THREADS];

    (void)state;
    engine_prepare_vault(&engine, NULL, ", \"max_in_flight\": 1, \"max_queued\": 0");
    assert_int_equal(SqlCryptInitializeProvider(), 0);
    engine_answers(script_vault("s"));
    start(workers, N_THREADS, read_once, 1);
    join(workers, N_THREADS);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(workers[i].n_wrong, 0);
    engine_end(&engine);
}

/* ---- 500 databases start against one vault ---- */

static void start_database(void *ctx)
{
    struct worker *w = ctx;
    SqlCpSession session = NULL;
    struct engine_key key = {.thumb_len = 20};
    uint8_t wrapped[256] = {9};
    uint8_t value[512];
    uint32_t len = sizeof value;

    memcpy(key.thumb, engine.shared_thumb, 20);
    w->n_wrong += engine_open(&engine, "config:s", "open", &session) != 0;
    w->n_wrong += engine_decrypt(session, &key, wrapped, sizeof wrapped, value, &len) != 0;
    w->n_wrong += SqlCryptCloseSession(&session, 0) != 0;
}

/* The vault throttles every other call and takes four at a time. Each database comes up. */
static _Atomic uint32_t n_answered;

static kp_status throttle_every_other(struct script_op *op)
{
    static const struct script_act no = {
        .status = KP_THROTTLED, .exposure = KP_ANSWERED_REFUSED, .hint_ms = 1};

    if (script_op_request(op)->op == KP_OP_UNWRAP && atomic_fetch_add(&n_answered, 1) % 2 == 0)
        return script_finish_with(op, &no);
    return engine_answer(op);
}

static void five_hundred_databases_come_up(void **state)
{
    enum { N = 500 };
    static struct worker workers[N];
    struct script_vault *script;
    SqlCpSession session;
    struct engine_key key;

    (void)state;
    engine_begin(&engine, NULL);
    script = script_vault("s");
    engine_answers(script);
    session = engine_script_session(&engine);
    assert_int_equal(engine_key_by_name(session, "k", &key), 0);
    memcpy(engine.shared_thumb, key.thumb, 20);
    engine_close(session);
    atomic_store(&n_answered, 0);
    engine.ignores_pauses = true;
    atomic_store(&engine.age_ms, 0);
    script_usually(script, (struct script_act){.how = SCRIPT_CALL, .call = throttle_every_other});
    start(workers, N, start_database, 1);
    join(workers, N);
    for (int i = 0; i < N; i++)
        assert_int_equal(workers[i].n_wrong, 0);
    engine_end(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_threads_mix_everything),
        cmocka_unit_test(sessions_are_closed_under_running_calls),
        cmocka_unit_test(provider_is_freed_under_running_calls),
        cmocka_unit_test(callers_wait_for_room),
        cmocka_unit_test(five_hundred_databases_come_up),
    };

    return cmocka_run_group_tests_name("ekm_races", tests, NULL, NULL);
}
