#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <uv.h>

#include "core/gate.h"
#include "core/wait.h"
#include "support/fake_clock.h"
#include "support/latch.h"

#define NS_PER_MS UINT64_C(1000000)

/* Somebody who comes when told, and goes when told, as often as told. */
struct caller {
    struct latch come;
    struct latch in; /* came through, or was sent away: see status */
    struct latch go;
    unsigned n_times;
    uint64_t timeout_ns;
    kp_status status; /* of the last time */
    uv_thread_t thread;
};

static struct fake_clock now;
static struct kpi_gate gate;
static struct caller a;
static struct caller b;
static struct caller c;

static void call(void *arg)
{
    struct caller *caller = arg;
    for (unsigned i = 1; i <= caller->n_times; i++) {
        struct kpi_permit *permit;
        latch_wait(&caller->come, i);
        caller->status = kpi_gate_enter(&gate, caller->timeout_ns, &permit);
        latch_hit(&caller->in);
        latch_wait(&caller->go, i);
        if (caller->status == KP_OK)
            kpi_gate_leave(&gate, permit);
    }
}

static void start(struct caller *caller, unsigned n_times, uint64_t timeout_ns)
{
    *caller = (struct caller){.n_times = n_times, .timeout_ns = timeout_ns};
    latch_init(&caller->come);
    latch_init(&caller->in);
    latch_init(&caller->go);
    assert_int_equal(uv_thread_create(&caller->thread, call, caller), 0);
}

static void end(struct caller *caller)
{
    uv_thread_join(&caller->thread);
    latch_clear(&caller->come);
    latch_clear(&caller->in);
    latch_clear(&caller->go);
}

static unsigned line_length(void)
{
    unsigned n = 0;
    uv_mutex_lock(&gate.lock);
    for (const struct kpi_link *link = gate.waiters.next; link != &gate.waiters; link = link->next)
        n++;
    uv_mutex_unlock(&gate.lock);
    return n;
}

/* Has the caller come and stand in line, as number n. */
static void come_to_wait(struct caller *caller, unsigned n)
{
    latch_hit(&caller->come);
    while (line_length() < n)
        (void)sched_yield();
}

static void assert_outside(struct caller *caller, uint64_t n_before)
{
    assert_int_equal(latch_count(&caller->in), n_before);
}

static struct kpi_permit *enter(void)
{
    struct kpi_permit *permit;
    assert_int_equal(kpi_gate_enter(&gate, KPI_WAIT_FOREVER, &permit), KP_OK);
    return permit;
}

static void open_gate_for(uint32_t n_few, uint32_t n_permits)
{
    const struct kpi_gate_size size = {n_few, n_permits};
    fake_clock_init(&now);
    assert_int_equal(kpi_gate_init(&gate, &size, &now.clock), KP_OK);
}

static void open_gate(uint32_t n_permits)
{
    open_gate_for(n_permits, n_permits);
}

static void close_gate(void)
{
    assert_int_equal(kpi_gate_busy(&gate), 0);
    assert_int_equal(line_length(), 0);
    kpi_gate_clear(&gate);
}

static void pass_time(uint64_t ns)
{
    (void)atomic_fetch_add(&now.now_ns, ns);
}

/* Two permits: a and c have both, each let in from the line; b waits. */
static void fill_gate_from_the_line(unsigned n_times_a)
{
    open_gate(2);
    struct kpi_permit *first = enter();
    struct kpi_permit *second = enter();
    start(&a, n_times_a, KPI_WAIT_FOREVER);
    start(&b, 1, KPI_WAIT_FOREVER);
    start(&c, 1, KPI_WAIT_FOREVER);
    come_to_wait(&a, 1);
    come_to_wait(&c, 2);
    kpi_gate_leave(&gate, first);
    kpi_gate_leave(&gate, second);
    latch_wait(&a.in, 1);
    latch_wait(&c.in, 1);
    come_to_wait(&b, 1);
}

static void end_all(void)
{
    end(&a);
    end(&b);
    end(&c);
    close_gate();
}

/* ---- Tests ---- */

