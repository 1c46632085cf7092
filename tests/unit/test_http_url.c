/* The parts of a URL, and which hosts are which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "core/http_url.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

static void parts_are_found(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        bool tls;
        bool is_literal;
    } urls[] = {
        {"https://a.vault.example", "a.vault.example", 443, true, false},
        {"HTTPS://A.example/keys?x=y", "A.example", 443, true, false},
        {"https://a:8443/", "a", 8443, true, false},
        {"https://a?x", "a", 443, true, false},
        {"http://169.254.169.254/metadata", "169.254.169.254", 80, false, true},
        {"http://[fe80::1]:65535/", "fe80::1", 65535, false, true},
        {"https://127.0.0.1:1", "127.0.0.1", 1, true, true},
        {"https://127.1/", "127.1", 443, true, false},
    };
    (void)state;
    for (size_t i = 0; i < LEN(urls); i++) {
        struct kpi_url url;
        struct kp_error error;
        if (kpi_url_parse(kpb_span_str(urls[i].text), &url, &error) != KP_OK)
            fail_msg("%s: %s", urls[i].text, error.text);
        assert_true(kpb_span_eq_str(url.host, urls[i].host));
        assert_int_equal(url.port, urls[i].port);
        assert_int_equal(url.tls, urls[i].tls);
        assert_int_equal(url.is_literal, urls[i].is_literal);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "a",
        "//a",
        "https:/a",
        "https:///x",
        "https://:80",
        "https://a:",
        "https://a:0",
        "https://a:65536",
        "https://a:99999999999999999999",
        "https://a:1x",
        "https://u@a",
        "https://u:p@a",
        "https://[::1",
        "https://[1.2.3.4]",
        "https://[fe80::1%25eth0]",
        "https://[::1]x",
        "https://.a",
        "https://a%20b",
        "https://a/ b",
        "https://a/#f",
        "https://a\t",
        "https://a\n",
        "https://\xc3\xa4.example",
        "file:///etc/passwd",
        "https://a\\b",
        "https://a\\@b",
    };
    (void)state;
    for (size_t i = 0; i < LEN(texts); i++) {
        struct kpi_url url;
        if (kpi_url_parse(kpb_span_str(texts[i]), &url, NULL) != KP_USAGE)
            fail_msg("accepted: %s", texts[i]);
    }
}

static void lengths_are_bounded(void **state)
{
    char text[KPI_URL_MAX_LEN + 2];
    struct kpi_url url;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://h/", 10);
    assert_int_equal(kpi_url_parse(kpb_span(text, KPI_URL_MAX_LEN), &url, NULL), KP_OK);
    assert_int_equal(kpi_url_parse(kpb_span(text, KPI_URL_MAX_LEN + 1), &url, NULL), KP_USAGE);
    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    assert_int_equal(kpi_url_parse(kpb_span(text, 8 + KPI_HOST_MAX_LEN), &url, NULL), KP_OK);
    assert_int_equal(kpi_url_parse(kpb_span(text, 9 + KPI_HOST_MAX_LEN), &url, NULL), KP_USAGE);
}

static void nearby_hosts_are_told(void **state)
{
    static const char *const loopback[] = {"localhost", "LOCALHOST", "127.0.0.1", "127.255.255.255",
                                           "::1"};
    static const char *const link_local[] = {"169.254.169.254", "169.254.0.0", "fe80::1",
                                             "febf::1"};
    static const char *const neither[] = {
        "localhost.",       "127.1",       "128.0.0.1", "2130706433", "0.0.0.0",          "::",
        "::ffff:127.0.0.1", "169.253.0.1", "fec0::1",   "10.0.0.1",   "x.localhost.test", ""};
    (void)state;
    for (size_t i = 0; i < LEN(loopback); i++)
        assert_true(kpi_host_is_loopback(kpb_span_str(loopback[i])));
    for (size_t i = 0; i < LEN(link_local); i++)
        assert_true(kpi_host_is_link_local(kpb_span_str(link_local[i])));
    for (size_t i = 0; i < LEN(neither); i++) {
        assert_false(kpi_host_is_loopback(kpb_span_str(neither[i])));
        assert_false(kpi_host_is_link_local(kpb_span_str(neither[i])));
    }
}

static void lists_name_hosts(void **state)
{
    static const struct {
        const char *host;
        const char *list;
        bool listed;
        bool named;
    } rows[] = {
        {"a.example", "example", true, false},
        {"a.example", ".example", true, false},
        {"example", ".example", true, false},
        {"aexample", "example", false, false},
        {"A.Example", "b, a.example", true, true},
        {"a.example", "*", true, false},
        {"a.example", "", false, false},
        {"a.example", " ,, ", false, false},
        {"a.example", ".", false, false},
        {"10.1.2.3", "10.0.0.0/8", true, false},
        {"11.1.2.3", "10.0.0.0/8", false, false},
        {"10.1.2.3", "10.1.2.0/23 x", true, false},
        {"10.1.4.3", "10.1.2.0/23", false, false},
        {"10.1.2.3", "0.0.0.0/0", true, false},
        {"10.1.2.3", "10.1.2.3/33", false, false},
        {"10.1.2.3", "10.1.2.3/", false, false},
        {"10.1.2.3", "10.1.2.3", true, true},
        {"fd00::1", "fd00::/8", true, false},
        {"fd00::1", "10.0.0.0/8,fc00::/7", true, false},
        {"a.example", "10.0.0.0/8", false, false},
    };
    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        if (kpi_host_is_listed(kpb_span_str(rows[i].host), rows[i].list) != rows[i].listed ||
            kpi_host_is_named(kpb_span_str(rows[i].host), rows[i].list) != rows[i].named)
            fail_msg("%s in %s", rows[i].host, rows[i].list);
    }
    assert_false(kpi_host_is_listed(kpb_span_str("a"), NULL));
    assert_false(kpi_host_is_named(kpb_span_str("a"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),     cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(lengths_are_bounded), cmocka_unit_test(nearby_hosts_are_told),
        cmocka_unit_test(lists_name_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
