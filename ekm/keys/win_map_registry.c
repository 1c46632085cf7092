#include "ekm/keys/win_map_registry.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/win_access.h"
#include "base/win_text.h"
#include "ekm/keys/map_text.h"
#include "ekm/keys/win_connector_map.h"

#define OUR_KEY L"keyprovider"
#define GENERATION L"Generation" /* REG_QWORD, one more with each change */
#define PATH_UNITS 256u
#define NAME_LEN                                                                                   \
    (EKM_THUMB_HEX_LEN + 1u + EKM_VAULT_MAX_LEN) /* of a record's value, NUL included */
#define TEXT_LEN 4096u /* a map of one record: its texts at their longest, escaped, are below it */

/*
 * Who may hold the lock: administrators, and what runs as a service, SQL Server among it. Anybody
 * who can make names in the system can be in the way of it, so others' locks are waited for and
 * then told; what is written they cannot touch.
 */
#define LOCK_ACCESS L"D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;OW)(A;;0x00100001;;;SU)"

struct ekm_win_registry {
    /* fixed at birth */
    HKEY hive;
    char shown[3 * PATH_UNITS]; /* as it was given */
    wchar_t path[PATH_UNITS];   /* below the hive */
    wchar_t lock_name[PATH_UNITS + 32];

    /* under the lock */
    HANDLE lock;
};

/* What the registry holds, under one lock or at one look. */
struct contents {
    struct ekm_table all;       /* what is in force */
    struct ekm_table ours;      /* what stands in values of ours */
    struct ekm_table connector; /* the connector's entries */
};

/* ---- Paths ---- */

static bool starts_nocase(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strlen(path) > len && kpb_span_eq_nocase(kpb_span(path, len), kpb_span(prefix, len));
}

bool ekm_win_is_registry_path(const char *path)
{
    return starts_nocase(path, "HKLM\\") || starts_nocase(path, "HKCU\\");
}

static kp_status fail_code(const struct ekm_win_registry *r, const char *what, LONG code,
                           struct kp_error *reterr)
{
    char why[128];

    kpb_win_reason((uint32_t)code, why, sizeof why);
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the key map in %s could not be %s: %s; the account that runs SQL Server "
                         "needs full control of that key: run kp install",
                         r->shown, what, why);
}

/* *ret NULL where there is no such key. */
static kp_status open_key(const struct ekm_win_registry *r, const wchar_t *below, HKEY *ret,
                          struct kp_error *reterr)
{
    HKEY root = NULL;
    LONG code = RegOpenKeyExW(r->hive, r->path, 0, KEY_READ | KEY_WOW64_64KEY, &root);

    *ret = root;
    if (code == ERROR_SUCCESS && below) {
        *ret = NULL;
        code = RegOpenKeyExW(root, below, 0, KEY_READ | KEY_WOW64_64KEY, ret);
        (void)RegCloseKey(root);
    }
    if (code == ERROR_SUCCESS || code == ERROR_FILE_NOT_FOUND || code == ERROR_PATH_NOT_FOUND)
        return KP_OK;
    return fail_code(r, "opened", code, reterr);
}

static void close_key(HKEY key)
{
    if (key)
        (void)RegCloseKey(key);
}

/* ---- Texts of one record ---- */

static void name_of(const struct ekm_record *record, char out[NAME_LEN])
{
    char hex[EKM_THUMB_HEX_LEN];

    ekm_thumb_format(&record->thumb, hex);
    (void)snprintf(out, NAME_LEN, "%s %s", hex, record->vault);
}

/* A map with nothing but this record. */
static kp_status text_of(const struct ekm_record *record, kp_buf *out, struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    struct ekm_table one = {0};
    kp_status st = ekm_table_put(&one, record, 0, &report, reterr);

    if (st == KP_OK)
        st = ekm_map_text_write(&one, out, reterr);
    ekm_table_clear(&one);
    return st == KP_OK ? kp_buf_append_byte(out, '\0') : st;
}

static kp_status is_same(const struct ekm_record *a, const struct ekm_record *b, bool *ret,
                         struct kp_error *reterr)
{
    kp_buf text_a;
    kp_buf text_b;
    kp_status st;

