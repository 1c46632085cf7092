/*
 * The rooms' allocator (base/mem.h) with one allocation failing: to run a step once per allocation
 * that it makes, and to see that nothing is left behind. Single thread.
 */
#ifndef KP_TESTS_SUPPORT_FAILING_HEAP_H
#define KP_TESTS_SUPPORT_FAILING_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Puts itself behind base/mem.h; the nth allocation from here (from 1) fails, 0: none does. */
void failing_heap_use(unsigned nth);
/* The site that failed, NULL: none has. */
const char *failing_heap_site(void);
/* Allocations not freed, secret ones not freed with their size included. */
long failing_heap_live(void);
/* Gives base/mem.h its own allocator back. */
void failing_heap_drop(void);

#endif /* KP_TESTS_SUPPORT_FAILING_HEAP_H */