static void permits_while_there_are_some_make_nobody_wait(void **state)
{
    (void)state;
    open_gate(2);
    struct kpi_permit *first = enter();
    struct kpi_permit *second = enter();
    assert_ptr_not_equal(first, second);
    assert_int_equal(kpi_gate_busy(&gate), 2);
    kpi_gate_leave(&gate, second);
    kpi_gate_leave(&gate, first);
    close_gate();
}

static void line_after_long_work_moves_in_order(void **state)
{
    (void)state;
    open_gate(1);
    struct kpi_permit *permit = enter();
    start(&a, 1, KPI_WAIT_FOREVER);
    start(&b, 1, KPI_WAIT_FOREVER);
    start(&c, 1, KPI_WAIT_FOREVER);
    come_to_wait(&a, 1);
    come_to_wait(&b, 2);
    come_to_wait(&c, 3);
    kpi_gate_leave(&gate, permit);
    latch_wait(&a.in, 1);
    assert_outside(&b, 0);
    latch_hit(&a.go);
    latch_wait(&b.in, 1);
    assert_outside(&c, 0);
    latch_hit(&b.go);
    latch_wait(&c.in, 1);
    latch_hit(&c.go);
    end_all();
}

static void waiter_out_of_time_leaves_the_line(void **state)
{
    (void)state;
    open_gate(1);
    struct kpi_permit *permit = enter();
    start(&a, 1, NS_PER_MS);
    latch_hit(&a.come);
    latch_wait(&a.in, 1);
    assert_int_equal(a.status, KP_TIMEOUT);
    assert_int_equal(line_length(), 0);
    latch_hit(&a.go);
    kpi_gate_leave(&gate, permit);
    kpi_gate_leave(&gate, enter());
    end(&a);
    close_gate();
}

static void closing_sends_the_line_away_and_lets_nobody_in(void **state)
{
    struct kpi_permit *none;
    (void)state;
    open_gate(1);
    struct kpi_permit *permit = enter();
    start(&a, 1, KPI_WAIT_FOREVER);
    come_to_wait(&a, 1);
    kpi_gate_close(&gate);
    latch_wait(&a.in, 1);
    assert_int_equal(a.status, KP_CANCELED);
    latch_hit(&a.go);
    kpi_gate_leave(&gate, permit);
    assert_int_equal(kpi_gate_enter(&gate, KPI_WAIT_FOREVER, &none), KP_CANCELED);
    end(&a);
    close_gate();
}

static void short_work_comes_back_until_its_turn_is_over(void **state)
{
    (void)state;
    fill_gate_from_the_line(2);
    latch_hit(&a.go);
    latch_hit(&a.come);
    latch_wait(&a.in, 2); /* past b, who waits */
    assert_outside(&b, 0);
    pass_time(KPI_GATE_TURN_NS);
    latch_hit(&a.go);
    latch_wait(&b.in, 1);
    latch_hit(&b.go);
    latch_hit(&c.go);
    end_all();
}

static void long_work_passes_its_permit_on(void **state)
{
    (void)state;
    fill_gate_from_the_line(1);
    pass_time(KPI_GATE_SHORT_NS);
    latch_hit(&a.go);
    latch_wait(&b.in, 1);
    latch_hit(&b.go);
    latch_hit(&c.go);
    end_all();
}

static void turn_over_while_away_goes_to_the_line_first(void **state)
{
    (void)state;
    fill_gate_from_the_line(2);
    latch_hit(&a.go);
    while (kpi_gate_busy(&gate) > 1)
        (void)sched_yield(); /* a's permit lies aside */
    pass_time(KPI_GATE_TURN_NS);
    latch_hit(&a.come);
    latch_wait(&b.in, 1); /* with the permit a came back for */
    latch_hit(&c.go);
    latch_wait(&a.in, 2);
    latch_hit(&a.go);
    latch_hit(&b.go);
    end_all();
}

static void thread_that_never_returns_keeps_nobody_waiting(void **state)
{
    (void)state;
    fill_gate_from_the_line(1);
    latch_hit(&a.go);
    latch_hit(&c.go); /* both in their turns; now nobody runs */
    latch_wait(&b.in, 1);
    latch_hit(&b.go);
    end_all();
}

