#include "support/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define START_UNIX_S INT64_C(1767225600)
#define DEFAULT_TIMEOUT_MS 60000u

/* ---- Deep copies ---- */

static void *keep(struct fake_result *r, const void *bytes, size_t n)
{
    r->blocks = realloc(r->blocks, (r->n_blocks + 1) * sizeof *r->blocks);
    void *copy = malloc(n ? n : 1);
    assert_true(r->blocks && copy);
    if (n)
        memcpy(copy, bytes, n);
    r->blocks[r->n_blocks++] = copy;
    return copy;
}

static void keep_span(struct fake_result *r, kp_span *span)
{
    if (span->len > 0)
        span->ptr = keep(r, span->ptr, span->len);
}

static void keep_info(struct fake_result *r, const struct kp_key_info *from, struct kp_key_info *to)
{
    assert_int_equal(from->struct_size, sizeof *from);
    *to = *from;
    kp_span *spans[] = {&to->name,
                        &to->version,
                        &to->kid,
                        &to->n,
                        &to->e,
                        &to->x,
                        &to->y,
                        &to->recovery_level,
                        &to->recovery_id,
                        &to->hsm_platform,
                        &to->release_policy};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        keep_span(r, spans[i]);
    if (to->n_tags == 0)
        return;
    struct kp_tag *tags = keep(r, from->tags, from->n_tags * sizeof *tags);
    for (uint32_t i = 0; i < to->n_tags; i++) {
        keep_span(r, &tags[i].name);
        keep_span(r, &tags[i].value);
    }
    to->tags = tags;
}

static void keep_reply(struct fake_result *r, const struct kp_reply *from)
{
    assert_non_null(from);
    assert_int_equal(from->struct_size, sizeof *from);
    r->reply = *from;
    kp_span *spans[] = {&r->reply.name, &r->reply.version, &r->reply.kid, &r->reply.value,
                        &r->reply.iv,   &r->reply.tag,     &r->reply.aad, &r->reply.next_page};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        keep_span(r, spans[i]);
    if (from->key) {
        keep_info(r, from->key, &r->info);
        r->reply.key = &r->info;
    }
    assert_true(from->n_keys <= KP_PAGE_MAX);
    for (uint32_t i = 0; i < from->n_keys; i++) {
        keep_info(r, from->keys[i], &r->infos[i]);
        r->keys[i] = &r->infos[i];
    }
    r->reply.keys = r->keys;
    if (from->policy) {
        r->policy = *from->policy;
        keep_span(r, &r->policy.expiry);
        for (uint32_t i = 0; i < r->policy.n_rules; i++)
            keep_span(r, &r->policy.rules[i].duration);
        r->reply.policy = &r->policy;
    }
}

void fake_result_clear(struct fake_result *result)
{
    for (size_t i = 0; i < result->n_blocks; i++)
        free(result->blocks[i]);
    free(result->blocks);
    memset(result, 0, sizeof *result);
}

/* ---- Operations ---- */

static struct fake_op *find_op(struct fake_host *h, kp_op_id id)
{
    for (size_t i = 0; i < FAKE_OPS_MAX; i++) {
        if (h->ops[i].is_used && h->ops[i].id == id)
            return &h->ops[i];
    }
    return NULL;
}

static struct fake_op *new_op(struct fake_host *h, uint32_t timeout_ms, struct fake_result *result)
{
    for (size_t i = 0; i < FAKE_OPS_MAX; i++) {
        struct fake_op *op = &h->ops[i];
        if (op->is_used)
            continue;
        memset(op, 0, sizeof *op);
        op->is_used = true;
        op->id = ++h->last_id;
        op->deadline_ns = h->now_ns + timeout_ms * NS_PER_MS;
        op->result = result;
        return op;
    }
    fail_msg("too many operations");
    return NULL;
}

