/*
 * Disks that fail: every file call of every operation fails once, and from then on, with each kind
 * of error. The operation must say so or succeed, lose nothing, and the vault must go on once the
 * disk is well again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/vault.h"
#include "support/file_vault.h"
#include "support/mem_fs.h"

static const char *const BACKUP_KEY[][2] = {
    {"backup_key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
    {NULL, NULL}};

struct scene {
    struct mem_fs mem;
    struct file_vault fv;
    char version[33];
    uint8_t bytes[40];
    size_t len;
    struct fake_result blob; /* of a key that is not in the vault */
};

static void open_scene(struct scene *s)
{
    memset(s, 0, sizeof *s);
    mem_fs_init(&s->mem);
    assert_int_equal(fv_open(&s->fv, &s->mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, BACKUP_KEY),
                     KP_OK);
    fv_create(&s->fv, "app", KP_KTY_OCT, 256, 0, NULL);
    s->len = sizeof s->bytes;
    fv_wrap(&s->fv, "app", NULL, KP_ALG_A256KW, 42, s->bytes, &s->len, s->version);
    fv_create(&s->fv, "gone", KP_KTY_OCT, 256, 0, NULL);
    fv_must(&s->fv, KP_OP_DELETE, "gone", NULL);
    fv_create(&s->fv, "away", KP_KTY_OCT, 128, 0, NULL);
    assert_int_equal(fv_simple(&s->fv, KP_OP_BACKUP, "away", NULL, &s->blob), KP_OK);
    fv_must(&s->fv, KP_OP_DELETE, "away", NULL);
    fv_must(&s->fv, KP_OP_PURGE, "away", NULL);
}

static void close_scene(struct scene *s)
{
    fake_result_clear(&s->blob);
    fv_close(&s->fv);
    mem_fs_clear(&s->mem);
}

/* ---- Operations that change something ---- */

struct action {
    uint32_t op;
    const char *name;
};

static const struct action ACTIONS[] = {
    {KP_OP_CREATE, "new"},  {KP_OP_CREATE, "app"},       {KP_OP_ROTATE, "app"},
    {KP_OP_UPDATE, "app"},  {KP_OP_DELETE, "app"},       {KP_OP_RECOVER, "gone"},
    {KP_OP_PURGE, "gone"},  {KP_OP_RESTORE, NULL},       {KP_OP_SET_ROTATION_POLICY, "app"},
    {KP_OP_GET_KEY, "app"}, {KP_OP_LIST_KEYS, NULL},     {KP_OP_LIST_VERSIONS, "app"},
    {KP_OP_BACKUP, "app"},  {KP_OP_GET_DELETED, "gone"}, {KP_OP_GET_ROTATION_POLICY, "app"},
};

static kp_status act(struct scene *s, const struct action *action, struct fake_result *result)
{
    struct kp_key_params params = fv_params(KP_KTY_OCT, 256, 0);
    const struct kp_rotation_policy policy = {.struct_size = sizeof policy};
    struct kp_request request = fv_request(action->op, action->name, NULL);
    if (action->op == KP_OP_UPDATE) {
        params.set = KP_SET_EXPIRES;
        params.expires_unix_s = 4102444800;
    }
    request.params = &params;
    request.policy = &policy;
    if (action->op == KP_OP_RESTORE)
        request.value = s->blob.reply.value;
    return fv_call(&s->fv, &request, result);
}

/* The key that was there before all of this still unwraps what it wrapped. */
static void check_nothing_lost(struct scene *s, const struct action *action)
{
    kp_status st = fv_unwrap(&s->fv, "app", s->version, KP_ALG_A256KW, 42, s->bytes, s->len);
    if (st == KP_NOT_FOUND && action->op == KP_OP_DELETE) {
        fv_must(&s->fv, KP_OP_RECOVER, "app", NULL);
        st = fv_unwrap(&s->fv, "app", s->version, KP_ALG_A256KW, 42, s->bytes, s->len);
    }
    assert_int_equal(st, KP_OK);
}

