/* The key map: its rules, its file, other processes, what regedit exports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/span.h"
#include "ekm/keys/key_map.h"
#include "support/rerun.h"
#include "support/rights.h"
#include "support/temp_dir.h"

#define HOST "team.vault.azure.net"
#define OTHER "spare.vault.azure.net"
#define T1 "0x373B314B78E8D59A0925494558FEF14B726216C5"
#define T2 "0x473B314B78E8D59A0925494558FEF14B726216C5"
#define K1 "0x1111111111111111111111111111111111111111"
#define K2 "0x2222222222222222222222222222222222222222"

static char dir[TEMP_DIR_LEN];
static char path[TEMP_DIR_LEN + 16];

static int make_dir(void **state)
{
    (void)state;
    temp_dir_make(dir);
    (void)snprintf(path, sizeof path, "%s/keys.json", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_dir_remove(dir);
    return 0;
}

static struct ekm_thumb thumb_of(const char *hex)
{
    struct ekm_thumb thumb;
    assert_int_equal(ekm_thumb_parse(kpb_span_str(hex), &thumb, NULL), KP_OK);
    return thumb;
}

static struct ekm_record record_of(const char *hex, const char *vault, const char *name,
                                   const char *version)
{
    struct ekm_record record;
    assert_int_equal(ekm_record_init(&record, kpb_span_str(vault), kpb_span_str(name),
                                     kpb_span_str(version), NULL),
                     KP_OK);
    record.thumb = thumb_of(hex);
    record.scheme = EKM_SCHEME_FOREIGN;
    record.origin = EKM_ORIGIN_IMPORTED;
    return record;
}

static ekm_map *open_map(void)
{
    struct kp_error err;
    ekm_map *map = NULL;
    if (ekm_map_open(path, &map, &err) != KP_OK)
        fail_msg("%s", err.text);
    return map;
}

static void put_ok(ekm_map *map, const struct ekm_record *record, uint32_t flags)
{
    struct kp_error err;
    if (ekm_map_put(map, record, 1, flags, NULL, &err) != KP_OK)
        fail_msg("%s", err.text);
}

static bool has(ekm_map *map, const char *hex, const char *vault, struct ekm_record *ret)
{
    const struct ekm_thumb thumb = thumb_of(hex);
    return ekm_map_find(map, &thumb, vault, ret);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    rights_take(path);
}

static size_t read_file(char *out, size_t cap)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t n = fread(out, 1, cap - 1, file);
    out[n] = '\0';
    assert_int_equal(fclose(file), 0);
    return n;
}

/* ---- Texts ---- */

static void vault_is_spelled_one_way(void **state)
{
    static const char *const SAME[][2] = {{"https://Team.Vault.azure.net/", HOST},
                                          {"TEAM.vault.azure.net:443", HOST},
                                          {"HTTPS://team.vault.azure.net:443//", HOST},
                                          {"config:Main", "config:Main"},
                                          {"file:/Var/Keys", "file:/Var/Keys"}};
    char text[EKM_VAULT_MAX_LEN + 1];
    (void)state;
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++) {
        assert_int_equal(ekm_vault_text(kpb_span_str(SAME[i][0]), text, NULL), KP_OK);
        assert_string_equal(text, SAME[i][1]);
    }
    assert_int_equal(ekm_vault_text(kpb_span_str(""), text, NULL), KP_USAGE);
    assert_int_equal(ekm_vault_text(kpb_span_str("https:///"), text, NULL), KP_USAGE);
    assert_int_equal(ekm_vault_text(kpb_span_str("a\nb"), text, NULL), KP_USAGE);
    assert_int_equal(ekm_vault_text(kpb_span_str("a\xff"), text, NULL), KP_USAGE);
    assert_int_equal(ekm_vault_text(kpb_span_str("http://a"), text, NULL), KP_USAGE);
}

/* ---- Rules ---- */

