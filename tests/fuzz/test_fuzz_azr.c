/*
 * The fuzzers' entries over seeds, recorded replies among them where there are recordings, and over
 * changed ones. Always the same changes: a failure repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "support/changes.h"
#include "support/recorded_keys.h"
#include "support/recordings.h"
#include "tests/fuzz/entries.h"

#define CHANGES_PER_SEED 150u
#define SEEDS_MAX 400u
#define SEEDS_MAX_LEN (128u * 1024u)

static struct {
    kp_span at[SEEDS_MAX];
    size_t n;
    size_t used;
    uint8_t bytes[SEEDS_MAX_LEN];
} seeds;

static int start_anew(void **state)
{
    (void)state;
    seeds.n = 0;
    seeds.used = 0;
    return 0;
}

static void put(const void *bytes, size_t len)
{
    assert_true(len <= SEEDS_MAX_LEN - seeds.used);
    memcpy(seeds.bytes + seeds.used, bytes, len);
    seeds.used += len;
}

/* Keeps head and text as one seed, and says whether a reader takes it. */
static bool add_seed(changes_entry_fn *entry, const char *head, size_t head_len, const char *text)
{
    uint8_t *start = seeds.bytes + seeds.used;
    const uint64_t before = fuzz_n_taken();
    assert_true(seeds.n < SEEDS_MAX);
    put(head, head_len);
    put(text, strlen(text));
    seeds.at[seeds.n++] = kpb_span(start, head_len + strlen(text));
    assert_int_equal(entry(start, head_len + strlen(text)), 0);
    return fuzz_n_taken() > before;
}

static void run_seeds(changes_entry_fn *entry, const char *name, unsigned changes_per_seed)
{
    changes_run(entry, name, seeds.at, seeds.n, (unsigned)seeds.n * changes_per_seed);
}

/* ---- Seeds ---- */

#define KID "https://app.vault.azure.net/keys/app/0123456789abcdef0123456789abcdef"

static const char RESULT[] =
    "{\"kid\":\"" KID "\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
    "\"alg\":\"A256KW\",\"iv\":null}";
static const char SIGNATURE[] =
    "{\"kid\":\"" KID "\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
static const char VERDICT[] = "{\"kid\":\"" KID "\",\"alg\":\"ES256\",\"value\":true}";
static const char RSA_KEY[] =
    "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"RSA\",\"key_ops\":[\"sign\",\"wrapKey\"],"
    "\"n\":\"AADB\",\"e\":\"AQAB\"},\"attributes\":{\"enabled\":true,\"exp\":1,"
    "\"recoverableDays\":7,\"recoveryLevel\":\"Recoverable\","
    "\"attestation\":{\"version\":\"1\"}},\"tags\":{\"a\":\"\\u00e4\"},\"recoveryId\":\"x\","
    "\"deletedDate\":1,\"release_policy\":{\"data\":\"e30\"}}";
static const char EC_KEY[] =
    "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}}";
static const char LIST[] =
    "{\"value\":[{\"kid\":\"" KID "\",\"attributes\":{\"enabled\":true},\"tags\":{\"a\":\"b\"}}],"
    "\"nextLink\":\"https://app.vault.azure.net:443/keys?api-version=7.6&$skiptoken=a\"}";
static const char VERSIONS[] =
    "{\"value\":[{\"kid\":\"" KID "\"}],"
    "\"nextLink\":\"https://app.vault.azure.net/keys/app/versions?$skiptoken=a\"}";
static const char DELETED[] =
    "{\"value\":[{\"kid\":\"https://app.vault.azure.net/keys/app\",\"recoveryId\":\"x\","
    "\"deletedDate\":1,\"scheduledPurgeDate\":2}],"
    "\"nextLink\":\"https://app.vault.azure.net/deletedkeys?$skiptoken=a\"}";
static const char POLICY[] =
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P90D\"},\"action\":{\"type\":"
    "\"Rotate\"}}],\"attributes\":{\"expiryTime\":\"P2Y\",\"created\":1}}";

