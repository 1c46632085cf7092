#include "support/mem_fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Failures ---- */

static bool should_fail(struct mem_fs *mem, const char *call)
{
    mem->n_calls++;
    if (mem->fail_at == 0)
        return false;
    bool hit = mem->n_calls == mem->fail_at || (mem->fail_always && mem->n_calls > mem->fail_at);
    if (hit && !mem->did_fail)
        mem->failed_call = call;
    mem->did_fail |= hit;
    return hit;
}

#define FAIL_IF_TOLD(mem, call)                                                                    \
    do {                                                                                           \
        if (should_fail(mem, call))                                                                \
            return (mem)->fail_with;                                                               \
    } while (0)

#define FAIL_CHANGE_IF_TOLD(mem, call)                                                             \
    do {                                                                                           \
        if ((mem)->is_read_only)                                                                   \
            return FT_IO_READ_ONLY;                                                                \
        FAIL_IF_TOLD(mem, call);                                                                   \
    } while (0)

void mem_fs_fail(struct mem_fs *mem, unsigned fail_at, bool always, enum ft_io with)
{
    mem->fail_at = fail_at;
    mem->fail_always = always;
    mem->fail_with = with;
    mem->n_calls = 0;
    mem->did_fail = false;
    mem->failed_call = "";
}

/* ---- Recording ---- */

static void copy_name(char out[192], const char *name)
{
    size_t len = strlen(name);
    assert_true(len < 192);
    memcpy(out, name, len + 1);
}

static struct mem_event *record(struct mem_fs *mem, enum mem_event_kind kind, size_t inode)
{
    static struct mem_event nowhere;
    if (!mem->is_recording)
        return &nowhere;
    assert_true(mem->n_events < MEM_FS_EVENTS_MAX);
    struct mem_event *event = &mem->events[mem->n_events++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->inode = inode;
    return event;
}

/* ---- Names and files ---- */

static struct mem_entry *find_entry(const struct mem_fs *mem, const char *name)
{
    for (size_t i = 0; i < mem->n_entries; i++) {
        if (strcmp(mem->entries[i].name, name) == 0)
            return (struct mem_entry *)(uintptr_t)&mem->entries[i];
    }
    return NULL;
}

static void remove_entry(struct mem_fs *mem, const char *name)
{
    struct mem_entry *entry = find_entry(mem, name);
    if (entry)
        *entry = mem->entries[--mem->n_entries];
}

static void set_entry(struct mem_fs *mem, const char *name, size_t inode)
{
    struct mem_entry *entry = find_entry(mem, name);
    if (!entry) {
        assert_true(mem->n_entries < MEM_FS_ENTRIES_MAX);
        entry = &mem->entries[mem->n_entries++];
        copy_name(entry->name, name);
    }
    entry->inode = inode;
}

static size_t new_inode(struct mem_fs *mem)
{
    assert_true(mem->n_inodes < MEM_FS_INODES_MAX);
    struct mem_inode *inode = &mem->inodes[mem->n_inodes];
    memset(inode, 0, sizeof *inode);
    inode->mtime_ns = mem->now_ns;
    return mem->n_inodes++;
}

static void append(struct mem_inode *inode, const uint8_t *bytes, size_t len)
{
    inode->bytes = realloc(inode->bytes, inode->len + len + 1);
    assert_non_null(inode->bytes);
    if (bytes)
        memcpy(inode->bytes + inode->len, bytes, len);
    else
        memset(inode->bytes + inode->len, 0, len);
    inode->len += len;
}

static ft_handle new_handle(struct mem_fs *mem, bool is_dir, size_t inode)
{
    for (size_t i = 0; i < MEM_FS_HANDLES_MAX; i++) {
        struct mem_handle *handle = &mem->handles[i];
        if (handle->is_open)
            continue;
        memset(handle, 0, sizeof *handle);
        handle->is_open = true;
        handle->is_dir = is_dir;
        handle->inode = inode;
        return (ft_handle)i;
    }
    fail_msg("handles leak");
    return FT_NO_HANDLE;
}

static struct mem_handle *get_handle(struct mem_fs *mem, ft_handle handle)
{
    assert_true(handle >= 0 && handle < MEM_FS_HANDLES_MAX && mem->handles[handle].is_open);
    return &mem->handles[handle];
}

/* ---- The table ---- */

static enum ft_io open_dir(void *ctx, const char *path, ft_handle *ret_dir)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "open_dir");
    assert_string_equal(path, MEM_FS_PATH);
    if (!mem->has_dir)
        return FT_IO_NOT_FOUND;
    *ret_dir = new_handle(mem, true, 0);
    return FT_IO_OK;
}

