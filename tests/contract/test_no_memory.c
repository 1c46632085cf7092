/*
 * Memory runs out at each site in turn, found by watching a run in which it does not: no_memory,
 * quiet, nothing leaked, and everything works again afterwards. And what is not allocated at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/provider.h"
#include "core/vault.h"
#include "support/client.h"
#include "support/memory_hooks.h"
#include "support/temp_dir.h"

#define CONFIG                                                                                     \
    "{\"provider\": {\"max_operations\": 16, \"workers\": 1}, \"defaults\": {\"cache\": "          \
    "{\"stale_ms\": 1000}, \"retry\": {\"max_attempts\": 1}}}"

static struct client client;
static struct script_vault *script;
static kp_vault *vault;
static char folder[TEMP_DIR_LEN];
static char config_path[64];

static kp_plugin_get_fn *const plugins[] = {script_plugin_get, NULL};

/* ---- What is played, each with one site failing ---- */

/* Returns the first failure. Leaves nothing behind whatever failed. */
typedef kp_status play_fn(void);

static kp_status worse(kp_status first, kp_status second)
{
    return first != KP_OK ? first : second;
}

static kp_status try_async(kp_vault *to, const struct kp_request *request)
{
    struct outcome outcome;
    struct kp_error error;
    kp_error_init(&error);
    outcome_init(&outcome);
    kp_status st = kp_submit(to, request, outcome_done, &outcome, &outcome.id, &error);
    if (st == KP_OK) {
        st = outcome_wait(&outcome);
        outcome_clear(&outcome);
        return st;
    }
    assert_int_equal(error.status, st);
    assert_true(error.text[0] != '\0');
    assert_false(outcome_is_there(&outcome)); /* refused means no completion */
    latch_clear(&outcome.latch);
    return st;
}

static kp_status try_call(kp_vault *to, const struct kp_request *request)
{
    struct kp_result result;
    kp_status st = kp_call(to, request, &result);
    assert_int_equal(result.status, st);
    assert_true(st == KP_OK || result.error.text[0] != '\0');
    kp_result_clear(&result);
    return st;
}

static kp_status play_submit(void)
{
    struct kp_request request = client_wrap();
    return worse(try_async(vault, &request), try_call(vault, &request));
}

static kp_status play_large(void)
{
    static uint8_t large[5000];
    struct kp_request request = client_wrap();
    request.value = (kp_span){large, sizeof large};
    return worse(try_async(vault, &request), try_call(vault, &request));
}

static kp_status play_params(void)
{
    const struct kp_tag tags[] = {{{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}}};
    struct kp_key_params params;
    struct kp_request request = client_request(KP_OP_CREATE);
    kp_key_params_init(&params);
    params.kty = KP_KTY_OCT;
    params.set = KP_SET_TAGS;
    params.tags = tags;
    params.n_tags = 1;
    request.params = &params;
    return try_async(vault, &request);
}

static kp_status play_cache(void)
{
    struct kp_request request = client_get_key("k", "", KP_REQ_CACHED_OK);
    struct kp_request update = client_request(KP_OP_UPDATE);
    kp_status st = try_async(vault, &request);
    st = worse(st, try_async(vault, &request));
    return worse(st, try_async(vault, &update)); /* so that the next round starts empty */
}

static kp_status play_errands(void)
{
    struct kp_request request = client_wrap();
    script_push(script, (struct script_act){.how = SCRIPT_TIMER});
    kp_status st = try_async(vault, &request);
    script_push(script, (struct script_act){.how = SCRIPT_WORK});
    return worse(st, try_async(vault, &request));
}

static void finish_with_file(void *arg, kp_status status, kp_span bytes,
                             const struct kp_error *error)
{
    struct script_op *op = arg;
    struct script_act act = {.status = status};
    assert_true(status != KP_OK || bytes.len > 0);
    assert_true(status == KP_OK || error->text[0] != '\0');
    script_op_arrived(op);
    (void)script_finish_with(op, &act);
}

static kp_status read_config(struct script_op *op)
{
    const struct kp_host *host = script_host(script_op_vault(op));
    kp_span path = {(const uint8_t *)config_path, strlen(config_path)};
    script_op_expect(op);
    kp_status st = host->read_file(host->self, script_op_id(op), path, 4096, KP_READ_SECRET,
                                   finish_with_file, op);
    if (st == KP_OK)
        return KP_OK;
    struct script_act failure = {.status = st};
    script_op_arrived(op); /* it will not come */
    return script_finish_with(op, &failure);
}

