#include "core/config_fields.h"

#include <string.h>

#include "core/config.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- Lookup ---- */

const struct kpi_field *kpi_field_find(const struct kpi_fields *fields, const char *path)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (strcmp(fields->at[i].path, path) == 0)
            return &fields->at[i];
    }
    return NULL;
}

bool kpi_field_is_group(const struct kpi_fields *fields, const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < fields->n; i++) {
        if (strncmp(fields->at[i].path, path, len) == 0 && fields->at[i].path[len] == '.')
            return true;
    }
    return false;
}

const char *kpi_unit_text(enum kpi_unit unit)
{
    static const char *const texts[] = {
#define XX(symbol, number, text) [number] = (text),
        KPI_UNIT_MAP(XX)
#undef XX
    };

    return (size_t)unit < LEN(texts) ? texts[unit] : "";
}

/* ---- Guessing ---- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Rows of the table of distances: before the last, last, being filled. */
struct rows {
    size_t at[3][KPI_GUESS_MAX_LEN + 1];
};

static void fill_row(struct rows *rows, const char *a, size_t i, const char *b, size_t b_len)
{
    const size_t *older = rows->at[(i + 1) % 3];
    const size_t *old = rows->at[(i + 2) % 3];
    size_t *row = rows->at[i % 3];

    row[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
        bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];

        row[j] = smallest(old[j] + 1, row[j - 1] + 1, old[j - 1] + (a[i - 1] != b[j - 1]));
        if (swapped && older[j - 2] + 1 < row[j])
            row[j] = older[j - 2] + 1;
    }
}

/* Letters inserted, removed, replaced or swapped with their neighbour between two texts
 * (Damerau-Levenshtein, optimal string alignment). */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct rows rows;

    for (size_t j = 0; j <= b_len; j++)
        rows.at[0][j] = j;
    for (size_t i = 1; i <= a_len; i++)
        fill_row(&rows, a, i, b, b_len);
    return rows.at[a_len % 3][b_len];
}

void kpi_guess_init(struct kpi_guess *guess, const char *mistyped)
{
    guess->meant_for = mistyped;
    guess->best_distance = SIZE_MAX;
    guess->best[0] = '\0';
}

void kpi_guess_offer(struct kpi_guess *guess, const char *name, size_t len)
{
    size_t typed_len = strlen(guess->meant_for);
    size_t distance;

    if (len > KPI_GUESS_MAX_LEN || typed_len > KPI_GUESS_MAX_LEN)
        return;
    distance = edit_distance(guess->meant_for, typed_len, name, len);
    if (distance >= guess->best_distance || 3 * distance > (len > typed_len ? len : typed_len))
        return;
    guess->best_distance = distance;
    memcpy(guess->best, name, len);
    guess->best[len] = '\0';
}

void kpi_guess_offer_fields(struct kpi_guess *guess, const struct kpi_fields *fields,
                            const char *path)
{
    const char *dot = strrchr(path, '.');
    size_t shared = dot ? (size_t)(dot - path) + 1 : 0;

    for (size_t i = 0; i < fields->n; i++) {
        const char *known = fields->at[i].path;

        if (strncmp(known, path, shared) == 0)
            kpi_guess_offer(guess, known + shared, strcspn(known + shared, "."));
    }
}

/* ---- The tables ---- */

static const char *const log_formats[] = {"text", "json"};
static const char *const thumbprints[] = {"public-key", "name"};

#define TEXT_MAX KP_VAULT_TEXT_MAX_LEN

/* Where a member stands in its struct. */
#define CONFIG(member) .offset = offsetof(struct kpi_config, member)
#define VAULT(member) .offset = offsetof(struct kpi_vault_config, member)
#define PLUGIN(member) .offset = offsetof(struct kpi_plugin_config, member)

#define LIMIT(name, place, number, least, most, units, can_reload, text)                           \
    {.path = (name),                                                                               \
     .kind = KPI_FIELD_LIMIT,                                                                      \
     place,                                                                                        \
     .fallback = (number),                                                                         \
     .min = (least),                                                                               \
     .max = (most),                                                                                \
     .unit = KPI_UNIT_##units,                                                                     \
     .reloadable = (can_reload),                                                                   \
     .doc = (text)},

