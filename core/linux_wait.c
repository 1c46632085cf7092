#define _DEFAULT_SOURCE /* syscall */
#include "core/wait.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

static long futex(_Atomic uint32_t *word, int call, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, call | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

bool kpi_wait_on(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec timeout;
    timeout.tv_sec = (time_t)(timeout_ns / NS_PER_S);
    timeout.tv_nsec = (long)(timeout_ns % NS_PER_S);
    const struct timespec *limit = timeout_ns == KPI_WAIT_FOREVER ? NULL : &timeout;
    return !(futex(word, FUTEX_WAIT, expected, limit) != 0 && errno == ETIMEDOUT);
}

void kpi_wake_one(_Atomic uint32_t *word)
{
    (void)futex(word, FUTEX_WAKE, 1, NULL); /* nobody asleep is no failure */
}

void kpi_wake_all(_Atomic uint32_t *word)
{
    (void)futex(word, FUTEX_WAKE, INT_MAX, NULL);
}
