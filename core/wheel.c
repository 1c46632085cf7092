#include "core/wheel.h"

#include "base/bits.h"

#define SLOT_BITS 6u
#define SLOT_MASK (KPI_WHEEL_SLOTS - 1u)
/* One turn of the top level less a slot, so that no entry comes to lie in the slot of now. */
#define MAX_SPAN_MS                                                                                \
    (((KPI_WHEEL_SLOTS - 1u) * (UINT64_C(1) << (SLOT_BITS * (KPI_WHEEL_LEVELS - 1)))) - 1u)

void kpi_wheel_init(struct kpi_wheel *wheel, uint64_t now_ms)
{
    wheel->now_ms = now_ms;
    kpi_list_init(&wheel->due);
    kpi_list_init(&wheel->fresh);
    wheel->fresh_due_ms = KPI_WHEEL_IDLE;
    for (unsigned level = 0; level < KPI_WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < KPI_WHEEL_SLOTS; slot++)
            kpi_list_init(&wheel->slots[level][slot]);
    }
}

static void place_timer(struct kpi_wheel *wheel, struct kpi_timer *timer)
{
    uint64_t when = timer->due_ms;
    if (when - wheel->now_ms > MAX_SPAN_MS)
        when = wheel->now_ms + MAX_SPAN_MS;
    unsigned level = kpb_highest_bit((when ^ wheel->now_ms) | SLOT_MASK) / SLOT_BITS;
    if (level >= KPI_WHEEL_LEVELS)
        level = KPI_WHEEL_LEVELS - 1;
    timer->level = (uint8_t)level;
    timer->slot = (uint8_t)((when >> (SLOT_BITS * level)) & SLOT_MASK);
    wheel->occupied[level] |= UINT64_C(1) << timer->slot;
    kpi_list_append(&wheel->slots[level][timer->slot], &timer->link);
}

void kpi_wheel_arm(struct kpi_wheel *wheel, struct kpi_timer *timer, uint64_t due_ms)
{
    kpi_wheel_disarm(wheel, timer);
    timer->due_ms = due_ms;
    timer->armed = true;
    timer->level = KPI_WHEEL_LEVELS; /* in no slot */
    kpi_list_append(due_ms > wheel->now_ms ? &wheel->fresh : &wheel->due, &timer->link);
    if (due_ms < wheel->fresh_due_ms)
        wheel->fresh_due_ms = due_ms;
}

static void place_fresh(struct kpi_wheel *wheel)
{
    for (struct kpi_link *link; (link = kpi_list_pop(&wheel->fresh)) != NULL;)
        place_timer(wheel, KPI_HOLDER(link, struct kpi_timer, link));
    wheel->fresh_due_ms = KPI_WHEEL_IDLE;
}

void kpi_wheel_disarm(struct kpi_wheel *wheel, struct kpi_timer *timer)
{
    if (!timer->armed)
        return;
    kpi_list_remove(&timer->link);
    timer->armed = false;
    if (timer->level < KPI_WHEEL_LEVELS && kpi_list_empty(&wheel->slots[timer->level][timer->slot]))
        wheel->occupied[timer->level] &= ~(UINT64_C(1) << timer->slot);
}

/* Start of the first occupied slot of a level, which lies ahead of now within one turn. */
static uint64_t next_of_level(const struct kpi_wheel *wheel, unsigned level)
{
    unsigned shift = SLOT_BITS * level;
    unsigned here = (unsigned)((wheel->now_ms >> shift) & SLOT_MASK);
    uint64_t turned = wheel->occupied[level] >> here;
    if (here != 0)
        turned |= wheel->occupied[level] << (KPI_WHEEL_SLOTS - here);
    uint64_t start = (wheel->now_ms >> shift) + kpb_lowest_bit(turned);
    return start << shift;
}

static uint64_t next_placed_ms(const struct kpi_wheel *wheel)
{
    if (!kpi_list_empty(&wheel->due))
        return wheel->now_ms;
    /* The lowest occupied level holds the earliest entry: higher ones differ in a higher digit. */
    for (unsigned level = 0; level < KPI_WHEEL_LEVELS; level++)
        if (wheel->occupied[level] != 0)
            return next_of_level(wheel, level);
    return KPI_WHEEL_IDLE;
}

uint64_t kpi_wheel_next_ms(struct kpi_wheel *wheel)
{
    place_fresh(wheel);
    return next_placed_ms(wheel);
}

/* The same for a wheel about to advance: fresh entries that cannot be due stay where they are. */
static uint64_t next_until(struct kpi_wheel *wheel, uint64_t now_ms)
{
    if (wheel->fresh_due_ms <= now_ms)
        place_fresh(wheel);
    return next_placed_ms(wheel);
}

/* Empties the slot that starts at now: what is due goes to the due list, the rest a level down. */
static void open_slot(struct kpi_wheel *wheel, unsigned level)
{
    unsigned slot = (unsigned)((wheel->now_ms >> (SLOT_BITS * level)) & SLOT_MASK);
    struct kpi_link moved;
    kpi_list_init(&moved);
    kpi_list_splice(&moved, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
    for (struct kpi_link *link; (link = kpi_list_pop(&moved)) != NULL;) {
        struct kpi_timer *timer = KPI_HOLDER(link, struct kpi_timer, link);
        kpi_wheel_disarm(wheel, timer);
        kpi_wheel_arm(wheel, timer, timer->due_ms);
    }
}

static void fire_due(struct kpi_wheel *wheel)
{
    struct kpi_link firing;
    kpi_list_init(&firing);
    kpi_list_splice(&firing, &wheel->due);
    for (struct kpi_link *link; (link = kpi_list_pop(&firing)) != NULL;) {
        struct kpi_timer *timer = KPI_HOLDER(link, struct kpi_timer, link);
        timer->armed = false;
        timer->fire(timer);
    }
}

void kpi_wheel_advance(struct kpi_wheel *wheel, uint64_t now_ms)
{
    fire_due(wheel);
    for (uint64_t next; (next = next_until(wheel, now_ms)) <= now_ms;) {
        if (next > wheel->now_ms)
            wheel->now_ms = next;
        for (unsigned level = KPI_WHEEL_LEVELS; level-- > 0;)
            if ((wheel->occupied[level] >> ((wheel->now_ms >> (SLOT_BITS * level)) & SLOT_MASK)) &
                1u)
                open_slot(wheel, level);
        fire_due(wheel);
    }
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
}
