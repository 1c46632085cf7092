/*
 * Whole pages straight from the operating system, for the secret arena. A twin per platform.
 *
 * What is mapped here stays mapped for the life of the process: nothing of a host process may fault
 * because a library of ours went away. Threads: any.
 */
#ifndef KP_CORE_PAGES_H
#define KP_CORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KPI_PAGES_NO_DUMP 0x01u      /* left out of core dumps */
#define KPI_PAGES_WIPE_ON_FORK 0x02u /* reads as zeros in a child process */

/* Bytes of a page, a power of two. */
size_t kpi_pages_size(void);

/*
 * Maps len bytes (a multiple of the page size) of zeros, readable and writable, that become real
 * memory only when touched. NULL when there is no room.
 */
uint8_t *kpi_pages_map(size_t len);

/*
 * The same for secrets: between two pages that fault when touched, with as many of the KPI_PAGES_*
 * protections as the system knows; *ret_protection says which.
 */
uint8_t *kpi_pages_map_secret(size_t len, uint32_t *ret_protection);

/* Keeps whole pages out of swap. False when the system's limit is reached. */
bool kpi_pages_lock(void *p, size_t len);

#endif /* KP_CORE_PAGES_H */
