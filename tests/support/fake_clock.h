/*
 * A clock that stands still until a test moves it. The wall clock moves along.
 *
 * Threads: reading from any; moving from the test. It has to outlive the provider it was given to.
 */
#ifndef KP_TESTS_SUPPORT_FAKE_CLOCK_H
#define KP_TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdatomic.h>

#include <keyprovider/keyprovider.h>

#include "core/clock.h"

struct fake_clock {
    struct kpi_clock clock; /* what kpi_provider_open takes */
    _Atomic uint64_t now_ns;
    _Atomic int64_t unix_ms;
};

/* Starts somewhere that is not 0: 1000 s of monotonic time, on 2030-01-01. */
void fake_clock_init(struct fake_clock *clock);
/* Moves the time without telling anybody. */
void fake_clock_set_forward(struct fake_clock *clock, uint64_t ms);
/* Moves the time and makes every loop of provider look at it. */
void fake_clock_move(struct fake_clock *clock, kp_provider *provider, uint64_t ms);

#endif /* KP_TESTS_SUPPORT_FAKE_CLOCK_H */
