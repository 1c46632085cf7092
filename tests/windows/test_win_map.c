/* ekm/keys/win_map_registry: our records, the connector's beside them, and several maps at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>
#include <windows.h>

#include <aclapi.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/win_access.h"
#include "ekm/keys/key_map.h"
#include "tests/windows/set_access.h"

#define ROOT L"Software\\keyprovider-test-map"
#define MAP "HKCU\\Software\\keyprovider-test-map"
#define VAULT "contoso.vault.azure.net"
#define FOREIGN "373B314B78E8D59A0925494558FEF14B726216C5"
#define BY_NAME "2C5677D76F76D77F80" /* key20181029 */
#define OURS "0x00112233445566778899AABBCCDDEEFF00112233"

static int clean(void **state)
{
    (void)state;
    (void)RegDeleteTreeW(HKEY_CURRENT_USER, ROOT);
    return 0;
}

static void set_entry(const wchar_t *vault, const char *thumb, const wchar_t *uri)
{
    wchar_t key[512];

    (void)swprintf(key, sizeof key / sizeof key[0], ROOT L"\\Azure Key Vault\\%ls\\%hs", vault,
                   thumb);
    assert_int_equal(RegSetKeyValueW(HKEY_CURRENT_USER, key, L"KeyUri", REG_SZ, uri,
                                     (DWORD)((wcslen(uri) + 1) * sizeof *uri)),
                     ERROR_SUCCESS);
}

static ekm_map *open_map(void)
{
    struct kp_error err;
    ekm_map *map = NULL;
    kp_status st = ekm_map_open(MAP, &map, &err);

    if (st != KP_OK)
        fail_msg("%s", err.text);
    return map;
}

static struct ekm_thumb thumb_of(const char *hex)
{
    struct ekm_thumb thumb;

    assert_int_equal(ekm_thumb_parse(kpb_span_str(hex), &thumb, NULL), KP_OK);
    return thumb;
}

static struct ekm_record record_of(const char *hex, const char *version)
{
    struct ekm_record record;

    assert_int_equal(ekm_record_init(&record, kpb_span_str(VAULT), kpb_span_str("tde"),
                                     kpb_span_str(version), NULL),
                     KP_OK);
    record.thumb = thumb_of(hex);
    record.key = record.thumb;
    record.scheme = EKM_SCHEME_PUBLIC_KEY;
    record.origin = EKM_ORIGIN_ADDED;
    return record;
}

static bool finds(ekm_map *map, const char *hex, struct ekm_record *ret)
{
    const struct ekm_thumb thumb = thumb_of(hex);

    return ekm_map_find(map, &thumb, VAULT, ret);
}

static void put(ekm_map *map, const struct ekm_record *record)
{
    struct kp_error err;
    kp_status st = ekm_map_put(map, record, 1, 0, NULL, &err);

    if (st != KP_OK)
        fail_msg("%s", err.text);
}

static void entries_of_the_connector_are_read_in_place(void **state)
{
    struct ekm_record found;
    ekm_map *map;

    (void)state;
    set_entry(L"https://"
              L"contoso.vault.azure.net",
              FOREIGN,
              L"https://contoso.vault.azure.net/keys/app/0123456789abcdef0123456789abcdef");
    set_entry(L"contoso.vault.azure.net", BY_NAME,
              L"https://contoso.vault.azure.net/keys/key20181029");
    set_entry(L"contoso.vault.azure.net", "no-thumbprint", L"x");
    set_entry(L"contoso.vault.azure.net", "00", L"https://elsewhere.vault.azure.net/keys/a/b");
    map = open_map();
    assert_int_equal(ekm_map_count(map), 2);
    assert_true(finds(map, FOREIGN, &found));
    assert_int_equal(found.scheme, EKM_SCHEME_FOREIGN);
    assert_string_equal(found.name, "app");
    assert_string_equal(found.version, "0123456789abcdef0123456789abcdef");
    assert_true(finds(map, BY_NAME, &found));
    assert_int_equal(found.scheme, EKM_SCHEME_NAME);
    ekm_map_close(map);
}

static void record_is_there_for_others_and_after_a_restart(void **state)
{
    const struct ekm_record record = record_of(OURS, "8f2a");
    struct ekm_record found;
    ekm_map *one = open_map();
    ekm_map *two = open_map();

    (void)state;
    assert_false(finds(two, OURS, &found));
    put(one, &record);
    assert_true(finds(two, OURS, &found));
    assert_string_equal(found.version, "8f2a");
    ekm_map_close(one);
    ekm_map_close(two);
    one = open_map();
    assert_true(finds(one, OURS, &found));
    assert_int_equal(found.scheme, EKM_SCHEME_PUBLIC_KEY);
    ekm_map_close(one);
}

