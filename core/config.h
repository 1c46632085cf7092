/*
 * The configuration: what one JSON file says, read and checked as a whole, with every default
 * filled in. Plain data once loaded; it opens no vault and loads no plugin.
 *
 * Secrets stand in it by reference (a file, sealed or not, an environment variable) and are fetched
 * with kpi_secret_fetch when they are used. Inline ones need "allow_inline_secrets".
 *
 * Threads: a loaded configuration is read-only and may be read from any. Ownership: everything a
 * struct here points to belongs to it and goes with its clear.
 */
#ifndef KP_CORE_CONFIG_H
#define KP_CORE_CONFIG_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#include "base/buf.h"
#include "core/config_limits.h"

#define KPI_CONFIG_MAX_LEN (1024u * 1024u) /* bytes of a configuration */
#define KPI_CONFIG_MAX_DEPTH 32u           /* objects and arrays inside one another */
#define KPI_SECRET_MAX_LEN (64u * 1024u)   /* bytes of a secret read from a file or variable */
#define KPI_SEALED_MAX_LEN (KPI_SECRET_MAX_LEN + 4096u) /* bytes of a secret as DPAPI seals it */
#define KPI_SHA256_LEN 32u
#define KPI_LOG_LEVELS_DEFAULT "info"
#define KPI_EKM_ALGORITHM_DEFAULT "RSA-OAEP-256"
#if defined(_WIN32)
#define KPI_EKM_KEY_MAP_DEFAULT "HKLM\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider"
#else
#define KPI_EKM_KEY_MAP_DEFAULT "/var/lib/keyprovider/ekm-keys.json"
#endif
#define KPI_HTTP_PROXY_DEFAULT "environment"

/* ---- Parts ---- */

enum kpi_secret_kind {
    KPI_SECRET_NONE = 0,
    KPI_SECRET_FILE = 1,
    KPI_SECRET_ENV = 2,
    KPI_SECRET_INLINE = 3,
    KPI_SECRET_DPAPI = 4 /* a file that DPAPI has sealed */
};

/* Where a secret is. */
struct kpi_secret_ref {
    enum kpi_secret_kind kind;
    char *source;   /* path or name of the variable; NULL for NONE and INLINE */
    kp_buf literal; /* INLINE only; secret */
};

/* One value of a vault's "settings", nested objects flattened to dotted names. */
struct kpi_setting {
    char *name;
    char *text;        /* value as text; NULL for a secret */
    uint32_t type;     /* enum kp_setting_type: as read from JSON, then as the plugin says */
    bool reloadable;   /* the plugin says so */
    bool trusted_file; /* text; KP_SETTING_TRUSTED_FILE */
    struct kpi_secret_ref secret; /* KP_SETTING_SECRET only */
};

/* A list of texts. */
struct kpi_texts {
    char **at;
    size_t n;
};

struct kpi_vault_config {
    char *name;
    char *plugin;                        /* empty: found by location */
    char *location;                      /* "file:/path" or a host name */
    char *identity;                      /* empty: none */
    struct kpi_secret_ref secret;        /* goes with identity */
    struct kpi_secret_ref access_secret; /* what opens the vault to SQL Server's credentials */
    bool may_create;                     /* opening may bring the vault into being */
    bool settings_checked;               /* kpi_config_check_settings has passed */
    struct kpi_setting *settings;
    size_t n_settings;
    struct kpi_vault_limits limits; /* "defaults" with the vault's own on top */
};

/* A SHA-256 that something must have. */
struct kpi_pin {
    bool is_set;
    uint8_t sha256[KPI_SHA256_LEN];
};

/* A plugin the configuration insists on: exactly one of path and name is set. */
struct kpi_plugin_config {
    char *path;
    char *name;            /* NAME.so or NAME.dll of the plugin folder */
    struct kpi_pin file;   /* of its bytes */
    struct kpi_pin signer; /* of the certificate that signed it; Windows */
};

/* What the SQL Server provider is told; the core itself uses none of it. NULL and empty: see the
 * fallback in the table of fields. */
struct kpi_ekm_config {
    struct kpi_texts allow;
    struct kpi_texts decrypt_algorithms;
    struct kpi_texts key_names;
    char *managed_identity_vault;
    char *wrap_algorithm;
    char *key_map;
    char *log_file;
    bool name_thumbprints;
    struct kpi_ekm_limits limits;
};

struct kpi_config {
    char *path;       /* the file it was read from; NULL: none */
    char *plugin_dir; /* NULL: the caller's, else the installed one */
    char *log_levels; /* such as "info,pipeline=debug" */
    bool log_json;
    bool allow_inline_secrets;
    char *http_proxy;    /* NULL means KPI_HTTP_PROXY_DEFAULT */
    char *http_no_proxy; /* NULL: the environment's */
    char *http_ca_file;  /* NULL: none, as below */
    char *http_crl_file;
    char *http_cleartext_hosts;
    struct kpi_provider_limits provider;
    struct kpi_vault_limits defaults;
    struct kpi_vault_config *vaults;
    size_t n_vaults;
    struct kpi_plugin_config *plugins;
    size_t n_plugins;
    struct kpi_ekm_config ekm;
};

/* ---- Lifecycle ---- */

