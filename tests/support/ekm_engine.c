#include "support/ekm_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "ekm/keys/sync.h"
#include "support/env.h"

kp_plugin_get_fn kp_file_test_plugin_get;

static kp_plugin_get_fn *const plugins[] = {kp_file_test_plugin_get, script_plugin_get, NULL};
/* Where a clock of its own begins: any time that is not the machine's. */
#define OWN_CLOCK_MS UINT64_C(1000000000000)

static const char *const suffixes[] = {".vault.azure.net", NULL};

/* ---- The environment ---- */

static uint64_t now_ms(void *ctx)
{
    struct engine *e = ctx;

    return (e->has_own_clock ? OWN_CLOCK_MS : ekm_sync_now_ms(NULL)) + atomic_load(&e->offset_ms);
}

static uint64_t age_ms(void *ctx)
{
    return atomic_load(&((struct engine *)ctx)->age_ms);
}

static void skip_pause(void *ctx, uint32_t ms)
{
    struct engine *e = ctx;

    (void)atomic_fetch_add(&e->n_pauses, 1);
    if (e->ignores_pauses)
        return;
    if (!e->skips_pauses) {
        ekm_sync_pause(NULL, ms);
        return;
    }
    engine_move(e, ms);
}

static void take_event(void *ctx, uint32_t error, const char *line)
{
    struct engine *e = ctx;

    uv_mutex_lock(&e->lock);
    e->n_events++;
    if (error)
        (void)snprintf(e->last_event, sizeof e->last_event, "%s", line);
    uv_mutex_unlock(&e->lock);
}

void engine_move(struct engine *engine, uint64_t ms)
{
    (void)atomic_fetch_add(&engine->offset_ms, ms);
    (void)atomic_fetch_add(&engine->age_ms, ms);
}

void engine_last_event(struct engine *engine, char out[4096])
{
    uv_mutex_lock(&engine->lock);
    memcpy(out, engine->last_event, sizeof engine->last_event);
    uv_mutex_unlock(&engine->lock);
}

static void write_config(struct engine *e, const char *ekm, const char *vault)
{
    int n = snprintf(e->config, sizeof e->config,
                     "{\"provider\": {\"max_operations\": 1024}, "
                     "\"defaults\": {\"retry\": {\"max_attempts\": 1}}, "
                     "\"vaults\": {\"s\": {\"location\": \"script:s\", "
                     "\"access_secret\": {\"env\": \"KP_TEST_ACCESS\"}%s}, "
                     "\"open\": {\"location\": \"script:open\"}}, "
                     "\"ekm\": {\"allow\": [\"file:%s/v\", \"config:s\", \"config:open\", "
                     "\"config:gone\"], \"key_map\": \"%s/map.json\", \"log_file\": \"%s/log\"%s}}",
                     vault, e->dir, e->dir, e->dir, ekm ? ekm : "");

    assert_true(n > 0 && (size_t)n < sizeof e->config);
    env_set("KP_TEST_ACCESS", "open");
}

void engine_prepare(struct engine *engine, const char *ekm)
{
    engine_prepare_vault(engine, ekm, "");
}

void engine_prepare_vault(struct engine *engine, const char *ekm, const char *vault)
{
    memset(engine, 0, sizeof *engine);
    assert_int_equal(uv_mutex_init(&engine->lock), 0);
    temp_dir_make(engine->dir);
    script_begin();
    script_caps()->host_suffixes = suffixes;
    write_config(engine, ekm, vault);
    atomic_store(&engine->age_ms, UINT32_MAX);
    engine->env = (struct ekm_environment){.config_text = engine->config,
                                           .static_plugins = plugins,
                                           .open_flags = KP_OPEN_NO_PLUGIN_FILES,
                                           .ctx = engine,
                                           .now_ms = now_ms,
                                           .age_ms = age_ms,
                                           .pause = skip_pause,
                                           .event = take_event};
    ekm_environment_set(&engine->env);
}

void engine_begin(struct engine *engine, const char *ekm)
{
    engine_prepare(engine, ekm);
    if (SqlCryptInitializeProvider() != scp_err_Success)
        fail_msg("Initialize: %s", engine->last_event);
}

void engine_end(struct engine *engine)
{
    assert_int_equal(SqlCryptFreeProvider(), scp_err_Success);
    ekm_environment_set(NULL);
    script_end();
    temp_dir_remove(engine->dir);
    uv_mutex_destroy(&engine->lock);
}

/* ---- Keys ---- */

