/*
 * A client for tests: a provider over the scripted plugin and a clock that stands still, outcomes
 * that say how often and how a completion came, and short ways to make requests. client_end closes
 * the provider and fails the test unless it is quiet.
 */
#ifndef KP_TESTS_SUPPORT_CLIENT_H
#define KP_TESTS_SUPPORT_CLIENT_H

#include <keyprovider/keyprovider.h>

#include "support/fake_clock.h"
#include "support/latch.h"
#include "support/scripted_plugin.h"

/* Few operation slots, so that opening a provider costs little. %s: further members. */
#define CLIENT_CONFIG(members) "{\"provider\": {\"max_operations\": 1024}" members "}"

struct client {
    kp_provider *provider;
    struct fake_clock clock;
    uint64_t n_refused; /* kpi_door_refused when it began */
};

/* Opens with a configuration text (NULL: CLIENT_CONFIG("")) and the clock that stands still. */
void client_begin(struct client *client, const char *config);
/* The same with the machine's clock. */
void client_begin_real(struct client *client, const char *config);
/* ... and several loops. */
void client_begin_loops(struct client *client, const char *config, uint32_t n_loops);
/* Opens nothing else: what both of the above do, for tests that expect failures. */
kp_status client_open(struct client *client, const struct kp_options *options, bool fake_clock,
                      struct kp_error *reterr);
void client_options(struct kp_options *options, const char *config);
/* Closes, and expects quiet: nothing abandoned, every promise of the host kept. */
void client_end(struct client *client);
/* Closes with time_ms and hands back the report. */
struct kp_close_report client_close(struct client *client, uint32_t time_ms);
/* A kp_closed_fn: keeps the report and hits the latch that ctx is. */
void client_note_closed(void *ctx, const struct kp_close_report *report);
const struct kp_close_report *client_last_report(void);
/* For providers that were abandoned: waits for their last threads. */
void client_wait_loops_ended(kp_provider *provider);
void client_wait_workers_ended(kp_provider *provider);
/* Calls refused at the door since client_begin. */
uint64_t client_refused(const struct client *client);
/* Waits until they are n or more: a plugin's thread may call when all is over for everybody
 * else. */
void client_wait_refused(const struct client *client, uint64_t n);

kp_vault *client_vault(struct client *client, const char *text);
void client_move(struct client *client, uint64_t ms);
/* Moves the time on, a tenth of a second after each hundredth that brings nothing, until the latch
 * is hit: pauses pass, and on a busy machine deadlines are far. */
void client_move_until(struct client *client, struct latch *latch);
/* Waits until the vault has nothing in flight and nothing pending. */
void client_wait_idle(kp_vault *vault);
/* Waits until nobody refers to any operation's slot any more: nothing leaks there. */
void client_wait_slots_free(const struct client *client);
void client_wait_in_flight(kp_vault *vault, uint32_t n);
/* Waits until n operations of this kind have joined another one's fetch, in all. */
void client_wait_coalesced(kp_vault *vault, uint32_t op, uint64_t n);
/* state: an enum kpi_vault_state. */
void client_wait_state(kp_vault *vault, uint32_t state);

/* ---- Requests ---- */

struct kp_request client_wrap(void); /* wrap, key "k", version "1", 32 bytes */
struct kp_request client_get_key(const char *name, const char *version, uint32_t flags);
struct kp_request client_request(uint32_t op); /* well-formed for that operation */

/* ---- Outcomes ---- */

struct outcome {
    struct latch latch; /* counts the calls */
    struct kp_result result;
    kp_op_id id;      /* as submit told it */
    kp_op_id told_id; /* as the completion told it */
};

void outcome_init(struct outcome *outcome);
/* Frees the result. Fails when the completion did not come exactly once. */
void outcome_clear(struct outcome *outcome);
/* A completion; ctx is a struct outcome. */
void outcome_done(void *ctx, kp_op_id id, struct kp_result *result);
/* Submits and expects that to work. */
void outcome_submit(struct outcome *outcome, kp_vault *vault, const struct kp_request *request);
/* Waits for it. */
kp_status outcome_wait(struct outcome *outcome);
bool outcome_is_there(struct outcome *outcome);
/* Submits, waits, clears. */
kp_status client_do(kp_vault *vault, const struct kp_request *request);

/* ---- Blocking calls on a thread of their own ---- */

struct caller {
    kp_vault *vault;
    struct kp_request request;
    struct kp_result result;
    kp_status status;
    uv_thread_t thread;
    struct latch ended;
};

void caller_start(struct caller *caller, kp_vault *vault, const struct kp_request *request);
/* Waits for its return; the result stays until caller_clear. */
kp_status caller_join(struct caller *caller);
void caller_clear(struct caller *caller);

#endif /* KP_TESTS_SUPPORT_CLIENT_H */
