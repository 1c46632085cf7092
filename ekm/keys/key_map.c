#include "ekm/keys/key_map.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/map_file.h"
#include "ekm/keys/map_table.h"
#include "ekm/keys/map_text.h"
#include "ekm/keys/sync.h"

/*
 * Two locks, taken in this order. `io` is held over every call of the store but stamp; `view` over
 * the tables, for moments.
 */
struct ekm_map {
    /* fixed once open */
    struct ekm_map_store store; /* read NULL: in memory only */
    struct ekm_map_file *file;  /* owned; NULL: somebody else's store */
    struct ekm_sync *io;
    struct ekm_sync *view;

    /* under view */
    struct ekm_table table;   /* what is in force */
    struct ekm_table unsaved; /* the part of it that is in no file yet */
    struct ekm_map_stamp stamp;
};

/* ---- Tables in and out of force ---- */

/* Puts every record of from into to; what is in the way there stays. */
static kp_status merge(struct ekm_table *to, const struct ekm_table *from, struct kp_error *reterr)
{
    struct ekm_put_report report = {0};
    kp_status st = KP_OK;

    for (uint32_t i = 0; st == KP_OK && i < from->n; i++)
        st = ekm_table_put(to, ekm_table_at(from, i), EKM_PUT_KEEP_OLD | EKM_PUT_MOVES, &report,
                           reterr);
    return st;
}

/* table becomes what is in force and is empty afterwards. */
static void put_in_force(ekm_map *map, struct ekm_table *table, const struct ekm_map_stamp *stamp,
                         bool is_saved)
{
    struct ekm_table old;

    ekm_sync_lock(map->view);
    old = map->table;
    map->table = *table;
    memset(table, 0, sizeof *table); /* moved to the map */
    map->stamp = *stamp;
    if (is_saved)
        ekm_table_clear(&map->unsaved);
    ekm_sync_unlock(map->view);
    ekm_table_clear(&old);
}

static kp_status read_store(ekm_map *map, struct ekm_table *table, struct ekm_map_stamp *ret_stamp,
                            struct kp_error *reterr)
{
    kp_buf text;
    kp_status st;

    memset(ret_stamp, 0, sizeof *ret_stamp);
    kp_buf_init(&text, "ekm.map.text", EKM_MAP_FILE_MAX_LEN);
    st = map->store.read(map->store.ctx, &text, ret_stamp, reterr);
    if (st == KP_OK) {
        st = ekm_map_text_read(kp_buf_view(&text), table, reterr);
        if (st != KP_OK)
            kpb_error_prefix(reterr, "the key map");
    }
    kp_buf_clear(&text);
    return st == KP_NOT_FOUND ? KP_OK : st;
}

/* The file as it is now, with what could not be written yet; under io. */
static kp_status load(ekm_map *map, struct ekm_table *table, struct ekm_map_stamp *ret_stamp,
                      struct kp_error *reterr)
{
    kp_status st = read_store(map, table, ret_stamp, reterr);

    if (st == KP_OK)
        st = merge(table, &map->unsaved, reterr); /* unsaved changes under io only */
    if (st != KP_OK)
        ekm_table_clear(table);
    return st;
}

/* Under io. What cannot be read leaves in force what is. */
static kp_status load_again(ekm_map *map, struct kp_error *reterr)
{
    struct ekm_table table = {0};
    struct ekm_map_stamp stamp;
    kp_status st = load(map, &table, &stamp, reterr);

    if (st == KP_OK)
        put_in_force(map, &table, &stamp, false);
    return st;
}

/* ---- Life ---- */

void ekm_map_close(ekm_map *map)
{
    if (!map)
        return;
    ekm_table_clear(&map->table);
    ekm_table_clear(&map->unsaved);
    ekm_sync_free(map->io);
    ekm_sync_free(map->view);
    ekm_map_file_free(map->file);
    kpb_free(map);
}