static void do_in_vault(struct engine *e, uint32_t op, const char *name, uint32_t bits)
{
    struct kp_vault_options create = {.struct_size = sizeof create, .flags = KP_VAULT_MAY_CREATE};
    struct kp_options options;
    struct kp_key_params params;
    struct kp_request request;
    struct kp_result result;
    struct kp_error err;
    kp_provider *kp = NULL;
    kp_vault *vault = NULL;
    char text[TEMP_DIR_LEN + 16];

    (void)snprintf(text, sizeof text, "file:%s/v", e->dir);
    kp_options_init(&options);
    options.flags = KP_OPEN_NO_PLUGIN_FILES;
    options.static_plugins = plugins;
    options.config_text = "{\"provider\": {\"max_operations\": 64}}";
    assert_int_equal(kp_provider_open(&options, &kp, &err), KP_OK);
    assert_int_equal(kp_vault_acquire(kp, text, &create, &vault, &err), KP_OK);
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = bits;
    kp_request_init(&request, op);
    request.name = kpb_span_str(name);
    request.params = op == KP_OP_CREATE ? &params : NULL;
    if (kp_call(vault, &request, &result) != KP_OK)
        fail_msg("%s", result.error.text);
    kp_result_clear(&result);
    kp_vault_release(vault);
    kp_provider_close_wait(kp, 10000, NULL);
}

void engine_make_key(struct engine *engine, const char *name, uint32_t bits)
{
    do_in_vault(engine, KP_OP_CREATE, name, bits);
}

void engine_rotate_key(struct engine *engine, const char *name)
{
    do_in_vault(engine, KP_OP_ROTATE, name, 0);
}

/* ---- Calls ---- */

SqlCpStr engine_str(const char *text, uint16_t units[ENGINE_TEXT_MAX])
{
    size_t n = strlen(text);

    assert_true(n <= ENGINE_TEXT_MAX);
    for (size_t i = 0; i < n; i++)
        units[i] = (uint8_t)text[i];
    return (SqlCpStr){(uint32_t)(2 * n), units};
}

SqlCpError engine_open(struct engine *engine, const char *identity, const char *secret,
                       SqlCpSession *ret)
{
    uint16_t name_units[ENGINE_TEXT_MAX];
    uint16_t secret_units[ENGINE_TEXT_MAX];
    SqlCpCredential credential;
    char text[TEMP_DIR_LEN + 16];

    (void)snprintf(text, sizeof text, "file:%s/v", engine->dir);
    credential.name = engine_str(identity ? identity : text, name_units);
    credential.password = engine_str(secret ? secret : "", secret_units);
    return SqlCryptOpenSession(&credential, ret);
}

static SqlCpSession open_ok(struct engine *engine, const char *identity, const char *secret)
{
    SqlCpSession session = NULL;

    if (engine_open(engine, identity, secret, &session) != scp_err_Success)
        fail_msg("OpenSession: %s", engine->last_event);
    assert_non_null(session);
    return session;
}

SqlCpSession engine_session(struct engine *engine)
{
    return open_ok(engine, NULL, NULL);
}

SqlCpSession engine_script_session(struct engine *engine)
{
    return open_ok(engine, "config:s", "open");
}

void engine_close(SqlCpSession session)
{
    assert_int_equal(SqlCryptCloseSession(&session, 0), scp_err_Success);
}

static void take_info(const SqlCpKeyInfo *info, struct engine_key *ret)
{
    ret->thumb_len = info->thumb.cb;
    ret->alg = info->algId;
    for (uint32_t i = 0; i < info->name.cb / 2; i++)
        ret->name[i] = (char)info->name.ws[i];
    ret->name[info->name.cb / 2] = '\0';
}

SqlCpError engine_key_by_name(SqlCpSession session, const char *name, struct engine_key *ret)
{
    uint16_t units[ENGINE_TEXT_MAX];
    uint16_t answer[256];
    SqlCpStr asked = engine_str(name, units);
    SqlCpKeyInfo info = {0};
    SqlCpError st = SqlCryptGetKeyInfoByName(&session, &asked, &info);

    memset(ret, 0, sizeof *ret);
    if (st != scp_err_InsufficientBuffer)
        return st;
    assert_true(info.name.cb <= sizeof answer - 2 && info.thumb.cb <= sizeof ret->thumb);
    info.name.ws = answer;
    info.thumb.pb = ret->thumb;
    st = SqlCryptGetKeyInfoByName(&session, &asked, &info);
    if (st == scp_err_Success)
        take_info(&info, ret);
    return st;
}

SqlCpError engine_key_by_thumb(SqlCpSession session, struct engine_key *key)
{
    uint16_t answer[256];
    uint8_t thumb[32];
    SqlCpKeyThumbprint asked = {key->thumb_len, key->thumb};
    SqlCpKeyInfo info = {0};
    SqlCpError st = SqlCryptGetKeyInfoByThumb(&session, &asked, &info);

    if (st != scp_err_InsufficientBuffer)
        return st;
    assert_true(info.name.cb <= sizeof answer - 2 && info.thumb.cb <= sizeof thumb);
    info.name.ws = answer;
    info.thumb.pb = thumb;
    st = SqlCryptGetKeyInfoByThumb(&session, &asked, &info);
    if (st == scp_err_Success) {
        assert_memory_equal(thumb, key->thumb, key->thumb_len);
        take_info(&info, key);
    }
    return st;
}

