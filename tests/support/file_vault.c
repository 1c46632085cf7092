#include "support/file_vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/file_test.h"
#include "plugins/file-test/vault.h"

#define SETTINGS_MAX 24

/* ---- Opening ---- */

static uint32_t take_settings(const char *const (*settings)[2], struct kp_setting *out)
{
    uint32_t n = 0;
    for (; settings && settings[n][0]; n++) {
        assert_true(n < SETTINGS_MAX);
        out[n].name = fv_span(settings[n][0]);
        out[n].value = fv_span(settings[n][1]);
    }
    return n;
}

kp_status fv_open(struct file_vault *fv, const struct ft_fs *fs, const char *dir, uint32_t flags,
                  const char *const (*settings)[2])
{
    struct kp_setting list[SETTINGS_MAX];
    fake_host_init(&fv->host, kp_file_test_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    fv->host.use_real_time = fv->use_real_time;
    fv->fs = fs ? fs : &ft_fs_real;
    if (fv->dir != dir)
        (void)snprintf(fv->dir, sizeof fv->dir, "%s", dir);
    const struct kp_vault_settings wish = {.struct_size = sizeof wish,
                                           .flags = flags,
                                           .location = fv_span(fv->dir),
                                           .settings = list,
                                           .n_settings = take_settings(settings, list)};
    kp_error_init(&fv->host.opened_error);
    kp_status st =
        ft_vault_open(fv->fs, &fv->host.host, &wish, &fv->host.vault, &fv->host.opened_error);
    if (st != KP_OK)
        return st;
    fake_host_drain(&fv->host);
    assert_int_equal(fv->host.n_opened, 1);
    return fv->host.opened_status;
}

void fv_open_ok(struct file_vault *fv, const char *dir, const char *const (*settings)[2])
{
    kp_status st = fv_open(fv, NULL, dir, KP_VAULT_MAY_CREATE, settings);
    if (st != KP_OK)
        fail_msg("open: %s", fv->host.opened_error.text);
}

void fv_close(struct file_vault *fv)
{
    fake_host_close(&fv->host);
    fake_host_clear(&fv->host);
}

const struct kp_error *fv_open_error(const struct file_vault *fv)
{
    return &fv->host.opened_error;
}

kp_status fv_reload(struct file_vault *fv, const char *const (*settings)[2],
                    struct kp_error *reterr)
{
    struct kp_setting list[SETTINGS_MAX];
    const struct kp_vault_settings wish = {.struct_size = sizeof wish,
                                           .location = fv_span(fv->dir),
                                           .settings = list,
                                           .n_settings = take_settings(settings, list)};
    return fv->host.plugin->reload(fv->host.vault, &wish, reterr);
}

/* ---- Calls ---- */

kp_span fv_span(const char *text)
{
    return kpb_span_str(text);
}

bool fv_span_is(kp_span span, const char *text)
{
    return kpb_span_eq_str(span, text);
}

struct kp_request fv_request(uint32_t op, const char *name, const char *version)
{
    const struct kp_request request = {.struct_size = sizeof request,
                                       .op = op,
                                       .name = fv_span(name),
                                       .version = fv_span(version)};
    return request;
}

struct kp_key_params fv_params(uint32_t kty, uint32_t bits, uint32_t curve)
{
    const struct kp_key_params params = {.struct_size = sizeof params,
                                         .kty = kty,
                                         .bits = bits,
                                         .curve = curve,
                                         .not_before_unix_s = KP_TIME_NONE,
                                         .expires_unix_s = KP_TIME_NONE};
    return params;
}

kp_status fv_call(struct file_vault *fv, const struct kp_request *request,
                  struct fake_result *result)
{
    return fake_host_call(&fv->host, request, result);
}

kp_status fv_simple(struct file_vault *fv, uint32_t op, const char *name, const char *version,
                    struct fake_result *result)
{
    const struct kp_request request = fv_request(op, name, version);
    return fv_call(fv, &request, result);
}

kp_status fv_status(struct file_vault *fv, uint32_t op, const char *name, const char *version)
{
    struct fake_result result;
    kp_status st = fv_simple(fv, op, name, version, &result);
    fake_result_clear(&result);
    return st;
}

static void copy_version(const struct fake_result *result, char *ret_version)
{
    if (!ret_version)
        return;
    assert_int_equal(result->reply.version.len, 32);
    memcpy(ret_version, result->reply.version.ptr, 32);
    ret_version[32] = '\0';
}

void fv_create(struct file_vault *fv, const char *name, uint32_t kty, uint32_t bits, uint32_t curve,
               char *ret_version)
{
    struct fake_result result;
    const struct kp_key_params params = fv_params(kty, bits, curve);
    struct kp_request request = fv_request(KP_OP_CREATE, name, NULL);
    request.params = &params;
    if (fv_call(fv, &request, &result) != KP_OK)
        fail_msg("create %s: %s", name, result.error.text);
    copy_version(&result, ret_version);
    fake_result_clear(&result);
}

void fv_must(struct file_vault *fv, uint32_t op, const char *name, char *ret_version)
{
    struct fake_result result;
    if (fv_simple(fv, op, name, NULL, &result) != KP_OK)
        fail_msg("%s %s: %s", kp_op_text(op), name, result.error.text);
    copy_version(&result, ret_version);
    fake_result_clear(&result);
}

void fv_wrap(struct file_vault *fv, const char *name, const char *version, uint32_t alg,
             uint8_t fill, uint8_t *out, size_t *len, char *ret_version)
{
    struct fake_result result;
    uint8_t dek[32];
    memset(dek, fill, sizeof dek);
    struct kp_request request = fv_request(KP_OP_WRAP, name, version);
    request.alg = alg;
    request.value = kpb_span(dek, sizeof dek);
    if (fv_call(fv, &request, &result) != KP_OK)
        fail_msg("wrap with %s: %s", name, result.error.text);
    assert_true(result.reply.value.len <= *len);
    memcpy(out, result.reply.value.ptr, result.reply.value.len);
    *len = result.reply.value.len;
    copy_version(&result, ret_version);
    fake_result_clear(&result);
}

kp_status fv_unwrap(struct file_vault *fv, const char *name, const char *version, uint32_t alg,
                    uint8_t fill, const uint8_t *bytes, size_t len)
{
    struct fake_result result;
    uint8_t dek[32];
    memset(dek, fill, sizeof dek);
    struct kp_request request = fv_request(KP_OP_UNWRAP, name, version);
    request.alg = alg;
    request.value = kpb_span(bytes, len);
    kp_status st = fv_call(fv, &request, &result);
    if (st == KP_OK) {
        assert_true(kpb_span_eq(result.reply.value, kpb_span(dek, sizeof dek)));
        if (version)
            assert_true(fv_span_is(result.reply.version, version));
    }
    fake_result_clear(&result);
    return st;
}
