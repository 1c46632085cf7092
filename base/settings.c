#include "base/settings.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"

#define INT64_MAX_DIGITS 19u
#define NAME_SHOWN_MAX 64u

/* ---- One value ---- */

static kp_status read_integer(const struct kp_setting_spec *spec, kp_span text, int64_t *ret,
                              struct kp_error *reterr)
{
    int64_t value = 0;
    bool ok = text.len > 0 && text.len <= INT64_MAX_DIGITS;
    for (size_t i = 0; ok && i < text.len; i++) {
        int digit = text.ptr[i] - '0';
        ok = digit >= 0 && digit <= 9 && value <= (INT64_MAX - digit) / 10;
        value = ok ? value * 10 + digit : 0;
    }
    if (!ok || value < spec->min || value > spec->max)
        return kpb_fail(reterr, KP_CONFIG, "setting %s must be a number from %lld to %lld",
                        spec->name, (long long)spec->min, (long long)spec->max);
    *ret = value;
    return KP_OK;
}

static kp_status read_boolean(const struct kp_setting_spec *spec, kp_span text, bool *ret,
                              struct kp_error *reterr)
{
    *ret = kpb_span_eq_str(text, "true");
    if (*ret || kpb_span_eq_str(text, "false"))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "setting %s must be true or false", spec->name);
}

static kp_status read_value(const struct kp_setting_spec *spec, kp_span text, void *member,
                            struct kp_error *reterr)
{
    switch (spec->type) {
    case KP_SETTING_INTEGER:
        return read_integer(spec, text, member, reterr);
    case KP_SETTING_BOOLEAN:
        return read_boolean(spec, text, member, reterr);
    default:
        *(kp_span *)member = text;
        return KP_OK;
    }
}

/* ---- All of them ---- */

static kp_status read_fallbacks(const struct kpb_settings_table *table, char *values,
                                struct kp_error *reterr)
{
    kp_status st = KP_OK;
    memset(values, 0, table->size);
    for (size_t i = 0; st == KP_OK && table->specs[i]; i++) {
        const struct kp_setting_spec *spec = table->specs[i];
        if (spec->fallback)
            st = read_value(spec, kpb_span_str(spec->fallback), values + table->offsets[i], reterr);
    }
    return st;
}

static size_t find(const struct kpb_settings_table *table, kp_span name)
{
    size_t i = 0;
    while (table->specs[i] && !kpb_span_eq_str(name, table->specs[i]->name))
        i++;
    return i;
}

static kp_status read_given(const struct kpb_settings_table *table, const struct kp_setting *given,
                            char *values, struct kp_error *reterr)
{
    const size_t i = find(table, given->name);
    if (table->specs[i])
        return read_value(table->specs[i], given->value, values + table->offsets[i], reterr);
    return kpb_fail(reterr, KP_CONFIG, "the plugin has no setting '%.*s'",
                    given->name.len > NAME_SHOWN_MAX ? (int)NAME_SHOWN_MAX : (int)given->name.len,
                    (const char *)given->name.ptr);
}

kp_status kpb_settings_read(const struct kpb_settings_table *table,
                            const struct kp_vault_settings *in, void *ret_values,
                            struct kp_error *reterr)
{
    kp_status st = read_fallbacks(table, ret_values, reterr);
    for (uint32_t k = 0; st == KP_OK && k < in->n_settings; k++)
        st = read_given(table, &in->settings[k], ret_values, reterr);
    return st;
}
