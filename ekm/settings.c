#include "ekm/settings.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"

#define SECTION_MAX_LEN (2u * 1024u * 1024u)

/* ---- Values ---- */

static uint32_t number_of(json_t *section, const char *name)
{
    return (uint32_t)json_integer_value(json_object_get(section, name));
}

static bool flag_of(json_t *section, const char *name)
{
    return json_is_true(json_object_get(section, name));
}

/* False when memory is out; *ret stays NULL for what is not there. */
static bool copy_text(json_t *section, const char *name, char **ret)
{
    const char *text = json_string_value(json_object_get(section, name));

    if (!text)
        return true;
    *ret = kpb_strdup_span("ekm.settings", kpb_span_str(text));
    return *ret != NULL;
}

static bool copy_texts(json_t *section, const char *name, struct ekm_texts *ret)
{
    json_t *list = json_object_get(section, name);
    size_t n = json_array_size(list);

    ret->at = kpb_alloc_array("ekm.settings", n + 1, sizeof *ret->at);
    if (!ret->at)
        return false;
    for (; ret->n < n; ret->n++) {
        const char *text = json_string_value(json_array_get(list, ret->n));

        ret->at[ret->n] = kpb_strdup_span("ekm.settings", kpb_span_str(text));
        if (!ret->at[ret->n])
            return false;
    }
    return true;
}

/* RSA1_5 comes last wherever it is listed: a wrong key can look right to it. */
static void take_algorithms(json_t *section, struct ekm_settings *ret)
{
    json_t *list = json_object_get(section, "decrypt_algorithms");
    bool has_rsa1_5 = false;

    for (size_t i = 0; i < json_array_size(list); i++) {
        uint32_t alg = kp_alg_from_text(kpb_span_str(json_string_value(json_array_get(list, i))));
        bool known = alg == KP_ALG_NONE;

        for (uint32_t j = 0; j < ret->n_decrypt_algs; j++)
            known = known || ret->decrypt_algs[j] == alg;
        if (alg == KP_ALG_RSA1_5)
            has_rsa1_5 = true;
        else if (!known && ret->n_decrypt_algs < EKM_ALGS_MAX)
            ret->decrypt_algs[ret->n_decrypt_algs++] = alg;
    }
    if (has_rsa1_5 && ret->n_decrypt_algs < EKM_ALGS_MAX)
        ret->decrypt_algs[ret->n_decrypt_algs++] = KP_ALG_RSA1_5;
}

static void take_numbers(json_t *ekm, struct ekm_settings *ret)
{
    ret->timeout_ms = number_of(ekm, "timeout_ms");
    ret->patience_ms = number_of(ekm, "patience_ms");
    ret->bad_credential_ms = number_of(ekm, "bad_credential_ms");
    ret->unwrap_cache_ms = number_of(ekm, "unwrap_cache_ms");
    ret->unwrap_cache_entries = number_of(ekm, "unwrap_cache_entries");
    ret->max_sessions = number_of(ekm, "max_sessions");
    ret->event_level = number_of(ekm, "event_level");
    ret->report_3072_as_2048 = flag_of(ekm, "report_3072_as_2048");
    ret->create_keys = flag_of(ekm, "create_keys");
    ret->drop_keys = flag_of(ekm, "drop_keys");
}

static kp_status take_section(json_t *ekm, struct ekm_settings *ret, struct kp_error *reterr)
{
    const char *wrap = json_string_value(json_object_get(ekm, "wrap_algorithm"));
    const char *thumbprint = json_string_value(json_object_get(ekm, "thumbprint"));

    take_numbers(ekm, ret);
    take_algorithms(ekm, ret);
    ret->wrap_alg = kp_alg_from_text(kpb_span_str(wrap));
    ret->name_thumbprints = thumbprint && strcmp(thumbprint, "name") == 0;
    if (copy_texts(ekm, "allow", &ret->allow) && copy_texts(ekm, "key_names", &ret->key_names) &&
        copy_text(ekm, "managed_identity_vault", &ret->managed_identity_vault) &&
        copy_text(ekm, "key_map", &ret->key_map) && copy_text(ekm, "log_file", &ret->log_file))
        return KP_OK;
    return kpb_fail_memory(reterr, "ekm.settings");
}

static void take_log(json_t *log, struct ekm_settings *ret)
{
    const char *format = json_string_value(json_object_get(log, "format"));

    ret->log_json = format && strcmp(format, "json") == 0;
    ret->log_lines_per_second = number_of(log, "lines_per_second");
}

/* ---- The section ---- */

struct gathering {
    kp_buf text;
    kp_status status;
};

static void gather(void *ctx, kp_span piece)
{
    struct gathering *g = ctx;

    if (g->status == KP_OK)
        g->status = kp_buf_append(&g->text, piece);
}

static kp_status load_section(kp_provider *provider, const char *name, json_t **ret,
                              struct kp_error *reterr)
{
    struct gathering g = {.status = KP_OK};
    json_t *root = NULL;
    kp_status st;

    kp_buf_init(&g.text, "ekm.settings", SECTION_MAX_LEN);
    st = kp_config_section(provider, name, gather, &g);
    st = st == KP_OK ? g.status : st;
    if (st == KP_OK)
        root = json_loadb((const char *)g.text.ptr, g.text.len, 0, NULL);
    kp_buf_clear(&g.text);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "ekm.settings");
    if (!root)
        return kpb_fail(reterr, KP_INTERNAL, "the section %s of the configuration is missing",
                        name);
    *ret = root;
    return KP_OK;
}

kp_status ekm_settings_read(kp_provider *provider, struct ekm_settings *ret,
                            struct kp_error *reterr)
{
    struct ekm_settings settings = {0};
    json_t *ekm = NULL;
    json_t *log = NULL;
    kp_status st = load_section(provider, "ekm", &ekm, reterr);

    if (st == KP_OK)
        st = load_section(provider, "log", &log, reterr);
    if (st == KP_OK)
        st = take_section(ekm, &settings, reterr);
    if (st == KP_OK)
        take_log(log, &settings);
    json_decref(ekm);
    json_decref(log);
    if (st == KP_OK)
        *ret = settings; /* moved to the caller */
    else
        ekm_settings_clear(&settings);
    return st;
}

static void free_texts(struct ekm_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        kpb_free(texts->at[i]);
    kpb_free(texts->at);
}

void ekm_settings_clear(struct ekm_settings *settings)
{
    free_texts(&settings->allow);
    free_texts(&settings->key_names);
    kpb_free(settings->managed_identity_vault);
    kpb_free(settings->key_map);
    kpb_free(settings->log_file);
    memset(settings, 0, sizeof *settings);
}
