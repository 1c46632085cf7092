/*
 * Memory for libraries that requests and answers pass through: each block knows its length, and is
 * wiped when it is freed or moved.
 *
 * Threads: any.
 */
#ifndef KP_CORE_WIPED_HEAP_H
#define KP_CORE_WIPED_HEAP_H

#include <stddef.h>

#include <keyprovider/status.h>

/* As malloc, realloc, calloc and free; site names the library in statistics and tests. */
void *kpi_wiped_alloc(const char *site, size_t n) KP_MUST_USE;
void *kpi_wiped_realloc(const char *site, void *p, size_t n) KP_MUST_USE;
void *kpi_wiped_alloc_array(const char *site, size_t count, size_t size) KP_MUST_USE;
void kpi_wiped_free(void *p);

#endif /* KP_CORE_WIPED_HEAP_H */
