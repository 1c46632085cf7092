/* cli/envelope: what is written is read back; anything else is refused. */
#include "cli/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "cli/digest.h"

#define TEXT_LEN 2048

/* Its sum: printf '1\nwrap\napp/0f3c\nfile:./vault\nA256GCM\nAQID\nBAU\nBg\nYWFk\n' | sha256sum */
#define SAMPLE                                                                                     \
    "{\"kp\":1,\"op\":\"wrap\",\"key\":\"app/0f3c\",\"vault\":\"file:./vault\",\"alg\":"           \
    "\"A256GCM\",\"value\":\"AQID\",\"iv\":\"BAU\",\"tag\":\"Bg\",\"aad\":\"YWFk\",\"sum\":"       \
    "\"TcQXXn7oucfGNdl7cJ5Law2rgALTYQaKI6ftg8He27w\"}"

static struct cli_envelope_source sample_source(struct kp_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    reply->alg = KP_ALG_A256GCM;
    reply->name = kpb_span_str("app");
    reply->version = kpb_span_str("0f3c");
    reply->value = kpb_span("\x01\x02\x03", 3);
    reply->iv = kpb_span("\x04\x05", 2);
    reply->tag = kpb_span("\x06", 1);
    const struct cli_envelope_source source = {.op = KP_OP_WRAP,
                                               .reply = reply,
                                               .aad = kpb_span_str("aad"),
                                               .vault = kpb_span_str("file:./vault")};
    return source;
}

static void write_text(const struct cli_envelope_source *source, char *to)
{
    struct cli_out o;
    cli_out_init(&o);
    assert_int_equal(cli_envelope_write(source, &o), KP_OK);
    assert_in_range(o.buf.len, 1, TEXT_LEN - 1);
    memcpy(to, o.buf.ptr, o.buf.len);
    to[o.buf.len] = '\0';
    cli_out_clear(&o);
}

static kp_status read_text(const char *text, struct cli_envelope *e, struct kp_error *err)
{
    cli_envelope_init(e);
    kp_error_init(err);
    return cli_envelope_read(kpb_span_str(text), e, err);
}

static void assert_refused(const char *text, kp_status status, const char *part)
{
    struct cli_envelope e;
    struct kp_error err;
    const kp_status st = read_text(text, &e, &err);
    cli_envelope_clear(&e);
    if (st != status || !strstr(err.text, part)) {
        fail_msg("%s\ngives %s '%s', not '%s'", text, kp_status_text(st), err.text, part);
    }
}

static void envelope_written_is_the_documented_line(void **state)
{
    struct kp_reply reply;
    const struct cli_envelope_source source = sample_source(&reply);
    char text[TEXT_LEN];
    (void)state;
    write_text(&source, text);
    assert_string_equal(text, SAMPLE "\n");
}

static void envelope_written_is_read_back(void **state)
{
    struct cli_envelope e;
    struct kp_error err;
    (void)state;
    assert_int_equal(read_text(SAMPLE "\n", &e, &err), KP_OK);
    assert_int_equal(e.op, KP_OP_WRAP);
    assert_int_equal(e.alg, KP_ALG_A256GCM);
    assert_true(kpb_span_eq_str(kp_buf_view(&e.name), "app"));
    assert_true(kpb_span_eq_str(kp_buf_view(&e.version), "0f3c"));
    assert_true(kpb_span_eq_str(kp_buf_view(&e.vault), "file:./vault"));
    assert_true(kpb_span_eq(kp_buf_view(&e.value), kpb_span("\x01\x02\x03", 3)));
    assert_true(kpb_span_eq(kp_buf_view(&e.iv), kpb_span("\x04\x05", 2)));
    assert_true(kpb_span_eq(kp_buf_view(&e.tag), kpb_span("\x06", 1)));
    assert_true(kpb_span_eq_str(kp_buf_view(&e.aad), "aad"));
    cli_envelope_clear(&e);
}

static void envelope_order_and_spaces_do_not_matter(void **state)
{
    struct cli_envelope e;
    struct kp_error err;
    (void)state;
    assert_int_equal(
        read_text(" { \"sum\": \"TcQXXn7oucfGNdl7cJ5Law2rgALTYQaKI6ftg8He27w\", \"tag\":\"Bg\",\n"
                  "\"op\":\"wrap\", \"key\":\"app\\/0f3c\", \"vault\":\"file:.\\u002fvault\",\n"
                  "\"alg\":\"A256GCM\",\"value\":\"AQID\",\"iv\":\"BAU\",\"aad\":\"YWFk\",\n"
                  "\"kp\":1}\n\n",
                  &e, &err),
        KP_OK);
    cli_envelope_clear(&e);
}

static void envelope_without_optional_members_has_none(void **state)
{
    struct kp_reply reply;
    struct cli_envelope_source source = sample_source(&reply);
    struct cli_envelope e;
    struct kp_error err;
    char text[TEXT_LEN];
    (void)state;
    reply.iv = reply.tag = source.aad = kpb_span(NULL, 0);
    write_text(&source, text);
    assert_null(strstr(text, "\"iv\""));
    assert_null(strstr(text, "\"tag\""));
    assert_null(strstr(text, "\"aad\""));
    assert_int_equal(read_text(text, &e, &err), KP_OK);
    assert_int_equal(e.iv.len, 0);
    cli_envelope_clear(&e);
}