/* done comes after finish and after the last callback, once. */
static void end_if_over(struct fake_host *h, kp_op_id id)
{
    struct fake_op *op = find_op(h, id);
    if (!op || op->n_finished == 0 || op->n_pending > 0)
        return;
    h->plugin->done(h->vault, id, op->state);
    op->is_used = false;
}

/* Also those that ended in a callback of the vault's or of another's. */
static void end_all_over(struct fake_host *h)
{
    for (size_t i = 0; i < FAKE_OPS_MAX; i++) {
        if (h->ops[i].is_used)
            end_if_over(h, h->ops[i].id);
    }
}

/* ---- What the plugin calls ---- */

static kp_status on_finish(void *self, kp_op_id id, kp_status status, const struct kp_reply *reply,
                           const struct kp_error *error)
{
    struct fake_host *h = self;
    kp_status st = KP_OK;
    pthread_mutex_lock(&h->mutex);
    struct fake_op *op = find_op(h, id);
    if (!op || op->n_finished > 0) {
        h->n_finish_refused++;
        st = KP_USAGE;
    } else {
        op->n_finished++;
        op->result->status = status;
        kp_error_init(&op->result->error);
        if (status == KP_OK)
            keep_reply(op->result, reply);
        else if (error)
            op->result->error = *error;
    }
    pthread_mutex_unlock(&h->mutex);
    return st;
}

static void on_opened(void *self, kp_status status, const struct kp_error *error)
{
    struct fake_host *h = self;
    h->n_opened++;
    h->opened_status = status;
    kp_error_init(&h->opened_error);
    if (error)
        h->opened_error = *error;
}

static void free_callback(struct fake_callback *callback)
{
    if (callback->http)
        free(callback->http->memory);
    free(callback->http);
    free(callback->path);
}

/* What was asked for in the name of the vault and has not come when closed is called never comes.
 */
static void on_closed(void *self)
{
    struct fake_host *h = self;
    size_t n = 0;
    h->n_closed++;
    for (size_t i = 0; i < h->n_callbacks; i++) {
        if (h->callbacks[i].op == 0)
            free_callback(&h->callbacks[i]);
        else
            h->callbacks[n++] = h->callbacks[i];
    }
    h->n_callbacks = n;
}

static kp_status add_callback(struct fake_host *h, const struct fake_callback *callback)
{
    struct fake_op *op = find_op(h, callback->op);
    assert_true(h->n_callbacks < FAKE_CALLBACKS_MAX);
    assert_true(callback->op == 0 || op);
    h->callbacks[h->n_callbacks++] = *callback;
    if (op)
        op->n_pending++;
    return KP_OK;
}

static char *keep_text(char **at, kp_span *span)
{
    char *start = *at;
    if (span->len > 0)
        memcpy(start, span->ptr, span->len);
    start[span->len] = '\0';
    span->ptr = (const uint8_t *)start;
    *at = start + span->len + 1;
    return start;
}

static size_t request_len(const struct kp_http_request *from)
{
    size_t n = from->method.len + from->url.len + from->body.len + from->bearer.len + 4;
    n += from->pin.len + 1;
    for (uint32_t i = 0; i < from->n_headers; i++)
        n += from->headers[i].name.len + from->headers[i].value.len + 2;
    return n;
}

static struct fake_http_request *copy_http(const struct kp_http_request *from, kp_op_id op)
{
    struct fake_http_request *copy = calloc(1, sizeof *copy);
    assert_non_null(copy);
    assert_int_equal(from->struct_size, sizeof *from);
    assert_true(from->n_headers <= FAKE_HEADERS_MAX);
    copy->memory = malloc(request_len(from));
    assert_non_null(copy->memory);
    char *at = copy->memory;
    copy->request = *from;
    copy->op = op;
    keep_text(&at, &copy->request.method);
    keep_text(&at, &copy->request.url);
    keep_text(&at, &copy->request.body);
    keep_text(&at, &copy->request.bearer);
    keep_text(&at, &copy->request.pin);
    for (uint32_t i = 0; i < from->n_headers; i++) {
        copy->headers[i] = from->headers[i];
        keep_text(&at, &copy->headers[i].name);
        keep_text(&at, &copy->headers[i].value);
    }
    copy->request.headers = copy->headers;
    return copy;
}

