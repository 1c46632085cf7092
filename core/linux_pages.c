#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */

#include "core/pages.h"

#include <sys/mman.h>
#include <unistd.h>

static uint8_t *map(size_t len, int protection)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *p = mmap(NULL, len, protection, flags, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

size_t kpi_pages_size(void)
{
    long size = sysconf(_SC_PAGESIZE);

    return size > 0 ? (size_t)size : 4096;
}

uint8_t *kpi_pages_map(size_t len)
{
    return map(len, PROT_READ | PROT_WRITE);
}

uint8_t *kpi_pages_map_secret(size_t len, uint32_t *ret_protection)
{
    size_t guard = kpi_pages_size();
    uint32_t protection = 0;
    uint8_t *p;

    if (len > SIZE_MAX - 2 * guard)
        return NULL;
    p = map(len + 2 * guard, PROT_NONE);
    if (!p)
        return NULL;
    if (mprotect(p + guard, len, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(p, len + 2 * guard);
        return NULL;
    }
    if (madvise(p + guard, len, MADV_DONTDUMP) == 0)
        protection |= KPI_PAGES_NO_DUMP;
    if (madvise(p + guard, len, MADV_WIPEONFORK) == 0) /* Linux 4.14 */
        protection |= KPI_PAGES_WIPE_ON_FORK;
    *ret_protection = protection;
    return p + guard;
}

bool kpi_pages_lock(void *p, size_t len)
{
    return mlock(p, len) == 0;
}