static void envelope_of_odd_vault_text_is_read_back(void **state)
{
    struct kp_reply reply;
    struct cli_envelope_source source = sample_source(&reply);
    struct cli_envelope e;
    struct kp_error err;
    char text[TEXT_LEN];
    (void)state;
    source.vault = kpb_span_str("file:C:\\my \"keys\"\t\xc3\xa4");
    write_text(&source, text);
    assert_int_equal(read_text(text, &e, &err), KP_OK);
    assert_true(kpb_span_eq(kp_buf_view(&e.vault), source.vault));
    cli_envelope_clear(&e);

    source.vault = kpb_span_str("file:\xff"); /* no UTF-8: left out rather than unreadable */
    write_text(&source, text);
    assert_int_equal(read_text(text, &e, &err), KP_OK);
    assert_int_equal(e.vault.len, 0);
    cli_envelope_clear(&e);
}

/* Any single character changed to another is noticed: by the reader or by the sum. */
static void envelope_with_one_character_changed_is_refused(void **state)
{
    char text[] = SAMPLE;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        struct cli_envelope e;
        struct kp_error err;
        const char was = text[i];
        text[i] = was == 'x' ? 'y' : 'x';
        const kp_status st = read_text(text, &e, &err);
        cli_envelope_clear(&e);
        text[i] = was;
        if (st != KP_INTEGRITY) {
            fail_msg("byte %zu: %s", i, kp_status_text(st));
        }
        assert_true(err.text[0] != '\0');
    }
}

static void envelope_cut_anywhere_is_refused(void **state)
{
    static const char text[] = SAMPLE;
    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct cli_envelope e;
        struct kp_error err;
        cli_envelope_init(&e);
        kp_error_init(&err);
        assert_int_equal(cli_envelope_read(kpb_span(text, n), &e, &err), KP_INTEGRITY);
        cli_envelope_clear(&e);
    }
}

static void envelope_that_is_none_says_why(void **state)
{
    (void)state;
    assert_refused("", KP_INTEGRITY, "it is empty");
    assert_refused("hello", KP_INTEGRITY, "not a JSON object");
    assert_refused("[1]", KP_INTEGRITY, "not a JSON object");
    assert_refused("{}", KP_INTEGRITY, "member 'kp' is missing");
    assert_refused("{\"kp\":\"1\"}", KP_INTEGRITY, "member 'kp' is missing");
    assert_refused("{\"kp\":2}", KP_UNSUPPORTED, "version 2");
    assert_refused("{\"kp\":1}", KP_INTEGRITY, "member 'op' is missing");
    assert_refused("{\"kp\":1,\"op\":1}", KP_INTEGRITY, "member 'op' is no string");
    assert_refused("{\"kp\":1,\"kp\":1}", KP_INTEGRITY, "not a JSON object");
    assert_refused(SAMPLE SAMPLE, KP_INTEGRITY, "not a JSON object");
}

/* An envelope whose sum is right, whatever else it says. */
static void make_summed(char *to, const char *op, const char *key, const char *alg,
                        const char *value)
{
    const kp_span lines[] = {kpb_span_str("1"), kpb_span_str(op),  kpb_span_str(key),
                             kpb_span_str("v"), kpb_span_str(alg), kpb_span_str(value),
                             kpb_span(NULL, 0), kpb_span(NULL, 0), kpb_span(NULL, 0)};
    uint8_t sum[32];
    kp_buf sum_text;
    kp_buf_init(&sum_text, "test", 64);
    assert_int_equal(cli_digest_lines(lines, 9, sum), KP_OK);
    assert_int_equal(kpb_base64url_encode(kpb_span(sum, sizeof sum), &sum_text), KP_OK);
    (void)snprintf(to, TEXT_LEN,
                   "{\"kp\":1,\"op\":\"%s\",\"key\":\"%s\",\"vault\":\"v\",\"alg\":\"%s\","
                   "\"value\":\"%s\",\"sum\":\"%.*s\"}",
                   op, key, alg, value, (int)sum_text.len, (const char *)sum_text.ptr);
    kp_buf_clear(&sum_text);
}

static void envelope_with_wrong_members_names_them(void **state)
{
    char text[TEXT_LEN];
    (void)state;
    make_summed(text, "delete", "app/1", "A256KW", "AQID");
    assert_refused(text, KP_INTEGRITY, "member 'op' is neither");
    make_summed(text, "wrap", "app", "A256KW", "AQID");
    assert_refused(text, KP_INTEGRITY, "member 'key' is not NAME/VERSION");
    make_summed(text, "wrap", "../app/1", "A256KW", "AQID");
    assert_refused(text, KP_INTEGRITY, "member 'key' is not NAME/VERSION");
    make_summed(text, "wrap", "app/1", "ROT13", "AQID");
    assert_refused(text, KP_INTEGRITY, "member 'alg' is no algorithm");
    make_summed(text, "wrap", "app/1", "A256KW", "AQ+/");
    assert_refused(text, KP_INTEGRITY, "member 'value' is not base64url");
}

static void envelope_with_unknown_member_is_refused(void **state)
{
    char text[TEXT_LEN];
    char more[TEXT_LEN + 16];
    (void)state;
    make_summed(text, "wrap", "app/1", "A256KW", "AQID");
    (void)snprintf(more, sizeof more, "{\"x\":1,%s", text + 1);
    assert_refused(more, KP_INTEGRITY, "unknown member");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_written_is_the_documented_line),
        cmocka_unit_test(envelope_written_is_read_back),
        cmocka_unit_test(envelope_order_and_spaces_do_not_matter),
        cmocka_unit_test(envelope_without_optional_members_has_none),
        cmocka_unit_test(envelope_of_odd_vault_text_is_read_back),
        cmocka_unit_test(envelope_with_one_character_changed_is_refused),
        cmocka_unit_test(envelope_cut_anywhere_is_refused),
        cmocka_unit_test(envelope_that_is_none_says_why),
        cmocka_unit_test(envelope_with_wrong_members_names_them),
        cmocka_unit_test(envelope_with_unknown_member_is_refused),
    };
    return cmocka_run_group_tests_name("cli_envelope", tests, NULL, NULL);
}
