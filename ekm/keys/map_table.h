/*
 * The records of a map in memory, ordered by thumbprint and vault, and the rules by which a new
 * record meets those that are there. One thread at a time; a zeroed table is empty.
 */
#ifndef KP_EKM_KEYS_MAP_TABLE_H
#define KP_EKM_KEYS_MAP_TABLE_H

#include "ekm/keys/key_map.h"

struct ekm_table {
    struct ekm_record *records; /* in the order they came */
    uint32_t *order;            /* indexes into records, sorted */
    uint32_t n;
    uint32_t cap;
};

/* Frees the records. NULL allowed. */
void ekm_table_clear(struct ekm_table *table);
/* Makes *to, which is empty, a copy. Errors: no_memory. */
kp_status ekm_table_copy(const struct ekm_table *from, struct ekm_table *to,
                         struct kp_error *reterr) KP_MUST_USE;
/* The i-th record in order; i is below n. Borrowed until the table changes. */
const struct ekm_record *ekm_table_at(const struct ekm_table *table, uint32_t i);

/* The record of a thumbprint in a vault, or NULL. Borrowed until the table changes. */
const struct ekm_record *ekm_table_find(const struct ekm_table *table,
                                        const struct ekm_thumb *thumb, const char *vault);
/* The place of the first record of the thumbprint or after it, 0..n. */
uint32_t ekm_table_place(const struct ekm_table *table, const struct ekm_thumb *thumb,
                         const char *vault);

/*
 * Puts one record by the rules of ekm_map_put and counts in report what came of it. flags:
 * EKM_PUT_*. Errors: conflict with code 2057, config with code 2058 (full), no_memory.
 */
kp_status ekm_table_put(struct ekm_table *table, const struct ekm_record *record, uint32_t flags,
                        struct ekm_put_report *report, struct kp_error *reterr) KP_MUST_USE;
/* Takes out what ekm_map_remove names; returns how many. */
uint32_t ekm_table_remove(struct ekm_table *table, const struct ekm_thumb *thumb,
                          const char *vault);

#endif /* KP_EKM_KEYS_MAP_TABLE_H */
