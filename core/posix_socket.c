/* The little about sockets that libcurl leaves to its user. */
#include "core/http_parts.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

curl_socket_t kpi_platform_open_socket(int family, int type, int protocol)
{
    int fd = socket(family, type, protocol);
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* a fresh descriptor takes it */
    return fd;
}

int kpi_platform_close_socket(curl_socket_t socket)
{
    return close(socket);
}
