#include "support/failing_heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static unsigned fail_at;
static unsigned n_allocs;
static const char *failed_site;
static long live;

static void *take(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    if (++n_allocs == fail_at) {
        failed_site = site;
        return NULL;
    }
    live++;
    return calloc(1, n);
}

static void give(void *ctx, void *p)
{
    (void)ctx;
    live--;
    free(p);
}

static void give_secret(void *ctx, void *p, size_t n)
{
    memset(p, 0xdb, n); /* a wrong n is a finding of the address sanitizer */
    give(ctx, p);
}

void failing_heap_use(unsigned nth)
{
    static const struct kpb_mem_hooks hooks = {NULL, take, give, take, give_secret};
    fail_at = nth;
    n_allocs = 0;
    failed_site = NULL;
    live = 0;
    kpb_mem_use(&hooks);
}

const char *failing_heap_site(void)
{
    return failed_site;
}

long failing_heap_live(void)
{
    return live;
}

void failing_heap_drop(void)
{
    kpb_mem_use(NULL);
}
