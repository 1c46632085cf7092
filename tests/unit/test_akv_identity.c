/* Each kind of identity, from settings or handed over, to the request that asks for a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/span.h"
#include "plugins/azure-keyvault/azure_keyvault.h"
#include "plugins/azure-rest/identity.h"
#include "plugins/azure-rest/platform.h"
#include "support/env.h"
#include "support/fake_azure.h"

#define TOKEN_FILE "/var/run/secrets/azure/tokens/token"
#define CERTIFICATE "/etc/keyprovider/app.pem"
#ifdef _WIN32
#define ARC_KEY "C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\1234.key"
#else
#define ARC_KEY "/var/opt/azcmagent/tokens/1234.key"
#endif
#define JWT "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"
#define PEM_MAX_LEN 8192

static const char *const ENVIRONMENT[] = {
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IMDS_ENDPOINT",
    "IDENTITY_SERVER_THUMBPRINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
};

static int clean_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ENVIRONMENT / sizeof ENVIRONMENT[0]; i++)
        env_set(ENVIRONMENT[i], NULL);
    return 0;
}

static struct fake_azure *new_azure(void)
{
    static struct fake_azure azure;
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    return &azure;
}

static void open_ok(struct fake_azure *azure, const char *const *pairs)
{
    if (fake_azure_open(azure, pairs) != KP_OK)
        fail_msg("%s", azure->host.opened_error.text);
}

static kp_status wrap(struct fake_azure *azure, struct kp_error *ret_error)
{
    struct kp_request request;
    struct fake_result result;
    fake_azure_wrap(&request);
    kp_status st = fake_host_call(&azure->host, &request, &result);
    *ret_error = result.error;
    fake_result_clear(&result);
    return st;
}

static void wrap_ok(struct fake_azure *azure)
{
    struct kp_error error;
    if (wrap(azure, &error) != KP_OK)
        fail_msg("%s", error.text);
}

static void add_file(struct fake_azure *azure, const char *path, const char *bytes)
{
    azure->host.files[0].path = path;
    azure->host.files[0].bytes.ptr = (const uint8_t *)bytes;
    azure->host.files[0].bytes.len = strlen(bytes);
}

/* ---- Handed over ---- */

static void handed_over_client_id_and_secret_log_in(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(
        fake_azure_open_as(azure, NULL, "11111111222233334444555555555555", FAKE_SECRET), KP_OK);
    wrap_ok(azure);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_id=" FAKE_CLIENT));
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_secret=s3cret~value"));
    fake_azure_clear(azure);
}

static void handed_over_identity_wins_over_the_configuration(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(fake_azure_open_as(azure, fake_secret_settings,
                                        "99999999-2222-3333-4444-555555555555", "other"),
                     KP_OK);
    wrap_ok(azure);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_id=99999999"));
    fake_azure_clear(azure);
}

static void managed_identity_by_name_asks_the_machine(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(fake_azure_open_as(azure, NULL, "Managed Identity", ""), KP_OK);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_METADATA], 1);
    assert_int_equal(azure->n[FAKE_TOKEN], 0);
    assert_non_null(
        strstr(azure->last_url[FAKE_METADATA], "resource=https%3A%2F%2Fvault.azure.net"));
    fake_azure_clear(azure);
}

static void handed_over_nonsense_is_refused_at_open(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    assert_int_equal(fake_azure_open_as(azure, NULL, "not a client", FAKE_SECRET), KP_AUTH);
    assert_null(strstr(azure->host.opened_error.text, FAKE_SECRET));
    fake_azure_clear(azure);
}

/* ---- Configured ---- */

static void configured_tenant_needs_no_challenge(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {
        "identity.client_id", FAKE_CLIENT, "identity.secret", FAKE_SECRET, "identity.tenant",
        "contoso.example",    NULL};
    (void)state;
    open_ok(azure, pairs);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_PROBE], 0);
    assert_string_equal(azure->last_url[FAKE_TOKEN],
                        "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
    fake_azure_clear(azure);
}

