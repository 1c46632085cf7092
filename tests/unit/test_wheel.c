#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wheel.h"

/* One timer that notes when it fired, by the wheel's own time. */
struct alarm {
    struct kpi_timer timer;
    struct kpi_wheel *wheel;
    unsigned n_fired;
    uint64_t fired_at_ms;
    uint64_t again_in_ms; /* re-arms itself that much later; 0: no */
    unsigned again_times;
    struct alarm *disarms; /* takes another one out when it fires */
};

static void ring(struct kpi_timer *timer)
{
    struct alarm *alarm = KPI_HOLDER(timer, struct alarm, timer);
    alarm->n_fired++;
    alarm->fired_at_ms = alarm->wheel->now_ms;
    if (alarm->disarms)
        kpi_wheel_disarm(alarm->wheel, &alarm->disarms->timer);
    if (alarm->again_times > 0) {
        alarm->again_times--;
        kpi_wheel_arm(alarm->wheel, timer, alarm->wheel->now_ms + alarm->again_in_ms);
    }
}

static void set(struct alarm *alarm, struct kpi_wheel *wheel, uint64_t due_ms)
{
    alarm->wheel = wheel;
    alarm->timer.fire = ring;
    kpi_wheel_arm(wheel, &alarm->timer, due_ms);
}

static void timer_fires_at_its_time_and_not_before(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {0};
    (void)state;
    kpi_wheel_init(&wheel, 1000);
    set(&a, &wheel, 1500);
    kpi_wheel_advance(&wheel, 1499);
    assert_int_equal(a.n_fired, 0);
    kpi_wheel_advance(&wheel, 1500);
    assert_int_equal(a.n_fired, 1);
    assert_int_equal(a.fired_at_ms, 1500);
    assert_false(a.timer.armed);
    kpi_wheel_advance(&wheel, 5000);
    assert_int_equal(a.n_fired, 1);
}

static void timer_in_the_past_fires_on_the_next_advance(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {0};
    (void)state;
    kpi_wheel_init(&wheel, 1000);
    set(&a, &wheel, 3);
    assert_int_equal(kpi_wheel_next_ms(&wheel), 1000);
    kpi_wheel_advance(&wheel, 1000);
    assert_int_equal(a.n_fired, 1);
}

static void disarmed_timer_never_fires(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {0};
    struct alarm late = {0};
    (void)state;
    kpi_wheel_init(&wheel, 0);
    set(&a, &wheel, 100);
    set(&late, &wheel, 0);
    kpi_wheel_disarm(&wheel, &a.timer);
    kpi_wheel_disarm(&wheel, &late.timer);
    kpi_wheel_disarm(&wheel, &late.timer); /* not armed: left alone */
    assert_int_equal(kpi_wheel_next_ms(&wheel), KPI_WHEEL_IDLE);
    kpi_wheel_advance(&wheel, 1000);
    assert_int_equal(a.n_fired + late.n_fired, 0);
}

static void rearmed_timer_fires_once_at_the_new_time(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {0};
    (void)state;
    kpi_wheel_init(&wheel, 0);
    set(&a, &wheel, 100);
    set(&a, &wheel, 70000);
    kpi_wheel_advance(&wheel, 69999);
    assert_int_equal(a.n_fired, 0);
    kpi_wheel_advance(&wheel, 70000);
    assert_int_equal(a.n_fired, 1);
}

static void timer_may_be_armed_again_while_it_fires(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {.again_in_ms = 10, .again_times = 3};
    (void)state;
    kpi_wheel_init(&wheel, 0);
    set(&a, &wheel, 10);
    kpi_wheel_advance(&wheel, 100);
    assert_int_equal(a.n_fired, 4);
    assert_int_equal(a.fired_at_ms, 40);
}

static void timer_armed_for_now_while_firing_waits_for_the_next_round(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {.again_in_ms = 0, .again_times = 5};
    (void)state;
    kpi_wheel_init(&wheel, 0);
    set(&a, &wheel, 10);
    kpi_wheel_advance(&wheel, 10); /* ends, though there is always one due */
    assert_int_equal(a.n_fired, 6);
}