static void record_is_there_for_the_next_process(void **state)
{
    struct ekm_record record = record_of(T1, HOST, "tde", "v1");
    struct ekm_record found;
    (void)state;
    record.reported_alg = 1;
    record.wrap_alg = KP_ALG_RSA_OAEP_256;
    record.key = thumb_of(K1);
    ekm_map *map = open_map();
    put_ok(map, &record, 0);
    ekm_map_close(map);
    map = open_map();
    assert_true(has(map, T1, HOST, &found));
    assert_memory_equal(&found, &record, sizeof found);
    assert_false(has(map, T1, OTHER, &found));
    assert_false(has(map, T2, HOST, &found));
    assert_true(ekm_map_find_version(map, HOST, kpb_span_str("tde"), kpb_span_str("v1"),
                                     EKM_SCHEME_FOREIGN, &found));
    assert_false(ekm_map_find_version(map, HOST, kpb_span_str("tde"), kpb_span_str("v1"),
                                      EKM_SCHEME_NAME, &found));
    ekm_map_close(map);
    rights_expect_private(path);
}

static void second_name_or_version_in_one_vault_is_2057(void **state)
{
    const struct ekm_record first = record_of(T1, HOST, "tde", "v1");
    const struct ekm_record version = record_of(T1, HOST, "tde", "v2");
    const struct ekm_record both[2] = {record_of(T2, HOST, "new", "v1"),
                                       record_of(T1, HOST, "other", "v1")};
    struct ekm_put_report report;
    struct ekm_record found;
    struct kp_error err;
    (void)state;
    ekm_map *map = open_map();
    put_ok(map, &first, 0);
    assert_int_equal(ekm_map_put(map, &version, 1, 0, NULL, &err), KP_CONFLICT);
    assert_int_equal(err.code, 2057);
    assert_int_equal(ekm_map_put(map, both, 2, EKM_PUT_MOVES, NULL, &err), KP_CONFLICT);
    assert_int_equal(err.code, 2057);
    assert_false(has(map, T2, HOST, &found)); /* all or none */
    assert_int_equal(ekm_map_put(map, both, 2, EKM_PUT_KEEP_OLD, &report, &err), KP_OK);
    assert_int_equal(report.n_kept, 1);
    assert_int_equal(report.n_added, 1);
    assert_true(has(map, T1, HOST, &found));
    assert_string_equal(found.name, "tde");
    ekm_map_close(map);
}

static void key_keeps_the_algorithm_first_reported(void **state)
{
    struct ekm_record record = record_of(T1, HOST, "tde", "v1");
    struct ekm_put_report report;
    struct ekm_record found;
    (void)state;
    ekm_map *map = open_map();
    put_ok(map, &record, 0);
    record.reported_alg = 1;
    put_ok(map, &record, 0);
    record.reported_alg = 2;
    record.wrap_alg = KP_ALG_RSA_OAEP;
    assert_int_equal(ekm_map_put(map, &record, 1, 0, &report, NULL), KP_OK);
    assert_int_equal(report.n_updated, 1);
    assert_true(has(map, T1, HOST, &found));
    assert_int_equal(found.reported_alg, 1);
    assert_int_equal(found.wrap_alg, KP_ALG_RSA_OAEP);
    assert_int_equal(ekm_map_put(map, &record, 1, 0, &report, NULL), KP_OK);
    assert_int_equal(report.n_same, 1);
    ekm_map_close(map);
}

static void key_in_another_vault_has_moved(void **state)
{
    struct ekm_record old = record_of(T1, HOST, "tde", "v1");
    struct ekm_record moved = record_of(T1, OTHER, "tde", "v9");
    struct ekm_put_report report;
    struct ekm_record found;
    (void)state;
    old.key = thumb_of(K1);
    old.reported_alg = 1;
    moved.key = thumb_of(K1);
    moved.reported_alg = 2;
    ekm_map *map = open_map();
    put_ok(map, &old, 0);
    assert_int_equal(ekm_map_put(map, &moved, 1, EKM_PUT_MOVES, &report, NULL), KP_OK);
    assert_int_equal(report.n_moved, 1);
    assert_int_equal(ekm_map_count(map), 1);
    assert_true(has(map, T1, OTHER, &found));
    assert_string_equal(found.version, "v9");
    assert_int_equal(found.reported_alg, 1);
    ekm_map_close(map);
}