static size_t count_temps(const struct mem_fs *mem)
{
    size_t n = 0;
    for (size_t i = 0; i < mem->n_entries; i++)
        n += ft_name_is_temp(mem->entries[i].name) ? 1 : 0;
    return n;
}

/* Classes that tell whoever reads them the truth about each kind of error. */
static void check_class(kp_status st, enum ft_io io, const struct kp_error *err)
{
    switch (io) {
    case FT_IO_FULL:
    case FT_IO_READ_ONLY:
    case FT_IO_FAILED:
        assert_int_equal(st, KP_VAULT);
        break;
    case FT_IO_DENIED:
        assert_int_equal(st, KP_FORBIDDEN);
        break;
    default:
        assert_int_equal(st, KP_TRANSIENT);
    }
    assert_non_null(strstr(err->text, "vault"));
}

static bool fail_once(const struct action *action, unsigned at, bool always, enum ft_io io)
{
    static struct scene s;
    struct fake_result result;
    open_scene(&s);
    mem_fs_fail(&s.mem, at, always, io);
    kp_status st = act(&s, action, &result);
    bool did_fail = s.mem.did_fail;
    /* A failed removal of a temporary file is nobody's business. */
    if (did_fail && st != KP_OK)
        check_class(st, io, &result.error);
    if (did_fail && st == KP_OK && strcmp(s.mem.failed_call, "stat_at") != 0)
        fail_msg("%s: %s failed unnoticed", kp_op_text(action->op), s.mem.failed_call);
    if (strcmp(s.mem.failed_call, "sync_dir") == 0)
        assert_int_equal(result.error.exposure, KP_MAYBE_SENT);
    else if (did_fail && st != KP_OK)
        assert_int_not_equal(result.error.exposure, KP_MAYBE_SENT);
    if (!always)
        assert_int_equal(count_temps(&s.mem), 0);
    fake_result_clear(&result);

    mem_fs_fail(&s.mem, 0, false, FT_IO_OK);
    check_nothing_lost(&s, action);
    fv_create(&s.fv, "after", KP_KTY_OCT, 128, 0, NULL);
    close_scene(&s);
    return did_fail;
}

static void fail_everywhere(bool always)
{
    static const enum ft_io KINDS[] = {FT_IO_FULL, FT_IO_READ_ONLY, FT_IO_DENIED, FT_IO_EXHAUSTED,
                                       FT_IO_FAILED};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
            for (unsigned at = 1; fail_once(&ACTIONS[i], at, always, KINDS[k]); at++)
                n++;
        }
    }
    print_message("%u failures\n", n);
    assert_true(n > 300);
}

static void io_any_single_failure_loses_nothing(void **state)
{
    (void)state;
    fail_everywhere(false);
}

static void io_a_disk_that_stays_broken_loses_nothing(void **state)
{
    (void)state;
    fail_everywhere(true);
}

/* ---- Opening and making ---- */

static void io_failures_while_a_vault_is_made_leave_none_or_one(void **state)
{
    static const enum ft_io KINDS[] = {FT_IO_FULL, FT_IO_READ_ONLY, FT_IO_DENIED, FT_IO_FAILED};
    static struct mem_fs mem;
    static struct file_vault fv;
    (void)state;
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        bool more = true;
        for (unsigned at = 1; more; at++) {
            mem_fs_init(&mem);
            mem_fs_fail(&mem, at, false, KINDS[k]);
            kp_status st = fv_open(&fv, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, NULL);
            more = mem.did_fail;
            if (st != KP_OK)
                assert_true(fv_open_error(&fv)->text[0] != '\0');
            fv_close(&fv);
            mem_fs_fail(&mem, 0, false, FT_IO_OK);
            assert_int_equal(fv_open(&fv, &mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, NULL), KP_OK);
            fv_create(&fv, "app", KP_KTY_OCT, 256, 0, NULL);
            assert_int_equal(count_temps(&mem), 0);
            fv_close(&fv);
            mem_fs_clear(&mem);
        }
    }
}

