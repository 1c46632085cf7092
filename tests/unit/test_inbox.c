#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "core/inbox.h"
#include "core/list.h"

#define N_SENDERS 4u
#define N_LETTERS 20000u

struct letter {
    struct kpi_mail mail;
    uint32_t sender;
    uint32_t number;
};

static struct kpi_inbox inbox;
static struct letter letters[N_SENDERS][N_LETTERS];
static _Atomic uint32_t n_wakes;

static void push_tells_only_the_first_that_the_inbox_was_empty(void **state)
{
    struct kpi_mail a = {0};
    struct kpi_mail b = {0};
    (void)state;
    assert_true(kpi_inbox_push(&inbox, &a));
    assert_false(kpi_inbox_push(&inbox, &b));
    assert_ptr_equal(kpi_inbox_take(&inbox), &a);
    assert_ptr_equal(a.next, &b);
    assert_null(b.next);
    assert_null(kpi_inbox_take(&inbox));
    assert_true(kpi_inbox_push(&inbox, &a));
    assert_ptr_equal(kpi_inbox_take(&inbox), &a);
}

static void send_all(void *arg)
{
    uint32_t me = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < N_LETTERS; i++) {
        letters[me][i].sender = me;
        letters[me][i].number = i;
        if (kpi_inbox_push(&inbox, &letters[me][i].mail))
            atomic_fetch_add(&n_wakes, 1);
    }
}

/* Nothing is lost or doubled, and what one sender sends arrives in the order it was sent. */
static void many_senders_each_arrive_once_and_in_order(void **state)
{
    uv_thread_t senders[N_SENDERS];
    uint32_t next[N_SENDERS] = {0};
    uint32_t n_read = 0;
    uint32_t n_batches = 0;
    (void)state;
    for (uintptr_t i = 0; i < N_SENDERS; i++)
        assert_int_equal(uv_thread_create(&senders[i], send_all, (void *)i), 0);
    while (n_read < N_SENDERS * N_LETTERS) {
        struct kpi_mail *mail = kpi_inbox_take(&inbox);
        n_batches += mail != NULL;
        for (; mail; mail = mail->next) {
            struct letter *letter = KPI_HOLDER(mail, struct letter, mail);
            assert_int_equal(letter->number, next[letter->sender]++);
            n_read++;
        }
    }
    for (unsigned i = 0; i < N_SENDERS; i++)
        uv_thread_join(&senders[i]);
    assert_null(kpi_inbox_take(&inbox));
    assert_int_equal(atomic_load(&n_wakes), n_batches); /* one wake-up a batch, no more, no fewer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_tells_only_the_first_that_the_inbox_was_empty),
        cmocka_unit_test(many_senders_each_arrive_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
