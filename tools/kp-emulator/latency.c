#include "tools/kp-emulator/latency.h"

#include "tools/kp-emulator/operation.h"

/* Middles of what was recorded: 80 to 115 ms for a create, 0 to 6 ms for the use of a key. */
static int64_t recorded_ms(uint32_t op)
{
    switch (op) {
    case KP_OP_CREATE:
    case KP_OP_IMPORT:
    case KP_OP_ROTATE:
        return 100;
    case KP_OP_DELETE:
        return 31;
    case KP_OP_BACKUP:
    case KP_OP_RESTORE:
        return 9;
    default:
        return 3;
    }
}

int64_t emu_latency_ms(const struct emu_exchange *x)
{
    if (!x->vault || !x->operation || !emu_is_hsm(x->vault))
        return 0;
    return recorded_ms(x->operation->op) * x->vault->settings->latency_percent / 100;
}
