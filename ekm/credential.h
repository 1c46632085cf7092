/*
 * What a credential of SQL Server means: which vault, as whom. Every documented form, and ours:
 *
 *   IDENTITY                      SECRET
 *   NAME                          client id (32 hex digits, no hyphens) + client secret: NAME is a
 *                                 vault of the public cloud
 *   HOST                          the same; HOST in full, of any cloud and of Managed HSM
 *   HOST or NAME                  Managed Identity
 *   Managed Identity              nothing: the vault is ekm.managed_identity_vault
 *   config:NAME                   the vault's access_secret; NAME stands in the configuration
 *   file:DIR                      not looked at
 *
 * The last two only if ekm.allow lists them.
 *
 * Pure functions over the caller's data, any thread; the credential's secret is in secret memory.
 */
#ifndef KP_EKM_CREDENTIAL_H
#define KP_EKM_CREDENTIAL_H

#include "base/buf.h"
#include "ekm/settings.h"

#define EKM_CREDENTIAL_MAX_LEN 4000u /* characters: sys.credentials.credential_identity */
#define EKM_CLIENT_ID_LEN 32u
#define EKM_GUID_LEN 36u

enum ekm_credential_kind {
    EKM_CREDENTIAL_NONE = 0,
    EKM_CREDENTIAL_CLIENT = 1,  /* host, client id, client secret */
    EKM_CREDENTIAL_MANAGED = 2, /* host; whoever the machine is */
    EKM_CREDENTIAL_CONFIG = 3,  /* a configured vault; secret is to be its access secret */
    EKM_CREDENTIAL_FILE = 4     /* a file vault */
};

/* A credential taken apart. Start from zero; clear it. */
struct ekm_credential {
    enum ekm_credential_kind kind;
    kp_buf vault;                     /* for kp_vault_acquire, with a NUL that len counts not */
    char client_id[EKM_GUID_LEN + 1]; /* CLIENT: with its hyphens */
    kp_buf secret;                    /* CLIENT: client secret; CONFIG: access secret */
};

/*
 * Takes identity and secret (UTF-8) apart. *ret is the caller's to clear, also after a failure.
 * Errors, each with the documented code and a sentence that says what to fix: auth with 2050
 * (SECRET under 32 characters), auth with 3303 (hyphens in the client id, or no client id at all,
 * or no client secret), not_found with 3900 (no name of a vault), auth with 5 (not in
 * ekm.allow, a network or device path, no managed_identity_vault), usage with 6 (IDENTITY is
 * empty), no_memory.
 */
kp_status ekm_credential_read(kp_span identity, kp_span secret, const struct ekm_settings *settings,
                              struct ekm_credential *ret, struct kp_error *reterr) KP_MUST_USE;
/* Wipes and frees. A zeroed one is allowed. */
void ekm_credential_clear(struct ekm_credential *credential);
/* The vault as text. */
const char *ekm_credential_vault(const struct ekm_credential *credential);

#endif /* KP_EKM_CREDENTIAL_H */
