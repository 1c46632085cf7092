/* base/win_dpapi, and secrets of the configuration that it has sealed. */
#include "base/win_dpapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <windows.h>

#include <wincrypt.h>

#include "base/span.h"
#include "core/config.h"

#define SECRET "hunter2-hunter2"

static char path[MAX_PATH];

static int begin(void **state)
{
    char folder[MAX_PATH];

    (void)state;
    return GetTempPathA(MAX_PATH, folder) == 0 || GetTempFileNameA(folder, "kp", 0, path) == 0;
}

static int end(void **state)
{
    (void)state;
    (void)DeleteFileA(path);
    return 0;
}

static void seal(kp_span secret, enum kpb_win_dpapi_scope scope, kp_buf *out)
{
    struct kp_error err;

    kp_buf_init(out, "test", KPI_SEALED_MAX_LEN);
    if (kpb_win_dpapi_seal(secret, scope, out, &err) != KP_OK)
        fail_msg("%s", err.text);
}

static kp_status open_sealed(kp_span sealed, kp_buf *out, struct kp_error *err)
{
    kp_buf_init_secret(out, "test", KPI_SECRET_MAX_LEN);
    kp_error_init(err);
    return kpb_win_dpapi_open(sealed, "it", out, err);
}

static void assert_shut(kp_span sealed)
{
    struct kp_error err;
    kp_buf out;

    assert_int_equal(open_sealed(sealed, &out, &err), KP_CONFIG);
    assert_int_equal(strncmp(err.text, "DPAPI does not open it: ", 24), 0);
    assert_non_null(strstr(err.text, "kp secret protect"));
    assert_int_equal(out.len, 0);
    kp_buf_clear(&out);
}

static void sealed_of_either_scope_opens(void **state)
{
    static const enum kpb_win_dpapi_scope scopes[] = {KPB_WIN_DPAPI_MACHINE, KPB_WIN_DPAPI_USER};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kp_error err;
        kp_buf sealed;
        kp_buf out;

        seal(kpb_span_str(SECRET), scopes[i], &sealed);
        assert_false(kpb_span_eq(kp_buf_view(&sealed), kpb_span_str(SECRET)));
        assert_int_equal(open_sealed(kp_buf_view(&sealed), &out, &err), KP_OK);
        assert_true(kpb_span_eq_str(kp_buf_view(&out), SECRET));
        kp_buf_clear(&out);
        kp_buf_clear(&sealed);
    }
}

/* What a browser or a mail program has sealed for this account is not ours to read. */
static void sealed_by_others_stays_shut(void **state)
{
    static BYTE other_words[] = "somebody else";
    DATA_BLOB words = {sizeof other_words, other_words};
    BYTE secret[] = SECRET;
    DATA_BLOB plain = {sizeof secret, secret};

    (void)state;
    for (int i = 0; i < 2; i++) {
        DATA_BLOB sealed = {0, NULL};

        assert_true(CryptProtectData(&plain, L"test", i ? &words : NULL, NULL, NULL,
                                     CRYPTPROTECT_UI_FORBIDDEN, &sealed));
        assert_shut(kpb_span(sealed.pbData, sealed.cbData));
        (void)LocalFree(sealed.pbData);
    }
}

static void sealed_cut_short_stays_shut(void **state)
{
    kp_buf sealed;

    (void)state;
    seal(kpb_span_str(SECRET), KPB_WIN_DPAPI_MACHINE, &sealed);
    for (size_t len = 0; len < sealed.len; len++)
        assert_shut(kpb_span(sealed.ptr, len));
    kp_buf_clear(&sealed);
}

/* Not every byte is covered, such as those of the description; the secret itself always is. */
static void sealed_and_changed_gives_no_other_secret(void **state)
{
    size_t n_shut = 0;
    kp_buf sealed;

    (void)state;
    seal(kpb_span_str(SECRET), KPB_WIN_DPAPI_MACHINE, &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        struct kp_error err;
        kp_buf out;

        sealed.ptr[i] ^= 0x01;
        if (open_sealed(kp_buf_view(&sealed), &out, &err) == KP_OK)
            assert_true(kpb_span_eq_str(kp_buf_view(&out), SECRET));
        else
            n_shut++;
        kp_buf_clear(&out);
        sealed.ptr[i] ^= 0x01;
    }
    assert_true(n_shut > sealed.len / 2);
    kp_buf_clear(&sealed);
}

