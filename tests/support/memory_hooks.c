#include "support/memory_hooks.h"

#include <stdlib.h>
#include <string.h>

#include <keyprovider/keyprovider.h>
#include <uv.h>

struct site {
    char name[64];
    uint32_t n;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;
static struct site sites[MEMORY_SITES_MAX];
static uint32_t n_sites;
static uint64_t n_allocs;
static uint64_t n_frees;
static uint64_t secret_live;
static char fail_site[64];
static uint32_t fail_in;
static bool has_failed;

static void note_site(const char *name)
{
    uint32_t i = 0;
    while (i < n_sites && strcmp(sites[i].name, name) != 0)
        i++;
    if (i == MEMORY_SITES_MAX)
        abort();
    if (i == n_sites) {
        strncpy(sites[i].name, name, sizeof sites[i].name - 1);
        sites[i].n = 0;
        n_sites++;
    }
    sites[i].n++;
}

/* Whether this is the one that is to fail. */
static bool is_doomed(const char *name)
{
    if (fail_in == 0 || strcmp(fail_site, name) != 0 || --fail_in > 0)
        return false;
    has_failed = true;
    return true;
}

static void *hook_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    uv_mutex_lock(&lock);
    note_site(site);
    bool doomed = is_doomed(site);
    n_allocs += !doomed;
    uv_mutex_unlock(&lock);
    void *p = doomed ? NULL : calloc(1, n);
    if (!p && !doomed)
        abort();
    return p;
}

static void hook_free(void *ctx, void *p)
{
    (void)ctx;
    uv_mutex_lock(&lock);
    n_frees += p != NULL;
    uv_mutex_unlock(&lock);
    free(p);
}

static void count_secret(int64_t n)
{
    uv_mutex_lock(&lock);
    secret_live += (uint64_t)n;
    uv_mutex_unlock(&lock);
}

static void *hook_secret_alloc(void *ctx, const char *site, size_t n)
{
    void *p = hook_alloc(ctx, site, n);
    if (p)
        count_secret((int64_t)n);
    return p;
}

static void hook_secret_free(void *ctx, void *p, size_t n)
{
    count_secret(-(int64_t)n);
    memset(p, 0, n); /* all of it is ours to write: the size told is the size asked for */
    hook_free(ctx, p);
}

static void install_once(void)
{
    static const struct kp_memory memory = {
        sizeof memory, 0, NULL, hook_alloc, hook_free, hook_secret_alloc, hook_secret_free};
    if (uv_mutex_init(&lock) != 0 || kp_set_memory(&memory) != KP_OK)
        abort();
}

void memory_hooks_install(void)
{
    uv_once(&once, install_once);
}

uint64_t memory_hooks_n_allocs(void)
{
    uv_mutex_lock(&lock);
    uint64_t n = n_allocs;
    uv_mutex_unlock(&lock);
    return n;
}

uint64_t memory_hooks_n_live(void)
{
    uv_mutex_lock(&lock);
    uint64_t n = n_allocs - n_frees;
    uv_mutex_unlock(&lock);
    return n;
}

uint64_t memory_hooks_secret_live(void)
{
    uv_mutex_lock(&lock);
    uint64_t n = secret_live;
    uv_mutex_unlock(&lock);
    return n;
}

void memory_hooks_record(void)
{
    uv_mutex_lock(&lock);
    n_sites = 0;
    uv_mutex_unlock(&lock);
}

const char *memory_hooks_site(uint32_t i)
{
    return i < n_sites ? sites[i].name : NULL;
}

uint32_t memory_hooks_site_count(uint32_t i)
{
    return i < n_sites ? sites[i].n : 0;
}

void memory_hooks_fail(const char *site, uint32_t nth)
{
    uv_mutex_lock(&lock);
    strncpy(fail_site, site ? site : "", sizeof fail_site - 1);
    fail_in = site ? nth : 0;
    has_failed = false;
    uv_mutex_unlock(&lock);
}

bool memory_hooks_has_failed(void)
{
    uv_mutex_lock(&lock);
    bool failed = has_failed;
    uv_mutex_unlock(&lock);
    return failed;
}
