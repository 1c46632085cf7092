/* base/histogram: no value is further off than 1/64, and nothing recorded is lost. */
#include "base/histogram.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_NS UINT64_C(3600000000000)
#define N_THREADS 4
#define N_ROUNDS 20000

static struct kpb_histogram histogram;
static struct kpb_histogram other;

static int empty_both(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
    return 0;
}

/* A single value between two others, so that the maximum does not help. */
static uint64_t median_of_three(uint64_t low, uint64_t value, uint64_t high)
{
    memset(&histogram, 0, sizeof histogram);
    kpb_histogram_record(&histogram, low);
    kpb_histogram_record(&histogram, value);
    kpb_histogram_record(&histogram, high);
    return kpb_histogram_quantile(&histogram, 0.5);
}

static void empty_histogram_answers_zero(void **state)
{
    (void)state;
    assert_int_equal(kpb_histogram_count(&histogram), 0);
    assert_int_equal(kpb_histogram_quantile(&histogram, 0.5), 0);
    assert_int_equal(kpb_histogram_mean(&histogram), 0);
    assert_int_equal(kpb_histogram_count_up_to(&histogram, UINT64_MAX), 0);
}

static void values_below_128_are_exact(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 128; ns++)
        assert_int_equal(median_of_three(0, ns, 1000), ns);
}

/* Every power of two with its neighbours, and values scattered between. */
static void values_up_to_two_hours_are_within_one_64th(void **state)
{
    (void)state;
    for (unsigned bit = 6; bit < 43; bit++) {
        for (uint64_t k = 0; k < 40; k++) {
            uint64_t base = UINT64_C(1) << bit;
            uint64_t ns = k < 3 ? base - 1 + k : base + (base / 41) * k;
            uint64_t shown = median_of_three(0, ns, UINT64_MAX);

            assert_true(shown >= ns);
            assert_true(shown - ns <= ns / 64);
        }
    }
    assert_true(median_of_three(0, 2 * HOUR_NS, UINT64_MAX) >= 2 * HOUR_NS);
}

static void values_beyond_the_range_count_as_the_longest(void **state)
{
    (void)state;
    kpb_histogram_record(&histogram, 100 * HOUR_NS);
    kpb_histogram_record(&histogram, UINT64_MAX / 2);
    assert_int_equal(kpb_histogram_count(&histogram), 2);
    assert_true(kpb_histogram_quantile(&histogram, 0.1) >= 2 * HOUR_NS);
    assert_true(histogram.max_ns == UINT64_MAX / 2);
}

static void quantile_of_one_value_is_that_value(void **state)
{
    const double q[] = {0.0, 0.5, 0.99, 1.0};

    (void)state;
    kpb_histogram_record(&histogram, 123456789);
    for (size_t i = 0; i < sizeof q / sizeof q[0]; i++)
        assert_int_equal(kpb_histogram_quantile(&histogram, q[i]), 123456789);
}

/* 1..100000 microseconds once each: the quantile is known. */
static void quantiles_of_a_known_distribution_hold(void **state)
{
    static const double q[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};

    (void)state;
    for (uint64_t us = 1; us <= 100000; us++)
        kpb_histogram_record(&histogram, us * 1000);
    assert_int_equal(kpb_histogram_count(&histogram), 100000);
    assert_int_equal(histogram.sum_ns, UINT64_C(5000050000000));
    for (size_t i = 0; i < sizeof q / sizeof q[0]; i++) {
        double truth = q[i] * 1e8;
        double shown = (double)kpb_histogram_quantile(&histogram, q[i]);

        assert_true(shown >= truth * 0.9999);
        assert_true(shown <= truth * (1.0 + 1.0 / 64));
    }
    assert_int_equal(kpb_histogram_quantile(&histogram, 1.0), 100000000);
}

/* ---- Other shapes, as N_VALUES values in ascending order ---- */

#define N_VALUES 50000u

static uint64_t values[N_VALUES];

/* The i-th of n exponential values is 1/n + 1/(n-1) + ... + 1/(n-i) means, on average. */
static void fill_exponential(void)
{
    double sum = 0;

    for (uint32_t i = 0; i < N_VALUES; i++) {
        sum += 1.0 / (N_VALUES - i);
        values[i] = (uint64_t)(sum * 2e6);
    }
}

/* Nine of ten around 300 us, one of ten around 80 ms; nothing between. */
static void fill_bimodal(void)
{
    for (uint32_t i = 0; i < N_VALUES; i++)
        values[i] = i < N_VALUES / 10 * 9 ? 250000 + i * 2 : 75000000 + i * 100;
}

