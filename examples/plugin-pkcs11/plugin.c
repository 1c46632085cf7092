/*
 * Keys in tokens that speak PKCS #11: smart cards, HSMs, SoftHSM. An example to read, and to begin
 * from; docs/PLUGIN-PKCS11.md says what it does and what it leaves out.
 *
 * PKCS #11 blocks, so nothing here calls the module on the loop.
 */
#include "vault.h"

#define IN_FLIGHT 2 /* a token that hangs keeps that many of the workers all vaults share */

typedef kp_status operation_fn(struct p11_job *job);

static operation_fn *const OPERATIONS[KP_OP_MAX + 1] = {
    [KP_OP_GET_KEY] = p11_get_key,
    [KP_OP_LIST_KEYS] = p11_list_keys,
    [KP_OP_LIST_VERSIONS] = p11_list_versions,
    [KP_OP_CREATE] = p11_create,
    [KP_OP_ROTATE] = p11_rotate,
    [KP_OP_ENCRYPT] = p11_encrypt,
    [KP_OP_DECRYPT] = p11_decrypt,
    [KP_OP_WRAP] = p11_encrypt,
    [KP_OP_UNWRAP] = p11_decrypt,
    [KP_OP_RANDOM] = p11_random,
};

/* ---- Operations ---- */

static kp_status run_in_session(struct p11_job *job)
{
    struct p11_vault *v = job->vault;
    struct p11_session *s = &job->session;
    s->f = v->token.f;
    s->memory = v->host->memory;
    const kp_status st = p11_token_session(&v->token, &s->handle, &job->error);
    if (st != KP_OK) {
        return st;
    }
    const kp_status result = OPERATIONS[job->request->op](job);
    (void)s->f->C_CloseSession(s->handle);
    return result;
}

/* On a worker. A call whose time passed while it waited for one is not made any more. */
static void run_job(void *arg)
{
    struct p11_job *job = arg;
    const struct kp_host *host = job->vault->host;
    kp_status st = KP_OK;
    if (host->time_left_ms(host->self, job->op) == 0) {
        st = p11_fail(&job->error, KP_TIMEOUT, KP_NOT_SENT, "no worker was free in time");
    } else {
        st = run_in_session(job);
    }
    job->reply.struct_size = sizeof job->reply;
    (void)host->finish(host->self, job->op, st, st == KP_OK ? &job->reply : NULL,
                       st == KP_OK ? NULL : &job->error);
}

/* The operation was finished by the worker; the job is freed in done. */
static void job_is_run(void *arg)
{
    (void)arg;
}

static void free_job(struct p11_job *job)
{
    const struct kp_memory *memory = job->vault->host->memory;
    memory->free(memory->ctx, job->list.keys);
    memory->secret_free(memory->ctx, job->value, P11_MODULUS_MAX_LEN);
    memory->free(memory->ctx, job);
}

static struct p11_job *make_job(struct p11_vault *v, kp_op_id op, const struct kp_request *request)
{
    const struct kp_memory *memory = v->host->memory;
    struct p11_job *job = memory->alloc(memory->ctx, "pkcs11.job", sizeof *job);
    if (!job) {
        return NULL;
    }
    job->vault = v;
    job->op = op;
    job->request = request;
    job->value = memory->secret_alloc(memory->ctx, "pkcs11.value", P11_MODULUS_MAX_LEN);
    if (!job->value) {
        free_job(job);
        return NULL;
    }
    return job;
}

static kp_status p11_submit(void *vault, kp_op_id op, const struct kp_request *request,
                            void **ret_state, struct kp_error *reterr)
{
    struct p11_vault *v = vault;
    struct p11_job *job = make_job(v, op, request);
    if (!job) {
        return p11_fail(reterr, KP_NO_MEMORY, KP_NOT_SENT, "no memory for an operation");
    }
    *ret_state = job;
    const kp_status st = v->host->work(v->host->self, op, run_job, job_is_run, job);
    if (st != KP_OK) {
        free_job(job);
        return p11_fail(reterr, st, KP_NOT_SENT, "no worker thread could be had");
    }
    return KP_OK;
}

static void p11_done(void *vault, kp_op_id op, void *state)
{
    (void)vault;
    (void)op;
    free_job(state);
}

/* ---- What the host is told ---- */

static const char *const SCHEMES[] = {"pkcs11", NULL};

/* The most that a token can do: what one lacks, it refuses itself. */
static const struct kp_caps CAPS = {
    .struct_size = sizeof CAPS,
    .ops = KP_OP_BIT(KP_OP_GET_KEY) | KP_OP_BIT(KP_OP_LIST_KEYS) | KP_OP_BIT(KP_OP_LIST_VERSIONS) |
           KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_ROTATE) | KP_OP_BIT(KP_OP_ENCRYPT) |
           KP_OP_BIT(KP_OP_DECRYPT) | KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP) |
           KP_OP_BIT(KP_OP_RANDOM),
    .algs =
        KP_ALG_BIT(KP_ALG_RSA1_5) | KP_ALG_BIT(KP_ALG_RSA_OAEP) | KP_ALG_BIT(KP_ALG_RSA_OAEP_256),
    .ktys = 1u << KP_KTY_RSA,
    .rsa_bits_min = 2048,
    .rsa_bits_max = 4096,
    .max_in_flight = IN_FLIGHT,
    .schemes = SCHEMES,
    .settings = p11_settings,
};

static const struct kp_plugin PLUGIN = {
    .struct_size = sizeof PLUGIN,
    .abi_major = KP_ABI_MAJOR,
    .abi_minor = KP_ABI_MINOR,
    .name = "pkcs11",
    .version = "1.0.0",
    .doc = "RSA keys in a PKCS #11 token: pkcs11:token=LABEL. An example.",
    .caps = &CAPS,
    .open = p11_open,
    .submit = p11_submit,
    .done = p11_done, /* cancel is left out: nothing interrupts a call into a module */
    .close = p11_close,
};

/* The one exported symbol; declared first so that its type is checked against the contract. */
KP_PLUGIN_EXPORT kp_plugin_get_fn kp_plugin_get;

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_minor; /* p11_open looks at it, where there is a sentence to say why */
    return host_abi_major == KP_ABI_MAJOR ? &PLUGIN : NULL;
}
