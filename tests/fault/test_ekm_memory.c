/*
 * Memory that runs out under the SQL Server provider: each named allocation of ekm/ fails in turn,
 * from Initialize to Free. The engine is told 2051, or does not notice where the provider can do
 * without; nothing is left under way, nothing leaks, and the next start works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "base/span.h"
#include "ekm/keys/key_map.h"
#include "support/ekm_engine.h"
#include "support/memory_hooks.h"

#define SECRET "thirty-two bytes, yours random.."
#define NO_MEMORY 2051
#define NTH_MAX 3u /* failures of one site, each in a story of its own */
#define SOURCE_MAX_LEN (256u * 1024u)

static struct engine engine;
static char map_path[TEMP_DIR_LEN + 16];
static bool is_failing;
static bool was_told; /* 2051, or no_memory */

/* ---- A vault whose lists have two pages ---- */

static kp_status answer_first_page(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    const struct kp_request *request = script_op_request(op);
    const bool is_of_keys = request->op == KP_OP_LIST_KEYS;
    const struct kp_key_info key = {.struct_size = sizeof key,
                                    .flags = KP_KEY_ENABLED,
                                    .name = is_of_keys ? kpb_span_str("k") : request->name,
                                    .version = kpb_span_str("1"),
                                    .not_before_unix_s = KP_TIME_NONE,
                                    .expires_unix_s = KP_TIME_NONE,
                                    .created_unix_s = KP_TIME_NONE,
                                    .updated_unix_s = KP_TIME_NONE,
                                    .deleted_unix_s = KP_TIME_NONE,
                                    .scheduled_purge_unix_s = KP_TIME_NONE};
    const struct kp_key_info *keys[] = {&key};
    const struct kp_reply reply = {.struct_size = sizeof reply,
                                   .n_keys = 1,
                                   .keys = keys,
                                   .next_page = kpb_span_str("second")};

    script_op_mark_finished(op);
    return host->finish(host->self, script_op_id(op), KP_OK, &reply, NULL);
}

static kp_status answer(struct script_op *op)
{
    const struct kp_request *request = script_op_request(op);
    bool is_list = request->op == KP_OP_LIST_KEYS || request->op == KP_OP_LIST_VERSIONS;

    return is_list && request->page_token.len == 0 ? answer_first_page(op) : engine_answer(op);
}

/* ---- The story: what an engine does with a provider ---- */

/* wanted is what comes of it with all the memory there is. True: it came. */
static bool came(SqlCpError number, SqlCpError wanted, const char *call)
{
    if (number == wanted)
        return true;
    if (!is_failing || number != NO_MEMORY)
        fail_msg("%s: %d instead of %d", call, (int)number, (int)wanted);
    was_told = true;
    return false;
}

static void open_wrongly(void)
{
    SqlCpSession session = NULL;

    (void)came(engine_open(&engine, "contoso", "short", &session), 2050, "OpenSession");
    (void)came(engine_open(&engine, "config:s", "wrong", &session), 3303, "OpenSession");
    if (came(engine_open(&engine, "contoso", ENGINE_ID "secret", &session), 0, "OpenSession"))
        engine_close(session);
}

static void enumerate(SqlCpSession session)
{
    uint16_t name[256];
    uint8_t thumb[32];
    SqlCpKeyId id = x_scp_KeyIdBad;
    SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof thumb, thumb}};

    memset(name, 0, sizeof name);
    memset(thumb, 0, sizeof thumb);
    if (came(SqlCryptGetNextKeyId(&session, &id), 0, "GetNextKeyId"))
        (void)came(SqlCryptGetKeyInfoByKeyId(&session, id, &info), 0, "GetKeyInfoByKeyId");
}

static void use_data(SqlCpSession session, const struct engine_key *key)
{
    uint8_t wrapped[512];
    uint8_t value[512];
    uint32_t wrapped_len = sizeof wrapped;
    uint32_t len = sizeof value;

    if (!came(engine_encrypt(session, key, SECRET, 32, wrapped, &wrapped_len), 0, "Encrypt"))
        return;
    if (came(engine_decrypt(session, key, wrapped, wrapped_len, value, &len), 0, "Decrypt"))
        assert_memory_equal(value, SECRET, 32);
}

/* The thumbprint that old connectors made of a name: its versions are tried. */
static void use_old_data(SqlCpSession session)
{
    struct engine_key key = {.thumb_len = 0};
    struct ekm_thumb thumb;
    uint8_t wrapped[256] = {7};
    uint8_t value[512];
    uint32_t len = sizeof value;

    assert_int_equal(ekm_thumb_of_name(kpb_span_str("k"), &thumb, NULL), KP_OK);
    memcpy(key.thumb, thumb.bytes, thumb.len);
    key.thumb_len = thumb.len;
    (void)came(engine_decrypt(session, &key, wrapped, sizeof wrapped, value, &len), 0, "Decrypt");
}

