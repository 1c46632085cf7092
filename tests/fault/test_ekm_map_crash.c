/*
 * The key map under crashes, failing calls and failing allocations. A run of changes is recorded on
 * the seam of map_file.c; after every prefix of what happened, with any subset of what was not yet
 * synced lost, cut or zeroed, the file must hold the text before or after the change under way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/span.h"
#include "ekm/keys/key_map.h"
#include "ekm/keys/map_file.h"
#include "support/mem_fs.h"

#define NAME "keys.json"
#define VAULT "team.vault.azure.net"
#define N_STEPS 4

/* ---- The seam of the map over the file system in memory ---- */

static struct mem_fs mem;

/* A folder of such a file system. */
struct seam {
    struct mem_fs *mem;
    ft_handle folder;
};

static struct seam seam;

static int code_of(enum ft_io io)
{
    if (io == FT_IO_EXISTS)
        return EEXIST;
    return io == FT_IO_OK ? 0 : EIO;
}

static int seam_create(void *ctx, const char *name, intptr_t *ret_file)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.create(in->mem, in->folder, name, ret_file));
}

static int seam_write(void *ctx, intptr_t file, kp_span bytes)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.write(in->mem, file, bytes));
}

static int seam_sync(void *ctx, intptr_t file)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.sync(in->mem, file));
}

static void seam_close(void *ctx, intptr_t file)
{
    const struct seam *in = ctx;
    in->mem->fs.close(in->mem, file);
}

static int seam_rename(void *ctx, const char *from, const char *to)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.rename(in->mem, in->folder, from, to));
}

static int seam_sync_folder(void *ctx)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.sync_dir(in->mem, in->folder));
}

static int seam_remove(void *ctx, const char *name)
{
    const struct seam *in = ctx;
    return code_of(in->mem->fs.remove(in->mem, in->folder, name));
}

static kp_status store_lock(void *ctx, uint32_t timeout_ms, struct kp_error *reterr)
{
    (void)ctx;
    (void)timeout_ms;
    (void)reterr;
    return KP_OK;
}

static void store_unlock(void *ctx)
{
    (void)ctx;
}

static kp_status store_read(void *ctx, kp_buf *out, struct ekm_map_stamp *ret_stamp,
                            struct kp_error *reterr)
{
    size_t len = 0;
    const struct seam *in = ctx;
    const uint8_t *bytes = mem_fs_file(in->mem, NAME, &len);
    if (!bytes)
        return KP_NOT_FOUND;
    ret_stamp->parts[0] = in->mem->n_events + 1;
    if (kp_buf_append(out, kpb_span(bytes, len)) != KP_OK)
        return kpb_fail_memory(reterr, "test");
    return KP_OK;
}

static kp_status store_write(void *ctx, kp_span text, struct ekm_map_stamp *ret_stamp,
                             struct kp_error *reterr)
{
    const struct seam *in = ctx;
    const struct ekm_map_fs fs = {.ctx = ctx,
                                  .create = seam_create,
                                  .write = seam_write,
                                  .sync = seam_sync,
                                  .close = seam_close,
                                  .rename = seam_rename,
                                  .sync_folder = seam_sync_folder,
                                  .remove = seam_remove};
    ret_stamp->parts[0] = in->mem->n_events + 1;
    return ekm_map_file_replace(&fs, MEM_FS_PATH, NAME, text, reterr);
}

static bool store_stamp(void *ctx, struct ekm_map_stamp *ret_stamp)
{
    (void)ctx;
    (void)ret_stamp;
    return false;
}

static struct ekm_map_store store_over(struct seam *in)
{
    const struct ekm_map_store store = {.ctx = in,
                                        .lock = store_lock,
                                        .unlock = store_unlock,
                                        .read = store_read,
                                        .write = store_write,
                                        .stamp = store_stamp};
    return store;
}

static void begin(void)
{
    mem_fs_init(&mem);
    assert_int_equal(mem.fs.make_dir(&mem, MEM_FS_PATH), FT_IO_OK);
    assert_int_equal(mem.fs.sync_parent(&mem, MEM_FS_PATH), FT_IO_OK);
    seam.mem = &mem;
    assert_int_equal(mem.fs.open_dir(&mem, MEM_FS_PATH, &seam.folder), FT_IO_OK);
}

static void end(void)
{
    mem.fs.close(&mem, seam.folder);
    mem_fs_clear(&mem);
}

static struct ekm_record record_number(unsigned i)
{
    struct ekm_record record;
    assert_int_equal(
        ekm_record_init(&record, kpb_span_str(VAULT), kpb_span_str("k"), kpb_span_str("v"), NULL),
        KP_OK);
    record.thumb.len = 20;
    record.thumb.bytes[0] = (uint8_t)i;
    record.scheme = EKM_SCHEME_FOREIGN;
    record.origin = EKM_ORIGIN_IMPORTED;
    return record;
}

