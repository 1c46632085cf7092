#include "support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static void path_of(const char *name, char *out, size_t cap)
{
    const char *dir = getenv("KP_RECORDINGS");
    int n = dir ? snprintf(out, cap, "%s/%s.jsonl", dir, name)
                : snprintf(out, cap, "%s/../shared/reference/recordings/%s.jsonl", KP_TEST_SRC_DIR,
                           name);
    assert_true(n > 0 && (size_t)n < cap);
}

void recordings_need(void)
{
    char path[1024];
    const char *ci = getenv("CI");
    path_of("login-client-secret", path, sizeof path);
    FILE *file = fopen(path, "r");
    if (file) {
        (void)fclose(file);
        return;
    }
    print_message("no recordings at %s; set KP_RECORDINGS\n", path);
    if (ci && strcmp(ci, "true") == 0)
        fail_msg("recordings are needed with CI=true");
    skip();
}

json_t *recordings_load(const char *name, size_t *ret_n)
{
    char path[1024];
    json_error_t error;
    json_t *all = json_array();
    json_t *one;
    path_of(name, path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while ((one = json_loadf(file, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error)) != NULL)
        assert_int_equal(json_array_append_new(all, one), 0);
    (void)fclose(file);
    *ret_n = json_array_size(all);
    assert_true(*ret_n > 0);
    return all;
}

const char *recordings_text(const json_t *exchange, const char *member)
{
    const char *text = json_string_value(json_object_get(exchange, member));
    assert_non_null(text);
    return text;
}

char *recordings_reply(const json_t *exchange)
{
    const json_t *body = json_object_get(exchange, "response_body");
    char *text = json_is_string(body) ? strdup(json_string_value(body))
                                      : json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_non_null(text);
    return text;
}

const char *recordings_header(const json_t *exchange, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(exchange, "response_headers"), key, value) {
        if (strcasecmp(key, name) == 0)
            return json_string_value(value);
    }
    return NULL;
}
