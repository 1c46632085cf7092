/*
 * A vault's settings against what its plugin knows. The configuration was read before plugins were
 * loaded, so that settings came as dotted names with text; a secret NAME came as NAME.file,
 * NAME.env or NAME.dpapi. The answer is a new list in the plugin's order, so that a refusal changes
 * nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/config.h"
#include "core/config_fields.h"
#include "core/dpapi.h"

static const char *const secret_members[] = {".file", ".env", ".dpapi", ".present"};
static const enum kpi_secret_kind member_kinds[] = {KPI_SECRET_FILE, KPI_SECRET_ENV,
                                                    KPI_SECRET_DPAPI};

#define N_SOURCES 3u      /* of the members; they come first */
#define MEMBER_PRESENT 3u /* written by kpi_config_write_effective; means nothing when read */

struct check {
    const struct kpi_vault_config *vault;
    struct kpi_setting *list; /* under construction */
    size_t n;
    struct kp_error *err;
};

static kp_status refuse(struct check *c, const char *name, const char *what)
{
    return kpb_fail(c->err, KP_CONFIG, "vaults.%s.settings.%s: %s", c->vault->name, name, what);
}

/* Whether name is spec's, with member ("" for none) after it. */
static bool is_named(const struct kp_setting_spec *spec, const char *member, const char *name)
{
    size_t len = strlen(spec->name);

    return strncmp(spec->name, name, len) == 0 && strcmp(name + len, member) == 0;
}

static const struct kpi_setting *find_given(const struct check *c,
                                            const struct kp_setting_spec *spec, const char *member)
{
    for (size_t i = 0; i < c->vault->n_settings; i++) {
        if (is_named(spec, member, c->vault->settings[i].name))
            return &c->vault->settings[i];
    }
    return NULL;
}

/* ---- Names ---- */

static bool claims(const struct kp_setting_spec *spec, const char *name)
{
    if (is_named(spec, "", name))
        return true;
    for (unsigned i = 0; i <= MEMBER_PRESENT; i++) {
        if (spec->type == KP_SETTING_SECRET && is_named(spec, secret_members[i], name))
            return true;
    }
    return false;
}

/* A secret is offered as what would stand in its place: NAME.file, NAME.env. */
static void offer_spec(struct kpi_guess *guess, const struct kp_setting_spec *spec)
{
    char name[KPI_GUESS_MAX_LEN + 1];

    if (spec->type != KP_SETTING_SECRET) {
        kpi_guess_offer(guess, spec->name, strlen(spec->name));
        return;
    }
    for (unsigned i = 0; i < N_SOURCES; i++) {
        int n = snprintf(name, sizeof name, "%s%s", spec->name, secret_members[i]);

        if (n > 0 && (size_t)n < sizeof name)
            kpi_guess_offer(guess, name, (size_t)n);
    }
}

static kp_status refuse_unknown(struct check *c, const struct kp_caps *caps, const char *name)
{
    struct kpi_guess guess;

    kpi_guess_init(&guess, name);
    for (size_t i = 0; caps->settings[i]; i++)
        offer_spec(&guess, caps->settings[i]);
    if (!guess.best[0])
        return refuse(c, name, "the plugin has no such setting");
    return kpb_fail(c->err, KP_CONFIG,
                    "vaults.%s.settings.%s: the plugin has no such setting; is %s meant?",
                    c->vault->name, name, guess.best);
}

static kp_status check_name(struct check *c, const struct kp_caps *caps, const char *name)
{
    for (size_t i = 0; caps->settings[i]; i++) {
        if (claims(caps->settings[i], name))
            return KP_OK;
    }
    return refuse_unknown(c, caps, name);
}

static kp_status check_names(struct check *c, const struct kp_caps *caps)
{
    kp_status st = KP_OK;

    for (size_t i = 0; i < c->vault->n_settings && st == KP_OK; i++)
        st = check_name(c, caps, c->vault->settings[i].name);
    return st;
}

/* ---- Values ---- */

/* The next place of the list, which clearing the list frees from now on; NULL when memory is
 * out. */
static struct kpi_setting *start_setting(struct check *c, const struct kp_setting_spec *spec)
{
    struct kpi_setting *setting = &c->list[c->n];

    setting->name = kpb_strdup_span("config.setting", kpb_span_str(spec->name));
    if (!setting->name)
        return NULL;
    c->n++;
    setting->type = spec->type;
    setting->reloadable = (spec->flags & KP_SETTING_RELOADABLE) != 0;
    setting->trusted_file = (spec->flags & KP_SETTING_TRUSTED_FILE) != 0;
    return setting;
}

static kp_status finish_setting(struct check *c, const char *copy)
{
    return copy ? KP_OK : kpb_fail_memory(c->err, "config.setting");
}