    kp_buf_init(&text_a, "ekm.map.record", TEXT_LEN);
    kp_buf_init(&text_b, "ekm.map.record", TEXT_LEN);
    st = text_of(a, &text_a, reterr);
    if (st == KP_OK)
        st = text_of(b, &text_b, reterr);
    *ret = st == KP_OK && kpb_span_eq(kp_buf_view(&text_a), kp_buf_view(&text_b));
    kp_buf_clear(&text_a);
    kp_buf_clear(&text_b);
    return st;
}

/* ---- Reading ---- */

static kp_status merge(struct ekm_table *to, const struct ekm_table *from, struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    kp_status st = KP_OK;

    for (uint32_t i = 0; st == KP_OK && i < from->n; i++)
        st = ekm_table_put(to, ekm_table_at(from, i), EKM_PUT_KEEP_OLD, &report, reterr);
    return st;
}

static kp_status take_text(const char *text, struct ekm_table *ours, struct kp_error *reterr)
{
    struct ekm_table one = {0};
    kp_status st = ekm_map_text_read(kpb_span_str(text), &one, reterr);

    if (st == KP_OK)
        st = merge(ours, &one, reterr);
    ekm_table_clear(&one);
    return st;
}

/* An empty value says that an entry of the connector's is not to be seen any more. */
static kp_status hide(const char *name, struct ekm_table *connector, struct kp_error *reterr)
{
    const char *vault = strchr(name, ' ');
    struct ekm_thumb thumb;
    kp_status st;

    if (!vault)
        return KP_OK; /* no record of ours */
    st = ekm_thumb_parse(kpb_span(name, (size_t)(vault - name)), &thumb, reterr);
    if (st == KP_OK)
        (void)ekm_table_remove(connector, &thumb, vault + 1);
    return st == KP_NO_MEMORY ? st : KP_OK;
}

struct value {
    wchar_t wide_name[NAME_LEN];
    wchar_t wide_text[TEXT_LEN];
    char name[NAME_LEN];
    char text[TEXT_LEN];
};

static kp_status take_value(const struct ekm_win_registry *r, struct value *v, DWORD text_bytes,
                            struct contents *c, struct kp_error *reterr)
{
    kp_status st;

    v->wide_text[text_bytes / sizeof(wchar_t)] = L'\0';
    if (!kpb_win_utf8_fill(v->wide_name, v->name, sizeof v->name) ||
        !kpb_win_utf8_fill(v->wide_text, v->text, sizeof v->text))
        return kpb_fail(reterr, KP_CONFIG, "%s\\keyprovider has a value that is no text", r->shown);
    if (v->text[0] == '\0')
        return hide(v->name, &c->connector, reterr);
    st = take_text(v->text, &c->ours, reterr);
    if (st != KP_OK && st != KP_NO_MEMORY)
        kpb_error_prefix(reterr, "%s\\keyprovider, value %.60s", r->shown, v->name);
    return st;
}

static kp_status read_values(const struct ekm_win_registry *r, HKEY key, struct value *v,
                             struct contents *c, struct kp_error *reterr)
{
    kp_status st = KP_OK;

    for (DWORD i = 0; st == KP_OK; i++) {
        DWORD name_len = NAME_LEN;
        DWORD type = REG_NONE;
        DWORD len = sizeof v->wide_text - sizeof(wchar_t);
        LONG code =
            RegEnumValueW(key, i, v->wide_name, &name_len, NULL, &type, (BYTE *)v->wide_text, &len);

        if (code == ERROR_NO_MORE_ITEMS)
            break;
        if (code == ERROR_MORE_DATA && type != REG_SZ)
            continue; /* longer than a record, and none */
        if (code == ERROR_MORE_DATA)
            st = kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                               "%s\\keyprovider has a text that is longer than a record; delete it",
                               r->shown);
        else if (code != ERROR_SUCCESS)
            st = fail_code(r, "read", code, reterr);
        else if (type == REG_SZ)
            st = take_value(r, v, len, c, reterr);
    }
    return st;
}

