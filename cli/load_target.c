#include "cli/load_target.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "cli/choose.h"
#include "cli/load_random.h"
#include "cli/session.h"

#define TEXT_MAX_LEN 512u /* of one key */
#define DIGEST_MAX_LEN 64u

/* What one payload became. Not secret: payloads are made up for the test. */
struct load_sample {
    kp_buf plain; /* payload, or the digest to sign */
    struct kp_result wrapped;
    struct kp_result encrypted;
    struct kp_result signature;
};

struct load_target {
    kp_vault *vault;
    char name[KP_KEY_NAME_MAX_LEN + 1];
    char version[KP_KEY_VERSION_MAX_LEN + 1]; /* as asked for; empty: current */
    char text[96];                            /* as --key has it */
    struct load_key_kind kind;
    uint32_t algs[LOAD_N_OPS];
    struct load_sample samples[LOAD_POOL_LEN];
    kp_buf digests[LOAD_POOL_LEN];
};

/* ---- Opening ---- */

static kp_status copy_text(kp_span text, char *out, size_t room)
{
    if (text.len >= room) {
        return KP_USAGE;
    }
    if (text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    out[text.len] = '\0';
    return KP_OK;
}

struct look_up {
    kp_span name;
    bool is_file;
};

static void look_at_vault(void *ctx, const struct kp_vault_info *info)
{
    struct look_up *look_up = ctx;
    if (info->configured && kpb_span_eq(look_up->name, kpb_span_str(info->name))) {
        look_up->is_file = kpb_span_starts_with(kpb_span_str(info->location), "file:");
    }
}

/* Load on somebody's real vault costs money and throttles its other users. */
static kp_status check_real(struct cli *c, kp_span vault)
{
    struct look_up look_up = {vault, kpb_span_starts_with(vault, "file:")};
    kp_vaults_each(c->provider, look_at_vault, &look_up);
    if (cli_has(c, CLI_OPT_YES_REAL) || look_up.is_file) {
        return KP_OK;
    }
    return kpb_fail(&c->fault.error, KP_USAGE,
                    "%.*s may be a real vault; a load test costs money there and slows its other "
                    "users down: --yes-this-is-a-real-vault confirms",
                    (int)vault.len, (const char *)vault.ptr);
}

static kp_status acquire(struct cli *c, kp_span vault, struct load_target *target)
{
    char text[KP_VAULT_TEXT_MAX_LEN + 1];
    kp_status st = check_real(c, vault);
    if (st != KP_OK) {
        return st;
    }
    if (copy_text(vault, text, sizeof text) != KP_OK) {
        return kpb_fail(&c->fault.error, KP_USAGE, "the vault's name is longer than %u bytes",
                        KP_VAULT_TEXT_MAX_LEN);
    }
    return kp_vault_acquire(c->provider, text, NULL, &target->vault, &c->fault.error);
}

static kp_status open_target(struct cli *c, const char *text, struct load_target *target)
{
    struct kp_key_ref ref;
    const char *vault = cli_opt(c, CLI_OPT_VAULT);
    const kp_span span = kpb_span_str(text);
    (void)snprintf(target->text, sizeof target->text, "%.95s", text);
    kp_status st = vault ? kp_key_name_parse(span, &ref, &c->fault.error)
                         : kp_key_ref_parse(span, &ref, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    if (copy_text(ref.name, target->name, sizeof target->name) != KP_OK ||
        copy_text(ref.version, target->version, sizeof target->version) != KP_OK) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--key '%.64s': name or version is too long",
                        text);
    }
    return acquire(c, vault ? kpb_span_str(vault) : ref.vault, target);
}

/* ---- What the key can do ---- */

/* Decrypt, unwrap and verify undo with the algorithm of their opposites. */
static enum load_op maker_of(enum load_op op)
{
    return op == LOAD_UNWRAP    ? LOAD_WRAP
           : op == LOAD_DECRYPT ? LOAD_ENCRYPT
           : op == LOAD_VERIFY  ? LOAD_SIGN
                                : op;
}

static kp_status choose_algs(struct cli *c, const struct load_plan *plan,
                             const struct kp_key_info *key, struct load_target *target)
{
    for (int i = 0; i < LOAD_N_OPS; i++) {
        const enum load_op op = (enum load_op)i;
        if (plan->weights[op] == 0 || op == LOAD_GET_KEY) {
            continue;
        }
        const uint32_t alg = cli_alg_default(cli_load_op(op), key, 0);
        if (alg == KP_ALG_NONE) {
            return kpb_fail(&c->fault.error, KP_USAGE, "--mix: %s cannot %s", target->name,
                            cli_load_op_text(op));
        }
        target->algs[op] = alg;
        target->algs[maker_of(op)] = alg;
    }
    return KP_OK;
}

static kp_status call(struct cli *c, const struct load_target *target,
                      const struct kp_request *request, struct kp_result *ret)
{
    const kp_status st = kp_call(target->vault, request, ret);
    if (st != KP_OK) {
        c->fault.error = ret->error;
    }
    return st;
}