static kp_status add_plain(struct check *c, const struct kp_setting_spec *spec, const char *text)
{
    struct kpi_setting *setting = start_setting(c, spec);

    if (!setting)
        return finish_setting(c, NULL);
    setting->text = kpb_strdup_span("config.setting", kpb_span_str(text));
    return finish_setting(c, setting->text);
}

static kp_status check_integer(struct check *c, const struct kp_setting_spec *spec,
                               const char *text)
{
    long long value = strtoll(text, NULL, 10); /* digits, by the JSON reader */

    if (value >= spec->min && value <= spec->max)
        return KP_OK;
    return kpb_fail(c->err, KP_CONFIG, "vaults.%s.settings.%s: %s is %s %lld", c->vault->name,
                    spec->name, text, value < spec->min ? "below" : "above",
                    (long long)(value < spec->min ? spec->min : spec->max));
}

static kp_status check_value(struct check *c, const struct kp_setting_spec *spec,
                             const struct kpi_setting *given)
{
    if (given->type != spec->type) {
        if (spec->type == KP_SETTING_INTEGER)
            return refuse(c, spec->name, "expected a whole number");
        if (spec->type == KP_SETTING_BOOLEAN)
            return refuse(c, spec->name, "expected true or false");
        return refuse(c, spec->name, "expected text");
    }
    return spec->type == KP_SETTING_INTEGER ? check_integer(c, spec, given->text) : KP_OK;
}

static kp_status take_plain(struct check *c, const struct kp_setting_spec *spec)
{
    const struct kpi_setting *given = find_given(c, spec, "");
    kp_status st;

    if (!given)
        return spec->fallback ? add_plain(c, spec, spec->fallback) : KP_OK;
    st = check_value(c, spec, given);
    return st == KP_OK ? add_plain(c, spec, given->text) : st;
}

static kp_status add_secret(struct check *c, const struct kp_setting_spec *spec,
                            enum kpi_secret_kind kind, const char *source)
{
    struct kpi_setting *setting = start_setting(c, spec);

    if (!setting)
        return finish_setting(c, NULL);
    setting->secret.kind = kind;
    setting->secret.source = kpb_strdup_span("config.setting", kpb_span_str(source));
    return finish_setting(c, setting->secret.source);
}

static kp_status take_source(struct check *c, const struct kp_setting_spec *spec,
                             enum kpi_secret_kind kind, const struct kpi_setting *given)
{
    if (given->type != KP_SETTING_TEXT || given->text[0] == '\0')
        return refuse(c, given->name, "expected text");
    if (kind == KPI_SECRET_DPAPI && !kpi_dpapi_is_here())
        return refuse(c, given->name, KPI_DPAPI_SENTENCE);
    return add_secret(c, spec, kind, given->text);
}

static kp_status take_secret(struct check *c, const struct kp_setting_spec *spec)
{
    const struct kpi_setting *given = NULL;
    enum kpi_secret_kind kind = KPI_SECRET_NONE;
    size_t n_given = 0;

    if (find_given(c, spec, ""))
        return refuse(c, spec->name,
                      "a secret never stands here; "
                      "give {\"file\": PATH} or {\"env\": NAME}");
    for (unsigned i = 0; i < N_SOURCES; i++) {
        const struct kpi_setting *found = find_given(c, spec, secret_members[i]);

        n_given += found ? 1 : 0;
        kind = found ? member_kinds[i] : kind;
        given = found ? found : given;
    }
    if (n_given > 1)
        return refuse(c, spec->name, "expected exactly one of file, env and dpapi");
    return given ? take_source(c, spec, kind, given) : KP_OK;
}

/* ---- The whole ---- */

static kp_status take_all(struct check *c, const struct kp_caps *caps)
{
    kp_status st = check_names(c, caps);

    for (size_t i = 0; caps->settings[i] && st == KP_OK; i++) {
        const struct kp_setting_spec *spec = caps->settings[i];

        st = spec->type == KP_SETTING_SECRET ? take_secret(c, spec) : take_plain(c, spec);
    }
    return st;
}

static size_t count_specs(const struct kp_caps *caps)
{
    size_t n = 0;

    while (caps->settings[n])
        n++;
    return n;
}

kp_status kpi_config_check_settings(struct kpi_vault_config *vault, const struct kp_caps *caps,
                                    struct kp_error *reterr)
{
    struct check c = {.vault = vault, .err = reterr};
    kp_status st;

    if (vault->settings_checked)
        return KP_OK;
    c.list = kpb_alloc_array("config.settings", count_specs(caps), sizeof *c.list);
    if (!c.list)
        return kpb_fail_memory(reterr, "config.settings");
    st = take_all(&c, caps);
    if (st != KP_OK) {
        kpi_settings_free(c.list, c.n);
        return st;
    }
    kpi_settings_free(vault->settings, vault->n_settings);
    vault->settings = c.list; /* moved to vault */
    vault->n_settings = c.n;
    vault->settings_checked = true;
    return KP_OK;
}