static void version_in_conflict_changes_nothing(void **state)
{
    const struct ekm_record record = record_of(OURS, "8f2a");
    const struct ekm_record other = record_of(OURS, "9999");
    struct ekm_record found;
    struct kp_error err;
    ekm_map *map = open_map();

    (void)state;
    put(map, &record);
    assert_int_equal(ekm_map_put(map, &other, 1, 0, NULL, &err), KP_CONFLICT);
    assert_int_equal(err.code, 2057);
    ekm_map_close(map);
    map = open_map();
    assert_true(finds(map, OURS, &found));
    assert_string_equal(found.version, "8f2a");
    ekm_map_close(map);
}

static void entry_that_comes_later_is_seen(void **state)
{
    struct ekm_record found;
    ekm_map *map = open_map();

    (void)state;
    assert_false(finds(map, FOREIGN, &found));
    set_entry(L"contoso.vault.azure.net", FOREIGN, L"https://contoso.vault.azure.net/keys/app/1");
    assert_true(finds(map, FOREIGN, &found));
    ekm_map_close(map);
}

static void removing_hides_the_connector_s_entry_and_leaves_it(void **state)
{
    const struct ekm_thumb foreign = thumb_of(FOREIGN);
    struct ekm_record found;
    wchar_t uri[128];
    DWORD len = sizeof uri;
    ekm_map *map;

    (void)state;
    set_entry(L"contoso.vault.azure.net", FOREIGN, L"https://contoso.vault.azure.net/keys/app/1");
    map = open_map();
    assert_int_equal(ekm_map_remove(map, &foreign, VAULT, NULL), KP_OK);
    assert_false(finds(map, FOREIGN, &found));
    ekm_map_close(map);
    map = open_map();
    assert_false(finds(map, FOREIGN, &found));
    assert_int_equal(ekm_map_count(map), 0);
    assert_int_equal(RegGetValueW(HKEY_CURRENT_USER,
                                  ROOT L"\\Azure Key Vault\\contoso.vault.azure.net\\"
                                       L"" FOREIGN,
                                  L"KeyUri", RRF_RT_REG_SZ, NULL, uri, &len),
                     ERROR_SUCCESS);
    ekm_map_close(map);
}

static void removing_takes_ours_out(void **state)
{
    const struct ekm_record record = record_of(OURS, "8f2a");
    struct ekm_record found;
    ekm_map *map = open_map();

    (void)state;
    put(map, &record);
    assert_int_equal(ekm_map_remove(map, &record.thumb, NULL, NULL), KP_OK);
    ekm_map_close(map);
    map = open_map();
    assert_false(finds(map, OURS, &found));
    ekm_map_close(map);
}

static void what_is_learned_of_a_foreign_one_goes_before_it(void **state)
{
    struct ekm_record found;
    ekm_map *map;

    (void)state;
    set_entry(L"contoso.vault.azure.net", FOREIGN, L"https://contoso.vault.azure.net/keys/app/1");
    map = open_map();
    assert_true(finds(map, FOREIGN, &found));
    found.wrap_alg = KP_ALG_RSA_OAEP_256;
    found.reported_alg = 2;
    put(map, &found);
    ekm_map_close(map);
    map = open_map();
    assert_int_equal(ekm_map_count(map), 1);
    assert_true(finds(map, FOREIGN, &found));
    assert_int_equal(found.wrap_alg, KP_ALG_RSA_OAEP_256);
    assert_int_equal(found.reported_alg, 2);
    assert_int_equal(found.scheme, EKM_SCHEME_FOREIGN);
    ekm_map_close(map);
}

static void damaged_record_is_refused_and_left(void **state)
{
    struct kp_error err;
    ekm_map *map = NULL;

    (void)state;
    assert_int_equal(RegSetKeyValueW(HKEY_CURRENT_USER, ROOT L"\\keyprovider", L"0x00 a.b", REG_SZ,
                                     L"{", 2 * sizeof(wchar_t)),
                     ERROR_SUCCESS);
    assert_int_equal(ekm_map_open(MAP, &map, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "0x00 a.b"));
}

static void set_value(const wchar_t *name, DWORD type, const void *data, DWORD len)
{
    assert_int_equal(
        RegSetKeyValueW(HKEY_CURRENT_USER, ROOT L"\\keyprovider", name, type, data, len),
        ERROR_SUCCESS);
}

