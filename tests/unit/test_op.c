#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "core/op.h"

#define N_SLOTS 8u
#define SHARD_AT 3u

static struct kpi_op_table table;

static int begin(void **state)
{
    (void)state;
    return kpi_op_table_init(&table, NULL, SHARD_AT, N_SLOTS) != KP_OK;
}

static int end(void **state)
{
    (void)state;
    kpi_op_table_clear(&table);
    return 0;
}

static struct kpi_op *must_acquire(void)
{
    struct kpi_op *op = kpi_op_acquire(&table);
    assert_non_null(op);
    return op;
}

/* ---- Ids and slots ---- */

static void id_names_shard_and_slot(void **state)
{
    struct kpi_op *op = must_acquire();
    (void)state;
    assert_int_equal(kpi_id_shard(op->id), SHARD_AT);
    assert_ptr_equal(kpi_op_at(&table, op->id), op);
    assert_true(op->id != 0);
    kpi_op_unref(op);
}

static void id_of_a_slot_beyond_the_table_is_nowhere(void **state)
{
    (void)state;
    assert_null(kpi_op_at(&table, UINT64_MAX));
    assert_null(kpi_op_at(&table, (uint64_t)N_SLOTS << 36));
}

static void slots_run_out_and_come_back(void **state)
{
    struct kpi_op *ops[N_SLOTS];
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N_SLOTS; i++)
            ops[i] = must_acquire();
        assert_null(kpi_op_acquire(&table));
        for (unsigned i = 0; i < N_SLOTS; i++)
            kpi_op_unref(ops[i]);
    }
}

static void id_never_comes_back_with_its_slot(void **state)
{
    struct kpi_op *op = must_acquire();
    kp_op_id first = op->id;
    (void)state;
    kpi_op_unref(op);
    for (unsigned i = 0; i < 1000; i++) {
        op = must_acquire();
        assert_true(op->id != first);
        assert_false(kpi_op_claim_cancel(op, first));
        assert_false(kpi_op_is_attempt(op, first | 1));
        kpi_op_unref(op);
    }
}

static void ids_of_two_tables_are_far_apart(void **state)
{
    struct kpi_op_table other;
    kp_op_id seen[64];
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(kpi_op_table_init(&other, NULL, SHARD_AT, 1), KP_OK);
        struct kpi_op *op = kpi_op_acquire(&other);
        seen[i] = (op->id >> 8) & 0xFFFFFFF;
        for (unsigned k = 0; k < i; k++) {
            uint64_t gap = seen[i] > seen[k] ? seen[i] - seen[k] : seen[k] - seen[i];
            assert_true(gap > 1000000); /* uses of a slot until one meets the other */
        }
        kpi_op_unref(op);
        kpi_op_table_clear(&other);
    }
}

static void slot_starts_clean_whatever_it_was_used_for(void **state)
{
    struct kpi_op *op = must_acquire();
    (void)state;
    op->attempts = 7;
    op->probe = op->counted = op->skip_cache = op->skip_run = op->local = op->requeue = true;
    op->in_plugin = op->cancel_told = op->internal = true;
    op->n_callbacks = 3;
    op->phase = KPI_ATTEMPT_ENDED;
    op->status = KP_OK;
    uint32_t slot = op->slot;
    kpi_op_unref(op);
    op = must_acquire();
    assert_int_equal(op->slot, slot); /* last in, first out: still warm */
    assert_int_equal(op->state, KPI_OP_NEW);
    assert_int_equal(op->attempts, 0);
    assert_false(op->probe || op->counted || op->skip_cache || op->skip_run || op->local);
    assert_false(op->requeue || op->in_plugin || op->cancel_told || op->internal);
    assert_int_equal(op->n_callbacks, 0);
    assert_int_equal(op->phase, KPI_ATTEMPT_NONE);
    assert_int_equal(op->status, KP_INTERNAL); /* only success writes a good state */
    assert_null(op->reply);
    assert_null(op->cb);
    assert_null(op->result);
    kpi_op_unref(op);
}

/* ---- Slots and their areas ---- */

static struct kp_request request_of(uint8_t *bytes, size_t len)
{
    struct kp_request request;
    kp_request_init(&request, KP_OP_WRAP);
    memset(bytes, 0x5c, len);
    request.value = (kp_span){bytes, len};
    return request;
}

