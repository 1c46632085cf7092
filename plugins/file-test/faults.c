#include "plugins/file-test/faults.h"

#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014). */
static uint64_t next_random(struct ft_faults *faults)
{
    uint64_t z = faults->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/*
 * A skewed distribution by its quantiles, straight in between: fastest latency/2, median latency,
 * 99% p99, slowest twice that.
 */
static uint32_t draw_delay(struct ft_faults *faults)
{
    const struct ft_fault_settings *s = &faults->settings;
    uint64_t low = s->latency_ms / 2, mid = s->latency_ms, high = s->latency_p99_ms;
    uint64_t u = next_random(faults) % 10000;
    if (s->latency_p99_ms <= s->latency_ms)
        return s->latency_ms;
    if (u < 5000)
        return (uint32_t)(low + (mid - low) * u / 5000);
    if (u < 9900)
        return (uint32_t)(mid + (high - mid) * (u - 5000) / 4900);
    return (uint32_t)(high + high * (u - 9900) / 100);
}

/* True when this operation is beyond what the current second allows; *ret_wait_ms to its end. */
static bool is_throttled(struct ft_faults *faults, uint64_t now_ns, uint64_t *ret_wait_ms)
{
    if (faults->settings.throttle_after == 0)
        return false;
    if (now_ns - faults->window_start_ns >= NS_PER_S) {
        faults->window_start_ns = now_ns;
        faults->window_count = 0;
    }
    if (faults->window_count < faults->settings.throttle_after) {
        faults->window_count++;
        return false;
    }
    uint64_t left_ns = NS_PER_S - (now_ns - faults->window_start_ns);
    *ret_wait_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    return true;
}

void ft_faults_use(struct ft_faults *faults, const struct ft_fault_settings *settings,
                   uint64_t entropy)
{
    faults->settings = *settings;
    faults->state = settings->seed ? settings->seed : entropy;
    faults->window_start_ns = 0;
    faults->window_count = 0;
    atomic_store(&faults->is_active, settings->latency_ms || settings->latency_p99_ms ||
                                         settings->rate_percent || settings->throttle_after ||
                                         settings->hang || settings->offline);
}

bool ft_faults_active(const struct ft_faults *faults)
{
    return atomic_load_explicit(&faults->is_active, memory_order_relaxed);
}

void ft_faults_draw(struct ft_faults *faults, uint64_t now_ns, struct ft_fault_plan *ret)
{
    const struct ft_fault_settings *s = &faults->settings;
    memset(ret, 0, sizeof *ret);
    ret->retry_after_ms = KP_NO_RETRY_HINT;
    if (!ft_faults_active(faults))
        return;
    ret->hang = s->hang;
    if (s->offline) {
        ret->status = KP_TRANSIENT;
        ret->exposure = KP_NOT_SENT;
        return;
    }
    ret->exposure = KP_ANSWERED_REFUSED;
    if (is_throttled(faults, now_ns, &ret->retry_after_ms)) {
        ret->status = KP_THROTTLED;
        return;
    }
    ret->delay_ms = draw_delay(faults);
    if (next_random(faults) % 100 < s->rate_percent)
        ret->status = (kp_status)s->class_status;
}
