/* How many plugins a process loads. A program of its own, for afterwards none can be loaded any
 * more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/dl.h"
#include "core/plugin_load.h"
#include "support/temp_dir.h"

#define FIXTURE_MAX_LEN (4u * 1024 * 1024)

static size_t read_fixture(uint8_t *bytes)
{
    FILE *f = fopen(KP_TEST_PLUGIN_DIR "/good-minimal.so", "rb");
    size_t len;

    assert_non_null(f);
    len = fread(bytes, 1, FIXTURE_MAX_LEN, f);
    assert_int_equal(fclose(f), 0);
    return len;
}

static void write_copy(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Each copy is another object to the linker. */
static kp_status load_copy(const char *dir, unsigned i, struct kp_error *err)
{
    static uint8_t bytes[FIXTURE_MAX_LEN];
    struct kpi_plugin *plugin = NULL;
    char path[128];
    kp_status st;

    snprintf(path, sizeof path, "%s/%u.so", dir, i);
    write_copy(path, bytes, read_fixture(bytes));
    st = kpi_plugin_load_file(path, NULL, &plugin, err);
    kpi_plugin_free(plugin);
    return st;
}

static void process_loads_as_many_objects_as_its_bound_and_no_more(void **state)
{
    char dir[TEMP_DIR_LEN];
    struct kp_error err;

    (void)state;
    kp_error_init(&err);
    temp_dir_make(dir);
    for (unsigned i = 0; i < KPI_DL_MAX; i++) {
        if (load_copy(dir, i, &err) != KP_OK)
            fail_msg("copy %u: %s", i, err.text);
    }
    assert_int_equal(load_copy(dir, KPI_DL_MAX, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "has loaded 64 plugins already"));
    assert_int_equal(load_copy(dir, KPI_DL_MAX, &err), KP_CONFIG);
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_loads_as_many_objects_as_its_bound_and_no_more),
    };

    return cmocka_run_group_tests_name("plugin_bound", tests, NULL, NULL);
}
