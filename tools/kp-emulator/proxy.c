#include "tools/kp-emulator/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "tools/kp-emulator/hosts.h"
#include "tools/kp-emulator/server.h"

#define SITE "emulator.proxy"
#define HEAD_MAX_LEN 8192u
#define HELD_MAX_LEN (256u * 1024u) /* bytes that wait for one side */
#define TUNNELS_MAX 1024u
#define IDLE_TIMEOUT_S 120
#define REFUSED "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define CONNECTED "HTTP/1.1 200 Connection established\r\n\r\n"

/*
 *   is_open  ends
 *   false    the client's; the head of its request is being read
 *   true     both; bytes pass either way
 *   any      is_closing: nothing is read any more, and what is to be sent ends it
 */
struct tunnel {
    struct tunnel *next;
    struct tunnel **self;
    struct emu_proxy *proxy;
    struct bufferevent *ends[2]; /* the client's, the listener's */
    bool is_open;
    bool is_closing;
};

struct emu_proxy {
    struct emu *emu;
    struct evconnlistener *listener;
    struct tunnel *tunnels;
    size_t n_tunnels;
    struct sockaddr_storage address; /* the listeners have it too, but for the port */
    int address_len;
    uint16_t port;
};

/* ---- Life of a tunnel ---- */

static void free_tunnel(struct tunnel *t)
{
    for (size_t i = 0; i < 2; i++) {
        if (t->ends[i])
            bufferevent_free(t->ends[i]);
    }
    *t->self = t->next;
    if (t->next)
        t->next->self = t->self;
    t->proxy->n_tunnels--;
    kpb_free(t);
}

static struct bufferevent *other_end(const struct tunnel *t, const struct bufferevent *end)
{
    return end == t->ends[0] ? t->ends[1] : t->ends[0];
}

/* end gets what is still to be sent to it, and then the tunnel is over. */
static void close_after(struct tunnel *t, struct bufferevent *end)
{
    if (!end || evbuffer_get_length(bufferevent_get_output(end)) == 0) {
        free_tunnel(t);
        return;
    }
    t->is_closing = true;
    (void)bufferevent_disable(end, EV_READ);
}

static void on_event(struct bufferevent *end, short what, void *arg)
{
    struct tunnel *t = arg;
    if (what & BEV_EVENT_CONNECTED)
        return;
    if (what & BEV_EVENT_EOF && !t->is_closing)
        close_after(t, other_end(t, end));
    else
        free_tunnel(t);
}

/* ---- Bytes ---- */

static void on_written(struct bufferevent *end, void *arg)
{
    struct tunnel *t = arg;
    struct bufferevent *from = other_end(t, end);
    if (t->is_closing)
        free_tunnel(t);
    else if (from)
        (void)bufferevent_enable(from, EV_READ);
}

static void pass_on(struct tunnel *t, struct bufferevent *from)
{
    struct bufferevent *to = other_end(t, from);
    (void)bufferevent_write_buffer(to, bufferevent_get_input(from));
    if (evbuffer_get_length(bufferevent_get_output(to)) > HELD_MAX_LEN)
        (void)bufferevent_disable(from, EV_READ); /* until it has been written */
}

/* ---- The request ---- */

/* HOST and PORT of "CONNECT HOST:PORT HTTP/1.1"; the host is empty when the line is another. */
static kp_span asked_host(kp_span line, uint16_t *ret_port)
{
    static const char verb[] = "CONNECT ";
    if (!kpb_span_starts_with(line, verb))
        return kpb_span(NULL, 0);
    kp_span host = kpb_span(line.ptr + strlen(verb), line.len - strlen(verb));
    const char *colon = host.len ? memchr(host.ptr, ':', host.len) : NULL;
    if (!colon)
        return kpb_span(NULL, 0);
    *ret_port = (uint16_t)strtoul(colon + 1, NULL, 10); /* the blank or the end stops it */
    return kpb_span(host.ptr, (size_t)(colon - (const char *)host.ptr));
}

/* A port of ours that is asked for as such stays what it is. */
static uint16_t own_port(const struct emu *emu, kp_span host, uint16_t port)
{
    for (size_t i = 0; kpb_span_eq_str(host, "localhost") && i < EMU_N_ROLES; i++) {
        if (emu->listeners[i].port == port)
            return port;
    }
    return 0;
}

/* 0: it leads elsewhere. */
static uint16_t port_for(const struct emu *emu, kp_span line)
{
    bool is_hsm = false;
    uint16_t port = 0;
    kp_span host = asked_host(line, &port);
    if (emu_is_login_host(host))
        return emu->listeners[EMU_ROLE_LOGIN].port;
    if (emu_vault_label(host, &is_hsm).len > 0)
        return emu->listeners[is_hsm ? EMU_ROLE_HSM : EMU_ROLE_VAULT].port;
    return own_port(emu, host, port);
}

