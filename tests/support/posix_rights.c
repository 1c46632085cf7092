#include "support/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* With the bits for running, which folders need. */
void rights_give(const char *path)
{
    assert_int_equal(chmod(path, 0777), 0);
}

void rights_take(const char *path)
{
    assert_int_equal(chmod(path, 0700), 0);
}

void rights_expect_private(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}