/* One name, two vaults, two keys: a name thumbprint allows it, and neither may take the other's. */
static void other_key_of_equal_name_elsewhere_stays_beside(void **state)
{
    struct ekm_record one = record_of(T1, HOST, "tde", "v1");
    struct ekm_record two = record_of(T1, OTHER, "tde", "v1");
    struct ekm_record found;
    const struct ekm_thumb thumb = thumb_of(T1);
    (void)state;
    one.key = thumb_of(K1);
    two.key = thumb_of(K2);
    ekm_map *map = open_map();
    put_ok(map, &one, 0);
    put_ok(map, &two, EKM_PUT_MOVES);
    assert_int_equal(ekm_map_count(map), 2);
    assert_true(has(map, T1, HOST, &found) && ekm_thumb_eq(&found.key, &one.key));
    assert_true(has(map, T1, OTHER, &found) && ekm_thumb_eq(&found.key, &two.key));
    assert_true(ekm_map_find_elsewhere(map, &thumb, HOST, &found));
    assert_string_equal(found.vault, OTHER);
    assert_int_equal(ekm_map_remove(map, &thumb, HOST, NULL), KP_OK);
    assert_false(has(map, T1, HOST, &found));
    assert_true(has(map, T1, OTHER, &found));
    assert_int_equal(ekm_map_remove(map, &thumb, HOST, NULL), KP_NOT_FOUND);
    assert_int_equal(ekm_map_remove(map, &thumb, NULL, NULL), KP_OK);
    assert_int_equal(ekm_map_count(map), 0);
    ekm_map_close(map);
}

static void map_in_order_survives_many_records(void **state)
{
    static struct ekm_record records[500];
    struct ekm_record found;
    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        records[i] = record_of(T1, HOST, "k", "v");
        records[i].thumb.bytes[0] = (uint8_t)(i * 37);
        records[i].thumb.bytes[1] = (uint8_t)(i * 37 >> 8);
    }
    ekm_map *map = open_map();
    assert_int_equal(ekm_map_put(map, records, 500, 0, NULL, NULL), KP_OK);
    for (unsigned i = 0; i < 500; i += 3)
        assert_int_equal(ekm_map_remove(map, &records[i].thumb, HOST, NULL), KP_OK);
    ekm_map_close(map);
    map = open_map();
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(ekm_map_find(map, &records[i].thumb, HOST, &found), i % 3 != 0);
    ekm_map_close(map);
}

/* ---- The file ---- */

