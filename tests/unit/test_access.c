/* Access secrets in files: read by a worker, waited for with a bound, by one reader each. */
#include <stdatomic.h>

#include <uv.h>

#include "core/access.h"
#include "support/env.h"
#include "support/latch.h"
#include "support/temp_file.h"
#include "support/tsan_options.h"
#include "tests/unit/config_samples.h"

#define GENEROUS_MS 60000u
#define N_ASKERS 8u

static struct kpi_workers pool;
static struct kpi_access access_to;
static char path[64];
static struct kpi_secret_ref ref;

/* Takes the only worker until go. */
struct hang {
    struct kpi_job job;
    struct latch started;
    struct latch go;
};

static void run_hang(struct kpi_job *job)
{
    struct hang *hang = KPI_HOLDER(job, struct hang, job);

    latch_hit(&hang->started);
    latch_wait(&hang->go, 1);
}

static void begin_hang(struct hang *hang)
{
    hang->job.run = run_hang;
    latch_init(&hang->started);
    latch_init(&hang->go);
    assert_int_equal(kpi_workers_submit(&pool, &hang->job), KP_OK);
    latch_wait(&hang->started, 1);
}

static uint32_t n_waiting(void)
{
    uv_mutex_lock(&pool.lock);
    uint32_t n = pool.n_jobs;
    uv_mutex_unlock(&pool.lock);
    return n;
}

static void write_secret(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s", temp_file_make("one"));
    ref = (struct kpi_secret_ref){.kind = KPI_SECRET_FILE, .source = path};
    assert_int_equal(kpi_workers_init(&pool, "test.workers", 1), KP_OK);
    assert_int_equal(kpi_access_init(&access_to, &pool), KP_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(kpi_workers_stop(&pool, UINT64_MAX), 0);
    kpi_access_clear(&access_to);
    kpi_workers_clear(&pool);
    temp_file_remove(path);
    return 0;
}

static kp_status check(const char *secret, uint32_t timeout_ms, struct kp_error *err)
{
    kp_error_init(err);
    return kpi_access_check(&access_to, &ref, kpb_span_str(secret), timeout_ms, err);
}

static void file_counts_as_it_is_now(void **state)
{
    struct kp_error err;

    (void)state;
    assert_int_equal(check("one", GENEROUS_MS, &err), KP_OK);
    assert_int_equal(check("two", GENEROUS_MS, &err), KP_AUTH);
    write_secret("two\n");
    assert_int_equal(check("two", GENEROUS_MS, &err), KP_OK);
    assert_int_equal(check("one", GENEROUS_MS, &err), KP_AUTH);
    assert_null(strstr(err.text, "two"));
    assert_int_equal(remove(path), 0);
    assert_int_equal(check("two", GENEROUS_MS, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "does not exist"));
}

/* However many ask, and however often: one reader stands in the line of the workers. */
static void file_that_hangs_is_given_up_and_has_one_reader(void **state)
{
    struct hang hang;
    struct kp_error err;

    (void)state;
    begin_hang(&hang);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check("one", 1, &err), KP_TIMEOUT);
        assert_non_null(strstr(err.text, path));
        assert_non_null(strstr(err.text, "not read within 1 ms"));
        assert_int_equal(n_waiting(), 1);
    }
    latch_hit(&hang.go);
    assert_int_equal(check("one", GENEROUS_MS, &err), KP_OK); /* as if nothing had been */
    latch_clear(&hang.go);
    latch_clear(&hang.started);
}

static void other_places_need_no_worker(void **state)
{
    struct hang hang;
    struct kp_error err;

    (void)state;
    begin_hang(&hang);
    ref = (struct kpi_secret_ref){.kind = KPI_SECRET_ENV, .source = (char[]){"KP_TEST_SECRET"}};
    env_set("KP_TEST_SECRET", "three");
    assert_int_equal(check("three", 0, &err), KP_OK);
    assert_int_equal(check("four", 0, &err), KP_AUTH);
    env_set("KP_TEST_SECRET", NULL);
    assert_int_equal(check("three", 0, &err), KP_CONFIG);
    latch_hit(&hang.go);
    assert_int_equal(kpi_workers_stop(&pool, UINT64_MAX), 0);
    latch_clear(&hang.go);
    latch_clear(&hang.started);
}

/* ---- Many at once ---- */

static _Atomic uint32_t n_right;

static void ask(void *arg)
{
    struct kp_error err;

    for (int i = 0; i < 50; i++) {
        if (check(arg ? "one" : "wrong", GENEROUS_MS, &err) == (arg ? KP_OK : KP_AUTH))
            (void)atomic_fetch_add(&n_right, 1);
    }
}

static void each_asker_gets_its_own_answer(void **state)
{
    uv_thread_t askers[N_ASKERS];

    (void)state;
    for (size_t i = 0; i < N_ASKERS; i++)
        assert_int_equal(uv_thread_create(&askers[i], ask, i % 2 ? path : NULL), 0);
    for (size_t i = 0; i < N_ASKERS; i++)
        assert_int_equal(uv_thread_join(&askers[i]), 0);
    assert_int_equal(atomic_load(&n_right), N_ASKERS * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_counts_as_it_is_now, begin, end),
        cmocka_unit_test_setup_teardown(file_that_hangs_is_given_up_and_has_one_reader, begin, end),
        cmocka_unit_test_setup_teardown(other_places_need_no_worker, begin, end),
        cmocka_unit_test_setup_teardown(each_asker_gets_its_own_answer, begin, end),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
