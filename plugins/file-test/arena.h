/*
 * Memory that lives and dies together: the texts and numbers of one key file, or of one answer.
 * Not for secrets. One owner at a time; a zeroed arena is empty.
 */
#ifndef KP_PLUGINS_FILE_TEST_ARENA_H
#define KP_PLUGINS_FILE_TEST_ARENA_H

#include <keyprovider/status.h>

struct ft_arena_block;

struct ft_arena {
    struct ft_arena_block *first;
};

/* n zeroed bytes, aligned for any type, valid until the arena is cleared; NULL when memory is
 * out. */
void *ft_arena_alloc(struct ft_arena *arena, size_t n) KP_MUST_USE;
/* Copies bytes; the empty span gives the empty span. Errors: no_memory. */
kp_status ft_arena_copy(struct ft_arena *arena, kp_span bytes, kp_span *ret) KP_MUST_USE;
/* Frees everything. */
void ft_arena_clear(struct ft_arena *arena);

#endif /* KP_PLUGINS_FILE_TEST_ARENA_H */
