#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/entries.h"

void fuzz_fail(const char *what)
{
    (void)fprintf(stderr, "fuzz: does not hold: %s\n", what);
    abort();
}