static kp_status play_file(void)
{
    struct kp_request request = client_wrap();
    script_push(script, (struct script_act){.how = SCRIPT_CALL, .call = read_config});
    return try_async(vault, &request);
}

static kp_status play_run(void)
{
    struct kp_request request = client_wrap();
    kp_vault *other = NULL;
    kp_status st = kp_vault_acquire(client.provider, "script:r", NULL, &other, NULL);
    if (st != KP_OK)
        return st;
    st = try_call(other, &request);
    st = worse(st, try_call(other, &request)); /* now on this thread */
    kp_vault_release(other);
    return st;
}

static kp_status play_acquire(void)
{
    const struct kp_vault_options options = {.struct_size = sizeof options,
                                             .identity = {(const uint8_t *)"me", 2},
                                             .secret = {(const uint8_t *)"secret", 6}};
    struct kp_request request = client_wrap();
    struct kp_error error;
    kp_vault *other = NULL;
    kp_error_init(&error);
    kp_status st = kp_vault_acquire(client.provider, "script:b", &options, &other, &error);
    if (st != KP_OK) {
        assert_null(other);
        assert_true(error.text[0] != '\0');
        return st;
    }
    st = try_async(other, &request);
    kp_vault_release(other);
    return st;
}

static void ignore_text(void *ctx, kp_span text)
{
    (void)ctx;
    (void)text;
}

static kp_status play_metrics(void)
{
    return kp_metrics_text(client.provider, ignore_text, NULL);
}

static kp_status play_reload(void)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = kp_provider_reload(client.provider, &error);
    assert_true(st == KP_OK || error.text[0] != '\0');
    return st;
}

/* ---- Opening and closing ---- */

static kp_status open_client(struct kp_error *error)
{
    struct kp_options options;
    client_options(&options, NULL);
    options.config_text = NULL;
    options.config_path = config_path;
    options.static_plugins = plugins;
    return client_open(&client, &options, true, error);
}

static void must_open(void)
{
    struct kp_error error;
    kp_error_init(&error);
    assert_int_equal(open_client(&error), KP_OK);
    vault = client_vault(&client, "script:a");
}

static void must_close(void)
{
    kp_vault_release(vault);
    struct kp_close_report report = client_close(&client, 30000);
    assert_string_equal(report.text, "");
    assert_int_equal(report.abandoned, 0);
}

static kp_status play_open_and_close(void)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = open_client(&error);
    if (st != KP_OK) {
        assert_null(client.provider);
        assert_int_equal(error.status, st);
        assert_true(error.text[0] != '\0');
        return st;
    }
    struct latch closed;
    latch_init(&closed);
    kp_provider_close(client.provider, 30000, client_note_closed, &closed);
    latch_wait(&closed, 1);
    latch_clear(&closed);
    if (client_last_report()->abandoned == 0)
        return KP_OK;
    /* There was no memory for a thread to close on: it is still there, and closes by itself. */
    assert_true(memory_hooks_has_failed());
    assert_int_equal(client_close(&client, 30000).abandoned, 0);
    return KP_NO_MEMORY;
}

/* ---- The loop over all sites ---- */

struct site {
    char name[64];
    uint32_t n;
};

static uint32_t record_sites(struct site sites[MEMORY_SITES_MAX])
{
    uint32_t n = 0;
    for (const char *name; (name = memory_hooks_site(n)) != NULL; n++) {
        (void)snprintf(sites[n].name, sizeof sites[n].name, "%s", name);
        sites[n].n = memory_hooks_site_count(n);
    }
    return n;
}

static void play_with_failure(play_fn *play, const char *site, uint32_t nth, bool *ret_told)
{
    memory_hooks_fail(site, nth);
    kp_status st = play();
    memory_hooks_fail(NULL, 0);
    if (st != KP_OK && st != KP_NO_MEMORY)
        fail_msg("%s, number %u: %s", site, nth, kp_status_text(st));
    *ret_told |= st == KP_NO_MEMORY;
}

static bool is_needed(const char *const *needed, const char *site)
{
    while (*needed && strcmp(*needed, site) != 0)
        needed++;
    return *needed != NULL;
}

