#include "core/config_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/dpapi.h"

/* ---- Where we are ---- */

static void set_len(struct kpi_reader *r, int n_added)
{
    r->len += n_added < 0 ? 0 : (size_t)n_added;
    if (r->len > KPI_READER_PATH_MAX_LEN)
        r->len = KPI_READER_PATH_MAX_LEN;
}

size_t kpi_reader_enter(struct kpi_reader *r, const char *name)
{
    size_t before = r->len;

    set_len(r,
            snprintf(r->path + before, sizeof r->path - before, "%s%s", before ? "." : "", name));
    return before;
}

size_t kpi_reader_enter_item(struct kpi_reader *r, size_t i)
{
    size_t before = r->len;

    set_len(r, snprintf(r->path + before, sizeof r->path - before, "[%zu]", i));
    return before;
}

void kpi_reader_leave(struct kpi_reader *r, size_t before)
{
    r->len = before;
    r->path[before] = '\0';
}

kp_status kpi_reader_refuse(struct kpi_reader *r, const char *fmt, ...)
{
    char text[KP_ERROR_TEXT_LEN];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return kpb_fail(r->err, KP_CONFIG, "%s: %s", r->path, text);
}

kp_status kpi_reader_refuse_kind(struct kpi_reader *r, const char *expected, const json_t *found)
{
    return kpi_reader_refuse(r, "expected %s, found %s", expected, kpi_json_kind(found));
}

kp_status kpi_reader_refuse_unknown(struct kpi_reader *r, const struct kpi_guess *guess)
{
    if (guess->best[0])
        return kpi_reader_refuse(r, "there is no such member; is %s meant?", guess->best);
    return kpi_reader_refuse(r, "there is no such member");
}

kp_status kpi_reader_fail_memory(struct kpi_reader *r)
{
    return kpb_fail_memory(r->err, "config.parse");
}

/* ---- Single values ---- */

kp_status kpi_read_flag(struct kpi_reader *r, const json_t *value, bool *ret_flag)
{
    if (!json_is_boolean(value))
        return kpi_reader_refuse_kind(r, "true or false", value);
    *ret_flag = json_is_true(value);
    return KP_OK;
}

static kp_status read_number(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                             uint32_t *ret_number)
{
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value))
        return kpi_reader_refuse_kind(r, "a whole number", value);
    if (number < (json_int_t)f->min)
        return kpi_reader_refuse(r, "%lld is below %u", (long long)number, f->min);
    if (number > (json_int_t)f->max)
        return kpi_reader_refuse(r, "%lld is above %u", (long long)number, f->max);
    *ret_number = (uint32_t)number;
    return KP_OK;
}

kp_status kpi_read_limit(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                         uint32_t *ret_limit)
{
    bool flag = false;
    kp_status st;

    if (f->unit != KPI_UNIT_BOOLEAN)
        return read_number(r, f, value, ret_limit);
    st = kpi_read_flag(r, value, &flag);
    if (st == KP_OK)
        *ret_limit = flag;
    return st;
}

/* Replaces *ret_text. */
static kp_status copy_text(struct kpi_reader *r, const json_t *value, char **ret_text)
{
    kp_span text = kpb_span(json_string_value(value), json_string_length(value));
    char *copy = kpb_strdup_span("config.text", text);

    if (!copy)
        return kpi_reader_fail_memory(r);
    kpb_free(*ret_text);
    *ret_text = copy;
    return KP_OK;
}

kp_status kpi_read_text(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                        char **ret_text)
{
    if (!json_is_string(value))
        return kpi_reader_refuse_kind(r, "text", value);
    if (json_string_length(value) < f->min)
        return kpi_reader_refuse(r, "the text is empty");
    if (json_string_length(value) > f->max)
        return kpi_reader_refuse(r, "the text has more than %u bytes", f->max);
    return copy_text(r, value, ret_text);
}

static kp_status read_items(struct kpi_reader *r, const struct kpi_field *f, json_t *list,
                            struct kpi_texts *texts)
{
    json_t *value;
    size_t i;

