#include "tools/ekm-rehearse/memory.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

#define BLOCK_LEN 16384u

struct rh_block {
    struct rh_block *older;
    size_t len;
    size_t used;
    max_align_t bytes[];
};

void rh_memory_init(struct rh_memory *m, size_t limit)
{
    m->newest = NULL;
    m->held = 0;
    m->limit = limit;
}

void rh_memory_clear(struct rh_memory *m)
{
    while (m->newest) {
        struct rh_block *older = m->newest->older;
        kpb_secret_free(m->newest, sizeof *m->newest + m->newest->len);
        m->newest = older;
    }
    m->held = 0;
}

static bool add_block(struct rh_memory *m, size_t n)
{
    const size_t len = n > BLOCK_LEN ? n : BLOCK_LEN;
    struct rh_block *b = kpb_secret_alloc("rehearse.memory", sizeof *b + len);
    if (!b)
        return false;
    b->older = m->newest;
    b->len = len;
    m->newest = b;
    return true;
}

void *rh_memory_take(struct rh_memory *m, size_t n)
{
    if (n == 0 || n > m->limit || m->held > m->limit - n)
        return NULL;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if ((!m->newest || m->newest->len - m->newest->used < n) && !add_block(m, n))
        return NULL;
    void *p = (uint8_t *)m->newest->bytes + m->newest->used;
    m->newest->used += n;
    m->held += n;
    return p;
}
