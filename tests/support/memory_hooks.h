/*
 * The library's allocator as tests want it: the C heap for everything, secrets too, so that address
 * sanitizers see each block, with counts, a record of the sites that were used, and a site that
 * fails on demand.
 *
 * Threads: install before the first provider, once per process; the rest from any.
 */
#ifndef KP_TESTS_SUPPORT_MEMORY_HOOKS_H
#define KP_TESTS_SUPPORT_MEMORY_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_SITES_MAX 256u

/* Puts itself behind kp_set_memory. Calling it again does nothing. */
void memory_hooks_install(void);

/* Allocations since the beginning, and how many of them are not freed yet. */
uint64_t memory_hooks_n_allocs(void);
uint64_t memory_hooks_n_live(void);
/* Bytes of secret memory that are not freed yet. */
uint64_t memory_hooks_secret_live(void);

/* Forgets the record and begins a new one. */
void memory_hooks_record(void);
/* The i-th site of the record, NULL from the end on; and how often it was used. */
const char *memory_hooks_site(uint32_t i);
uint32_t memory_hooks_site_count(uint32_t i);

/* From now on the nth allocation at site (from 1) fails, once; NULL: none does. */
void memory_hooks_fail(const char *site, uint32_t nth);
/* Whether it has. */
bool memory_hooks_has_failed(void);

#endif /* KP_TESTS_SUPPORT_MEMORY_HOOKS_H */
