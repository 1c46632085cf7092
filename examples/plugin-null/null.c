/*
 * The smallest plugin: a vault that PROTECTS NOTHING. Its wrap hands the input back as it is. It is
 * here to be read (docs/PLUGIN-TUTORIAL.md walks through it) and to measure what the host costs
 * when the vault costs nothing. Never configure it where data matters.
 */
#include <keyprovider/plugin.h>

/* One open vault. The host gives each its own table, and we give the memory back in close. */
struct null_vault {
    const struct kp_host *host;
};

static kp_span text(const char *s, size_t len)
{
    kp_span span = {(const uint8_t *)s, len};
    return span;
}

/* ---- Opening and closing ---- */

static kp_status null_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                           void **ret_vault, struct kp_error *reterr)
{
    (void)settings; /* what follows "null:" would be here */
    (void)reterr;
    struct null_vault *v = host->memory->alloc(host->memory->ctx, "null.vault", sizeof *v);
    if (!v) {
        return KP_NO_MEMORY;
    }
    v->host = host;
    *ret_vault = v;
    host->opened(host->self, KP_OK, NULL); /* a real one would ask its service first */
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

static kp_status null_submit(void *vault, kp_op_id op, const struct kp_request *request,
                             void **ret_state, struct kp_error *reterr)
{
    struct null_vault *v = vault;
    struct kp_reply reply = {0};
    (void)reterr;
    *ret_state = NULL; /* one that waits would keep its own state here */
    reply.struct_size = sizeof reply;
    reply.alg = request->alg;
    reply.name = request->name;
    reply.version = text("1", 1);
    reply.value = request->value; /* borrowed: finish copies it */
    return v->host->finish(v->host->self, op, KP_OK, &reply, NULL);
}

/* Nothing ever waits here, so there is nothing to hasten. */
static void null_cancel(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
}

/* Nothing was kept for the operation, so there is nothing to give back. */
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
    .flags = 0,
    .ops = KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP),
    .algs = KP_ALG_BIT(KP_ALG_RSA_OAEP_256) | KP_ALG_BIT(KP_ALG_A256KW),
    .ktys = (1u << KP_KTY_RSA) | (1u << KP_KTY_OCT),
    .schemes = SCHEMES,
};

static const struct kp_plugin PLUGIN = {
    .struct_size = sizeof PLUGIN,
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "null",
    .version = "1.0.0",
    .doc = "Protects nothing: wrap hands its input back. For reading and for benchmarks.",
    .caps = &CAPS,
    .open = null_open,
    .submit = null_submit,
    .cancel = null_cancel,
    .done = null_done,
    .close = null_close,
};

/* The one exported symbol; declared first so that its type is checked against the contract. */
KP_PLUGIN_EXPORT kp_plugin_get_fn kp_plugin_get;

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor; /* a smaller one merely lacks members we do not use */
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}
