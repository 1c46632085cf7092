/*
 * The crash test: a run of operations is recorded on the seam; after every prefix of what happened,
 * with any subset of what was not yet synced lost, cut or zeroed, the vault must open to the state
 * before or after the operation under way, with every key usable, and go on working.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "plugins/file-test/vault.h"
#include "support/file_vault.h"
#include "support/mem_fs.h"

#define STATE_LEN 2048
#define STEPS_MAX 24
#define CIPHERS_MAX 32
#define EXHAUSTIVE_MAX 256u /* beyond that many ways to crash at one point, a sample */
#define SAMPLE 128u

/* What was wrapped with each version when it was made. */
struct cipher {
    char name[16];
    char version[33];
    uint8_t bytes[40];
    size_t len;
};

struct trace {
    struct mem_fs mem;
    const char *const (*settings)[2];
    struct file_vault fv;
    struct cipher ciphers[CIPHERS_MAX];
    size_t n_ciphers;
    char states[STEPS_MAX + 1][STATE_LEN]; /* [i]: after i steps; [0]: no vault */
    size_t ends[STEPS_MAX + 1];            /* events recorded by then */
    size_t n_steps;
    uint64_t random;
    unsigned n_crashes;
};

static uint64_t next_random(struct trace *t)
{
    t->random = t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return t->random >> 33;
}

/* ---- What a vault holds, as text ---- */

static void add_text(char *state, const char *text, size_t len)
{
    size_t at = strlen(state);
    assert_true(at + len + 2 < STATE_LEN);
    memcpy(state + at, text, len);
    state[at + len] = ' ';
    state[at + len + 1] = '\0';
}

static void add_key(struct file_vault *fv, const char *name, bool is_deleted, char *state)
{
    struct fake_result result;
    uint32_t op = is_deleted ? KP_OP_GET_DELETED : KP_OP_LIST_VERSIONS;
    if (fv_simple(fv, op, name, NULL, &result) != KP_OK)
        fail_msg("%s: %s", name, result.error.text);
    add_text(state, name, strlen(name));
    if (is_deleted) {
        add_text(state, "deleted", 7);
        add_text(state, (const char *)result.reply.version.ptr, result.reply.version.len);
    }
    for (uint32_t i = 0; i < result.reply.n_keys; i++) {
        const struct kp_key_info *key = result.reply.keys[i];
        add_text(state, (const char *)key->version.ptr, key->version.len);
        add_text(state, key->flags & KP_KEY_ENABLED ? "on" : "off", 2);
    }
    fake_result_clear(&result);
}

static void add_list(struct file_vault *fv, uint32_t op, char *state)
{
    struct fake_result result;
    if (fv_simple(fv, op, NULL, NULL, &result) != KP_OK)
        fail_msg("list: %s", result.error.text);
    for (uint32_t i = 0; i < result.reply.n_keys; i++) {
        char name[128] = {0};
        memcpy(name, result.reply.keys[i]->name.ptr, result.reply.keys[i]->name.len);
        add_key(fv, name, op == KP_OP_LIST_DELETED, state);
    }
    fake_result_clear(&result);
}

static void describe(struct file_vault *fv, char state[STATE_LEN])
{
    state[0] = '\0';
    add_list(fv, KP_OP_LIST_KEYS, state);
    add_list(fv, KP_OP_LIST_DELETED, state);
}

/* ---- The run that is recorded ---- */

static void keep_cipher(struct trace *t, const char *name)
{
    struct cipher *c = &t->ciphers[t->n_ciphers++];
    assert_true(t->n_ciphers <= CIPHERS_MAX);
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->len = sizeof c->bytes;
    fv_wrap(&t->fv, name, NULL, KP_ALG_A256KW, (uint8_t)t->n_ciphers, c->bytes, &c->len,
            c->version);
}

static void end_step(struct trace *t)
{
    t->n_steps++;
    assert_true(t->n_steps <= STEPS_MAX);
    t->ends[t->n_steps] = t->mem.n_events;
    describe(&t->fv, t->states[t->n_steps]);
}

static void create(struct trace *t, const char *name)
{
    fv_create(&t->fv, name, KP_KTY_OCT, 256, 0, NULL);
    keep_cipher(t, name);
    end_step(t);
}

static void act(struct trace *t, uint32_t op, const char *name)
{
    fv_must(&t->fv, op, name, NULL);
    if (op == KP_OP_ROTATE)
        keep_cipher(t, name);
    end_step(t);
}

static void disable(struct trace *t, const char *name)
{
    struct fake_result result;
    struct kp_key_params params = fv_params(0, 0, 0);
    struct kp_request request = fv_request(KP_OP_UPDATE, name, NULL);
    params.set = KP_SET_ENABLED;
    request.params = &params;
    assert_int_equal(fv_call(&t->fv, &request, &result), KP_OK);
    fake_result_clear(&result);
    end_step(t);
}

static void record_run(struct trace *t, const char *const (*settings)[2])
{
    memset(t, 0, sizeof *t);
    t->settings = settings;
    t->random = 20260101;
    mem_fs_init(&t->mem);
    assert_int_equal(fv_open(&t->fv, &t->mem.fs, MEM_FS_PATH, KP_VAULT_MAY_CREATE, settings),
                     KP_OK);
    end_step(t);
    create(t, "app");
    create(t, "App");
    act(t, KP_OP_ROTATE, "app");
    disable(t, "App");
    create(t, "app");
    act(t, KP_OP_DELETE, "app");
    act(t, KP_OP_RECOVER, "app");
    act(t, KP_OP_DELETE, "App");
    act(t, KP_OP_PURGE, "App");
    create(t, "App");
    act(t, KP_OP_ROTATE, "App");
    fv_close(&t->fv);
}

