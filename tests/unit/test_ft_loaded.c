#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "plugins/file-test/keys.h"
#include "support/file_vault.h"

static struct ft_keys keys;

static int init_keys(void **state)
{
    (void)state;
    return ft_keys_init(&keys, NULL) == KP_OK ? 0 : -1;
}

static int clear_keys(void **state)
{
    (void)state;
    ft_keys_clear(&keys);
    return 0;
}

static void put(const char *name, const char *asked, const char *version)
{
    struct ft_loaded *loaded = ft_loaded_new();
    assert_non_null(loaded);
    (void)snprintf(loaded->name, sizeof loaded->name, "%s", name);
    (void)snprintf(loaded->asked, sizeof loaded->asked, "%s", asked);
    (void)snprintf(loaded->version, sizeof loaded->version, "%s", version);
    ft_keys_put(&keys, loaded);
    ft_loaded_release(loaded);
}

/* The version an entry stands for, "" when there is none. */
static const char *get(const char *name, const char *asked)
{
    static char version[FT_VERSION_ID_LEN + 1];
    struct ft_loaded *loaded = ft_keys_acquire(&keys, kpb_span_str(name), kpb_span_str(asked));
    memset(version, 0, sizeof version);
    if (loaded)
        memcpy(version, loaded->version, sizeof version);
    ft_loaded_release(loaded);
    return version;
}

static void keys_are_found_by_name_and_version(void **state)
{
    (void)state;
    put("app", "", "v2");
    put("app", "v1", "v1");
    put("App", "", "v3");
    assert_string_equal(get("app", ""), "v2");
    assert_string_equal(get("app", "v1"), "v1");
    assert_string_equal(get("App", ""), "v3");
    assert_string_equal(get("app", "v2"), "");
    assert_string_equal(get("ap", ""), "");
    assert_string_equal(get("", ""), "");
}

static void keys_put_again_replaces(void **state)
{
    (void)state;
    put("app", "", "v1");
    put("app", "", "v2");
    assert_string_equal(get("app", ""), "v2");
}

static void keys_forget_drops_all_versions_of_one_name(void **state)
{
    (void)state;
    put("app", "", "v2");
    put("app", "v1", "v1");
    put("other", "", "v9");
    ft_keys_forget(&keys, kpb_span_str("app"));
    assert_string_equal(get("app", ""), "");
    assert_string_equal(get("app", "v1"), "");
    assert_string_equal(get("other", ""), "v9");
}

static void keys_beyond_the_bound_push_out_the_least_used(void **state)
{
    char version[8];
    (void)state;
    for (unsigned i = 0; i < FT_KEYS_PER_BUCKET; i++) {
        (void)snprintf(version, sizeof version, "v%u", i);
        put("app", version, version);
    }
    assert_string_equal(get("app", "v0"), "v0"); /* used: v1 is next */
    put("app", "more", "more");
    assert_string_equal(get("app", "v0"), "v0");
    assert_string_equal(get("app", "v1"), "");
    assert_string_equal(get("app", "more"), "more");
}

static void keys_in_use_outlive_their_entry(void **state)
{
    (void)state;
    put("app", "", "v1");
    struct ft_loaded *loaded = ft_keys_acquire(&keys, kpb_span_str("app"), kpb_span_str(""));
    ft_keys_forget(&keys, kpb_span_str("app"));
    assert_string_equal(loaded->version, "v1");
    ft_loaded_release(loaded);
}

/* ---- Many threads ---- */

#define N_THREADS 4
#define N_ROUNDS 2000

static void *hammer(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    char name[8];
    for (int i = 0; i < N_ROUNDS; i++) {
        seed = seed * 1103515245u + 12345u;
        (void)snprintf(name, sizeof name, "k%u", seed >> 16 & 7u);
        if ((seed >> 20) % 4 == 0)
            put(name, "", name);
        else if ((seed >> 20) % 16 == 1)
            ft_keys_forget(&keys, kpb_span_str(name));
        struct ft_loaded *loaded = ft_keys_acquire(&keys, kpb_span_str(name), kpb_span_str(""));
        if (loaded && strcmp(loaded->version, name) != 0)
            return arg; /* a wrong key: the worst there is */
        ft_loaded_release(loaded);
    }
    return NULL;
}

static void keys_used_by_many_threads_are_never_mixed_up(void **state)
{
    pthread_t threads[N_THREADS];
    (void)state;
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
}

