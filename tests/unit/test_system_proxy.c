/* core/system_proxy: what the system's texts mean, and that a change holds without a restart. */
#include "core/system_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/errors.h"
#include "base/span.h"

#define FRESH_NS (KPI_SYSTEM_PROXY_FRESH_MS * UINT64_C(1000000))

/* ---- Pure ---- */

static void assert_chosen(const char *text, const char *want)
{
    struct kp_error err;
    kp_buf out;

    kp_buf_init(&out, "test", 256);
    assert_int_equal(kpi_system_proxy_choose(kpb_span_str(text), &out, &err), KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), want));
    kp_buf_clear(&out);
}

static void entry_for_https_is_chosen(void **state)
{
    (void)state;
    assert_chosen("", "");
    assert_chosen("proxy:8080", "http://proxy:8080");
    assert_chosen("http://proxy:8080", "http://proxy:8080");
    assert_chosen("http=a:80;https=b:81", "http://b:81");
    assert_chosen("HTTPS=http://b:81 http=a:80", "http://b:81");
    assert_chosen("http=a:80;ftp=c:21", "");
    assert_chosen("ftp=c:21;all:82", "http://all:82");
}

static void proxy_of_another_kind_is_refused(void **state)
{
    static const char *const texts[] = {"https=https://b:81", "a:b:c", "https=socks://x:1"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct kp_error err;
        kp_buf out;

        kp_buf_init(&out, "test", 256);
        assert_int_equal(kpi_system_proxy_choose(kpb_span_str(texts[i]), &out, &err), KP_CONFIG);
        assert_non_null(strstr(err.text, "system's proxy"));
        kp_buf_clear(&out);
    }
}

static void list_becomes_one_of_ours(void **state)
{
    kp_buf out;

    (void)state;
    kp_buf_init(&out, "test", 256);
    assert_int_equal(
        kpi_system_proxy_bypass(kpb_span_str("*.corp; 10.0.0.1;<local>\thttps://a.b;*"), &out),
        KP_OK);
    assert_true(kpb_span_eq_str(kp_buf_view(&out), ".corp,10.0.0.1,a.b,*"));
    kp_buf_clear(&out);
    kp_buf_init(&out, "test", 4);
    assert_int_equal(kpi_system_proxy_bypass(kpb_span_str("*.corp;b"), &out), KP_USAGE);
    kp_buf_clear(&out);
}

/* ---- Settings ---- */

struct machine {
    const char *proxy;
    const char *bypass;
    const char *refusal; /* NULL: none */
    unsigned n_reads;
};

static kp_status read_machine(void *ctx, kp_buf *proxy, kp_buf *bypass, struct kp_error *reterr)
{
    struct machine *m = ctx;

    m->n_reads++;
    if (m->refusal)
        return kpb_fail(reterr, KP_CONFIG, "%s", m->refusal);
    assert_int_equal(kp_buf_append_str(proxy, m->proxy), KP_OK);
    assert_int_equal(kp_buf_append_str(bypass, m->bypass), KP_OK);
    return KP_OK;
}

static kp_span vault(void)
{
    return kpb_span_str("contoso.vault.azure.net");
}

static struct kpi_system_proxies *new_proxies(struct machine *m)
{
    struct kpi_system_proxies *p = NULL;

    assert_int_equal(kpi_system_proxies_new(read_machine, m, &p, NULL), KP_OK);
    return p;
}

static void change_holds_after_a_while(void **state)
{
    struct machine m = {.proxy = "one:1", .bypass = "login.corp"};
    struct kpi_system_proxies *p = new_proxies(&m);
    const char *one = kpi_system_proxy(p, vault(), 1);

    (void)state;
    assert_string_equal(one, "http://one:1");
    assert_null(kpi_system_proxy(p, kpb_span_str("login.corp"), 1));
    m.proxy = "two:2";
    assert_ptr_equal(kpi_system_proxy(p, vault(), FRESH_NS), one);
    assert_int_equal(m.n_reads, 1);
    assert_string_equal(kpi_system_proxy(p, vault(), 1 + FRESH_NS), "http://two:2");
    assert_int_equal(m.n_reads, 2);
    m.proxy = "one:1"; /* the old setting again is the old pointer: its connections serve again */
    assert_ptr_equal(kpi_system_proxy(p, vault(), 1 + 2 * FRESH_NS), one);
    m.proxy = "";
    assert_null(kpi_system_proxy(p, vault(), 1 + 3 * FRESH_NS));
    kpi_system_proxies_free(p);
}

static void setting_that_cannot_be_used_is_an_objection(void **state)
{
    struct machine m = {.proxy = "https=https://b:81", .bypass = ""};
    struct kpi_system_proxies *p = new_proxies(&m);

    (void)state;
    assert_non_null(strstr(kpi_system_proxy_objection(p, vault(), 1), "system's proxy"));
    m.refusal = "a script";
    assert_string_equal(kpi_system_proxy_objection(p, vault(), 1 + FRESH_NS), "a script");
    assert_null(kpi_system_proxy(p, vault(), 1 + FRESH_NS));
    m.refusal = NULL;
    m.proxy = "one:1";
    assert_null(kpi_system_proxy_objection(p, vault(), 1 + 2 * FRESH_NS));
    assert_string_equal(kpi_system_proxy(p, vault(), 1 + 2 * FRESH_NS), "http://one:1");
    kpi_system_proxies_free(p);
}

static void settings_are_bounded(void **state)
{
    char text[32];
    struct machine m = {.proxy = text, .bypass = ""};
    struct kpi_system_proxies *p = new_proxies(&m);
    const char *last = NULL;

    (void)state;
    for (unsigned i = 0; i <= KPI_SYSTEM_PROXIES_MAX; i++) {
        const char *now;

        (void)snprintf(text, sizeof text, "p%u:80", i);
        now = kpi_system_proxy(p, vault(), 1 + i * FRESH_NS);
        if (i == KPI_SYSTEM_PROXIES_MAX)
            assert_ptr_equal(now, last);
        last = now;
    }
    kpi_system_proxies_free(p);
}

#if !defined(_WIN32)
static void system_without_settings_says_so(void **state)
{
    struct kp_error err;
    kp_buf none;

    (void)state;
    kp_buf_init(&none, "test", 1);
    assert_int_equal(kpi_platform_system_proxy(NULL, &none, &none, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "environment"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_for_https_is_chosen),
        cmocka_unit_test(proxy_of_another_kind_is_refused),
        cmocka_unit_test(list_becomes_one_of_ours),
        cmocka_unit_test(change_holds_after_a_while),
        cmocka_unit_test(setting_that_cannot_be_used_is_an_objection),
        cmocka_unit_test(settings_are_bounded),
#if !defined(_WIN32)
        cmocka_unit_test(system_without_settings_says_so),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
