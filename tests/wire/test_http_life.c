/* The end of a request that nobody waits for any more: taken back, or closed over, at every
 * step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "core/resolve.h"
#include "support/sock.h"
#include "support/wire.h"

static struct wire wire;
static struct relay *relay;
static struct latch asked;
static struct latch release;

/* ---- Steps a request is brought to ---- */

static kp_status held_name(void *ctx, const char *host, struct kpi_addresses *ret,
                           struct kp_error *reterr)
{
    (void)ctx;
    (void)host;
    (void)reterr;
    latch_hit(&asked);
    latch_wait(&release, 1);
    *ret = (struct kpi_addresses){.n = 1, .at = {"127.0.0.1"}};
    return KP_OK;
}

static void to_resolve(struct ask *ask)
{
    wire_ask(&wire, ask, "/bytes/1");
    ask_begin(ask);
    latch_wait(&asked, 1);
}

#define N_FILLERS 4

static sock listener = SOCK_NONE;
static sock fillers[N_FILLERS];

/* A socket whose queue is full: who comes now is not answered. */
static uint16_t fill_listener(void)
{
    uint16_t port;
    listener = sock_listen(0, &port);
    for (int i = 0; i < N_FILLERS; i++)
        fillers[i] = sock_begin_connect(port);
    return port;
}

static void to_connect(struct ask *ask)
{
    ask_init(ask, wire.vault, wire.script, "127.0.0.1", fill_listener(), "/bytes/1");
    ask_begin(ask);
    wire_expect(&wire, "/bytes/1", KP_OK, 0); /* the loop has been round since */
}

static void to_tls(struct ask *ask)
{
    relay_hold(relay);
    ask_init(ask, wire.vault, wire.script, "localhost", relay_port(relay), "/bytes/1");
    ask_begin(ask);
    relay_wait_swallowed(relay, 1);
}

static void to_answer(struct ask *ask, const char *path)
{
    uint64_t n = latch_count(tls_server_requests(wire.server));
    wire_ask(&wire, ask, path);
    ask_begin(ask);
    latch_wait(tls_server_requests(wire.server), n + 1);
}

static void to_status(struct ask *ask)
{
    to_answer(ask, "/hang");
}

static void to_headers(struct ask *ask)
{
    to_answer(ask, "/half-headers");
}

static void to_body(struct ask *ask)
{
    to_answer(ask, "/half-body");
}

static struct ask busy[2]; /* as many as there are connections */

static void to_queue(struct ask *ask)
{
    for (int i = 0; i < 2; i++)
        to_answer(&busy[i], "/hang");
    wire_ask(&wire, ask, "/bytes/1");
    ask_begin(ask);
}

static void clear_busy(void)
{
    for (int i = 0; i < 2; i++)
        if (busy[i].vault)
            ask_clear(&busy[i]);
    memset(busy, 0, sizeof busy);
}

/* ---- Around each ---- */

struct step {
    const char *name;
    void (*reach)(struct ask *ask);
    bool holds_names;
    uint32_t exposure;
};

static const struct step steps[] = {
    {"queue", to_queue, false, KP_NOT_SENT},
    {"resolve", to_resolve, true, KP_NOT_SENT},
    {"connect", to_connect, false, KP_NOT_SENT},
    {"tls", to_tls, false, KP_NOT_SENT},
    {"status", to_status, false, KP_MAYBE_SENT},
    {"headers", to_headers, false, 0},
    {"body", to_body, false, 0},
};

#define N_STEPS (sizeof steps / sizeof steps[0])

static void begin_step(const struct step *step)
{
    latch_init(&asked);
    latch_init(&release);
    if (step->holds_names)
        kpi_resolver_use(held_name, NULL);
    wire_begin(&wire, NULL);
    wire_open(&wire, ", \"max_connections\": 2", false);
    relay = relay_start(tls_server_port(wire.server), false);
}

static void end_step(void)
{
    latch_hit(&release);
    if (wire.has_client) {
        kp_vault_release(wire.vault);
        client_end(&wire.client);
        wire.has_client = false;
    }
    relay_stop(relay);
    wire_end(&wire);
    kpi_resolver_use(NULL, NULL);
    if (listener != SOCK_NONE) {
        sock_close(listener);
        for (int i = 0; i < N_FILLERS; i++)
            sock_close(fillers[i]);
        listener = SOCK_NONE;
    }
    latch_clear(&asked);
    latch_clear(&release);
}