/* Puts a request with len bytes into a slot and frees it. Returns the slot's number. */
static uint32_t use_slot(size_t len)
{
    uint8_t bytes[2048];
    const struct kp_request request = request_of(bytes, len);
    struct kpi_op *op = must_acquire();
    uint32_t slot = op->slot;
    assert_int_equal(kpi_op_take_request(op, &request), KP_OK);
    assert_memory_equal(op->request->value.ptr, bytes, len);
    kpi_op_unref(op);
    return slot;
}

static void slots_begin_at_a_cache_line_and_are_used_in_order(void **state)
{
    struct kpi_op *ops[N_SLOTS];
    (void)state;
    for (unsigned i = 0; i < N_SLOTS; i++) {
        assert_int_equal(atomic_load(&table.n_used), i); /* the others were never touched */
        ops[i] = must_acquire();
        assert_ptr_equal(ops[i], &table.ops[i]);
        assert_int_equal((uintptr_t)ops[i] % KPI_CACHE_LINE, 0);
    }
    for (unsigned i = 0; i < N_SLOTS; i++)
        kpi_op_unref(ops[i]);
}

static void slot_keeps_the_area_of_a_usual_request_wiped(void **state)
{
    static const uint8_t zeros[KPI_REQUEST_AREA_MAX_LEN];
    (void)state;
    table.keep_max_len = 4096;
    for (size_t len = 1; len <= 800; len += 17) {
        struct kpi_op *op = &table.ops[use_slot(len)];
        assert_int_equal(op->slot, 0);
        assert_int_equal(atomic_load(&table.kept_len), op->in.len); /* counted once */
        assert_memory_equal(op->in.ptr, zeros, op->in.len);
    }
    assert_int_equal(table.ops[0].in.len, KPI_REQUEST_AREA_MAX_LEN);
}

static void slot_keeps_no_longer_area_and_none_beyond_the_bound(void **state)
{
    struct kpi_op *first;
    (void)state;
    table.keep_max_len = KPI_REQUEST_AREA_MIN_LEN;
    (void)use_slot(1);
    assert_int_equal(atomic_load(&table.kept_len), KPI_REQUEST_AREA_MIN_LEN);
    first = must_acquire();
    uint32_t second = use_slot(1); /* no room for a second area */
    assert_null(table.ops[second].in.ptr);
    assert_int_equal(atomic_load(&table.kept_len), KPI_REQUEST_AREA_MIN_LEN);
    kpi_op_unref(first);
    assert_int_equal(use_slot(1500), first->slot);
    assert_null(first->in.ptr);
    assert_int_equal(atomic_load(&table.kept_len), 0);
}

/* After a burst beyond the bound the next operations still find what was kept. */
static void slot_that_has_kept_its_area_comes_first(void **state)
{
    struct kpi_op *ops[N_SLOTS];
    uint8_t bytes[32];
    const struct kp_request request = request_of(bytes, sizeof bytes);
    (void)state;
    table.keep_max_len = 2 * KPI_REQUEST_AREA_MIN_LEN;
    for (unsigned i = 0; i < N_SLOTS; i++) {
        ops[i] = must_acquire();
        assert_int_equal(kpi_op_take_request(ops[i], &request), KP_OK);
    }
    for (unsigned i = 0; i < N_SLOTS; i++)
        kpi_op_unref(ops[i]); /* those that keep nothing are freed last */
    ops[0] = must_acquire();
    ops[1] = must_acquire();
    assert_non_null(ops[0]->in.ptr);
    assert_non_null(ops[1]->in.ptr);
    kpi_op_unref(ops[0]);
    kpi_op_unref(ops[1]);
}

/* ---- References ---- */

static void slot_is_free_with_the_last_reference(void **state)
{
    struct kpi_op *ops[N_SLOTS];
    (void)state;
    for (unsigned i = 0; i < N_SLOTS; i++)
        ops[i] = must_acquire();
    kpi_op_ref(ops[0]);
    kpi_op_unref(ops[0]);
    assert_null(kpi_op_acquire(&table));
    kpi_op_unref(ops[0]);
    assert_ptr_equal(kpi_op_acquire(&table), ops[0]);
    for (unsigned i = 0; i < N_SLOTS; i++)
        kpi_op_unref(ops[i]);
}

/* ---- Attempts ---- */

