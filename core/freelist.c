#include "core/freelist.h"

static uint64_t next_head(uint64_t head, uint32_t link)
{
    return ((head >> 32) + 1) << 32 | link;
}

void kpi_freelist_push(struct kpi_freelist *list, _Atomic uint32_t *links, uint32_t first,
                       uint32_t last)
{
    uint64_t head = atomic_load_explicit(&list->head, memory_order_relaxed);

    do {
        atomic_store_explicit(&links[last], (uint32_t)head, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&list->head, &head, next_head(head, first + 1),
                                                    memory_order_release, memory_order_relaxed));
}

uint32_t kpi_freelist_pop(struct kpi_freelist *list, _Atomic uint32_t *links)
{
    uint64_t head = atomic_load_explicit(&list->head, memory_order_acquire);
    uint32_t number;
    uint32_t link;

    do {
        if ((uint32_t)head == 0)
            return KPI_FREELIST_NONE;
        number = (uint32_t)head - 1;
        /* Somebody may have taken this number already; then the count in head has moved on. */
        link = atomic_load_explicit(&links[number], memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&list->head, &head, next_head(head, link),
                                                    memory_order_acquire, memory_order_acquire));
    return number;
}