static void expect_sites(const struct site *sites, uint32_t n_sites, const char *const *needed)
{
    for (; *needed; needed++) {
        uint32_t i = 0;
        while (i < n_sites && strcmp(sites[i].name, *needed) != 0)
            i++;
        if (i == n_sites)
            fail_msg("nothing was allocated at %s", *needed);
    }
}

/* Runs one play in a provider of its own, or lets it open one itself. */
struct stage {
    play_fn *play;
    bool opens_itself;
};

static void open_stage(const struct stage *stage)
{
    if (!stage->opens_itself)
        must_open();
}

static void close_stage(const struct stage *stage)
{
    if (!stage->opens_itself)
        must_close();
}

/* Returns whether anybody was told that there was no memory. */
static bool fail_site(const struct stage *stage, const struct site *site, uint64_t live)
{
    bool told = false;
    for (uint32_t nth = 1; nth <= site->n; nth++) {
        open_stage(stage);
        play_with_failure(stage->play, site->name, nth, &told);
        assert_int_equal(stage->play(), KP_OK); /* as if nothing had been */
        close_stage(stage);
        if (memory_hooks_n_live() != live)
            fail_msg("%s, number %u: %lld more blocks than before", site->name, nth,
                     (long long)(memory_hooks_n_live() - live));
    }
    return told;
}

/* needed: a site that must be seen and whose failure must be told; others may be done without. */
static void fail_each_site(play_fn *play, bool opens_itself, const char *const *needed)
{
    static struct site sites[MEMORY_SITES_MAX];
    const struct stage stage = {play, opens_itself};
    open_stage(&stage);
    memory_hooks_record();
    assert_int_equal(play(), KP_OK);
    uint32_t n_sites = record_sites(sites);
    close_stage(&stage);
    uint64_t live = memory_hooks_n_live();
    for (uint32_t i = 0; i < n_sites; i++)
        if (!fail_site(&stage, &sites[i], live) && is_needed(needed, sites[i].name))
            fail_msg("%s failed and nobody said no_memory", sites[i].name);
    expect_sites(sites, n_sites, needed);
}

static int begin(void **state)
{
    (void)state;
    script_begin();
    script = script_vault("a");
    return 0;
}

static int end(void **state)
{
    (void)state;
    script_end();
    return 0;
}

static void no_memory_while_opening_or_closing(void **state)
{
    static const char *const needed[] = {
        "provider",
        "provider.config",
        "provider.config_path",
        "provider.credential_key",
        "provider.shards",
        "op.table",
        "provider.computers",
        "provider.blockers",
        "plugin.table",
        "close",
#if !defined(_WIN32) /* there the process is told without an allocation */
        "process.detached",
#endif
        NULL
    };
    (void)state;
    fail_each_site(play_open_and_close, true, needed);
}

static void no_memory_while_acquiring_and_opening_a_vault(void **state)
{
    static const char *const needed[] = {"vault",
                                         "vault.name",
                                         "vault.location",
                                         "vault.identity",
                                         "vault.secret",
                                         "vault.fingerprint",
                                         NULL};
    (void)state;
    fail_each_site(play_acquire, false, needed);
}

static void no_memory_on_the_way_through(void **state)
{
    static const char *const needed[] = {"op.request", "op.reply", NULL};
    (void)state;
    fail_each_site(play_submit, false, needed);
}

static void no_memory_for_large_requests_and_replies(void **state)
{
    static const char *const needed[] = {"op.request", "op.reply", NULL};
    (void)state;
    fail_each_site(play_large, false, needed);
}

static void no_memory_for_parameters(void **state)
{
    static const char *const needed[] = {"op.request", NULL};
    (void)state;
    fail_each_site(play_params, false, needed);
}

static void no_memory_for_the_cache(void **state)
{
    static const char *const needed[] = {"key_cache.fetch", NULL};
    (void)state;
    fail_each_site(play_cache, false, needed);
}

static void no_memory_for_what_a_plugin_waits_for(void **state)
{
    static const char *const needed[] = {"errand", NULL};
    (void)state;
    fail_each_site(play_errands, false, needed);
}

static void no_memory_for_a_file(void **state)
{
    static const char *const needed[] = {"errand", "errand.path", "errand.file", NULL};
    (void)state;
    fail_each_site(play_file, false, needed);
}

static void no_memory_on_the_callers_thread(void **state)
{
    static const char *const needed[] = {"op.reply", NULL};
    (void)state;
    script_serve_run(KP_OP_BIT(KP_OP_WRAP));
    fail_each_site(play_run, false, needed);
}

