/* Whom we talk to: what is wrong with a server's certificate is found, and says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "support/wire.h"

static struct wire wire;

static void expect_refused(const char *words)
{
    struct ask ask;
    uint64_t n_before = latch_count(tls_server_requests(wire.server));
    wire_ask(&wire, &ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_VAULT);
    assert_int_equal(ask.error.code, 3106);
    assert_int_equal(ask.error.exposure, KP_NOT_SENT);
    if (!strstr(ask.error.text, words))
        fail_msg("'%s' is not in: %s", words, ask.error.text);
    assert_int_equal(latch_count(tls_server_requests(wire.server)), n_before);
    ask_clear(&ask);
}

/* ---- Certificates that are not right ---- */

static void with_server(const struct cert *cert)
{
    tls_server_stop(wire.server);
    wire.server = tls_server_start(&(struct tls_server_options){.cert = cert});
}

static void certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert cert = cert_server(&wire.authority, "DNS:elsewhere.test", 0);
    with_server(&cert);
    wire_open(&wire, "", false);
    expect_refused("no alternative certificate subject name matches");
    wire_end(&wire);
    cert_clear(&cert);
}

static void certificate_that_has_expired_is_refused(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert cert = cert_server(&wire.authority, "DNS:localhost", CERT_EXPIRED);
    with_server(&cert);
    wire_open(&wire, "", false);
    expect_refused("certificate has expired");
    wire_end(&wire);
    cert_clear(&cert);
}

static void certificate_that_is_not_valid_yet_is_refused(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert cert = cert_server(&wire.authority, "DNS:localhost", CERT_NOT_YET);
    with_server(&cert);
    wire_open(&wire, "", false);
    expect_refused("certificate is not yet valid");
    wire_end(&wire);
    cert_clear(&cert);
}

static void certificate_of_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert stranger = cert_authority("a stranger");
    struct cert cert = cert_server(&stranger, "DNS:localhost", 0);
    with_server(&cert);
    wire_open(&wire, "", false);
    expect_refused("unable to get local issuer certificate");
    wire_end(&wire);
    cert_clear(&cert);
    cert_clear(&stranger);
}

/* ---- Versions ---- */

static void expect_version_refused(int version)
{
    struct ask ask;
    wire_begin(&wire, &(struct tls_server_options){.min_version = version, .max_version = version});
    wire_open(&wire, "", false);
    wire_ask(&wire, &ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_TRANSIENT);
    assert_int_equal(ask.error.code, 3106);
    assert_non_null(strstr(ask.error.text, "TLS 1.2"));
    assert_int_equal(latch_count(tls_server_requests(wire.server)), 0);
    ask_clear(&ask);
    wire_end(&wire);
}

static void versions_before_1_2_are_refused(void **state)
{
    (void)state;
    expect_version_refused(TLS1_VERSION);
    expect_version_refused(TLS1_1_VERSION);
}

static void versions_from_1_2_on_are_spoken(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wire_begin(&wire, &(struct tls_server_options){.min_version = versions[i],
                                                       .max_version = versions[i]});
        wire_open(&wire, "", false);
        wire_expect(&wire, "/bytes/1", KP_OK, 0);
        wire_end(&wire);
    }
}

/* ---- Revocation lists ---- */

static void open_with_list(const struct cert *issuer, const struct cert *revoked, bool stale)
{
    char path[128];
    char members[256];
    wire_path(&wire, "crl.pem", path);
    cert_write_list(issuer, revoked, stale, path);
    (void)snprintf(members, sizeof members, ", \"crl_file\": \"%s\"", path);
    wire_open(&wire, members, false);
}

static void certificate_on_a_list_is_refused(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    open_with_list(&wire.authority, &wire.cert, false);
    expect_refused("certificate revoked");
    wire_end(&wire);
}

