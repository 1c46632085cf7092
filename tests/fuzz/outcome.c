#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/entries.h"

static uint64_t n_taken;

void fuzz_fail(const char *what)
{
    (void)fprintf(stderr, "fuzz: does not hold: %s\n", what);
    abort();
}

void fuzz_took(void)
{
    n_taken++;
}

uint64_t fuzz_n_taken(void)
{
    return n_taken;
}