static void use_key(SqlCpSession session)
{
    struct engine_key key;

    if (!came(engine_key_by_name(session, "k", &key), 0, "GetKeyInfoByName"))
        return;
    (void)came(engine_key_by_thumb(session, &key), 0, "GetKeyInfoByThumb");
    (void)came(engine_export(session, &key), 0, "ExportKey");
    use_data(session, &key);
}

/* Nobody has such a key: the vault is searched. */
static void search(SqlCpSession session)
{
    struct engine_key key = {.thumb = {1, 2, 3}, .thumb_len = 20};

    (void)came(engine_key_by_thumb(session, &key), scp_err_NotFound, "GetKeyInfoByThumb");
}

static void drop_key(SqlCpSession session)
{
    struct engine_key key;
    SqlCpKeyThumbprint thumb = {0, key.thumb};

    if (!came(engine_key_by_name(session, "k", &key), 0, "GetKeyInfoByName"))
        return;
    thumb.cb = key.thumb_len;
    (void)came(SqlCryptDropKey(&session, &thumb), 3110, "DropKey"); /* several versions */
}

static void one_life(void)
{
    SqlCpSession session = NULL;

    if (!came(SqlCryptInitializeProvider(), 0, "InitializeProvider"))
        return;
    open_wrongly();
    if (came(engine_open(&engine, "config:s", "open", &session), 0, "OpenSession")) {
        use_key(session);
        use_old_data(session);
        enumerate(session);
        search(session);
        drop_key(session);
        engine_close(session);
    }
    assert_int_equal(SqlCryptFreeProvider(), 0);
}

/* The map of the first life is there in the second. */
static void both_lives(void)
{
    (void)remove(map_path);
    one_life();
    one_life();
}

/* ---- What kp does with the map ---- */

static void took(kp_status st, const char *what)
{
    if (st == KP_OK)
        return;
    if (!is_failing || st != KP_NO_MEMORY)
        fail_msg("%s: %s", what, kp_status_text(st));
    was_told = true;
}

/* As regedit writes it: UTF-16 with its mark. */
static kp_span widen(const char *text, uint8_t *wide)
{
    size_t n = strlen(text);

    memcpy(wide, "\xff\xfe", 2);
    for (size_t i = 0; i < n; i++) {
        wide[2 + 2 * i] = (uint8_t)text[i];
        wide[3 + 2 * i] = 0;
    }
    return kpb_span(wide, 2 + 2 * n);
}

static void copy_map(void)
{
    static const char registry[] =
        "Windows Registry Editor Version 5.00\r\n\r\n"
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\Azure Key "
        "Vault\\https://team.vault.azure.net\\373B314B78E8D59A0925494558FEF14B726216C5]\r\n"
        "\"KeyUri\"=\"https://team.vault.azure.net/keys/tde/8f2a\"\r\n";
    static uint8_t wide[2 + 2 * sizeof registry];
    struct ekm_put_report report;
    ekm_map *map = NULL;
    kp_buf text;
    kp_status st;

    (void)remove(map_path);
    st = ekm_map_open(map_path, &map, NULL);
    took(st, "open");
    if (st != KP_OK)
        return;
    kp_buf_init(&text, "test", 65536);
    took(ekm_map_import(map, widen(registry, wide), 0, &report, NULL), "import of a registry");
    took(ekm_map_export(map, &text, NULL), "export");
    if (text.len > 0)
        took(ekm_map_import(map, kp_buf_view(&text), 0, &report, NULL), "import");
    kp_buf_clear(&text);
    ekm_map_close(map);
}

/* ---- Every site ---- */

struct site {
    char name[64];
    uint32_t n;
    bool is_seen;
};

struct sites {
    struct site at[MEMORY_SITES_MAX];
    uint32_t n;
};

static struct site *find(struct sites *sites, const char *name)
{
    for (uint32_t i = 0; i < sites->n; i++) {
        if (strcmp(sites->at[i].name, name) == 0)
            return &sites->at[i];
    }
    return NULL;
}

static void add(struct sites *sites, const char *name, size_t len, uint32_t n)
{
    struct site *site = &sites->at[sites->n];

    assert_true(sites->n < MEMORY_SITES_MAX && len < sizeof site->name);
    memcpy(site->name, name, len);
    site->name[len] = '\0';
    if (find(sites, site->name))
        return;
    site->n = n;
    sites->n++;
}

static void record(void (*story)(void), struct sites *sites)
{
    memory_hooks_record();
    story();
    for (uint32_t i = 0; memory_hooks_site(i); i++) {
        const char *name = memory_hooks_site(i);

        if (strncmp(name, "ekm.", 4) == 0)
            add(sites, name, strlen(name), memory_hooks_site_count(i));
    }
}

static void fail_site(void (*story)(void), const struct site *site, uint64_t n_live)
{
    uint32_t n = site->n < NTH_MAX ? site->n : NTH_MAX;

    for (uint32_t nth = 1; nth <= n; nth++) {
        memory_hooks_fail(site->name, nth);
        is_failing = true;
        story();
        memory_hooks_fail(NULL, 0);
        is_failing = false;
        if (memory_hooks_n_live() != n_live)
            fail_msg("%s, number %u: %lld blocks more than before", site->name, nth,
                     (long long)(memory_hooks_n_live() - n_live));
    }
    story(); /* as if nothing had been */
}

