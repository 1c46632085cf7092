/* Sleeping on a word, bare: what the hand-off yardstick replies with. Header only. Linux. */
#ifndef KP_BENCH_YARDSTICKS_FUTEX_H
#define KP_BENCH_YARDSTICKS_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleeps while *word is expected. May return early; look again. */
static inline void bench_wait_on(_Atomic uint32_t *word, uint32_t expected)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static inline void bench_wake_one(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif /* KP_BENCH_YARDSTICKS_FUTEX_H */
