/* The little about sockets that libcurl leaves to its user. */
#include "core/http_parts.h"

curl_socket_t kpi_platform_open_socket(int family, int type, int protocol)
{
    return WSASocketW(family, type, protocol, NULL, 0,
                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

int kpi_platform_close_socket(curl_socket_t socket)
{
    return closesocket(socket);
}