static enum ft_io make_dir(void *ctx, const char *path)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "make_dir");
    assert_string_equal(path, MEM_FS_PATH);
    if (mem->has_dir)
        return FT_IO_EXISTS;
    mem->has_dir = true;
    (void)record(mem, MEM_MAKE_DIR, 0);
    return FT_IO_OK;
}

static enum ft_io sync_parent(void *ctx, const char *path)
{
    struct mem_fs *mem = ctx;
    (void)path;
    FAIL_IF_TOLD(mem, "sync_parent");
    (void)record(mem, MEM_SYNC_PARENT, 0);
    return FT_IO_OK;
}

static enum ft_io list(void *ctx, ft_handle dir, ft_fs_each_fn *each, void *each_ctx)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "list");
    assert_true(get_handle(mem, dir)->is_dir);
    for (size_t i = 0; i < mem->n_entries; i++)
        each(each_ctx, mem->entries[i].name);
    return FT_IO_OK;
}

static enum ft_io sync_dir(void *ctx, ft_handle dir)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "sync_dir");
    assert_true(get_handle(mem, dir)->is_dir);
    (void)record(mem, MEM_SYNC_DIR, 0);
    return FT_IO_OK;
}

static enum ft_io open_read(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "open_read");
    assert_true(get_handle(mem, dir)->is_dir);
    const struct mem_entry *entry = find_entry(mem, name);
    if (!entry)
        return FT_IO_NOT_FOUND;
    *ret_file = new_handle(mem, false, entry->inode);
    return FT_IO_OK;
}

static void create_file(struct mem_fs *mem, const char *name, ft_handle *ret_file)
{
    size_t inode = new_inode(mem);
    set_entry(mem, name, inode);
    copy_name(record(mem, MEM_CREATE, inode)->to, name);
    *ret_file = new_handle(mem, false, inode);
}

static enum ft_io create(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "create");
    assert_true(get_handle(mem, dir)->is_dir);
    if (find_entry(mem, name))
        return FT_IO_EXISTS;
    create_file(mem, name, ret_file);
    return FT_IO_OK;
}

static enum ft_io open_lock(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "open_lock");
    assert_true(get_handle(mem, dir)->is_dir);
    const struct mem_entry *entry = find_entry(mem, name);
    if (entry)
        *ret_file = new_handle(mem, false, entry->inode);
    else
        create_file(mem, name, ret_file);
    return FT_IO_OK;
}

static enum ft_io try_lock(void *ctx, ft_handle file)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "try_lock");
    struct mem_handle *handle = get_handle(mem, file);
    if (mem->inodes[handle->inode].is_locked)
        return FT_IO_LOCKED;
    mem->inodes[handle->inode].is_locked = true;
    handle->holds_lock = true;
    return FT_IO_OK;
}

static void unlock(void *ctx, ft_handle file)
{
    struct mem_fs *mem = ctx;
    struct mem_handle *handle = get_handle(mem, file);
    assert_true(handle->holds_lock);
    handle->holds_lock = false;
    mem->inodes[handle->inode].is_locked = false;
}

static enum ft_io read_some(void *ctx, ft_handle file, uint8_t *out, size_t n, size_t *ret_n)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "read");
    struct mem_handle *handle = get_handle(mem, file);
    const struct mem_inode *inode = &mem->inodes[handle->inode];
    size_t left = inode->len - handle->at;
    *ret_n = n < left ? n : left;
    if (*ret_n > 0)
        memcpy(out, inode->bytes + handle->at, *ret_n);
    handle->at += *ret_n;
    return FT_IO_OK;
}

