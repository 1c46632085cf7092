#include "core/inbox.h"

bool kpi_inbox_push(struct kpi_inbox *inbox, struct kpi_mail *mail)
{
    struct kpi_mail *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    do {
        mail->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&inbox->newest, &newest, mail,
                                                    memory_order_release, memory_order_relaxed));
    return newest == NULL;
}

struct kpi_mail *kpi_inbox_take(struct kpi_inbox *inbox)
{
    /* A plain look first: the exchange would take the line away from every sender. */
    if (!atomic_load_explicit(&inbox->newest, memory_order_relaxed))
        return NULL;
    struct kpi_mail *newest = atomic_exchange_explicit(&inbox->newest, NULL, memory_order_acquire);
    struct kpi_mail *oldest = NULL;
    while (newest) {
        struct kpi_mail *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}