static void fill_constant(void)
{
    for (uint32_t i = 0; i < N_VALUES; i++)
        values[i] = 4242421;
}

/* Recorded in an order that jumps; 7919 is a prime, so each comes once. */
static uint64_t record_values(void)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < N_VALUES; i++) {
        kpb_histogram_record(&histogram, values[i * 7919 % N_VALUES]);
        sum += values[i];
    }
    return sum;
}

/* Quantiles in 1/10,000: each is the smallest value that so many of all do not exceed. */
static void quantiles_of_other_shapes_hold(void **state)
{
    static void (*const fill[])(void) = {fill_exponential, fill_bimodal, fill_constant};
    static const uint32_t q[] = {1, 1000, 5000, 8990, 9000, 9001, 9900, 9990, 9999, 10000};
    uint64_t sum;

    (void)state;
    for (size_t s = 0; s < sizeof fill / sizeof fill[0]; s++) {
        fill[s]();
        memset(&histogram, 0, sizeof histogram);
        sum = record_values();
        assert_int_equal(kpb_histogram_mean(&histogram), sum / N_VALUES);
        for (size_t i = 0; i < sizeof q / sizeof q[0]; i++) {
            uint64_t truth = values[q[i] * (N_VALUES / 10000u) - 1];
            uint64_t shown = kpb_histogram_quantile(&histogram, q[i] / 10000.0);

            assert_in_range(shown, truth, truth + truth / 64);
        }
    }
}

static void count_up_to_grows_and_is_never_too_high(void **state)
{
    uint64_t before = 0;

    (void)state;
    for (uint64_t us = 1; us <= 1000; us++)
        kpb_histogram_record(&histogram, us * 1000);
    for (uint64_t us = 1; us <= 1100; us++) {
        uint64_t n = kpb_histogram_count_up_to(&histogram, us * 1000);

        assert_true(n >= before);
        assert_true(n <= us);
        assert_true(n + us / 64 + 1 >= (us < 1000 ? us : 1000));
        before = n;
    }
    assert_int_equal(kpb_histogram_count_up_to(&histogram, UINT64_MAX), 1000);
}

static void bounds_that_end_a_bucket_belong_to_it(void **state)
{
    (void)state;
    for (uint64_t ns = 1; ns <= 120; ns++)
        kpb_histogram_record(&histogram, ns);
    assert_int_equal(kpb_histogram_count_up_to(&histogram, 100), 100);
    assert_int_equal(kpb_histogram_quantile(&histogram, 0.5), 60);
}

static void merge_adds_everything(void **state)
{
    (void)state;
    kpb_histogram_record(&histogram, 1000);
    kpb_histogram_record(&histogram, 2000);
    kpb_histogram_record(&other, 3000);
    kpb_histogram_record(&other, 500);
    kpb_histogram_merge(&histogram, &other);
    assert_int_equal(kpb_histogram_count(&histogram), 4);
    assert_int_equal(histogram.sum_ns, 6500);
    assert_int_equal(histogram.max_ns, 3000);
    assert_int_equal(kpb_histogram_quantile(&histogram, 1.0), 3000);
    assert_int_equal(kpb_histogram_count(&other), 2);
}

static void *record_many(void *arg)
{
    uint64_t me = (uint64_t)(uintptr_t)arg;

    for (uint64_t i = 0; i < N_ROUNDS; i++)
        kpb_histogram_record(&histogram, i * 100 + me);
    return NULL;
}

static void threads_lose_no_value(void **state)
{
    pthread_t threads[N_THREADS];
    uint64_t sum = 0;

    (void)state;
    for (uintptr_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, record_many, (void *)i), 0);
        sum += UINT64_C(100) * N_ROUNDS * (N_ROUNDS - 1) / 2 + i * N_ROUNDS;
    }
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(kpb_histogram_count(&histogram), N_THREADS * N_ROUNDS);
    assert_true(histogram.sum_ns == sum);
    assert_int_equal(histogram.max_ns, (N_ROUNDS - 1) * 100 + N_THREADS - 1);
}

#define FRESH(test) cmocka_unit_test_setup(test, empty_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(empty_histogram_answers_zero),
        FRESH(values_below_128_are_exact),
        FRESH(values_up_to_two_hours_are_within_one_64th),
        FRESH(values_beyond_the_range_count_as_the_longest),
        FRESH(quantile_of_one_value_is_that_value),
        FRESH(quantiles_of_a_known_distribution_hold),
        FRESH(quantiles_of_other_shapes_hold),
        FRESH(count_up_to_grows_and_is_never_too_high),
        FRESH(bounds_that_end_a_bucket_belong_to_it),
        FRESH(merge_adds_everything),
        FRESH(threads_lose_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
