#include "ekm/keys/win_connector_map.h"

#include <stdio.h>
#include <windows.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/win_text.h"
#include "ekm/keys/map_text.h"

#define MAP_KEY L"Azure Key Vault"
#define NAME_UNITS 256u /* of a key, NUL included: a limit of the registry */
#define NAME_LEN (3u * NAME_UNITS)
#define URI_UNITS 1024u
#define URI_LEN (3u * URI_UNITS)
#define ENTRY_MAX_LEN 8192u

/* A text that regedit would have exported: it has one reader, whatever way it comes. */
#define HEAD                                                                                       \
    "Windows Registry Editor Version 5.00\n"                                                       \
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\"                \
    "Azure Key Vault\\"

/* A key on the way down, with its name in UTF-8. */
struct level {
    HKEY key;
    char name[NAME_LEN];
};

struct reading {
    struct ekm_table *table;
    struct kp_error *err;
    kp_status st;
};

static HKEY open_below(HKEY key, const wchar_t *name)
{
    HKEY below = NULL;

    (void)RegOpenKeyExW(key, name, 0, KEY_READ | KEY_WOW64_64KEY, &below);
    return below;
}

/* The i-th key below `above`. false: there is none; a key that cannot be opened or named has key
 * NULL. */
static bool open_nth(HKEY above, DWORD i, struct level *ret)
{
    wchar_t name[NAME_UNITS];
    DWORD len = NAME_UNITS;

    ret->key = NULL;
    if (RegEnumKeyExW(above, i, name, &len, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
        return false;
    if (kpb_win_utf8_fill(name, ret->name, sizeof ret->name))
        ret->key = open_below(above, name);
    return true;
}

static void close_level(struct level *level)
{
    if (level->key)
        (void)RegCloseKey(level->key);
}

/* ---- One entry ---- */

static bool read_uri(HKEY key, char uri[URI_LEN])
{
    wchar_t wide[URI_UNITS];
    DWORD len = sizeof wide;

    return RegGetValueW(key, NULL, L"KeyUri", RRF_RT_REG_SZ, NULL, wide, &len) == ERROR_SUCCESS &&
           kpb_win_utf8_fill(wide, uri, URI_LEN);
}

static kp_status append_quoted(kp_buf *text, const char *value)
{
    kp_status st = kp_buf_append_byte(text, '"');

    for (; st == KP_OK && *value; value++) {
        if (*value == '"' || *value == '\\')
            st = kp_buf_append_byte(text, '\\');
        if (st == KP_OK)
            st = kp_buf_append_byte(text, (uint8_t)*value);
    }
    return st == KP_OK ? kp_buf_append_str(text, "\"\n") : st;
}

static kp_status write_export(kp_buf *text, const char *vault, const char *thumb, const char *uri)
{
    kp_status st = kp_buf_append_fmt(text, HEAD "%s\\%s]\n\"KeyUri\"=", vault, thumb);

    return st == KP_OK ? append_quoted(text, uri) : st;
}

static kp_status merge(struct ekm_table *to, const struct ekm_table *from, struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    kp_status st = KP_OK;

    for (uint32_t i = 0; st == KP_OK && i < from->n; i++)
        st = ekm_table_put(to, ekm_table_at(from, i), EKM_PUT_KEEP_OLD, &report, reterr);
    return st;
}

/* Only memory and a full table end the reading. */
static void take_entry(struct reading *r, const char *vault, const char *thumb, const char *uri)
{
    struct ekm_table table = {0};
    kp_buf text;
    kp_status st;

    kp_buf_init(&text, "ekm.connector", ENTRY_MAX_LEN);
    st = write_export(&text, vault, thumb, uri);
    if (st == KP_OK)
        st = ekm_reg_read(kp_buf_view(&text), &table, r->err);
    if (st == KP_OK)
        r->st = merge(r->table, &table, r->err);
    else if (st == KP_NO_MEMORY)
        r->st = kpb_fail_memory(r->err, "ekm.connector");
    ekm_table_clear(&table);
    kp_buf_clear(&text);
}

/* ---- The tree ---- */

static void read_vault(struct reading *r, const struct level *vault)
{
    struct level thumb;
    char uri[URI_LEN];

    for (DWORD i = 0; r->st == KP_OK && open_nth(vault->key, i, &thumb); i++) {
        if (thumb.key && read_uri(thumb.key, uri))
            take_entry(r, vault->name, thumb.name, uri);
        close_level(&thumb);
    }
}

kp_status ekm_win_connector_read(void *root, struct ekm_table *table, struct kp_error *reterr)
{
    struct reading r = {.table = table, .err = reterr, .st = KP_OK};
    HKEY map = open_below(root, MAP_KEY);
    struct level vault;

    for (DWORD i = 0; map && r.st == KP_OK && open_nth(map, i, &vault); i++) {
        if (vault.key)
            read_vault(&r, &vault);
        close_level(&vault);
    }
    if (map)
        (void)RegCloseKey(map);
    return r.st;
}

/* ---- The stamp ---- */

static void add_stamp(HKEY key, uint64_t *written, uint64_t *keys)
{
    FILETIME time = {0, 0};
    DWORD n = 0;

    if (RegQueryInfoKeyW(key, NULL, NULL, NULL, &n, NULL, NULL, NULL, NULL, NULL, NULL, &time) !=
        ERROR_SUCCESS)
        return;
    /* Sums would not notice two changes that cancel out. */
    *written = *written * 31 + (((uint64_t)time.dwHighDateTime << 32) | time.dwLowDateTime);
    *keys += n + 1;
}

/* A new entry is a new key, which writes the time of the key above it. */
void ekm_win_connector_stamp(void *root, uint64_t *ret_written, uint64_t *ret_keys)
{
    HKEY map = open_below(root, MAP_KEY);
    struct level vault;

    *ret_written = 0;
    *ret_keys = 0;
    if (!map)
        return;
    add_stamp(map, ret_written, ret_keys);
    for (DWORD i = 0; open_nth(map, i, &vault); i++) {
        if (vault.key)
            add_stamp(vault.key, ret_written, ret_keys);
        close_level(&vault);
    }
    (void)RegCloseKey(map);
}
