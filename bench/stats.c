#include "bench/stats.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percentile(double *values, size_t n, unsigned percent)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, compare);
    size_t rank = (n * percent + 99) / 100;
    return values[rank > 0 ? rank - 1 : 0];
}

double bench_median(double *values, size_t n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
