/*
 * The JSON Schema (draft 2020-12) of the configuration, made from the tables the parser reads by,
 * so that an editor and the program agree.
 *
 * Threads: any.
 * Source: JSON Schema Core and Validation, draft 2020-12, json-schema.org, read 2026-11.
 */
#ifndef KP_CORE_SCHEMA_H
#define KP_CORE_SCHEMA_H

#include <keyprovider/keyprovider.h>

#include "core/plugin_load.h"

/*
 * Writes the schema. With plugins (may be NULL) the "settings" of a vault that names one of them,
 * or whose location has a scheme of one, are described too. Lengths are bytes in the program and
 * characters in a schema: what the program accepts the schema does, not always the reverse.
 * Errors: no_memory.
 */
kp_status kpi_schema_write(const struct kpi_plugins *plugins, kp_text_fn *write, void *ctx)
    KP_MUST_USE;

#endif /* KP_CORE_SCHEMA_H */
