#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/door.h"
#include "support/latch.h"

/* Doors only carry the pointer; none of these vaults is looked into. */
static char vault_a;
static char vault_b;

static struct kp_vault *as_vault(char *stand_in)
{
    return (struct kp_vault *)(void *)stand_in;
}

static void open_door_lets_in_to_its_vault(void **state)
{
    struct kpi_door *door = kpi_door_open(as_vault(&vault_a));
    (void)state;
    assert_non_null(door);
    assert_ptr_equal(kpi_door_enter(door), &vault_a);
    assert_ptr_equal(kpi_door_enter(door), &vault_a);
    kpi_door_leave(door);
    kpi_door_leave(door);
    kpi_door_close(door);
}

static void closed_door_refuses_and_counts(void **state)
{
    struct kpi_door *door = kpi_door_open(as_vault(&vault_a));
    uint64_t before = kpi_door_refused();
    (void)state;
    kpi_door_close(door);
    for (int i = 0; i < 5; i++)
        assert_null(kpi_door_enter(door)); /* the memory stays for ever */
    assert_int_equal(kpi_door_refused(), before + 5);
    kpi_door_close(NULL);
}

static void door_is_used_again_for_another_vault(void **state)
{
    struct kpi_door *door = kpi_door_open(as_vault(&vault_a));
    (void)state;
    kpi_door_close(door);
    struct kpi_door *again = kpi_door_open(as_vault(&vault_b));
    assert_ptr_equal(again, door);
    assert_ptr_equal(kpi_door_enter(again), &vault_b);
    kpi_door_leave(again);
    kpi_door_close(again);
}

static void host_table_of_a_door_is_whole_and_its_own(void **state)
{
    struct kpi_door *door = kpi_door_open(as_vault(&vault_a));
    const struct kp_host *host = &door->host;
    (void)state;
    assert_int_equal(host->struct_size, sizeof *host);
    assert_int_equal(host->abi_major, KP_ABI_MAJOR);
    assert_int_equal(host->abi_minor, KP_ABI_MINOR);
    assert_ptr_equal(host->self, door);
    assert_non_null(host->memory);
    assert_true(host->finish && host->opened && host->closed && host->http && host->http_cancel);
    assert_true(host->read_file && host->timer && host->timer_hasten && host->work);
    assert_true(host->clock_ns && host->unix_s && host->random && host->time_left_ms && host->log);
    kpi_door_close(door);
}

struct visit {
    struct kpi_door *door;
    struct latch entered;
    struct latch go;
    _Atomic bool left;
};

static void stay_inside(void *arg)
{
    struct visit *visit = arg;
    assert_ptr_equal(kpi_door_enter(visit->door), &vault_a);
    latch_hit(&visit->entered);
    latch_wait(&visit->go, 1);
    atomic_store(&visit->left, true);
    kpi_door_leave(visit->door);
}

static void let_go(void *arg)
{
    struct visit *visit = arg;
    while (kpi_door_enter(visit->door)) /* until it is being closed */
        kpi_door_leave(visit->door);
    latch_hit(&visit->go);
}

static void close_waits_for_those_inside_and_lets_nobody_in(void **state)
{
    uv_thread_t inside;
    uv_thread_t other;
    struct visit visit = {.door = kpi_door_open(as_vault(&vault_a))};
    (void)state;
    latch_init(&visit.entered);
    latch_init(&visit.go);
    assert_int_equal(uv_thread_create(&inside, stay_inside, &visit), 0);
    latch_wait(&visit.entered, 1);
    assert_int_equal(uv_thread_create(&other, let_go, &visit), 0);
    kpi_door_close(visit.door);
    assert_true(atomic_load(&visit.left));
    uv_thread_join(&inside);
    uv_thread_join(&other);
    latch_clear(&visit.go);
    latch_clear(&visit.entered);
}

/* Late plugins knock while the door passes from vault to vault: they see one of them, or nobody. */
static _Atomic bool knocking;

static void keep_knocking(void *arg)
{
    struct kpi_door *door = arg;
    while (atomic_load(&knocking)) {
        struct kp_vault *vault = kpi_door_enter(door);
        if (!vault)
            continue;
        assert_true(vault == as_vault(&vault_a) || vault == as_vault(&vault_b));
        kpi_door_leave(door);
    }
}

static void late_callers_and_reuse_do_not_meet(void **state)
{
    uv_thread_t threads[2];
    struct kpi_door *door = kpi_door_open(as_vault(&vault_a));
    (void)state;
    atomic_store(&knocking, true);
    for (int i = 0; i < 2; i++)
        assert_int_equal(uv_thread_create(&threads[i], keep_knocking, door), 0);
    for (int i = 0; i < 2000; i++) {
        kpi_door_close(door);
        assert_ptr_equal(kpi_door_open(as_vault(i % 2 ? &vault_a : &vault_b)), door);
    }
    atomic_store(&knocking, false);
    for (int i = 0; i < 2; i++)
        uv_thread_join(&threads[i]);
    kpi_door_close(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_door_lets_in_to_its_vault),
        cmocka_unit_test(closed_door_refuses_and_counts),
        cmocka_unit_test(door_is_used_again_for_another_vault),
        cmocka_unit_test(host_table_of_a_door_is_whole_and_its_own),
        cmocka_unit_test(close_waits_for_those_inside_and_lets_nobody_in),
        cmocka_unit_test(late_callers_and_reuse_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
