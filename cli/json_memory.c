#include "cli/json_memory.h"

#include <stddef.h>

#include <jansson.h>

#include "base/mem.h"

/* Stands before each block, so that free knows how much to wipe. */
union header {
    size_t len;
    max_align_t align;
};

static void *wiped_alloc(size_t n)
{
    if (n > SIZE_MAX - sizeof(union header)) {
        return NULL;
    }
    union header *h = kpb_secret_alloc("cli.json", n + sizeof *h);
    if (!h) {
        return NULL;
    }
    h->len = n + sizeof *h;
    return h + 1;
}

static void wiped_free(void *p)
{
    if (p) {
        union header *h = (union header *)p - 1;
        kpb_secret_free(h, h->len);
    }
}

void cli_json_memory_use(void)
{
    json_set_alloc_funcs(wiped_alloc, wiped_free);
}