static void no_memory_for_the_counters(void **state)
{
    static const char *const needed[] = {"metrics.text", NULL};
    (void)state;
    fail_each_site(play_metrics, false, needed);
}

static void no_memory_for_a_reload(void **state)
{
    static const char *const needed[] = {"provider.config", NULL};
    (void)state;
    fail_each_site(play_reload, false, needed);
}

/* ---- What is not allocated ---- */

static void ignore_result(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    assert_int_equal(result->status, KP_OK);
    latch_hit(ctx);
}

static void submit_many(struct latch *told, uint64_t n)
{
    uint64_t before = latch_count(told);
    for (uint64_t i = 1; i <= n; i++) {
        struct kp_request request = client_wrap();
        assert_int_equal(kp_submit(vault, &request, ignore_result, told, NULL, NULL), KP_OK);
        if (i % 8 == 0)
            latch_wait(told, before + i);
    }
    latch_wait(told, before + n);
    client_wait_idle(vault);
    client_wait_slots_free(&client);
}

/* Every slot of the table has been used once. */
static void warm_up(struct latch *told)
{
    enum { N_SLOTS = 16 };
    uint64_t before = latch_count(told);
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    for (int i = 0; i < N_SLOTS; i++) {
        struct kp_request request = client_wrap();
        assert_int_equal(kp_submit(vault, &request, ignore_result, told, NULL, NULL), KP_OK);
    }
    SCRIPT_WAIT(script, n_held, N_SLOTS);
    script_usually(script, (struct script_act){0});
    script_finish_held(script, KP_OK);
    latch_wait(told, before + N_SLOTS);
    client_wait_slots_free(&client);
}

static void steady_path_allocates_nothing(void **state)
{
    struct latch told;
    (void)state;
    latch_init(&told);
    must_open();
    warm_up(&told);
    uint64_t before = memory_hooks_n_allocs();
    submit_many(&told, 400);
    assert_int_equal(memory_hooks_n_allocs() - before, 0);
    must_close();
    latch_clear(&told);
}

static _Atomic uint64_t allocs_at_submit;
static _Atomic uint64_t allocs_at_completion;

static void note_allocs(void *ctx, kp_op_id id, struct kp_result *result)
{
    (void)id;
    (void)result;
    atomic_store(&allocs_at_completion, memory_hooks_n_allocs());
    latch_hit(ctx);
}

/* A caller who keeps results pays for them when it submits, never between then and completion. */
static void nothing_is_allocated_between_submit_and_completion(void **state)
{
    struct kp_request request = client_wrap();
    struct latch told;
    (void)state;
    latch_init(&told);
    must_open();
    submit_many(&told, 50);
    for (uint64_t i = 1; i <= 50; i++) {
        script_push(script, (struct script_act){.how = SCRIPT_HELD});
        uint64_t so_far = latch_count(&told);
        assert_int_equal(kp_submit(vault, &request, note_allocs, &told, NULL, NULL), KP_OK);
        atomic_store(&allocs_at_submit, memory_hooks_n_allocs());
        SCRIPT_WAIT(script, n_held, 1);
        script_finish_held(script, KP_OK);
        latch_wait(&told, so_far + 1);
        assert_int_equal(atomic_load(&allocs_at_submit), atomic_load(&allocs_at_completion));
    }
    must_close();
    latch_clear(&told);
}

/* ---- What a request costs that waits in line, and what an attempt ---- */

enum { N_IN_LINE = 12 };

/* Bytes that a request with this many bytes of content adds while another one is in flight. */
static double cost_in_line(size_t len)
{
    static uint8_t content[4096];
    struct outcome outcomes[N_IN_LINE + 1];
    struct kp_request request = client_wrap();
    assert_true(len <= sizeof content);
    request.value = (kp_span){content, len};
    script_usually(script, (struct script_act){.how = SCRIPT_HELD});
    uint64_t before = 0;
    for (unsigned i = 0; i <= N_IN_LINE; i++) {
        outcome_init(&outcomes[i]);
        outcome_submit(&outcomes[i], vault, &request);
        if (i > 0)
            continue;
        SCRIPT_WAIT(script, n_held, 1);
        memory_hooks_record();
        before = memory_hooks_secret_live();
    }
    uint64_t added = memory_hooks_secret_live() - before;
    assert_string_equal(memory_hooks_site(0), "op.request");
    assert_null(memory_hooks_site(1)); /* nothing but requests: no reply areas, no timers */
    script_usually(script, (struct script_act){0});
    script_finish_held(script, KP_OK);
    for (unsigned i = 0; i <= N_IN_LINE; i++) {
        assert_int_equal(outcome_wait(&outcomes[i]), KP_OK);
        outcome_clear(&outcomes[i]);
    }
    return (double)added / N_IN_LINE + (double)sizeof(struct kpi_op);
}

