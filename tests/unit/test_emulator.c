/* tools/kp-emulator: its parts that are pure functions. */
#include "tools/kp-emulator/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "crypto/key.h"
#include "tools/kp-emulator/challenge.h"
#include "tools/kp-emulator/fields.h"
#include "tools/kp-emulator/hosts.h"
#include "tools/kp-emulator/jwt.h"
#include "tools/kp-emulator/scenario.h"
#include "tools/kp-emulator/settings.h"
#include "tools/kp-emulator/throttle.h"

/* ---- Routes ---- */

static enum emu_route_result route(enum emu_method method, const char *target, bool is_hsm,
                                   uint32_t *ret_op, char *ret_path)
{
    struct emu_request request;
    struct emu_route route;
    memset(&request, 0, sizeof request);
    request.method = method;
    assert_int_equal(emu_request_target(&request, kpb_span_str(target)), KP_OK);
    enum emu_route_result result = emu_route(&request, is_hsm, &route);
    *ret_op = route.op;
    (void)snprintf(ret_path, 128, "%.*s/%.*s", (int)route.name.len, (const char *)route.name.ptr,
                   (int)route.version.len, (const char *)route.version.ptr);
    emu_fields_clear(&request.query);
    return result;
}

static void route_normalises_paths(void **state)
{
    static const struct {
        enum emu_method method;
        const char *target;
        uint32_t op;
        const char *path;
    } ROWS[] = {
        {EMU_GET, "/keys?api-version=7.6", KP_OP_LIST_KEYS, "/"},
        {EMU_GET, "/keys/k/?api-version=7.6", KP_OP_GET_KEY, "k/"},
        {EMU_GET, "//keys//k/v", KP_OP_GET_KEY, "k/v"},
        {EMU_POST, "/KEYS/K/v1/wrapKey", KP_OP_WRAP, "K/v1"},
        {EMU_POST, "/keys/k/unwrapkey", KP_OP_UNWRAP, "k/"},
        {EMU_GET, "https://h/keys/k/rotationPolicy", KP_OP_GET_ROTATION_POLICY, "k/"},
        {EMU_POST, "/keys//restore", KP_OP_RESTORE, "/"},
        {EMU_DELETE, "/deletedKeys/k", KP_OP_PURGE, "k/"},
        {EMU_PATCH, "/keys/k/v", KP_OP_UPDATE, "k/v"},
        {EMU_PUT, "/keys/%6b", KP_OP_IMPORT, "k/"},
    };
    uint32_t op;
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(route(ROWS[i].method, ROWS[i].target, false, &op, path), EMU_ROUTED);
        assert_int_equal(op, ROWS[i].op);
        assert_string_equal(path, ROWS[i].path);
    }
}

static void route_refuses_what_is_not_there(void **state)
{
    uint32_t op;
    char path[128];
    (void)state;
    assert_int_equal(route(EMU_POST, "/rng", false, &op, path), EMU_NO_PATH);
    assert_int_equal(route(EMU_POST, "/rng", true, &op, path), EMU_ROUTED);
    assert_int_equal(route(EMU_POST, "/keys//create", false, &op, path), EMU_NO_OPERATION);
    assert_int_equal(route(EMU_GET, "/keys/k/create", false, &op, path), EMU_NO_METHOD);
    assert_int_equal(route(EMU_GET, "/secrets", false, &op, path), EMU_NO_PATH);
    assert_int_equal(route(EMU_POST, "/keys/k/v/create", false, &op, path), EMU_NO_PATH);
}

static void request_target_beyond_bounds_is_refused(void **state)
{
    struct emu_request request;
    (void)state;
    memset(&request, 0, sizeof request);
    assert_int_equal(emu_request_target(&request, kpb_span_str("/a/b/c/d/e/f/g/h/i")), KP_USAGE);
    assert_int_equal(emu_request_target(&request, kpb_span_str("/keys/%zz")), KP_USAGE);
    assert_int_equal(emu_request_target(&request, kpb_span_str("/keys?a=%4")), KP_USAGE);
    emu_fields_clear(&request.query);
}

static void fields_decode_and_find(void **state)
{
    struct emu_fields fields;
    bool found;
    (void)state;
    assert_int_equal(emu_fields_parse(kpb_span_str("a=1%2B2&B=x+y&&c"), &fields), KP_OK);
    assert_int_equal(fields.n, 3);
    assert_true(kpb_span_eq_str(emu_fields_get(&fields, "a", &found), "1+2"));
    assert_true(kpb_span_eq_str(emu_fields_get(&fields, "b", &found), "x y"));
    assert_int_equal(emu_fields_get(&fields, "c", &found).len, 0);
    assert_true(found);
    (void)emu_fields_get(&fields, "d", &found);
    assert_false(found);
    emu_fields_clear(&fields);
}

