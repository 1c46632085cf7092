/*
 * What is emulated: a tenant, applications with their credentials and permissions, vaults. Read
 * from one JSON text, checked as a whole; docs/EMULATOR.md describes its members. Immutable once
 * read.
 */
#ifndef KP_TOOLS_KP_EMULATOR_SETTINGS_H
#define KP_TOOLS_KP_EMULATOR_SETTINGS_H

#include "crypto/key.h"
#include "tools/kp-emulator/json.h"

#define EMU_APPS_MAX 16u
#define EMU_VAULTS_MAX 32u
#define EMU_CERTIFICATES_MAX 4u
#define EMU_NAME_MAX_LEN 64u
#define EMU_TOKEN_LIFETIME_S 3599 /* of tokens, unless the settings say otherwise */

/* A certificate an application may sign assertions with. */
struct emu_certificate {
    uint8_t sha1[20];
    uint8_t sha256[32];
    struct kpc_key *key; /* its public key, RSA */
};

/* An application, or a managed identity. Texts and JSON belong to the settings' root. */
struct emu_app {
    const char *client_id;
    const char *object_id;
    const json_t *secrets;     /* array of strings */
    const json_t *old_secrets; /* array of strings: expired ones */
    const json_t *federated;   /* array of strings: subjects that may stand in for it */
    const json_t *permissions; /* NULL: everything; array, or object of arrays by vault */
    bool is_system_identity;
    bool is_user_identity;
    size_t n_certificates;
    struct emu_certificate certificates[EMU_CERTIFICATES_MAX];
};

enum emu_mode { EMU_VAULT = 1, EMU_HSM = 2 };

struct emu_vault_settings {
    char name[EMU_NAME_MAX_LEN];
    enum emu_mode mode;
    const json_t *hosts; /* array of host names besides NAME + suffix */
    const char *domain;  /* geography, or security domain: backups restore within it */
    bool is_rbac;        /* role assignments instead of access policies */
    bool purge_protection;
    bool blocks_clients; /* the firewall refuses everybody */
    int64_t retention_days;
    int64_t latency_percent; /* of what a Managed HSM was seen to take; 0: none of it */
    int64_t delete_delay_s;  /* until a deleted key shows, and until a purged name is free */
};

struct emu_settings {
    json_t *root;
    const char *tenant;
    int64_t token_lifetime_s;
    int64_t throttle_percent; /* of the documented limits; 0: no throttling */
    bool sends_retry_after;
    bool empty_pages; /* lists begin with an empty page that has a successor */
    const char *challenge;
    struct emu_app apps[EMU_APPS_MAX];
    size_t n_apps;
    struct emu_vault_settings vaults[EMU_VAULTS_MAX];
    size_t n_vaults;
};

/* Takes root (also on failure). Errors: config, the sentence names the member. */
kp_status emu_settings_read(json_t *root, struct emu_settings *ret, struct kp_error *reterr)
    KP_MUST_USE;
void emu_settings_clear(struct emu_settings *settings);
/* The application of that client id, without case; NULL when there is none. */
const struct emu_app *emu_settings_app(const struct emu_settings *settings, kp_span client_id);
/* Whether the application may do what permission names ("get", "wrapKey", ...) in that vault. */
bool emu_app_may(const struct emu_app *app, const char *vault, const char *permission);

#endif /* KP_TOOLS_KP_EMULATOR_SETTINGS_H */