static void open_narrow(void)
{
    struct kp_options options;
    client_options(&options, "{\"provider\": {\"max_operations\": 16}, \"defaults\": "
                             "{\"max_in_flight\": 1, \"max_queued\": 16}}");
    options.static_plugins = plugins;
    assert_int_equal(client_open(&client, &options, true, NULL), KP_OK);
    vault = client_vault(&client, "script:a");
}

static void request_in_line_costs_at_most_a_kib(void **state)
{
    static const size_t lens[] = {32, 256, 384}; /* a key to wrap; unwrap of RSA-2048, -3072 */
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        open_narrow(); /* each time with slots that have kept nothing yet */
        double cost = cost_in_line(lens[i]);
        if (cost > 1024)
            fail_msg("%zu bytes of content cost %.0f bytes in line", lens[i], cost);
        must_close();
    }
}

/* Whoever takes a reply has its area for good; all others are lent again. */
static void area_is_lent_again_unless_the_reply_was_taken(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome taken;
    struct latch told;
    uint8_t before[KPI_REPLY_AREA_LEN];
    (void)state;
    latch_init(&told);
    must_open();
    warm_up(&told);
    uint64_t live = memory_hooks_secret_live();
    outcome_init(&taken);
    outcome_submit(&taken, vault, &request); /* outcome_done takes */
    assert_int_equal(outcome_wait(&taken), KP_OK);
    assert_int_equal(taken.result.memory_len, sizeof before);
    memcpy(before, taken.result.memory, sizeof before);
    submit_many(&told, 100);
    assert_memory_equal(taken.result.memory, before, sizeof before);
    assert_int_equal(memory_hooks_secret_live(), live);
    outcome_clear(&taken);
    assert_int_equal(memory_hooks_secret_live(), live - KPI_REPLY_AREA_LEN);
    must_close();
    latch_clear(&told);
}

static void without_a_reply_area_nothing_is_sent(void **state)
{
    struct kp_request request = client_wrap();
    struct outcome outcome;
    (void)state;
    must_open();
    assert_int_equal(try_call(vault, &request), KP_OK); /* opens the vault */
    uint32_t n_before = script_counts(script).n_submit;
    memory_hooks_fail("op.reply", 1);
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, &request);
    assert_int_equal(outcome_wait(&outcome), KP_NO_MEMORY);
    assert_int_equal(outcome.result.error.exposure, KP_NOT_SENT);
    assert_int_equal(script_counts(script).n_submit, n_before);
    assert_int_equal(try_async(vault, &request), KP_OK);
    outcome_clear(&outcome);
    must_close();
}

static int write_config(void **state)
{
    (void)state;
    temp_dir_make(folder);
    (void)snprintf(config_path, sizeof config_path, "%s/config.json", folder);
    FILE *f = fopen(config_path, "w");
    assert_non_null(f);
    assert_true(fputs(CONFIG, f) >= 0);
    assert_int_equal(fclose(f), 0);
    /* Once before anything is counted: doors, and what OpenSSL makes only once. */
    script_begin();
    must_open();
    (void)play_acquire();
    must_close();
    script_end();
    return 0;
}

static int remove_config(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_memory_while_opening_or_closing),
        TEST(no_memory_while_acquiring_and_opening_a_vault),
        TEST(no_memory_on_the_way_through),
        TEST(no_memory_for_large_requests_and_replies),
        TEST(no_memory_for_parameters),
        TEST(no_memory_for_the_cache),
        TEST(no_memory_for_what_a_plugin_waits_for),
        TEST(no_memory_for_a_file),
        TEST(no_memory_on_the_callers_thread),
        TEST(no_memory_for_the_counters),
        TEST(no_memory_for_a_reload),
        TEST(steady_path_allocates_nothing),
        TEST(nothing_is_allocated_between_submit_and_completion),
        TEST(request_in_line_costs_at_most_a_kib),
        TEST(area_is_lent_again_unless_the_reply_was_taken),
        TEST(without_a_reply_area_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, write_config, remove_config);
}