static void attempt_is_finished_once_and_under_its_id_only(void **state)
{
    struct kpi_op *op = must_acquire();
    (void)state;
    assert_false(kpi_op_claim_finish(op, op->id)); /* none is open yet */
    kp_op_id first = kpi_op_open_attempt(op);
    assert_int_equal(first, op->id | 1);
    assert_true(kpi_op_attempt_open(op));
    assert_true(kpi_op_is_attempt(op, first));
    for (unsigned bit = 0; bit < 64; bit++)
        if (bit >= 36) /* shard and slot say which operation is asked at all */
            continue;
        else
            assert_false(kpi_op_claim_finish(op, first ^ UINT64_C(1) << bit));
    assert_true(kpi_op_claim_finish(op, first));
    assert_false(kpi_op_attempt_open(op));
    assert_false(kpi_op_claim_finish(op, first));
    assert_true(kpi_op_is_attempt(op, first)); /* finished, but still its own */
    kp_op_id second = kpi_op_open_attempt(op);
    assert_int_equal(second, op->id | 2);
    assert_false(kpi_op_claim_finish(op, first));
    assert_false(kpi_op_is_attempt(op, first));
    assert_true(kpi_op_claim_finish(op, second));
    for (int i = 0; i < 5; i++) /* pipeline, two attempts, two mails */
        kpi_op_unref(op);
}

static void attempts_to_the_bound_of_their_eight_bits_keep_apart(void **state)
{
    struct kpi_op *op = must_acquire();
    kp_op_id last = 0;
    (void)state;
    for (unsigned i = 1; i <= KPI_ATTEMPTS_MAX; i++) {
        kp_op_id id = kpi_op_open_attempt(op);
        assert_int_equal(id & 0xFF, i);
        assert_false(last != 0 && kpi_op_claim_finish(op, last));
        assert_true(kpi_op_claim_finish(op, id));
        kpi_op_unref(op);
        kpi_op_unref(op);
        last = id;
    }
    kpi_op_unref(op);
}

static void deadline_is_told_to_the_current_attempt_only(void **state)
{
    struct kpi_op *op = must_acquire();
    (void)state;
    atomic_store(&op->deadline_ns, 42);
    assert_int_equal(kpi_op_deadline_ns(op, op->id), 0);
    kp_op_id id = kpi_op_open_attempt(op);
    assert_int_equal(kpi_op_deadline_ns(op, id), 42);
    assert_int_equal(kpi_op_deadline_ns(op, id + 1), 0);
    assert_int_equal(kpi_op_deadline_ns(NULL, id), 0);
    kpi_op_unref(op);
    kpi_op_unref(op);
    assert_int_equal(kpi_op_deadline_ns(op, id), 0);
}

/* ---- Cancel ---- */

static void cancel_is_claimed_once_while_the_operation_lives(void **state)
{
    struct kpi_op *op = must_acquire();
    kp_op_id id = op->id;
    (void)state;
    assert_false(kpi_op_canceled(op));
    assert_false(kpi_op_claim_cancel(op, id ^ (UINT64_C(1) << 8)));
    assert_true(kpi_op_claim_cancel(op, id));
    assert_true(kpi_op_canceled(op));
    assert_false(kpi_op_claim_cancel(op, id));
    kpi_op_unref(op);
    kpi_op_unref(op);
    assert_false(kpi_op_claim_cancel(op, id)); /* over */
    op = must_acquire();
    assert_false(kpi_op_canceled(op));
    kpi_op_unref(op);
}

/* ---- States ---- */

/* The table above the enum, written once more: every step is either in it or refused. */
static void every_step_is_in_the_table_or_refused(void **state)
{
    static const bool may[8][8] = {
        [KPI_OP_NEW] = {[KPI_OP_QUEUED] = true, [KPI_OP_FINISHING] = true},
        [KPI_OP_QUEUED] = {[KPI_OP_IN_FLIGHT] = true,
                           [KPI_OP_WAITING] = true,
                           [KPI_OP_BACKOFF] = true,
                           [KPI_OP_FINISHING] = true},
        [KPI_OP_WAITING] = {[KPI_OP_QUEUED] = true, [KPI_OP_FINISHING] = true},
        [KPI_OP_IN_FLIGHT] =
            {[KPI_OP_QUEUED] = true, [KPI_OP_BACKOFF] = true, [KPI_OP_FINISHING] = true},
        [KPI_OP_BACKOFF] = {[KPI_OP_QUEUED] = true, [KPI_OP_FINISHING] = true},
        [KPI_OP_FINISHING] = {[KPI_OP_DONE] = true},
    };
    (void)state;
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++) {
            static struct kpi_op op; /* AddressSanitizer's stack knows no cache lines */
            op.state = (enum kpi_op_state)from;
            assert_int_equal(kpi_op_enter(&op, (enum kpi_op_state)to), may[from][to]);
            assert_int_equal(op.state, may[from][to] ? to : from);
        }
}

