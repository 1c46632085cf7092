#include "core/local.h"

static _Thread_local struct kpi_local local;

struct kpi_local *kpi_local(void)
{
    return &local;
}
