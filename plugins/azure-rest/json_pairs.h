/* Walking the members of a JSON object whose names are not known. Pure functions, any thread. */
#ifndef KP_PLUGINS_AZURE_REST_JSON_PAIRS_H
#define KP_PLUGINS_AZURE_REST_JSON_PAIRS_H

#include "plugins/azure-rest/json_scan.h"

/* The i-th member of an object from azr_json_parse; false from the end on, or of no object. */
bool azr_json_pair_at(struct azr_json object, size_t i, struct azr_json *ret_name,
                      struct azr_json *ret_value);

#endif /* KP_PLUGINS_AZURE_REST_JSON_PAIRS_H */
