/*
 * Chance that repeats: a seeded generator for arrivals, operations and key choice. Never for
 * secrets. Each user owns its state; no thread safety.
 * Source: SplitMix64 (Steele, Lea, Flood 2014).
 */
#ifndef KP_CLI_LOAD_RANDOM_H
#define KP_CLI_LOAD_RANDOM_H

#include <stdint.h>

static inline uint64_t cli_load_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Uniform in (0, 1]: 53 bits, never 0, so that its logarithm exists. */
static inline double cli_load_random_unit(uint64_t *state)
{
    return (double)((cli_load_random(state) >> 11) + 1) * 0x1p-53;
}

#endif /* KP_CLI_LOAD_RANDOM_H */
