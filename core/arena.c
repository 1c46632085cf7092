#include "core/arena.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <uv.h>

#include "core/freelist.h"
#include "core/pages.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define SHUT(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define OPEN(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define SHUT(p, n) ((void)(p), (void)(n))
#define OPEN(p, n) ((void)(p), (void)(n))
#endif

#define PIECE_LEN KPI_ARENA_BLOCK_MAX_LEN
#define UNIT_LEN ((size_t)64)
#define UNITS_A_PIECE (PIECE_LEN / UNIT_LEN)
#define MAX_LEN (UINT64_C(4) * 1024 * 1024 * 1024)
#define N_CLASSES 8u

static const uint32_t class_units[N_CLASSES] = {1, 4, 10, 16, 32, 64, 256, 1024};

/*
 * The range is counted in units of 64 bytes. A piece of it is cut into blocks of one class when it
 * is opened and stays with that class. What links free blocks lies outside the range, in `link`:
 * free blocks stay all zeros, a forked child finds sound lists over wiped memory, and a block freed
 * twice is seen: the link of a block in use says so.
 */
#define IN_USE UINT32_MAX

struct arena {
    /* fixed after start */
    uint8_t *base; /* NULL: no arena, everything goes to the heap */
    uint32_t n_pieces;
    uint32_t protection;
    _Atomic uint32_t *link; /* one per unit */
    _Atomic uint8_t *piece_class;
    uv_mutex_t opening; /* held while a piece is opened */
    /* changes */
    _Atomic uint32_t n_opened;
    struct kpi_freelist free_list[N_CLASSES];
    _Atomic uint64_t in_use;
    _Atomic uint64_t locked;
    _Atomic uint64_t unlockable;
};

/* The heap's share is counted apart, for it works without an arena too. */
struct heap_share {
    _Atomic uint64_t in_use;
    _Atomic uint64_t n_overflows;
    _Atomic uint64_t n_oversized;
    _Atomic uint64_t n_bad_frees;
};

static struct arena arena;
static struct heap_share heap_share;
static _Atomic size_t wanted_len = KPI_ARENA_DEFAULT_LEN; /* read once, by start */
static _Atomic bool is_started;
static uv_once_t start_once = UV_ONCE_INIT;

/* ---- Start ---- */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Maps both tables; what was mapped stays, for a second start never happens. */
static bool map_tables(uint32_t n_pieces)
{
    size_t page = kpi_pages_size();
    size_t n_units = (size_t)n_pieces * UNITS_A_PIECE;

    arena.link = (void *)kpi_pages_map(round_up(n_units * sizeof *arena.link, page));
    arena.piece_class = (void *)kpi_pages_map(round_up(n_pieces, page));
    return arena.link && arena.piece_class;
}

static void start(void)
{
    size_t len = atomic_load(&wanted_len);
    uint32_t n_pieces = (uint32_t)(len / PIECE_LEN);

    if (map_tables(n_pieces) && uv_mutex_init(&arena.opening) == 0) {
        arena.base = kpi_pages_map_secret(len, &arena.protection);
        arena.n_pieces = arena.base ? n_pieces : 0;
    }
    atomic_store_explicit(&is_started, true, memory_order_release);
}

static void ensure_started(void)
{
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        uv_once(&start_once, start);
}

kp_status kpi_arena_configure(size_t len)
{
    size_t rounded;

    if (len == 0 || len > MAX_LEN)
        return KP_USAGE;
    rounded = round_up(len, PIECE_LEN);
    if (atomic_load_explicit(&is_started, memory_order_acquire))
        return rounded == atomic_load(&wanted_len) ? KP_OK : KP_CONFLICT;
    atomic_store(&wanted_len, rounded);
    return KP_OK;
}

/* ---- Blocks by number ---- */

static uint8_t *address_of(uint32_t unit)
{
    return arena.base + (size_t)unit * UNIT_LEN;
}

static size_t class_len(unsigned cls)
{
    return class_units[cls] * UNIT_LEN;
}

static unsigned class_for(size_t n)
{
    unsigned cls = 0;

    while (class_len(cls) < n)
        cls++;
    return cls;
}

static uint32_t pop(unsigned cls)
{
    uint32_t unit = kpi_freelist_pop(&arena.free_list[cls], arena.link);

    if (unit != KPI_FREELIST_NONE)
        atomic_store_explicit(&arena.link[unit], IN_USE, memory_order_relaxed);
    return unit;
}

static void push_chain(unsigned cls, uint32_t first, uint32_t last)
{
    kpi_freelist_push(&arena.free_list[cls], arena.link, first, last);
}

/* ---- Pieces ---- */

static void lock_piece(uint32_t piece)
{
    bool done = kpi_pages_lock(arena.base + piece * PIECE_LEN, PIECE_LEN);

    atomic_fetch_add_explicit(done ? &arena.locked : &arena.unlockable, PIECE_LEN,
                              memory_order_relaxed);
}

/* Cuts the next piece into blocks; keeps the first for the caller and lists the others. */
static uint32_t open_piece(unsigned cls)
{
    uint32_t piece = atomic_load_explicit(&arena.n_opened, memory_order_relaxed);
    uint32_t step = class_units[cls];
    uint32_t first = piece * (uint32_t)UNITS_A_PIECE;
    uint32_t last = first + ((uint32_t)UNITS_A_PIECE / step - 1) * step;

    if (piece == arena.n_pieces)
        return KPI_FREELIST_NONE;
    lock_piece(piece);
    SHUT(address_of(first), PIECE_LEN);
    atomic_store_explicit(&arena.piece_class[piece], (uint8_t)cls, memory_order_relaxed);
    for (uint32_t unit = first + step; unit < last; unit += step)
        atomic_store_explicit(&arena.link[unit], unit + step + 1, memory_order_relaxed);
    atomic_store_explicit(&arena.link[first], IN_USE, memory_order_relaxed);
    atomic_store_explicit(&arena.n_opened, piece + 1, memory_order_relaxed);
    if (last != first)
        push_chain(cls, first + step, last);
    return first;
}