/* clang-format off */
static const struct kpi_field config_rows[] = {
#define XX(member, name, number, least, most, units, can_reload, text)                             \
    LIMIT(name, CONFIG(provider.member), number, least, most, units, can_reload, text)
    KPI_PROVIDER_LIMIT_MAP(XX)
#undef XX
    {.path = "log.levels", .kind = KPI_FIELD_TEXT, CONFIG(log_levels), .min = 1, .max = 1024,
     .reloadable = true, .text_fallback = KPI_LOG_LEVELS_DEFAULT,
     .doc = "level of all modules, then of single ones: info,pipeline=debug"},
    {.path = "log.format", .kind = KPI_FIELD_CHOICE, CONFIG(log_json), .words = log_formats,
     .doc = "text, or json: one object a line"},
    {.path = "http.proxy", .kind = KPI_FIELD_TEXT, CONFIG(http_proxy), .min = 1, .max = TEXT_MAX,
     .text_fallback = KPI_HTTP_PROXY_DEFAULT,
     .doc = "http://HOST:PORT, none, system: the settings of Windows, or environment: what "
            "https_proxy says there"},
    {.path = "http.no_proxy", .kind = KPI_FIELD_TEXT, CONFIG(http_no_proxy), .min = 1,
     .max = TEXT_MAX,
     .doc = "hosts reached without the proxy, between commas; without it what no_proxy says"},
    {.path = "http.ca_file", .kind = KPI_FIELD_TEXT, CONFIG(http_ca_file), .min = 1,
     .max = TEXT_MAX, .doc = "PEM file of issuers that are trusted beside the system's"},
    {.path = "http.crl_file", .kind = KPI_FIELD_TEXT, CONFIG(http_crl_file), .min = 1,
     .max = TEXT_MAX, .doc = "PEM file of revocation lists"},
    {.path = "http.cleartext_hosts", .kind = KPI_FIELD_TEXT, CONFIG(http_cleartext_hosts),
     .min = 1, .max = TEXT_MAX,
     .doc = "identity endpoints, between commas, that may be asked without TLS"},
    {.path = "plugin_dir", .kind = KPI_FIELD_TEXT, CONFIG(plugin_dir), .min = 1, .max = TEXT_MAX,
     .doc = "folder whose *.so files are loaded as plugins"},
    {.path = "plugins", .kind = KPI_FIELD_PLUGINS,
     .doc = "plugins that must load, each with a path or a name in plugin_dir"},
    {.path = "allow_inline_secrets", .kind = KPI_FIELD_BOOLEAN, CONFIG(allow_inline_secrets),
     .reloadable = true, .doc = "a vault's secret may stand in the configuration itself"},
#define XX(member, name, number, least, most, units, can_reload, text)                             \
    LIMIT("defaults." name, CONFIG(defaults.member), number, least, most, units, can_reload, text)
    KPI_VAULT_LIMIT_MAP(XX)
#undef XX
    {.path = "ekm.allow", .kind = KPI_FIELD_TEXTS, CONFIG(ekm.allow), .min = 1, .max = TEXT_MAX,
     .doc = "what IDENTITY may name beside hosts: config:NAME, file:DIR"},
    {.path = "ekm.managed_identity_vault", .kind = KPI_FIELD_TEXT,
     CONFIG(ekm.managed_identity_vault), .min = 1, .max = 255,
     .doc = "host of the vault that IDENTITY = 'Managed Identity' means"},
    {.path = "ekm.thumbprint", .kind = KPI_FIELD_CHOICE, CONFIG(ekm.name_thumbprints),
     .words = thumbprints,
     .doc = "what SQL Server knows a new key by: public-key, or name as old connectors did"},
    {.path = "ekm.wrap_algorithm", .kind = KPI_FIELD_TEXT, CONFIG(ekm.wrap_algorithm), .min = 1,
     .max = 64, .text_fallback = KPI_EKM_ALGORITHM_DEFAULT,
     .doc = "algorithm data is wrapped with: RSA-OAEP-256 or RSA-OAEP"},
    {.path = "ekm.decrypt_algorithms", .kind = KPI_FIELD_TEXTS, CONFIG(ekm.decrypt_algorithms),
     .min = 1, .max = 64, .text_fallback = KPI_EKM_ALGORITHM_DEFAULT,
     .doc = "algorithms tried in turn on data to unwrap: RSA-OAEP-256, RSA-OAEP, RSA1_5"},
    {.path = "ekm.key_names", .kind = KPI_FIELD_TEXTS, CONFIG(ekm.key_names), .min = 1, .max = 192,
     .doc = "NAME or NAME/VERSION of keys looked at first for an unknown thumbprint"},
    {.path = "ekm.key_map", .kind = KPI_FIELD_TEXT, CONFIG(ekm.key_map), .min = 1, .max = TEXT_MAX,
     .text_fallback = KPI_EKM_KEY_MAP_DEFAULT,
     .doc = "file that records which key version stands behind a thumbprint"},
    {.path = "ekm.log_file", .kind = KPI_FIELD_TEXT, CONFIG(ekm.log_file), .min = 1,
     .max = TEXT_MAX, .doc = "file the provider's log is appended to; without it standard error"},
#define XX(member, name, number, least, most, units, can_reload, text)                             \
    LIMIT("ekm." name, CONFIG(ekm.limits.member), number, least, most, units, can_reload, text)
    KPI_EKM_LIMIT_MAP(XX)
#undef XX
    {.path = "vaults", .kind = KPI_FIELD_VAULTS, .reloadable = true, .doc = "vaults by name"},
};

