/* Internal to ekm/keys: what the files of the resolver share. Any thread. */
#ifndef KP_EKM_KEYS_RESOLVER_H
#define KP_EKM_KEYS_RESOLVER_H

#include "ekm/keys/resolve.h"
#include "ekm/keys/sync.h"

struct ekm_scan;

struct ekm_resolver {
    /* fixed at birth */
    ekm_map *map;
    struct ekm_resolver_options options;
    struct ekm_clock clock;
    ekm_resolver_note_fn *note;
    void *note_ctx;
    struct ekm_sync *sync;

    /* under sync */
    struct ekm_scan *scans;
    uint32_t n_scans;
};

/* Tells the owner; fmt as printf. */
void ekm_resolver_tell(const ekm_resolver *resolver, kp_status status, uint32_t code,
                       const char *vault, const char *fmt, ...) KPB_PRINTF(5, 6);

/* What is left of the query in ms, 0 at its end. */
uint32_t ekm_query_left_ms(const ekm_resolver *resolver, const struct ekm_query *query);
/* Errors: canceled, timeout; ok while the query may go on. */
kp_status ekm_query_check(const ekm_resolver *resolver, const struct ekm_query *query,
                          struct kp_error *reterr) KP_MUST_USE;
/* One get through the query's lookup, version may be empty. Errors: those of both. */
kp_status ekm_query_get(const ekm_resolver *resolver, const struct ekm_query *query, kp_span name,
                        kp_span version, struct ekm_key *ret, struct kp_error *reterr) KP_MUST_USE;

/* The record of a key seen in a vault, under our scheme. Errors: usage (a key without a name). */
kp_status ekm_record_of_key(struct ekm_record *record, const char *vault, const struct ekm_key *key,
                            struct kp_error *reterr) KP_MUST_USE;

/*
 * Puts a record that is good to have: what cannot be written is told and kept in memory.
 * Errors: no_memory.
 */
kp_status ekm_resolver_remember(ekm_resolver *resolver, const struct ekm_record *records, size_t n,
                                uint32_t flags, struct kp_error *reterr) KP_MUST_USE;

/*
 * Waits for, joins or runs the scan of the query's vault until the map has a record of thumb for
 * it. Errors: those of ekm_resolve_thumb.
 */
kp_status ekm_scan_for(ekm_resolver *resolver, const struct ekm_query *query,
                       const struct ekm_thumb *thumb, struct ekm_record *ret,
                       struct kp_error *reterr) KP_MUST_USE;
/* Frees every scan; none runs. */
void ekm_scans_free(ekm_resolver *resolver);

#endif /* KP_EKM_KEYS_RESOLVER_H */