static void refuse(struct tunnel *t)
{
    (void)bufferevent_write(t->ends[0], REFUSED, strlen(REFUSED));
    t->is_closing = true;
    (void)bufferevent_disable(t->ends[0], EV_READ);
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static bool connect_to(struct tunnel *t, uint16_t port)
{
    const struct timeval idle = {IDLE_TIMEOUT_S, 0};
    struct sockaddr_storage address = t->proxy->address;
    set_port(&address, port);
    t->ends[1] = bufferevent_socket_new(t->proxy->emu->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (!t->ends[1])
        return false;
    bufferevent_setcb(t->ends[1], NULL, on_written, on_event, t);
    (void)bufferevent_set_timeouts(t->ends[1], &idle, &idle);
    return bufferevent_socket_connect(t->ends[1], (struct sockaddr *)&address,
                                      t->proxy->address_len) == 0;
}

static void on_read(struct bufferevent *end, void *arg);

static void open_tunnel(struct tunnel *t, uint16_t port)
{
    if (!connect_to(t, port)) {
        free_tunnel(t);
        return;
    }
    t->is_open = true;
    bufferevent_setcb(t->ends[1], on_read, on_written, on_event, t);
    (void)bufferevent_enable(t->ends[1], EV_READ | EV_WRITE);
    (void)bufferevent_write(t->ends[0], CONNECTED, strlen(CONNECTED));
    pass_on(t, t->ends[0]); /* what came behind the head */
}

/* The whole head first: what follows it is the client's own. */
static void read_head(struct tunnel *t)
{
    char head[HEAD_MAX_LEN + 1] = {0};
    struct evbuffer *in = bufferevent_get_input(t->ends[0]);
    const struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (end.pos < 0 && evbuffer_get_length(in) < HEAD_MAX_LEN)
        return;
    if (end.pos < 0 || (size_t)end.pos + 4 > HEAD_MAX_LEN) {
        refuse(t);
        return;
    }
    (void)evbuffer_remove(in, head, (size_t)end.pos + 4);
    const char *line_end = memchr(head, '\r', (size_t)end.pos + 4);
    const uint16_t port = port_for(t->proxy->emu, kpb_span(head, (size_t)(line_end - head)));
    if (port)
        open_tunnel(t, port);
    else
        refuse(t);
}

static void on_read(struct bufferevent *end, void *arg)
{
    struct tunnel *t = arg;
    if (t->is_closing)
        (void)evbuffer_drain(bufferevent_get_input(end), SIZE_MAX);
    else if (t->is_open)
        pass_on(t, end);
    else
        read_head(t);
}

/* ---- The listener ---- */

static void add_tunnel(struct emu_proxy *proxy, struct bufferevent *client)
{
    const struct timeval idle = {IDLE_TIMEOUT_S, 0};
    struct tunnel *t = proxy->n_tunnels < TUNNELS_MAX ? kpb_alloc(SITE, sizeof *t) : NULL;
    if (!t) {
        bufferevent_free(client);
        return;
    }
    t->proxy = proxy;
    t->ends[0] = client; /* moved to the tunnel */
    t->next = proxy->tunnels;
    t->self = &proxy->tunnels;
    if (t->next)
        t->next->self = &t->next;
    proxy->tunnels = t;
    proxy->n_tunnels++;
    bufferevent_setcb(client, on_read, on_written, on_event, t);
    (void)bufferevent_set_timeouts(client, &idle, &idle);
    (void)bufferevent_enable(client, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *arg)
{
    struct emu_proxy *proxy = arg;
    struct bufferevent *client =
        bufferevent_socket_new(proxy->emu->base, fd, BEV_OPT_CLOSE_ON_FREE);
    (void)listener;
    (void)from;
    (void)len;
    if (client)
        add_tunnel(proxy, client);
    else
        (void)evutil_closesocket(fd);
}

static bool bind_to(struct emu_proxy *proxy, const char *address, uint16_t port)
{
    struct sockaddr *at = (struct sockaddr *)&proxy->address;
    char text[128];
    proxy->address_len = sizeof proxy->address;
    (void)snprintf(text, sizeof text, strchr(address, ':') ? "[%s]:1" : "%s:1", address);
    if (evutil_parse_sockaddr_port(text, at, &proxy->address_len) != 0)
        return false;
    set_port(&proxy->address, port); /* the parser takes no 0 */
    proxy->listener =
        evconnlistener_new_bind(proxy->emu->base, on_accept, proxy,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                -1, at, proxy->address_len);
    return proxy->listener != NULL;
}

kp_status emu_proxy_open(struct emu *emu, const char *address, uint16_t port,
                         struct emu_proxy **ret, struct kp_error *reterr)
{
    struct emu_proxy *proxy = kpb_alloc(SITE, sizeof *proxy);
    if (!proxy)
        return kpb_fail_memory(reterr, SITE);
    proxy->emu = emu;
    if (!bind_to(proxy, address, port)) {
        kpb_free(proxy);
        return kpb_fail(reterr, KP_CONFIG, "%s port %u cannot be listened on", address, port);
    }
    proxy->port = emu_socket_port(evconnlistener_get_fd(proxy->listener));
    *ret = proxy; /* moved to the caller */
    return KP_OK;
}

void emu_proxy_close(struct emu_proxy *proxy)
{
    if (!proxy)
        return;
    while (proxy->tunnels)
        free_tunnel(proxy->tunnels);
    evconnlistener_free(proxy->listener);
    kpb_free(proxy);
}

uint16_t emu_proxy_port(const struct emu_proxy *proxy)
{
    return proxy->port;
}
