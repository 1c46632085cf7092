/*
 * The secret arena: the one place in the process where keys, tokens and payloads live. A range of
 * memory between guard pages, out of core dumps, zeros in a forked child, locked into memory as far
 * as the system's limit (RLIMIT_MEMLOCK) allows, piece by piece as it comes into use, and never
 * unmapped.
 *
 * Blocks have eight sizes, 64 bytes to 64 KiB; each is zeroed when handed out and wiped when freed.
 * A larger block, or one that finds the arena full, comes from the C heap instead, is wiped when
 * freed all the same, and is counted.
 *
 * Threads: any, at once. Allocating and freeing take no lock and make no system call, but for the
 * first use of each 64 KiB piece.
 */
#ifndef KP_CORE_ARENA_H
#define KP_CORE_ARENA_H

#include <stdbool.h>

#include <keyprovider/status.h>

#include "base/mem.h"

#define KPI_ARENA_DEFAULT_LEN ((size_t)16 * 1024 * 1024)
#define KPI_ARENA_BLOCK_MAX_LEN ((size_t)64 * 1024)

/*
 * Sets the length of the range, rounded up to whole pieces of 64 KiB, before the first allocation.
 * Afterwards: conflict, unless the length stays the same. Not from two threads at once.
 * Errors: usage (0, or above 4 GiB), conflict.
 */
kp_status kpi_arena_configure(size_t len) KP_MUST_USE;

/* n zeroed bytes (0 counts as 1), or NULL. site: a literal, for a debugger's eye. */
void *kpi_arena_alloc(const char *site, size_t n) KP_MUST_USE;

/*
 * Wipes and frees a block; n is what it was asked for with. NULL is allowed. A pointer into the
 * arena that is no block in use (freed before, or beside its start) is left alone and counted.
 */
void kpi_arena_free(void *p, size_t n);

/* Whether p points into the arena's range. */
bool kpi_arena_owns(const void *p);

/* In a forked child, before anything is allocated: the lock may be held by a thread not here. */
void kpi_arena_recover_in_child(void);

/* Puts the arena behind the two secret hooks; the other members stay as they are. */
void kpi_arena_set_hooks(struct kpb_mem_hooks *hooks);

/* Bytes but for n_*, which count. Taken while others allocate, the numbers need not add up. */
struct kpi_arena_stats {
    uint64_t reserved; /* the whole range; 0: not used yet, or there was no room for it */
    uint64_t opened;   /* pieces in use so far: locked + unlockable */
    uint64_t locked;
    uint64_t unlockable;  /* pieces the system refused to lock */
    uint64_t in_use;      /* blocks handed out, at their size class */
    uint64_t heap_in_use; /* handed out from the heap instead */
    uint64_t n_overflows; /* blocks that found the arena full */
    uint64_t n_oversized; /* blocks too large for it */
    uint64_t n_bad_frees; /* frees that were refused */
    uint32_t protection;  /* KPI_PAGES_* in force */
};

void kpi_arena_stats(struct kpi_arena_stats *ret);

#endif /* KP_CORE_ARENA_H */