/* Every default, no vault. Allocates nothing: log_levels stays NULL, which means
 * KPI_LOG_LEVELS_DEFAULT. */
void kpi_config_init(struct kpi_config *config);

/*
 * Reads the file or text that options name; neither (or options NULL) gives the defaults. A file
 * goes through core/trust. *ret_config is written only on success; clear it. Blocks on files.
 * Errors: config (the sentence names the path of the offending value), usage (both given),
 * no_memory.
 */
kp_status kpi_config_load(const struct kp_options *options, struct kpi_config *ret_config,
                          struct kp_error *reterr) KP_MUST_USE;

/* The same from bytes alone; any bytes are allowed. Errors: config, no_memory. */
kp_status kpi_config_parse(kp_span text, struct kpi_config *ret_config, struct kp_error *reterr)
    KP_MUST_USE;

/* Frees everything, wiping inline secrets; the struct is then as after init. NULL is allowed. */
void kpi_config_clear(struct kpi_config *config);

/* The configured vault of that name, or NULL. Valid as long as config. */
const struct kpi_vault_config *kpi_config_find_vault(const struct kpi_config *config, kp_span name);

/*
 * A vault that stands in no configuration: limits from "defaults", no settings. name and location
 * are copied. Clear it with kpi_vault_config_clear. Errors: no_memory.
 */
kp_status kpi_vault_config_init(struct kpi_vault_config *vault, const struct kpi_config *config,
                                kp_span name, kp_span location) KP_MUST_USE;
/* Deep copy into *ret_copy, which is written only on success. Errors: no_memory. */
kp_status kpi_vault_config_copy(const struct kpi_vault_config *vault,
                                struct kpi_vault_config *ret_copy) KP_MUST_USE;
/* Frees n settings and their array, wiping inline secrets. NULL is allowed. */
void kpi_settings_free(struct kpi_setting *settings, size_t n);
/* Frees everything, wiping inline secrets. NULL is allowed. */
void kpi_vault_config_clear(struct kpi_vault_config *vault);

/*
 * Checks a vault's settings against what its plugin knows and fills in the plugin's fallbacks, in
 * the plugin's order. Once passed, calling it again changes nothing.
 * Errors: config (the sentence begins with the path, vaults.NAME.settings.SETTING), no_memory; the
 * settings are then as before.
 */
kp_status kpi_config_check_settings(struct kpi_vault_config *vault, const struct kp_caps *caps,
                                    struct kp_error *reterr) KP_MUST_USE;

/*
 * Whether `next` may replace `running` without a restart. Errors: config, naming the first value
 * that cannot change while running.
 */
kp_status kpi_config_check_reload(const struct kpi_config *running, const struct kpi_config *next,
                                  struct kp_error *reterr) KP_MUST_USE;

/*
 * Writes the effective configuration as JSON that kpi_config_parse reads back, inline secrets
 * apart. A secret shows as its source and whether it is there now: {"env": NAME, "present": true};
 * the value of an inline one is null. Text settings no plugin has spoken for show as "(not
 * checked)", for they may be secrets. Blocks on the files of secrets. Errors: no_memory.
 */
kp_status kpi_config_write_effective(const struct kpi_config *config, kp_text_fn *write, void *ctx)
    KP_MUST_USE;
/* The same of one object in the root, such as "ekm". Errors: usage (no such object), no_memory. */
kp_status kpi_config_write_section(const struct kpi_config *config, const char *name,
                                   kp_text_fn *write, void *ctx) KP_MUST_USE;

/* ---- Using secrets ---- */

/*
 * Fetches a secret into out, an initialised secret kp_buf, replacing what it held. One trailing
 * line end of a file is cut. NONE gives the empty secret. May block on a file (core/trust guards
 * it). Errors: config (missing, empty, too long, not to be trusted; the sentence names the source
 * and never the value), no_memory.
 */
kp_status kpi_secret_fetch(const struct kpi_secret_ref *ref, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

/* Whether kpi_secret_fetch reads a file, which may take as long as its disk. */
bool kpi_secret_is_on_disk(const struct kpi_secret_ref *ref);

/* Whether kpi_secret_fetch would give a secret now. The same blocking. */
bool kpi_secret_is_present(const struct kpi_secret_ref *ref);

/*
 * What a vault's plugin is handed: every setting with its secret fetched. Fixed after
 * kpi_vault_inputs_fetch; view points into it.
 */
struct kpi_vault_inputs {
    kp_buf secret;
    kp_buf *fetched; /* one per secret setting */
    size_t n_fetched;
    struct kp_setting *settings;
    struct kp_vault_settings view; /* identity and secret, settings; name and location of vault */
};

/*
 * Fetches all secrets of a vault and builds the view. vault must outlive *ret_inputs and have been
 * checked. Blocks on files: call it from a worker. Errors: as kpi_secret_fetch, prefixed by the
 * path.
 */
kp_status kpi_vault_inputs_fetch(const struct kpi_vault_config *vault,
                                 struct kpi_vault_inputs *ret_inputs, struct kp_error *reterr)
    KP_MUST_USE;
void kpi_vault_inputs_clear(struct kpi_vault_inputs *inputs);

#endif /* KP_CORE_CONFIG_H */