static void damaged_file_is_told_and_left_alone(void **state)
{
    static const char *const BAD[][2] = {
        {"", "JSON"},
        {"{", "JSON"},
        {"[]", "lacks"},
        {"{\"records\": []}", "lacks"},
        {"{\"keyprovider_key_map\": 2, \"records\": []}", "format 2"},
        {"{\"keyprovider_key_map\": 1}", "nothing else"},
        {"{\"keyprovider_key_map\": 1, \"records\": [], \"more\": 1}", "nothing else"},
        {"{\"keyprovider_key_map\": 1, \"records\": [7]}", "record 1: it is no object"},
        {"{\"keyprovider_key_map\": 1, \"records\": [{}]}", "\"vault\" is missing"},
        {"{\"keyprovider_key_map\": 1, \"records\": [{\"x\": 1}]}", "member that no record"},
        {"{\"keyprovider_key_map\": 1, \"records\": [[[[]]]]}", "deeper"},
        {"{\"keyprovider_key_map\": 1, \"records\": [{\"thumbprint\": \"0x01\", \"scheme\": "
         "\"odd\", \"origin\": \"found\", \"vault\": \"v\", \"name\": \"k\"}]}",
         "\"scheme\" is unknown"},
        {"{\"keyprovider_key_map\": 1, \"records\": [{\"thumbprint\": \"0x01\", \"scheme\": "
         "\"name\", \"origin\": \"found\", \"vault\": \"v\", \"name\": \"k\", \"reported_alg\": "
         "-1}]}",
         "no number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct kp_error err;
        ekm_map *map = NULL;
        char left[512];
        write_file(BAD[i][0]);
        if (ekm_map_open(path, &map, &err) != KP_CONFIG || !strstr(err.text, BAD[i][1]))
            fail_msg("%s: %s", BAD[i][0], err.text);
        (void)read_file(left, sizeof left);
        assert_string_equal(left, BAD[i][0]);
    }
}

/* Damaged while a process runs: what it knows stays in force, what it learns is not written. */
static void file_damaged_meanwhile_is_not_overwritten(void **state)
{
    const struct ekm_record first = record_of(T1, HOST, "tde", "v1");
    const struct ekm_record second = record_of(T2, HOST, "tde2", "v1");
    struct ekm_record found;
    struct kp_error err;
    char left[64];
    (void)state;
    ekm_map *map = open_map();
    put_ok(map, &first, 0);
    write_file("damaged");
    assert_true(has(map, T1, HOST, &found));
    assert_int_equal(ekm_map_put(map, &second, 1, 0, NULL, &err), KP_CONFIG);
    assert_false(has(map, T2, HOST, &found));
    assert_int_equal(ekm_map_put(map, &second, 1, EKM_PUT_REMEMBER, NULL, &err), KP_CONFIG);
    assert_true(has(map, T2, HOST, &found));
    (void)read_file(left, sizeof left);
    assert_string_equal(left, "damaged");
    ekm_map_close(map);
}

static void folder_that_is_missing_or_open_to_others_is_2058(void **state)
{
    const struct ekm_record record = record_of(T1, HOST, "tde", "v1");
    const struct ekm_record later = record_of(T2, HOST, "tde2", "v1");
    struct ekm_record found;
    struct kp_error err;
    char sub[sizeof path];
    uv_fs_t request;
    (void)state;
    (void)snprintf(sub, sizeof sub, "%s/no", dir);
    (void)snprintf(path, sizeof path, "%s/no/k.json", dir);
    ekm_map *map = open_map();
    assert_int_equal(ekm_map_put(map, &record, 1, 0, NULL, &err), KP_CONFIG);
    assert_int_equal(err.code, 2058);
    assert_int_equal(uv_fs_mkdir(NULL, &request, sub, 0700, NULL), 0);
    rights_give(sub);
    assert_int_equal(ekm_map_put(map, &record, 1, EKM_PUT_REMEMBER, NULL, &err), KP_CONFIG);
    assert_int_equal(err.code, 2058);
    assert_true(has(map, T1, HOST, &found));
    /* Mended: the next record that is written takes what was kept along. */
    rights_take(sub);
    put_ok(map, &later, 0);
    ekm_map_close(map);
    map = open_map();
    assert_int_equal(ekm_map_count(map), 2);
    ekm_map_close(map);
}

static void change_of_another_map_is_seen_at_once(void **state)
{
    const struct ekm_record one = record_of(T1, HOST, "tde", "v1");
    const struct ekm_record two = record_of(T2, HOST, "tde2", "v1");
    struct ekm_record found;
    (void)state;
    ekm_map *a = open_map();
    ekm_map *b = open_map();
    put_ok(a, &one, 0);
    assert_true(has(b, T1, HOST, &found));
    put_ok(b, &two, 0);
    assert_true(has(a, T2, HOST, &found));
    assert_true(has(b, T1, HOST, &found));
    ekm_map_close(a);
    ekm_map_close(b);
}

#define N_WRITERS 4
#define N_EACH 15

/* What each of the processes does; its exit status. */
static int write_records(const char *file, uint8_t writer)
{
    ekm_map *map = NULL;
    if (ekm_map_open(file, &map, NULL) != KP_OK)
        return 1;
    for (uint8_t i = 0; i < N_EACH; i++) {
        struct ekm_record record = record_of(T1, HOST, "k", "v");
        struct kp_error err;
        record.thumb.bytes[0] = writer;
        record.thumb.bytes[1] = i;
        if (ekm_map_put(map, &record, 1, 0, NULL, &err) != KP_OK) {
            (void)fprintf(stderr, "writer %u: %s\n", writer, err.text);
            return 2;
        }
    }
    ekm_map_close(map);
    return 0;
}

static void writers_of_several_processes_lose_nothing(void **state)
{
    (void)state;
    rerun(N_WRITERS, path);
    ekm_map *map = open_map();
    assert_int_equal(ekm_map_count(map), N_WRITERS * N_EACH);
    ekm_map_close(map);
}

#define N_THREADS 4

static void put_and_find(void *ctx)
{
    ekm_map *map = ctx;
    static _Atomic uint8_t next;
    const uint8_t thread = next++;
    for (uint8_t i = 0; i < N_EACH; i++) {
        struct ekm_record record = record_of(T1, HOST, "k", "v");
        struct ekm_record found;
        record.thumb.bytes[0] = thread;
        record.thumb.bytes[1] = i;
        if (ekm_map_put(map, &record, 1, 0, NULL, NULL) != KP_OK ||
            !ekm_map_find(map, &record.thumb, HOST, &found))
            abort();
    }
}

static void threads_on_one_map_lose_nothing(void **state)
{
    uv_thread_t threads[N_THREADS];
    (void)state;
    ekm_map *map = open_map();
    for (unsigned i = 0; i < N_THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i], put_and_find, map), 0);
    for (unsigned i = 0; i < N_THREADS; i++)
        assert_int_equal(uv_thread_join(&threads[i]), 0);
    assert_int_equal(ekm_map_count(map), N_THREADS * N_EACH);
    ekm_map_close(map);
}

