/*
 * A list of free numbers, last in first out, that any threads may change at once without a lock.
 * The links lie in a table of the caller's, one per number, and may serve several lists as long as
 * a number is in one at a time. 0 ends a list; otherwise a link is a number plus 1.
 *
 * Threads: any. What a thread wrote before it pushed a number is seen by the one that pops it.
 */
#ifndef KP_CORE_FREELIST_H
#define KP_CORE_FREELIST_H

#include <stdatomic.h>
#include <stdint.h>

#define KPI_FREELIST_NONE UINT32_MAX

/*
 * A zeroed one is empty. The low half of head is a link; the high half counts changes, so that a
 * thread that slept while its number was popped and pushed again sees that the list is another.
 */
struct kpi_freelist {
    _Atomic uint64_t head;
};

/* Puts the chain first..last, linked up to last but not beyond, in front of the list. */
void kpi_freelist_push(struct kpi_freelist *list, _Atomic uint32_t *links, uint32_t first,
                       uint32_t last);

/* Takes the number in front, or KPI_FREELIST_NONE. Its link is the caller's to use until pushed. */
uint32_t kpi_freelist_pop(struct kpi_freelist *list, _Atomic uint32_t *links);

#endif /* KP_CORE_FREELIST_H */