static ekm_map *new_map(struct kp_error *reterr)
{
    ekm_map *map = kpb_alloc("ekm.map", sizeof *map);

    if (map) {
        map->io = ekm_sync_new();
        map->view = ekm_sync_new();
    }
    if (map && map->io && map->view)
        return map;
    ekm_map_close(map);
    (void)kpb_fail_memory(reterr, "ekm.map");
    return NULL;
}

kp_status ekm_map_open_store(const struct ekm_map_store *store, ekm_map **ret_map,
                             struct kp_error *reterr)
{
    ekm_map *map = new_map(reterr);
    kp_status st;

    if (!map)
        return KP_NO_MEMORY;
    map->store = *store;
    st = load_again(map, reterr);
    if (st != KP_OK) {
        ekm_map_close(map);
        return st;
    }
    *ret_map = map;
    return KP_OK;
}

kp_status ekm_map_open(const char *path, ekm_map **ret_map, struct kp_error *reterr)
{
    ekm_map *map = new_map(reterr);
    kp_status st = KP_OK;

    if (!map)
        return KP_NO_MEMORY;
    if (path) {
        st = ekm_map_file_new(path, &map->file, reterr);
        if (st == KP_OK) {
            ekm_map_file_store(map->file, &map->store);
            st = load_again(map, reterr);
        }
    }
    if (st != KP_OK) {
        ekm_map_close(map);
        return st;
    }
    *ret_map = map;
    return KP_OK;
}

/* ---- Looking up ---- */

static bool is_current(ekm_map *map)
{
    struct ekm_map_stamp now;
    bool same;

    if (!map->store.read || !map->store.stamp(map->store.ctx, &now))
        return true;
    ekm_sync_lock(map->view);
    same = memcmp(&now, &map->stamp, sizeof now) == 0;
    ekm_sync_unlock(map->view);
    return same;
}

/* Another process may have written. */
static void refresh(ekm_map *map)
{
    struct kp_error ignored;

    if (is_current(map))
        return;
    ekm_sync_lock(map->io);
    if (!is_current(map))
        kpb_ignore(load_again(map, &ignored)); /* a put tells it, and until then nothing is lost */
    ekm_sync_unlock(map->io);
}

bool ekm_map_find(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                  struct ekm_record *ret)
{
    const struct ekm_record *found;

    refresh(map);
    ekm_sync_lock(map->view);
    found = ekm_table_find(&map->table, thumb, vault);
    if (found)
        *ret = *found;
    ekm_sync_unlock(map->view);
    return found != NULL;
}

bool ekm_map_find_elsewhere(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                            struct ekm_record *ret)
{
    bool is_found = false;

    refresh(map);
    ekm_sync_lock(map->view);
    for (uint32_t i = ekm_table_place(&map->table, thumb, ""); i < map->table.n && !is_found; i++) {
        const struct ekm_record *record = ekm_table_at(&map->table, i);

        if (!ekm_thumb_eq(&record->thumb, thumb))
            break;
        is_found = strcmp(record->vault, vault) != 0;
        if (is_found)
            *ret = *record;
    }
    ekm_sync_unlock(map->view);
    return is_found;
}

static bool is_version(const struct ekm_record *record, const char *vault, kp_span name,
                       kp_span version, uint32_t scheme)
{
    return record->scheme == scheme && kpb_span_eq_str(version, record->version) &&
           kpb_span_eq_str(name, record->name) && strcmp(record->vault, vault) == 0;
}

bool ekm_map_find_version(ekm_map *map, const char *vault, kp_span name, kp_span version,
                          uint32_t scheme, struct ekm_record *ret)
{
    bool is_found = false;

    refresh(map);
    ekm_sync_lock(map->view);
    for (uint32_t i = 0; i < map->table.n && !is_found; i++) {
        is_found = is_version(&map->table.records[i], vault, name, version, scheme);
        if (is_found)
            *ret = map->table.records[i];
    }
    ekm_sync_unlock(map->view);
    return is_found;
}

void ekm_map_each(ekm_map *map, ekm_record_each_fn *each, void *ctx)
{
    refresh(map);
    ekm_sync_lock(map->view);
    for (uint32_t i = 0; i < map->table.n && each(ctx, ekm_table_at(&map->table, i)); i++) {
    }
    ekm_sync_unlock(map->view);
}