static void expect_canceled(const struct step *step, struct ask *ask)
{
    kp_status st = ask_wait(ask);
    if (st != KP_CANCELED)
        fail_msg("%s: %s, %s", step->name, kp_status_text(st), ask->error.text);
    /* Headers and body may have come or not when it is taken back. */
    if (step->reach != to_headers && step->reach != to_body)
        assert_int_equal(ask->error.exposure, step->exposure);
    ask_clear(ask);
}

static void request_is_taken_back_at_every_step(void **state)
{
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < N_STEPS; i++) {
        begin_step(&steps[i]);
        steps[i].reach(&ask);
        ask_cancel(&ask);
        expect_canceled(&steps[i], &ask);
        for (int j = 0; j < 2; j++)
            if (busy[j].vault)
                ask_cancel(&busy[j]);
        clear_busy();
        if (!steps[i].holds_names)
            wire_expect(&wire, "/bytes/1", KP_OK, 0);
        end_step();
    }
}

/* Close asks the plugin to hasten, which takes its requests back: nothing is left behind. */
static void provider_closes_over_a_request_at_every_step(void **state)
{
    struct ask ask;
    (void)state;
    for (size_t i = 0; i < N_STEPS; i++) {
        begin_step(&steps[i]);
        steps[i].reach(&ask);
        kp_vault_release(wire.vault);
        if (steps[i].holds_names)
            latch_hit(&release);
        struct kp_close_report report = client_close(&wire.client, 30000);
        wire.has_client = false;
        assert_string_equal(report.text, "");
        assert_int_equal(report.abandoned, 0);
        if (!steps[i].holds_names)
            expect_canceled(&steps[i], &ask);
        else
            ask_clear(&ask);
        clear_busy();
        script_end();
        end_step();
    }
}

/* ---- Requests of the vault itself ---- */

static _Atomic uint32_t n_came;

static void came(void *arg, kp_status status, const struct kp_http_reply *reply,
                 const struct kp_error *error)
{
    (void)arg;
    (void)status;
    (void)reply;
    (void)error;
    n_came++;
}

static kp_status send_for_vault(struct script_op *op)
{
    static char url[128];
    const struct script_act well = {.how = SCRIPT_INSIDE};
    const struct kp_host *host = script_host(script_op_vault(op));
    struct kp_http_request request = {.struct_size = sizeof request};
    (void)snprintf(url, sizeof url, "https://localhost:%u/hang", tls_server_port(wire.server));
    request.method = kpb_span_str("GET");
    request.url = kpb_span_str(url);
    assert_int_equal(host->http(host->self, 0, &request, came, NULL, NULL), KP_OK);
    return script_finish_with(op, &well);
}

/* What was asked for in the vault's name and has not come when it is closed never comes. */
static void requests_of_the_vault_end_with_it(void **state)
{
    (void)state;
    begin_step(&steps[0]);
    struct kp_request request = client_wrap();
    script_push(wire.script, (struct script_act){.how = SCRIPT_CALL, .call = send_for_vault});
    n_came = 0;
    assert_int_equal(client_do(wire.vault, &request), KP_OK);
    latch_wait(tls_server_requests(wire.server), 1);
    end_step(); /* expects that nothing is abandoned */
    assert_int_equal(n_came, 0);
}

static void request_of_the_vault_has_a_time_of_its_own(void **state)
{
    (void)state;
    begin_step(&steps[0]);
    struct kp_request request = client_wrap();
    script_push(wire.script, (struct script_act){.how = SCRIPT_CALL, .call = send_for_vault});
    n_came = 0;
    assert_int_equal(client_do(wire.vault, &request), KP_OK);
    latch_wait(tls_server_requests(wire.server), 1);
    client_move(&wire.client, 59000);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(n_came, 0);
    client_move(&wire.client, 1001);
    wire_expect(&wire, "/bytes/1", KP_OK, 0);
    assert_int_equal(n_came, 1);
    end_step();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_taken_back_at_every_step),
        cmocka_unit_test(provider_closes_over_a_request_at_every_step),
        cmocka_unit_test(requests_of_the_vault_end_with_it),
        cmocka_unit_test(request_of_the_vault_has_a_time_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