/* The promises of a request: https, but for metadata, and never a token in clear text. */
static void check_http(const struct kp_http_request *request)
{
    kp_span url = request->url;
    bool is_https = url.len > 8 && memcmp(url.ptr, "https://", 8) == 0;
    if (is_https)
        return;
    assert_true(request->flags & KP_HTTP_CLEARTEXT_METADATA);
    assert_int_equal(request->bearer.len, 0);
}

static kp_status on_http(void *self, kp_op_id op, const struct kp_http_request *request,
                         kp_http_done_fn *cb, void *arg, kp_http_id *ret_id)
{
    struct fake_host *h = self;
    if (!h->http)
        return KP_UNSUPPORTED;
    if (h->refuse_http)
        return KP_THROTTLED;
    check_http(request);
    h->n_http++;
    *ret_id = ++h->last_id;
    const struct fake_callback callback = {.kind = FAKE_HTTP,
                                           .op = op,
                                           .id = *ret_id,
                                           .http_done = cb,
                                           .http = copy_http(request, op),
                                           .arg = arg};
    return add_callback(h, &callback);
}

static void on_http_cancel(void *self, kp_http_id id)
{
    struct fake_host *h = self;
    for (size_t i = 0; i < h->n_callbacks; i++) {
        struct fake_callback *callback = &h->callbacks[i];
        if (callback->kind != FAKE_HTTP || callback->id != id || callback->is_canceled)
            continue;
        callback->is_canceled = true;
        callback->is_held = false;
        h->n_http_canceled++;
    }
}

static kp_status on_read_file(void *self, kp_op_id op, kp_span path, size_t max_len, uint32_t flags,
                              kp_file_done_fn *cb, void *arg)
{
    struct fake_host *h = self;
    (void)max_len, (void)flags;
    if (!h->files[0].path)
        return KP_UNSUPPORTED;
    h->n_files++;
    char *copy = calloc(1, path.len + 1);
    assert_non_null(copy);
    memcpy(copy, path.ptr, path.len);
    const struct fake_callback callback = {
        .kind = FAKE_FILE, .op = op, .path = copy, .file_done = cb, .arg = arg};
    return add_callback(h, &callback);
}

static kp_status on_timer(void *self, kp_op_id op, uint32_t delay_ms, kp_timer_fn *cb, void *arg,
                          kp_timer_id *ret_id)
{
    struct fake_host *h = self;
    if (h->refuse_timers)
        return KP_NO_MEMORY;
    h->n_timers++;
    *ret_id = ++h->last_id;
    const struct fake_callback callback = {.kind = FAKE_TIMER,
                                           .op = op,
                                           .id = *ret_id,
                                           .due_ns = h->now_ns + delay_ms * NS_PER_MS,
                                           .done = cb,
                                           .arg = arg};
    return add_callback(h, &callback);
}

static void on_timer_hasten(void *self, kp_timer_id id)
{
    struct fake_host *h = self;
    for (size_t i = 0; i < h->n_callbacks; i++) {
        if (h->callbacks[i].kind == FAKE_TIMER && h->callbacks[i].id == id)
            h->callbacks[i].due_ns = h->now_ns;
    }
}

static kp_status on_work(void *self, kp_op_id op, kp_work_fn *work, kp_work_done_fn *done,
                         void *arg)
{
    struct fake_host *h = self;
    if (h->refuse_work)
        return KP_THROTTLED;
    h->n_work++;
    const struct fake_callback callback = {
        .kind = FAKE_WORK, .op = op, .work = work, .done = done, .arg = arg};
    return add_callback(h, &callback);
}

static uint64_t on_clock_ns(void *self)
{
    return ((struct fake_host *)self)->now_ns;
}

