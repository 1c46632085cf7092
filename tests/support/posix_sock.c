#include "support/sock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

sock sock_listen(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

sock sock_accept(sock listener)
{
    return accept((int)listener, NULL, NULL);
}

sock sock_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return SOCK_NONE;
}

sock sock_begin_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    (void)connect(fd, (struct sockaddr *)&address, sizeof address);
    return fd;
}

void sock_close(sock s)
{
    (void)close((int)s);
}

long sock_receive(sock s, void *out, size_t n)
{
    return recv((int)s, out, n, 0);
}

long sock_send(sock s, const void *bytes, size_t n)
{
    return send((int)s, bytes, n, MSG_NOSIGNAL);
}

bool sock_wait_either(const sock two[2], bool ret_ready[2])
{
    struct pollfd fds[2] = {{(int)two[0], POLLIN, 0}, {(int)two[1], POLLIN, 0}};
    if (poll(fds, 2, -1) <= 0)
        return false;
    for (int i = 0; i < 2; i++)
        ret_ready[i] = fds[i].revents != 0;
    return true;
}

void sock_end(sock s)
{
    (void)shutdown((int)s, SHUT_RDWR);
}

void sock_be_prompt(sock s)
{
    const int on = 1;
    (void)setsockopt((int)s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void sock_be_rude(sock s)
{
    struct linger linger = {1, 0};
    (void)setsockopt((int)s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void sock_outlive_peers(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}