static kp_status read_ours(const struct ekm_win_registry *r, struct contents *c,
                           struct kp_error *reterr)
{
    struct value *v = NULL;
    HKEY key = NULL;
    kp_status st = open_key(r, OUR_KEY, &key, reterr);

    if (st != KP_OK || !key)
        return st;
    st = kpb_win_check_key(key, r->shown, reterr);
    if (st == KP_OK) {
        v = kpb_alloc("ekm.map.value", sizeof *v);
        st = v ? read_values(r, key, v, c, reterr) : kpb_fail_memory(reterr, "ekm.map.value");
    }
    kpb_free(v);
    close_key(key);
    return st;
}

static void clear_contents(struct contents *c)
{
    ekm_table_clear(&c->all);
    ekm_table_clear(&c->ours);
    ekm_table_clear(&c->connector);
}

static kp_status read_contents(const struct ekm_win_registry *r, struct contents *c,
                               struct kp_error *reterr)
{
    HKEY root = NULL;
    kp_status st = open_key(r, NULL, &root, reterr);

    if (st == KP_OK && root)
        st = ekm_win_connector_read(root, &c->connector, reterr);
    close_key(root);
    if (st == KP_OK)
        st = read_ours(r, c, reterr);
    if (st == KP_OK)
        st = merge(&c->all, &c->ours, reterr);
    if (st == KP_OK)
        st = merge(&c->all, &c->connector, reterr);
    return st;
}

/* ---- The stamp ---- */

static uint64_t generation_of(HKEY key)
{
    uint64_t generation = 0;
    DWORD len = sizeof generation;

    (void)RegGetValueW(key, NULL, GENERATION, RRF_RT_REG_QWORD, NULL, &generation, &len);
    return generation;
}

static void stamp_ours(HKEY key, struct ekm_map_stamp *ret)
{
    FILETIME written = {0, 0};

    (void)RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                           &written);
    ret->parts[0] = generation_of(key) + 1;
    ret->parts[1] = ((uint64_t)written.dwHighDateTime << 32) | written.dwLowDateTime;
}

static bool stamp_store(void *ctx, struct ekm_map_stamp *ret_stamp)
{
    const struct ekm_win_registry *r = ctx;
    HKEY root = NULL;
    HKEY ours = NULL;
    bool told;

    memset(ret_stamp, 0, sizeof *ret_stamp);
    told = open_key(r, NULL, &root, NULL) == KP_OK && open_key(r, OUR_KEY, &ours, NULL) == KP_OK;
    if (told && root)
        ekm_win_connector_stamp(root, &ret_stamp->parts[2], &ret_stamp->parts[3]);
    if (told && ours)
        stamp_ours(ours, ret_stamp);
    close_key(root);
    close_key(ours);
    return told;
}

/* The stamp comes first: what changes in between is read again at the next look. */
static kp_status read_store(void *ctx, kp_buf *out, struct ekm_map_stamp *ret_stamp,
                            struct kp_error *reterr)
{
    const struct ekm_win_registry *r = ctx;
    struct contents c = {0};
    struct ekm_map_stamp stamp;
    kp_status st;

    if (!stamp_store(ctx, &stamp))
        return fail_code(r, "read", ERROR_ACCESS_DENIED, reterr);
    st = read_contents(r, &c, reterr);
    if (st == KP_OK)
        st = ekm_map_text_write(&c.all, out, reterr);
    clear_contents(&c);
    if (st == KP_OK)
        *ret_stamp = stamp;
    return st;
}

/* ---- Writing ---- */

static LONG set_text(HKEY key, const char *name, const char *text)
{
    wchar_t *wide_name = kpb_win_wide("ekm.map.value", name);
    wchar_t *wide_text = kpb_win_wide("ekm.map.value", text);
    LONG code = ERROR_NOT_ENOUGH_MEMORY;

    if (wide_name && wide_text)
        code = RegSetValueExW(key, wide_name, 0, REG_SZ, (const BYTE *)wide_text,
                              (DWORD)((wcslen(wide_text) + 1) * sizeof(wchar_t)));
    kpb_free(wide_name);
    kpb_free(wide_text);
    return code;
}

