#include "core/wait.h"

#include <stddef.h>
#include <windows.h>

#define NS_PER_MS 1000000u

/* Rounded up: who wakes before the time is out would only go to sleep again. */
static DWORD to_ms(uint64_t ns)
{
    uint64_t ms = ns / NS_PER_MS + (ns % NS_PER_MS ? 1 : 0);

    if (ns == KPI_WAIT_FOREVER)
        return INFINITE;
    return ms < INFINITE ? (DWORD)ms : INFINITE - 1;
}

bool kpi_wait_on(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    return WaitOnAddress((volatile void *)word, &expected, sizeof expected, to_ms(timeout_ns)) ||
           GetLastError() != ERROR_TIMEOUT;
}

void kpi_wake_one(_Atomic uint32_t *word)
{
    WakeByAddressSingle((void *)word);
}

void kpi_wake_all(_Atomic uint32_t *word)
{
    WakeByAddressAll((void *)word);
}