/* ---- Crashes ---- */

static void check_left(struct seam *left, size_t n_min, size_t n_max)
{
    const struct ekm_map_store store = store_over(left);
    struct kp_error err;
    ekm_map *map = NULL;
    if (ekm_map_open_store(&store, &map, &err) != KP_OK)
        fail_msg("after a crash: %s", err.text);
    const size_t n = ekm_map_count(map);
    if (n < n_min || n > n_max)
        fail_msg("%zu records are left, not %zu to %zu", n, n_min, n_max);
    for (unsigned i = 0; i < n; i++) {
        const struct ekm_record record = record_number(i);
        struct ekm_record found;
        assert_true(ekm_map_find(map, &record.thumb, VAULT, &found));
    }
    ekm_map_close(map);
}

/* Whatever a crash left lying about is in nobody's way. */
static void check_writable(struct seam *left)
{
    const struct ekm_map_store store = store_over(left);
    const struct ekm_record later = record_number(200);
    struct ekm_record found;
    ekm_map *map = NULL;
    assert_int_equal(ekm_map_open_store(&store, &map, NULL), KP_OK);
    assert_int_equal(ekm_map_put(map, &later, 1, 0, NULL, NULL), KP_OK);
    ekm_map_close(map);
    assert_int_equal(ekm_map_open_store(&store, &map, NULL), KP_OK);
    assert_true(ekm_map_find(map, &later.thumb, VAULT, &found));
    ekm_map_close(map);
    assert_int_equal(mem_fs_n_files(left->mem), 1);
}

static unsigned crash_at(size_t n, size_t n_min, size_t n_max)
{
    static struct mem_fs left;
    uint8_t fate[16] = {0};
    const size_t len = mem_fs_unsynced(&mem, n);
    unsigned n_crashes = 0;
    size_t i = 0;
    assert_true(len <= 8);
    do {
        mem_fs_crash(&mem, n, fate, &left);
        struct seam in = {&left, FT_NO_HANDLE};
        assert_int_equal(left.fs.open_dir(&left, MEM_FS_PATH, &in.folder), FT_IO_OK);
        check_left(&in, n_min, n_max);
        check_writable(&in);
        left.fs.close(&left, in.folder);
        mem_fs_clear(&left);
        n_crashes++;
        for (i = 0; i < len; i++) {
            if (++fate[i] < mem_fs_n_fates(&mem, n, i))
                break;
            fate[i] = 0;
        }
    } while (i < len);
    return n_crashes;
}

static void crash_at_any_point_leaves_the_old_records_or_the_new(void **state)
{
    size_t ends[N_STEPS + 1];
    size_t step = 0;
    unsigned n_crashes = 0;
    ekm_map *map = NULL;
    (void)state;
    begin();
    const struct ekm_map_store store = store_over(&seam);
    assert_int_equal(ekm_map_open_store(&store, &map, NULL), KP_OK);
    ends[0] = mem.n_events;
    for (unsigned i = 0; i < N_STEPS; i++) {
        const struct ekm_record record = record_number(i);
        assert_int_equal(ekm_map_put(map, &record, 1, 0, NULL, NULL), KP_OK);
        ends[i + 1] = mem.n_events;
    }
    ekm_map_close(map);
    for (size_t n = ends[0]; n <= mem.n_events; n++) {
        while (step < N_STEPS && ends[step + 1] <= n)
            step++;
        n_crashes += crash_at(n, step, step < N_STEPS ? step + 1 : step);
    }
    print_message("%u crashes\n", n_crashes);
    assert_true(n_crashes > 2 * N_STEPS * 4);
    end();
}

/* ---- Calls that fail ---- */

static void call_that_fails_is_2058_and_loses_nothing(void **state)
{
    bool more = true;
    (void)state;
    for (unsigned at = 1; more; at++) {
        const struct ekm_record first = record_number(0);
        const struct ekm_record second = record_number(1);
        struct kp_error err;
        ekm_map *map = NULL;
        begin();
        const struct ekm_map_store store = store_over(&seam);
        assert_int_equal(ekm_map_open_store(&store, &map, NULL), KP_OK);
        assert_int_equal(ekm_map_put(map, &first, 1, 0, NULL, NULL), KP_OK);
        mem_fs_fail(&mem, at, false, FT_IO_FULL);
        const kp_status st = ekm_map_put(map, &second, 1, 0, NULL, &err);
        more = mem.did_fail;
        assert_int_equal(st, more ? KP_CONFIG : KP_OK);
        if (more)
            assert_int_equal(err.code, 2058);
        mem_fs_fail(&mem, 0, false, FT_IO_OK);
        check_left(&seam, 1, 2);
        assert_int_equal(ekm_map_put(map, &second, 1, 0, NULL, &err), KP_OK);
        ekm_map_close(map);
        check_left(&seam, 2, 2);
        assert_int_equal(mem_fs_n_files(&mem), 1);
        end();
    }
}

