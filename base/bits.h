/* Two bit scans the compilers spell differently. Pure functions; the argument must not be 0. */
#ifndef KP_BASE_BITS_H
#define KP_BASE_BITS_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>

static inline unsigned kpb_lowest_bit(uint64_t bits)
{
    unsigned long at;
    _BitScanForward64(&at, bits);
    return at;
}

static inline unsigned kpb_highest_bit(uint64_t bits)
{
    unsigned long at;
    _BitScanReverse64(&at, bits);
    return at;
}
#else
static inline unsigned kpb_lowest_bit(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

static inline unsigned kpb_highest_bit(uint64_t bits)
{
    return 63u - (unsigned)__builtin_clzll(bits);
}
#endif

#endif /* KP_BASE_BITS_H */
