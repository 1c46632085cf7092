/*
 * Who a vault's plugin says it is: what the settings, the environment or the caller gave, copied
 * and checked. Immutable once made and counted: a fetch under way keeps the identity it began with
 * while a reload puts another in its place. Loop thread; a worker may read one that a fetch holds.
 *
 * Files are named here and read anew by each fetch, so that a renewed certificate or a rotated
 * federated token is used without a restart.
 */
#ifndef KP_PLUGINS_AZURE_REST_IDENTITY_H
#define KP_PLUGINS_AZURE_REST_IDENTITY_H

#include "base/buf.h"
#include "plugins/azure-rest/login.h"
#include "plugins/azure-rest/managed_identity.h"
#include "plugins/azure-rest/settings.h"

/* XX(SYMBOL, number, "text in identity.kind") */
#define AZR_KIND_MAP(XX)                                                                           \
    XX(CLIENT_SECRET, 1, "client_secret")                                                          \
    XX(CERTIFICATE, 2, "certificate")                                                              \
    XX(WORKLOAD, 3, "workload")                                                                    \
    XX(MANAGED_IDENTITY, 4, "managed_identity")

enum azr_kind {
    AZR_KIND_NONE = 0,
#define XX(symbol, number, text) AZR_KIND_##symbol = (number),
    AZR_KIND_MAP(XX)
#undef XX
};

#define AZR_KINDS_MAX 4u

/* Texts are owned and NUL-terminated, NULL where not given. */
struct azr_identity {
    uint32_t n_refs;
    uint32_t n_kinds;
    uint32_t kinds[AZR_KINDS_MAX]; /* enum azr_kind, tried in this order */
    bool is_guessed;               /* nobody named one: what the machine may have */
    char *tenant;                  /* NULL: the one the vault names */
    char *client_id;
    kp_buf secret; /* secret */
    char *certificate;
    kp_buf password; /* secret */
    char *thumbprint;
    uint32_t assertion_alg; /* enum azr_assertion_alg */
    char *token_file;       /* workload: the rest may come from the environment too */
    char *workload_tenant;
    char *workload_client_id;
    enum azr_mi_source source; /* AZR_MI_NONE: as the environment says */
    uint32_t selector;         /* enum azr_mi_selector */
    char *selector_id;
    char *imds_host;
};

/*
 * Makes an identity: the caller's when login names one, else the configuration's. *ret: one
 * reference. Errors: config naming the setting; no_memory.
 */
kp_status azr_identity_make(const struct azr_login *login, const struct azr_settings *settings,
                            struct azr_identity **ret, struct kp_error *reterr) KP_MUST_USE;
struct azr_identity *azr_identity_acquire(struct azr_identity *identity);
/* The last reference wipes and frees. NULL allowed. */
void azr_identity_release(struct azr_identity *identity);

/* "client_secret", ...: for sentences. Static storage. */
const char *azr_kind_text(uint32_t kind);

/*
 * What the machine says of managed identity: its environment variables, which the spans borrow
 * from, and whether there is a file at arc_agent, the path of Azure Arc's agent.
 */
void azr_identity_env(const struct azr_identity *identity, const char *arc_agent,
                      struct azr_mi_env *ret);

#endif /* KP_PLUGINS_AZURE_REST_IDENTITY_H */