static void workload_file_is_read_anew_each_time(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {
        "identity.kind", "workload", "identity.client_id", FAKE_CLIENT, "identity.token_file",
        TOKEN_FILE,      NULL};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, TOKEN_FILE, JWT "\n");
    wrap_ok(azure);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_assertion=" JWT));
    add_file(azure, TOKEN_FILE, JWT "0");
    fake_host_advance_s(&azure->host, 4000);
    wrap_ok(azure);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_assertion=" JWT "0"));
    assert_int_equal(azure->host.n_files, 2);
    fake_azure_clear(azure);
}

static void workload_takes_what_the_platform_sets(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    env_set("AZURE_FEDERATED_TOKEN_FILE", TOKEN_FILE);
    env_set("AZURE_CLIENT_ID", FAKE_CLIENT);
    env_set("AZURE_TENANT_ID", FAKE_TENANT);
    open_ok(azure, NULL);
    add_file(azure, TOKEN_FILE, JWT);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_PROBE], 0);
    assert_int_equal(azure->n[FAKE_TOKEN], 1);
    fake_azure_clear(azure);
}

static void chain_goes_on_to_the_next_kind(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {"identity.kind",
                                 "workload, managed_identity",
                                 "identity.token_file",
                                 "/nowhere",
                                 "identity.client_id",
                                 FAKE_CLIENT,
                                 NULL};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, TOKEN_FILE, JWT);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_METADATA], 1);
    assert_int_equal(azure->n[FAKE_TOKEN], 0);
    fake_azure_clear(azure);
}

static void chain_without_success_tells_the_first_failure(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_error error;
    const char *const pairs[] = {"identity.kind",
                                 "workload, managed_identity",
                                 "identity.token_file",
                                 "/nowhere",
                                 "identity.client_id",
                                 FAKE_CLIENT,
                                 NULL};
    const struct fake_azure_step none = {
        .part = FAKE_METADATA, .http_status = 400, .body = "{\"error\":\"invalid_request\"}"};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, TOKEN_FILE, JWT);
    fake_azure_then(azure, &none);
    assert_int_equal(wrap(azure, &error), KP_CONFIG);
    assert_non_null(strstr(error.text, "identity workload"));
    fake_azure_clear(azure);
}

static void imds_is_asked_again_by_its_own_rules(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {"identity.kind", "managed_identity", NULL};
    const struct fake_azure_step updating = {.part = FAKE_METADATA, .http_status = 410, .body = ""};
    (void)state;
    open_ok(azure, pairs);
    fake_azure_then(azure, &updating);
    fake_azure_then(azure, &updating);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_METADATA], 3);
    fake_azure_clear(azure);
}

static void machine_without_an_identity_is_told_at_once(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_error error;
    const struct fake_azure_step nobody = {
        .part = FAKE_METADATA, .status = KP_TRANSIENT, .exposure = KP_NOT_SENT, .code = 3103};
    (void)state;
    open_ok(azure, NULL);
    fake_azure_then(azure, &nobody);
    uint64_t before_ns = azure->host.now_ns;
    assert_int_equal(wrap(azure, &error), KP_TRANSIENT); /* it may be starting: the core repeats */
    assert_non_null(strstr(error.text, "no identity is configured"));
    assert_int_equal(azure->n[FAKE_METADATA], 1);
    assert_true(azure->host.now_ns == before_ns);
    fake_azure_clear(azure);
}

static void app_service_is_found_by_its_variables(void **state)
{
    struct fake_azure *azure = new_azure();
    (void)state;
    env_set("IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token");
    env_set("IDENTITY_HEADER", "proof");
    open_ok(azure, NULL);
    wrap_ok(azure);
    assert_non_null(strstr(azure->last_url[FAKE_METADATA], "127.0.0.1:41741/msi/token"));
    fake_azure_clear(azure);
}