static int64_t on_unix_s(void *self)
{
    return ((struct fake_host *)self)->now_unix_s;
}

static kp_status on_random(void *self, uint8_t *out, size_t n)
{
    struct fake_host *h = self;
    pthread_mutex_lock(&h->mutex);
    for (size_t i = 0; i < n; i++) {
        h->random_state = h->random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        out[i] = (uint8_t)(h->random_state >> 56);
    }
    pthread_mutex_unlock(&h->mutex);
    return KP_OK;
}

static uint32_t on_time_left_ms(void *self, kp_op_id id)
{
    struct fake_host *h = self;
    const struct fake_op *op = find_op(h, id);
    if (!op || op->deadline_ns <= h->now_ns)
        return 0;
    return (uint32_t)((op->deadline_ns - h->now_ns) / NS_PER_MS);
}

static void on_log(void *self, uint32_t level, const char *event, kp_span text)
{
    struct fake_host *h = self;
    (void)level, (void)event;
    pthread_mutex_lock(&h->mutex);
    size_t n = text.len < KP_ERROR_TEXT_LEN - 1 ? text.len : KP_ERROR_TEXT_LEN - 1;
    char *line = h->logs[h->n_logs++ % FAKE_LOGS_MAX];
    memset(line, 0, KP_ERROR_TEXT_LEN);
    memcpy(line, text.ptr, n);
    pthread_mutex_unlock(&h->mutex);
}

/* ---- Memory ---- */

static void *on_alloc(void *ctx, const char *site, size_t n)
{
    (void)ctx;
    assert_non_null(site);
    return calloc(1, n);
}

static void on_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static void on_secret_free(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 0, n);
    free(p);
}

/* ---- Life ---- */

void fake_host_init(struct fake_host *host, const struct kp_plugin *plugin)
{
    memset(host, 0, sizeof *host);
    const struct kp_memory memory = {.struct_size = sizeof memory,
                                     .alloc = on_alloc,
                                     .free = on_free,
                                     .secret_alloc = on_alloc,
                                     .secret_free = on_secret_free};
    host->memory = memory;
    const struct kp_host table = {.struct_size = sizeof table,
                                  .abi_major = KP_ABI_MAJOR,
                                  .abi_minor = KP_ABI_MINOR,
                                  .self = host,
                                  .memory = &host->memory,
                                  .finish = on_finish,
                                  .opened = on_opened,
                                  .closed = on_closed,
                                  .http = on_http,
                                  .http_cancel = on_http_cancel,
                                  .read_file = on_read_file,
                                  .timer = on_timer,
                                  .timer_hasten = on_timer_hasten,
                                  .work = on_work,
                                  .clock_ns = on_clock_ns,
                                  .unix_s = on_unix_s,
                                  .random = on_random,
                                  .time_left_ms = on_time_left_ms,
                                  .log = on_log};
    host->host = table;
    host->plugin = plugin;
    host->now_ns = NS_PER_S;
    host->now_unix_s = START_UNIX_S;
    host->random_state = 1;
    assert_int_equal(pthread_mutex_init(&host->mutex, NULL), 0);
}

void fake_host_clear(struct fake_host *host)
{
    assert_int_equal(host->n_callbacks, 0);
    for (size_t i = 0; i < FAKE_OPS_MAX; i++)
        assert_false(host->ops[i].is_used);
    assert_int_equal(host->n_finish_refused, 0);
    pthread_mutex_destroy(&host->mutex);
}

/* ---- Callbacks ---- */

static void *thread_main(void *arg)
{
    const struct fake_callback *callback = arg;
    callback->work(callback->arg);
    return NULL;
}

static void do_work(struct fake_host *h, const struct fake_callback *callback)
{
    pthread_t thread;
    if (!h->use_threads) {
        callback->work(callback->arg);
        return;
    }
    struct fake_callback copy = *callback;
    assert_int_equal(pthread_create(&thread, NULL, thread_main, &copy), 0);
    pthread_join(thread, NULL);
}