static LONG delete_text(HKEY key, const char *name)
{
    wchar_t *wide = kpb_win_wide("ekm.map.value", name);
    LONG code = wide ? RegDeleteValueW(key, wide) : ERROR_NOT_ENOUGH_MEMORY;

    kpb_free(wide);
    return code;
}

static kp_status put_record(const struct ekm_win_registry *r, HKEY key,
                            const struct ekm_record *record, struct kp_error *reterr)
{
    char name[NAME_LEN];
    kp_buf text;
    kp_status st;

    name_of(record, name);
    kp_buf_init(&text, "ekm.map.record", TEXT_LEN);
    st = text_of(record, &text, reterr);
    if (st == KP_OK) {
        LONG code = set_text(key, name, (const char *)text.ptr);

        st = code == ERROR_SUCCESS ? KP_OK : fail_code(r, "written", code, reterr);
    }
    kp_buf_clear(&text);
    return st;
}

/* What is new or has changed. */
static kp_status put_changes(const struct ekm_win_registry *r, HKEY key,
                             const struct ekm_table *want, const struct contents *have,
                             struct kp_error *reterr)
{
    kp_status st = KP_OK;

    for (uint32_t i = 0; st == KP_OK && i < want->n; i++) {
        const struct ekm_record *record = ekm_table_at(want, i);
        const struct ekm_record *old = ekm_table_find(&have->all, &record->thumb, record->vault);
        bool same = false;

        if (old)
            st = is_same(record, old, &same, reterr);
        if (st == KP_OK && !same)
            st = put_record(r, key, record, reterr);
    }
    return st;
}

/* What is not wanted any more: ours goes, the connector's is hidden. */
static kp_status take_out(const struct ekm_win_registry *r, HKEY key, const struct ekm_table *want,
                          const struct contents *have, struct kp_error *reterr)
{
    for (uint32_t i = 0; i < have->all.n; i++) {
        const struct ekm_record *record = ekm_table_at(&have->all, i);
        char name[NAME_LEN];
        LONG code;

        if (ekm_table_find(want, &record->thumb, record->vault))
            continue;
        name_of(record, name);
        code = ekm_table_find(&have->connector, &record->thumb, record->vault)
                   ? set_text(key, name, "")
                   : delete_text(key, name);
        if (code != ERROR_SUCCESS)
            return fail_code(r, "written", code, reterr);
    }
    return KP_OK;
}

/* The others look at the generation; on disk only when this is back. */
static kp_status finish(const struct ekm_win_registry *r, HKEY key, struct kp_error *reterr)
{
    uint64_t generation = generation_of(key) + 1;
    LONG code =
        RegSetValueExW(key, GENERATION, 0, REG_QWORD, (const BYTE *)&generation, sizeof generation);

    if (code == ERROR_SUCCESS)
        code = RegFlushKey(key);
    return code == ERROR_SUCCESS ? KP_OK : fail_code(r, "made durable", code, reterr);
}

static kp_status open_for_writing(const struct ekm_win_registry *r, HKEY *ret,
                                  struct kp_error *reterr)
{
    wchar_t path[PATH_UNITS + sizeof OUR_KEY];
    LONG code;

    (void)swprintf(path, sizeof path / sizeof path[0], L"%ls\\%ls", r->path, OUR_KEY);
    code = RegCreateKeyExW(r->hive, path, 0, NULL, REG_OPTION_NON_VOLATILE,
                           KEY_READ | KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, ret, NULL);
    if (code != ERROR_SUCCESS)
        return fail_code(r, "written", code, reterr);
    return KP_OK;
}

static kp_status write_changes(const struct ekm_win_registry *r, const struct ekm_table *want,
                               struct kp_error *reterr)
{
    struct contents have = {0};
    HKEY key = NULL;
    kp_status st = read_contents(r, &have, reterr);

    if (st == KP_OK)
        st = open_for_writing(r, &key, reterr);
    if (st == KP_OK)
        st = put_changes(r, key, want, &have, reterr);
    if (st == KP_OK)
        st = take_out(r, key, want, &have, reterr);
    if (st == KP_OK)
        st = finish(r, key, reterr);
    close_key(key);
    clear_contents(&have);
    return st;
}

