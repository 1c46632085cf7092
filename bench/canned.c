#include "bench/canned.h"

#include <string.h>

#define BODY_LEN 400
#define TOKEN_LEN 1000
#define URL_MAX_LEN 256
#define IN_FLIGHT_MAX 64

struct canned_vault {
    const struct kp_host *host;
    char url[URL_MAX_LEN];
    size_t url_len;
};

/* One operation's state; there are never more of them than the host lets be in flight. */
struct canned_op {
    struct canned_vault *vault;
    kp_op_id op;
    const struct kp_request *request;
};

static uint8_t body[BODY_LEN];
static uint8_t token[TOKEN_LEN];

static kp_span text(const char *s)
{
    kp_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

static kp_status canned_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                             void **ret_vault, struct kp_error *reterr)
{
    struct canned_vault *v = host->memory->alloc(host->memory->ctx, "canned.vault", sizeof *v);
    (void)reterr;
    if (!v || settings->location.len > sizeof v->url) {
        host->memory->free(host->memory->ctx, v);
        return KP_NO_MEMORY;
    }
    memset(body, 'b', sizeof body);
    memset(token, 't', sizeof token);
    memcpy(v->url, settings->location.ptr, settings->location.len);
    v->url_len = settings->location.len;
    v->host = host;
    *ret_vault = v;
    host->opened(host->self, KP_OK, NULL);
    return KP_OK;
}

static void canned_close(void *vault)
{
    struct canned_vault *v = vault;
    const struct kp_host *host = v->host;
    host->memory->free(host->memory->ctx, v);
    host->closed(host->self); /* last: nothing of v is touched any more */
}

/* Every key there is: one of RSA 2048, of whose public part nobody here has need. */
static struct kp_key_info key_named(kp_span name)
{
    return (struct kp_key_info){.struct_size = sizeof(struct kp_key_info),
                                .kty = KP_KTY_RSA,
                                .bits = 2048,
                                .key_ops = KP_KEY_OP_WRAP | KP_KEY_OP_UNWRAP,
                                .flags = KP_KEY_ENABLED,
                                .name = name,
                                .version = text("1"),
                                .not_before_unix_s = KP_TIME_NONE,
                                .expires_unix_s = KP_TIME_NONE,
                                .created_unix_s = KP_TIME_NONE,
                                .updated_unix_s = KP_TIME_NONE,
                                .deleted_unix_s = KP_TIME_NONE,
                                .scheduled_purge_unix_s = KP_TIME_NONE};
}

static void answered(void *arg, kp_status status, const struct kp_http_reply *http,
                     const struct kp_error *error)
{
    struct canned_op *op = arg;
    const struct kp_host *host = op->vault->host;
    const struct kp_key_info key = key_named(op->request->name);
    struct kp_reply reply = {.struct_size = sizeof reply};
    if (status == KP_OK && http->http_status != 200)
        status = KP_VAULT;
    reply.alg = op->request->alg;
    reply.name = op->request->name;
    reply.version = text("1");
    reply.value = op->request->value; /* borrowed: finish copies it */
    reply.key = op->request->op == KP_OP_GET_KEY ? &key : NULL;
    (void)host->finish(host->self, op->op, status, status == KP_OK ? &reply : NULL, error);
}

static kp_status canned_submit(void *vault, kp_op_id id, const struct kp_request *request,
                               void **ret_state, struct kp_error *reterr)
{
    struct canned_vault *v = vault;
    const struct kp_memory *memory = v->host->memory;
    const struct kp_http_header header = {text("Content-Type"), text("application/json")};
    struct kp_http_request http = {.struct_size = sizeof http};
    struct canned_op *op = memory->alloc(memory->ctx, "canned.op", sizeof *op);
    (void)reterr;
    if (!op)
        return KP_NO_MEMORY;
    *op = (struct canned_op){v, id, request};
    *ret_state = op;
    http.method = text("POST");
    http.url.ptr = (const uint8_t *)v->url;
    http.url.len = v->url_len;
    http.body.ptr = body;
    http.body.len = sizeof body;
    http.bearer.ptr = token;
    http.bearer.len = sizeof token;
    http.headers = &header;
    http.n_headers = 1;
    kp_status st = v->host->http(v->host->self, id, &http, answered, op, NULL);
    if (st != KP_OK)
        memory->free(memory->ctx, op);
    return st;
}

/* The answer is on its way: there is nothing to hasten. */
static void canned_cancel(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

static void canned_done(void *vault, kp_op_id op, void *state)
{
    const struct kp_memory *memory = ((struct canned_vault *)vault)->host->memory;
    (void)op;
    memory->free(memory->ctx, state);
}

static const char *const SCHEMES[] = {"canned", NULL};

static const struct kp_caps CAPS = {
    .struct_size = sizeof CAPS,
    .ops = KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP) | KP_OP_BIT(KP_OP_GET_KEY),
    .algs = KP_ALG_BIT(KP_ALG_RSA_OAEP_256),
    .ktys = 1u << KP_KTY_RSA,
    .max_in_flight = IN_FLIGHT_MAX,
    .schemes = SCHEMES,
};

static const struct kp_plugin PLUGIN = {
    .struct_size = sizeof PLUGIN,
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "bench-canned",
    .version = "1.0.0",
    .doc =
        "Protects nothing: asks a canned server and hands back what it is given. For benchmarks.",
    .caps = &CAPS,
    .open = canned_open,
    .submit = canned_submit,
    .cancel = canned_cancel,
    .done = canned_done,
    .close = canned_close,
};

const struct kp_plugin *bench_canned_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor; /* a smaller one merely lacks members we do not use */
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}
