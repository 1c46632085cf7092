/*
 * One operation: its slot, its word and its id.
 *
 * Slots stand in a fixed array per shard. An id names shard, slot, generation and attempt, so that
 * whoever holds one can never touch what came later. All races about an operation are decided by
 * one compare-and-swap on its word:
 *
 *     bits 36..63  generation   counts the uses of the slot
 *     bits 28..35  attempt      of the operation, 1 and up; 0 before the first
 *     bits 16..27  references   pipeline, attempt, mail under way, blocking caller
 *     bits  0..15  flags        KPI_WORD_*
 *
 * The slot returns to the free list with the last reference.
 *
 * States, changed by kpi_op_enter alone, on the loop thread:
 *
 *     from        to                               when
 *     NEW         QUEUED FINISHING                 admitted; over before that
 *     QUEUED      IN_FLIGHT WAITING                handed to the plugin; joins a shared fetch
 *     QUEUED      BACKOFF FINISHING                the vault did not open: try again; over
 *     WAITING     QUEUED FINISHING                 the shared fetch is done; over
 *     IN_FLIGHT   QUEUED                           run declined: now through submit
 *     IN_FLIGHT   BACKOFF FINISHING                to be tried again; over
 *     BACKOFF     QUEUED FINISHING                 the pause has passed; over
 *     FINISHING   DONE                             the client has been told
 *     DONE                                         the attempt may still be winding down
 *
 * Deadline, cancel and close may end any state but FINISHING and DONE; every exit passes
 * kpi_pipeline_end.
 */
#ifndef KP_CORE_OP_H
#define KP_CORE_OP_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#include "core/block.h"
#include "core/inbox.h"
#include "core/list.h"
#include "core/wheel.h"
#include "core/workers.h"

struct kpi_shard;
struct kpc_key;

#define KPI_ATTEMPTS_MAX 255u /* eight bits of the id */

#define KPI_WORD_ATTEMPT_OPEN 0x01u /* the plugin owes a finish */
#define KPI_WORD_CANCEL 0x02u       /* somebody asked to cancel */

enum kpi_op_state {
    KPI_OP_BROKEN = 0, /* never entered: a slot that was not set up */
    KPI_OP_NEW = 1,
    KPI_OP_QUEUED = 2,
    KPI_OP_WAITING = 3,
    KPI_OP_IN_FLIGHT = 4,
    KPI_OP_BACKOFF = 5,
    KPI_OP_FINISHING = 6,
    KPI_OP_DONE = 7
};

/* How far the current attempt is; ENDED waits for callbacks asked for in its name. */
enum kpi_attempt_phase { KPI_ATTEMPT_NONE = 0, KPI_ATTEMPT_RUNNING = 1, KPI_ATTEMPT_ENDED = 2 };

/* A blocking caller's ticket. */
enum kpi_ticket {
    KPI_TICKET_WAITING = 0,
    KPI_TICKET_WRITING = 1,
    KPI_TICKET_DONE = 2,
    KPI_TICKET_LEFT = 3
};

#define KPI_CACHE_LINE 64u

/*
 * With thousands pending each cache line that a step touches is one more to fetch: what one step
 * needs lies together. What waits in line holds its request area and nothing else.
 */
struct kpi_op {
    /* ---- found by id, posted, dispatched ---- */
    _Alignas(KPI_CACHE_LINE) _Atomic uint64_t word; /* any thread */
    _Atomic uint32_t next_free;                     /* any thread */
    _Atomic uint32_t ticket; /* enum kpi_ticket; the word a blocking caller sleeps on */
    struct kpi_mail mail;    /* submit, then each finish */
    _Atomic(struct kp_vault *) vault;
    const struct kp_request *request; /* in in; fixed from submit to the last reference */
    kp_op_id id;
    struct kpi_shard *shard;

    /* ---- in line; loop thread ---- */
    struct kpi_link in_vault; /* every operation whose client is still waiting */
    struct kpi_link link;     /* in a queue, a list of waiters, or in flight */
    uint64_t submitted_ns;
    _Atomic uint64_t deadline_ns; /* plugins may ask from any thread, even late */
    enum kpi_op_state state;
    uint32_t attempts; /* as the retry rule counts them */
    bool internal;     /* a shared fetch: not counted, not refused */
    bool probe;        /* finds out whether the breaker may close */
    bool counted;      /* in the vault's number of queued operations */
    bool skip_cache;   /* the shared fetch failed or does not apply */
    bool skip_run;     /* run declined: take the way through submit */
    bool local;        /* computed here, says nothing about the vault */
    bool maybe_done;   /* an earlier attempt may have been carried out */
    bool requeue;      /* its pause is over, its attempt not yet wound down */

    /* ---- its end; fixed from submit on, but for the timer ---- */
    struct kpi_timer timer; /* deadline, or the end of a pause */
    kp_done_fn *cb;         /* NULL: a blocking caller, who gets *result */
    void *ctx;
    struct kp_result *result;

