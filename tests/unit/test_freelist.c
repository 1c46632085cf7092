/* core/freelist. */
#include "core/freelist.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N_NUMBERS 64
#define N_THREADS 4
#define N_ROUNDS 20000

static struct kpi_freelist list;
static _Atomic uint32_t links[N_NUMBERS];
static _Atomic uint32_t owner[N_NUMBERS];
static uint32_t payload[N_NUMBERS]; /* not atomic: the list alone orders who sees what */

static void push_one(uint32_t number)
{
    kpi_freelist_push(&list, links, number, number);
}

static int empty_list(void **state)
{
    (void)state;
    memset(&list, 0, sizeof list);
    return 0;
}

static void pop_empty_list_is_none(void **state)
{
    (void)state;
    assert_int_equal(kpi_freelist_pop(&list, links), KPI_FREELIST_NONE);
}

static void pop_returns_what_was_pushed_last(void **state)
{
    (void)state;
    push_one(0);
    push_one(63);
    push_one(7);
    assert_int_equal(kpi_freelist_pop(&list, links), 7);
    assert_int_equal(kpi_freelist_pop(&list, links), 63);
    assert_int_equal(kpi_freelist_pop(&list, links), 0);
    assert_int_equal(kpi_freelist_pop(&list, links), KPI_FREELIST_NONE);
}

static void push_takes_a_whole_chain(void **state)
{
    (void)state;
    push_one(9);
    links[3] = 4 + 1;
    links[4] = 5 + 1;
    kpi_freelist_push(&list, links, 3, 5);
    assert_int_equal(kpi_freelist_pop(&list, links), 3);
    assert_int_equal(kpi_freelist_pop(&list, links), 4);
    assert_int_equal(kpi_freelist_pop(&list, links), 5);
    assert_int_equal(kpi_freelist_pop(&list, links), 9);
    assert_int_equal(kpi_freelist_pop(&list, links), KPI_FREELIST_NONE);
}

/*
 * What a sleeping thread holds: a head with number 1 in front and 2 behind. While it sleeps both
 * are taken and 1 comes back. Were the head the same as before, the sleeper would put 2 in front,
 * which is somebody else's now.
 */
static void head_differs_when_the_same_number_is_back_in_front(void **state)
{
    uint64_t before;

    (void)state;
    push_one(2);
    push_one(1);
    before = list.head;
    assert_int_equal(kpi_freelist_pop(&list, links), 1);
    assert_int_equal(kpi_freelist_pop(&list, links), 2);
    push_one(1);
    assert_int_equal((uint32_t)list.head, (uint32_t)before);
    assert_true(list.head != before);
}

static void head_count_wraps_without_touching_the_link(void **state)
{
    (void)state;
    push_one(5);
    list.head |= UINT64_C(0xffffffff00000000);
    assert_int_equal(kpi_freelist_pop(&list, links), 5);
    assert_int_equal(list.head, 0);
    push_one(5);
    assert_int_equal(kpi_freelist_pop(&list, links), 5);
}

/* Takes one or two numbers, marks them as its own, and gives them back in the order taken. */
static void *churn(void *arg)
{
    uint32_t me = (uint32_t)(uintptr_t)arg;

    for (int i = 0; i < N_ROUNDS; i++) {
        uint32_t taken[2] = {kpi_freelist_pop(&list, links), KPI_FREELIST_NONE};

        if (i % 2)
            taken[1] = kpi_freelist_pop(&list, links);
        for (int k = 0; k < 2; k++) {
            if (taken[k] == KPI_FREELIST_NONE)
                continue;
            if (atomic_exchange_explicit(&owner[taken[k]], me, memory_order_relaxed) != 0)
                return arg;
            payload[taken[k]]++;
        }
        for (int k = 0; k < 2; k++) {
            if (taken[k] == KPI_FREELIST_NONE)
                continue;
            if (atomic_exchange_explicit(&owner[taken[k]], 0, memory_order_relaxed) != me)
                return arg;
            push_one(taken[k]);
        }
    }
    return NULL;
}

static void threads_never_hold_the_same_number(void **state)
{
    pthread_t threads[N_THREADS];
    void *failed;
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < 6; i++) /* few, so that they meet */
        push_one(i);
    for (uintptr_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    while (kpi_freelist_pop(&list, links) != KPI_FREELIST_NONE)
        n++;
    assert_int_equal(n, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pop_empty_list_is_none, empty_list),
        cmocka_unit_test_setup(pop_returns_what_was_pushed_last, empty_list),
        cmocka_unit_test_setup(push_takes_a_whole_chain, empty_list),
        cmocka_unit_test_setup(head_differs_when_the_same_number_is_back_in_front, empty_list),
        cmocka_unit_test_setup(head_count_wraps_without_touching_the_link, empty_list),
        cmocka_unit_test_setup(threads_never_hold_the_same_number, empty_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
