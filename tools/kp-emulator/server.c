#include "tools/kp-emulator/server.h"

#include <string.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <event2/bufferevent_ssl.h>

#include "base/errors.h"
#include "tools/kp-emulator/exchange.h"

#define HEADERS_MAX_LEN 65536
#define IDLE_TIMEOUT_S 120
#define METHODS                                                                                    \
    (EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE |    \
     EVHTTP_REQ_HEAD)

static void on_request(struct evhttp_request *http, void *arg)
{
    struct emu_exchange *x = emu_exchange_new(arg, http);
    if (x)
        emu_dispatch(x);
    else
        evhttp_send_error(http, 500, "no memory");
}

static struct bufferevent *new_connection(struct event_base *base, void *arg)
{
    const struct emu *emu = arg;
    SSL *ssl = SSL_new(emu->tls);
    struct bufferevent *bev =
        ssl ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                             BEV_OPT_CLOSE_ON_FREE)
            : NULL;
    if (bev)
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    return bev;
}

uint16_t emu_socket_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void set_bounds(struct evhttp *http)
{
    evhttp_set_max_headers_size(http, HEADERS_MAX_LEN);
    evhttp_set_max_body_size(http, EMU_BODY_MAX_LEN);
    evhttp_set_timeout(http, IDLE_TIMEOUT_S);
    evhttp_set_allowed_methods(http, METHODS);
    evhttp_set_default_content_type(http, NULL);
}

/* Accepted sockets inherit it: head and body of an answer are two writes, and the second must not
 * wait for the client's acknowledgement of the first. */
static void hurry(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool bind_to(struct emu_listener *listener, uint16_t port)
{
    listener->bound = evhttp_bind_socket_with_handle(listener->http, listener->address, port);
    if (!listener->bound)
        return false;
    hurry(evhttp_bound_socket_get_fd(listener->bound));
    listener->port = emu_socket_port(evhttp_bound_socket_get_fd(listener->bound));
    return true;
}

void emu_listener_pause(struct emu_listener *listener)
{
    if (listener->bound)
        evhttp_del_accept_socket(listener->http, listener->bound);
    listener->bound = NULL;
}

bool emu_listener_resume(struct emu_listener *listener)
{
    return listener->bound || bind_to(listener, listener->port);
}

kp_status emu_listen(struct emu *emu, struct emu_listener *listener, enum emu_role role,
                     const char *address, uint16_t port, struct kp_error *reterr)
{
    listener->emu = emu;
    listener->role = role;
    listener->address = address;
    listener->http = evhttp_new(emu->base);
    if (!listener->http)
        return kpb_fail_memory(reterr, "emulator.server");
    set_bounds(listener->http);
    evhttp_set_gencb(listener->http, on_request, listener);
    if (role != EMU_ROLE_METADATA)
        evhttp_set_bevcb(listener->http, new_connection, emu);
    return bind_to(listener, port)
               ? KP_OK
               : kpb_fail(reterr, KP_CONFIG, "%s port %u cannot be listened on", address, port);
}

static void unlisten(struct emu_listener *listener)
{
    if (listener->http)
        evhttp_free(listener->http);
    listener->http = NULL;
    listener->bound = NULL;
}

void emu_unlisten(struct emu *emu)
{
    for (size_t i = 0; i < EMU_N_ROLES; i++)
        unlisten(&emu->listeners[i]);
    unlisten(&emu->far_hsm);
}
