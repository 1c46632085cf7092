#include "support/sock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <winsock2.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Winsock counts who wants it; it is wanted until the process ends. Also on helper threads, so what
 * fails ends the process. */
static SOCKET open_socket(void)
{
    WSADATA data;
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        abort();
    SOCKET s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (s == INVALID_SOCKET)
        abort();
    return s;
}

sock sock_listen(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in address = loopback(0);
    int len = sizeof address;
    SOCKET s = open_socket();
    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s, backlog), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return (sock)s;
}

sock sock_accept(sock listener)
{
    return (sock)accept((SOCKET)listener, NULL, NULL);
}

sock sock_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    SOCKET s = open_socket();
    if (connect(s, (struct sockaddr *)&address, sizeof address) == 0)
        return (sock)s;
    (void)closesocket(s);
    return SOCK_NONE;
}

sock sock_begin_connect(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    u_long on = 1;
    SOCKET s = open_socket();
    assert_int_equal(ioctlsocket(s, (long)FIONBIO, &on), 0);
    (void)connect(s, (struct sockaddr *)&address, sizeof address);
    return (sock)s;
}

void sock_close(sock s)
{
    (void)closesocket((SOCKET)s);
}

long sock_receive(sock s, void *out, size_t n)
{
    return recv((SOCKET)s, out, (int)n, 0);
}

long sock_send(sock s, const void *bytes, size_t n)
{
    return send((SOCKET)s, bytes, (int)n, 0);
}

bool sock_wait_either(const sock two[2], bool ret_ready[2])
{
    WSAPOLLFD fds[2] = {{(SOCKET)two[0], POLLIN, 0}, {(SOCKET)two[1], POLLIN, 0}};
    if (WSAPoll(fds, 2, -1) <= 0)
        return false;
    for (int i = 0; i < 2; i++)
        ret_ready[i] = fds[i].revents != 0;
    return true;
}

void sock_end(sock s)
{
    (void)shutdown((SOCKET)s, SD_BOTH);
}

void sock_be_prompt(sock s)
{
    const BOOL on = TRUE;
    (void)setsockopt((SOCKET)s, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
}

void sock_be_rude(sock s)
{
    const struct linger linger = {1, 0};
    (void)setsockopt((SOCKET)s, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger);
}

void sock_outlive_peers(void)
{
    /* there are no signals to be outlived */
}
