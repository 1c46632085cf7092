#include "core/reply_areas.h"

#include <string.h>

void kpi_reply_areas_init(struct kpi_reply_areas *areas, uint32_t n_idle_max)
{
    *areas = (struct kpi_reply_areas){.n_idle_max = n_idle_max};
}

static void *pop_idle(struct kpi_reply_areas *areas)
{
    void *area = areas->idle;
    memcpy(&areas->idle, area, sizeof areas->idle);
    memset(area, 0, sizeof areas->idle);
    areas->n_idle--;
    return area;
}

static void push_idle(struct kpi_reply_areas *areas, void *area)
{
    memcpy(area, &areas->idle, sizeof areas->idle);
    areas->idle = area;
    areas->n_idle++;
}

void kpi_reply_areas_clear(struct kpi_reply_areas *areas)
{
    while (areas->idle) {
        struct kpi_block block = {pop_idle(areas), KPI_REPLY_AREA_LEN, 0};
        kpi_block_free(&block);
    }
}

kp_status kpi_reply_areas_take(struct kpi_reply_areas *areas, struct kpi_block *block)
{
    if (block->ptr)
        return KP_OK;
    if (!areas->idle)
        return kpi_block_alloc(block, "op.reply", KPI_REPLY_AREA_LEN);
    *block = (struct kpi_block){pop_idle(areas), KPI_REPLY_AREA_LEN, 0};
    return KP_OK;
}

void kpi_reply_areas_give(struct kpi_reply_areas *areas, struct kpi_block *block)
{
    if (block->len != KPI_REPLY_AREA_LEN || areas->n_idle >= areas->n_idle_max) {
        kpi_block_free(block);
        return;
    }
    kpi_block_wipe(block);
    push_idle(areas, block->ptr);
    *block = (struct kpi_block){NULL, 0, 0};
}