/* A read-only disk is no reason not to use what is on it. */
static void io_read_only_vault_serves_everything_that_only_reads(void **state)
{
    static struct scene s;
    struct fake_result result;
    (void)state;
    open_scene(&s);
    fv_close(&s.fv);
    mem_fs_put(&s.mem, "tmp-00000000000000000000000000000000", "x", 1); /* cannot be swept now */
    s.mem.is_read_only = true;
    assert_int_equal(fv_open(&s.fv, &s.mem.fs, MEM_FS_PATH, 0, BACKUP_KEY), KP_OK);
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        bool writes = (kp_op_traits(ACTIONS[i].op) & KP_TRAIT_MUTATES) != 0;
        assert_int_equal(act(&s, &ACTIONS[i], &result), writes ? KP_VAULT : KP_OK);
        if (writes)
            assert_non_null(strstr(result.error.text, "read-only"));
        fake_result_clear(&result);
    }
    check_nothing_lost(&s, &ACTIONS[0]);
    assert_int_equal(fv_status(&s.fv, KP_OP_LIST_DELETED, NULL, NULL), KP_OK);
    close_scene(&s);
}

/* ---- Leftovers ---- */

static void io_leftover_temporary_files_are_ignored_and_swept(void **state)
{
    static struct scene s;
    static struct file_vault again;
    (void)state;
    open_scene(&s);
    mem_fs_put(&s.mem, "tmp-0123456789abcdef0123456789abcdef", "{\"format\"", 9);
    mem_fs_put(&s.mem, "tmp-notes.txt", "mine", 4); /* not ours: it stays */
    assert_int_equal(fv_status(&s.fv, KP_OP_LIST_KEYS, NULL, NULL), KP_OK);
    assert_int_equal(count_temps(&s.mem), 1);
    assert_int_equal(fv_open(&again, &s.mem.fs, MEM_FS_PATH, 0, NULL), KP_OK);
    assert_int_equal(count_temps(&s.mem), 0);
    size_t len;
    assert_non_null(mem_fs_file(&s.mem, "tmp-notes.txt", &len));
    fv_close(&again);
    close_scene(&s);
}

/* A writer at work holds the lock; its temporary file is not swept under its hands. */
static void io_temporary_file_of_a_writer_at_work_is_left_alone(void **state)
{
    static struct scene s;
    static struct file_vault again;
    ft_handle lock;
    const struct ft_vault *v;
    (void)state;
    open_scene(&s);
    v = s.fv.host.vault;
    assert_int_equal(ft_store_try_lock(&v->store, &lock, NULL), KP_OK);
    mem_fs_put(&s.mem, "tmp-0123456789abcdef0123456789abcdef", "{", 1);
    assert_int_equal(fv_open(&again, &s.mem.fs, MEM_FS_PATH, 0, NULL), KP_OK);
    assert_int_equal(count_temps(&s.mem), 1);
    ft_store_unlock(&v->store, lock);
    fv_close(&again);
    close_scene(&s);
}

/* ---- Coarse clocks ---- */

/* On a file system that keeps whole seconds, two, or ticks, commits still never look alike. */
static void io_commits_differ_on_file_systems_with_coarse_times(void **state)
{
    static const int64_t STEPS_NS[] = {1, 100, 1000, 1000000, 10000000, 1000000000, 2000000000};
    static struct scene s;
    (void)state;
    for (size_t i = 0; i < sizeof STEPS_NS / sizeof STEPS_NS[0]; i++) {
        struct ft_stat before, after;
        open_scene(&s);
        const struct ft_vault *v = s.fv.host.vault;
        s.mem.mtime_step_ns = STEPS_NS[i];
        for (int k = 0; k < 10; k++) {
            assert_int_equal(ft_store_stat(&v->store, "key-app.json", &before), FT_IO_OK);
            fv_must(&s.fv, KP_OP_DELETE, "app", NULL);
            fv_must(&s.fv, KP_OP_RECOVER, "app", NULL);
            assert_int_equal(ft_store_stat(&v->store, "key-app.json", &after), FT_IO_OK);
            assert_int_equal(before.size, after.size);
            assert_true(after.mtime_ns > before.mtime_ns);
        }
        close_scene(&s);
    }
}