/* A write that fails leaves half of its bytes behind. */
static enum ft_io write_all(void *ctx, ft_handle file, kp_span bytes)
{
    struct mem_fs *mem = ctx;
    size_t inode = get_handle(mem, file)->inode;
    bool fails = should_fail(mem, "write");
    size_t len = fails ? bytes.len / 2 : bytes.len;
    struct mem_event *event = record(mem, MEM_WRITE, inode);
    append(&mem->inodes[inode], bytes.ptr, len);
    if (mem->is_recording) {
        event->bytes = malloc(len + 1);
        assert_non_null(event->bytes);
        memcpy(event->bytes, bytes.ptr, len);
        event->len = len;
    }
    return fails ? mem->fail_with : FT_IO_OK;
}

static enum ft_io set_mtime(void *ctx, ft_handle file, int64_t mtime_ns)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "set_mtime");
    if (mem->mtime_step_ns > 0)
        mtime_ns -= mtime_ns % mem->mtime_step_ns;
    mem->inodes[get_handle(mem, file)->inode].mtime_ns = mtime_ns;
    return FT_IO_OK;
}

static enum ft_io sync_file(void *ctx, ft_handle file)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "sync");
    (void)record(mem, MEM_SYNC, get_handle(mem, file)->inode);
    return FT_IO_OK;
}

static void fill_stat(const struct mem_fs *mem, size_t inode, struct ft_stat *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->ino = 7; /* as if every inode number were reused at once */
    ret->size = mem->inodes[inode].len;
    ret->mtime_ns = mem->inodes[inode].mtime_ns;
    ret->traits = FT_IS_FILE | FT_IS_OURS | FT_IS_PRIVATE;
}

static enum ft_io stat_handle(void *ctx, ft_handle handle, struct ft_stat *ret)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "stat");
    const struct mem_handle *h = get_handle(mem, handle);
    fill_stat(mem, h->inode, ret);
    if (h->is_dir)
        ret->traits = FT_IS_DIR | FT_IS_OURS | FT_IS_PRIVATE;
    return FT_IO_OK;
}

static void close_handle(void *ctx, ft_handle handle)
{
    struct mem_fs *mem = ctx;
    struct mem_handle *h = get_handle(mem, handle);
    assert_false(h->holds_lock);
    h->is_open = false;
}

static enum ft_io stat_at(void *ctx, ft_handle dir, const char *name, struct ft_stat *ret)
{
    struct mem_fs *mem = ctx;
    FAIL_IF_TOLD(mem, "stat_at");
    assert_true(get_handle(mem, dir)->is_dir);
    const struct mem_entry *entry = find_entry(mem, name);
    if (!entry)
        return FT_IO_NOT_FOUND;
    fill_stat(mem, entry->inode, ret);
    return FT_IO_OK;
}

static enum ft_io rename_in(void *ctx, ft_handle dir, const char *from, const char *to)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "rename");
    assert_true(get_handle(mem, dir)->is_dir);
    const struct mem_entry *entry = find_entry(mem, from);
    if (!entry)
        return FT_IO_NOT_FOUND;
    size_t inode = entry->inode;
    struct mem_event *event = record(mem, MEM_RENAME, inode);
    copy_name(event->from, from);
    copy_name(event->to, to);
    remove_entry(mem, from);
    set_entry(mem, to, inode);
    return FT_IO_OK;
}

static enum ft_io remove_in(void *ctx, ft_handle dir, const char *name)
{
    struct mem_fs *mem = ctx;
    FAIL_CHANGE_IF_TOLD(mem, "remove");
    assert_true(get_handle(mem, dir)->is_dir);
    const struct mem_entry *entry = find_entry(mem, name);
    if (!entry)
        return FT_IO_NOT_FOUND;
    copy_name(record(mem, MEM_REMOVE, entry->inode)->from, name);
    remove_entry(mem, name);
    return FT_IO_OK;
}

/* ---- Life ---- */

void mem_fs_init(struct mem_fs *mem)
{
    memset(mem, 0, sizeof *mem);
    const struct ft_fs fs = {.ctx = mem,
                             .open_dir = open_dir,
                             .make_dir = make_dir,
                             .sync_parent = sync_parent,
                             .list = list,
                             .sync_dir = sync_dir,
                             .open_read = open_read,
                             .create = create,
                             .open_lock = open_lock,
                             .try_lock = try_lock,
                             .unlock = unlock,
                             .read = read_some,
                             .write = write_all,
                             .set_mtime = set_mtime,
                             .sync = sync_file,
                             .stat = stat_handle,
                             .close = close_handle,
                             .stat_at = stat_at,
                             .rename = rename_in,
                             .remove = remove_in};
    mem->fs = fs;
    mem->is_recording = true;
    (void)new_inode(mem); /* 0 is the directory */
}

