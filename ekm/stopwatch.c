#include "ekm/stopwatch.h"

void ekm_stopwatch_start(struct ekm_stopwatch *watch, uint64_t since_ms)
{
    uint64_t from = since_ms > watch->until_ms ? since_ms : watch->until_ms;

    if (watch->n == 0 || from < watch->since_ms)
        watch->since_ms = from;
    watch->n++;
}

void ekm_stopwatch_stop(struct ekm_stopwatch *watch, uint64_t now_ms)
{
    uint64_t total = ekm_stopwatch_read(watch, now_ms);

    if (--watch->n > 0)
        return;
    watch->total_ms = total;
    watch->until_ms = now_ms;
}

uint64_t ekm_stopwatch_read(const struct ekm_stopwatch *watch, uint64_t now_ms)
{
    if (watch->n == 0 || now_ms < watch->since_ms)
        return watch->total_ms;
    return watch->total_ms + (now_ms - watch->since_ms);
}