static void hosts_tell_mode_and_cloud(void **state)
{
    bool is_hsm;
    (void)state;
    assert_true(kpb_span_eq_str(emu_vault_label(kpb_span_str("v.Vault.azure.net"), &is_hsm), "v"));
    assert_false(is_hsm);
    (void)emu_vault_label(kpb_span_str("h.managedhsm.azure.cn"), &is_hsm);
    assert_true(is_hsm);
    assert_string_equal(emu_login_host_for(kpb_span_str("v.vault.usgovcloudapi.net")),
                        "login.microsoftonline.us");
    assert_string_equal(emu_audience_for(kpb_span_str("v.vault.azure.cn"), false),
                        "https://vault.azure.cn");
    assert_string_equal(emu_audience_for(kpb_span_str("h.managedhsm.localhost"), true),
                        "https://managedhsm.azure.net");
    assert_string_equal(emu_audience_for(kpb_span_str("localhost"), false),
                        "https://vault.azure.net");
    assert_null(emu_login_host_for(kpb_span_str("localhost")));
    assert_true(kpb_span_eq_str(emu_host_name(kpb_span_str("[::1]:443")), "[::1]"));
    assert_true(kpb_span_eq_str(emu_host_name(kpb_span_str("h:1")), "h"));
}

static void challenge_fills_in_names(void **state)
{
    kp_buf text;
    (void)state;
    kp_buf_init(&text, "test", 1024);
    assert_int_equal(emu_challenge_write("reversed", "https://a/t", "https://r", &text), KP_OK);
    assert_string_equal((const char *)text.ptr,
                        "Bearer resource=\"https://r\", authorization=\"https://a/t\"");
    kp_buf_reset(&text);
    assert_int_equal(emu_challenge_write("Bearer x={A}", "https://a", "https://r", &text), KP_OK);
    assert_string_equal((const char *)text.ptr, "Bearer x=https://a");
    kp_buf_clear(&text);
}

/* 248 of 250 RSA-4096 uses leave room for 16 of 2000 RSA-2048 ones (the documented example). */
static void throttle_weighs_as_documented(void **state)
{
    struct emu_throttle throttle = {{0}, {0}};
    int64_t wait_s = 0;
    (void)state;
    for (int i = 0; i < 248; i++)
        assert_true(emu_throttle_take(&throttle, EMU_HSM_OTHER, 4096, 100, 50000, &wait_s));
    for (int i = 0; i < 16; i++)
        assert_true(emu_throttle_take(&throttle, EMU_HSM_OTHER, 2048, 100, 52000, &wait_s));
    assert_false(emu_throttle_take(&throttle, EMU_HSM_OTHER, 2048, 100, 54500, &wait_s));
    assert_int_equal(wait_s, 6);
    assert_true(emu_throttle_take(&throttle, EMU_SOFT_OTHER, 4096, 100, 54500, &wait_s));
    assert_true(emu_throttle_take(&throttle, EMU_HSM_OTHER, 2048, 100, 60000, &wait_s));
    assert_true(emu_throttle_take(&throttle, EMU_HSM_CREATE, 2048, 0, 60000, &wait_s));
}

/* ---- Scenarios ---- */

static void add(struct emu_scenario *scenario, const char *text, kp_status wanted)
{
    struct kp_error err;
    kp_error_init(&err);
    json_t *root = emu_json_parse(kpb_span_str(text));
    assert_int_equal(emu_scenario_add(scenario, root, &err), wanted);
    json_decref(root);
}

static enum emu_fault_kind draw(struct emu_scenario *scenario, const char *kind)
{
    struct emu_fault fault = emu_scenario_draw(scenario, kind, "v");
    enum emu_fault_kind drawn = fault.kind;
    emu_fault_release(&fault);
    return drawn;
}

static void scenario_plays_rules_in_order(void **state)
{
    static struct emu_scenario scenario;
    (void)state;
    add(&scenario,
        "{\"rules\":[{\"kind\":\"wrap\",\"nth\":2,\"times\":2,\"fault\":\"reset\"},"
        "{\"kind\":\"wrap\",\"fault\":\"drop\"},{\"kind\":\"wrap\",\"vault\":\"w\",\"fault\":"
        "\"html\"}]}",
        KP_OK);
    assert_int_equal(draw(&scenario, "unwrap"), EMU_FAULT_NONE);
    assert_int_equal(draw(&scenario, "wrap"), EMU_FAULT_NONE);
    assert_int_equal(draw(&scenario, "wrap"), EMU_FAULT_RESET);
    assert_int_equal(draw(&scenario, "wrap"), EMU_FAULT_RESET);
    assert_int_equal(draw(&scenario, "wrap"), EMU_FAULT_DROP);
    assert_int_equal(draw(&scenario, "wrap"), EMU_FAULT_NONE);
    assert_int_equal(scenario.n, 1);
    emu_scenario_clear(&scenario);
}