void mem_fs_clear(struct mem_fs *mem)
{
    for (size_t i = 0; i < MEM_FS_HANDLES_MAX; i++)
        assert_false(mem->handles[i].is_open);
    for (size_t i = 0; i < mem->n_inodes; i++)
        free(mem->inodes[i].bytes);
    for (size_t i = 0; i < mem->n_events; i++)
        free(mem->events[i].bytes);
    memset(mem, 0, sizeof *mem);
}

const uint8_t *mem_fs_file(const struct mem_fs *mem, const char *name, size_t *ret_len)
{
    const struct mem_entry *entry = find_entry(mem, name);
    if (!entry)
        return NULL;
    *ret_len = mem->inodes[entry->inode].len;
    return mem->inodes[entry->inode].bytes;
}

void mem_fs_put(struct mem_fs *mem, const char *name, const void *bytes, size_t len)
{
    size_t inode = new_inode(mem);
    mem->has_dir = true;
    append(&mem->inodes[inode], bytes, len);
    set_entry(mem, name, inode);
}

size_t mem_fs_n_files(const struct mem_fs *mem)
{
    return mem->n_entries;
}

/* ---- Crashes ---- */

/* Whether a later one of the first n events made this one durable. */
static bool is_durable(const struct mem_fs *mem, size_t n, size_t at)
{
    const struct mem_event *event = &mem->events[at];
    for (size_t i = at + 1; i < n; i++) {
        const struct mem_event *later = &mem->events[i];
        switch (event->kind) {
        case MEM_MAKE_DIR:
            if (later->kind == MEM_SYNC_PARENT)
                return true;
            break;
        case MEM_WRITE:
            if (later->kind == MEM_SYNC && later->inode == event->inode)
                return true;
            break;
        default:
            if (later->kind == MEM_SYNC_DIR)
                return true;
        }
    }
    return event->kind == MEM_SYNC || event->kind == MEM_SYNC_DIR || event->kind == MEM_SYNC_PARENT;
}

size_t mem_fs_unsynced(const struct mem_fs *mem, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += is_durable(mem, n, i) ? 0 : 1;
    return count;
}

unsigned mem_fs_n_fates(const struct mem_fs *mem, size_t n, size_t i)
{
    for (size_t at = 0; at < n; at++) {
        if (is_durable(mem, n, at))
            continue;
        if (i-- == 0)
            return mem->events[at].kind == MEM_WRITE ? 4 : 2;
    }
    return 0;
}

static void write_with_fate(struct mem_inode *inode, const struct mem_event *event, uint8_t fate)
{
    if (fate == 0)
        append(inode, event->bytes, event->len);
    else if (fate == 2)
        append(inode, event->bytes, event->len / 2);
    else if (fate == 3)
        append(inode, NULL, event->len);
}

static void replay(const struct mem_event *event, uint8_t fate, struct mem_fs *ret)
{
    if (event->kind == MEM_WRITE) {
        write_with_fate(&ret->inodes[event->inode], event, fate);
        return;
    }
    if (fate != 0)
        return;
    switch (event->kind) {
    case MEM_MAKE_DIR:
        ret->has_dir = true;
        break;
    case MEM_CREATE:
        set_entry(ret, event->to, event->inode);
        break;
    case MEM_RENAME:
        remove_entry(ret, event->from);
        set_entry(ret, event->to, event->inode);
        break;
    case MEM_REMOVE:
        remove_entry(ret, event->from);
        break;
    default:
        break;
    }
}

void mem_fs_crash(const struct mem_fs *mem, size_t n, const uint8_t *fate, struct mem_fs *ret)
{
    size_t i = 0;
    mem_fs_init(ret);
    ret->is_recording = false;
    while (ret->n_inodes < mem->n_inodes)
        (void)new_inode(ret);
    for (size_t at = 0; at < n; at++)
        replay(&mem->events[at], is_durable(mem, n, at) ? 0 : fate[i++], ret);
    if (!ret->has_dir)
        ret->n_entries = 0;
}
