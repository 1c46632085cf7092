#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/reply_areas.h"
#include "support/failing_heap.h"

#define N_IDLE_MAX 2u

static struct kpi_reply_areas areas;

static int begin(void **state)
{
    (void)state;
    failing_heap_use(0);
    kpi_reply_areas_init(&areas, N_IDLE_MAX);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kpi_reply_areas_clear(&areas);
    long live = failing_heap_live();
    failing_heap_drop();
    return live != 0;
}

static struct kpi_block must_take(void)
{
    struct kpi_block block = {NULL, 0, 0};
    assert_int_equal(kpi_reply_areas_take(&areas, &block), KP_OK);
    assert_non_null(block.ptr);
    assert_int_equal(block.len, KPI_REPLY_AREA_LEN);
    assert_int_equal(block.used, 0);
    return block;
}

static void expect_zeros(const struct kpi_block *block)
{
    static const uint8_t zeros[KPI_REPLY_AREA_LEN];
    assert_memory_equal(block->ptr, zeros, sizeof zeros);
}

/* ---- Taking and giving ---- */

static void what_was_given_last_is_taken_next_and_is_wiped(void **state)
{
    struct kpi_block first = must_take();
    struct kpi_block second = must_take();
    const void *last = second.ptr;
    (void)state;
    memset(first.ptr, 0x5c, first.used = first.len);
    memset(second.ptr, 0x5c, second.used = 100);
    kpi_reply_areas_give(&areas, &first);
    kpi_reply_areas_give(&areas, &second);
    assert_null(second.ptr);
    assert_int_equal(failing_heap_live(), 2);
    second = must_take();
    assert_ptr_equal(second.ptr, last);
    expect_zeros(&second);
    first = must_take();
    expect_zeros(&first);
    assert_int_equal(failing_heap_live(), 2); /* nothing was allocated for these */
    kpi_reply_areas_give(&areas, &first);
    kpi_reply_areas_give(&areas, &second);
}

static void what_has_a_place_gets_no_other(void **state)
{
    struct kpi_block block = must_take();
    const void *place = block.ptr;
    (void)state;
    assert_int_equal(kpi_reply_areas_take(&areas, &block), KP_OK);
    assert_ptr_equal(block.ptr, place);
    kpi_reply_areas_give(&areas, &block);
}

static void nothing_may_be_given(void **state)
{
    struct kpi_block none = {NULL, 0, 0};
    (void)state;
    kpi_reply_areas_give(&areas, &none);
    assert_int_equal(areas.n_idle, 0);
    assert_int_equal(failing_heap_live(), 0);
}

/* ---- Bounds ---- */

static void idle_areas_are_kept_up_to_the_bound(void **state)
{
    struct kpi_block blocks[N_IDLE_MAX + 3];
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        blocks[i] = must_take();
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        kpi_reply_areas_give(&areas, &blocks[i]);
    assert_int_equal(areas.n_idle, N_IDLE_MAX);
    assert_int_equal(failing_heap_live(), N_IDLE_MAX);
}

static void block_of_another_length_is_freed(void **state)
{
    struct kpi_block larger = {NULL, 0, 0};
    (void)state;
    assert_int_equal(kpi_block_alloc(&larger, "test", KPI_REPLY_AREA_LEN + 1), KP_OK);
    kpi_reply_areas_give(&areas, &larger);
    assert_null(larger.ptr);
    assert_int_equal(failing_heap_live(), 0);
}

static void without_memory_there_is_no_area(void **state)
{
    struct kpi_block block = {NULL, 0, 0};
    (void)state;
    failing_heap_use(1);
    assert_int_equal(kpi_reply_areas_take(&areas, &block), KP_NO_MEMORY);
    assert_null(block.ptr);
    assert_string_equal(failing_heap_site(), "op.reply");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_given_last_is_taken_next_and_is_wiped),
        TEST(what_has_a_place_gets_no_other),
        TEST(nothing_may_be_given),
        TEST(idle_areas_are_kept_up_to_the_bound),
        TEST(block_of_another_length_is_freed),
        TEST(without_memory_there_is_no_area),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
