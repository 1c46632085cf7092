#include "bench/null.h"

#include <string.h>

#define BATCH_MAX 1024 /* more than are ever in flight: see caps.max_in_flight */

struct pending {
    kp_op_id op;
    const struct kp_request *request; /* readable until done */
};

struct null_vault {
    const struct kp_host *host;
    int later;
    uint32_t n_pending;
    struct pending pending[BATCH_MAX];
};

static kp_span text(const char *s)
{
    kp_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

/* ---- Opening and closing ---- */

static kp_status null_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                           void **ret_vault, struct kp_error *reterr)
{
    const kp_span later = text("later");
    struct null_vault *v = host->memory->alloc(host->memory->ctx, "null.vault", sizeof *v);
    (void)reterr;
    if (!v)
        return KP_NO_MEMORY;
    v->host = host;
    v->later = settings->location.len == later.len &&
               memcmp(settings->location.ptr, later.ptr, later.len) == 0;
    *ret_vault = v;
    host->opened(host->self, KP_OK, NULL);
    return KP_OK;
}

static void null_close(void *vault)
{
    struct null_vault *v = vault;
    const struct kp_host *host = v->host;
    host->memory->free(host->memory->ctx, v);
    host->closed(host->self); /* last: nothing of v is touched any more */
}

/* ---- Operations ---- */

static kp_status answer(const struct null_vault *v, kp_op_id op, const struct kp_request *request)
{
    struct kp_reply reply = {.struct_size = sizeof reply};
    reply.alg = request->alg;
    reply.name = request->name;
    reply.version = text("1");
    reply.value = request->value; /* borrowed: finish copies it */
    return v->host->finish(v->host->self, op, KP_OK, &reply, NULL);
}

static void answer_all(void *arg)
{
    struct null_vault *v = arg;
    for (uint32_t i = 0; i < v->n_pending; i++)
        (void)answer(v, v->pending[i].op,
                     v->pending[i].request); /* accepted, asked once: cannot fail */
    v->n_pending = 0;
}

static kp_status null_submit(void *vault, kp_op_id op, const struct kp_request *request,
                             void **ret_state, struct kp_error *reterr)
{
    struct null_vault *v = vault;
    kp_timer_id timer;
    (void)reterr;
    *ret_state = NULL;
    if (!v->later)
        return answer(v, op, request);
    if (v->n_pending == BATCH_MAX)
        return KP_THROTTLED;
    kp_status st =
        v->n_pending > 0 ? KP_OK : v->host->timer(v->host->self, 0, 0, answer_all, v, &timer);
    if (st == KP_OK)
        v->pending[v->n_pending++] = (struct pending){op, request};
    return st;
}

/* Everything ends with the next turn: there is nothing to hasten. */
static void null_cancel(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

static void null_done(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

/* ---- What the host is told ---- */

static const char *const SCHEMES[] = {"null", NULL};

static const struct kp_caps CAPS = {
    .struct_size = sizeof CAPS,
    .ops = KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP),
    .algs = KP_ALG_BIT(KP_ALG_RSA_OAEP_256),
    .ktys = 1u << KP_KTY_RSA,
    .max_in_flight = BATCH_MAX,
    .schemes = SCHEMES,
};

static const struct kp_plugin PLUGIN = {
    .struct_size = sizeof PLUGIN,
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "bench-null",
    .version = "1.0.0",
    .doc = "Protects nothing: wrap hands its input back. For benchmarks.",
    .caps = &CAPS,
    .open = null_open,
    .submit = null_submit,
    .cancel = null_cancel,
    .done = null_done,
    .close = null_close,
};

const struct kp_plugin *bench_null_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor; /* a smaller one merely lacks members we do not use */
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}