/* One thread opens a piece; those that waited for it find its blocks listed. */
static uint32_t take_from_new_piece(unsigned cls)
{
    uint32_t unit;

    if (atomic_load_explicit(&arena.n_opened, memory_order_relaxed) == arena.n_pieces)
        return KPI_FREELIST_NONE;
    uv_mutex_lock(&arena.opening);
    unit = pop(cls);
    if (unit == KPI_FREELIST_NONE)
        unit = open_piece(cls);
    uv_mutex_unlock(&arena.opening);
    return unit;
}

static unsigned class_of(uint32_t unit)
{
    return atomic_load_explicit(&arena.piece_class[unit / UNITS_A_PIECE], memory_order_relaxed);
}

/* A block of cls; when there is none left, a larger one is still better than the heap. */
static uint32_t take(unsigned cls)
{
    uint32_t unit = pop(cls);

    if (unit == KPI_FREELIST_NONE)
        unit = take_from_new_piece(cls);
    while (unit == KPI_FREELIST_NONE && ++cls < N_CLASSES)
        unit = pop(cls);
    return unit;
}

/* ---- Heap ---- */

static void *alloc_on_heap(_Atomic uint64_t *reason, size_t n)
{
    void *p = calloc(1, n);

    atomic_fetch_add_explicit(reason, 1, memory_order_relaxed);
    if (p)
        atomic_fetch_add_explicit(&heap_share.in_use, n, memory_order_relaxed);
    return p;
}

static void free_on_heap(void *p, size_t n)
{
    kpb_wipe(p, n);
    atomic_fetch_sub_explicit(&heap_share.in_use, n, memory_order_relaxed);
    free(p);
}

/* ---- Blocks ---- */

void *kpi_arena_alloc(const char *site, size_t n)
{
    uint32_t unit;

    (void)site;
    n = n ? n : 1;
    ensure_started();
    if (n > KPI_ARENA_BLOCK_MAX_LEN)
        return alloc_on_heap(&heap_share.n_oversized, n);
    unit = take(class_for(n));
    if (unit == KPI_FREELIST_NONE)
        return alloc_on_heap(&heap_share.n_overflows, n);
    atomic_fetch_add_explicit(&arena.in_use, class_len(class_of(unit)), memory_order_relaxed);
    OPEN(address_of(unit), n);
    return address_of(unit);
}

bool kpi_arena_owns(const void *p)
{
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        return false;
    return (uintptr_t)p - (uintptr_t)arena.base < (size_t)arena.n_pieces * PIECE_LEN;
}

/* Ends the use of the block that starts exactly at offset; false when there is none. */
static bool end_use(size_t offset, uint32_t unit)
{
    uint32_t expected = IN_USE;

    if (offset % PIECE_LEN % class_len(class_of(unit)))
        return false;
    return atomic_compare_exchange_strong_explicit(&arena.link[unit], &expected, 0,
                                                   memory_order_relaxed, memory_order_relaxed);
}

static void free_in_arena(uint8_t *p)
{
    size_t offset = (size_t)(p - arena.base);
    uint32_t unit = (uint32_t)(offset / UNIT_LEN);
    unsigned cls = class_of(unit);

    if (!end_use(offset, unit)) {
        atomic_fetch_add_explicit(&heap_share.n_bad_frees, 1, memory_order_relaxed);
        return;
    }
    OPEN(p, class_len(cls));
    kpb_wipe(p, class_len(cls)); /* all of it: n may be the caller's mistake */
    SHUT(p, class_len(cls));
    atomic_fetch_sub_explicit(&arena.in_use, class_len(cls), memory_order_relaxed);
    push_chain(cls, unit, unit);
}

void kpi_arena_free(void *p, size_t n)
{
    if (!p)
        return;
    if (kpi_arena_owns(p))
        free_in_arena(p);
    else
        free_on_heap(p, n ? n : 1);
}

/* ---- Fork ---- */

/* A piece that was being opened is opened again; the lists are changed by single steps and
 * sound. */
void kpi_arena_recover_in_child(void)
{
    if (atomic_load_explicit(&is_started, memory_order_acquire))
        (void)uv_mutex_init(&arena.opening); /* a plain mutex: no resource that could be out */
}

/* ---- Hooks, numbers ---- */

static void *secret_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    return kpi_arena_alloc(site, n);
}

static void secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    kpi_arena_free(p, n);
}

void kpi_arena_set_hooks(struct kpb_mem_hooks *hooks)
{
    hooks->secret_alloc = secret_alloc;
    hooks->secret_free = secret_free;
}

static uint64_t value_of(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void kpi_arena_stats(struct kpi_arena_stats *ret)
{
    bool started = atomic_load_explicit(&is_started, memory_order_acquire);

    *ret = (struct kpi_arena_stats){0};
    if (started && arena.base) {
        ret->reserved = (uint64_t)arena.n_pieces * PIECE_LEN;
        ret->opened = atomic_load_explicit(&arena.n_opened, memory_order_relaxed) * PIECE_LEN;
        ret->protection = arena.protection;
    }
    ret->locked = value_of(&arena.locked);
    ret->unlockable = value_of(&arena.unlockable);
    ret->in_use = value_of(&arena.in_use);
    ret->heap_in_use = value_of(&heap_share.in_use);
    ret->n_overflows = value_of(&heap_share.n_overflows);
    ret->n_oversized = value_of(&heap_share.n_oversized);
    ret->n_bad_frees = value_of(&heap_share.n_bad_frees);
}
