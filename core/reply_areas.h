/*
 * Reply areas of one loop: each attempt is given one when it begins and gives it back when it is
 * over, so that a request that waits in line holds none. What is idle is wiped and kept for the
 * next attempts, up to a bound. Loop thread only.
 */
#ifndef KP_CORE_REPLY_AREAS_H
#define KP_CORE_REPLY_AREAS_H

#include <stdint.h>

#include "core/block.h"

struct kpi_reply_areas {
    void *idle; /* the one given back last; each begins with the next one's address */
    uint32_t n_idle;
    uint32_t n_idle_max;
};

/* Keeps at most n_idle_max areas. */
void kpi_reply_areas_init(struct kpi_reply_areas *areas, uint32_t n_idle_max);
void kpi_reply_areas_clear(struct kpi_reply_areas *areas);

/* Gives block an area of KPI_REPLY_AREA_LEN, unless it has a place already. Errors: no_memory. */
kp_status kpi_reply_areas_take(struct kpi_reply_areas *areas, struct kpi_block *block) KP_MUST_USE;
/* Wipes what block holds and takes it back, or frees it. One that is empty is allowed. */
void kpi_reply_areas_give(struct kpi_reply_areas *areas, struct kpi_block *block);

#endif /* KP_CORE_REPLY_AREAS_H */
