#include "ekm/number.h"

#include <stdbool.h>

/* What stands for a class without a code, by act: LOCAL, READ, WRAP, UNWRAP, WRITE. */
static const uint32_t table[KP_STATUS_COUNT][EKM_N_ACTS] = {
    [KP_OK] = {1, 1, 1, 1, 1}, /* an error that says ok is a mistake of ours */
    [KP_USAGE] = {6, 3110, 3110, 3110, 3110},
    [KP_CONFIG] = {1, 1, 1, 1, 1},
    [KP_AUTH] = {3303, 3303, 3303, 3303, 3303},
    [KP_FORBIDDEN] = {3113, 3113, 3113, 3113, 3113},
    [KP_NOT_FOUND] = {4, 3112, 3112, 3112, 3112},
    [KP_CONFLICT] = {3110, 3110, 3110, 3110, 3110},
    [KP_THROTTLED] = {3109, 3109, 3109, 3109, 3109},
    [KP_TRANSIENT] = {3106, 3106, 3106, 3106, 3106},
    [KP_VAULT] = {3001, 3001, 3001, 3001, 3001},
    [KP_PROTOCOL] = {3119, 3404, 3607, 3707, 3404},
    [KP_INTEGRITY] = {3001, 3001, 3001, 3001, 3001},
    [KP_CANCELED] = {1, 1, 1, 1, 1},
    [KP_TIMEOUT] = {1, 3403, 3609, 3709, 3403},
    [KP_NO_MEMORY] = {2051, 2051, 2051, 2051, 2051},
    [KP_UNSUPPORTED] = {3, 3, 3, 3, 3},
    [KP_INTERNAL] = {1, 1, 1, 1, 1},
};

enum ekm_act ekm_act_of(uint32_t op)
{
    switch (op) {
    case KP_OP_WRAP:
        return EKM_ACT_WRAP;
    case KP_OP_UNWRAP:
        return EKM_ACT_UNWRAP;
    case KP_OP_CREATE:
    case KP_OP_DELETE:
        return EKM_ACT_WRITE;
    default:
        return EKM_ACT_READ;
    }
}

const char *ekm_act_text(enum ekm_act act)
{
    static const char *const texts[EKM_N_ACTS] = {"check", "read", "wrap", "unwrap", "write"};

    return texts[act];
}

/* scp_err_ProviderError is the engine's own, and so is everything a legacy row has. */
static bool is_returned(uint32_t code)
{
    const struct kp_code_info *info = code ? kp_code_find(code) : NULL;

    return info && info->origin == KP_ORIGIN_EMITTED;
}

SqlCpError ekm_number(const struct kp_error *err, enum ekm_act act)
{
    if (is_returned(err->code))
        return (SqlCpError)err->code;
    return (SqlCpError)table[err->status < KP_STATUS_COUNT ? err->status : KP_INTERNAL][act];
}
