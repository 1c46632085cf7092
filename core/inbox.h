/*
 * Mail for one loop thread: many senders, one reader, no lock and no allocation. The node is part
 * of what it carries. Push tells whether the inbox was empty, so that only that push has to wake
 * the reader.
 */
#ifndef KP_CORE_INBOX_H
#define KP_CORE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct kpi_mail {
    struct kpi_mail *next;
    /* Called on the reader's thread. The node may be pushed again from here on. */
    void (*deliver)(struct kpi_mail *mail);
};

struct kpi_inbox {
    _Atomic(struct kpi_mail *) newest;
};

/* Any thread. True when the inbox was empty: the sender has to wake the reader. */
bool kpi_inbox_push(struct kpi_inbox *inbox, struct kpi_mail *mail);
/* Reader only. */
static inline bool kpi_inbox_is_empty(const struct kpi_inbox *inbox)
{
    return !atomic_load_explicit(&inbox->newest, memory_order_acquire);
}
/* Reader only: takes everything, oldest first; NULL when empty. */
struct kpi_mail *kpi_inbox_take(struct kpi_inbox *inbox);

#endif /* KP_CORE_INBOX_H */
