/* Fetching secrets from where the configuration says they are, and only when they are used. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/config.h"
#include "core/dpapi.h"
#include "core/trust.h"

/* ---- One secret ---- */

static void cut_byte(kp_buf *out, char c)
{
    if (out->len && out->ptr[out->len - 1] == (uint8_t)c)
        out->len--;
}

/* Editors end a file with a line end that nobody means. */
static void cut_line_end(kp_buf *out)
{
    size_t before = out->len;

    cut_byte(out, '\n');
    if (out->len < before)
        cut_byte(out, '\r');
}

static kp_status read_file(const char *path, kp_buf *out, struct kp_error *reterr)
{
    kp_status st = kpi_trust_read(path, out, reterr);

    if (st == KP_NOT_FOUND)
        return kpb_fail(reterr, KP_CONFIG, "the file %s of the secret does not exist", path);
    return st;
}

static kp_status check_length(const char *path, const kp_buf *out, struct kp_error *reterr)
{
    return out->len ? KP_OK
                    : kpb_fail(reterr, KP_CONFIG, "the file %s of the secret is empty", path);
}

static kp_status fetch_file(const char *path, kp_buf *out, struct kp_error *reterr)
{
    kp_status st = read_file(path, out, reterr);

    if (st != KP_OK)
        return st;
    cut_line_end(out);
    return check_length(path, out, reterr);
}

/* What is sealed is taken byte for byte: no editor has been at it. */
static kp_status fetch_dpapi(const char *path, kp_buf *out, struct kp_error *reterr)
{
    kp_buf sealed;
    kp_status st;

    kp_buf_init(&sealed, "config.sealed", KPI_SEALED_MAX_LEN);
    st = read_file(path, &sealed, reterr);
    if (st == KP_OK)
        st = check_length(path, &sealed, reterr);
    if (st == KP_OK)
        st = kpi_dpapi_open(kp_buf_view(&sealed), path, out, reterr);
    if (st == KP_OK)
        st = check_length(path, out, reterr);
    kp_buf_clear(&sealed);
    return st;
}

static kp_status take_over(kp_buf *out, kp_span secret, const char *what, struct kp_error *reterr)
{
    kp_status st = kp_buf_append(out, secret);

    if (st == KP_USAGE)
        return kpb_fail(reterr, KP_CONFIG, "the secret in %s has more than %zu bytes", what,
                        out->limit);
    return st == KP_OK ? KP_OK : kpb_fail_memory(reterr, "config.secret");
}

static kp_status fetch_env(const char *name, kp_buf *out, struct kp_error *reterr)
{
    const char *value = getenv(name);

    if (!value || value[0] == '\0')
        return kpb_fail(reterr, KP_CONFIG, "the environment variable %s of the secret is %s", name,
                        value ? "empty" : "not set");
    return take_over(out, kpb_span_str(value), name, reterr);
}

kp_status kpi_secret_fetch(const struct kpi_secret_ref *ref, kp_buf *out, struct kp_error *reterr)
{
    kp_buf_reset(out);
    switch (ref->kind) {
    case KPI_SECRET_NONE:
        return KP_OK;
    case KPI_SECRET_FILE:
        return fetch_file(ref->source, out, reterr);
    case KPI_SECRET_DPAPI:
        return fetch_dpapi(ref->source, out, reterr);
    case KPI_SECRET_ENV:
        return fetch_env(ref->source, out, reterr);
    case KPI_SECRET_INLINE:
        return take_over(out, kp_buf_view(&ref->literal), "the configuration", reterr);
    }
    return kpb_fail(reterr, KP_INTERNAL, "a secret comes from nowhere");
}

bool kpi_secret_is_on_disk(const struct kpi_secret_ref *ref)
{
    return ref->kind == KPI_SECRET_FILE || ref->kind == KPI_SECRET_DPAPI;
}

bool kpi_secret_is_present(const struct kpi_secret_ref *ref)
{
    kp_buf probe;
    bool present;

    kp_buf_init_secret(&probe, "config.secret", KPI_SECRET_MAX_LEN);
    present = ref->kind != KPI_SECRET_NONE && kpi_secret_fetch(ref, &probe, NULL) == KP_OK;
    kp_buf_clear(&probe);
    return present;
}

/* ---- All of a vault ---- */

