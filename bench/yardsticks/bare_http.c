/*
 * The least a client built on libcurl and libuv does: one thread, as many requests under way as the
 * job says, each handle used again, its header list built once. Modes: "h1" and "h2" with size
 * requests at once; "fresh", one at a time, each on a connection of its own; "pace", over HTTP/1.1,
 * size requests a second, each at its time, 64 at once at most, and how long the slow ones took.
 *
 * The environment: KP_BENCH_CA, the server's certificate; KP_BENCH_H1 and KP_BENCH_H2, its URLs.
 */
#include <curl/curl.h>
#include <sys/timerfd.h>
#include <uv.h>

#include "bench/yardsticks/job.h"
#include "bench/yardsticks/pace.h"

#define REQUESTS_MAX 1024
#define BODY_LEN 400
#define TOKEN_LEN 1000
#define PACED_AT_ONCE 64

struct client {
    uv_loop_t loop;
    uv_timer_t timer;
    CURLM *multi;
    struct curl_slist *headers;
    CURL *requests[REQUESTS_MAX];
    size_t n;
    uint64_t n_started;
    struct bench_lane *lane;
    struct paced *paced; /* NULL: the next request starts when one ends */
    bool failed;
};

struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    struct client *client;
};

static char body[BODY_LEN];

/* ---- Requests that start at their times ---- */

struct paced {
    struct bench_pace pace;
    uv_poll_t poll; /* of the timer */
    int timer;
    size_t n_idle;
    CURL *idle[PACED_AT_ONCE];
};

static struct paced paced;

/* Starts what is due and finds a handle; what finds none waits while its time runs. */
static void start_due(struct client *client)
{
    struct paced *p = client->paced;
    uint64_t due_ns;
    while (p->n_idle > 0 && bench_lane_goes_on(client->lane, 0) &&
           bench_pace_take(&p->pace, &due_ns)) {
        CURL *easy = p->idle[--p->n_idle];
        (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)(uintptr_t)due_ns);
        (void)curl_multi_add_handle(client->multi, easy);
    }
}

static void end_paced(struct client *client, CURL *easy)
{
    char *due_ns = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &due_ns);
    bench_pace_note(&client->paced->pace, (uint64_t)(uintptr_t)due_ns);
    client->paced->idle[client->paced->n_idle++] = easy;
}

static void on_tick(uv_poll_t *poll, int status, int events)
{
    struct client *client = poll->data;
    uint64_t n_ticks;
    (void)status;
    (void)events;
    if (read(client->paced->timer, &n_ticks, sizeof n_ticks) == sizeof n_ticks)
        start_due(client);
}

static bool begin_paced(struct client *client, unsigned rate)
{
    const long period_ns = (long)(BENCH_NS_PER_S / rate);
    const struct itimerspec times = {{0, period_ns}, {0, period_ns}};
    struct paced *p = client->paced;
    p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (p->timer < 0 || uv_poll_init(&client->loop, &p->poll, p->timer) != 0)
        return false;
    p->poll.data = client;
    return bench_pace_begin(&p->pace, rate) && timerfd_settime(p->timer, 0, &times, NULL) == 0 &&
           uv_poll_start(&p->poll, UV_READABLE, on_tick) == 0;
}

/* ---- Requests that end ---- */

/* The request's handle is free again. */
static void start_next(struct client *client, CURL *easy)
{
    if (client->paced)
        end_paced(client, easy);
    else if (!client->failed && bench_lane_goes_on(client->lane, client->n_started++))
        (void)curl_multi_add_handle(client->multi, easy);
    else
        client->n--;
}

static void collect(struct client *client)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(client->multi, &left)) != NULL;) {
        CURL *easy = m->easy_handle;
        if (m->msg != CURLMSG_DONE)
            continue;
        if (m->data.result != CURLE_OK) {
            client->failed = true;
            fprintf(stderr, "bare_http: %s\n", curl_easy_strerror(m->data.result));
        }
        (void)curl_multi_remove_handle(client->multi, easy);
        bench_lane_count(client->lane, 1);
        start_next(client, easy);
    }
    if (client->paced)
        start_due(client);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    int running;
    what |= (events & UV_READABLE) ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0;
    (void)curl_multi_socket_action(watch->client->multi, watch->socket, what, &running);
    collect(watch->client);
}

