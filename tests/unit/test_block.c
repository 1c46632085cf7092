#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/block.h"

static uint8_t scratch[4096];

/* A different run of bytes for each member, so that a mix-up shows. */
static kp_span bytes(uint8_t mark, size_t len)
{
    static size_t used;
    if (used + len > sizeof scratch)
        used = 0;
    uint8_t *at = scratch + used;
    memset(at, mark, len);
    used += len;
    return (kp_span){at, len};
}

static void expect_bytes(kp_span span, uint8_t mark, size_t len)
{
    assert_int_equal(span.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(span.ptr[i], mark);
}

static void expect_inside(const struct kpi_block *block, const void *p, size_t len)
{
    const uint8_t *from = block->ptr;
    const uint8_t *at = p;
    assert_true(at >= from && at + len <= from + block->len);
}

static void block_of_memory_is_zeroed_and_freed_twice_harmlessly(void **state)
{
    struct kpi_block block = {0};
    (void)state;
    assert_int_equal(kpi_block_alloc(&block, "test", 100), KP_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(((uint8_t *)block.ptr)[i], 0);
    kpi_block_free(&block);
    assert_null(block.ptr);
    kpi_block_free(&block);
}

/* ---- Requests ---- */

static void plain_request_is_copied_with_every_span(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    (void)state;
    kp_request_init(&request, KP_OP_DECRYPT);
    request.alg = KP_ALG_A256GCM;
    request.flags = 7;
    request.timeout_ms = 8;
    request.count = 9;
    request.page_size = 10;
    kp_span *const spans[] = {
        &request.name, &request.version,   &request.value,      &request.iv,    &request.aad,
        &request.tag,  &request.signature, &request.page_token, &request.nonce, &request.enc};
    for (uint8_t i = 0; i < 10; i++)
        *spans[i] = bytes((uint8_t)('a' + i), 3u + i);
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    memset(scratch, 0xee, sizeof scratch);
    expect_inside(&block, copy, sizeof *copy);
    assert_int_equal(copy->op, KP_OP_DECRYPT);
    assert_int_equal(copy->alg, KP_ALG_A256GCM);
    assert_int_equal(copy->flags, 7);
    assert_int_equal(copy->timeout_ms, 8);
    assert_int_equal(copy->count, 9);
    assert_int_equal(copy->page_size, 10);
    const kp_span got[] = {copy->name, copy->version,   copy->value,      copy->iv,    copy->aad,
                           copy->tag,  copy->signature, copy->page_token, copy->nonce, copy->enc};
    for (uint8_t i = 0; i < 10; i++) {
        expect_bytes(got[i], (uint8_t)('a' + i), 3u + i);
        expect_inside(&block, got[i].ptr, got[i].len);
    }
    kpi_block_free(&block);
}

static void empty_spans_stay_empty_and_point_nowhere(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    (void)state;
    kp_request_init(&request, KP_OP_LIST_KEYS);
    request.value = (kp_span){(const uint8_t *)"x", 0};
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    assert_int_equal(copy->value.len, 0);
    assert_null(copy->value.ptr);
    kpi_block_free(&block);
}

static void parameters_are_copied_deep(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    struct kp_key_params params;
    struct kp_tag tags[KP_TAGS_MAX];
    (void)state;
    kp_request_init(&request, KP_OP_IMPORT);
    kp_key_params_init(&params);
    for (uint8_t i = 0; i < KP_TAGS_MAX; i++)
        tags[i] = (struct kp_tag){bytes((uint8_t)('A' + i), 5), bytes((uint8_t)('P' + i), i)};
    params.tags = tags;
    params.n_tags = KP_TAGS_MAX;
    params.d = bytes('d', 256);
    params.key_hsm = bytes('h', 7);
    params.release_policy = bytes('r', 9);
    request.params = &params;
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    memset(scratch, 0xee, sizeof scratch);
    memset(tags, 0xee, sizeof tags);
    memset(&params, 0xee, sizeof params);
    assert_int_equal(copy->params->n_tags, KP_TAGS_MAX);
    assert_int_equal((uintptr_t)copy->params % sizeof(void *), 0);
    assert_int_equal((uintptr_t)copy->params->tags % sizeof(void *), 0);
    for (uint8_t i = 0; i < KP_TAGS_MAX; i++) {
        expect_bytes(copy->params->tags[i].name, (uint8_t)('A' + i), 5);
        expect_bytes(copy->params->tags[i].value, (uint8_t)('P' + i), i);
    }
    expect_bytes(copy->params->d, 'd', 256);
    expect_bytes(copy->params->key_hsm, 'h', 7);
    expect_bytes(copy->params->release_policy, 'r', 9);
    assert_int_equal(copy->params->expires_unix_s, KP_TIME_NONE);
    kpi_block_free(&block);
}

static void policy_is_copied_deep(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    struct kp_rotation_policy policy = {.struct_size = sizeof policy, .n_rules = 2};
    (void)state;
    kp_request_init(&request, KP_OP_SET_ROTATION_POLICY);
    policy.rules[0] = (struct kp_rotation_rule){1, 2, bytes('1', 4)};
    policy.rules[1] = (struct kp_rotation_rule){2, 1, bytes('2', 5)};
    policy.expiry = bytes('e', 3);
    request.policy = &policy;
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    memset(scratch, 0xee, sizeof scratch);
    memset(&policy, 0xee, sizeof policy);
    assert_int_equal(copy->policy->n_rules, 2);
    assert_int_equal(copy->policy->rules[0].action, 1);
    expect_bytes(copy->policy->rules[0].duration, '1', 4);
    expect_bytes(copy->policy->rules[1].duration, '2', 5);
    expect_bytes(copy->policy->expiry, 'e', 3);
    kpi_block_free(&block);
}

static void second_copy_uses_the_block_again_where_it_fits(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    (void)state;
    kp_request_init(&request, KP_OP_WRAP);
    request.value = bytes('v', 200);
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    kpi_block_wipe(&block);
    void *where = block.ptr;
    request.value = bytes('w', 100);
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    assert_ptr_equal(block.ptr, where);
    expect_bytes(copy->value, 'w', 100);
    kpi_block_free(&block);
}

static void wiped_block_holds_nothing_of_what_was_in_it(void **state)
{
    struct kpi_block block = {0};
    const struct kp_request *copy;
    struct kp_request request;
    (void)state;
    kp_request_init(&request, KP_OP_WRAP);
    for (size_t len = 1; len < 400; len += 57) { /* longer and longer, then wiped at once */
        request.value = bytes('s', len);
        assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    }
    request.value = bytes('s', 3);
    assert_int_equal(kpi_block_copy_request(&block, &request, &copy), KP_OK);
    kpi_block_wipe(&block);
    for (size_t i = 0; i < block.len; i++)
        assert_int_equal(((uint8_t *)block.ptr)[i], 0);
    kpi_block_free(&block);
}

/* ---- Replies ---- */

static void reply_with_keys_is_copied_deep(void **state)
{
    enum { N = 25 };
    struct kpi_block block = {0};
    const struct kp_reply *copy;
    struct kp_key_info infos[N];
    const struct kp_key_info *keys[N];
    struct kp_tag tag = {bytes('t', 2), bytes('T', 3)};
    struct kp_reply reply = {.struct_size = sizeof reply, .n_keys = N, .keys = keys};
    (void)state;
    assert_int_equal(kpi_block_alloc(&block, "test", 64), KP_OK);
    for (int i = 0; i < N; i++) {
        infos[i] = (struct kp_key_info){.struct_size = sizeof infos[i],
                                        .name = bytes((uint8_t)('a' + i), 4),
                                        .kid = bytes((uint8_t)('A' + i), 6),
                                        .n_tags = 1,
                                        .tags = &tag};
        keys[i] = &infos[i];
    }
    reply.next_page = bytes('p', 11);
    assert_int_equal(kpi_block_copy_reply(&block, &reply, &copy), KP_OK);
    memset(scratch, 0xee, sizeof scratch);
    memset(infos, 0xee, sizeof infos);
    memset(keys, 0xee, sizeof keys);
    memset(&tag, 0xee, sizeof tag);
    assert_int_equal(copy->n_keys, N);
    for (int i = 0; i < N; i++) {
        expect_bytes(copy->keys[i]->name, (uint8_t)('a' + i), 4);
        expect_bytes(copy->keys[i]->kid, (uint8_t)('A' + i), 6);
        expect_bytes(copy->keys[i]->tags[0].value, 'T', 3);
        expect_inside(&block, copy->keys[i], sizeof *copy->keys[i]);
    }
    expect_bytes(copy->next_page, 'p', 11);
    kpi_block_free(&block);
}

static void larger_reply_takes_a_larger_block(void **state)
{
    static uint8_t large[100000];
    struct kpi_block block = {0};
    const struct kp_reply *copy;
    struct kp_reply reply = {.struct_size = sizeof reply};
    (void)state;
    memset(large, 'L', sizeof large);
    assert_int_equal(kpi_block_alloc(&block, "test", 1024), KP_OK);
    reply.value = (kp_span){large, sizeof large};
    assert_int_equal(kpi_block_copy_reply(&block, &reply, &copy), KP_OK);
    assert_true(block.len > sizeof large);
    expect_bytes(copy->value, 'L', sizeof large);
    kpi_block_free(&block);
}

/* What a plugin of an older version does not have is neither read nor copied. */
static void smaller_structs_are_read_as_far_as_they_go(void **state)
{
    struct kpi_block block = {0};
    const struct kp_reply *copy;
    const size_t key_len = offsetof(struct kp_key_info, kid);
    volatile size_t exact_len = key_len; /* the compiler need not know what it is given */
    volatile size_t reply_len = offsetof(struct kp_reply, next_page);
    struct kp_key_info *key = malloc(exact_len); /* no longer: sanitizers see a byte too many */
    struct kp_reply *reply = malloc(reply_len);
    (void)state;
    assert_non_null(key);
    assert_non_null(reply);
    memset(key, 0, key_len);
    memset(reply, 0, offsetof(struct kp_reply, next_page));
    key->struct_size = (uint32_t)key_len;
    key->name = bytes('n', 3);
    reply->struct_size = offsetof(struct kp_reply, next_page);
    reply->value = bytes('v', 4);
    assert_int_equal(kpi_block_copy_reply(&block, reply, &copy), KP_OK);
    expect_bytes(copy->value, 'v', 4);
    assert_null(copy->key);
    assert_int_equal(copy->struct_size, sizeof *copy);
    kpi_block_free(&block);
    struct kp_reply whole = {.struct_size = sizeof whole, .key = key};
    assert_int_equal(kpi_block_copy_reply(&block, &whole, &copy), KP_OK);
    expect_bytes(copy->key->name, 'n', 3);
    assert_int_equal(copy->key->kid.len, 0);
    kpi_block_free(&block);
    free(reply);
    free(key);
}

static void struct_read_zeroes_what_is_missing_and_drops_what_is_unknown(void **state)
{
    struct shape {
        uint32_t struct_size;
        uint32_t a;
        uint64_t b;
    };
    struct shape older = {8, 1, 99};
    struct {
        struct shape known;
        uint64_t newer;
    } newer = {{24, 2, 3}, 4};
    struct shape got;
    (void)state;
    memset(&got, 0xee, sizeof got);
    kpi_struct_read(&got, sizeof got, &older);
    assert_int_equal(got.struct_size, sizeof got);
    assert_int_equal(got.a, 1);
    assert_int_equal(got.b, 0);
    kpi_struct_read(&got, sizeof got, &newer);
    assert_int_equal(got.struct_size, sizeof got);
    assert_int_equal(got.a, 2);
    assert_int_equal(got.b, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_of_memory_is_zeroed_and_freed_twice_harmlessly),
        cmocka_unit_test(plain_request_is_copied_with_every_span),
        cmocka_unit_test(empty_spans_stay_empty_and_point_nowhere),
        cmocka_unit_test(parameters_are_copied_deep),
        cmocka_unit_test(policy_is_copied_deep),
        cmocka_unit_test(second_copy_uses_the_block_again_where_it_fits),
        cmocka_unit_test(wiped_block_holds_nothing_of_what_was_in_it),
        cmocka_unit_test(reply_with_keys_is_copied_deep),
        cmocka_unit_test(larger_reply_takes_a_larger_block),
        cmocka_unit_test(smaller_structs_are_read_as_far_as_they_go),
        cmocka_unit_test(struct_read_zeroes_what_is_missing_and_drops_what_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
