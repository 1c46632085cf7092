#include <stdbool.h>
#include <string.h>

#include "base/span.h"
#include "tests/fuzz/entries.h"
#include "tools/ekm-rehearse/parse.h"

#define MEMORY_MAX_LEN (1024u * 1024u)

/* What is refused names its place, unless it is the script as a whole: its length or its
 * encoding. */
static bool is_refusal(const char *text)
{
    return strncmp(text, "line ", strlen("line ")) == 0 ||
           strncmp(text, "the script ", strlen("the script ")) == 0;
}

/* A statement has its place in the script. */
int fuzz_rehearse_sql(const uint8_t *bytes, size_t len)
{
    static struct rh_memory memory;
    struct rh_script script = {NULL, 0, NULL, 0};
    struct kp_error err;
    kp_error_init(&err);
    rh_memory_init(&memory, MEMORY_MAX_LEN);
    kp_status st = rh_parse(kpb_span(bytes, len), &memory, &script, &err);
    FUZZ_CHECK(st == KP_OK || st == KP_USAGE || st == KP_NO_MEMORY);
    FUZZ_CHECK(st != KP_USAGE || is_refusal(err.text));
    for (size_t i = 0; st == KP_OK && i < script.n_statements; i++)
        FUZZ_CHECK(script.statements[i].place.line > 0);
    rh_memory_clear(&memory);
    return 0;
}

FUZZ_ENTRY(fuzz_rehearse_sql)
