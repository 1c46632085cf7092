#include "core/op.h"

#include "base/errors.h"
#include "base/mem.h"
#include "crypto/key.h"

/* ---- Ids: shard 8, slot 20, generation 28, attempt 8 ---- */

#define ID_SLOT_SHIFT 36u
#define ID_SHARD_SHIFT 56u
#define ID_GENERATION_SHIFT 8u
#define GENERATION_MASK UINT64_C(0xFFFFFFF)
#define ATTEMPT_MASK UINT64_C(0xFF)

/* ---- Word ---- */

#define WORD_REF (UINT64_C(1) << 16)
#define WORD_REFS_MASK (UINT64_C(0xFFF) << 16)
#define WORD_ATTEMPT_SHIFT 28u
#define WORD_GENERATION_SHIFT 36u

static uint64_t word_generation(uint64_t word)
{
    return word >> WORD_GENERATION_SHIFT;
}

static uint64_t word_attempt(uint64_t word)
{
    return (word >> WORD_ATTEMPT_SHIFT) & ATTEMPT_MASK;
}

static uint64_t id_generation(kp_op_id id)
{
    return (id >> ID_GENERATION_SHIFT) & GENERATION_MASK;
}

uint32_t kpi_id_shard(kp_op_id id)
{
    return (uint32_t)(id >> ID_SHARD_SHIFT);
}

uint32_t kpi_id_slot(kp_op_id id)
{
    return (uint32_t)(id >> ID_SLOT_SHIFT) & (KPI_SLOTS_MAX - 1);
}

/* ---- Free lists: stacks; the tag keeps a popped head from being mistaken for itself ---- */

static void push_free(_Atomic uint64_t *list, struct kpi_op *op)
{
    uint64_t head = atomic_load_explicit(list, memory_order_relaxed);
    uint64_t mine;
    do {
        atomic_store_explicit(&op->next_free, (uint32_t)head, memory_order_relaxed);
        mine = ((head >> 32) + 1) << 32 | (op->slot + 1);
    } while (!atomic_compare_exchange_weak_explicit(list, &head, mine, memory_order_release,
                                                    memory_order_relaxed));
}