/* Sites whose failure the provider does without. */
static bool is_spared(const char *name)
{
    static const char *const names[] = {"ekm.copies", "ekm.unwrap_cache", "ekm.log_line", NULL};
    size_t i = 0;

    while (names[i] && strcmp(names[i], name) != 0)
        i++;
    return names[i] != NULL;
}

static void fail_each(void (*story)(void), struct sites *seen)
{
    static struct sites sites;
    uint64_t n_live;

    memset(&sites, 0, sizeof sites);
    story();
    n_live = memory_hooks_n_live();
    record(story, &sites);
    assert_true(sites.n > 0);
    for (uint32_t i = 0; i < sites.n; i++) {
        was_told = false;
        fail_site(story, &sites.at[i], n_live);
        if (!was_told && !is_spared(sites.at[i].name))
            fail_msg("%s failed and nobody was told", sites.at[i].name);
        add(seen, sites.at[i].name, strlen(sites.at[i].name), 1);
    }
}

/* ---- The sites of the sources ---- */

/* Between the end of the statement before and the name: is it an allocation that is named? */
static bool allocates(const char *text, const char *at)
{
    static const char *const words[] = {"alloc", "strdup", "buf_init", NULL};
    char statement[400];
    const char *from = at;
    size_t len;

    while (from > text && !strchr(";{}", from[-1]))
        from--;
    len = (size_t)(at - from);
    from = len < sizeof statement ? from : at - (sizeof statement - 1);
    len = (size_t)(at - from);
    memcpy(statement, from, len);
    statement[len] = '\0';
    if (strstr(statement, "fail_memory"))
        return false; /* the name of one, to be told */
    for (size_t i = 0; words[i]; i++) {
        if (strstr(statement, words[i]))
            return true;
    }
    return false;
}

static void read_sites(const char *path, struct sites *sites)
{
    static char text[SOURCE_MAX_LEN];
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
    for (const char *at = text; (at = strstr(at, "\"ekm.")) != NULL; at++) {
        size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_.");

        if (at[1 + len] == '"' && allocates(text, at))
            add(sites, at + 1, len, 1);
    }
}

/* Those of the other systems' twins are not in this program; event log and registry are not in
 * these stories. */
static bool is_built(const char *name)
{
#if defined(_WIN32)
    static const char *const others[] = {
        "posix_", "linux_", "win_event", "win_map_registry", "win_connector_map", NULL};
#else
    static const char *const others[] = {"win_", NULL};
#endif
    const char *suffix = strrchr(name, '.');
    bool is_other = !suffix || strcmp(suffix, ".c") != 0;

    for (size_t i = 0; others[i]; i++)
        is_other = is_other || strncmp(name, others[i], strlen(others[i])) == 0;
    return !is_other;
}

static void read_folder(const char *folder, struct sites *sites)
{
    char path[1024];
    DIR *dir = opendir(folder);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (!is_built(entry->d_name))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        read_sites(path, sites);
    }
    assert_int_equal(closedir(dir), 0);
}

/* ---- Tests ---- */

static struct sites failed;

static int begin(void **state)
{
    (void)state;
    engine_prepare(&engine,
                   ", \"unwrap_cache_ms\": 60000, \"unwrap_cache_entries\": 4, \"event_level\": 2, "
                   "\"drop_keys\": true, \"bad_credential_ms\": 0");
    (void)snprintf(map_path, sizeof map_path, "%s/map.json", engine.dir);
    engine.skips_pauses = true; /* between the calls of a search */
    script_usually(script_vault("s"), (struct script_act){.how = SCRIPT_CALL, .call = answer});
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(SqlCryptInitializeProvider(), 0); /* for engine_end to free */
    engine_end(&engine);
    return 0;
}

static void no_memory_for_the_provider_is_2051_and_leaves_nothing(void **state)
{
    (void)state;
    fail_each(both_lives, &failed);
}

static void no_memory_for_the_map_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    fail_each(copy_map, &failed);
}

/* After the others: whatever allocates under a name in ekm/ has failed in one of them. */
static void every_site_of_the_sources_has_failed(void **state)
{
    static struct sites named;

    (void)state;
    read_folder(KP_TEST_SRC_DIR "/ekm", &named);
    read_folder(KP_TEST_SRC_DIR "/ekm/keys", &named);
    assert_true(named.n > 20);
    for (uint32_t i = 0; i < named.n; i++) {
        if (!find(&failed, named.at[i].name))
            fail_msg("%s never failed", named.at[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_for_the_provider_is_2051_and_leaves_nothing),
        cmocka_unit_test(no_memory_for_the_map_is_told_and_leaves_nothing),
        cmocka_unit_test(every_site_of_the_sources_has_failed),
    };

    memory_hooks_install();
    return cmocka_run_group_tests_name("ekm_memory", tests, begin, end);
}