static void scenario_refuses_all_for_one_bad_rule(void **state)
{
    static struct emu_scenario scenario;
    (void)state;
    add(&scenario, "{\"rules\":[{\"fault\":\"reset\"},{\"fault\":\"explode\"}]}", KP_CONFIG);
    add(&scenario, "{\"rules\":[{\"fault\":\"headers\",\"headers\":{\"a\":\"b\\r\\nc: d\"}}]}",
        KP_CONFIG);
    add(&scenario, "{\"rules\":[{\"fault\":\"status\",\"status\":99}]}", KP_CONFIG);
    add(&scenario, "{\"rules\":[{\"fault\":\"challenge\"}]}", KP_CONFIG);
    add(&scenario, "{\"rules\":[{\"fault\":\"reset\",\"often\":3}]}", KP_CONFIG);
    assert_int_equal(scenario.n, 0);
}

/* ---- Tokens ---- */

static void jwt_verifies_own_and_refuses_altered(void **state)
{
    struct emu_signer signer;
    struct emu_jwt jwt;
    kp_buf text;
    (void)state;
    json_t *claims = json_pack("{s:s,s:i}", "aud", "x", "exp", 7);
    kp_buf_init(&text, "test", EMU_JWT_MAX_LEN);
    assert_int_equal(emu_signer_init(&signer, NULL), KP_OK);
    assert_int_equal(emu_signer_sign(&signer, claims, NULL, &text), KP_OK);
    assert_int_equal(emu_jwt_read(kp_buf_view(&text), &jwt), KP_OK);
    assert_true(emu_jwt_is_signed_by(&jwt, signer.key, KP_ALG_ES256, KP_ALG_NONE));
    assert_false(emu_jwt_is_signed_by(&jwt, signer.key, KP_ALG_PS256, KP_ALG_RS256));
    assert_int_equal(emu_jwt_number(&jwt, "exp", 0), 7);
    jwt.signature.ptr[5] ^= 1;
    assert_false(emu_jwt_is_signed_by(&jwt, signer.key, KP_ALG_ES256, KP_ALG_NONE));
    emu_jwt_clear(&jwt);
    assert_int_equal(emu_jwt_read(kpb_span_str("a.b"), &jwt), KP_PROTOCOL);
    emu_jwt_clear(&jwt);
    assert_int_equal(emu_jwt_read(kpb_span_str("a.b.c.d"), &jwt), KP_PROTOCOL);
    emu_jwt_clear(&jwt);
    kp_buf_clear(&text);
    emu_signer_clear(&signer);
    json_decref(claims);
}

/* ---- Settings ---- */

static const char TENANT[] = "\"tenant\":\"11111111-2222-3333-4444-555555555555\"";

static kp_status read(const char *rest, struct emu_settings *settings, struct kp_error *err)
{
    char text[1024];
    kp_error_init(err);
    (void)snprintf(text, sizeof text, "{%s,%s}", TENANT, rest);
    json_t *root = emu_json_parse(kpb_span_str(text));
    assert_non_null(root);
    return emu_settings_read(root, settings, err);
}

static void settings_name_the_offending_member(void **state)
{
    static struct emu_settings s;
    struct kp_error err;
    (void)state;
    assert_int_equal(read("\"apps\":[],\"vaults\":[{\"name\":\"a/b\"}]", &s, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "vaults[0]"));
    assert_int_equal(read("\"apps\":[{\"client\":\"x\"}],\"vaults\":[]", &s, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "'client'"));
    assert_int_equal(read("\"apps\":[],\"vaults\":[{\"name\":\"a\"},{\"name\":\"A\"}]", &s, &err),
                     KP_CONFIG);
    assert_non_null(strstr(err.text, "taken"));
}

static void settings_permissions_are_by_vault(void **state)
{
    static struct emu_settings s;
    struct kp_error err;
    (void)state;
    assert_int_equal(read("\"apps\":[{\"client_id\":\"a\",\"permissions\":{\"v\":[\"get\","
                          "\"wrapKey\"]}},{\"client_id\":\"b\"}],\"vaults\":[]",
                          &s, &err),
                     KP_OK);
    const struct emu_app *app = emu_settings_app(&s, kpb_span_str("A"));
    assert_true(emu_app_may(app, "v", "wrapkey"));
    assert_false(emu_app_may(app, "v", "unwrapKey"));
    assert_false(emu_app_may(app, "w", "get"));
    assert_true(emu_app_may(&s.apps[1], "w", "get"));
    emu_settings_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_normalises_paths),
        cmocka_unit_test(route_refuses_what_is_not_there),
        cmocka_unit_test(request_target_beyond_bounds_is_refused),
        cmocka_unit_test(fields_decode_and_find),
        cmocka_unit_test(hosts_tell_mode_and_cloud),
        cmocka_unit_test(challenge_fills_in_names),
        cmocka_unit_test(throttle_weighs_as_documented),
        cmocka_unit_test(scenario_plays_rules_in_order),
        cmocka_unit_test(scenario_refuses_all_for_one_bad_rule),
        cmocka_unit_test(jwt_verifies_own_and_refuses_altered),
        cmocka_unit_test(settings_name_the_offending_member),
        cmocka_unit_test(settings_permissions_are_by_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
