/* The chance in a rehearsal: the same seed, the same calls. One thread. */
#ifndef KP_TOOLS_EKM_REHEARSE_DICE_H
#define KP_TOOLS_EKM_REHEARSE_DICE_H

#include <stdint.h>

struct rh_dice {
    uint64_t state;
};

/* Any seed will do. */
void rh_dice_seed(struct rh_dice *d, uint64_t seed);
/* 0 .. n-1; 0 for n 0. */
uint32_t rh_dice_roll(struct rh_dice *d, uint32_t n);

#endif /* KP_TOOLS_EKM_REHEARSE_DICE_H */
