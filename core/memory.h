/*
 * Which allocator the library uses: the caller's (kp_set_memory) or the C heap, and for secrets the
 * caller's or the arena. Decided once, before the first provider.
 */
#ifndef KP_CORE_MEMORY_H
#define KP_CORE_MEMORY_H

/* The first provider is being opened: from now on the choice stands. */
void kpi_memory_begin(void);

#endif /* KP_CORE_MEMORY_H */
