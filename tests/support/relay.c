#include "support/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/latch.h"
#include "support/stand.h"

struct pair {
    struct guest guest; /* the client */
    struct relay *relay;
    sock server;
    bool silent;
    bool has_swallowed;
    uint64_t n_passed; /* from the server */
};

/* What changes is under the stand's lock. */
struct relay {
    uint16_t to_port;
    bool as_proxy;
    char told[4096];
    uint64_t n_asked;
    uint64_t truncate_at;
    bool holds;
    struct latch accepted;
    struct latch swallowed;
    struct stand stand;
};

/* ---- Bytes ---- */

static bool is_connect(const char *text)
{
    return strncmp(text, "CONNECT ", 8) == 0;
}

/* Reads a CONNECT up to the empty line and agrees to it. */
static bool answer_connect(struct pair *pair)
{
    static const char agreed[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    char text[sizeof pair->relay->told] = "";
    size_t n = 0;
    while (n < sizeof text - 1) {
        long got = sock_receive(pair->guest.socket, text + n, 1);
        if (got <= 0)
            return false;
        n++;
        text[n] = '\0';
        if (n >= 4 && strcmp(text + n - 4, "\r\n\r\n") == 0)
            break;
    }
    uv_mutex_lock(&pair->relay->stand.lock);
    pair->relay->n_asked += is_connect(text);
    memcpy(pair->relay->told, text, n + 1);
    uv_mutex_unlock(&pair->relay->stand.lock);
    return is_connect(text) && sock_send(pair->guest.socket, agreed, sizeof agreed - 1) > 0;
}

/* How many of n bytes may go on to the client; less ends the connection. */
static size_t allowed(struct pair *pair, size_t n)
{
    struct relay *relay = pair->relay;
    uv_mutex_lock(&relay->stand.lock);
    if (relay->truncate_at > 0 && pair->n_passed + n > relay->truncate_at)
        n = (size_t)(relay->truncate_at > pair->n_passed ? relay->truncate_at - pair->n_passed : 0);
    pair->n_passed += n;
    uv_mutex_unlock(&relay->stand.lock);
    return n;
}

static bool is_silent(struct pair *pair)
{
    uv_mutex_lock(&pair->relay->stand.lock);
    bool silent = pair->silent;
    uv_mutex_unlock(&pair->relay->stand.lock);
    return silent;
}

/* False: this connection is at its end. */
static bool pass(struct pair *pair, sock from, sock to)
{
    char bytes[16384];
    long n = sock_receive(from, bytes, sizeof bytes);
    if (n <= 0)
        return false;
    if (is_silent(pair)) {
        if (!pair->has_swallowed)
            latch_hit(&pair->relay->swallowed);
        pair->has_swallowed = true;
        return true;
    }
    size_t part = to == pair->guest.socket ? allowed(pair, (size_t)n) : (size_t)n;
    return (part == 0 || sock_send(to, bytes, part) == (long)part) && part == (size_t)n;
}

static void pass_both(struct pair *pair)
{
    const sock ends[2] = {pair->guest.socket, pair->server};
    bool ready[2];
    while (sock_wait_either(ends, ready)) {
        for (int i = 0; i < 2; i++)
            if (ready[i] && !pass(pair, ends[i], ends[1 - i]))
                return;
    }
}

/* ---- Calls of the stand ---- */

static struct guest *welcome(void *ctx, sock socket)
{
    struct relay *relay = ctx;
    sock server = sock_connect(relay->to_port);
    (void)socket;
    if (server == SOCK_NONE)
        return NULL;
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        abort();
    pair->relay = relay;
    pair->server = server;
    pair->silent = relay->holds;
    latch_hit(&relay->accepted);
    return &pair->guest;
}

static void serve(void *ctx, struct guest *guest)
{
    struct relay *relay = ctx;
    struct pair *pair = (struct pair *)guest;
    if (!relay->as_proxy || answer_connect(pair))
        pass_both(pair);
}

static void part(void *ctx, struct guest *guest)
{
    (void)ctx;
    sock_close(((struct pair *)guest)->server);
}

static void end(void *ctx, struct guest *guest)
{
    (void)ctx;
    sock_end(((struct pair *)guest)->server);
    sock_end(guest->socket);
}

/* The client's side is closed when the server's has ended. */
static void reset(void *ctx, struct guest *guest)
{
    (void)ctx;
    sock_be_rude(guest->socket);
    sock_end(((struct pair *)guest)->server);
}

static void silence(void *ctx, struct guest *guest)
{
    (void)ctx;
    ((struct pair *)guest)->silent = true;
}

/* ---- Life ---- */

struct relay *relay_start(uint16_t to_port, bool as_proxy)
{
    static const struct stand_calls calls = {welcome, serve, part};
    struct relay *relay = calloc(1, sizeof *relay);
    assert_non_null(relay);
    relay->to_port = to_port;
    relay->as_proxy = as_proxy;
    latch_init(&relay->accepted);
    latch_init(&relay->swallowed);
    stand_start(&relay->stand, &calls, relay);
    return relay;
}

void relay_stop(struct relay *relay)
{
    if (!relay)
        return;
    stand_stop(&relay->stand, end);
    latch_clear(&relay->accepted);
    latch_clear(&relay->swallowed);
    free(relay);
}

uint16_t relay_port(const struct relay *relay)
{
    return relay->stand.port;
}

uint64_t relay_n_connections(struct relay *relay)
{
    return stand_n_guests(&relay->stand);
}

uint64_t relay_n_asked(struct relay *relay)
{
    uv_mutex_lock(&relay->stand.lock);
    uint64_t n = relay->n_asked;
    uv_mutex_unlock(&relay->stand.lock);
    return n;
}

bool relay_was_told(struct relay *relay, const char *words)
{
    uv_mutex_lock(&relay->stand.lock);
    bool told = strstr(relay->told, words) != NULL;
    uv_mutex_unlock(&relay->stand.lock);
    return told;
}

void relay_go_silent(struct relay *relay)
{
    stand_for_each(&relay->stand, silence);
}

void relay_hold(struct relay *relay)
{
    uv_mutex_lock(&relay->stand.lock);
    relay->holds = true;
    uv_mutex_unlock(&relay->stand.lock);
}

void relay_wait_connection(struct relay *relay, uint64_t n)
{
    latch_wait(&relay->accepted, n);
}

void relay_wait_swallowed(struct relay *relay, uint64_t n)
{
    latch_wait(&relay->swallowed, n);
}

void relay_reset(struct relay *relay)
{
    stand_for_each(&relay->stand, reset);
}

void relay_truncate_at(struct relay *relay, uint64_t n)
{
    uv_mutex_lock(&relay->stand.lock);
    relay->truncate_at = n;
    uv_mutex_unlock(&relay->stand.lock);
}
