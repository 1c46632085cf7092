/*
 * Internal to the calls: the two-call protocol for one or two outputs of variable length, with
 * fences around every buffer.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_DLL_TWICE_H
#define KP_TOOLS_EKM_REHEARSE_DLL_TWICE_H

#include "tools/ekm-rehearse/dll.h"

#define RH_SLOTS_MAX 2u

/* One output. max_len: what the interface allows, bytes. */
struct rh_slot {
    uint32_t max_len;
    bool is_bound; /* the size asked for is an upper bound: a shorter buffer may do */
    uint32_t cb;
    uint8_t *ptr;
    uint32_t need;
};

/*
 * Makes the call once with the slots' cb and ptr and puts cb back; *ret_kept: whether the provider
 * left the pointers alone.
 */
typedef SqlCpError rh_once_fn(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept);

struct rh_twice {
    const char *api;
    rh_once_fn *once;
    void *ctx;
    struct rh_slot slots[RH_SLOTS_MAX];
    size_t n;
    bool no_probe; /* begin with the largest buffers */
};

/* After success each slot holds the result in m. */
struct rh_verdict rh_twice(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t);

/* Tells d->seen and makes the verdict. */
struct rh_verdict rh_seen(struct rh_dll *d, const char *api, SqlCpError code);
struct rh_verdict rh_broken(const char *api, uint32_t code, const char *rule);

#endif /* KP_TOOLS_EKM_REHEARSE_DLL_TWICE_H */