static void certificate_that_is_not_on_the_list_is_accepted(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert other = cert_server(&wire.authority, "DNS:other.test", 0);
    open_with_list(&wire.authority, &other, false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_end(&wire);
    cert_clear(&other);
}

static void list_that_is_out_of_date_vouches_for_nobody(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    open_with_list(&wire.authority, NULL, true);
    expect_refused("CRL has expired");
    wire_end(&wire);
}

static void list_of_another_issuer_says_nothing(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert stranger = cert_authority("a stranger");
    open_with_list(&stranger, NULL, false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_end(&wire);
    cert_clear(&stranger);
}

/* ---- Stapled answers ---- */

static void begin_stapled(const struct cert *signer, bool good, bool stale)
{
    unsigned char *staple = NULL;
    wire_begin(&wire, NULL);
    int len = cert_staple(signer ? signer : &wire.authority, &wire.cert, good, stale, &staple);
    tls_server_stop(wire.server);
    wire.server = tls_server_start(
        &(struct tls_server_options){.cert = &wire.cert, .staple = staple, .staple_len = len});
    wire_open(&wire, "", false);
}

static void stapled_answer_decides(void **state)
{
    (void)state;
    begin_stapled(NULL, true, false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_end(&wire);
    begin_stapled(NULL, false, false);
    expect_refused("says it is revoked");
    wire_end(&wire);
    begin_stapled(NULL, true, true);
    expect_refused("is out of date");
    wire_end(&wire);
}

static void stapled_answer_of_a_stranger_is_refused(void **state)
{
    struct cert stranger = cert_authority("a stranger");
    (void)state;
    begin_stapled(&stranger, true, false);
    expect_refused("is not signed by the issuer");
    wire_end(&wire);
    cert_clear(&stranger);
}

/* ---- Pins ---- */

static void expect_pinned(uint32_t len, bool spoil, kp_status status)
{
    uint8_t pin[32];
    struct ask ask;
    cert_digest(&wire.cert, pin, len);
    pin[len - 1] = (uint8_t)(pin[len - 1] ^ spoil);
    wire_ask(&wire, &ask, "/bytes/1");
    ask.request.pin = kpb_span(pin, len);
    assert_int_equal(ask_do(&ask), status);
    if (status != KP_OK) {
        assert_int_equal(ask.error.code, 3106);
        assert_non_null(strstr(ask.error.text, "it is not the pinned one"));
    }
    ask_clear(&ask);
}

/* Of a stranger, for another name and expired: only the pin counts. */
static void pin_stands_in_place_of_chain_and_name(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    struct cert stranger = cert_authority("a stranger");
    cert_clear(&wire.cert);
    wire.cert = cert_server(&stranger, "DNS:elsewhere.test", CERT_EXPIRED);
    with_server(&wire.cert);
    wire_open(&wire, "", false);
    expect_pinned(20, false, KP_OK);
    expect_pinned(32, false, KP_OK);
    expect_pinned(20, true, KP_VAULT);
    expect_pinned(32, true, KP_VAULT);
    expect_refused("SSL certificate problem");
    wire_end(&wire);
    cert_clear(&stranger);
}

static void pin_is_asked_for_even_where_the_chain_is_good(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    wire_open(&wire, "", false);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    expect_pinned(32, true, KP_VAULT);
    expect_pinned(32, false, KP_OK);
    wire_end(&wire);
}

/* ---- Files ---- */

static void expect_config(const char *file, const char *words)
{
    struct ask ask;
    char members[256];
    (void)snprintf(members, sizeof members, ", \"crl_file\": \"%s/%s\"", wire.dir, file);
    wire_open(&wire, members, false);
    wire_ask(&wire, &ask, "/bytes/1");
    assert_int_equal(ask_do(&ask), KP_CONFIG);
    assert_int_equal(ask.error.code, 3106);
    if (!strstr(ask.error.text, words))
        fail_msg("'%s' is not in: %s", words, ask.error.text);
    ask_clear(&ask);
}

static void file_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    wire_begin(&wire, NULL);
    expect_config("nowhere.pem", "/nowhere.pem");
    wire_end(&wire);
    wire_begin(&wire, NULL);
    expect_config("ca.pem", "holds no revocation list in PEM");
    wire_end(&wire);
}

/* The reason for the refusal is gone, and so is the refusal. */
static void file_is_read_again_after_it_could_not_be(void **state)
{
    char path[128];
    (void)state;
    wire_begin(&wire, NULL);
    expect_config("crl.pem", "/crl.pem");
    wire_path(&wire, "crl.pem", path);
    cert_write_list(&wire.authority, NULL, false, path);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    wire_end(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificate_for_another_name_is_refused),
        cmocka_unit_test(certificate_that_has_expired_is_refused),
        cmocka_unit_test(certificate_that_is_not_valid_yet_is_refused),
        cmocka_unit_test(certificate_of_an_unknown_authority_is_refused),
        cmocka_unit_test(versions_before_1_2_are_refused),
        cmocka_unit_test(versions_from_1_2_on_are_spoken),
        cmocka_unit_test(certificate_on_a_list_is_refused),
        cmocka_unit_test(certificate_that_is_not_on_the_list_is_accepted),
        cmocka_unit_test(list_that_is_out_of_date_vouches_for_nobody),
        cmocka_unit_test(list_of_another_issuer_says_nothing),
        cmocka_unit_test(stapled_answer_decides),
        cmocka_unit_test(stapled_answer_of_a_stranger_is_refused),
        cmocka_unit_test(pin_stands_in_place_of_chain_and_name),
        cmocka_unit_test(pin_is_asked_for_even_where_the_chain_is_good),
        cmocka_unit_test(file_that_cannot_be_used_is_named),
        cmocka_unit_test(file_is_read_again_after_it_could_not_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