static void arc_shows_the_key_file_it_is_told_of(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {"identity.managed_source", "arc", NULL};
    const struct fake_azure_step proof = {.part = FAKE_METADATA,
                                          .http_status = 401,
                                          .body = "",
                                          .header = "WWW-Authenticate",
                                          .value = "Basic realm=" ARC_KEY};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, ARC_KEY, "the-key");
    fake_azure_then(azure, &proof);
    wrap_ok(azure);
    assert_int_equal(azure->n[FAKE_METADATA], 2);
    assert_int_equal(azure->host.n_files, 1);
    fake_azure_clear(azure);
}

static void arc_is_found_by_its_agent(void **state)
{
    const struct azr_identity identity = {.n_refs = 1};
    struct azr_mi_env env;
    enum azr_mi_source source;
    (void)state;
    azr_identity_env(&identity, ".", &env);
    assert_true(env.has_arc_agent);
    assert_int_equal(azr_mi_choose(&env, &source, NULL), KP_OK);
    assert_int_equal(source, AZR_MI_ARC);
    azr_identity_env(&identity, "./no-such-agent", &env);
    assert_false(env.has_arc_agent);
    assert_non_null(strstr(azr_platform_arc_agent(), "himds"));
}

static void arc_is_refused_a_file_elsewhere(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_error error;
    const char *const pairs[] = {"identity.managed_source", "arc", NULL};
    const struct fake_azure_step proof = {.part = FAKE_METADATA,
                                          .http_status = 401,
                                          .body = "",
                                          .header = "WWW-Authenticate",
                                          .value = "Basic realm=/etc/shadow.key"};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, "/etc/shadow.key", "the-key");
    fake_azure_then(azure, &proof);
    assert_int_equal(wrap(azure, &error), KP_AUTH);
    assert_int_equal(azure->host.n_files, 0);
    fake_azure_clear(azure);
}

/* ---- Certificates ---- */

static void put_dates(X509 *x509, long days)
{
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), days * 86400L));
}

/* Key and certificate as PEM; valid for so many days of the real clock. */
static void make_pem(char *out, long days)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x509 = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(key && x509 && bio);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    put_dates(x509, days);
    X509_set_pubkey(x509, key);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_true(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
    assert_true(PEM_write_bio_X509(bio, x509));
    int n = BIO_read(bio, out, PEM_MAX_LEN - 1);
    assert_true(n > 0);
    out[n] = '\0';
    BIO_free(bio);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static bool has_logged(const struct fake_azure *azure, const char *what)
{
    for (size_t i = 0; i < azure->host.n_logs && i < FAKE_LOGS_MAX; i++) {
        if (strstr(azure->host.logs[i], what))
            return true;
    }
    return false;
}

static void certificate_signs_an_assertion_on_a_worker(void **state)
{
    struct fake_azure *azure = new_azure();
    char pem[PEM_MAX_LEN];
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.certificate",
                                 CERTIFICATE, NULL};
    (void)state;
    make_pem(pem, 3650);
    open_ok(azure, pairs);
    azure->host.now_unix_s = (int64_t)time(NULL);
    add_file(azure, CERTIFICATE, pem);
    wrap_ok(azure);
    assert_int_equal(azure->host.n_work, 1);
    assert_non_null(strstr(azure->last_body[FAKE_TOKEN], "client_assertion="));
    assert_false(has_logged(azure, "expires in"));
    fake_azure_clear(azure);
}

static void certificate_near_its_end_is_logged(void **state)
{
    struct fake_azure *azure = new_azure();
    char pem[PEM_MAX_LEN];
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.certificate",
                                 CERTIFICATE, NULL};
    (void)state;
    make_pem(pem, 7);
    open_ok(azure, pairs);
    azure->host.now_unix_s = (int64_t)time(NULL);
    add_file(azure, CERTIFICATE, pem);
    wrap_ok(azure);
    assert_true(has_logged(azure, "expires in"));
    fake_azure_clear(azure);
}

