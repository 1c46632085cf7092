/*
 * The fuzzers' entries over seeds, recorded replies among them where there are recordings, and over
 * each seed cut, changed and stretched. Always the same changes: a failure repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "support/recorded_keys.h"
#include "support/recordings.h"
#include "tests/fuzz/entries.h"

#define CHANGES_PER_SEED 150u
#define INPUT_MAX_LEN 65536u

typedef int entry_fn(const uint8_t *bytes, size_t len);

/* ---- Changing a seed ---- */

static uint64_t state_of_changes;

/* G. Marsaglia's xorshift64. */
static uint64_t draw(void)
{
    state_of_changes ^= state_of_changes << 13;
    state_of_changes ^= state_of_changes >> 7;
    state_of_changes ^= state_of_changes << 17;
    return state_of_changes;
}

static size_t draw_below(size_t n)
{
    return n > 0 ? (size_t)(draw() % n) : 0;
}

struct input {
    uint8_t bytes[INPUT_MAX_LEN];
    size_t len;
};

static void insert(struct input *in, size_t at, const char *bytes, size_t len)
{
    if (in->len + len > INPUT_MAX_LEN)
        return;
    memmove(in->bytes + at + len, in->bytes + at, in->len - at);
    memcpy(in->bytes + at, bytes, len);
    in->len += len;
}

static void cut(struct input *in, size_t at, size_t len)
{
    len = len < in->len - at ? len : in->len - at;
    memmove(in->bytes + at, in->bytes + at + len, in->len - at - len);
    in->len -= len;
}

static void change_once(struct input *in)
{
    static const char *const PIECES[] = {
        "{",       "}",    "[",       "]",          "\"",
        "\\",      ",",    ":",       "null",       "\\u0000",
        "\\ud83d", "\xff", "{\"a\":", "[[[[[[[[[[", "9999999999999999999",
        "-1e9",    "true", "\n",      "https://",   "/keys/"};
    size_t at = draw_below(in->len);
    const char *piece = PIECES[draw_below(sizeof PIECES / sizeof PIECES[0])];
    switch (draw_below(5)) {
    case 0:
        in->bytes[at] = (uint8_t)draw();
        break;
    case 1:
        in->bytes[at] ^= (uint8_t)(1u << draw_below(8));
        break;
    case 2:
        insert(in, at, piece, strlen(piece));
        break;
    case 3:
        cut(in, at, 1 + draw_below(16));
        break;
    default:
        cut(in, at, draw_below(4) == 0 ? in->len : 1);
        break;
    }
}

/* In memory of its exact length, so that sanitizers see a byte read too far. */
static void feed(entry_fn *entry, const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, bytes, len);
    assert_int_equal(entry(exact, len), 0);
    free(exact);
}

static void run_seed(entry_fn *entry, const uint8_t *bytes, size_t len)
{
    static struct input in;
    assert_true(len <= INPUT_MAX_LEN);
    feed(entry, bytes, len);
    for (unsigned i = 0; i < CHANGES_PER_SEED; i++) {
        memcpy(in.bytes, bytes, len);
        in.len = len;
        for (size_t n = 1 + draw_below(4); n > 0 && in.len > 0; n--)
            change_once(&in);
        feed(entry, in.bytes, in.len);
    }
}

static void run_text(entry_fn *entry, const char *head, size_t head_len, const char *text)
{
    static struct input in;
    in.len = head_len + strlen(text);
    assert_true(in.len <= INPUT_MAX_LEN);
    memcpy(in.bytes, head, head_len);
    memcpy(in.bytes + head_len, text, strlen(text));
    run_seed(entry, in.bytes, in.len);
}

static int start_anew(void **state)
{
    (void)state;
    state_of_changes = UINT64_C(0x9e3779b97f4a7c15);
    return 0;
}

/* ---- Seeds ---- */

#define KID "https://app.vault.azure.net/keys/app/0123456789abcdef0123456789abcdef"

static const char RESULT[] =
    "{\"kid\":\"" KID "\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
    "\"alg\":\"A256KW\",\"iv\":null}";
static const char SIGNATURE[] =
    "{\"kid\":\"" KID "\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
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
static const char POLICY[] =
    "{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P90D\"},\"action\":{\"type\":"
    "\"Rotate\"}}],\"attributes\":{\"expiryTime\":\"P2Y\",\"created\":1}}";

static const char *const BODIES[] = {
    "",   "{}",   "{\"value\":true}", "{\"value\":\"YmxvYg\"}", RESULT, SIGNATURE, RSA_KEY, EC_KEY,
    LIST, POLICY,
};

static void answers_of_every_operation_survive_any_body(void **state)
{
    (void)state;
    for (uint32_t op = 1; op <= KP_OP_MAX; op++) {
        const char head = (char)(op - 1);
        for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
            run_text(fuzz_azr_answer, &head, 1, BODIES[i]);
    }
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
            run_text(fuzz_azr_refusal, head, sizeof head, TAILS[t]);
    }
}

static void pages_survive_any_token_and_link(void **state)
{
    static const char *const SEEDS[] = {
        "\nhttps://app.vault.azure.net/keys?$skiptoken=abc&maxresults=3",
        "0000001.0123456789abcdef.a=b\nhttps://app.vault.azure.net:443/keys?api-version=7.6&a=c",
        "1.0123456789abcdef.a=b&api-version=1\nhttps://APP.vault.azure.net/keys?a=b",
    };
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof SEEDS / sizeof SEEDS[0]; i++)
            run_text(fuzz_azr_page, "", 0, SEEDS[i]);
    }
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
            if (recorded.reply.http_status == 200)
                run_seed(read_recorded, recorded.reply.body.ptr, recorded.reply.body.len);
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
