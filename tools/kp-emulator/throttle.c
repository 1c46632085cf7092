#include "tools/kp-emulator/throttle.h"

/* Rounding of sums of weights must not refuse the last operation of a full bucket. */
#define FULL (1.0 + 1e-9)

double emu_throttle_limit(enum emu_bucket bucket, uint32_t rsa_bits)
{
    static const double OTHER[] = {2000, 500, 250};
    size_t row = rsa_bits > 3072 ? 2u : rsa_bits > 2048 ? 1u : 0u;
    switch (bucket) {
    case EMU_HSM_CREATE:
        return 10;
    case EMU_SOFT_CREATE:
        return 20;
    case EMU_HSM_OTHER:
        return OTHER[row];
    default:
        return OTHER[row] * 2;
    }
}

bool emu_throttle_take(struct emu_throttle *throttle, enum emu_bucket bucket, uint32_t rsa_bits,
                       int64_t percent, int64_t now_ms, int64_t *ret_wait_s)
{
    if (percent == 0)
        return true;
    double weight = 100.0 / (emu_throttle_limit(bucket, rsa_bits) * (double)percent);
    int64_t age_ms = now_ms - throttle->window_start_ms[bucket];
    if (age_ms < 0 || age_ms >= EMU_THROTTLE_WINDOW_MS) {
        throttle->window_start_ms[bucket] = now_ms;
        throttle->used[bucket] = 0;
        age_ms = 0;
    }
    if (throttle->used[bucket] + weight > FULL) {
        *ret_wait_s = (EMU_THROTTLE_WINDOW_MS - age_ms + 999) / 1000;
        return false;
    }
    throttle->used[bucket] += weight;
    return true;
}
