/*
 * A relay, to put between client and server, on threads of its own: one accepts, one more for each
 * connection. Threads: any function from the test's thread.
 */
#ifndef KP_TESTS_SUPPORT_RELAY_H
#define KP_TESTS_SUPPORT_RELAY_H

#include <stdbool.h>
#include <stdint.h>

struct relay;

/* Passes on to a port of this machine. as_proxy: is first asked to CONNECT there. */
struct relay *relay_start(uint16_t to_port, bool as_proxy);
void relay_stop(struct relay *relay);
uint16_t relay_port(const struct relay *relay);
uint64_t relay_n_connections(struct relay *relay);
/* CONNECT requests that a proxy got. */
uint64_t relay_n_asked(struct relay *relay);
/* Whether the last CONNECT had this text in it. */
bool relay_was_told(struct relay *relay, const char *words);
/* From now on nothing is passed on in either direction on connections that are there; they stay
 * open. New ones pass. */
void relay_go_silent(struct relay *relay);
/* Waits until something has been sent on n silent connections. */
void relay_wait_swallowed(struct relay *relay, uint64_t n);
/* New connections are silent from the beginning. */
void relay_hold(struct relay *relay);
/* Waits until n connections have been accepted in all. */
void relay_wait_connection(struct relay *relay, uint64_t n);
/* Ends those that are there with a reset. */
void relay_reset(struct relay *relay);
/* Of what the server sends on each connection, only the first n bytes pass, then it closes. */
void relay_truncate_at(struct relay *relay, uint64_t n);

#endif /* KP_TESTS_SUPPORT_RELAY_H */