/* ---- Memory ---- */

static unsigned fail_at; /* 0: never */
static unsigned n_allocs;
static bool did_fail;

static bool should_fail(void)
{
    if (fail_at == 0 || ++n_allocs != fail_at)
        return false;
    did_fail = true;
    return true;
}

static void *failing_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    (void)site;
    return should_fail() ? NULL : calloc(1, n);
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void sized_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void *failing_json_malloc(size_t n)
{
    return should_fail() ? NULL : malloc(n);
}

static int use_failing_memory(void **state)
{
    static const struct kpb_mem_hooks hooks = {NULL, failing_alloc, plain_free, failing_alloc,
                                               sized_free};
    (void)state;
    kpb_mem_use(&hooks);
    json_set_alloc_funcs(failing_json_malloc, free);
    return 0;
}

static int use_plain_memory(void **state)
{
    (void)state;
    kpb_mem_use(NULL);
    json_set_alloc_funcs(malloc, free);
    return 0;
}

static void arm(unsigned at)
{
    fail_at = at;
    n_allocs = 0;
    did_fail = false;
}

/* Everything a map does, with the at-th allocation failing; the first status that is not ok. */
static kp_status do_everything(const struct ekm_map_store *store, struct kp_error *err)
{
    static const char REG[] =
        "REGEDIT4\n[HKEY\\SQL Server Cryptographic Provider\\Azure Key Vault\\" VAULT
        "\\0505]\n\"KeyUri\"=\"https://" VAULT "/keys/k/v\"\n";
    const struct ekm_record record = record_number(1);
    ekm_map *map = NULL;
    kp_buf text;
    kp_buf_init(&text, "test", EKM_MAP_FILE_MAX_LEN);
    kp_status st = ekm_map_open_store(store, &map, err);
    if (st == KP_OK)
        st = ekm_map_put(map, &record, 1, EKM_PUT_REMEMBER, NULL, err);
    if (st == KP_OK)
        st = ekm_map_import(map, kpb_span_str(REG), 0, NULL, err);
    if (st == KP_OK)
        st = ekm_map_export(map, &text, err);
    if (st == KP_OK)
        st = ekm_map_import(map, kp_buf_view(&text), 0, NULL, err);
    if (st == KP_OK)
        st = ekm_map_remove(map, &record.thumb, NULL, err);
    ekm_map_close(map);
    kp_buf_clear(&text);
    return st;
}

static void check_first_is_left(const struct ekm_map_store *store)
{
    const struct ekm_record first = record_number(0);
    struct ekm_record found;
    ekm_map *map = NULL;
    assert_int_equal(ekm_map_open_store(store, &map, NULL), KP_OK);
    assert_true(ekm_map_find(map, &first.thumb, VAULT, &found));
    ekm_map_close(map);
}

static void memory_that_runs_out_anywhere_loses_nothing(void **state)
{
    bool more = true;
    unsigned n = 0;
    (void)state;
    for (unsigned at = 1; more; at++, n++) {
        const struct ekm_record first = record_number(0);
        struct kp_error err;
        ekm_map *map = NULL;
        begin();
        mem.is_recording = false;
        const struct ekm_map_store store = store_over(&seam);
        assert_int_equal(ekm_map_open_store(&store, &map, NULL), KP_OK);
        assert_int_equal(ekm_map_put(map, &first, 1, 0, NULL, NULL), KP_OK);
        ekm_map_close(map);
        arm(at);
        const kp_status st = do_everything(&store, &err);
        more = did_fail;
        /* The JSON library tells some failures to allocate as mistakes of syntax. */
        if (more ? st != KP_NO_MEMORY && st != KP_CONFIG && st != KP_USAGE : st != KP_OK)
            fail_msg("allocation %u: %s: %s", at, kp_status_text(st), err.text);
        arm(0);
        check_first_is_left(&store);
        assert_int_equal(do_everything(&store, &err), KP_OK);
        end();
    }
    print_message("%u failures\n", n);
    assert_true(n > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_at_any_point_leaves_the_old_records_or_the_new),
        cmocka_unit_test(call_that_fails_is_2058_and_loses_nothing),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_anywhere_loses_nothing,
                                        use_failing_memory, use_plain_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
