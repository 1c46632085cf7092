#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The pointer is volatile: the compiler cannot know that it is memset and drop a "dead" call. */
static void *(*const volatile wipe_with)(void *, int, size_t) = memset;

static void *heap_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    return calloc(1, n);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void heap_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    kpb_wipe(p, n);
    free(p);
}

static const struct kpb_mem_hooks heap_hooks = {NULL, heap_alloc, heap_free, heap_alloc,
                                                heap_secret_free};
static struct kpb_mem_hooks installed;
static const struct kpb_mem_hooks *active = &heap_hooks;

void kpb_mem_use(const struct kpb_mem_hooks *hooks)
{
    if (!hooks) {
        active = &heap_hooks;
        return;
    }
    installed = *hooks;
    active = &installed;
}

struct kpb_mem_hooks kpb_mem_defaults(void)
{
    return heap_hooks;
}

void *kpb_alloc(const char *site, size_t n)
{
    return active->alloc(active->ctx, site, n ? n : 1);
}

void *kpb_alloc_raw(const char *site, size_t n)
{
    return active->alloc == heap_alloc ? malloc(n ? n : 1) : kpb_alloc(site, n);
}

void *kpb_alloc_array(const char *site, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return kpb_alloc(site, count * size);
}

char *kpb_strdup_span(const char *site, kp_span text)
{
    char *copy;

    if (text.len == SIZE_MAX)
        return NULL;
    copy = kpb_alloc(site, text.len + 1);
    if (copy && text.len)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

void kpb_free(void *p)
{
    if (p)
        active->free(active->ctx, p);
}

void *kpb_secret_alloc(const char *site, size_t n)
{
    return active->secret_alloc(active->ctx, site, n ? n : 1);
}

void kpb_secret_free(void *p, size_t n)
{
    if (p)
        active->secret_free(active->ctx, p, n ? n : 1);
}

void kpb_wipe(void *p, size_t n)
{
    if (n)
        wipe_with(p, 0, n);
}
