/* The little about sockets that libcurl leaves to its user. */
#include "core/http_parts.h"

int kpi_platform_close_socket(curl_socket_t socket)
{
    return closesocket(socket);
}
