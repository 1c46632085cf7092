#include "ekm/algorithms.h"

static const struct ekm_algorithm rows[] = {
    {EKM_ALG_RSA_2048, 2048, "RSA_2048"},
    {EKM_ALG_RSA_3072, 3072, "RSA_3072"},
    {EKM_ALG_RSA_4096, 4096, "RSA_4096"},
};

#define N_ROWS (sizeof rows / sizeof rows[0])

const struct ekm_algorithm *ekm_algorithm_find(SqlCpAlgId id)
{
    return id >= 1 && id <= N_ROWS ? &rows[id - 1] : NULL;
}

const struct ekm_algorithm *ekm_algorithm_next(SqlCpAlgId id, bool hide_3072)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].id > id && !(hide_3072 && rows[i].id == EKM_ALG_RSA_3072))
            return &rows[i];
    }
    return NULL;
}

const struct ekm_algorithm *ekm_algorithm_for(uint32_t bits, bool report_3072_as_2048)
{
    if (bits == 3072 && report_3072_as_2048)
        bits = 2048;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].bits == bits)
            return &rows[i];
    }
    return NULL;
}
