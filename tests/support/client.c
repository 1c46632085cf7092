#include "support/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/door.h"
#include "core/metrics.h"
#include "core/provider.h"
#include "core/vault.h"
#include "support/memory_hooks.h"

#define CLOSE_MS 30000u

static kp_plugin_get_fn *const plugins[] = {script_plugin_get, NULL};

/* ---- Opening and closing ---- */

void client_options(struct kp_options *options, const char *config)
{
    kp_options_init(options);
    options->flags = KP_OPEN_NO_PLUGIN_FILES;
    options->static_plugins = plugins;
    options->config_text = config ? config : CLIENT_CONFIG("");
}

kp_status client_open(struct client *client, const struct kp_options *options, bool fake_clock,
                      struct kp_error *reterr)
{
    memory_hooks_install();
    client->provider = NULL;
    client->n_refused = kpi_door_refused();
    fake_clock_init(&client->clock);
    return kpi_provider_open(options, fake_clock ? &client->clock.clock : kpi_clock_system(),
                             &client->provider, reterr);
}

static void must_open(struct client *client, const struct kp_options *options, bool fake_clock)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = client_open(client, options, fake_clock, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(st, KP_OK);
}

void client_begin(struct client *client, const char *config)
{
    struct kp_options options;
    client_options(&options, config);
    must_open(client, &options, true);
}

void client_begin_real(struct client *client, const char *config)
{
    struct kp_options options;
    client_options(&options, config);
    must_open(client, &options, false);
}

void client_begin_loops(struct client *client, const char *config, uint32_t n_loops)
{
    struct kp_options options;
    client_options(&options, config);
    options.n_loops = n_loops;
    must_open(client, &options, false);
}

struct kp_close_report client_close(struct client *client, uint32_t time_ms)
{
    struct kp_close_report report;
    memset(&report, 0xff, sizeof report);
    kp_provider_close_wait(client->provider, time_ms, &report);
    client->provider = NULL;
    return report;
}

void client_end(struct client *client)
{
    struct kp_close_report report = client_close(client, CLOSE_MS);
    assert_string_equal(report.text, "");
    assert_int_equal(report.abandoned, 0);
    script_end();
}

static struct kp_close_report last_report;

void client_note_closed(void *ctx, const struct kp_close_report *report)
{
    last_report = *report;
    latch_hit(ctx);
}

const struct kp_close_report *client_last_report(void)
{
    return &last_report;
}

uint64_t client_refused(const struct client *client)
{
    return kpi_door_refused() - client->n_refused;
}

kp_vault *client_vault(struct client *client, const char *text)
{
    struct kp_error error;
    kp_vault *vault = NULL;
    kp_error_init(&error);
    kp_status st = kp_vault_acquire(client->provider, text, NULL, &vault, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(st, KP_OK);
    return vault;
}

void client_move(struct client *client, uint64_t ms)
{
    fake_clock_move(&client->clock, client->provider, ms);
}

void client_move_until(struct client *client, struct latch *latch)
{
    while (!latch_wait_for(latch, 1, LATCH_NS_PER_S / 100))
        client_move(client, 100);
}

/* Waits for a word of the core's to change: there is no event for that, so it yields and looks. */
static void wait_for_word(_Atomic uint32_t *word, uint32_t value)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (atomic_load(word) != value) {
        assert_true(uv_hrtime() < end);
        uv_sleep(0);
    }
}

void client_wait_refused(const struct client *client, uint64_t n)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (client_refused(client) < n) {
        assert_true(uv_hrtime() < end);
        uv_sleep(0);
    }
}

void client_wait_idle(kp_vault *vault)
{
    wait_for_word(&vault->n_pending, 0);
    wait_for_word(&vault->n_in_flight, 0);
}

static uint32_t slots_in_use(kp_provider *provider)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < provider->n_shards; i++) {
        struct kpi_op_table *table = &kpi_provider_shard(provider, i)->ops;
        for (uint32_t at = 0; at < table->n; at++)
            n += ((atomic_load(&table->ops[at].word) >> 16) & 0xFFF) != 0;
    }
    return n;
}

void client_wait_slots_free(const struct client *client)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (slots_in_use(client->provider) > 0) {
        assert_true(uv_hrtime() < end);
        uv_sleep(0);
    }
}

void client_wait_in_flight(kp_vault *vault, uint32_t n)
{
    wait_for_word(&vault->n_in_flight, n);
}

void client_wait_coalesced(kp_vault *vault, uint32_t op, uint64_t n)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (atomic_load(&vault->metrics->ops[op].coalesced) < n) {
        assert_true(uv_hrtime() < end);
        uv_sleep(0);
    }
}

void client_wait_state(kp_vault *vault, uint32_t state)
{
    wait_for_word(&vault->state, state);
}

