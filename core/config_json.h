/*
 * From bytes to a JSON tree and back, with the bounds this project wants around Jansson.
 *
 * Threads: pure functions over the caller's data, any. Jansson has an allocator of its own.
 */
#ifndef KP_CORE_CONFIG_JSON_H
#define KP_CORE_CONFIG_JSON_H

#include <jansson.h>

#include <keyprovider/keyprovider.h>

/*
 * Reads one object of at most KPI_CONFIG_MAX_LEN bytes and KPI_CONFIG_MAX_DEPTH levels. Release
 * *ret_root with kpi_json_release. Errors: config (with line and column, and no part of the text,
 * which may hold a secret), no_memory.
 */
kp_status kpi_json_read(kp_span text, json_t **ret_root, struct kp_error *reterr) KP_MUST_USE;

/* Wipes every string in the tree that nobody else holds and frees it. NULL is allowed. */
void kpi_json_release(json_t *root);

/* Writes the tree, indented by 4 and ended by a line end. Errors: no_memory. */
kp_status kpi_json_write(const json_t *root, kp_text_fn *write, void *ctx) KP_MUST_USE;

/*
 * Puts value, of which the tree becomes owner also on failure, at a dotted path, making the objects
 * on the way. Errors: no_memory (value NULL is taken for that too).
 */
kp_status kpi_json_put(json_t *root, const char *path, json_t *value) KP_MUST_USE;

/* "text", "a whole number", "an object": for sentences. Static storage. */
const char *kpi_json_kind(const json_t *value);

#endif /* KP_CORE_CONFIG_JSON_H */
