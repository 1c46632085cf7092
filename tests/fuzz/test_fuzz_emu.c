/* The emulator's entry over seeds, one for each way through it, and changed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/changes.h"
#include "tests/fuzz/entries.h"

#define ROUNDS 1500

/* Byte 0: the port's role, with 0x80 a token; byte 1: the method. */
#define VAULT "\x80"
#define HSM "\x81"
#define LOGIN "\x02"
#define META "\x03"
#define GET "\x06" /* as 0, which would end the text */
#define POST "\x01"
#define PATCH "\x02"
#define PUT "\x03"
#define DELETE "\x04"
#define V "?api-version=7.6\nHost: localhost\n"
#define JSON "Content-Type: application/json\n\n"
#define FORM "Host: localhost\nContent-Type: application/x-www-form-urlencoded\n\n"
#define T "common"

static const char *const REQUESTS[] = {
    VAULT POST "/keys/ec/create" V JSON
               "{\"kty\":\"EC\",\"crv\":\"P-256\",\"key_ops\":[\"sign\",\"verify\"],"
               "\"attributes\":{\"enabled\":true,\"exp\":2000000000},\"tags\":{\"a\":\"b\"}}",
    VAULT GET "/keys/ec/" V "\n",
    VAULT GET "//keys//ec/versions?maxresults=2&$skiptoken=eA&api-version=7.6\n"
              "Host: emulated.vault.azure.net:443\n\n",
    VAULT POST "/keys/ec//sign" V JSON "{\"alg\":\"ES256\",\"value\":"
               "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
    VAULT PATCH "/keys/ec/0123456789abcdef0123456789abcdef" V JSON
                "{\"attributes\":{\"nbf\":1,\"enabled\":false},\"tags\":{}}",
    VAULT PUT "/keys/ec/rotationpolicy" V JSON
              "{\"lifetimeActions\":[{\"trigger\":{\"timeBeforeExpiry\":\"P30D\"},\"action\":"
              "{\"type\":\"Notify\"}}],\"attributes\":{\"expiryTime\":\"P1Y\"}}",
    VAULT PUT "/keys/imported" V JSON
              "{\"key\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"},"
              "\"release_policy\":{\"data\":\"e30\",\"contentType\":\"x\"}}",
    VAULT POST "/keys/restore" V JSON "{\"value\":\"JkF6dXJlS2V5VmF1bHRLZXlCYWNrdXBWMQ\"}",
    VAULT POST "/keys/ec/backup" V "\n",
    VAULT DELETE "/keys/ec" V "\n",
    VAULT GET "/deletedkeys?maxresults=25&api-version=7.6\nHost: localhost\n\n",
    HSM POST "/rng" V JSON "{\"count\":16}",
    HSM POST "/keys/oct/create" V JSON "{\"kty\":\"oct-HSM\",\"key_size\":256}",
    HSM POST "/keys/oct/wrapKey" V JSON "{\"alg\":\"A256KW\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}",
    HSM POST "/keys/oct/release" V JSON
             "{\"target\":\"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AA\",\"enc\":"
             "\"RSA_AES_KEY_WRAP_256\"}",
    LOGIN POST "/" T "/oauth2/v2.0/token\n" FORM
               "grant_type=client_credentials&client_id=" FUZZ_EMU_CLIENT
               "&client_secret=y&scope=https%3A%2F%2F"
               "vault.azure.net%2F.default&claims=%7B%7D",
    LOGIN POST "/" T "/oauth2/token\n" FORM
               "grant_type=client_credentials&client_id=" FUZZ_EMU_CLIENT
               "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
               "client-assertion-type%3Ajwt-bearer&client_assertion=eyJ9.eyJ9.AA&resource=https%3A"
               "%2F%2Fvault.azure.net",
    LOGIN GET "/common/discovery/instance?api-version=1.1&authorization_endpoint=https://x/\n"
              "Host: login.microsoftonline.com\n\n",
    LOGIN GET "/" T "/v2.0/.well-known/openid-configuration\nHost: localhost\n\n",
    META GET "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2F"
             "vault.azure.net\nHost: localhost\nMetadata: true\n\n",
    META GET "/msi/token?api-version=2017-09-01&resource=https://vault.azure.net\nHost: localhost\n"
             "secret: x\n\n",
    META POST "/emulator/scenario\n" FORM
              "{\"rules\":[{\"kind\":\"wrap\",\"nth\":2,\"fault\":\"status\",\"status\":429,"
              "\"headers\":{\"Retry-After\":\"1\"}}]}",
    META POST "/emulator/clock\n" FORM "{\"advance_s\":0}",
    META POST "/emulator/attestation\n" FORM "{\"claims\":{\"keys\":[{\"kty\":\"RSA\"}]}}",
};

#define N_REQUESTS (sizeof REQUESTS / sizeof REQUESTS[0])

static int begin(void **state)
{
    (void)state;
    fuzz_emu_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    fuzz_emu_end();
    return 0;
}

static void changed_requests_are_answered(void **state)
{
    kp_span seeds[N_REQUESTS];
    (void)state;
    for (size_t i = 0; i < N_REQUESTS; i++)
        seeds[i] = kpb_span_str(REQUESTS[i]);
    changes_run(fuzz_emu_request, "fuzz_emu_request", seeds, N_REQUESTS, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changed_requests_are_answered)};
    return cmocka_run_group_tests(tests, begin, end);
}
