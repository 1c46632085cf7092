/* The identity half's entries over seeds and a fixed number of changed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/objects.h>

#include "base/span.h"
#include "support/changes.h"
#include "support/credentials.h"
#include "tests/fuzz/entries.h"

#define SEEDS_MAX 16u

#define T "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define AUTH "authorization=\"https://login.microsoftonline.com/" T "\""
#define RES "resource=\"https://vault.azure.net\""

static const char *const CHALLENGES[] = {
    "Bearer " AUTH ", " RES,
    "Bearer authorization_uri=https://login.windows.net/contoso.com, "
    "scope=https://vault.azure.net/.default",
    "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/"
    "authorize\", error=\"insufficient_claims\", claims=\"eyJhIjp7fX0=\"",
    "PoP nonce=\"x\", Negotiate YWJj/ZA==, Bearer " AUTH ", " RES,
    "Bearer " AUTH ", resource=\"https://evil.com\", Bearer authorization=\"https://"
    "login.microsoftonline.com@evil.com/" T "\", " RES,
    "Basic realm=/var/opt/azcmagent/tokens/a.key",
    "Basic realm=\"/var/opt/azcmagent/tokens/../a.key\"",
};

static const char *const REPLIES[] = {
    "{\"token_type\":\"Bearer\",\"expires_in\":86399,\"ext_expires_in\":86399,"
    "\"access_token\":\"eyJ0.eyJh.c2ln\",\"refresh_in\":43199}",
    "{\"access_token\":\"t\",\"client_id\":\"x\",\"expires_in\":\"28799\","
    "\"expires_on\":\"1700028799\",\"not_before\":\"1700000000\",\"resource\":\"\"}",
    "{\"access_token\":\"a\\u0041\\/\",\"expires_on\":\"11/14/2023 11:13:20 PM +00:00\"}",
    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: x\\r\\nTrace ID: 7b\","
    "\"error_codes\":[7000215],\"trace_id\":\"7bf28be4-fc61\"}",
    "{\"access_token\":{\"nbf\":{\"essential\":true}},\"id_token\":{}}",
    "[[[[{\"a\":[1,-2.5e+3,null,true,\"\\ud83d\\ude00\"]}]]]]",
};

static void run_texts(changes_entry_fn *entry, const char *const *texts, size_t n, unsigned rounds)
{
    kp_span seeds[SEEDS_MAX];
    assert_true(n <= SEEDS_MAX);
    for (size_t i = 0; i < n; i++)
        seeds[i] = kpb_span_str(texts[i]);
    changes_run(entry, seeds, n, rounds);
}

static void changed_challenges_send_no_credential_astray(void **state)
{
    (void)state;
    run_texts(fuzz_azr_challenge, CHALLENGES, sizeof CHALLENGES / sizeof CHALLENGES[0], 60000);
}

static void changed_replies_give_a_token_or_a_number(void **state)
{
    (void)state;
    run_texts(fuzz_azr_token, REPLIES, sizeof REPLIES / sizeof REPLIES[0], 40000);
}

/* Without MAC and encryption a change reaches what is inside; one iteration makes it quick. */
static kp_span pfx(int key_nid, int cert_nid, int mac_iterations)
{
    const struct credentials_pfx how = {"pass", key_nid, cert_nid, 1, mac_iterations, 0, 0, 1};
    return credentials_pfx(&how);
}

static void changed_key_files_give_a_key_or_a_number(void **state)
{
    kp_span seeds[SEEDS_MAX];
    size_t n = 0;
    (void)state;
    credentials_setup();
    credentials_pem_clear();
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    credentials_pem_sealed(credentials_key(0), "pass", 1);
    seeds[n++] = credentials_pem();
    seeds[n++] = pfx(-1, -1, -1);
    seeds[n++] = pfx(-1, -1, 1);
    seeds[n++] = pfx(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And40BitRC2_CBC, -1);
    seeds[n++] = pfx(NID_aes_256_cbc, NID_aes_256_cbc, -1);
    seeds[n++] = credentials_msblob(credentials_key(0));
    seeds[n++] = credentials_pvk(credentials_key(0), 0, "");
    seeds[n++] = credentials_pvk(credentials_key(0), 2, "pass");
    changes_run(fuzz_azr_credential, seeds, n, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_challenges_send_no_credential_astray),
        cmocka_unit_test(changed_replies_give_a_token_or_a_number),
        cmocka_unit_test(changed_key_files_give_a_key_or_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
