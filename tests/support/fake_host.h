/*
 * A host for plugins under test: no threads unless asked for, a clock that moves when told or when
 * a timer is next, random bytes that repeat, and a count of everything. It keeps the sentences of
 * the contract and fails the test when the plugin breaks one.
 *
 * Work is queued and done in fake_host_step or _drain, so a test can look in between. Not
 * thread-safe but for finish, clock_ns, unix_s, random, time_left_ms and log, which workers call.
 *
 * HTTP is answered by a function of the test, when the request's turn comes; files are a short list
 * of the test's. Without them both are unsupported.
 */
#ifndef KP_TESTS_SUPPORT_FAKE_HOST_H
#define KP_TESTS_SUPPORT_FAKE_HOST_H

#include <pthread.h>
#include <stdbool.h>

#include <keyprovider/plugin.h>

#define FAKE_OPS_MAX 160
#define FAKE_CALLBACKS_MAX 512
#define FAKE_LOGS_MAX 16
#define FAKE_HEADERS_MAX 16
#define FAKE_FILES_MAX 4

/* A deep copy of what finish was given; free it with fake_result_clear. */
struct fake_result {
    kp_status status;
    struct kp_error error;
    struct kp_reply reply;
    struct kp_key_info info;
    struct kp_key_info infos[KP_PAGE_MAX];
    const struct kp_key_info *keys[KP_PAGE_MAX];
    struct kp_rotation_policy policy;
    void **blocks;
    size_t n_blocks;
};

/* A request as the plugin sent it, copied. Texts end in NUL. */
struct fake_http_request {
    struct kp_http_request request; /* its spans point into memory */
    struct kp_http_header headers[FAKE_HEADERS_MAX];
    kp_op_id op;
    char *memory;
};

/*
 * What a server answers, filled in by a fake_http_fn. All that it points to stays the test's and
 * valid until the callback is over. Zeroed: no answer yet; the request stays held until it is
 * cancelled or fake_host_release is called.
 */
struct fake_http_answer {
    uint32_t http_status; /* 0 and status 0: hold */
    kp_status status;     /* not KP_OK: the request fails with error */
    struct kp_error error;
    const char *body;
    size_t body_len; /* 0: the length of the text */
    struct kp_http_header headers[FAKE_HEADERS_MAX];
    uint32_t n_headers;
};

typedef void fake_http_fn(void *ctx, const struct fake_http_request *request,
                          struct fake_http_answer *ret);

enum fake_callback_kind { FAKE_WORK = 1, FAKE_WORK_DONE, FAKE_TIMER, FAKE_HTTP, FAKE_FILE };

struct fake_callback {
    enum fake_callback_kind kind;
    kp_op_id op;
    kp_timer_id id;
    uint64_t due_ns;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
    kp_http_done_fn *http_done;
    kp_file_done_fn *file_done;
    struct fake_http_request *http;
    char *path;
    bool is_held;
    bool is_canceled;
};

struct fake_file {
    const char *path;
    kp_span bytes;
};

struct fake_op {
    bool is_used;
    bool is_canceled;
    kp_op_id id;
    void *state;
    unsigned n_finished;
    unsigned n_pending; /* callbacks asked for and not yet made */
    uint64_t deadline_ns;
    struct fake_result *result; /* the caller's */
};

struct fake_host {
    struct kp_host host;
    struct kp_memory memory;
    const struct kp_plugin *plugin;
    void *vault;

    pthread_mutex_t mutex;
    uint64_t now_ns;
    int64_t now_unix_s;
    uint64_t random_state;
    struct fake_op ops[FAKE_OPS_MAX];
    struct fake_callback callbacks[FAKE_CALLBACKS_MAX];
    size_t n_callbacks;
    uint64_t last_id;
    char logs[FAKE_LOGS_MAX][KP_ERROR_TEXT_LEN];
    size_t n_logs;

    bool use_threads;   /* work runs on a thread of its own */
    bool use_real_time; /* timers take as long as they say: for tests of several processes */
    bool refuse_work;
    bool refuse_timers;
    bool refuse_http;
    fake_http_fn *http; /* the server; NULL: no HTTP service */
    void *http_ctx;
    struct fake_file files[FAKE_FILES_MAX];
    unsigned n_work;
    unsigned n_timers;
    unsigned n_http;
    unsigned n_http_canceled;
    unsigned n_files;
    unsigned n_finish_refused;
    unsigned n_opened;
    unsigned n_closed;
    kp_status opened_status;
    struct kp_error opened_error;
};

/* plugin is borrowed. The clock starts at 1 s, the calendar at 1 January 2026. */
void fake_host_init(struct fake_host *host, const struct kp_plugin *plugin);
/* Fails the test when something is still under way. */
void fake_host_clear(struct fake_host *host);

/* Makes the next callback; a timer moves the clock to its time. False when there is none. */
bool fake_host_step(struct fake_host *host);
/* Makes callbacks until none is left. */
void fake_host_drain(struct fake_host *host);
/* Makes callbacks until none is left that could be made without moving the clock. */
void fake_host_settle(struct fake_host *host);
/* Asks the server again about the requests it held. */
void fake_host_release(struct fake_host *host);
void fake_host_advance_s(struct fake_host *host, int64_t seconds);

/* The calls of a host. Each fails the test when a sentence of the contract is broken. */
kp_status fake_host_submit(struct fake_host *host, const struct kp_request *request,
                           uint32_t timeout_ms, struct fake_result *result, kp_op_id *ret_id);
void fake_host_cancel(struct fake_host *host, kp_op_id id);
bool fake_host_is_over(struct fake_host *host, kp_op_id id);
/* Submits and drains; result->status is the outcome either way. */
kp_status fake_host_call(struct fake_host *host, const struct kp_request *request,
                         struct fake_result *result);
/* run of the plugin; KP_UNSUPPORTED when it declines. */
kp_status fake_host_run(struct fake_host *host, const struct kp_request *request,
                        struct fake_result *result);
/* Closes host->vault and waits for closed. */
void fake_host_close(struct fake_host *host);
/* For a test that called close itself and saw closed. */
void fake_host_forget_vault(struct fake_host *host);

void fake_result_clear(struct fake_result *result);

#endif /* KP_TESTS_SUPPORT_FAKE_HOST_H */
