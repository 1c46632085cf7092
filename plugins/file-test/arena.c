#include "plugins/file-test/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"

#define BLOCK_LEN 4000u

struct ft_arena_block {
    struct ft_arena_block *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) uint8_t bytes[];
};

static struct ft_arena_block *add_block(struct ft_arena *arena, size_t n)
{
    size_t cap = n > BLOCK_LEN ? n : BLOCK_LEN;
    struct ft_arena_block *block = kpb_alloc("file-test.arena", sizeof *block + cap);
    if (!block)
        return NULL;
    block->cap = cap;
    block->next = arena->first;
    arena->first = block;
    return block;
}

void *ft_arena_alloc(struct ft_arena *arena, size_t n)
{
    const size_t align = alignof(max_align_t);
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + align - 1) / align * align;
    struct ft_arena_block *block = arena->first;
    if (!block || block->cap - block->used < n)
        block = add_block(arena, n);
    if (!block)
        return NULL;
    void *p = block->bytes + block->used;
    block->used += n;
    return p;
}

kp_status ft_arena_copy(struct ft_arena *arena, kp_span bytes, kp_span *ret)
{
    *ret = kpb_span(NULL, 0);
    if (bytes.len == 0)
        return KP_OK;
    uint8_t *copy = ft_arena_alloc(arena, bytes.len);
    if (!copy)
        return KP_NO_MEMORY;
    memcpy(copy, bytes.ptr, bytes.len);
    *ret = kpb_span(copy, bytes.len);
    return KP_OK;
}

void ft_arena_clear(struct ft_arena *arena)
{
    while (arena->first) {
        struct ft_arena_block *block = arena->first;
        arena->first = block->next;
        kpb_free(block);
    }
}
