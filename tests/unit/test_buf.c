/* base/buf: limits, growth, secrets, moves. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"

/* Heap that remembers whether secret memory came back wiped, and that can be out of memory. */
struct watched_heap {
    size_t n_blocks;
    size_t n_secret_blocks;
    size_t n_allocs;
    bool out_of_memory;
};

static struct watched_heap heap;

static void *watched_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    assert_string_equal(site, "test.buf");
    if (heap.out_of_memory)
        return NULL;
    heap.n_blocks++;
    heap.n_allocs++;
    return calloc(1, n);
}

static void watched_free(void *ctx, void *p)
{
    (void)ctx;
    heap.n_blocks--;
    free(p);
}

static void *watched_secret_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    assert_string_equal(site, "test.buf");
    if (heap.out_of_memory)
        return NULL;
    heap.n_secret_blocks++;
    heap.n_allocs++;
    return calloc(1, n);
}

static void watched_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    heap.n_secret_blocks--;
    kpb_wipe(p, n);
    free(p);
}

static int watch_heap(void **state)
{
    const struct kpb_mem_hooks hooks = {NULL, watched_alloc, watched_free, watched_secret_alloc,
                                        watched_secret_free};

    (void)state;
    memset(&heap, 0, sizeof heap);
    kpb_mem_use(&hooks);
    return 0;
}

static int heap_is_empty(void **state)
{
    (void)state;
    kpb_mem_use(NULL);
    return heap.n_blocks || heap.n_secret_blocks ? -1 : 0;
}

static void assert_holds(const kp_buf *b, const char *text)
{
    assert_int_equal(b->len, strlen(text));
    assert_true(kpb_span_eq_str(kp_buf_view(b), text));
}

static void buf_init_allocates_nothing(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 100);
    assert_int_equal(heap.n_allocs, 0);
    assert_int_equal(kp_buf_view(&b).len, 0);
    kp_buf_clear(&b);
    kp_buf_clear(NULL);
}

static void buf_zeroed_takes_nothing(void **state)
{
    kp_buf b = {0};

    (void)state;
    assert_int_equal(kp_buf_append_str(&b, ""), KP_OK);
    assert_int_equal(kp_buf_append_str(&b, "x"), KP_USAGE);
    assert_int_equal(b.len, 0);
    kp_buf_clear(&b);
}

static void append_at_limit_succeeds_beyond_is_usage(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 5);
    assert_int_equal(kp_buf_append_str(&b, "abc"), KP_OK);
    assert_int_equal(kp_buf_append_str(&b, "def"), KP_USAGE);
    assert_holds(&b, "abc");
    assert_int_equal(kp_buf_append_str(&b, "de"), KP_OK);
    assert_int_equal(kp_buf_append_byte(&b, 'f'), KP_USAGE);
    assert_int_equal(kp_buf_reserve(&b, SIZE_MAX), KP_USAGE);
    assert_int_equal(kp_buf_append_fmt(&b, "%d", 1), KP_USAGE);
    assert_holds(&b, "abcde");
    assert_true(b.cap <= b.limit);
    kp_buf_clear(&b);
    assert_int_equal(b.limit, 5);
}

static void append_many_grows_geometrically(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 1000000);
    for (size_t i = 0; i < 1000000; i++)
        assert_int_equal(kp_buf_append_byte(&b, (uint8_t)i), KP_OK);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.ptr[i], (uint8_t)i);
    assert_true(heap.n_allocs < 20);
    kp_buf_clear(&b);
}

static void append_own_bytes_survives_growth(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 1000);
    assert_int_equal(kp_buf_append_str(&b, "0123456789"), KP_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kp_buf_append(&b, kp_buf_view(&b)), KP_OK);
    assert_int_equal(b.len, 160);
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(b.ptr[i], '0' + i % 10);
    kp_buf_clear(&b);
}

static void append_without_memory_changes_nothing(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 1000);
    assert_int_equal(kp_buf_append_str(&b, "abc"), KP_OK);
    heap.out_of_memory = true;
    assert_int_equal(kp_buf_reserve(&b, 500), KP_NO_MEMORY);
    assert_holds(&b, "abc");
    kp_buf_clear(&b);
}

