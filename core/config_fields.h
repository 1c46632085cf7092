/*
 * The members of the configuration as data: name, kind, range, default, sentence. The parser, the
 * effective configuration, the reload check and the JSON Schema walk these tables and know no
 * member by name.
 *
 * Threads: constant data and pure functions, any.
 */
#ifndef KP_CORE_CONFIG_FIELDS_H
#define KP_CORE_CONFIG_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config_limits.h"

#define KPI_VAULT_NAME_MAX_LEN 127u
#define KPI_SETTING_NAME_MAX_LEN 127u
#define KPI_TEXTS_MAX 1024u /* items of a list of texts */

/* Names as ECMA-262 regular expressions that POSIX extended ones read alike. */
#define KPI_VAULT_NAME_PATTERN "^[0-9A-Za-z][0-9A-Za-z._-]{0,126}$"
#define KPI_VARIABLE_NAME_PATTERN "^[A-Za-z_][0-9A-Za-z_]*$"

/* What the member is in its struct. */
enum kpi_field_kind {
    KPI_FIELD_LIMIT = 1,    /* uint32_t within [min, max]; KPI_UNIT_BOOLEAN is a JSON boolean */
    KPI_FIELD_BOOLEAN = 2,  /* bool */
    KPI_FIELD_TEXT = 3,     /* char *, min to max bytes */
    KPI_FIELD_CHOICE = 4,   /* bool: which of two words */
    KPI_FIELD_SECRET = 5,   /* struct kpi_secret_ref */
    KPI_FIELD_SETTINGS = 6, /* kpi_vault_config.settings */
    KPI_FIELD_PIN = 7,      /* struct kpi_pin */
    KPI_FIELD_VAULTS = 8,   /* kpi_config.vaults, by name */
    KPI_FIELD_PLUGINS = 9,  /* kpi_config.plugins, a list */
    KPI_FIELD_TEXTS = 10    /* struct kpi_texts, each item min to max bytes */
};

struct kpi_field {
    const char *path; /* dotted: members of nested objects */
    enum kpi_field_kind kind;
    bool required;
    bool reloadable;
    size_t offset; /* in the struct the table describes */
    uint32_t fallback;
    uint32_t min;
    uint32_t max;
    enum kpi_unit unit;
    const char *const *words; /* KPI_FIELD_CHOICE: false, true */
    /* KPI_FIELD_TEXT: what NULL stands for; KPI_FIELD_TEXTS: the one item none stands for.
     * NULL: absent */
    const char *text_fallback;
    const char *doc;
};

struct kpi_fields {
    const struct kpi_field *at;
    size_t n;
};

extern const struct kpi_fields kpi_config_fields; /* struct kpi_config */
extern const struct kpi_fields kpi_vault_fields;  /* struct kpi_vault_config */
extern const struct kpi_fields kpi_plugin_fields; /* struct kpi_plugin_config */

/* The field of exactly that path, or NULL. */
const struct kpi_field *kpi_field_find(const struct kpi_fields *fields, const char *path);
/* Whether path is an object that fields lie in. */
bool kpi_field_is_group(const struct kpi_fields *fields, const char *path);

/* "ms", "count"; static storage. */
const char *kpi_unit_text(enum kpi_unit unit);

/* ---- Guessing what was meant ---- */

#define KPI_GUESS_MAX_LEN 64u /* longer names are not guessed at */

/* The known name nearest to a mistyped one so far. */
struct kpi_guess {
    const char *meant_for; /* the mistyped name */
    size_t best_distance;
    char best[KPI_GUESS_MAX_LEN + 1]; /* empty: nothing near */
};

void kpi_guess_init(struct kpi_guess *guess, const char *mistyped);
/* Offers the first len bytes of a known name. Near is: at most a third of the letters differ. */
void kpi_guess_offer(struct kpi_guess *guess, const char *name, size_t len);
/* Offers what the fields have in the place of the last part of path. */
void kpi_guess_offer_fields(struct kpi_guess *guess, const struct kpi_fields *fields,
                            const char *path);

#endif /* KP_CORE_CONFIG_FIELDS_H */
