/*
 * The transaction limits of a vault: weights in buckets of ten seconds, as documented. One owner.
 * Source: "Azure Key Vault service limits", transactions per vault per region, read 2026-08-21.
 */
#ifndef KP_TOOLS_KP_EMULATOR_THROTTLE_H
#define KP_TOOLS_KP_EMULATOR_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_THROTTLE_WINDOW_MS 10000

enum emu_bucket {
    EMU_HSM_CREATE = 0,
    EMU_HSM_OTHER,
    EMU_SOFT_CREATE,
    EMU_SOFT_OTHER,
    EMU_N_BUCKETS
};

struct emu_throttle {
    int64_t window_start_ms[EMU_N_BUCKETS];
    double used[EMU_N_BUCKETS]; /* of 1.0 */
};

/* Operations of ten seconds for a key of that kind; rsa_bits 0: an EC key. */
double emu_throttle_limit(enum emu_bucket bucket, uint32_t rsa_bits);
/*
 * Counts one operation. percent scales the documented limits; 0 lets everything pass. False when
 * the bucket is full: the operation is not counted then, and *ret_wait_s says when it empties.
 */
bool emu_throttle_take(struct emu_throttle *throttle, enum emu_bucket bucket, uint32_t rsa_bits,
                       int64_t percent, int64_t now_ms, int64_t *ret_wait_s);

#endif /* KP_TOOLS_KP_EMULATOR_THROTTLE_H */