/* Work and input first, in order; then the earliest timer. */
static size_t pick(const struct fake_host *h)
{
    size_t best = h->n_callbacks;
    for (size_t i = 0; i < h->n_callbacks; i++) {
        if (h->callbacks[i].is_held)
            continue;
        if (h->callbacks[i].kind != FAKE_TIMER)
            return i;
        if (best == h->n_callbacks || h->callbacks[i].due_ns < h->callbacks[best].due_ns)
            best = i;
    }
    return best;
}

static void move_clock(struct fake_host *h, uint64_t to_ns)
{
    uint64_t by_ns = to_ns - h->now_ns;
    const struct timespec pause = {.tv_sec = (time_t)(by_ns / NS_PER_S),
                                   .tv_nsec = (long)(by_ns % NS_PER_S)};
    if (h->use_real_time)
        (void)nanosleep(&pause, NULL);
    h->now_ns = to_ns;
}

static void answer_http(struct fake_callback *callback, const struct fake_http_answer *answer)
{
    struct kp_error error = answer->error;
    struct kp_http_reply reply = {.struct_size = sizeof reply,
                                  .http_status = answer->http_status,
                                  .n_headers = answer->n_headers,
                                  .headers = answer->headers};
    size_t len = answer->body_len;
    if (len == 0 && answer->body)
        len = strlen(answer->body);
    reply.body.ptr = (const uint8_t *)answer->body;
    reply.body.len = len;
    bool is_ok = answer->status == KP_OK;
    callback->http_done(callback->arg, answer->status, is_ok ? &reply : NULL,
                        is_ok ? NULL : &error);
}

/* True when the server has an answer, or the request was cancelled. */
static bool ask_server(struct fake_host *h, size_t at, struct fake_http_answer *ret)
{
    struct fake_callback *callback = &h->callbacks[at];
    memset(ret, 0, sizeof *ret);
    kp_error_init(&ret->error);
    if (callback->is_canceled) {
        ret->status = KP_CANCELED;
        return true;
    }
    h->http(h->http_ctx, callback->http, ret);
    callback->is_held = ret->status == KP_OK && ret->http_status == 0;
    return !callback->is_held;
}

static void answer_file(struct fake_host *h, struct fake_callback *callback)
{
    struct kp_error error;
    const kp_span none = {NULL, 0};
    for (size_t i = 0; i < FAKE_FILES_MAX && h->files[i].path; i++) {
        if (strcmp(h->files[i].path, callback->path) == 0) {
            callback->file_done(callback->arg, KP_OK, h->files[i].bytes, NULL);
            return;
        }
    }
    kp_error_init(&error);
    error.status = KP_NOT_FOUND;
    callback->file_done(callback->arg, KP_NOT_FOUND, none, &error);
}

static void call_back(struct fake_host *h, struct fake_callback *callback,
                      const struct fake_http_answer *answer)
{
    switch (callback->kind) {
    case FAKE_HTTP:
        answer_http(callback, answer);
        break;
    case FAKE_FILE:
        answer_file(h, callback);
        break;
    default:
        callback->done(callback->arg);
        break;
    }
    free_callback(callback);
    struct fake_op *op = find_op(h, callback->op);
    if (op)
        op->n_pending--;
    end_all_over(h);
}

static bool step_at(struct fake_host *host, size_t at)
{
    struct fake_http_answer answer;
    struct fake_callback callback = host->callbacks[at];
    if (callback.kind == FAKE_WORK) {
        do_work(host, &callback);
        host->callbacks[at].kind = FAKE_WORK_DONE;
        return true;
    }
    if (callback.kind == FAKE_HTTP && !ask_server(host, at, &answer))
        return true;
    if (callback.kind == FAKE_TIMER && callback.due_ns > host->now_ns)
        move_clock(host, callback.due_ns);
    host->n_callbacks--;
    memmove(&host->callbacks[at], &host->callbacks[at + 1],
            (host->n_callbacks - at) * sizeof callback);
    call_back(host, &callback, &answer);
    return true;
}