void kpi_vault_inputs_clear(struct kpi_vault_inputs *inputs)
{
    if (!inputs)
        return;
    kp_buf_clear(&inputs->secret);
    for (size_t i = 0; i < inputs->n_fetched; i++)
        kp_buf_clear(&inputs->fetched[i]);
    kpb_free(inputs->fetched);
    kpb_free(inputs->settings);
    memset(inputs, 0, sizeof *inputs);
}

/* The plugin opens it later by its name: whom the rule trusts could put another there, and nobody
 * else. */
static kp_status check_file(const char *path, struct kp_error *reterr)
{
    int fd = -1;
    kp_status st = kpi_trust_open(path, KPI_TRUST_FILE, &fd, reterr);

    if (st == KP_NOT_FOUND)
        return kpb_fail(reterr, KP_CONFIG, "the file %s does not exist", path);
    kpi_trust_close(fd);
    return st;
}

static kp_status fetch_text(const struct kpi_setting *setting, kp_span *ret_value,
                            struct kp_error *reterr)
{
    *ret_value = kpb_span_str(setting->text);
    return setting->trusted_file ? check_file(setting->text, reterr) : KP_OK;
}

static kp_status fetch_setting(const struct kpi_setting *setting, kp_buf *buf, kp_span *ret_value,
                               struct kp_error *reterr)
{
    kp_status st;

    kp_buf_init_secret(buf, "config.secret", KPI_SECRET_MAX_LEN);
    if (setting->type != KP_SETTING_SECRET)
        return fetch_text(setting, ret_value, reterr);
    st = kpi_secret_fetch(&setting->secret, buf, reterr);
    if (st == KP_OK)
        *ret_value = kp_buf_view(buf);
    return st;
}

static kp_status fetch_settings(const struct kpi_vault_config *vault, struct kpi_vault_inputs *in,
                                struct kp_error *reterr)
{
    size_t n = vault->n_settings;

    in->fetched = kpb_alloc_array("config.inputs", n, sizeof *in->fetched);
    in->settings = kpb_alloc_array("config.inputs", n, sizeof *in->settings);
    if (!in->fetched || !in->settings)
        return kpb_fail_memory(reterr, "config.inputs");
    for (size_t i = 0; i < n; i++) {
        const struct kpi_setting *setting = &vault->settings[i];
        kp_status st;

        in->n_fetched++;
        in->settings[i].name = kpb_span_str(setting->name);
        st = fetch_setting(setting, &in->fetched[i], &in->settings[i].value, reterr);
        if (st != KP_OK) {
            kpb_error_prefix(reterr, "vaults.%s.settings.%s", vault->name, setting->name);
            return st;
        }
    }
    return KP_OK;
}

static kp_status fetch_secret(const struct kpi_vault_config *vault, struct kpi_vault_inputs *in,
                              struct kp_error *reterr)
{
    kp_status st;

    kp_buf_init_secret(&in->secret, "config.secret", KPI_SECRET_MAX_LEN);
    st = kpi_secret_fetch(&vault->secret, &in->secret, reterr);
    if (st != KP_OK)
        kpb_error_prefix(reterr, "vaults.%s.secret", vault->name);
    return st;
}

static void fill_view(const struct kpi_vault_config *vault, struct kpi_vault_inputs *in)
{
    in->view.struct_size = sizeof in->view;
    in->view.flags = vault->may_create ? KP_VAULT_MAY_CREATE : 0;
    in->view.name = kpb_span_str(vault->name);
    in->view.location = kpb_span_str(vault->location);
    in->view.identity = kpb_span_str(vault->identity);
    in->view.secret = kp_buf_view(&in->secret);
    in->view.settings = in->settings;
    in->view.n_settings = (uint32_t)vault->n_settings;
}

kp_status kpi_vault_inputs_fetch(const struct kpi_vault_config *vault,
                                 struct kpi_vault_inputs *ret_inputs, struct kp_error *reterr)
{
    struct kpi_vault_inputs in = {.n_fetched = 0};
    kp_status st = fetch_secret(vault, &in, reterr);

    if (st == KP_OK)
        st = fetch_settings(vault, &in, reterr);
    if (st != KP_OK) {
        kpi_vault_inputs_clear(&in);
        return st;
    }
    fill_view(vault, &in);
    *ret_inputs = in; /* moved to the caller; the view points to the heap, not to in */
    return KP_OK;
}