static void map_without_a_file_works_in_memory(void **state)
{
    const struct ekm_record record = record_of(T1, HOST, "tde", "v1");
    struct ekm_record found;
    ekm_map *map = NULL;
    (void)state;
    assert_int_equal(ekm_map_open(NULL, &map, NULL), KP_OK);
    put_ok(map, &record, 0);
    assert_true(has(map, T1, HOST, &found));
    assert_int_equal(ekm_map_remove(map, &record.thumb, NULL, NULL), KP_OK);
    ekm_map_close(map);
}

/* ---- Imports ---- */

static kp_status import(ekm_map *map, const void *text, size_t len, struct ekm_put_report *report,
                        struct kp_error *err)
{
    return ekm_map_import(map, kpb_span(text, len), 0, report, err);
}

static void export_of_one_node_is_the_import_of_another(void **state)
{
    struct ekm_record record = record_of(T1, HOST, "tde", "v1");
    struct ekm_put_report report;
    struct ekm_record found;
    kp_buf text;
    (void)state;
    record.reported_alg = 2;
    kp_buf_init(&text, "test", EKM_MAP_FILE_MAX_LEN);
    ekm_map *map = open_map();
    put_ok(map, &record, 0);
    assert_int_equal(ekm_map_export(map, &text, NULL), KP_OK);
    ekm_map_close(map);
    assert_int_equal(remove(path), 0);
    map = open_map();
    assert_int_equal(import(map, text.ptr, text.len, &report, NULL), KP_OK);
    assert_int_equal(report.n_added, 1);
    assert_true(has(map, T1, HOST, &found));
    assert_int_equal(found.origin, EKM_ORIGIN_IMPORTED);
    assert_int_equal(found.reported_alg, 2);
    assert_int_equal(import(map, text.ptr, text.len, &report, NULL), KP_OK);
    assert_int_equal(report.n_same, 1);
    ekm_map_close(map);
    kp_buf_clear(&text);
}

#define REG_TOP                                                                                    \
    "Windows Registry Editor Version 5.00\r\n\r\n"                                                 \
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider]\r\n\r\n"         \
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\Azure Key "      \
    "Vault\\Log]\r\n\"Level\"=dword:00000000\r\n\r\n"
