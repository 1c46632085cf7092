/*
 * Whether JSON fits a JSON Schema, as far as the project's schemas use it: type, enum, minimum,
 * properties, additionalProperties, required, items, and $ref into $defs. Any thread.
 */
#ifndef KP_TESTS_SUPPORT_JSON_SCHEMA_H
#define KP_TESTS_SUPPORT_JSON_SCHEMA_H

#include <stdbool.h>

#include <jansson.h>

bool schema_fits(const json_t *schema, const json_t *value);

#endif /* KP_TESTS_SUPPORT_JSON_SCHEMA_H */