/* ---- What must hold afterwards ---- */

static bool is_in_state(const char *state, const struct cipher *c)
{
    return strstr(state, c->version) != NULL;
}

/* Every version unwraps its own and nothing else, unless its key is deleted or it is disabled. */
static void check_ciphers(struct trace *t, struct file_vault *fv, const char *state)
{
    for (size_t i = 0; i < t->n_ciphers; i++) {
        const struct cipher *c = &t->ciphers[i];
        kp_status st =
            fv_unwrap(fv, c->name, c->version, KP_ALG_A256KW, (uint8_t)(i + 1), c->bytes, c->len);
        if (!is_in_state(state, c))
            assert_int_not_equal(st, KP_OK);
        else if (st != KP_OK && st != KP_FORBIDDEN && st != KP_NOT_FOUND)
            fail_msg("version %s of %s: status %d", c->version, c->name, st);
    }
}

static void check_writable(struct file_vault *fv, const char *state)
{
    char again[STATE_LEN];
    fv_create(fv, "later", KP_KTY_OCT, 128, 0, NULL);
    assert_int_equal(fv_status(fv, KP_OP_DELETE, "later", NULL), KP_OK);
    assert_int_equal(fv_status(fv, KP_OP_PURGE, "later", NULL), KP_OK);
    describe(fv, again);
    assert_string_equal(again, state);
}

/* Temporary files a crash left are swept by opening; nothing else of them shows. */
static void check_swept(const struct mem_fs *left)
{
    for (size_t i = 0; i < left->n_entries; i++)
        assert_false(ft_name_is_temp(left->entries[i].name));
}

static void check_left(struct trace *t, struct mem_fs *left, size_t step, bool thoroughly)
{
    static struct file_vault fv;
    char state[STATE_LEN] = "";
    kp_status st = fv_open(&fv, &left->fs, MEM_FS_PATH, 0, t->settings);
    if (st == KP_OK) {
        describe(&fv, state);
        check_swept(left);
        if (thoroughly) {
            check_ciphers(t, &fv, state);
            check_writable(&fv, state);
        }
    } else if (step > 0) {
        fail_msg("step %zu: the vault does not open: %s", step, fv_open_error(&fv)->text);
    } else {
        assert_true(st == KP_NOT_FOUND || st == KP_CONFIG); /* no vault yet */
    }
    if (strcmp(state, t->states[step]) != 0 &&
        (step == t->n_steps || strcmp(state, t->states[step + 1]) != 0))
        fail_msg("step %zu: neither the old state\n%s\nnor the new\n%s\nbut\n%s", step,
                 t->states[step], step < t->n_steps ? t->states[step + 1] : "", state);
    fv_close(&fv);
}

/* ---- Every way to crash ---- */

static void crash_once(struct trace *t, size_t n, size_t step, const uint8_t *fate)
{
    static struct mem_fs left;
    mem_fs_crash(&t->mem, n, fate, &left);
    check_left(t, &left, step, t->n_crashes++ % 7 == 0);
    mem_fs_clear(&left);
}

/* Counts fate up like an odometer; false after the last one. */
static bool next_fate(const struct trace *t, size_t n, uint8_t *fate, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (++fate[i] < mem_fs_n_fates(&t->mem, n, i))
            return true;
        fate[i] = 0;
    }
    return false;
}

static void crash_at(struct trace *t, size_t n, size_t step)
{
    uint8_t fate[64] = {0};
    size_t len = mem_fs_unsynced(&t->mem, n);
    size_t n_ways = 1;
    assert_true(len <= sizeof fate);
    for (size_t i = 0; i < len && n_ways <= EXHAUSTIVE_MAX; i++)
        n_ways *= mem_fs_n_fates(&t->mem, n, i);
    if (n_ways <= EXHAUSTIVE_MAX) {
        do
            crash_once(t, n, step, fate);
        while (next_fate(t, n, fate, len));
        return;
    }
    for (unsigned k = 0; k < SAMPLE; k++) {
        for (size_t i = 0; i < len; i++)
            fate[i] = (uint8_t)(next_random(t) % mem_fs_n_fates(&t->mem, n, i));
        crash_once(t, n, step, fate);
    }
}

static void crash_everywhere(const char *const (*settings)[2])
{
    static struct trace t;
    record_run(&t, settings);
    size_t step = 0;
    for (size_t n = 0; n <= t.mem.n_events; n++) {
        while (step < t.n_steps && t.ends[step + 1] <= n)
            step++;
        crash_at(&t, n, step);
    }
    print_message("%u crashes over %u events\n", t.n_crashes, (unsigned)t.mem.n_events);
    assert_true(t.n_crashes > t.mem.n_events);
    mem_fs_clear(&t.mem);
}

static void crash_at_any_point_leaves_the_old_state_or_the_new(void **state)
{
    (void)state;
    crash_everywhere(NULL);
}

static void crash_of_a_sealed_vault_leaves_the_old_state_or_the_new(void **state)
{
    static const char *const SETTINGS[][2] = {
        {"passphrase", "correct horse"}, {"scrypt_log2_n", "10"}, {NULL, NULL}};
    (void)state;
    crash_everywhere(SETTINGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_at_any_point_leaves_the_old_state_or_the_new),
        cmocka_unit_test(crash_of_a_sealed_vault_leaves_the_old_state_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
