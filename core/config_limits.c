#include "core/config_limits.h"

#define XX(member, path, fallback, min, max, unit, reloadable, doc) limits->member = (fallback);

void kpi_vault_limits_init(struct kpi_vault_limits *limits)
{
    KPI_VAULT_LIMIT_MAP(XX)
}

void kpi_provider_limits_init(struct kpi_provider_limits *limits)
{
    KPI_PROVIDER_LIMIT_MAP(XX)
}

void kpi_ekm_limits_init(struct kpi_ekm_limits *limits)
{
    KPI_EKM_LIMIT_MAP(XX)
}

#undef XX