    json_array_foreach(list, i, value) {
        size_t before = kpi_reader_enter_item(r, i);
        kp_status st = kpi_read_text(r, f, value, &texts->at[texts->n++]);

        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

kp_status kpi_read_texts(struct kpi_reader *r, const struct kpi_field *f, json_t *value,
                         struct kpi_texts *ret_texts)
{
    if (!json_is_array(value))
        return kpi_reader_refuse_kind(r, "a list", value);
    if (json_array_size(value) > KPI_TEXTS_MAX)
        return kpi_reader_refuse(r, "the list has more than %u items", KPI_TEXTS_MAX);
    ret_texts->at = kpb_alloc_array("config.texts", json_array_size(value), sizeof *ret_texts->at);
    if (!ret_texts->at)
        return kpi_reader_fail_memory(r);
    return read_items(r, f, value, ret_texts);
}

kp_status kpi_read_choice(struct kpi_reader *r, const struct kpi_field *f, const json_t *value,
                          bool *ret_choice)
{
    if (!json_is_string(value))
        return kpi_reader_refuse_kind(r, "text", value);
    for (unsigned i = 0; i < 2; i++) {
        if (strcmp(json_string_value(value), f->words[i]) == 0) {
            *ret_choice = i != 0;
            return KP_OK;
        }
    }
    return kpi_reader_refuse(r, "expected \"%s\" or \"%s\"", f->words[0], f->words[1]);
}

kp_status kpi_read_pin(struct kpi_reader *r, const json_t *value, struct kpi_pin *pin)
{
    kp_span text = kpb_span(json_string_value(value), json_string_length(value));

    if (!json_is_string(value))
        return kpi_reader_refuse_kind(r, "text", value);
    if (text.len != 2 * KPI_SHA256_LEN ||
        kpb_hex_decode(text, pin->sha256, KPI_SHA256_LEN) != KP_OK)
        return kpi_reader_refuse(r, "expected the %u hex digits of a SHA-256", 2 * KPI_SHA256_LEN);
    pin->is_set = true;
    return KP_OK;
}

/* ---- Secrets ---- */

/* A variable's name as POSIX has it (XBD 8.1), in either case. */
static bool is_variable_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strlen(name);

    return len > 0 && strspn(name, allowed) == len && !(name[0] >= '0' && name[0] <= '9');
}

static kp_status read_source(struct kpi_reader *r, const json_t *value, enum kpi_secret_kind kind,
                             struct kpi_secret_ref *ref)
{
    if (json_string_length(value) == 0 || json_string_length(value) > KP_VAULT_TEXT_MAX_LEN)
        return kpi_reader_refuse(r, "expected 1 to %u bytes", KP_VAULT_TEXT_MAX_LEN);
    if (kind == KPI_SECRET_DPAPI && !kpi_dpapi_is_here())
        return kpi_reader_refuse(r, KPI_DPAPI_SENTENCE);
    if (kind == KPI_SECRET_ENV && !is_variable_name(json_string_value(value)))
        return kpi_reader_refuse(r, "this is no name of an environment variable");
    ref->kind = kind;
    return copy_text(r, value, &ref->source);
}

static kp_status read_literal(struct kpi_reader *r, const json_t *value, struct kpi_secret_ref *ref)
{
    kp_status st;

    if (!r->config->allow_inline_secrets)
        return kpi_reader_refuse(r,
                                 "secrets do not stand here unless allow_inline_secrets is true; "
                                 "give {\"file\": PATH} or {\"env\": NAME}");
    if (json_string_length(value) == 0)
        return kpi_reader_refuse(r, "the secret is empty");
    kp_buf_init_secret(&ref->literal, "config.secret", KPI_SECRET_MAX_LEN);
    st =
        kp_buf_append(&ref->literal, kpb_span(json_string_value(value), json_string_length(value)));
    if (st == KP_USAGE)
        return kpi_reader_refuse(r, "the secret has more than %u bytes", KPI_SECRET_MAX_LEN);
    if (st != KP_OK)
        return kpi_reader_fail_memory(r);
    ref->kind = KPI_SECRET_INLINE;
    return KP_OK;
}

static kp_status read_secret_member(struct kpi_reader *r, const char *name, const json_t *value,
                                    struct kpi_secret_ref *ref)
{
    struct kpi_guess guess;
    bool ignored;

    if (strcmp(name, "present") == 0)
        return kpi_read_flag(r, value, &ignored); /* what we write about it ourselves */
    if (!json_is_string(value))
        return kpi_reader_refuse_kind(r, "text", value);
    if (strcmp(name, "file") == 0)
        return read_source(r, value, KPI_SECRET_FILE, ref);
    if (strcmp(name, "dpapi") == 0)
        return read_source(r, value, KPI_SECRET_DPAPI, ref);
    if (strcmp(name, "env") == 0)
        return read_source(r, value, KPI_SECRET_ENV, ref);
    if (strcmp(name, "inline") == 0)
        return read_literal(r, value, ref);
    kpi_guess_init(&guess, name);
    kpi_guess_offer(&guess, "file", strlen("file"));
    kpi_guess_offer(&guess, "env", strlen("env"));
    kpi_guess_offer(&guess, "dpapi", strlen("dpapi"));
    return kpi_reader_refuse_unknown(r, &guess);
}

static kp_status read_secret_members(struct kpi_reader *r, json_t *object,
                                     struct kpi_secret_ref *ref)
{
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value) {
        size_t before = kpi_reader_enter(r, name);
        kp_status st = read_secret_member(r, name, value, ref);

        kpi_reader_leave(r, before);
        if (st != KP_OK)
            return st;
    }
    return KP_OK;
}

kp_status kpi_read_secret(struct kpi_reader *r, json_t *value, struct kpi_secret_ref *ref)
{
    size_t n_sources;

    if (!json_is_object(value))
        return kpi_reader_refuse_kind(r, "{\"file\": PATH} or {\"env\": NAME}", value);
    n_sources = json_object_size(value) - (json_object_get(value, "present") != NULL);
    if (n_sources != 1)
        return kpi_reader_refuse(r, "expected exactly one of file, env and dpapi");
    return read_secret_members(r, value, ref);
}
