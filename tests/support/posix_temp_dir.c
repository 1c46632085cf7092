#define _XOPEN_SOURCE 700 /* nftw */

#include "support/temp_dir.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MAX_DESCRIPTORS 8

void temp_dir_make(char out[TEMP_DIR_LEN])
{
    (void)snprintf(out, TEMP_DIR_LEN, "/tmp/kp-test-XXXXXX");
    assert_non_null(mkdtemp(out));
}

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)found;
    (void)kind;
    (void)where;
    return remove(path);
}

void temp_dir_remove(const char *dir)
{
    if (nftw(dir, remove_entry, MAX_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0)
        assert_int_equal(errno, ENOENT);
}
