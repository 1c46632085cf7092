/*
 * TCP on loopback, in the words of either system. What fails for no reason of the test's fails the
 * test. Threads: any; one socket may be received from on one and ended on another.
 */
#ifndef KP_TESTS_SUPPORT_SOCK_H
#define KP_TESTS_SUPPORT_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef intptr_t sock;
#define SOCK_NONE ((sock)-1)

/* On a port that is free. */
sock sock_listen(int backlog, uint16_t *ret_port);
/* SOCK_NONE: it listens no more. */
sock sock_accept(sock listener);
/* SOCK_NONE: nobody is there. */
sock sock_connect(uint16_t port);
/* The same without waiting for the other side. */
sock sock_begin_connect(uint16_t port);
void sock_close(sock s);

/* How many bytes; 0 or less: it is over. */
long sock_receive(sock s, void *out, size_t n);
long sock_send(sock s, const void *bytes, size_t n);
/* Waits until at least one of two can be received from; false: that cannot be waited for. */
bool sock_wait_either(const sock two[2], bool ret_ready[2]);
/* Nothing comes or goes from now on; who waits on it is woken. */
void sock_end(sock s);

/* Small pieces go out at once. */
void sock_be_prompt(sock s);
/* Its close will be a reset. */
void sock_be_rude(sock s);
/* Called on a thread before it sends: a peer that went away is no reason to end the process. */
void sock_outlive_peers(void);

#endif /* KP_TESTS_SUPPORT_SOCK_H */
