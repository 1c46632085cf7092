/*
 * Sleeping on a word: the cheapest hand-over between two threads. A twin per platform (futex on
 * Linux, WaitOnAddress on Windows).
 *
 * Threads: any. Wake-ups may be spurious; the caller re-reads the word.
 */
#ifndef KP_CORE_WAIT_H
#define KP_CORE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define KPI_WAIT_FOREVER UINT64_MAX

/* Sleeps while *word is expected, at most timeout_ns. False only when the time ran out. */
bool kpi_wait_on(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void kpi_wake_one(_Atomic uint32_t *word);
void kpi_wake_all(_Atomic uint32_t *word);

#endif /* KP_CORE_WAIT_H */