void client_wait_loops_ended(kp_provider *provider)
{
    for (uint32_t i = 0; i < provider->n_shards; i++)
        wait_for_word(&kpi_provider_shard(provider, i)->ended, 1);
}

static uint32_t n_workers(struct kpi_workers *workers)
{
    uv_mutex_lock(&workers->lock);
    uint32_t n = workers->n_alive;
    uv_mutex_unlock(&workers->lock);
    return n;
}

void client_wait_workers_ended(kp_provider *provider)
{
    uint64_t end = uv_hrtime() + LATCH_DEADLINE_S * LATCH_NS_PER_S;
    while (n_workers(&provider->blockers) + n_workers(&provider->computers) +
               n_workers(&provider->http.resolver.workers) >
           0) {
        assert_true(uv_hrtime() < end);
        uv_sleep(0);
    }
}

/* ---- Requests ---- */

static kp_span span_of(const char *text)
{
    return (kp_span){(const uint8_t *)text, strlen(text)};
}

struct kp_request client_wrap(void)
{
    return client_request(KP_OP_WRAP);
}

struct kp_request client_get_key(const char *name, const char *version, uint32_t flags)
{
    struct kp_request request;
    kp_request_init(&request, KP_OP_GET_KEY);
    request.name = span_of(name);
    request.version = span_of(version);
    request.flags = flags;
    return request;
}

static void fill_payload(struct kp_request *request)
{
    request->alg = KP_ALG_RSA_OAEP_256;
    request->version = span_of("1");
    request->value = span_of("0123456789abcdef0123456789abcdef");
    if (request->op == KP_OP_VERIFY)
        request->signature = span_of("signature");
}

struct kp_request client_request(uint32_t op)
{
    static _Thread_local struct kp_key_params params;
    static _Thread_local struct kp_rotation_policy policy;
    struct kp_request request;
    kp_request_init(&request, op);
    request.name = span_of("k");
    kp_key_params_init(&params);
    params.kty = KP_KTY_RSA;
    params.bits = 2048;
    policy = (struct kp_rotation_policy){.struct_size = sizeof policy};
    request.params = &params;
    request.policy = &policy;
    request.count = 16;
    if (op == KP_OP_RESTORE)
        request.value = span_of("blob");
    if (kp_op_traits(op) & KP_TRAIT_PAYLOAD)
        fill_payload(&request);
    return request;
}

/* ---- Outcomes ---- */

void outcome_init(struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    latch_init(&outcome->latch);
}

void outcome_done(void *ctx, kp_op_id id, struct kp_result *result)
{
    struct outcome *outcome = ctx;
    if (latch_count(&outcome->latch) == 0)
        kp_result_take(result, &outcome->result);
    outcome->told_id = id;
    latch_hit(&outcome->latch);
}

void outcome_submit(struct outcome *outcome, kp_vault *vault, const struct kp_request *request)
{
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = kp_submit(vault, request, outcome_done, outcome, &outcome->id, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(st, KP_OK);
}

kp_status outcome_wait(struct outcome *outcome)
{
    latch_wait(&outcome->latch, 1);
    assert_int_equal(outcome->id, outcome->told_id);
    if (outcome->result.status != KP_OK) {
        assert_int_equal(outcome->result.error.status, outcome->result.status);
        assert_true(outcome->result.error.text[0] != '\0');
    }
    return outcome->result.status;
}

bool outcome_is_there(struct outcome *outcome)
{
    return latch_count(&outcome->latch) > 0;
}

void outcome_clear(struct outcome *outcome)
{
    assert_int_equal(latch_count(&outcome->latch), 1);
    kp_result_clear(&outcome->result);
    latch_clear(&outcome->latch);
}

kp_status client_do(kp_vault *vault, const struct kp_request *request)
{
    struct outcome outcome;
    outcome_init(&outcome);
    outcome_submit(&outcome, vault, request);
    kp_status st = outcome_wait(&outcome);
    outcome_clear(&outcome);
    return st;
}

/* ---- Blocking calls ---- */

static void call_now(void *arg)
{
    struct caller *caller = arg;
    caller->status = kp_call(caller->vault, &caller->request, &caller->result);
    latch_hit(&caller->ended);
}

void caller_start(struct caller *caller, kp_vault *vault, const struct kp_request *request)
{
    memset(caller, 0, sizeof *caller);
    caller->vault = vault;
    caller->request = *request;
    latch_init(&caller->ended);
    assert_int_equal(uv_thread_create(&caller->thread, call_now, caller), 0);
}

kp_status caller_join(struct caller *caller)
{
    latch_wait(&caller->ended, 1);
    uv_thread_join(&caller->thread);
    return caller->status;
}

void caller_clear(struct caller *caller)
{
    kp_result_clear(&caller->result);
    latch_clear(&caller->ended);
}