/* A key that was purged and made again, at the same time with the same size, is another one. */
static void io_purged_and_remade_key_looks_different(void **state)
{
    static struct scene s;
    struct ft_stat before, after;
    (void)state;
    open_scene(&s);
    const struct ft_vault *v = s.fv.host.vault;
    assert_int_equal(ft_store_stat(&v->store, "key-app.json", &before), FT_IO_OK);
    fv_must(&s.fv, KP_OP_DELETE, "app", NULL);
    fv_must(&s.fv, KP_OP_PURGE, "app", NULL);
    fv_create(&s.fv, "app", KP_KTY_OCT, 256, 0, NULL);
    assert_int_equal(ft_store_stat(&v->store, "key-app.json", &after), FT_IO_OK);
    assert_int_equal(before.size, after.size);
    assert_true(after.mtime_ns > before.mtime_ns);
    assert_int_not_equal(fv_unwrap(&s.fv, "app", NULL, KP_ALG_A256KW, 42, s.bytes, s.len), KP_OK);
    close_scene(&s);
}

/* Commits of different keys share one clock, so a file removed by hand and made again differs
 * too. */
static void io_commits_of_all_keys_follow_each_other(void **state)
{
    static struct scene s;
    struct ft_stat stat;
    int64_t last = 0;
    (void)state;
    open_scene(&s);
    const struct ft_vault *v = s.fv.host.vault;
    for (int i = 0; i < 10; i++) {
        char name[16], file[FT_FILE_NAME_LEN];
        (void)snprintf(name, sizeof name, "k%d", i);
        fv_create(&s.fv, name, KP_KTY_OCT, 256, 0, NULL);
        assert_int_equal(ft_name_encode(fv_span(name), file), KP_OK);
        assert_int_equal(ft_store_stat(&v->store, file, &stat), FT_IO_OK);
        assert_true(stat.mtime_ns > last);
        last = stat.mtime_ns;
    }
    close_scene(&s);
}

/* Inode, size and change time are the same here: the time of modification alone gives it away. */
static void io_loaded_key_that_was_purged_and_remade_is_not_served(void **state)
{
    static struct scene s;
    static struct file_vault other;
    uint8_t ct[64];
    char version[33], seen[33];
    (void)state;
    open_scene(&s);
    assert_int_equal(fv_open(&other, &s.mem.fs, MEM_FS_PATH, 0, BACKUP_KEY), KP_OK);
    for (int i = 0; i < 5; i++) {
        size_t len = sizeof ct;
        fv_wrap(&other, "app", NULL, KP_ALG_A256KW, 1, ct, &len, NULL);
        fv_must(&s.fv, KP_OP_DELETE, "app", NULL);
        fv_must(&s.fv, KP_OP_PURGE, "app", NULL);
        fv_create(&s.fv, "app", KP_KTY_OCT, 256, 0, version);
        len = sizeof ct;
        fv_wrap(&other, "app", NULL, KP_ALG_A256KW, 1, ct, &len, seen);
        assert_string_equal(version, seen);
    }
    fv_close(&other);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_any_single_failure_loses_nothing),
        cmocka_unit_test(io_a_disk_that_stays_broken_loses_nothing),
        cmocka_unit_test(io_failures_while_a_vault_is_made_leave_none_or_one),
        cmocka_unit_test(io_read_only_vault_serves_everything_that_only_reads),
        cmocka_unit_test(io_leftover_temporary_files_are_ignored_and_swept),
        cmocka_unit_test(io_temporary_file_of_a_writer_at_work_is_left_alone),
        cmocka_unit_test(io_commits_differ_on_file_systems_with_coarse_times),
        cmocka_unit_test(io_purged_and_remade_key_looks_different),
        cmocka_unit_test(io_commits_of_all_keys_follow_each_other),
        cmocka_unit_test(io_loaded_key_that_was_purged_and_remade_is_not_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
