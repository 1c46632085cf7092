/* usage: json-fits SCHEMA FILE. Exit 0 when the JSON of FILE fits, else 1. */
#include "support/json_schema.h"

#include <stdio.h>

static json_t *load(const char *path)
{
    json_error_t why;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        (void)fprintf(stderr, "json-fits: %s: line %d: %s\n", path, why.line, why.text);
    }
    return root;
}

int main(int argc, char **argv)
{
    json_t *schema = argc == 3 ? load(argv[1]) : NULL;
    json_t *value = argc == 3 ? load(argv[2]) : NULL;
    const bool fits = schema && value && schema_fits(schema, value);
    json_decref(schema);
    json_decref(value);
    return fits ? 0 : 1;
}
