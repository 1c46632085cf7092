/*
 * Memory of one script: everything its text becomes, freed together. Wiped when freed, because a
 * script holds the SECRETs of its credentials. One owner, one thread.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_MEMORY_H
#define KP_TOOLS_EKM_REHEARSE_MEMORY_H

#include <keyprovider/status.h>

struct rh_block;

/* A zeroed one is empty and may hold nothing. */
struct rh_memory {
    struct rh_block *newest;
    size_t held;
    size_t limit;
};

/* Empty; may hold limit bytes. Allocates nothing. */
void rh_memory_init(struct rh_memory *m, size_t limit);
/* Wipes and frees all of it. */
void rh_memory_clear(struct rh_memory *m);

/* n zeroed bytes, aligned for anything, valid until clear; NULL beyond the limit or out of
 * memory. */
void *rh_memory_take(struct rh_memory *m, size_t n) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_MEMORY_H */
