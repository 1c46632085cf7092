#include "core/http_curl.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <curl/curl.h>
#include <uv.h>

#include "base/mem.h"

/* ---- Memory: each block knows its length, so that it can be wiped ---- */

union head {
    size_t n;
    long double aligned; /* what follows is aligned for anything libcurl keeps */
    void *pointer;
};

typedef void *alloc_fn(const char *site, size_t n);

static void *allocate_by(alloc_fn *alloc, size_t n)
{
    union head *head = n <= SIZE_MAX - sizeof *head ? alloc("libcurl", sizeof *head + n) : NULL;
    if (!head)
        return NULL;
    head->n = n;
    return head + 1;
}

/* As malloc gives it: over HTTP/1.1 each request has buffers of tens of thousands of bytes. */
static void *allocate(size_t n)
{
    return allocate_by(kpb_alloc_raw, n);
}

static void release(void *p)
{
    if (!p)
        return;
    union head *head = (union head *)p - 1;
    kpb_wipe(p, head->n);
    kpb_free(head);
}

static void *reallocate(void *p, size_t n)
{
    void *bigger = allocate(n);
    if (!bigger || !p)
        return bigger;
    size_t before = ((union head *)p - 1)->n;
    memcpy(bigger, p, before < n ? before : n);
    release(p);
    return bigger;
}

static void *allocate_array(size_t count, size_t size)
{
    return size == 0 || count <= SIZE_MAX / size ? allocate_by(kpb_alloc, count * size) : NULL;
}

static char *duplicate(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = allocate(n);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

/* ---- Starting ---- */

static uv_once_t first_use = UV_ONCE_INIT;
static uv_mutex_t lock;
static bool begun;

static void init_lock(void)
{
    (void)uv_mutex_init(&lock); /* a plain mutex: no resource that could be out */
}

static kp_status begin_locked(void)
{
    if (begun)
        return KP_OK;
    if (curl_global_init_mem(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32, allocate, release, reallocate,
                             duplicate, allocate_array) != CURLE_OK)
        return KP_NO_MEMORY;
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    begun = (version->features & CURL_VERSION_SSL) != 0;
    return begun ? KP_OK : KP_INTERNAL;
}

void kpi_curl_recover_in_child(void)
{
    uv_once(&first_use, init_lock);
    init_lock();
}

kp_status kpi_curl_begin(void)
{
    uv_once(&first_use, init_lock);
    uv_mutex_lock(&lock);
    kp_status st = begin_locked();
    uv_mutex_unlock(&lock);
    return st;
}