static void secret_longer_than_its_room_is_refused(void **state)
{
    struct kp_error err;
    kp_buf sealed;
    kp_buf out;

    (void)state;
    seal(kpb_span_str(SECRET), KPB_WIN_DPAPI_MACHINE, &sealed);
    kp_buf_init_secret(&out, "test", sizeof SECRET - 2);
    assert_int_equal(kpb_win_dpapi_open(kp_buf_view(&sealed), "it", &out, &err), KP_CONFIG);
    assert_string_equal(err.text, "the secret in it has more than 14 bytes");
    kp_buf_clear(&out);
    kp_buf_clear(&sealed);
}

/* ---- As the configuration names it ---- */

static void write_file(kp_span bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

static kp_status fetch(kp_buf *out, struct kp_error *err)
{
    const struct kpi_secret_ref ref = {.kind = KPI_SECRET_DPAPI, .source = path};

    kp_buf_init_secret(out, "test", KPI_SECRET_MAX_LEN);
    kp_error_init(err);
    return kpi_secret_fetch(&ref, out, err);
}

static void assert_not_fetched(const char *why)
{
    struct kp_error err;
    kp_buf out;

    assert_int_equal(fetch(&out, &err), KP_CONFIG);
    if (!strstr(err.text, why) || !strstr(err.text, path))
        fail_msg("'%s' says nothing of '%s'", err.text, why);
    kp_buf_clear(&out);
}

/* A line end in a secret that was sealed is a part of it. */
static void secret_of_the_configuration_is_opened(void **state)
{
    static const char *const secrets[] = {SECRET, "x", "\r\n", SECRET "\n"};

    (void)state;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        struct kp_error err;
        kp_buf sealed;
        kp_buf out;

        seal(kpb_span_str(secrets[i]), KPB_WIN_DPAPI_MACHINE, &sealed);
        write_file(kp_buf_view(&sealed));
        if (fetch(&out, &err) != KP_OK)
            fail_msg("%s", err.text);
        assert_true(kpb_span_eq_str(kp_buf_view(&out), secrets[i]));
        kp_buf_clear(&out);
        kp_buf_clear(&sealed);
    }
}

static void longest_secret_of_the_configuration_is_opened(void **state)
{
    static uint8_t secret[KPI_SECRET_MAX_LEN];
    struct kp_error err;
    kp_buf sealed;
    kp_buf out;

    (void)state;
    memset(secret, 's', sizeof secret);
    seal(kpb_span(secret, sizeof secret), KPB_WIN_DPAPI_MACHINE, &sealed);
    write_file(kp_buf_view(&sealed));
    assert_int_equal(fetch(&out, &err), KP_OK);
    assert_int_equal(out.len, sizeof secret);
    kp_buf_clear(&out);
    kp_buf_clear(&sealed);
}

static void file_that_holds_no_sealed_secret_is_refused(void **state)
{
    static uint8_t large[KPI_SEALED_MAX_LEN + 1];

    (void)state;
    write_file(kpb_span_str(SECRET));
    assert_not_fetched("DPAPI does not open");
    write_file(kpb_span(large, sizeof large));
    assert_not_fetched("has more than 69632 bytes");
    write_file(kpb_span(NULL, 0));
    assert_not_fetched("is empty");
    assert_true(DeleteFileA(path));
    assert_not_fetched("does not exist");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_of_either_scope_opens),
        cmocka_unit_test(sealed_by_others_stays_shut),
        cmocka_unit_test(sealed_cut_short_stays_shut),
        cmocka_unit_test(sealed_and_changed_gives_no_other_secret),
        cmocka_unit_test(secret_longer_than_its_room_is_refused),
        cmocka_unit_test(secret_of_the_configuration_is_opened),
        cmocka_unit_test(longest_secret_of_the_configuration_is_opened),
        cmocka_unit_test(file_that_holds_no_sealed_secret_is_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