    /* ---- the attempt; written by whoever wins finish, read by the loop after its mail ---- */
    enum kpi_attempt_phase phase; /* loop thread */
    uint32_t n_callbacks;         /* loop thread: host calls that still owe their callback */
    kp_op_id attempt_id;          /* loop thread: what the plugin knows it by */
    void *plugin_state;           /* loop thread */
    uint64_t started_ns;          /* loop thread */
    uint64_t answered_ns;         /* loop thread: its last request over HTTP; 0: none yet */
    const struct kp_reply *reply; /* in out */
    kp_status status;
    bool in_plugin;   /* loop thread: accepted by submit, done is owed */
    bool cancel_told; /* loop thread */
    bool keeps_in;    /* in stays with the slot between uses */

    /* ---- areas ---- */
    struct kpi_block in;  /* of the request, until the last reference; see keeps_in */
    struct kpi_block out; /* of the attempt's reply, or else its error: core/reply_areas.h */
    struct kpi_op_table *table;
    uint32_t slot;

    /* ---- seldom used ---- */
    struct kpi_mail cancel_mail;
    struct kpi_job job;        /* run on a worker */
    struct kpc_key *local_key; /* local only; acquired */
};

/* ---- Ids ---- */

#define KPI_SHARDS_MAX 256u
#define KPI_SLOTS_MAX (1u << 20)

uint32_t kpi_id_shard(kp_op_id id);
uint32_t kpi_id_slot(kp_op_id id);

/* ---- Table ---- */

/* Heads of free lists: tag in the upper half, slot + 1 in the lower; 0: empty. */
struct kpi_op_table {
    struct kpi_op *ops;
    void *memory; /* ops begins in it, at the start of a cache line */
    struct kpi_shard *shard;
    uint32_t n;
    _Atomic uint32_t n_used;    /* slots that have been used before; the others are untouched */
    _Atomic uint64_t warm_head; /* free slots that have kept their request area */
    _Atomic uint64_t cold_head; /* the others that have been used */
    size_t keep_max_len;        /* of all request areas that slots may keep */
    _Atomic size_t kept_len;    /* ... that they do keep, in use or free */
    uint64_t first_generation;
    kp_op_id first_id;
};

/*
 * n slots for a shard, at most KPI_SLOTS_MAX. Slots keep no request areas unless keep_max_len is
 * set before the first acquire. Errors: no_memory.
 */
kp_status kpi_op_table_init(struct kpi_op_table *table, struct kpi_shard *shard, uint32_t shard_at,
                            uint32_t n) KP_MUST_USE;
void kpi_op_table_clear(struct kpi_op_table *table);

/*
 * A slot with one reference (the pipeline's), or NULL when all are taken. One that has kept its
 * request area comes first, and of those the one freed last, so that few slots are in use and those
 * stay in the cache. Any thread.
 */
struct kpi_op *kpi_op_acquire(struct kpi_op_table *table);
/* Copies request into the slot's area, or one that fits. Errors: no_memory. Any thread. */
kp_status kpi_op_take_request(struct kpi_op *op, const struct kp_request *request) KP_MUST_USE;
/* The slot an id points to, whatever lives there now; NULL for one that cannot be. */
struct kpi_op *kpi_op_at(struct kpi_op_table *table, kp_op_id id);

/* ---- References; any thread ---- */

void kpi_op_ref(struct kpi_op *op);
/* Gives one back; the last one wipes the buffers, frees them unless kept, and frees the slot. */
void kpi_op_unref(struct kpi_op *op);

/* ---- Decisions by compare-and-swap; any thread ---- */

/* Opens the next attempt and takes its reference. Returns the id the plugin will know it by. */
kp_op_id kpi_op_open_attempt(struct kpi_op *op);
/* Claims the right to finish; with true comes a reference for the mail. */
bool kpi_op_claim_finish(struct kpi_op *op, kp_op_id id);
/* Marks as cancelled; true for the first to do so while the operation lives, with a reference. */
bool kpi_op_claim_cancel(struct kpi_op *op, kp_op_id id);
/* True once somebody asked to cancel. */
bool kpi_op_canceled(const struct kpi_op *op);
/* True while the plugin owes a finish for the current attempt. */
bool kpi_op_attempt_open(const struct kpi_op *op);
/* True when id names this operation's current attempt, finished or not. */
bool kpi_op_is_attempt(const struct kpi_op *op, kp_op_id id);

/* Deadline of the attempt id names, 0 when it is over; op may be NULL. */
uint64_t kpi_op_deadline_ns(const struct kpi_op *op, kp_op_id id);

/* ---- State; loop thread ---- */

/* Changes state; false, changing nothing, for a step the table does not have. */
bool kpi_op_enter(struct kpi_op *op, enum kpi_op_state state);
/* True while the client still waits for the outcome. */
bool kpi_op_pending(const struct kpi_op *op);

#endif /* KP_CORE_OP_H */