SqlCpError engine_export(SqlCpSession session, struct engine_key *key)
{
    SqlCpKeyThumbprint thumb = {key->thumb_len, key->thumb};
    SqlCpKeyBlob blob = {0, NULL};
    SqlCpError st = SqlCryptExportKey(&session, &thumb, NULL, scp_kb_PublicKeyBlob, &blob);

    if (st != scp_err_InsufficientBuffer)
        return st;
    assert_true(blob.cb <= sizeof key->blob);
    blob.pb = key->blob;
    st = SqlCryptExportKey(&session, &thumb, NULL, scp_kb_PublicKeyBlob, &blob);
    key->blob_len = blob.cb;
    return st;
}

SqlCpError engine_encrypt(SqlCpSession session, const struct engine_key *key, const void *in,
                          uint32_t in_len, uint8_t *out, uint32_t *len)
{
    SqlCpKeyThumbprint thumb = {key->thumb_len, (uint8_t *)(uintptr_t)key->thumb};
    SqlCpData plain = {in_len, (uint8_t *)(uintptr_t)in};
    SqlCpData cipher = {0, NULL};
    SqlCpError st = SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &plain, &cipher);

    if (st != scp_err_InsufficientBuffer)
        return st;
    assert_true(cipher.cb <= *len);
    cipher.pb = out;
    st = SqlCryptEncrypt(&session, &thumb, 1, NULL, 0, &plain, &cipher);
    *len = cipher.cb;
    return st;
}

SqlCpError engine_decrypt(SqlCpSession session, const struct engine_key *key, const void *in,
                          uint32_t in_len, uint8_t *out, uint32_t *len)
{
    SqlCpKeyThumbprint thumb = {key->thumb_len, (uint8_t *)(uintptr_t)key->thumb};
    SqlCpData cipher = {in_len, (uint8_t *)(uintptr_t)in};
    SqlCpData plain = {0, NULL};
    SqlCpError st = SqlCryptDecrypt(&session, &thumb, 1, NULL, 0, &cipher, &plain);

    if (st != scp_err_InsufficientBuffer)
        return st;
    assert_true(plain.cb <= *len);
    plain.pb = out;
    st = SqlCryptDecrypt(&session, &thumb, 1, NULL, 0, &cipher, &plain);
    *len = plain.cb;
    return st;
}

/* ---- The scripted vault ---- */

/* Any odd number of 2048 bits does: nothing here computes with it. */
static void fill_rsa_key(struct kp_key_info *key, const struct kp_request *request)
{
    static uint8_t n[256];
    static const uint8_t e[] = {1, 0, 1};

    if (n[0] == 0) {
        memset(n, 0x5a, sizeof n);
        n[0] = 0xc3;
        n[255] = 1;
    }
    *key =
        (struct kp_key_info){.struct_size = sizeof *key,
                             .kty = KP_KTY_RSA,
                             .bits = 2048,
                             .key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP,
                             .flags = KP_KEY_ENABLED,
                             .name = request->name,
                             .version = request->version.len ? request->version : kpb_span_str("1"),
                             .n = kpb_span(n, sizeof n),
                             .e = kpb_span(e, sizeof e),
                             .not_before_unix_s = KP_TIME_NONE,
                             .expires_unix_s = KP_TIME_NONE,
                             .created_unix_s = KP_TIME_NONE,
                             .updated_unix_s = KP_TIME_NONE,
                             .deleted_unix_s = KP_TIME_NONE,
                             .scheduled_purge_unix_s = KP_TIME_NONE};
}

kp_status engine_answer(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_request *request = script_op_request(op);
    struct kp_key_info key;
    const struct kp_key_info *keys[] = {&key};
    struct kp_reply reply = {.struct_size = sizeof reply,
                             .alg = request->alg,
                             .name = request->name,
                             .version = request->version.len ? request->version : kpb_span_str("1"),
                             .value = request->value};

    fill_rsa_key(&key, request);
    if (request->op == KP_OP_LIST_KEYS || request->op == KP_OP_LIST_VERSIONS) {
        if (request->op == KP_OP_LIST_KEYS)
            key.name = kpb_span_str("k");
        reply.n_keys = 1;
        reply.keys = keys;
    } else if (!(kp_op_traits(request->op) & KP_TRAIT_PAYLOAD)) {
        reply.key = &key;
    }
    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

void engine_answers(struct script_vault *vault)
{
    script_usually(vault, (struct script_act){.how = SCRIPT_CALL, .call = engine_answer});
}
