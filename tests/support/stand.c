#include "support/stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define BACKLOG 512

static void serve(void *arg)
{
    struct guest *guest = arg;
    struct stand *stand = guest->stand;
    sock_outlive_peers();
    stand->calls->serve(stand->ctx, guest);
    uv_mutex_lock(&stand->lock);
    stand->calls->part(stand->ctx, guest);
    sock_close(guest->socket);
    guest->here = false;
    uv_mutex_unlock(&stand->lock);
}

static void seat(struct stand *stand, struct guest *guest, sock socket)
{
    guest->stand = stand;
    guest->socket = socket;
    guest->here = true;
    stand->guests[stand->n++] = guest;
    if (uv_thread_create(&guest->thread, serve, guest) != 0)
        abort();
}

/* False: that was the last. */
static bool let_in(struct stand *stand, sock socket)
{
    uv_mutex_lock(&stand->lock);
    bool stopping = stand->stopping;
    struct guest *guest = NULL;
    if (!stopping && stand->n < STAND_GUESTS_MAX)
        guest = stand->calls->welcome(stand->ctx, socket);
    if (guest)
        seat(stand, guest, socket);
    else
        sock_close(socket);
    uv_mutex_unlock(&stand->lock);
    return !stopping;
}

static void accept_all(void *arg)
{
    struct stand *stand = arg;
    sock socket = sock_accept(stand->listener);
    while (socket != SOCK_NONE && let_in(stand, socket))
        socket = sock_accept(stand->listener);
}

void stand_start(struct stand *stand, const struct stand_calls *calls, void *ctx)
{
    stand->calls = calls;
    stand->ctx = ctx;
    stand->listener = sock_listen(BACKLOG, &stand->port);
    assert_int_equal(uv_mutex_init(&stand->lock), 0);
    assert_int_equal(uv_thread_create(&stand->acceptor, accept_all, stand), 0);
}

void stand_for_each(struct stand *stand, void (*dismiss)(void *ctx, struct guest *guest))
{
    uv_mutex_lock(&stand->lock);
    for (uint32_t i = 0; i < stand->n; i++)
        if (stand->guests[i]->here)
            dismiss(stand->ctx, stand->guests[i]);
    uv_mutex_unlock(&stand->lock);
}

/* No system but Linux wakes who accepts when the listener is shut down; a last guest does. */
static void stop_accepting(struct stand *stand)
{
    uv_mutex_lock(&stand->lock);
    stand->stopping = true;
    uv_mutex_unlock(&stand->lock);
    sock last = sock_connect(stand->port);
    assert_true(last != SOCK_NONE);
    uv_thread_join(&stand->acceptor);
    sock_close(last);
    sock_close(stand->listener);
}

void stand_stop(struct stand *stand, void (*dismiss)(void *ctx, struct guest *guest))
{
    stop_accepting(stand);
    stand_for_each(stand, dismiss);
    for (uint32_t i = 0; i < stand->n; i++) {
        uv_thread_join(&stand->guests[i]->thread);
        free(stand->guests[i]);
    }
    uv_mutex_destroy(&stand->lock);
}

uint64_t stand_n_guests(struct stand *stand)
{
    uv_mutex_lock(&stand->lock);
    uint64_t n = stand->n;
    uv_mutex_unlock(&stand->lock);
    return n;
}
