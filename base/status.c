#include <keyprovider/status.h>

#include "base/mem.h"

struct class_row {
    const char *text;
    const char *meaning;
};

static const struct class_row classes[KP_STATUS_COUNT] = {
#define XX(symbol, number, text, meaning) [number] = {text, meaning},
    KP_STATUS_MAP(XX)
#undef XX
};

static const struct kp_code_info codes[] = {
#define XX(symbol, number, cls, area, origin, cause, advice)                                       \
    {number, cls, origin, #symbol, area, cause, advice},
    KP_CODE_MAP(XX)
#undef XX
};

#define N_CODES (sizeof codes / sizeof codes[0])

void kp_error_init(struct kp_error *err)
{
    if (!err)
        return;
    kpb_wipe(err, sizeof *err); /* a call beats the loop that memset becomes here, threefold */
    err->struct_size = sizeof *err;
    err->retry_after_ms = KP_NO_RETRY_HINT;
}

static const struct class_row *find_class(kp_status status)
{
    static const struct class_row unknown = {"?", "?"};

    return (unsigned)status < KP_STATUS_COUNT ? &classes[status] : &unknown;
}

const char *kp_status_text(kp_status status)
{
    return find_class(status)->text;
}

const char *kp_status_meaning(kp_status status)
{
    return find_class(status)->meaning;
}

const struct kp_code_info *kp_code_find(uint32_t code)
{
    size_t lo = 0;
    size_t hi = N_CODES;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (codes[mid].code == code)
            return &codes[mid];
        if (codes[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct kp_code_info *kp_code_at(size_t i)
{
    return i < N_CODES ? &codes[i] : NULL;
}
