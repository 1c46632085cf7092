/* A server with two addresses, one of which leads nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/resolve.h"
#include "support/wire.h"

#define MUTE "127.0.0.2"
#define CONNECT_TIMEOUT_MS 10001u /* the defaults, and a little */
#define IDLE_MS 60001u

static struct wire wire;
static struct latch asked; /* the resolver */

static kp_status resolve(void *ctx, const char *host, struct kpi_addresses *ret,
                         struct kp_error *reterr)
{
    (void)ctx;
    (void)host;
    (void)reterr;
    latch_hit(&asked);
    *ret = (struct kpi_addresses){.n = 2, .at = {MUTE, "127.0.0.1"}};
    return KP_OK;
}

static int begin(void **state)
{
    (void)state;
    latch_init(&asked);
    kpi_resolver_use(resolve, NULL);
    wire_begin(&wire, NULL);
    wire_open(&wire, "", false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_end(&wire);
    kpi_resolver_use(NULL, NULL);
    latch_clear(&asked);
    return 0;
}

/* ---- An address that lets connections wait ---- */

struct mute {
    int listener;
    int guest; /* the one connection it has room for */
};

static struct sockaddr_in mute_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(tls_server_port(wire.server));
    assert_int_equal(inet_pton(AF_INET, MUTE, &address.sin_addr), 1);
    return address;
}

/* From now on a connection to the first address is neither accepted nor refused. */
static void mute_begin(struct mute *mute)
{
    const struct sockaddr_in address = mute_address();
    mute->listener = socket(AF_INET, SOCK_STREAM, 0);
    mute->guest = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(mute->listener >= 0 && mute->guest >= 0);
    assert_int_equal(bind(mute->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(mute->listener, 0), 0);
    assert_int_equal(connect(mute->guest, (const struct sockaddr *)&address, sizeof address), 0);
}

/* From now on it is refused. */
static void mute_end(struct mute *mute)
{
    assert_int_equal(close(mute->listener), 0);
    assert_int_equal(close(mute->guest), 0);
}

/* In the kernel's table: the remote end, and the state SYN_SENT. */
static bool somebody_connects(void)
{
    const struct sockaddr_in to = mute_address();
    char row[32];
    char line[256];
    bool found = false;
    FILE *sockets = fopen("/proc/net/tcp", "r");
    assert_non_null(sockets);
    (void)snprintf(row, sizeof row, " %08X:%04X 02 ", (unsigned)to.sin_addr.s_addr,
                   (unsigned)ntohs(to.sin_port));
    while (!found && fgets(line, sizeof line, sockets))
        found = strstr(line, row) != NULL;
    assert_int_equal(fclose(sockets), 0);
    return found;
}

/* ---- Tests ---- */

static void ask_server(struct ask *ask)
{
    ask_init(ask, wire.vault, wire.script, "server.test", tls_server_port(wire.server), "/bytes/1");
}

static void begin_and_wait_until_it_connects(struct ask *ask)
{
    ask_server(ask);
    ask_begin(ask);
    while (!somebody_connects())
        (void)sched_yield();
}

static void expect_answer(void)
{
    struct ask ask;
    ask_server(&ask);
    assert_int_equal(ask_do(&ask), KP_OK);
    ask_clear(&ask);
}

/* As one over a network does. */
static void address_that_refuses_late_gives_way_to_the_next(void **state)
{
    struct mute mute;
    struct ask ask;
    (void)state;
    mute_begin(&mute);
    begin_and_wait_until_it_connects(&ask);
    mute_end(&mute);
    assert_int_equal(ask_wait(&ask), KP_OK);
    ask_clear(&ask);
}

/* One request finds out; those that follow go to the other, also after it was looked up again. */
static void address_that_is_mute_gives_way_to_the_next(void **state)
{
    struct mute mute;
    struct ask ask;
    (void)state;
    mute_begin(&mute);
    begin_and_wait_until_it_connects(&ask);
    client_move(&wire.client, CONNECT_TIMEOUT_MS);
    assert_int_equal(ask_wait(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.code, 3103);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
    expect_answer();
    latch_wait(&asked, 2);
    client_move(&wire.client, IDLE_MS); /* a new connection is made */
    expect_answer();
    mute_end(&mute);
}

/* A region whose front end still takes connections. */
static void address_that_never_speaks_gives_way_to_the_next(void **state)
{
    const struct sockaddr_in address = mute_address();
    struct ask ask;
    uint8_t hello;
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_true(listener >= 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 4), 0);
    ask_server(&ask);
    ask_begin(&ask);
    int connection = accept(listener, NULL, NULL);
    assert_int_equal(read(connection, &hello, 1), 1);
    client_move(&wire.client, CONNECT_TIMEOUT_MS);
    assert_int_equal(ask_wait(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
    expect_answer();
    expect_answer();
    assert_int_equal(close(connection), 0);
    assert_int_equal(close(listener), 0);
}

static void server_that_refuses_everywhere_is_3103(void **state)
{
    struct ask ask;
    (void)state;
    ask_init(&ask, wire.vault, wire.script, "server.test", 1, "/bytes/1"); /* nobody is there */
    assert_int_equal(ask_do(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.code, 3103);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    ask_clear(&ask);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(address_that_refuses_late_gives_way_to_the_next),
        TEST(address_that_is_mute_gives_way_to_the_next),
        TEST(address_that_never_speaks_gives_way_to_the_next),
        TEST(server_that_refuses_everywhere_is_3103),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