#define REG_KEY(vault, thumb)                                                                      \
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\Azure Key "      \
    "Vault\\" vault "\\" thumb "]\r\n"
#define REG_GOOD                                                                                   \
    REG_TOP REG_KEY(                                                                               \
        "https://team.vault.azure.net",                                                            \
        "373B314B78E8D59A0925494558FEF14B726216C5") "\"KeyUri\"=\"https://team.vault.azure.net/"   \
                                                    "keys/tde/"                                    \
                                                    "0123456789abcdef0123456789abcdef\"\r\n"       \
                                                    "\r\n" REG_KEY(                                \
                                                        "Team.vault.azure.net",                    \
                                                        "0x2c5677d76f76d77f80") "; a "             \
                                                                                "note\r\n\"keyuri" \
                                                                                "\"=\"https://"    \
                                                                                "team.vault."      \
                                                                                "azure.net/keys/"  \
                                                                                "key20181029\"\r"  \
                                                                                "\n"

static void check_imported(ekm_map *map)
{
    struct ekm_record found;
    assert_int_equal(ekm_map_count(map), 2);
    assert_true(has(map, T1, HOST, &found));
    assert_int_equal(found.scheme, EKM_SCHEME_FOREIGN);
    assert_string_equal(found.name, "tde");
    assert_string_equal(found.version, "0123456789abcdef0123456789abcdef");
    assert_true(has(map, "2C5677D76F76D77F80", HOST, &found));
    assert_int_equal(found.scheme, EKM_SCHEME_NAME);
    assert_string_equal(found.version, "");
}

static void export_of_the_registry_is_read(void **state)
{
    static const char TEXT[] = REG_GOOD;
    uint8_t wide[2 * sizeof TEXT];
    struct kp_error err;
    (void)state;
    ekm_map *map = open_map();
    if (import(map, TEXT, sizeof TEXT - 1, NULL, &err) != KP_OK)
        fail_msg("%s", err.text);
    check_imported(map);
    ekm_map_close(map);
    assert_int_equal(remove(path), 0);
    wide[0] = 0xff;
    wide[1] = 0xfe;
    for (size_t i = 0; i + 1 < sizeof TEXT; i++) {
        wide[2 + 2 * i] = (uint8_t)TEXT[i];
        wide[3 + 2 * i] = 0;
    }
    map = open_map();
    assert_int_equal(import(map, wide, 2 * sizeof TEXT, NULL, &err), KP_OK);
    check_imported(map);
    ekm_map_close(map);
}

static void import_that_is_malformed_names_the_line(void **state)
{
    static const char *const BAD[][2] = {
        {"hello", "line 1: neither"},
        {REG_TOP REG_KEY("https://team.vault.azure.net", "nothex"), "line 8: this key below"},
        {REG_TOP REG_KEY("https://team.vault.azure.net", "01"), "line 8: this key has no KeyUri"},
        {REG_TOP REG_KEY("https://team.vault.azure.net", "01") "\"KeyUri\"=dword:1\r\n",
         "line 9: the KeyUri is no string"},
        {REG_TOP REG_KEY("https://team.vault.azure.net", "01") "\"KeyUri\"=\"https://x\r\n",
         "line 9: the KeyUri has no end"},
        {REG_TOP REG_KEY("https://team.vault.azure.net", "01") "\"KeyUri\"=\"tde\"\r\n",
         "line 9: the KeyUri is not"},
        {REG_TOP REG_KEY("https://team.vault.azure.net",
                         "01") "\"KeyUri\"=\"https://spare.vault.azure.net/keys/tde\"\r\n",
         "line 9: the KeyUri names another vault"},
        {REG_TOP "[HKEY\r\n", "line 8: a key's line"},
        {"{\"keyprovider_key_map\": 1, \"records\": [1]}", "record 1"},
    };
    (void)state;
    ekm_map *map = open_map();
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct kp_error err;
        if (import(map, BAD[i][0], strlen(BAD[i][0]), NULL, &err) != KP_USAGE ||
            !strstr(err.text, BAD[i][1]))
            fail_msg("case %zu: %s", i, err.text);
    }
    assert_int_equal(ekm_map_count(map), 0);
    ekm_map_close(map);
}