static void append_fmt_fills_to_the_limit(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init(&b, "test.buf", 12);
    assert_int_equal(kp_buf_append_fmt(&b, "%s=%d", "timeout", 30), KP_OK);
    assert_holds(&b, "timeout=30");
    assert_int_equal(kp_buf_append_fmt(&b, "%s", ""), KP_OK);
    assert_int_equal(kp_buf_append_fmt(&b, "%02d", 7), KP_OK);
    assert_holds(&b, "timeout=3007");
    kp_buf_clear(&b);
}

static void append_fmt_secret_is_usage(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init_secret(&b, "test.buf", 100);
    assert_int_equal(kp_buf_append_fmt(&b, "%d", 1), KP_USAGE);
    assert_int_equal(b.len, 0);
    kp_buf_clear(&b);
}

static void extend_gives_zeroed_bytes(void **state)
{
    kp_buf b;
    uint8_t *p = NULL;

    (void)state;
    kp_buf_init(&b, "test.buf", 100);
    assert_int_equal(kp_buf_extend(&b, 0, &p), KP_OK);
    assert_int_equal(b.len, 0);
    assert_int_equal(kp_buf_append_str(&b, "some old bytes"), KP_OK);
    kp_buf_reset(&b);
    assert_int_equal(kp_buf_append_str(&b, "ab"), KP_OK);
    assert_int_equal(kp_buf_extend(&b, 8, &p), KP_OK);
    assert_ptr_equal(p, b.ptr + 2);
    assert_memory_equal(b.ptr, "ab\0\0\0\0\0\0\0\0", 10);
    assert_int_equal(kp_buf_extend(&b, 91, &p), KP_USAGE);
    assert_ptr_equal(p, b.ptr + 2);
    kp_buf_clear(&b);
}

static void reset_secret_wipes_and_keeps_memory(void **state)
{
    kp_buf b;
    uint8_t *before;

    (void)state;
    kp_buf_init_secret(&b, "test.buf", 100);
    assert_int_equal(kp_buf_append_str(&b, "secret"), KP_OK);
    before = b.ptr;
    kp_buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_ptr_equal(b.ptr, before);
    assert_memory_equal(before, "\0\0\0\0\0\0", 6);
    kp_buf_clear(&b);
}

static void secret_growth_stays_in_secret_memory(void **state)
{
    kp_buf b;

    (void)state;
    kp_buf_init_secret(&b, "test.buf", 10000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(kp_buf_append_str(&b, "secret "), KP_OK);
    assert_int_equal(heap.n_blocks, 0);
    assert_int_equal(heap.n_secret_blocks, 1);
    kp_buf_clear(&b);
    assert_null(b.ptr);
    assert_true(b.secret);
}

static void move_empties_source_and_clears_target(void **state)
{
    kp_buf a;
    kp_buf b;

    (void)state;
    kp_buf_init_secret(&a, "test.buf", 50);
    kp_buf_init(&b, "test.buf", 20);
    assert_int_equal(kp_buf_append_str(&a, "from"), KP_OK);
    assert_int_equal(kp_buf_append_str(&b, "overwritten"), KP_OK);
    kp_buf_move(&b, &a);
    assert_holds(&b, "from");
    assert_true(b.secret);
    assert_int_equal(b.limit, 50);
    assert_null(a.ptr);
    assert_int_equal(a.len, 0);
    assert_int_equal(a.limit, 50);
    kp_buf_move(&b, &b);
    assert_holds(&b, "from");
    kp_buf_clear(&a);
    kp_buf_clear(&b);
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, watch_heap, heap_is_empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(buf_init_allocates_nothing),
        WATCHED(buf_zeroed_takes_nothing),
        WATCHED(append_at_limit_succeeds_beyond_is_usage),
        WATCHED(append_many_grows_geometrically),
        WATCHED(append_own_bytes_survives_growth),
        WATCHED(append_without_memory_changes_nothing),
        WATCHED(append_fmt_fills_to_the_limit),
        WATCHED(append_fmt_secret_is_usage),
        WATCHED(extend_gives_zeroed_bytes),
        WATCHED(reset_secret_wipes_and_keeps_memory),
        WATCHED(secret_growth_stays_in_secret_memory),
        WATCHED(move_empties_source_and_clears_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
