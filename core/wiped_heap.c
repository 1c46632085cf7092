#include "core/wiped_heap.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

union head {
    size_t n;
    long double aligned; /* what follows is aligned for anything a library keeps */
    void *pointer;
};

typedef void *alloc_fn(const char *site, size_t n);

static void *allocate_by(alloc_fn *alloc, const char *site, size_t n)
{
    union head *head = n <= SIZE_MAX - sizeof *head ? alloc(site, sizeof *head + n) : NULL;
    if (!head)
        return NULL;
    head->n = n;
    return head + 1;
}

/* As malloc gives it: over HTTP/1.1 each request has buffers of tens of thousands of bytes. */
void *kpi_wiped_alloc(const char *site, size_t n)
{
    return allocate_by(kpb_alloc_raw, site, n);
}

void kpi_wiped_free(void *p)
{
    if (!p)
        return;
    union head *head = (union head *)p - 1;
    kpb_wipe(p, head->n);
    kpb_free(head);
}

void *kpi_wiped_realloc(const char *site, void *p, size_t n)
{
    void *bigger = kpi_wiped_alloc(site, n);
    if (!bigger || !p)
        return bigger;
    size_t before = ((union head *)p - 1)->n;
    memcpy(bigger, p, before < n ? before : n);
    kpi_wiped_free(p);
    return bigger;
}

void *kpi_wiped_alloc_array(const char *site, size_t count, size_t size)
{
    return size == 0 || count <= SIZE_MAX / size ? allocate_by(kpb_alloc, site, count * size)
                                                 : NULL;
}