static void client_waits_in_every_state_before_finishing(void **state)
{
    (void)state;
    for (int at = 0; at < 8; at++) {
        static struct kpi_op op;
        op.state = (enum kpi_op_state)at;
        bool waits = at != KPI_OP_BROKEN && at != KPI_OP_FINISHING && at != KPI_OP_DONE;
        assert_int_equal(kpi_op_pending(&op), waits);
    }
}

/* ---- Threads ---- */

#define N_THREADS 4
#define N_ROUNDS 20000

static _Atomic uint32_t n_holders[N_SLOTS];

static void take_and_give(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < N_ROUNDS; i++) {
        struct kpi_op *op = kpi_op_acquire(&table);
        if (!op)
            continue;
        assert_int_equal(atomic_fetch_add(&n_holders[op->slot], 1), 0); /* nobody else has it */
        op->attempts++;
        atomic_fetch_sub(&n_holders[op->slot], 1);
        kpi_op_unref(op);
    }
}

static void slot_is_never_given_to_two(void **state)
{
    uv_thread_t threads[N_THREADS];
    (void)state;
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i], take_and_give, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        uv_thread_join(&threads[i]);
    slots_run_out_and_come_back(state);
}

static struct kpi_op *contested;
static kp_op_id contested_id;
static _Atomic uint32_t n_finishes;
static _Atomic uint32_t n_cancels;

static void contest(void *arg)
{
    (void)arg;
    if (kpi_op_claim_finish(contested, contested_id)) {
        atomic_fetch_add(&n_finishes, 1);
        kpi_op_unref(contested);
    }
    if (kpi_op_claim_cancel(contested, contested_id)) {
        atomic_fetch_add(&n_cancels, 1);
        kpi_op_unref(contested);
    }
}

static void one_thread_wins_the_finish_and_one_the_cancel(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        uv_thread_t threads[N_THREADS];
        contested = must_acquire();
        contested_id = kpi_op_open_attempt(contested);
        atomic_store(&n_finishes, 0);
        atomic_store(&n_cancels, 0);
        for (int i = 0; i < N_THREADS; i++)
            assert_int_equal(uv_thread_create(&threads[i], contest, NULL), 0);
        for (int i = 0; i < N_THREADS; i++)
            uv_thread_join(&threads[i]);
        assert_int_equal(atomic_load(&n_finishes), 1);
        assert_int_equal(atomic_load(&n_cancels), 1);
        kpi_op_unref(contested);
        kpi_op_unref(contested);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(id_names_shard_and_slot),
        TEST(id_of_a_slot_beyond_the_table_is_nowhere),
        TEST(slots_run_out_and_come_back),
        TEST(id_never_comes_back_with_its_slot),
        TEST(ids_of_two_tables_are_far_apart),
        TEST(slot_starts_clean_whatever_it_was_used_for),
        TEST(slots_begin_at_a_cache_line_and_are_used_in_order),
        TEST(slot_keeps_the_area_of_a_usual_request_wiped),
        TEST(slot_keeps_no_longer_area_and_none_beyond_the_bound),
        TEST(slot_that_has_kept_its_area_comes_first),
        TEST(slot_is_free_with_the_last_reference),
        TEST(attempt_is_finished_once_and_under_its_id_only),
        TEST(attempts_to_the_bound_of_their_eight_bits_keep_apart),
        TEST(deadline_is_told_to_the_current_attempt_only),
        TEST(cancel_is_claimed_once_while_the_operation_lives),
        TEST(every_step_is_in_the_table_or_refused),
        TEST(client_waits_in_every_state_before_finishing),
        TEST(slot_is_never_given_to_two),
        TEST(one_thread_wins_the_finish_and_one_the_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
