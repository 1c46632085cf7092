#include "core/http_curl.h"

#include <stdbool.h>
#include <string.h>

#include <curl/curl.h>
#include <uv.h>

#include "core/wiped_heap.h"

/* ---- Memory ---- */

#define SITE "libcurl"

static void *allocate(size_t n)
{
    return kpi_wiped_alloc(SITE, n);
}

static void *reallocate(void *p, size_t n)
{
    return kpi_wiped_realloc(SITE, p, n);
}

static void *allocate_array(size_t count, size_t size)
{
    return kpi_wiped_alloc_array(SITE, count, size);
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
    /* One that has several TLS libraries, as vcpkg builds it, would ask the environment which. */
    if (curl_global_sslset(CURLSSLBACKEND_OPENSSL, NULL, NULL) != CURLSSLSET_OK)
        return KP_INTERNAL;
    if (curl_global_init_mem(CURL_GLOBAL_SSL | CURL_GLOBAL_WIN32, allocate, kpi_wiped_free,
                             reallocate, duplicate, allocate_array) != CURLE_OK)
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