size_t ekm_map_count(ekm_map *map)
{
    size_t n;

    refresh(map);
    ekm_sync_lock(map->view);
    n = map->table.n;
    ekm_sync_unlock(map->view);
    return n;
}

/* ---- Changing ---- */

/* One change under way. */
struct change {
    const struct ekm_record *records;
    size_t n;
    uint32_t flags;
    struct ekm_put_report report;
    struct ekm_table table; /* what will be in force */
    struct ekm_map_stamp stamp;
};

static kp_status put_all(struct change *change, struct kp_error *reterr)
{
    kp_status st = KP_OK;

    for (size_t i = 0; st == KP_OK && i < change->n; i++)
        st = ekm_table_put(&change->table, &change->records[i], change->flags, &change->report,
                           reterr);
    return st;
}

static bool is_change(const struct change *change)
{
    return change->report.n_added + change->report.n_updated > 0;
}

static kp_status write_store(ekm_map *map, struct change *change, struct kp_error *reterr)
{
    kp_buf text;
    kp_status st;

    if (!map->store.read)
        return KP_OK;
    kp_buf_init(&text, "ekm.map.text", EKM_MAP_FILE_MAX_LEN);
    st = ekm_map_text_write(&change->table, &text, reterr);
    if (st == KP_OK)
        st = map->store.write(map->store.ctx, kp_buf_view(&text), &change->stamp, reterr);
    else if (st == KP_USAGE)
        st = kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                           "the key map is full: its text is longer than %u bytes",
                           EKM_MAP_FILE_MAX_LEN);
    kp_buf_clear(&text);
    return st;
}

static kp_status begin_change(ekm_map *map, struct change *change, struct kp_error *reterr)
{
    if (map->store.read)
        return load(map, &change->table, &change->stamp, reterr);
    return ekm_table_copy(&map->table, &change->table, reterr);
}

/* Under io and the store's lock. */
static kp_status put_locked(ekm_map *map, struct change *change, struct kp_error *reterr)
{
    kp_status st = begin_change(map, change, reterr);

    if (st == KP_OK)
        st = put_all(change, reterr);
    if (st == KP_OK && (is_change(change) || map->unsaved.n > 0))
        st = write_store(map, change, reterr);
    if (st == KP_OK)
        put_in_force(map, &change->table, &change->stamp, true);
    return st;
}

/* Under io. Neither table changes unless both can. */
static kp_status remember(ekm_map *map, struct change *change, struct kp_error *reterr)
{
    struct ekm_table unsaved = {0};
    kp_status st;

    ekm_table_clear(&change->table);
    memset(&change->report, 0, sizeof change->report);
    st = ekm_table_copy(&map->table, &change->table, reterr);
    if (st == KP_OK)
        st = put_all(change, reterr);
    if (st == KP_OK)
        st = ekm_table_copy(&map->unsaved, &unsaved, reterr);
    for (size_t i = 0; st == KP_OK && i < change->n; i++) {
        struct ekm_put_report ignored = {0};

        st = ekm_table_put(&unsaved, &change->records[i], EKM_PUT_KEEP_OLD | EKM_PUT_MOVES,
                           &ignored, reterr);
    }
    if (st == KP_OK) {
        struct ekm_table old = map->unsaved;

        change->stamp = map->stamp; /* changes under io only */
        put_in_force(map, &change->table, &change->stamp, false);
        map->unsaved = unsaved; /* moved to the map */
        ekm_table_clear(&old);
    } else {
        ekm_table_clear(&unsaved);
    }
    return st;
}

static kp_status put_in_io(ekm_map *map, struct change *change, struct kp_error *reterr)
{
    kp_status st = KP_OK;

    if (map->store.read)
        st = map->store.lock(map->store.ctx, EKM_MAP_LOCK_MS, reterr);
    if (st == KP_OK) {
        st = put_locked(map, change, reterr);
        if (map->store.read)
            map->store.unlock(map->store.ctx);
    }
    if (st == KP_CONFIG && (change->flags & EKM_PUT_REMEMBER)) {
        struct kp_error second;
        kp_status kept = remember(map, change, &second);

        if (kept != KP_OK && reterr)
            *reterr = second;
        st = kept != KP_OK ? kept : st;
    }
    return st;
}