bool fake_host_step(struct fake_host *host)
{
    size_t at = pick(host);
    return at < host->n_callbacks && step_at(host, at);
}

void fake_host_settle(struct fake_host *host)
{
    for (size_t at = pick(host); at < host->n_callbacks; at = pick(host)) {
        if (host->callbacks[at].kind == FAKE_TIMER && host->callbacks[at].due_ns > host->now_ns)
            return;
        (void)step_at(host, at);
    }
}

void fake_host_release(struct fake_host *host)
{
    for (size_t i = 0; i < host->n_callbacks; i++)
        host->callbacks[i].is_held = false;
}

void fake_host_drain(struct fake_host *host)
{
    while (fake_host_step(host)) {
    }
}

void fake_host_advance_s(struct fake_host *host, int64_t seconds)
{
    host->now_unix_s += seconds;
    if (seconds > 0)
        host->now_ns += (uint64_t)seconds * NS_PER_S;
}

/* ---- Calls ---- */

kp_status fake_host_submit(struct fake_host *host, const struct kp_request *request,
                           uint32_t timeout_ms, struct fake_result *result, kp_op_id *ret_id)
{
    memset(result, 0, sizeof *result);
    kp_error_init(&result->error);
    struct fake_op *op = new_op(host, timeout_ms, result);
    *ret_id = op->id;
    kp_status st = host->plugin->submit(host->vault, op->id, request, &op->state, &result->error);
    if (st != KP_OK) {
        assert_int_equal(op->n_finished, 0); /* refused means none */
        assert_int_equal(op->n_pending, 0);
        op->is_used = false;
        result->status = st;
        return st;
    }
    end_if_over(host, *ret_id);
    return KP_OK;
}

void fake_host_cancel(struct fake_host *host, kp_op_id id)
{
    struct fake_op *op = find_op(host, id);
    if (!op || op->is_canceled || op->n_finished > 0)
        return;
    op->is_canceled = true;
    host->plugin->cancel(host->vault, id, op->state);
    end_if_over(host, id);
}

bool fake_host_is_over(struct fake_host *host, kp_op_id id)
{
    return find_op(host, id) == NULL;
}

kp_status fake_host_call(struct fake_host *host, const struct kp_request *request,
                         struct fake_result *result)
{
    kp_op_id id;
    kp_status st = fake_host_submit(host, request, DEFAULT_TIMEOUT_MS, result, &id);
    if (st != KP_OK)
        return st;
    fake_host_drain(host);
    assert_true(fake_host_is_over(host, id));
    if (result->status != KP_OK)
        assert_true(result->error.text[0] != '\0');
    return result->status;
}

struct run_answer {
    struct fake_result *result;
    unsigned n;
};

static void on_answer(void *ctx, const struct kp_reply *reply)
{
    struct run_answer *answer = ctx;
    answer->n++;
    keep_reply(answer->result, reply);
}

kp_status fake_host_run(struct fake_host *host, const struct kp_request *request,
                        struct fake_result *result)
{
    struct run_answer answer = {.result = result};
    memset(result, 0, sizeof *result);
    kp_error_init(&result->error);
    result->status = host->plugin->run(host->vault, request, on_answer, &answer, &result->error);
    assert_int_equal(answer.n, result->status == KP_OK ? 1 : 0);
    if (result->status == KP_UNSUPPORTED)
        assert_true(result->error.text[0] == '\0'); /* declined without touching reterr */
    return result->status;
}

void fake_host_forget_vault(struct fake_host *host)
{
    assert_true(host->n_closed > 0);
    host->vault = NULL;
}

void fake_host_close(struct fake_host *host)
{
    if (!host->vault)
        return;
    unsigned before = host->n_closed;
    host->plugin->close(host->vault);
    if (host->n_closed == before)
        fake_host_drain(host);
    assert_int_equal(host->n_closed, before + 1);
    fake_host_forget_vault(host);
}