/* ---- Mutations: whatever the text, there is an answer ---- */

static uint64_t seed = 20260102;

static uint32_t next_random(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static size_t mutate(const char *from, size_t len, uint8_t *out)
{
    size_t n = len - next_random(4) * next_random((uint32_t)len / 4);
    memcpy(out, from, n);
    for (uint32_t i = next_random(6); i > 0 && n > 0; i--) {
        static const char SPICE[] = "\"\\[]{}:,\r\n\0 0x-/";
        uint32_t at = next_random((uint32_t)n);
        out[at] = (uint8_t)(next_random(2) ? SPICE[next_random(sizeof SPICE - 1)]
                                           : (char)next_random(256));
    }
    return n;
}

static void import_of_mutated_texts_is_taken_whole_or_not_at_all(void **state)
{
    static const char REG[] = REG_GOOD;
    static const char JSON[] =
        "{\"keyprovider_key_map\": 1, \"records\": [\n{\"thumbprint\": \"" T1
        "\", \"scheme\": \"foreign\", \"origin\": \"found\", \"vault\": \"a\\\"b\", \"name\": "
        "\"tde\", \"version\": \"v1\", \"key\": \"" K1
        "\", \"reported_alg\": 3, \"wrap_alg\": \"RSA-OAEP\"}]}";
    static uint8_t text[4096];
    unsigned n_taken = 0;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct kp_error err;
        ekm_map *map = NULL;
        const bool json = i % 2 == 0;
        const size_t n = mutate(json ? JSON : REG, json ? sizeof JSON - 1 : sizeof REG - 1, text);
        assert_int_equal(ekm_map_open(NULL, &map, NULL), KP_OK);
        const kp_status st = import(map, text, n, NULL, &err);
        if (st == KP_OK) {
            kp_buf again;
            ekm_map *copy = NULL;
            kp_buf_init(&again, "test", EKM_MAP_FILE_MAX_LEN);
            n_taken++;
            assert_int_equal(ekm_map_export(map, &again, NULL), KP_OK);
            assert_int_equal(ekm_map_open(NULL, &copy, NULL), KP_OK);
            if (import(copy, again.ptr, again.len, NULL, &err) != KP_OK)
                fail_msg("%.*s: %s", (int)again.len, (const char *)again.ptr, err.text);
            assert_int_equal(ekm_map_count(copy), ekm_map_count(map));
            ekm_map_close(copy);
            kp_buf_clear(&again);
        } else {
            assert_true(st == KP_USAGE || st == KP_CONFLICT);
            assert_int_equal(ekm_map_count(map), 0);
            assert_true(err.text[0] != '\0');
        }
        ekm_map_close(map);
    }
    assert_true(n_taken > 100);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return write_records(argv[1], (uint8_t)strtoul(argv[2], NULL, 10));
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(vault_is_spelled_one_way),
        TEST(record_is_there_for_the_next_process),
        TEST(second_name_or_version_in_one_vault_is_2057),
        TEST(key_keeps_the_algorithm_first_reported),
        TEST(key_in_another_vault_has_moved),
        TEST(other_key_of_equal_name_elsewhere_stays_beside),
        TEST(map_in_order_survives_many_records),
        TEST(damaged_file_is_told_and_left_alone),
        TEST(file_damaged_meanwhile_is_not_overwritten),
        TEST(folder_that_is_missing_or_open_to_others_is_2058),
        TEST(change_of_another_map_is_seen_at_once),
        TEST(writers_of_several_processes_lose_nothing),
        TEST(threads_on_one_map_lose_nothing),
        TEST(map_without_a_file_works_in_memory),
        TEST(export_of_one_node_is_the_import_of_another),
        TEST(export_of_the_registry_is_read),
        TEST(import_that_is_malformed_names_the_line),
        TEST(import_of_mutated_texts_is_taken_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
