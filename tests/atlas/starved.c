/*
 * kp as it is, on a machine that has no memory at one place: KP_STARVE=SITE:N fails the Nth
 * allocation of libkeyprovider and its plugins at that site, once; N is 1 unless given.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <keyprovider/keyprovider.h>

/* cli/main.c, compiled for this program under that name. */
int kp_main(int argc, char **argv);

static char site[64];
static atomic_int left;

static bool is_doomed(const char *at)
{
    return strcmp(at, site) == 0 && atomic_fetch_sub(&left, 1) == 1;
}

static void *starved_alloc(void *ctx, const char *at, size_t n)
{
    (void)ctx;
    return is_doomed(at) ? NULL : calloc(1, n);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void wiping_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    if (p)
        memset(p, 0, n);
    free(p);
}

static bool read_site(const char *text)
{
    size_t n = strcspn(text, ":");
    if (n == 0 || n >= sizeof site)
        return false;
    memcpy(site, text, n);
    atomic_store(&left, text[n] == ':' ? (int)strtol(text + n + 1, NULL, 10) : 1);
    return true;
}

int main(int argc, char **argv)
{
    static const struct kp_memory memory = {
        sizeof memory, 0, NULL, starved_alloc, plain_free, starved_alloc, wiping_free};
    const char *text = getenv("KP_STARVE");
    if (!text || !read_site(text) || kp_set_memory(&memory) != KP_OK)
        return 99;
    return kp_main(argc, argv);
}
