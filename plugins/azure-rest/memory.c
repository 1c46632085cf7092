#include "plugins/azure-rest/memory.h"

#include <stdatomic.h>

#include "base/mem.h"

void azr_memory_use(const struct kp_host *host)
{
    enum { UNSET, SETTING, SET };
    static atomic_int state = UNSET;
    const struct kp_memory *m = host->memory;
    int expected = UNSET;
    if (m && atomic_compare_exchange_strong(&state, &expected, SETTING)) {
        const struct kpb_mem_hooks hooks = {m->ctx, m->alloc, m->free, m->secret_alloc,
                                            m->secret_free};
        kpb_mem_use(&hooks);
        atomic_store(&state, SET);
    }
    while (m && atomic_load(&state) != SET) {
        /* Another loop opens its first vault this very moment. */
    }
}