static void on_time(uv_timer_t *timer)
{
    struct client *client = timer->data;
    int running;
    (void)curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *ctx, void *of_socket)
{
    struct client *client = ctx;
    struct watch *watch = of_socket;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            (void)uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, free_watch);
        }
        (void)curl_multi_assign(client->multi, socket, NULL);
        return 0;
    }
    if (!watch) {
        watch = calloc(1, sizeof *watch);
        if (!watch || uv_poll_init_socket(&client->loop, &watch->poll, socket) != 0)
            return -1;
        watch->client = client;
        watch->socket = socket;
        watch->poll.data = watch;
        (void)curl_multi_assign(client->multi, socket, watch);
    }
    int events =
        ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0);
    return uv_poll_start(&watch->poll, events, on_ready);
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    struct client *client = ctx;
    (void)multi;
    if (ms < 0)
        (void)uv_timer_stop(&client->timer);
    else
        (void)uv_timer_start(&client->timer, on_time, (uint64_t)ms, 0);
    return 0;
}

static size_t drop(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

/* ---- A client ---- */

static bool add_headers(struct client *client)
{
    char bearer[TOKEN_LEN + 64] = "Authorization: Bearer ";
    size_t at = strlen(bearer);
    memset(bearer + at, 't', TOKEN_LEN);
    const char *lines[] = {bearer, "Content-Type: application/json", "Accept:", "Expect:"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct curl_slist *more = curl_slist_append(client->headers, lines[i]);
        if (!more)
            return false;
        client->headers = more;
    }
    return true;
}

static bool add_request(struct client *client, const char *mode)
{
    CURL *easy = curl_easy_init();
    const char *url = getenv(strcmp(mode, "h2") == 0 ? "KP_BENCH_H2" : "KP_BENCH_H1");
    if (!easy || !url)
        return false;
    client->requests[client->n++] = easy;
    client->n_started++;
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("KP_BENCH_CA"));
    (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)BODY_LEN);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    if (strcmp(mode, "fresh") == 0) {
        (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
    if (client->paced) {
        client->paced->idle[client->paced->n_idle++] = easy;
        return true;
    }
    return curl_multi_add_handle(client->multi, easy) == CURLM_OK;
}

static bool begin(struct client *client, const struct bench_job *job)
{
    client->multi = curl_multi_init();
    if (!client->multi || uv_loop_init(&client->loop) != 0 || !add_headers(client))
        return false;
    (void)uv_timer_init(&client->loop, &client->timer);
    client->timer.data = client;
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                            strcmp(job->mode, "h2") == 0 ? 1L : 256L);
    (void)curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, 256L);
    for (unsigned i = 0; i < (client->paced ? PACED_AT_ONCE : job->size); i++)
        if (!add_request(client, job->mode))
            return false;
    return !client->paced || begin_paced(client, job->size);
}

static bool goes_on(const struct client *client)
{
    if (!client->paced)
        return client->n > 0;
    return client->paced->n_idle < client->n ||
           (!client->failed && bench_lane_goes_on(client->lane, 0));
}

static void finish(struct client *client)
{
    if (client->paced) {
        uv_close((uv_handle_t *)&client->paced->poll, NULL);
        (void)close(client->paced->timer);
    }
    uv_close((uv_handle_t *)&client->timer, NULL);
    (void)uv_run(&client->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&client->loop);
}

static bool work(struct bench_lane *lane)
{
    static struct client client;
    memset(&client, 0, sizeof client);
    memset(body, 'b', sizeof body);
    client.lane = lane;
    memset(&paced, 0, sizeof paced);
    if (strcmp(lane->job->mode, "pace") == 0)
        client.paced = &paced;
    if (!begin(&client, lane->job))
        return false;
    while (goes_on(&client))
        (void)uv_run(&client.loop, UV_RUN_ONCE);
    for (size_t i = 0; i < REQUESTS_MAX && client.requests[i]; i++)
        curl_easy_cleanup(client.requests[i]);
    (void)curl_multi_cleanup(client.multi);
    curl_slist_free_all(client.headers);
    finish(&client);
    return !client.failed;
}

static bool run_job(const struct bench_job *job, uint64_t *ret_ops, struct bench_cost *ret_cost)
{
    const bool is_paced = strcmp(job->mode, "pace") == 0;
    if (job->size < 1 || (!is_paced && job->size > REQUESTS_MAX) || job->n_threads != 1)
        return false;
    bool ok = bench_lanes_run(job, work, NULL, ret_ops, ret_cost);
    if (is_paced)
        ret_cost->p99_ns = bench_pace_end(&paced.pace);
    return ok;
}

int main(void)
{
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        return 1;
    return bench_serve("bare_http", run_job);
}
