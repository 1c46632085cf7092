/*
 * Fetches of one token by several vaults at once: the first asks, the others wait for what it is
 * told. A token is known by its fingerprint in the store (token_store.h).
 *
 *     join      nobody is at it: the caller leads      somebody is: the caller follows
 *     land      the leader's end: a token, which is in the store by now, or a failure
 *     look      what became of the one that is followed
 *     leave     either lets go; where the leader has not landed, the next that looks leads
 *
 * Vaults may be on different loops, and a host wakes no other loop: followers look again and again.
 * A failure reaches all followers and is not kept. Threads: any.
 */
#ifndef KP_PLUGINS_AZURE_REST_TOKEN_FLIGHT_H
#define KP_PLUGINS_AZURE_REST_TOKEN_FLIGHT_H

#include <stdbool.h>

#include "base/errors.h"
#include "plugins/azure-rest/fingerprint.h"

#define AZR_FLIGHTS_MAX 64u /* at once; vaults beyond that ask for themselves */

/* A place in a flight. Zeroed: none. */
struct azr_flight {
    uint64_t serial; /* 0: none */
    uint32_t slot;
    bool leads;
};

enum azr_flight_view {
    AZR_FLIGHT_UNDER_WAY = 1,
    AZR_FLIGHT_LANDED, /* look into the store */
    AZR_FLIGHT_FAILED,
    AZR_FLIGHT_LOST /* its leader let go, or took too long: join again */
};

/*
 * Leads, or follows; without a place to spare: neither, *ret is zeroed. deadline_ns is the leader's
 * and by the hosts' monotonic clock, as now_ns is: a leader past it counts no more.
 */
void azr_flight_join(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], uint64_t now_ns,
                     uint64_t deadline_ns, struct azr_flight *ret);
/* Does nothing unless place leads; then zeroes it. error is read unless status is KP_OK. */
void azr_flight_land(struct azr_flight *place, kp_status status, const struct kp_error *error);
/* *ret_status and *reterr are written when it has failed. */
enum azr_flight_view azr_flight_look(const struct azr_flight *place, uint64_t now_ns,
                                     kp_status *ret_status, struct kp_error *reterr);
/* place is zeroed. Without a place nothing happens. */
void azr_flight_leave(struct azr_flight *place);

#endif /* KP_PLUGINS_AZURE_REST_TOKEN_FLIGHT_H */
