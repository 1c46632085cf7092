#include <string.h>

#include "base/span.h"
#include "plugins/azure-rest/answer.h"
#include "tests/fuzz/entries.h"

#define BASE "https://app.vault.azure.net"

static struct azr_answer answer;

/* Lengths fit an answer of 32 bytes: AES key wrap adds 8. */
static struct kp_request request_of(uint32_t op)
{
    static const uint8_t value[40];
    const bool is_forward = op == KP_OP_ENCRYPT || op == KP_OP_WRAP;
    struct kp_request request = {.struct_size = sizeof request, .op = op, .count = 4};
    request.name = kpb_span_str("app");
    request.alg = op == KP_OP_SIGN || op == KP_OP_VERIFY ? KP_ALG_ES256 : KP_ALG_A256KW;
    request.value = kpb_span(value, is_forward ? 24 : sizeof value);
    return request;
}

/* Every byte of a span is the answer's own: sanitizers would see one that is not. */
static uint32_t touch(kp_span span)
{
    uint32_t sum = 0;
    FUZZ_CHECK(span.len == 0 || span.ptr != NULL);
    for (size_t i = 0; i < span.len; i++)
        sum += span.ptr[i];
    return sum;
}

static bool is_own(kp_span span)
{
    return span.len == 0 || (span.ptr >= answer.bytes.ptr &&
                             span.ptr + span.len <= answer.bytes.ptr + answer.bytes.len);
}

static void check_key(const struct kp_key_info *key)
{
    FUZZ_CHECK(key->struct_size == sizeof *key);
    FUZZ_CHECK(kpb_is_key_name(key->name));
    FUZZ_CHECK(key->version.len == 0 || kpb_is_key_version(key->version));
    FUZZ_CHECK(key->n_tags <= KP_TAGS_MAX);
    FUZZ_CHECK(is_own(key->name) && is_own(key->kid) && is_own(key->n) && is_own(key->x));
    (void)(touch(key->kid) + touch(key->n) + touch(key->e) + touch(key->x) + touch(key->y));
    (void)(touch(key->recovery_level) + touch(key->recovery_id) + touch(key->hsm_platform));
    (void)touch(key->release_policy);
    for (uint32_t i = 0; i < key->n_tags; i++)
        (void)(touch(key->tags[i].name) + touch(key->tags[i].value));
}

static void check_policy(const struct kp_rotation_policy *policy)
{
    FUZZ_CHECK(policy->n_rules <= KP_ROTATION_ACTIONS_MAX);
    for (uint32_t i = 0; i < policy->n_rules; i++) {
        FUZZ_CHECK(policy->rules[i].action != 0 && policy->rules[i].trigger != 0);
        (void)touch(policy->rules[i].duration);
    }
    (void)touch(policy->expiry);
}

static void check_reply(uint32_t op)
{
    const struct kp_reply *reply = &answer.reply;
    fuzz_took();
    FUZZ_CHECK(reply->struct_size == sizeof *reply);
    FUZZ_CHECK(!(kp_op_traits(op) & KP_TRAIT_PAYLOAD) || reply->version.len > 0);
    FUZZ_CHECK(reply->n_keys <= KP_PAGE_MAX);
    FUZZ_CHECK(is_own(reply->value) && is_own(reply->kid) && is_own(reply->next_page));
    (void)(touch(reply->value) + touch(reply->kid) + touch(reply->iv) + touch(reply->tag));
    (void)(touch(reply->name) + touch(reply->version) + touch(reply->next_page));
    if (reply->key)
        check_key(reply->key);
    for (uint32_t i = 0; i < reply->n_keys; i++)
        check_key(reply->keys[i]);
    if (reply->policy)
        check_policy(reply->policy);
}

static void check_failure(kp_status st, const struct kp_error *error)
{
    FUZZ_CHECK(st == KP_PROTOCOL || st == KP_INTEGRITY);
    FUZZ_CHECK(error->status == (uint32_t)st && error->text[0] != '\0');
    FUZZ_CHECK(error->exposure == KP_ANSWERED);
    FUZZ_CHECK(error->code == 0 || kp_code_find(error->code) != NULL);
    FUZZ_CHECK(answer.bytes.len == 0 && answer.reply.value.len == 0);
}

int fuzz_azr_answer(const uint8_t *bytes, size_t len)
{
    struct kp_error error;
    if (len == 0)
        return 0;
    uint32_t op = 1 + bytes[0] % KP_OP_MAX;
    const struct kp_request request = request_of(op);
    kp_error_init(&error);
    azr_answer_init(&answer);
    kp_status st = azr_answer_read(BASE, &request, kpb_span(bytes + 1, len - 1), &answer, &error);
    if (st == KP_OK)
        check_reply(op);
    else
        check_failure(st, &error);
    azr_answer_clear(&answer);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_answer)
