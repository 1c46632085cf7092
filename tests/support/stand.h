/*
 * A place on loopback where guests come: one thread accepts, one more serves each of them. Whoever
 * runs the stand puts struct guest first in what it keeps of a guest. Threads: start and stop on
 * the test's; the three calls below on the stand's own.
 */
#ifndef KP_TESTS_SUPPORT_STAND_H
#define KP_TESTS_SUPPORT_STAND_H

#include <uv.h>

#include "support/sock.h"

#define STAND_GUESTS_MAX 2048u

struct stand;

struct guest {
    struct stand *stand;
    uv_thread_t thread;
    sock socket;
    bool here; /* under the stand's lock; the socket is open as long */
};

struct stand_calls {
    /* A new guest, from malloc; NULL turns it away. */
    struct guest *(*welcome)(void *ctx, sock socket);
    /* Until one of the two has had enough. */
    void (*serve)(void *ctx, struct guest *guest);
    /* Under the lock, before the socket is closed; the memory is the stand's to free. */
    void (*part)(void *ctx, struct guest *guest);
};

struct stand {
    const struct stand_calls *calls;
    void *ctx;
    sock listener;
    uint16_t port;
    uv_thread_t acceptor;
    uv_mutex_t lock;
    bool stopping;
    uint32_t n; /* guests there have been */
    struct guest *guests[STAND_GUESTS_MAX];
};

void stand_start(struct stand *stand, const struct stand_calls *calls, void *ctx);
/* Calls dismiss under the lock for each guest that is here. */
void stand_for_each(struct stand *stand, void (*dismiss)(void *ctx, struct guest *guest));
/* No guest is let in any more, those that are here are dismissed, and all threads are joined. */
void stand_stop(struct stand *stand, void (*dismiss)(void *ctx, struct guest *guest));
uint64_t stand_n_guests(struct stand *stand);

#endif /* KP_TESTS_SUPPORT_STAND_H */