static void thread_that_never_returns_beside_long_work_keeps_nobody_waiting(void **state)
{
    (void)state;
    fill_gate_from_the_line(1);
    latch_hit(&a.go); /* lays its permit aside and is gone; c works on and on */
    while (kpi_gate_busy(&gate) > 1)
        (void)sched_yield();
    pass_time(KPI_GATE_TURN_NS);
    latch_wait(&b.in, 1); /* nobody enters or leaves: b looks for itself */
    latch_hit(&b.go);
    latch_hit(&c.go);
    end_all();
}

static void thread_that_returns_late_waits_like_the_others(void **state)
{
    (void)state;
    fill_gate_from_the_line(2);
    latch_hit(&a.go);
    while (kpi_gate_busy(&gate) > 1)
        (void)sched_yield(); /* a's permit lies aside */
    latch_hit(&c.go);
    latch_wait(&b.in, 1); /* with it */
    come_to_wait(&a, 1);
    latch_hit(&b.go);
    latch_wait(&a.in, 2);
    latch_hit(&a.go);
    end_all();
}

/* One permit while work is short. a has it, from the line, for so long; b and c wait. */
static void run_first_for(uint64_t ns, uint32_t n_permits)
{
    open_gate_for(1, n_permits);
    struct kpi_permit *permit = enter();
    start(&a, 2, KPI_WAIT_FOREVER);
    start(&b, 2, KPI_WAIT_FOREVER);
    start(&c, 1, KPI_WAIT_FOREVER);
    come_to_wait(&a, 1);
    come_to_wait(&b, 2);
    come_to_wait(&c, 3);
    kpi_gate_leave(&gate, permit);
    latch_wait(&a.in, 1);
    assert_outside(&b, 0);
    pass_time(ns);
    latch_hit(&a.go);
}

static void long_work_lets_more_run_at_once_until_it_is_short_again(void **state)
{
    (void)state;
    run_first_for(KPI_GATE_SHORT_NS, 2);
    latch_wait(&b.in, 1);
    latch_wait(&c.in, 1); /* beside b */
    come_to_wait(&a, 1);
    latch_hit(&b.go);
    while (kpi_gate_busy(&gate) > 1)
        (void)sched_yield();
    assert_outside(&a, 1); /* c still runs, and that is enough */
    latch_hit(&c.go);
    latch_wait(&a.in, 2);
    latch_hit(&a.go);
    latch_hit(&b.come);
    latch_wait(&b.in, 2);
    latch_hit(&b.go);
    end_all();
}

static void run_that_lost_its_processor_lets_no_more_run(void **state)
{
    (void)state;
    run_first_for(KPI_GATE_SHORT_NS, 3);
    latch_wait(&b.in, 1);
    latch_wait(&c.in, 1);
    come_to_wait(&a, 1);
    pass_time(100 * KPI_GATE_SHORT_NS);
    latch_hit(&b.go);
    latch_wait(&a.in, 2); /* with b's permit */
    come_to_wait(&b, 1);  /* were there a third, b had it */
    latch_hit(&a.go);
    latch_hit(&c.go);
    latch_wait(&b.in, 2);
    latch_hit(&b.go);
    end_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permits_while_there_are_some_make_nobody_wait),
        cmocka_unit_test(line_after_long_work_moves_in_order),
        cmocka_unit_test(waiter_out_of_time_leaves_the_line),
        cmocka_unit_test(closing_sends_the_line_away_and_lets_nobody_in),
        cmocka_unit_test(short_work_comes_back_until_its_turn_is_over),
        cmocka_unit_test(long_work_passes_its_permit_on),
        cmocka_unit_test(turn_over_while_away_goes_to_the_line_first),
        cmocka_unit_test(thread_that_never_returns_keeps_nobody_waiting),
        cmocka_unit_test(thread_that_never_returns_beside_long_work_keeps_nobody_waiting),
        cmocka_unit_test(thread_that_returns_late_waits_like_the_others),
        cmocka_unit_test(long_work_lets_more_run_at_once_until_it_is_short_again),
        cmocka_unit_test(run_that_lost_its_processor_lets_no_more_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
