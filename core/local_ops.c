#include "core/local_ops.h"

#include "core/attempt.h"
#include "core/key_cache.h"
#include "core/vault.h"
#include "crypto/algs.h"
#include "crypto/key.h"
#include "crypto/ops.h"

#define LOCAL_OPS (KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_VERIFY))

static bool is_candidate(const struct kpi_key_cache *cache, const struct kpi_op *op)
{
    const struct kp_request *request = op->request;
    const struct kpi_vault_limits *limits = kpi_vault_limits_of(cache->vault);
    if (!limits->local_public_ops || limits->cache_metadata_ms == 0)
        return false;
    enum kp_alg_family family = kp_alg_family_of(request->alg);
    return (LOCAL_OPS & KP_OP_BIT(request->op)) && request->version.len > 0 &&
           (family == KP_FAMILY_RSA_CRYPT || family == KP_FAMILY_RSA_SIGN ||
            family == KP_FAMILY_EC_SIGN);
}

/* What the vault would check; anything doubtful is left for it to refuse. */
static bool key_allows(const struct kp_key_info *key, const struct kp_request *request,
                       int64_t now_unix_s)
{
    return (key->flags & KP_KEY_ENABLED) && (key->key_ops & kpc_alg_key_op(request->op)) &&
           (key->not_before_unix_s == KP_TIME_NONE || key->not_before_unix_s <= now_unix_s) &&
           (key->expires_unix_s == KP_TIME_NONE || key->expires_unix_s > now_unix_s) &&
           kpc_alg_serves(request->alg, request->op) &&
           kpc_alg_fits(key->kty, key->bits, key->curve, request->alg);
}

/* The public key of an entry, made once. NULL when it cannot be. */
static struct kpc_key *public_key_of(struct kpi_key_entry *entry)
{
    if (!entry->public_key &&
        kpc_key_from_public(entry->reply->key, &entry->public_key, NULL) != KP_OK)
        entry->public_key = NULL;
    return entry->public_key;
}

bool kpi_local_serve(struct kpi_key_cache *cache, struct kpi_op *op)
{
    const struct kp_request *request = op->request;
    if (!is_candidate(cache, op))
        return false;
    struct kpi_key_entry *entry = kpi_key_cache_fresh(cache, request->name, request->version);
    if (!entry) {
        kpi_key_cache_join(cache, op);
        return true;
    }
    int64_t now_unix_s = kpi_unix_s(cache->vault->shard->clock);
    if (!entry->reply->key || !key_allows(entry->reply->key, request, now_unix_s) ||
        !public_key_of(entry))
        return false;
    op->local = true;
    op->local_key = kpc_key_acquire(entry->public_key);
    kpi_list_remove(&op->link);
    (void)kpi_op_enter(op, KPI_OP_IN_FLIGHT); /* from QUEUED: a step of the table */
    kpi_attempt_start_local(op);
    return true;
}

static kp_status encrypt_locally(const struct kpi_op *op, struct kpc_result *result,
                                 struct kp_reply *reply, struct kp_error *reterr)
{
    const struct kpc_input input = {.alg = op->request->alg, .value = op->request->value};
    kp_status st = kpc_encrypt(op->local_key, &input, result, reterr);
    reply->value = (kp_span){result->value.ptr, result->value.len};
    return st;
}

static kp_status verify_locally(const struct kpi_op *op, struct kp_reply *reply,
                                struct kp_error *reterr)
{
    const struct kp_request *request = op->request;
    bool valid = false;
    kp_status st =
        kpc_verify(op->local_key, request->alg, request->value, request->signature, &valid, reterr);
    reply->flags |= valid ? KP_REPLY_VERIFIED : 0;
    return st;
}

void kpi_local_run(struct kpi_op *op)
{
    uint8_t room[KPC_RSA_MAX_LEN];
    struct kpc_result result = {.value = {room, sizeof room, 0}};
    struct kp_error error;
    struct kp_reply reply = {.struct_size = sizeof reply,
                             .flags = KP_REPLY_LOCAL,
                             .alg = op->request->alg,
                             .name = op->request->name,
                             .version = op->request->version};
    kp_status st = op->request->op == KP_OP_VERIFY ? verify_locally(op, &reply, &error)
                                                   : encrypt_locally(op, &result, &reply, &error);
    if (st == KP_OK)
        kpi_attempt_take_reply(op, &reply);
    else
        kpi_attempt_take_error(op, st, &error);
}
