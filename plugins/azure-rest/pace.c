#include "plugins/azure-rest/pace.h"

#define NS_PER_S UINT64_C(1000000000)

uint32_t azr_rate_of(const struct azr_rate *rates, uint32_t op, uint32_t alg)
{
    for (; rates && rates->per_s > 0; rates++) {
        if ((rates->ops & KP_OP_BIT(op)) != 0 &&
            (rates->algs == 0 || (rates->algs & KP_ALG_BIT(alg)) != 0))
            return rates->per_s;
    }
    return 0;
}

uint64_t azr_pace_take(struct azr_pace *pace, uint32_t per_s, uint64_t now_ns)
{
    const uint64_t from_ns = pace->busy_until_ns > now_ns ? pace->busy_until_ns : now_ns;
    const uint64_t ahead_ns = from_ns - now_ns;
    pace->busy_until_ns = from_ns + NS_PER_S / per_s;
    return ahead_ns > AZR_PACE_BURST_NS ? ahead_ns - AZR_PACE_BURST_NS : 0;
}

void azr_pace_give_back(struct azr_pace *pace, uint32_t per_s)
{
    pace->busy_until_ns -= NS_PER_S / per_s;
}