static struct kpi_op *pop_free(struct kpi_op_table *table, _Atomic uint64_t *list)
{
    uint64_t head = atomic_load_explicit(list, memory_order_acquire);
    uint64_t rest;
    struct kpi_op *op;
    do {
        if ((uint32_t)head == 0)
            return NULL;
        op = &table->ops[(uint32_t)head - 1];
        rest =
            ((head >> 32) + 1) << 32 | atomic_load_explicit(&op->next_free, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(list, &head, rest, memory_order_acquire,
                                                    memory_order_acquire));
    return op;
}

/* ---- Table ---- */

/*
 * Where a table's generations begin: far from where other tables of this process did (multiples of
 * the golden ratio), for a plugin may hold an id, and a door, longer than a provider lives.
 */
static uint64_t first_generation(void)
{
    static _Atomic uint32_t n_tables;
    uint32_t nth = atomic_fetch_add_explicit(&n_tables, 1, memory_order_relaxed) + 1;
    return (uint32_t)(nth * 0x9E3779B1u) >> 4; /* the upper 28 bits are the evenly spread ones */
}

kp_status kpi_op_table_init(struct kpi_op_table *table, struct kpi_shard *shard, uint32_t shard_at,
                            uint32_t n)
{
    void *memory = kpb_alloc_array("op.table", (size_t)n + 1, sizeof *table->ops);
    if (!memory)
        return KP_NO_MEMORY;
    uintptr_t line = ((uintptr_t)memory + KPI_CACHE_LINE - 1) & ~(uintptr_t)(KPI_CACHE_LINE - 1);
    *table = (struct kpi_op_table){.ops = (void *)line,
                                   .memory = memory,
                                   .shard = shard,
                                   .n = n,
                                   .first_generation = first_generation(),
                                   .first_id = (uint64_t)shard_at << ID_SHARD_SHIFT};
    return KP_OK;
}

void kpi_op_table_clear(struct kpi_op_table *table)
{
    uint32_t n_used = atomic_load_explicit(&table->n_used, memory_order_relaxed);
    for (uint32_t i = 0; i < n_used; i++) {
        kpi_block_free(&table->ops[i].in);
        kpi_block_free(&table->ops[i].out);
    }
    kpb_free(table->memory);
    *table = (struct kpi_op_table){.ops = NULL};
}

/* A slot that was never used: all of it is zeros, and its page may not be there yet. */
static struct kpi_op *take_unused(struct kpi_op_table *table)
{
    uint32_t at = atomic_load_explicit(&table->n_used, memory_order_relaxed);
    do {
        if (at == table->n)
            return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&table->n_used, &at, at + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    struct kpi_op *op = &table->ops[at];
    op->slot = at;
    op->shard = table->shard;
    op->table = table;
    op->id = table->first_id | (uint64_t)at << ID_SLOT_SHIFT;
    kpi_list_init(&op->link);
    kpi_list_init(&op->in_vault);
    atomic_store_explicit(&op->word, table->first_generation << WORD_GENERATION_SHIFT,
                          memory_order_relaxed);
    return op;
}

/* Everything of the last use is forgotten but what the slot is. */
static void reset_op(struct kpi_op *op, uint64_t generation)
{
    const uint64_t place = op->id & ~(GENERATION_MASK << ID_GENERATION_SHIFT | ATTEMPT_MASK);
    op->id = place | generation << ID_GENERATION_SHIFT;
    atomic_store_explicit(&op->vault, NULL, memory_order_relaxed);
    op->request = NULL;
    op->cb = NULL;
    op->ctx = NULL;
    op->result = NULL;
    op->internal = false;
    op->state = KPI_OP_NEW;
    op->attempts = 0;
    op->probe = false;
    op->counted = false;
    op->skip_cache = false;
    op->skip_run = false;
    op->local = false;
    op->maybe_done = false;
    op->requeue = false;
    op->phase = KPI_ATTEMPT_NONE;
    op->in_plugin = false;
    op->cancel_told = false;
    op->n_callbacks = 0;
    op->plugin_state = NULL;
    op->status = KP_INTERNAL;
    op->reply = NULL;
    atomic_store_explicit(&op->ticket, KPI_TICKET_WAITING, memory_order_relaxed);
}

struct kpi_op *kpi_op_acquire(struct kpi_op_table *table)
{
    struct kpi_op *op = pop_free(table, &table->warm_head);
    if (!op)
        op = pop_free(table, &table->cold_head);
    if (!op)
        op = take_unused(table);
    if (!op)
        return NULL;
    uint64_t word = atomic_load_explicit(&op->word, memory_order_relaxed);
    uint64_t generation = (word_generation(word) + 1) & GENERATION_MASK;
    if (generation == 0)
        generation = 1; /* so that no id is ever 0 */
    reset_op(op, generation);
    atomic_store_explicit(&op->word, generation << WORD_GENERATION_SHIFT | WORD_REF,
                          memory_order_release);
    return op;
}

struct kpi_op *kpi_op_at(struct kpi_op_table *table, kp_op_id id)
{
    uint32_t slot = kpi_id_slot(id);
    return slot < table->n ? &table->ops[slot] : NULL;
}

/* ---- Areas ---- */

_Static_assert(sizeof(struct kpi_op) + KPI_REQUEST_AREA_USUAL_LEN <= 1024,
               "a usual request that waits in line costs at most 1 KiB");
_Static_assert(sizeof(struct kp_error) <= KPI_REPLY_AREA_LEN, "an error fits where a reply would");

/* Whether the table has room to keep len bytes more; then they are counted. */
static bool may_keep(struct kpi_op_table *table, size_t len)
{
    size_t before = atomic_fetch_add_explicit(&table->kept_len, len, memory_order_relaxed);
    if (len <= table->keep_max_len && before <= table->keep_max_len - len)
        return true;
    atomic_fetch_sub_explicit(&table->kept_len, len, memory_order_relaxed);
    return false;
}

/* The slot's area is another: it is this one that is kept, or none. */
static void settle_kept(struct kpi_op *op, size_t len_before)
{
    if (op->keeps_in)
        atomic_fetch_sub_explicit(&op->table->kept_len, len_before, memory_order_relaxed);
    op->keeps_in =
        op->in.len > 0 && op->in.len <= KPI_REQUEST_AREA_MAX_LEN && may_keep(op->table, op->in.len);
}

kp_status kpi_op_take_request(struct kpi_op *op, const struct kp_request *request)
{
    size_t len_before = op->in.len;
    kp_status st = kpi_block_copy_request(&op->in, request, &op->request);
    if (op->in.len != len_before)
        settle_kept(op, len_before);
    return st;
}

/* What the slot keeps is wiped for the next operation. */
static void release_areas(struct kpi_op *op)
{
    if (op->keeps_in)
        kpi_block_wipe(&op->in);
    else
        kpi_block_free(&op->in);
    if (op->out.ptr)
        kpi_block_free(&op->out); /* brought by a caller whose request could not be taken */
}

/* ---- References ---- */

void kpi_op_ref(struct kpi_op *op)
{
    atomic_fetch_add_explicit(&op->word, WORD_REF, memory_order_relaxed);
}

void kpi_op_unref(struct kpi_op *op)
{
    uint64_t before = atomic_fetch_sub_explicit(&op->word, WORD_REF, memory_order_acq_rel);
    if ((before & WORD_REFS_MASK) != WORD_REF)
        return;
    if (op->local_key)
        kpc_key_release(op->local_key);
    op->local_key = NULL;
    release_areas(op);
    push_free(op->keeps_in ? &op->table->warm_head : &op->table->cold_head, op);
}

/* ---- Decisions ---- */

kp_op_id kpi_op_open_attempt(struct kpi_op *op)
{
    uint64_t word = atomic_load_explicit(&op->word, memory_order_relaxed);
    uint64_t attempt;
    uint64_t next;
    do {
        attempt = word_attempt(word) + 1;
        next = (word & ~(ATTEMPT_MASK << WORD_ATTEMPT_SHIFT)) | attempt << WORD_ATTEMPT_SHIFT;
        next = (next | KPI_WORD_ATTEMPT_OPEN) + WORD_REF;
    } while (!atomic_compare_exchange_weak_explicit(&op->word, &word, next, memory_order_release,
                                                    memory_order_relaxed));
    return op->id | attempt;
}

bool kpi_op_claim_finish(struct kpi_op *op, kp_op_id id)
{
    uint64_t word = atomic_load_explicit(&op->word, memory_order_acquire);
    uint64_t next;
    do {
        if (word_generation(word) != id_generation(id) ||
            word_attempt(word) != (id & ATTEMPT_MASK) || !(word & KPI_WORD_ATTEMPT_OPEN))
            return false;
        next = (word & ~(uint64_t)KPI_WORD_ATTEMPT_OPEN) + WORD_REF;
    } while (!atomic_compare_exchange_weak_explicit(&op->word, &word, next, memory_order_acq_rel,
                                                    memory_order_acquire));
    return true;
}

bool kpi_op_claim_cancel(struct kpi_op *op, kp_op_id id)
{
    uint64_t word = atomic_load_explicit(&op->word, memory_order_relaxed);
    do {
        if (word_generation(word) != id_generation(id) || (word & WORD_REFS_MASK) == 0 ||
            (word & KPI_WORD_CANCEL))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&op->word, &word,
                                                    (word | KPI_WORD_CANCEL) + WORD_REF,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return true;
}

bool kpi_op_canceled(const struct kpi_op *op)
{
    return atomic_load_explicit(&op->word, memory_order_acquire) & KPI_WORD_CANCEL;
}

bool kpi_op_attempt_open(const struct kpi_op *op)
{
    return atomic_load_explicit(&op->word, memory_order_acquire) & KPI_WORD_ATTEMPT_OPEN;
}

bool kpi_op_is_attempt(const struct kpi_op *op, kp_op_id id)
{
    uint64_t word = atomic_load_explicit(&op->word, memory_order_acquire);
    return word_generation(word) == id_generation(id) && (id & ATTEMPT_MASK) != 0 &&
           word_attempt(word) == (id & ATTEMPT_MASK) && (word & WORD_REFS_MASK) != 0;
}

uint64_t kpi_op_deadline_ns(const struct kpi_op *op, kp_op_id id)
{
    if (!op || !kpi_op_is_attempt(op, id))
        return 0;
    return atomic_load_explicit(&op->deadline_ns, memory_order_relaxed);
}

/* ---- State ---- */

#define INTO(state) (1u << (state))

bool kpi_op_enter(struct kpi_op *op, enum kpi_op_state state)
{
    static const uint32_t steps[] = {
        [KPI_OP_BROKEN] = 0,
        [KPI_OP_NEW] = INTO(KPI_OP_QUEUED) | INTO(KPI_OP_FINISHING),
        [KPI_OP_QUEUED] = INTO(KPI_OP_IN_FLIGHT) | INTO(KPI_OP_WAITING) | INTO(KPI_OP_BACKOFF) |
                          INTO(KPI_OP_FINISHING),
        [KPI_OP_WAITING] = INTO(KPI_OP_QUEUED) | INTO(KPI_OP_FINISHING),
        [KPI_OP_IN_FLIGHT] = INTO(KPI_OP_QUEUED) | INTO(KPI_OP_BACKOFF) | INTO(KPI_OP_FINISHING),
        [KPI_OP_BACKOFF] = INTO(KPI_OP_QUEUED) | INTO(KPI_OP_FINISHING),
        [KPI_OP_FINISHING] = INTO(KPI_OP_DONE),
        [KPI_OP_DONE] = 0,
    };
    if (!(steps[op->state] & INTO(state)))
        return false;
    op->state = state;
    return true;
}

bool kpi_op_pending(const struct kpi_op *op)
{
    return op->state != KPI_OP_FINISHING && op->state != KPI_OP_DONE && op->state != KPI_OP_BROKEN;
}
