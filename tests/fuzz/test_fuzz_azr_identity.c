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
#define PEM_MAX_LEN 16384u

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
    "Basic realm=/var/opt/azcmagent/tokens/a.key",
    "Bearer " AUTH ", resource=\"https://evil.com\", Bearer authorization=\"https://"
    "login.microsoftonline.com@evil.com/" T "\", " RES,
    "Basic realm=\"/var/opt/azcmagent/tokens/../a.key\"",
};
#define N_GOOD_CHALLENGES 5u

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
#define N_GOOD_REPLIES 3u

/* Good ones come first: each must get past all checks, or its changes try nothing but the door. */
static void expect_taken(changes_entry_fn *entry, const kp_span *seeds, size_t n_good)
{
    for (size_t i = 0; i < n_good; i++) {
        const uint64_t before = fuzz_n_taken();
        assert_int_equal(entry(seeds[i].ptr, seeds[i].len), 0);
        if (fuzz_n_taken() == before)
            fail_msg("seed %zu is refused", i);
    }
}

static void run_texts(changes_entry_fn *entry, const char *name, const char *const *texts, size_t n,
                      size_t n_good, unsigned rounds)
{
    kp_span seeds[SEEDS_MAX];
    assert_true(n <= SEEDS_MAX);
    for (size_t i = 0; i < n; i++)
        seeds[i] = kpb_span_str(texts[i]);
    expect_taken(entry, seeds, n_good);
    changes_run(entry, name, seeds, n, rounds);
}

static void changed_challenges_send_no_credential_astray(void **state)
{
    (void)state;
    run_texts(fuzz_azr_challenge, "fuzz_azr_challenge", CHALLENGES,
              sizeof CHALLENGES / sizeof CHALLENGES[0], N_GOOD_CHALLENGES, 60000);
}

static void changed_replies_give_a_token_or_a_number(void **state)
{
    (void)state;
    run_texts(fuzz_azr_token, "fuzz_azr_token", REPLIES, sizeof REPLIES / sizeof REPLIES[0],
              N_GOOD_REPLIES, 40000);
}

/* ---- Files with a key, each form that is read ---- */

static kp_span seeds[SEEDS_MAX];
static size_t n_seeds;

/* The next text takes the place of this one. */
static void keep_pem(void)
{
    static uint8_t kept[SEEDS_MAX][PEM_MAX_LEN];
    const kp_span pem = credentials_pem();
    assert_true(pem.len <= PEM_MAX_LEN);
    memcpy(kept[n_seeds], pem.ptr, pem.len);
    seeds[n_seeds] = kpb_span(kept[n_seeds], pem.len);
    n_seeds++;
}

static void add_pems(void)
{
    credentials_pem_clear();
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_cert(0);
    keep_pem();
    credentials_pem_clear();
    credentials_pem_cert(0);
    credentials_pem_sealed(credentials_key(0), "pass", 1);
    keep_pem();
    credentials_pem_clear();
    credentials_pem_traditional(credentials_key(0), NULL); /* with a thumbprint from elsewhere */
    keep_pem();
}

/* Without MAC and encryption a change reaches what is inside; one iteration makes it quick. */
static void add_pfx(int key_nid, int cert_nid, int mac_iterations)
{
    const struct credentials_pfx how = {"pass", key_nid, cert_nid, 1, mac_iterations, 0, 0, 1};
    seeds[n_seeds++] = credentials_pfx(&how);
}

static void add_files(void)
{
    n_seeds = 0;
    add_pems();
    add_pfx(-1, -1, -1);
    add_pfx(-1, -1, 1);
    add_pfx(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And40BitRC2_CBC, -1);
    add_pfx(NID_aes_256_cbc, NID_aes_256_cbc, -1);
    seeds[n_seeds++] = credentials_msblob(credentials_key(0));
    for (int level = 0; level <= 2; level++)
        seeds[n_seeds++] = credentials_pvk(credentials_key(0), level, level ? "pass" : "");
}

static void changed_key_files_give_a_key_or_a_number(void **state)
{
    (void)state;
    credentials_setup();
    add_files();
    expect_taken(fuzz_azr_credential, seeds, n_seeds);
    credentials_pem_clear();
    credentials_pem_pkcs8(credentials_key(0));
    credentials_pem_pkcs8(credentials_key(1)); /* of several keys none is guessed */
    keep_pem();
    changes_run(fuzz_azr_credential, "fuzz_azr_credential", seeds, n_seeds, 500);
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