kp_status ekm_map_put(ekm_map *map, const struct ekm_record *records, size_t n, uint32_t flags,
                      struct ekm_put_report *ret_report, struct kp_error *reterr)
{
    struct change change = {.records = records, .n = n, .flags = flags};
    kp_status st;

    ekm_sync_lock(map->io);
    st = put_in_io(map, &change, reterr);
    ekm_sync_unlock(map->io);
    ekm_table_clear(&change.table);
    if (ret_report && (st == KP_OK || (flags & EKM_PUT_REMEMBER)))
        *ret_report = change.report;
    return st;
}

/* ---- Removing ---- */

static kp_status remove_locked(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                               struct change *change, struct kp_error *reterr)
{
    char hex[EKM_THUMB_HEX_LEN];
    kp_status st = begin_change(map, change, reterr);

    if (st != KP_OK)
        return st;
    if (ekm_table_remove(&change->table, thumb, vault) == 0) {
        ekm_thumb_format(thumb, hex);
        return kpb_fail_code(reterr, KP_NOT_FOUND, KP_CODE_scp_err_NotFound,
                             "the key map has no record of %s", hex);
    }
    st = write_store(map, change, reterr);
    if (st == KP_OK)
        put_in_force(map, &change->table, &change->stamp, true);
    return st;
}

kp_status ekm_map_remove(ekm_map *map, const struct ekm_thumb *thumb, const char *vault,
                         struct kp_error *reterr)
{
    struct change change = {0};
    kp_status st = KP_OK;

    ekm_sync_lock(map->io);
    if (map->store.read)
        st = map->store.lock(map->store.ctx, EKM_MAP_LOCK_MS, reterr);
    if (st == KP_OK) {
        st = remove_locked(map, thumb, vault, &change, reterr);
        if (map->store.read)
            map->store.unlock(map->store.ctx);
    }
    ekm_sync_unlock(map->io);
    ekm_table_clear(&change.table);
    return st;
}

/* ---- Copies for other nodes ---- */

kp_status ekm_map_export(ekm_map *map, kp_buf *out, struct kp_error *reterr)
{
    struct ekm_table copy = {0};
    kp_status st;

    refresh(map);
    ekm_sync_lock(map->view);
    st = ekm_table_copy(&map->table, &copy, reterr);
    ekm_sync_unlock(map->view);
    if (st == KP_OK)
        st = ekm_map_text_write(&copy, out, reterr);
    ekm_table_clear(&copy);
    return st;
}

static bool is_json(kp_span text)
{
    size_t i = 0;

    while (i < text.len && text.ptr[i] <= ' ')
        i++;
    return i < text.len && text.ptr[i] == '{';
}

static kp_status read_import(kp_span text, struct ekm_table *table, struct kp_error *reterr)
{
    kp_status st;

    if (text.len > EKM_MAP_IMPORT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "the import is longer than %u bytes",
                        EKM_MAP_IMPORT_MAX_LEN);
    if (!is_json(text))
        return ekm_reg_read(text, table, reterr);
    st = ekm_map_text_read(text, table, reterr);
    if (st != KP_CONFIG)
        return st;
    if (reterr)
        reterr->status = KP_USAGE;
    return KP_USAGE;
}

/* Where a record comes from is the other node's to know; how it came here is this one's. */
kp_status ekm_map_import(ekm_map *map, kp_span text, uint32_t flags,
                         struct ekm_put_report *ret_report, struct kp_error *reterr)
{
    struct ekm_table table = {0};
    kp_status st = read_import(text, &table, reterr);

    for (uint32_t i = 0; i < table.n; i++)
        table.records[i].origin = EKM_ORIGIN_IMPORTED;
    if (st == KP_OK)
        st = ekm_map_put(map, table.records, table.n, flags, ret_report, reterr);
    ekm_table_clear(&table);
    return st;
}
