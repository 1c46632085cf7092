/* Random numbers that a seed repeats. One owner each. */
#ifndef KP_TESTS_CHAOS_DICE_H
#define KP_TESTS_CHAOS_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline struct dice dice_of(uint64_t seed, uint64_t stream)
{
    struct dice d = {seed * UINT64_C(0x9e3779b97f4a7c15) + stream};
    return d;
}

static inline uint64_t dice_roll(struct dice *d)
{
    uint64_t z = (d->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From min to max, both included. */
static inline uint32_t dice_between(struct dice *d, uint32_t min, uint32_t max)
{
    return min + (uint32_t)(dice_roll(d) % ((uint64_t)max - min + 1u));
}

static inline int dice_percent(struct dice *d, uint32_t percent)
{
    return dice_between(d, 1, 100) <= percent;
}

#endif /* KP_TESTS_CHAOS_DICE_H */