static void certificate_that_is_none_is_config(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_error error;
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.certificate",
                                 CERTIFICATE, NULL};
    (void)state;
    open_ok(azure, pairs);
    add_file(azure, CERTIFICATE, "nothing of the kind");
    assert_int_equal(wrap(azure, &error), KP_CONFIG);
    assert_int_equal(error.code, KP_CODE_ErrorPfxCertAuthParamsImportPfx);
    assert_int_equal(azure->n[FAKE_TOKEN], 0);
    fake_azure_clear(azure);
}

static void close_waits_for_the_worker_that_signs(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_request request;
    struct fake_result result;
    kp_op_id id;
    char pem[PEM_MAX_LEN];
    const char *const pairs[] = {"identity.client_id", FAKE_CLIENT, "identity.certificate",
                                 CERTIFICATE, NULL};
    (void)state;
    make_pem(pem, 3650);
    open_ok(azure, pairs);
    add_file(azure, CERTIFICATE, pem);
    fake_azure_wrap(&request);
    assert_int_equal(fake_host_submit(&azure->host, &request, 60000, &result, &id), KP_OK);
    while (azure->host.n_work == 0)
        assert_true(fake_host_step(&azure->host));
    fake_host_cancel(&azure->host, id);
    assert_int_equal(result.status, KP_CANCELED);
    azure->host.plugin->close(azure->host.vault);
    assert_int_equal(azure->host.n_closed, 0);
    fake_host_settle(&azure->host);
    assert_int_equal(azure->host.n_closed, 1);
    fake_host_forget_vault(&azure->host);
    fake_result_clear(&result);
    fake_azure_clear(azure);
}

/* ---- Trust ---- */

static void configured_authority_is_contacted_in_place_of_the_clouds_and_logged(void **state)
{
    struct fake_azure *azure = new_azure();
    struct kp_error error;
    const char *const pairs[] = {"identity.client_id",
                                 FAKE_CLIENT,
                                 "identity.secret",
                                 FAKE_SECRET,
                                 "authority",
                                 "https://login.test.example:8443",
                                 NULL};
    const struct fake_azure_step refused = {
        .part = FAKE_ELSEWHERE, .http_status = 400, .body = "{\"error\":\"invalid_request\"}"};
    (void)state;
    open_ok(azure, pairs);
    assert_true(has_logged(azure, "https://login.test.example:8443"));
    fake_azure_then(azure, &refused);
    assert_int_not_equal(wrap(azure, &error), KP_OK);
    assert_int_equal(azure->n[FAKE_TOKEN], 0);
    assert_int_equal(azure->n[FAKE_ELSEWHERE], 1);
    assert_string_equal(azure->last_url[FAKE_ELSEWHERE],
                        "https://login.test.example:8443/" FAKE_TENANT "/oauth2/v2.0/token");
    fake_azure_clear(azure);
}

static void host_of_no_cloud_needs_the_custom_suffix(void **state)
{
    static struct fake_azure azure;
    const char *const pairs[] = {"custom_suffix", "vault.test.example", NULL};
    (void)state;
    fake_azure_init(&azure, kp_azure_keyvault_plugin_get(KP_ABI_MAJOR, KP_ABI_MINOR));
    azure.vault_host = "v.vault.test.example:8443";
    assert_int_equal(fake_azure_open(&azure, NULL), KP_CONFIG);
    assert_int_equal(fake_azure_open(&azure, pairs), KP_OK);
    assert_true(has_logged(&azure, "vault.test.example"));
    fake_azure_clear(&azure);
}

static void api_version_is_the_configured_one(void **state)
{
    struct fake_azure *azure = new_azure();
    const char *const pairs[] = {
        "identity.client_id", FAKE_CLIENT, "identity.secret", FAKE_SECRET, "api_version",
        "2025-07-01",         NULL};
    (void)state;
    open_ok(azure, pairs);
    wrap_ok(azure);
    assert_string_equal(azure->last_url[FAKE_KEYS],
                        "https://" FAKE_VAULT_HOST "/keys/app/wrapkey?api-version=2025-07-01");
    fake_azure_clear(azure);
}