static void fill(const struct load_target *target, enum load_op op, uint32_t timeout_ms,
                 struct kp_request *ret)
{
    kp_request_init(ret, cli_load_op(op));
    ret->name = kpb_span_str(target->name);
    ret->version = kpb_span_str(target->version);
    ret->alg = target->algs[op];
    ret->timeout_ms = timeout_ms;
}

static kp_status ask_key(struct cli *c, const struct load_plan *plan, struct load_target *target)
{
    struct kp_request request;
    struct kp_result result;
    fill(target, LOAD_GET_KEY, plan->timeout_ms, &request);
    kp_status st = call(c, target, &request, &result);
    if (st == KP_OK && !result.reply.key) {
        st =
            kpb_fail(&c->fault.error, KP_PROTOCOL, "the vault did not tell about %s", target->name);
    }
    if (st == KP_OK) {
        const struct kp_key_info *key = result.reply.key;
        target->kind = cli_load_key_kind(key);
        st = choose_algs(c, plan, key, target);
    }
    kp_result_clear(&result);
    return st;
}

/* ---- What the mix undoes ---- */

static kp_status make_bytes(uint64_t *random, uint32_t len, kp_buf *out)
{
    kp_buf_init(out, "cli.load.payload", len);
    kp_status st = KP_OK;
    for (uint32_t i = 0; st == KP_OK && i < len; i++) {
        const uint8_t byte = (uint8_t)cli_load_random(random);
        st = kp_buf_append(out, kpb_span(&byte, 1));
    }
    return st;
}

static kp_status make_one(struct cli *c, const struct load_plan *plan,
                          const struct load_target *target, enum load_op op, kp_span value,
                          struct kp_result *ret)
{
    struct kp_request request;
    fill(target, op, plan->timeout_ms, &request);
    request.value = value;
    request.flags = KP_REQ_WAIT_FOR_ROOM;
    return call(c, target, &request, ret);
}

static kp_status make_sample(struct cli *c, const struct load_plan *plan,
                             const struct load_target *target, struct load_sample *sample,
                             kp_buf *digest)
{
    const kp_span plain = kp_buf_view(&sample->plain);
    kp_status st = KP_OK;
    if (plan->weights[LOAD_UNWRAP] > 0) {
        st = make_one(c, plan, target, LOAD_WRAP, plain, &sample->wrapped);
    }
    if (st == KP_OK && plan->weights[LOAD_DECRYPT] > 0) {
        st = make_one(c, plan, target, LOAD_ENCRYPT, plain, &sample->encrypted);
    }
    if (st == KP_OK && plan->weights[LOAD_VERIFY] > 0) {
        st = make_one(c, plan, target, LOAD_SIGN, kp_buf_view(digest), &sample->signature);
    }
    return st;
}

static kp_status make_samples(struct cli *c, const struct load_plan *plan,
                              struct load_target *target, uint64_t *random)
{
    const uint32_t alg =
        target->algs[LOAD_SIGN] != KP_ALG_NONE ? target->algs[LOAD_SIGN] : (uint32_t)KP_ALG_PS256;
    const uint32_t digest_len = cli_alg_digest_bits(alg) / 8;
    for (uint32_t i = 0; i < LOAD_POOL_LEN; i++) {
        kp_status st =
            make_bytes(random, plan->payload_lens[i % plan->n_payloads], &target->samples[i].plain);
        if (st == KP_OK) {
            st = make_bytes(random, digest_len, &target->digests[i]);
        }
        if (st != KP_OK) {
            return kpb_fail_memory(&c->fault.error, "cli.load.payload");
        }
        st = make_sample(c, plan, target, &target->samples[i], &target->digests[i]);
        if (st != KP_OK) {
            return st;
        }
    }
    return KP_OK;
}

/* ---- All keys ---- */

static kp_status open_next(struct cli *c, const struct load_plan *plan, const char *name,
                           struct load_targets *targets, uint64_t *random)
{
    if (targets->n == LOAD_KEYS_MAX) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--key names more than %u keys", LOAD_KEYS_MAX);
    }
    struct load_target *target = &targets->targets[targets->n++];
    kp_status st = open_target(c, name, target);
    if (st == KP_OK) {
        st = ask_key(c, plan, target);
    }
    return st == KP_OK ? make_samples(c, plan, target, random) : st;
}

