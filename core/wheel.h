/*
 * Timers of one loop thread: a hierarchical wheel of milliseconds. Arming and disarming are O(1),
 * so that a deadline costs next to nothing when the operation ends before it, as nearly all do.
 * Loop thread only.
 *
 * What is armed and disarmed in the same turn of the loop never gets a slot: entries are put in
 * their place when somebody asks for the next time, or when their time may have come.
 *
 * The level of an entry is the highest group of six bits in which its time differs from the
 * wheel's; entries move down a level when their slot comes up.
 */
#ifndef KP_CORE_WHEEL_H
#define KP_CORE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"

#define KPI_WHEEL_LEVELS 7 /* 64^7 ms is 139 years; what is due later waits in steps of that */
#define KPI_WHEEL_SLOTS 64

struct kpi_wheel;

struct kpi_timer {
    struct kpi_link link;
    uint64_t due_ms;
    void (*fire)(struct kpi_timer *timer);
    uint8_t level;
    uint8_t slot;
    bool armed;
};

struct kpi_wheel {
    uint64_t now_ms; /* time the wheel has advanced to */
    uint64_t occupied[KPI_WHEEL_LEVELS];
    struct kpi_link slots[KPI_WHEEL_LEVELS][KPI_WHEEL_SLOTS];
    struct kpi_link due;   /* entries whose time has come */
    struct kpi_link fresh; /* entries without a place yet */
    uint64_t fresh_due_ms; /* no fresh one is due before */
};

#define KPI_WHEEL_IDLE UINT64_MAX

void kpi_wheel_init(struct kpi_wheel *wheel, uint64_t now_ms);
/* Arms (or re-arms) timer for due_ms; a time already past fires on the next advance. */
void kpi_wheel_arm(struct kpi_wheel *wheel, struct kpi_timer *timer, uint64_t due_ms);
/* A timer not armed is left alone. */
void kpi_wheel_disarm(struct kpi_wheel *wheel, struct kpi_timer *timer);
/* Fires what is due at now_ms. A fired timer is disarmed first and may be armed again inside. */
void kpi_wheel_advance(struct kpi_wheel *wheel, uint64_t now_ms);
/* The next time at which advance has something to do, KPI_WHEEL_IDLE when nothing is armed. */
uint64_t kpi_wheel_next_ms(struct kpi_wheel *wheel);

#endif /* KP_CORE_WHEEL_H */
