/*
 * Faults on demand, for tests and rehearsals: settings that make this vault slow, refusing, silent
 * or unreachable. A plan is drawn for each operation as it arrives.
 * Threads: the vault's loop, except ft_faults_active.
 */
#ifndef KP_PLUGINS_FILE_TEST_FAULTS_H
#define KP_PLUGINS_FILE_TEST_FAULTS_H

#include <stdatomic.h>
#include <stdbool.h>

#include <keyprovider/status.h>

/* What the settings fault.* ask for. All zero: nothing. */
struct ft_fault_settings {
    uint32_t latency_ms;     /* median of the delay */
    uint32_t latency_p99_ms; /* one in a hundred takes longer; 0: every delay is latency_ms */
    uint32_t class_status;   /* kp_status of injected failures */
    uint32_t rate_percent;   /* of operations that fail so */
    uint32_t throttle_after; /* operations a second before throttled; 0: any number */
    bool hang;               /* accept and never answer until canceled */
    bool offline;            /* transient, nothing was sent */
    uint64_t seed;           /* the same seed draws the same plans; 0: taken from `entropy` */
};

struct ft_faults {
    struct ft_fault_settings settings;
    uint64_t state; /* of the generator */
    uint64_t window_start_ns;
    uint32_t window_count;
    atomic_bool is_active;
};

/* What one operation meets: first the delay, then the rest. */
struct ft_fault_plan {
    uint32_t delay_ms;
    bool hang;
    kp_status status; /* KP_OK: it goes on */
    uint32_t exposure;
    uint64_t retry_after_ms;
};

/* entropy: any number; used where the settings have no seed. */
void ft_faults_use(struct ft_faults *faults, const struct ft_fault_settings *settings,
                   uint64_t entropy);
/* Whether any switch is on. Any thread. */
bool ft_faults_active(const struct ft_faults *faults);
/* Draws the plan of the next operation. now_ns is monotonic. */
void ft_faults_draw(struct ft_faults *faults, uint64_t now_ns, struct ft_fault_plan *ret);

#endif /* KP_PLUGINS_FILE_TEST_FAULTS_H */
