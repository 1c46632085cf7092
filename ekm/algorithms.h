/*
 * The algorithms the engine can ask for. Their ids stand in its catalogue for ever: rows may be
 * added, none may change. Pure functions over constant data, any thread.
 */
#ifndef KP_EKM_ALGORITHMS_H
#define KP_EKM_ALGORITHMS_H

#include <stdbool.h>

#include "ekm/abi.h"

enum { EKM_ALG_RSA_2048 = 1, EKM_ALG_RSA_3072 = 2, EKM_ALG_RSA_4096 = 3 };

struct ekm_algorithm {
    SqlCpAlgId id;
    uint32_t bits;
    const char *tag; /* the name by which the engine knows it */
};

/* The algorithm of that id, or NULL. */
const struct ekm_algorithm *ekm_algorithm_find(SqlCpAlgId id);
/* The first that is offered after id, or NULL. hide_3072: RSA_3072 is not offered. */
const struct ekm_algorithm *ekm_algorithm_next(SqlCpAlgId id, bool hide_3072);
/* What a key of that size is reported as, or NULL for a size we do not serve. */
const struct ekm_algorithm *ekm_algorithm_for(uint32_t bits, bool report_3072_as_2048);

#endif /* KP_EKM_ALGORITHMS_H */
