#include "support/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/rights.h"
#include "support/temp_dir.h"

#define NAME "/file"

const char *temp_file_make(const char *text)
{
    static char path[TEMP_DIR_LEN + sizeof NAME];
    char dir[TEMP_DIR_LEN];
    FILE *f;

    temp_dir_make(dir);
    (void)snprintf(path, sizeof path, "%s" NAME, dir);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    rights_take(path);
    return path;
}

void temp_file_remove(const char *path)
{
    char dir[TEMP_DIR_LEN];

    (void)snprintf(dir, sizeof dir, "%.*s", (int)(strlen(path) - strlen(NAME)), path);
    temp_dir_remove(dir);
}