static void firing_timer_may_disarm_one_due_at_the_same_time(void **state)
{
    struct kpi_wheel wheel;
    struct alarm b = {0};
    struct alarm a = {.disarms = &b};
    (void)state;
    kpi_wheel_init(&wheel, 0);
    set(&a, &wheel, 50);
    set(&b, &wheel, 50);
    kpi_wheel_advance(&wheel, 60);
    assert_int_equal(a.n_fired, 1);
    assert_int_equal(b.n_fired, 0);
}

static void next_ms_never_lies_behind_the_earliest_timer(void **state)
{
    static const uint64_t dues[] = {1, 63, 64, 65, 4095, 4096, 4097, 262144, 16777217, 1u << 30};
    (void)state;
    for (size_t i = 0; i < sizeof dues / sizeof dues[0]; i++) {
        struct kpi_wheel wheel;
        struct alarm a = {0};
        kpi_wheel_init(&wheel, 37);
        set(&a, &wheel, 37 + dues[i]);
        assert_true(kpi_wheel_next_ms(&wheel) > 37);
        assert_true(kpi_wheel_next_ms(&wheel) <= 37 + dues[i]);
    }
}

static void one_leap_fires_everything_in_order_of_time(void **state)
{
    enum { N = 200 };
    struct kpi_wheel wheel;
    struct alarm *alarms = calloc(N, sizeof *alarms);
    (void)state;
    assert_non_null(alarms);
    kpi_wheel_init(&wheel, 123456789);
    for (uint64_t i = 0; i < N; i++)
        set(&alarms[i], &wheel, 123456789 + (i * 7919 * 104729) % 300000000 + 1);
    kpi_wheel_advance(&wheel, 123456789 + 300000000);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(alarms[i].n_fired, 1);
        assert_int_equal(alarms[i].fired_at_ms, alarms[i].timer.due_ms);
    }
    free(alarms);
}

/* Against the plainest model there is: a table of due times, advanced in random steps. */
static void random_arms_and_steps_agree_with_a_table(void **state)
{
    enum { N = 64, ROUNDS = 20000 };
    struct kpi_wheel wheel;
    static struct alarm alarms[N];
    static unsigned expected[N];
    uint64_t now = 999;
    uint32_t seed = 1;
    (void)state;
    kpi_wheel_init(&wheel, now);
    for (unsigned round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned at = (seed >> 8) % N;
        uint64_t span = UINT64_C(1) << ((seed >> 16) % 20);
        if ((seed >> 28) < 3)
            kpi_wheel_disarm(&wheel, &alarms[at].timer);
        else
            set(&alarms[at], &wheel, now + seed % span);
        uint64_t step = (seed >> 24) % 4 == 0 ? seed % 5000 : seed % 3;
        now += step;
        for (unsigned i = 0; i < N; i++)
            if (alarms[i].timer.armed && alarms[i].timer.due_ms <= now)
                expected[i]++;
        kpi_wheel_advance(&wheel, now);
        for (unsigned i = 0; i < N; i++)
            assert_int_equal(alarms[i].n_fired, expected[i]);
    }
}

static void timer_further_than_the_wheel_is_wide_waits(void **state)
{
    struct kpi_wheel wheel;
    struct alarm a = {0};
    struct alarm b = {0};
    (void)state;
    kpi_wheel_init(&wheel, 5);
    set(&a, &wheel, UINT64_MAX);
    set(&b, &wheel, 6);
    kpi_wheel_advance(&wheel, 1000000);
    assert_int_equal(a.n_fired, 0);
    assert_int_equal(b.n_fired, 1);
    kpi_wheel_disarm(&wheel, &a.timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_fires_at_its_time_and_not_before),
        cmocka_unit_test(timer_in_the_past_fires_on_the_next_advance),
        cmocka_unit_test(disarmed_timer_never_fires),
        cmocka_unit_test(rearmed_timer_fires_once_at_the_new_time),
        cmocka_unit_test(timer_may_be_armed_again_while_it_fires),
        cmocka_unit_test(timer_armed_for_now_while_firing_waits_for_the_next_round),
        cmocka_unit_test(firing_timer_may_disarm_one_due_at_the_same_time),
        cmocka_unit_test(next_ms_never_lies_behind_the_earliest_timer),
        cmocka_unit_test(one_leap_fires_everything_in_order_of_time),
        cmocka_unit_test(random_arms_and_steps_agree_with_a_table),
        cmocka_unit_test(timer_further_than_the_wheel_is_wide_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