kp_status cli_load_targets_open(struct cli *c, const struct load_plan *plan,
                                struct load_targets *ret)
{
    char name[TEXT_MAX_LEN];
    uint64_t random = plan->seed;
    const char *at = cli_opt(c, CLI_OPT_KEY);
    if (!at) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--key is missing: which keys to work on");
    }
    ret->targets = kpb_alloc_array("cli.load.targets", LOAD_KEYS_MAX, sizeof *ret->targets);
    if (!ret->targets) {
        return kpb_fail_memory(&c->fault.error, "cli.load.targets");
    }
    kp_status st = cli_provider_open(c);
    while (st == KP_OK && *at != '\0') {
        if (!cli_load_next_item(&at, name, sizeof name)) {
            return kpb_fail(&c->fault.error, KP_USAGE,
                            "--key '%.64s': an empty name, or one longer than %u bytes",
                            cli_opt(c, CLI_OPT_KEY), TEXT_MAX_LEN - 1);
        }
        st = open_next(c, plan, name, ret, &random);
    }
    return st;
}

static void close_target(struct load_target *target)
{
    for (uint32_t i = 0; i < LOAD_POOL_LEN; i++) {
        struct load_sample *sample = &target->samples[i];
        kp_result_clear(&sample->wrapped);
        kp_result_clear(&sample->encrypted);
        kp_result_clear(&sample->signature);
        kp_buf_clear(&sample->plain);
        kp_buf_clear(&target->digests[i]);
    }
    kp_vault_release(target->vault);
}

void cli_load_targets_close(struct load_targets *targets)
{
    for (uint32_t i = 0; i < targets->n; i++) {
        close_target(&targets->targets[i]);
    }
    kpb_free(targets->targets);
    *targets = (struct load_targets){NULL, 0};
}

/* ---- While the run lasts ---- */

const char *cli_load_target_text(const struct load_targets *targets, uint32_t i)
{
    return targets->targets[i].text;
}

struct load_key_kind cli_load_target_kind(const struct load_targets *targets)
{
    return targets->targets[0].kind;
}

bool cli_load_targets_alike(const struct load_targets *targets)
{
    const struct load_key_kind *first = &targets->targets[0].kind;
    for (uint32_t i = 1; i < targets->n; i++) {
        const struct load_key_kind *kind = &targets->targets[i].kind;
        if (kind->kty != first->kty || kind->bits != first->bits || kind->curve != first->curve) {
            return false;
        }
    }
    return true;
}

kp_vault *cli_load_target_vault(const struct load_targets *targets, const struct load_item *item)
{
    return targets->targets[item->key].vault;
}

void cli_load_target_undo(const struct load_targets *targets, const struct load_plan *plan,
                          const struct load_item *item, uint64_t n, const struct kp_reply *made,
                          struct kp_request *ret)
{
    const struct load_target *target = &targets->targets[item->key];
    fill(target, item->op, plan->timeout_ms, ret);
    ret->alg = target->algs[maker_of(item->op)];
    ret->version = made->version;
    if (item->op == LOAD_VERIFY) {
        ret->value = kp_buf_view(&target->digests[n % LOAD_POOL_LEN]);
        ret->signature = made->value;
        return;
    }
    ret->value = made->value;
    ret->iv = made->iv;
    ret->tag = made->tag;
}

void cli_load_target_request(const struct load_targets *targets, const struct load_plan *plan,
                             const struct load_item *item, uint64_t n, struct kp_request *ret)
{
    const struct load_target *target = &targets->targets[item->key];
    const struct load_sample *sample = &target->samples[n % LOAD_POOL_LEN];
    fill(target, item->op, plan->timeout_ms, ret);
    switch (item->op) {
    case LOAD_UNWRAP:
        cli_load_target_undo(targets, plan, item, n, &sample->wrapped.reply, ret);
        break;
    case LOAD_DECRYPT:
        cli_load_target_undo(targets, plan, item, n, &sample->encrypted.reply, ret);
        break;
    case LOAD_VERIFY:
        cli_load_target_undo(targets, plan, item, n, &sample->signature.reply, ret);
        break;
    case LOAD_SIGN:
        ret->value = kp_buf_view(&target->digests[n % LOAD_POOL_LEN]);
        break;
    case LOAD_WRAP:
    case LOAD_ENCRYPT:
        ret->value = kp_buf_view(&sample->plain);
        break;
    default:
        break; /* get_key takes nothing */
    }
}

static bool is_as_expected(const struct load_sample *sample, enum load_op op,
                           const struct kp_reply *reply)
{
    if (op == LOAD_UNWRAP || op == LOAD_DECRYPT) {
        return kpb_span_eq(reply->value, kp_buf_view(&sample->plain));
    }
    if (op == LOAD_VERIFY) {
        return (reply->flags & KP_REPLY_VERIFIED) != 0;
    }
    return op == LOAD_GET_KEY ? reply->key != NULL : reply->value.len > 0;
}

kp_status cli_load_target_check(const struct load_targets *targets, const struct load_item *item,
                                uint64_t n, const struct kp_reply *reply, struct kp_error *reterr)
{
    const struct load_target *target = &targets->targets[item->key];
    if (is_as_expected(&target->samples[n % LOAD_POOL_LEN], item->op, reply)) {
        return KP_OK;
    }
    return kpb_fail(reterr, KP_INTEGRITY, "%s with %s gave something else than what went in",
                    cli_load_op_text(item->op), target->name);
}