static const struct kpi_field vault_rows[] = {
    {.path = "location", .kind = KPI_FIELD_TEXT, VAULT(location), .min = 1, .max = TEXT_MAX,
     .required = true, .doc = "SCHEME:LOCATION such as file:/var/lib/keys, or a host name"},
    {.path = "plugin", .kind = KPI_FIELD_TEXT, VAULT(plugin), .min = 1, .max = 64,
     .doc = "name of the plugin; without it the location decides"},
    {.path = "identity", .kind = KPI_FIELD_TEXT, VAULT(identity), .min = 1, .max = TEXT_MAX,
     .doc = "who we are to the vault, such as a client id"},
    {.path = "secret", .kind = KPI_FIELD_SECRET, VAULT(secret),
     .doc = "where the identity's secret is"},
    {.path = "access_secret", .kind = KPI_FIELD_SECRET, VAULT(access_secret), .reloadable = true,
     .doc = "where the SECRET is that a SQL Server credential for this vault must have"},
    {.path = "may_create", .kind = KPI_FIELD_BOOLEAN, VAULT(may_create),
     .doc = "opening the vault may bring it into being"},
    {.path = "settings", .kind = KPI_FIELD_SETTINGS,
     .doc = "what the plugin itself wants to know; kp plugins lists it"},
#define XX(member, name, number, least, most, units, can_reload, text)                             \
    LIMIT(name, VAULT(limits.member), number, least, most, units, can_reload, text)
    KPI_VAULT_LIMIT_MAP(XX)
#undef XX
};

static const struct kpi_field plugin_rows[] = {
    {.path = "path", .kind = KPI_FIELD_TEXT, PLUGIN(path), .min = 1, .max = TEXT_MAX,
     .doc = "file of the plugin"},
    {.path = "name", .kind = KPI_FIELD_TEXT, PLUGIN(name), .min = 1, .max = 64,
     .doc = "the plugin is NAME.so, on Windows NAME.dll, in plugin_dir"},
    {.path = "sha256", .kind = KPI_FIELD_PIN, PLUGIN(file),
     .doc = "SHA-256 its file must have, 64 hex digits"},
    {.path = "signer_sha256", .kind = KPI_FIELD_PIN, PLUGIN(signer),
     .doc = "Windows: SHA-256 of the certificate that must have signed it, 64 hex digits"},
};
/* clang-format on */

const struct kpi_fields kpi_config_fields = {config_rows, LEN(config_rows)};
const struct kpi_fields kpi_vault_fields = {vault_rows, LEN(vault_rows)};
const struct kpi_fields kpi_plugin_fields = {plugin_rows, LEN(plugin_rows)};