static const char *const BODIES[] = {
    "",
    "{}",
    "{\"value\":true}",
    "{\"value\":\"YmxvYg\"}",
    RESULT,
    SIGNATURE,
    VERDICT,
    RSA_KEY,
    EC_KEY,
    LIST,
    VERSIONS,
    DELETED,
    POLICY,
};

static void answers_of_every_operation_survive_any_body(void **state)
{
    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        const char head = (char)(op - 1);
        bool is_taken = false;
        for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
            is_taken = add_seed(fuzz_azr_answer, &head, 1, BODIES[i]) || is_taken;
        if (!is_taken)
            fail_msg("no seed is an answer of %s", kp_op_text(op));
    }
    run_seeds(fuzz_azr_answer, "fuzz_azr_answer", CHANGES_PER_SEED);
}

static const char CONFLICT[] =
    "Sun, 06 Nov 1994 08:49:37 GMT\n{\"error\":{\"code\":\"Conflict\",\"innererror\":{\"code\":"
    "\"ObjectIsBeingDeleted\",\"innererror\":{\"code\":\"x\"}}}}";

static void refusals_survive_any_body_and_header(void **state)
{
    static const char *const TAILS[] = {
        "\n",
        "5\n{\"error\":{\"code\":\"Throttled\",\"message\":\"m\"}}",
        CONFLICT,
        "Sunday, 06-Nov-94 08:49:37 GMT\n<html>",
        "Sun Nov  6 08:49:37 1994\nOK",
    };
    static const uint32_t STATUSES[] = {0, 100, 302, 400, 401, 403, 404, 409, 429, 500, 503, 65535};
    (void)state;
    for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++) {
        const char head[] = {(char)(i + 4), (char)(STATUSES[i] >> 8), (char)(STATUSES[i] & 0xff)};
        for (size_t t = 0; t < sizeof TAILS / sizeof TAILS[0]; t++)
            assert_false(add_seed(fuzz_azr_refusal, head, sizeof head, TAILS[t]));
    }
    run_seeds(fuzz_azr_refusal, "fuzz_azr_refusal", CHANGES_PER_SEED);
}

static void pages_survive_any_token_and_link(void **state)
{
    static const char *const TEXTS[] = {
        "\nhttps://app.vault.azure.net/keys?$skiptoken=abc&maxresults=3",
        "0000001.0123456789abcdef.a=b\nhttps://app.vault.azure.net:443/keys?api-version=7.6&a=c",
        "1.0123456789abcdef.a=b&api-version=1\nhttps://APP.vault.azure.net/keys?a=b",
    };
    (void)state;
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        assert_true(add_seed(fuzz_azr_page, "", 0, TEXTS[i]));
    run_seeds(fuzz_azr_page, "fuzz_azr_page", 20 * CHANGES_PER_SEED);
}

/* ---- Recorded replies, changed ---- */

/* Read with the request that was recorded: the changed reply is one to a question really asked. */
static struct recorded recorded;

static int read_recorded(const uint8_t *bytes, size_t len)
{
    static struct azr_answer answer;
    struct kp_error error;
    kp_error_init(&error);
    azr_answer_init(&answer);
    kp_status st =
        azr_answer_read(recorded.base, &recorded.request, kpb_span(bytes, len), &answer, &error);
    assert_true(st == KP_OK || error.text[0] != '\0');
    azr_answer_clear(&answer);
    return 0;
}

static void recorded_replies_survive_changes(void **state)
{
    (void)state;
    recordings_need();
    for (size_t i = 0; recorded_names[i]; i++) {
        size_t n;
        json_t *all = recordings_load(recorded_names[i], &n);
        for (size_t j = 0; j < n; j++) {
            if (!recorded_read(json_array_get(all, j), &recorded))
                continue;
            if (recorded.reply.http_status == 200 && recorded.reply.body.len > 0)
                changes_run(read_recorded, NULL, &recorded.reply.body, 1, CHANGES_PER_SEED);
            recorded_clear(&recorded);
        }
        json_decref(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_of_every_operation_survive_any_body, start_anew),
        cmocka_unit_test_setup(refusals_survive_any_body_and_header, start_anew),
        cmocka_unit_test_setup(pages_survive_any_token_and_link, start_anew),
        cmocka_unit_test_setup(recorded_replies_survive_changes, start_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
