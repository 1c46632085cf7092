/*
 * Admission by what a service is documented to do in a second: each operation takes its part of
 * that time, ten seconds of work may be under way at once, and what goes beyond waits its turn.
 *
 * Pure functions over the caller's structs; loop thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_PACE_H
#define KP_PLUGINS_AZURE_REST_PACE_H

#include <keyprovider/types.h>

#define AZR_PACE_BURST_NS UINT64_C(10000000000)

/* A row of a service's table; the last has per_s 0. Static storage. */
struct azr_rate {
    uint64_t ops;   /* KP_OP_BIT of each */
    uint64_t algs;  /* KP_ALG_BIT of each; 0: whatever the algorithm */
    uint32_t per_s; /* of one partition */
};

struct azr_pace {
    uint64_t busy_until_ns; /* when all that was admitted will have been done */
};

/* What one partition does of an operation in a second; 0: nothing is known. rates may be NULL. */
uint32_t azr_rate_of(const struct azr_rate *rates, uint32_t op, uint32_t alg);
/* Admits one of per_s (not 0) in a second; how long it waits before it is sent. */
uint64_t azr_pace_take(struct azr_pace *pace, uint32_t per_s, uint64_t now_ns);
/* The one that was admitted last is not sent after all. */
void azr_pace_give_back(struct azr_pace *pace, uint32_t per_s);

#endif /* KP_PLUGINS_AZURE_REST_PACE_H */
