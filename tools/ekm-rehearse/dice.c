#include "tools/ekm-rehearse/dice.h"

void rh_dice_seed(struct rh_dice *d, uint64_t seed)
{
    d->state = seed;
}

/* splitmix64: every seed gives a full-period sequence. Source: Steele, Lea, Flood 2014. */
static uint64_t next(struct rh_dice *d)
{
    d->state += 0x9e3779b97f4a7c15u;
    uint64_t z = d->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t rh_dice_roll(struct rh_dice *d, uint32_t n)
{
    return n ? (uint32_t)(next(d) % n) : 0;
}
