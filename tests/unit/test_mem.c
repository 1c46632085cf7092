/* base/mem: defaults, hooks, overflow, wiping. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

/* Hooks that count and that fail at one site. */
struct fake_heap {
    const char *fail_site;
    size_t n_alloc;
    size_t n_free;
    size_t n_secret_alloc;
    size_t n_secret_free;
    size_t last_size;
    bool freed_wiped;
};

static void *fake_alloc(void *ctx, const char *site, size_t n)
{
    struct fake_heap *heap = ctx;

    heap->last_size = n;
    if (heap->fail_site && strcmp(heap->fail_site, site) == 0)
        return NULL;
    heap->n_alloc++;
    return calloc(1, n);
}

static void fake_free(void *ctx, void *p)
{
    ((struct fake_heap *)ctx)->n_free++;
    free(p);
}

static void *fake_secret_alloc(void *ctx, const char *site, size_t n)
{
    struct fake_heap *heap = ctx;

    (void)site;
    heap->last_size = n;
    heap->n_secret_alloc++;
    return calloc(1, n);
}

static void fake_secret_free(void *ctx, void *p, size_t n)
{
    struct fake_heap *heap = ctx;

    heap->n_secret_free++;
    heap->last_size = n;
    kpb_wipe(p, n);
    free(p);
}

static void use_fake(struct fake_heap *heap)
{
    struct kpb_mem_hooks hooks = {heap, fake_alloc, fake_free, fake_secret_alloc, fake_secret_free};

    memset(heap, 0, sizeof *heap);
    kpb_mem_use(&hooks);
    memset(&hooks, 0xff, sizeof hooks); /* copied, so this changes nothing */
}

static int restore_hooks(void **state)
{
    (void)state;
    kpb_mem_use(NULL);
    return 0;
}

static bool is_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

static void alloc_default_is_zeroed(void **state)
{
    void *p = kpb_alloc("test", 100);
    void *s = kpb_secret_alloc("test", 100);

    (void)state;
    assert_non_null(p);
    assert_non_null(s);
    assert_true(is_zero(p, 100));
    assert_true(is_zero(s, 100));
    kpb_free(p);
    kpb_secret_free(s, 100);
}

static void alloc_zero_bytes_counts_as_one(void **state)
{
    struct fake_heap heap;
    void *p;

    (void)state;
    use_fake(&heap);
    p = kpb_alloc("test", 0);
    assert_non_null(p);
    assert_int_equal(heap.last_size, 1);
    kpb_free(p);
    p = kpb_secret_alloc("test", 0);
    assert_non_null(p);
    assert_int_equal(heap.last_size, 1);
    kpb_secret_free(p, 0);
    assert_int_equal(heap.last_size, 1);
}

static void alloc_raw_is_seen_by_hooks(void **state)
{
    struct fake_heap heap;
    void *p = kpb_alloc_raw("test", 0);

    (void)state;
    assert_non_null(p);
    kpb_free(p);
    use_fake(&heap);
    p = kpb_alloc_raw("test", 10);
    assert_non_null(p);
    assert_int_equal(heap.n_alloc, 1);
    assert_int_equal(heap.last_size, 10);
    kpb_free(p);
    assert_int_equal(heap.n_free, 1);
}

static void hooks_installed_see_every_call(void **state)
{
    struct fake_heap heap;
    void *p;
    void *s;

    (void)state;
    use_fake(&heap);
    p = kpb_alloc("test", 10);
    s = kpb_secret_alloc("test", 20);
    kpb_free(p);
    kpb_secret_free(s, 20);
    assert_int_equal(heap.n_alloc, 1);
    assert_int_equal(heap.n_free, 1);
    assert_int_equal(heap.n_secret_alloc, 1);
    assert_int_equal(heap.n_secret_free, 1);
}

static void alloc_failing_site_returns_null(void **state)
{
    struct fake_heap heap;
    void *p;

    (void)state;
    use_fake(&heap);
    heap.fail_site = "pipeline.table";
    assert_null(kpb_alloc("pipeline.table", 10));
    assert_null(kpb_strdup_span("pipeline.table", kpb_span_str("x")));
    p = kpb_alloc("other", 10);
    assert_non_null(p);
    kpb_free(p);
}

static void free_null_is_allowed(void **state)
{
    struct fake_heap heap;

    (void)state;
    use_fake(&heap);
    kpb_free(NULL);
    kpb_secret_free(NULL, 10);
    assert_int_equal(heap.n_free + heap.n_secret_free, 0);
}

static void alloc_array_overflow_returns_null(void **state)
{
    struct fake_heap heap;
    void *p;

    (void)state;
    use_fake(&heap);
    assert_null(kpb_alloc_array("test", SIZE_MAX / 8 + 1, 8));
    assert_null(kpb_alloc_array("test", SIZE_MAX, SIZE_MAX));
    assert_int_equal(heap.n_alloc, 0);
    p = kpb_alloc_array("test", 3, 8);
    assert_int_equal(heap.last_size, 24);
    kpb_free(p);
    p = kpb_alloc_array("test", 3, 0);
    assert_int_equal(heap.last_size, 1);
    kpb_free(p);
}

static void strdup_span_terminates(void **state)
{
    char *copy = kpb_strdup_span("test", kpb_span("abcdef", 3));
    char *empty = kpb_strdup_span("test", kpb_span(NULL, 0));

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    kpb_free(copy);
    kpb_free(empty);
}

static void wipe_clears_exactly_n(void **state)
{
    uint8_t bytes[8];

    (void)state;
    memset(bytes, 0xaa, sizeof bytes);
    kpb_wipe(bytes + 1, 6);
    assert_true(is_zero(bytes + 1, 6));
    assert_int_equal(bytes[0], 0xaa);
    assert_int_equal(bytes[7], 0xaa);
    kpb_wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc_default_is_zeroed),
        cmocka_unit_test_teardown(alloc_zero_bytes_counts_as_one, restore_hooks),
        cmocka_unit_test_teardown(alloc_raw_is_seen_by_hooks, restore_hooks),
        cmocka_unit_test_teardown(hooks_installed_see_every_call, restore_hooks),
        cmocka_unit_test_teardown(alloc_failing_site_returns_null, restore_hooks),
        cmocka_unit_test_teardown(free_null_is_allowed, restore_hooks),
        cmocka_unit_test_teardown(alloc_array_overflow_returns_null, restore_hooks),
        cmocka_unit_test(strdup_span_terminates),
        cmocka_unit_test(wipe_clears_exactly_n),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