/* Somebody's notes, short and long, under names short and long: none is a record. */
static void values_of_other_kinds_are_passed_over(void **state)
{
    static uint8_t large[1024 * 1024];
    static wchar_t name[4000];
    struct ekm_record record = record_of(OURS, "8f2a");
    struct ekm_record found;
    ekm_map *map = open_map();

    (void)state;
    put(map, &record);
    ekm_map_close(map);
    wmemset(name, L'n', 3999);
    set_value(L"binary", REG_BINARY, large, sizeof large);
    set_value(L"number", REG_DWORD, large, 4);
    set_value(L"nothing", REG_NONE, NULL, 0);
    set_value(L"odd", REG_BINARY, large, 3);
    set_value(name, REG_DWORD, large, 4);
    set_value(L"list", REG_MULTI_SZ, L"a\0b\0", 10);
    set_value(L"Generation", REG_SZ, L"", 2);
    map = open_map();
    assert_true(finds(map, OURS, &found));
    ekm_map_close(map);
}

static void text_longer_than_a_record_is_refused(void **state)
{
    static wchar_t text[300000];
    struct kp_error err;
    ekm_map *map = NULL;

    (void)state;
    wmemset(text, L'x', 299999);
    set_value(L"0x00 a.b", REG_SZ, text, sizeof text);
    assert_int_equal(ekm_map_open(MAP, &map, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "longer than a record"));
}

static void key_that_everybody_writes_is_refused(void **state)
{
    void *descriptor = kpb_win_access_from(L"D:P(A;;KA;;;BA)(A;;KA;;;WD)");
    struct kp_error err;
    ekm_map *map = NULL;
    HKEY key = NULL;

    (void)state;
    assert_int_equal(RegCreateKeyExW(HKEY_CURRENT_USER, ROOT L"\\keyprovider", 0, NULL, 0,
                                     KEY_ALL_ACCESS, NULL, &key, NULL),
                     ERROR_SUCCESS);
    win_set_access(key, SE_REGISTRY_KEY, descriptor);
    kpb_win_access_free(descriptor);
    assert_int_equal(ekm_map_open(MAP, &map, &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "can be written by"));
    (void)RegCloseKey(key);
}

/* ---- Many at once ---- */

#define N_WRITERS 4
#define N_RECORDS 8

static DWORD WINAPI write_records(void *arg)
{
    const unsigned at = *(const unsigned *)arg;
    ekm_map *map = NULL;
    DWORD n_put = 0;

    if (ekm_map_open(MAP, &map, NULL) != KP_OK)
        return 0;
    for (unsigned i = 0; i < N_RECORDS; i++) {
        char hex[48];
        struct ekm_record record = record_of(OURS, "8f2a");

        (void)snprintf(hex, sizeof hex, "0x%02X%02X", at, i);
        if (ekm_thumb_parse(kpb_span_str(hex), &record.thumb, NULL) == KP_OK)
            n_put += ekm_map_put(map, &record, 1, 0, NULL, NULL) == KP_OK;
    }
    ekm_map_close(map);
    return n_put;
}

static void writers_at_once_lose_nothing(void **state)
{
    unsigned numbers[N_WRITERS];
    HANDLE threads[N_WRITERS];
    ekm_map *map;

    (void)state;
    for (unsigned i = 0; i < N_WRITERS; i++) {
        numbers[i] = i + 1;
        threads[i] = CreateThread(NULL, 0, write_records, &numbers[i], 0, NULL);
        assert_non_null(threads[i]);
    }
    assert_int_equal(WaitForMultipleObjects(N_WRITERS, threads, TRUE, 60000), WAIT_OBJECT_0);
    for (unsigned i = 0; i < N_WRITERS; i++) {
        DWORD n_put = 0;

        assert_true(GetExitCodeThread(threads[i], &n_put));
        assert_int_equal(n_put, N_RECORDS);
        assert_true(CloseHandle(threads[i]));
    }
    map = open_map();
    assert_int_equal(ekm_map_count(map), N_WRITERS * N_RECORDS);
    ekm_map_close(map);
}

#define T(name) cmocka_unit_test_setup_teardown(name, clean, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(entries_of_the_connector_are_read_in_place),
        T(record_is_there_for_others_and_after_a_restart),
        T(version_in_conflict_changes_nothing),
        T(entry_that_comes_later_is_seen),
        T(removing_hides_the_connector_s_entry_and_leaves_it),
        T(removing_takes_ours_out),
        T(what_is_learned_of_a_foreign_one_goes_before_it),
        T(damaged_record_is_refused_and_left),
        T(values_of_other_kinds_are_passed_over),
        T(text_longer_than_a_record_is_refused),
        T(key_that_everybody_writes_is_refused),
        T(writers_at_once_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