/* ---- run on many threads while the key rotates ---- */

static struct file_vault vault;
static atomic_bool has_rotated;
static char dir[FV_PATH_LEN];

struct caller {
    const struct kp_plugin *plugin;
    void *vault;
    unsigned n_served;
    unsigned n_wrong;
    uint8_t wrapped[64];
    size_t wrapped_len;
    char version[33];
};

static void keep_answer(void *ctx, const struct kp_reply *reply)
{
    struct caller *c = ctx;
    memcpy(c->wrapped, reply->value.ptr, reply->value.len);
    c->wrapped_len = reply->value.len;
    memcpy(c->version, reply->version.ptr, 32);
}

static void check_answer(void *ctx, const struct kp_reply *reply)
{
    static const uint8_t DEK[32] = {1, 2, 3};
    struct caller *c = ctx;
    if (!kpb_span_eq(reply->value, kpb_span(DEK, sizeof DEK)))
        c->n_wrong++;
    c->n_served++;
}

static void call_once(struct caller *c)
{
    static const uint8_t DEK[32] = {1, 2, 3};
    struct kp_error err;
    struct kp_request wrap = fv_request(KP_OP_WRAP, "app", NULL);
    wrap.alg = KP_ALG_A256KW;
    wrap.value = kpb_span(DEK, sizeof DEK);
    kp_error_init(&err);
    kp_status st = c->plugin->run(c->vault, &wrap, keep_answer, c, &err);
    if (st == KP_UNSUPPORTED)
        return;
    struct kp_request unwrap = fv_request(KP_OP_UNWRAP, "app", c->version);
    unwrap.alg = KP_ALG_A256KW;
    unwrap.value = kpb_span(c->wrapped, c->wrapped_len);
    if (st == KP_OK)
        st = c->plugin->run(c->vault, &unwrap, check_answer, c, &err);
    if (st != KP_OK && st != KP_UNSUPPORTED)
        c->n_wrong++;
}

/* Some rounds come while the key rotates, and some when the last version is loaded for good: on a
 * busy machine all of the former may be declined. */
static void *call_often(void *arg)
{
    struct caller *c = arg;
    for (int i = 0; i < 3000 || !atomic_load(&has_rotated); i++)
        call_once(c);
    for (int i = 0; i < 3000 && c->n_served == 0; i++)
        call_once(c);
    return NULL;
}

/* Makes the current version ready for run, both ways of asking for it. */
static void load_current(void)
{
    uint8_t ct[64];
    size_t len = sizeof ct;
    char version[33];
    fv_wrap(&vault, "app", NULL, KP_ALG_A256KW, 1, ct, &len, version);
    len = sizeof ct;
    fv_wrap(&vault, "app", version, KP_ALG_A256KW, 1, ct, &len, NULL);
}

static void run_on_many_threads_while_the_key_rotates_is_never_wrong(void **state)
{
    pthread_t threads[N_THREADS];
    struct caller callers[N_THREADS];
    (void)state;
    fv_make_temp(dir);
    fv_open_ok(&vault, dir, NULL);
    fv_create(&vault, "app", KP_KTY_OCT, 256, 0, NULL);
    load_current();
    memset(callers, 0, sizeof callers);
    for (size_t i = 0; i < N_THREADS; i++) {
        callers[i].plugin = vault.host.plugin;
        callers[i].vault = vault.host.vault;
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        fv_must(&vault, KP_OP_ROTATE, "app", NULL);
        load_current();
    }
    atomic_store(&has_rotated, true);
    unsigned n_served = 0;
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].n_wrong, 0);
        n_served += callers[i].n_served;
    }
    assert_true(n_served > 0);
    fv_close(&vault);
    fv_remove_temp(dir);
}

int main(void)
{
#define KEYS_TEST(f) cmocka_unit_test_setup_teardown(f, init_keys, clear_keys)
    const struct CMUnitTest tests[] = {
        KEYS_TEST(keys_are_found_by_name_and_version),
        KEYS_TEST(keys_put_again_replaces),
        KEYS_TEST(keys_forget_drops_all_versions_of_one_name),
        KEYS_TEST(keys_beyond_the_bound_push_out_the_least_used),
        KEYS_TEST(keys_in_use_outlive_their_entry),
        KEYS_TEST(keys_used_by_many_threads_are_never_mixed_up),
        cmocka_unit_test(run_on_many_threads_while_the_key_rotates_is_never_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