static kp_status write_store(void *ctx, kp_span text, struct ekm_map_stamp *ret_stamp,
                             struct kp_error *reterr)
{
    const struct ekm_win_registry *r = ctx;
    struct ekm_table want = {0};
    kp_status st = ekm_map_text_read(text, &want, reterr);

    if (st == KP_OK)
        st = write_changes(r, &want, reterr);
    ekm_table_clear(&want);
    if (st == KP_OK)
        (void)stamp_store(ctx, ret_stamp);
    return st;
}

/* ---- The lock ---- */

static HANDLE open_lock(const struct ekm_win_registry *r)
{
    SECURITY_ATTRIBUTES access = {sizeof access, kpb_win_access_from(LOCK_ACCESS), FALSE};
    HANDLE lock = NULL;
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    if (access.lpSecurityDescriptor) {
        lock = CreateMutexExW(&access, r->lock_name, 0, SYNCHRONIZE | MUTEX_MODIFY_STATE);
        code = GetLastError();
    }
    kpb_win_access_free(access.lpSecurityDescriptor);
    SetLastError(code);
    return lock;
}

/* A holder that died has left whole records behind. */
static kp_status lock_store(void *ctx, uint32_t timeout_ms, struct kp_error *reterr)
{
    struct ekm_win_registry *r = ctx;
    DWORD result;

    r->lock = open_lock(r);
    if (!r->lock)
        return fail_code(r, "locked", (LONG)GetLastError(), reterr);
    result = WaitForSingleObject(r->lock, timeout_ms);
    if (result == WAIT_OBJECT_0 || result == WAIT_ABANDONED)
        return KP_OK;
    (void)CloseHandle(r->lock);
    r->lock = NULL;
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the lock of the key map in %s could not be taken: another process holds "
                         "it",
                         r->shown);
}

static void unlock_store(void *ctx)
{
    struct ekm_win_registry *r = ctx;

    (void)ReleaseMutex(r->lock);
    (void)CloseHandle(r->lock);
    r->lock = NULL;
}

/* ---- Life ---- */

/* Names of locks have no backslash but the first, and their case counts. */
static void set_lock_name(struct ekm_win_registry *r)
{
    const bool is_machine = r->hive == HKEY_LOCAL_MACHINE;
    wchar_t *at;
    int n = swprintf(r->lock_name, sizeof r->lock_name / sizeof r->lock_name[0],
                     L"%ls\\keyprovider map ", is_machine ? L"Global" : L"Local");

    at = r->lock_name + (n > 0 ? n : 0);
    for (const wchar_t *c = r->path; *c; c++)
        *at++ = *c == L'\\' ? L'/' : *c >= L'A' && *c <= L'Z' ? (wchar_t)(*c - L'A' + L'a') : *c;
    *at = L'\0';
}

kp_status ekm_win_registry_new(const char *path, struct ekm_win_registry **ret,
                               struct kp_error *reterr)
{
    struct ekm_win_registry *r = kpb_alloc("ekm.map.registry", sizeof *r);

    if (!r)
        return kpb_fail_memory(reterr, "ekm.map.registry");
    r->hive = starts_nocase(path, "HKCU\\") ? HKEY_CURRENT_USER : HKEY_LOCAL_MACHINE;
    if (strlen(path) >= sizeof r->shown ||
        !kpb_win_wide_fill(path + strlen("HKLM\\"), r->path, PATH_UNITS)) {
        kpb_free(r);
        return kpb_fail(reterr, KP_USAGE, "%.100s is no key of the registry for a key map", path);
    }
    memcpy(r->shown, path, strlen(path) + 1);
    set_lock_name(r);
    *ret = r; /* moved to the caller */
    return KP_OK;
}

void ekm_win_registry_free(struct ekm_win_registry *registry)
{
    kpb_free(registry);
}

void ekm_win_registry_store(struct ekm_win_registry *registry, struct ekm_map_store *ret)
{
    const struct ekm_map_store store = {.ctx = registry,
                                        .lock = lock_store,
                                        .unlock = unlock_store,
                                        .read = read_store,
                                        .write = write_store,
                                        .stamp = stamp_store};
    *ret = store;
}
