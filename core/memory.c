#include "core/memory.h"

#include <keyprovider/keyprovider.h>

#include "base/mem.h"
#include "core/arena.h"
#include "core/block.h"
#include "core/process.h"

static bool chosen;

static void install(const struct kp_memory *memory)
{
    struct kpb_mem_hooks hooks = kpb_mem_defaults();
    kpi_arena_set_hooks(&hooks);
    if (memory) {
        hooks.ctx = memory->ctx;
        hooks.alloc = memory->alloc;
        hooks.free = memory->free;
    }
    if (memory && memory->secret_alloc) {
        hooks.secret_alloc = memory->secret_alloc;
        hooks.secret_free = memory->secret_free;
    }
    kpb_mem_use(&hooks);
}

kp_status kp_set_memory(const struct kp_memory *memory)
{
    struct kp_memory wanted;
    if (kpi_process_begun())
        return KP_USAGE;
    if (!memory) {
        install(NULL);
        chosen = false;
        return KP_OK;
    }
    kpi_struct_read(&wanted, sizeof wanted, memory);
    if (!wanted.alloc || !wanted.free || !wanted.secret_alloc != !wanted.secret_free)
        return KP_USAGE;
    install(&wanted);
    chosen = true;
    return KP_OK;
}

void kpi_memory_begin(void)
{
    if (!chosen)
        install(NULL);
}