/* ---- Wrong settings ---- */

static const struct {
    const char *pairs[8];
    const char *sentence;
} WRONG[] = {
    {{"identity.kind", "password", NULL}, "identity.kind"},
    {{"identity.kind", "workload,workload", NULL}, "identity.kind"},
    {{"identity.kind", "client_secret", NULL}, "identity.client_id"},
    {{"identity.client_id", FAKE_CLIENT, "identity.kind", "client_secret", NULL},
     "identity.secret"},
    {{"identity.client_id", "x", NULL}, "identity.client_id"},
    {{"identity.tenant", "common", NULL}, "identity.tenant"},
    {{"identity.certificate", CERTIFICATE, NULL}, "identity.client_id"},
    {{"identity.assertion", "HS256", NULL}, "identity.assertion"},
    {{"identity.managed_source", "cloud_shell", NULL}, "identity.managed_source"},
    {{"identity.object_id", FAKE_CLIENT, "identity.resource_id", "/subscriptions/x", NULL},
     "identity.object_id"},
    {{"api_version", "7.6&x=y", NULL}, "api_version"},
    {{"poll_ms", "1", NULL}, "poll_ms"},
    {{"authority", "http://login.example", NULL}, "authority"},
    {{"nonsense", "1", NULL}, "nonsense"},
};

static void wrong_settings_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct fake_azure *azure = new_azure();
        assert_int_equal(fake_azure_open(azure, WRONG[i].pairs), KP_CONFIG);
        if (!strstr(azure->host.opened_error.text, WRONG[i].sentence))
            fail_msg("row %zu: %s", i, azure->host.opened_error.text);
        fake_azure_clear(azure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(handed_over_client_id_and_secret_log_in, clean_environment),
        cmocka_unit_test_setup(handed_over_identity_wins_over_the_configuration, clean_environment),
        cmocka_unit_test_setup(managed_identity_by_name_asks_the_machine, clean_environment),
        cmocka_unit_test_setup(handed_over_nonsense_is_refused_at_open, clean_environment),
        cmocka_unit_test_setup(configured_tenant_needs_no_challenge, clean_environment),
        cmocka_unit_test_setup(workload_file_is_read_anew_each_time, clean_environment),
        cmocka_unit_test_setup(workload_takes_what_the_platform_sets, clean_environment),
        cmocka_unit_test_setup(chain_goes_on_to_the_next_kind, clean_environment),
        cmocka_unit_test_setup(chain_without_success_tells_the_first_failure, clean_environment),
        cmocka_unit_test_setup(imds_is_asked_again_by_its_own_rules, clean_environment),
        cmocka_unit_test_setup(machine_without_an_identity_is_told_at_once, clean_environment),
        cmocka_unit_test_setup(app_service_is_found_by_its_variables, clean_environment),
        cmocka_unit_test_setup(arc_shows_the_key_file_it_is_told_of, clean_environment),
        cmocka_unit_test_setup(arc_is_found_by_its_agent, clean_environment),
        cmocka_unit_test_setup(arc_is_refused_a_file_elsewhere, clean_environment),
        cmocka_unit_test_setup(certificate_signs_an_assertion_on_a_worker, clean_environment),
        cmocka_unit_test_setup(certificate_near_its_end_is_logged, clean_environment),
        cmocka_unit_test_setup(certificate_that_is_none_is_config, clean_environment),
        cmocka_unit_test_setup(close_waits_for_the_worker_that_signs, clean_environment),
        cmocka_unit_test_setup(configured_authority_is_contacted_in_place_of_the_clouds_and_logged,
                               clean_environment),
        cmocka_unit_test_setup(host_of_no_cloud_needs_the_custom_suffix, clean_environment),
        cmocka_unit_test_setup(api_version_is_the_configured_one, clean_environment),
        cmocka_unit_test_setup(wrong_settings_are_refused_by_name, clean_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
