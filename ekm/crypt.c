/*
 * Encrypt and Decrypt: wrap and unwrap in the vault, pinned to the version on record. What the
 * engine asks about sizes is answered from what the session knows; only the real call reaches the
 * vault.
 */
#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "ekm/buffers.h"
#include "ekm/functions.h"
#include "ekm/keys.h"
#include "ekm/vault.h"

/* Room for the longest key there is, where the session has not seen the key yet. */
#define UNKNOWN_LEN EKM_MODULUS_MAX_LEN
/* RFC 8017: OAEP takes two hashes and two bytes, PKCS #1 v1.5 eleven. */
#define OAEP_SHA1_OVERHEAD 42u
#define OAEP_SHA256_OVERHEAD 66u

/* ---- Arguments ---- */

static kp_status check_params(struct ekm_call *call, const struct ekm_crypt_args *args)
{
    if (!args->is_final)
        return kpb_fail_code(&call->err, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported,
                             "data in several pieces is not served");
    if (args->n_params > 0 && !args->params)
        return ekm_call_refuse(call, "the parameters are NULL but have a count");
    if (args->n_params > 1)
        return ekm_call_refuse(call, "an RSA key takes no parameters");
    if (args->n_params == 1 && (args->params->type != scp_ep_IV || args->params->cb > 0))
        return ekm_call_refuse(call, "an RSA key takes no parameters");
    return KP_OK;
}

static kp_status take_args(struct ekm_call *call, const struct ekm_crypt_args *args,
                           struct ekm_thumb *ret_thumb, kp_span *ret_in)
{
    kp_status st = check_params(call, args);

    if (st == KP_OK)
        st = ekm_take_thumb(call, args->thumb, ret_thumb);
    if (st == KP_OK)
        st = ekm_take_data(call, args->in, "the data", ret_in);
    if (st == KP_OK && !args->out)
        st = ekm_call_refuse(call, "the output is NULL");
    return st;
}

/* Bytes of the modulus, 0 where the session has not seen the key. */
static uint32_t known_len(struct ekm_call *call, const struct ekm_thumb *thumb)
{
    struct ekm_resolved copy;

    if (!ekm_session_find(call->session, thumb, UINT64_MAX, &copy) || !copy.has_key)
        return 0;
    return (copy.key.bits + 7) / 8;
}

static bool is_probe(const SqlCpData *out)
{
    return !out->pb || out->cb == 0;
}

static kp_status answer_size(struct ekm_call *call, uint32_t len, SqlCpData *out)
{
    out->cb = len;
    return ekm_call_too_small(call);
}

/* ---- Finding the version ---- */

static kp_status find_version(struct ekm_call *call, struct ekm_asking *asking,
                              const struct ekm_thumb *thumb, struct ekm_resolved *ret)
{
    kp_status st;

    ekm_call_ask(call, asking);
    st = ekm_resolve_thumb(call->provider->resolver, &asking->query, thumb, 0, ret, &call->err);
    if (st == KP_OK && ret->step != EKM_STEP_SESSION && ret->is_proven)
        ekm_session_keep(call->session, ret, NULL);
    return st;
}

static void ask(const struct ekm_call *call, uint32_t op, kp_span name, kp_span version,
                uint32_t alg, struct kp_request *ret)
{
    (void)call;
    kp_request_init(ret, op);
    ret->name = name;
    ret->version = version;
    ret->alg = alg;
}

/* ---- Encrypt ---- */

static uint32_t overhead_of(uint32_t alg)
{
    return alg == KP_ALG_RSA_OAEP ? OAEP_SHA1_OVERHEAD : OAEP_SHA256_OVERHEAD;
}

static kp_status check_plaintext(struct ekm_call *call, kp_span in, uint32_t modulus_len)
{
    uint32_t overhead = overhead_of(call->provider->settings.wrap_alg);

    if (in.len + overhead <= (modulus_len ? modulus_len : UNKNOWN_LEN))
        return KP_OK;
    return kpb_fail_code(&call->err, KP_USAGE, KP_CODE_scp_err_InvalidArgument,
                         "%zu bytes are more than the key can encrypt at once", in.len);
}

static kp_status wrap(struct ekm_call *call, const struct ekm_record *record, kp_span in,
                      SqlCpData *out)
{
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    ask(call, KP_OP_WRAP, kpb_span_str(record->name), kpb_span_str(record->version),
        call->provider->settings.wrap_alg, &request);
    request.value = in;
    st = ekm_call_vault(call, call->session->vault->kp, &request, &result);
    if (st == KP_OK)
        st = ekm_put_data(call, result.reply.value, out);
    else
        call->err = result.error;
    kp_result_clear(&result);
    return st;
}

/* Whoever wraps under a version that nobody has established may lose what an older one wrapped. */
static kp_status refuse_unproven(struct ekm_call *call, const struct ekm_record *record)
{
    return kpb_fail(&call->err, KP_CONFLICT,
                    "which version of key %s this thumbprint means is not on record: decrypt "
                    "something with it first, or create the asymmetric key again",
                    record->name);
}

kp_status ekm_encrypt(struct ekm_call *call, const struct ekm_crypt_args *args)
{
    struct ekm_asking asking;
    struct ekm_resolved key;
    struct ekm_thumb thumb;
    kp_span in;
    uint32_t len;
    kp_status st = take_args(call, args, &thumb, &in);

    if (st != KP_OK)
        return st;
    len = known_len(call, &thumb);
    if (is_probe(args->out) || (len && args->out->cb < len))
        return answer_size(call, len ? len : UNKNOWN_LEN, args->out);
    st = check_plaintext(call, in, len);
    if (st == KP_OK)
        st = find_version(call, &asking, &thumb, &key);
    if (st == KP_OK && !key.is_proven)
        st = refuse_unproven(call, &key.record);
    if (st != KP_OK)
        return st;
    ekm_call_name_key(call, kpb_span_str(key.record.name), kpb_span_str(key.record.version));
    return wrap(call, &key.record, in, args->out);
}

/* ---- Decrypt ---- */

/* What is being unwrapped, and what came of it. */
struct unwrapping {
    struct ekm_call *call;
    kp_span in;
    kp_buf value; /* secret */
};

/*
 * The lengths of symmetric keys, wrapped or padded. PKCS #1 v1.5 takes about one wrong key in a
 * million for right, and some vaults answer such data with random bytes of a random length.
 */
static bool is_key_len(size_t len)
{
    return len == 16 || len == 24 || len == 32 || len == 40 || len == 48 || len == 64;
}

static kp_status take_value(struct unwrapping *u, uint32_t alg, kp_span value,
                            struct kp_error *reterr)
{
    kp_status st;

    if (value.len == 0 || (alg == KP_ALG_RSA1_5 && !is_key_len(value.len))) {
        st = kpb_fail(reterr, KP_INTEGRITY, "what %s makes of the data cannot be a key",
                      kp_alg_text(alg));
        if (reterr)
            reterr->exposure = KP_ANSWERED_REFUSED;
        return st;
    }
    kp_buf_reset(&u->value);
    st = kp_buf_append(&u->value, value);
    return st == KP_OK ? st : kpb_fail_memory(reterr, "ekm.value");
}

/* ekm_try_fn */
static kp_status try_unwrap(void *ctx, kp_span name, kp_span version, uint32_t alg,
                            struct kp_error *reterr)
{
    struct unwrapping *u = ctx;
    struct kp_request request;
    struct kp_result result;
    kp_status st;

    ekm_call_name_key(u->call, name, version);
    ask(u->call, KP_OP_UNWRAP, name, version, alg, &request);
    request.value = u->in;
    st = ekm_call_vault(u->call, u->call->session->vault->kp, &request, &result);
    if (st == KP_OK)
        st = take_value(u, alg, result.reply.value, reterr);
    else if (reterr)
        *reterr = result.error;
    kp_result_clear(&result);
    return st;
}

/* Those of the configuration; what we wrap with ourselves is always among them. */
static size_t list_algorithms(const struct ekm_settings *s, uint32_t algs[EKM_ALGS_MAX + 1])
{
    size_t n = 0;
    bool has_own = false;

    for (uint32_t i = 0; i < s->n_decrypt_algs; i++)
        has_own = has_own || s->decrypt_algs[i] == s->wrap_alg;
    if (!has_own)
        algs[n++] = s->wrap_alg;
    for (uint32_t i = 0; i < s->n_decrypt_algs; i++)
        algs[n++] = s->decrypt_algs[i];
    return n;
}

static kp_status unwrap_in_vault(struct unwrapping *u, const struct ekm_thumb *thumb)
{
    struct ekm_call *call = u->call;
    uint32_t algs[EKM_ALGS_MAX + 1];
    size_t n_algs = list_algorithms(&call->provider->settings, algs);
    struct ekm_asking asking;
    struct ekm_resolved key;
    bool was_proven;
    kp_status st = find_version(call, &asking, thumb, &key);

    if (st != KP_OK)
        return st;
    was_proven = key.is_proven;
    st = ekm_resolve_unwrap(call->provider->resolver, &asking.query, &key, algs, n_algs, try_unwrap,
                            u, &call->err);
    if (st == KP_OK && !was_proven && key.is_proven)
        ekm_session_keep(call->session, &key, NULL);
    return st;
}

static bool is_passing(kp_status st)
{
    return st == KP_TRANSIENT || st == KP_TIMEOUT || st == KP_THROTTLED;
}

/* The vault's word on who may do what with which key. */
static bool is_refusal(kp_status st)
{
    return st == KP_AUTH || st == KP_FORBIDDEN || st == KP_NOT_FOUND || st == KP_CONFLICT;
}

/*
 * The vault decides while it answers; only when it does not, what it said before may serve: a no,
 * too, which takes back all that the key has unwrapped.
 */
static kp_status unwrap_any(struct unwrapping *u, const struct ekm_thumb *thumb)
{
    struct ekm_call *call = u->call;
    struct ekm_unwrap_cache *cache = call->session->vault->cache;
    uint64_t now;
    kp_status st = unwrap_in_vault(u, thumb);

    if (!cache)
        return st;
    now = ekm_provider_now_ms(call->provider);
    if (st == KP_OK) {
        ekm_unwrap_cache_put(cache, thumb, u->in, kp_buf_view(&u->value), now);
    } else if (is_passing(st)) {
        kp_buf_reset(&u->value);
        if (ekm_unwrap_cache_get(cache, thumb, u->in, now, &u->value) == KP_OK)
            st = KP_OK;
    } else if (is_refusal(st)) {
        ekm_unwrap_cache_forget(cache, thumb);
    }
    return st;
}

kp_status ekm_decrypt(struct ekm_call *call, const struct ekm_crypt_args *args)
{
    struct unwrapping u = {.call = call};
    struct ekm_thumb thumb;
    kp_status st = take_args(call, args, &thumb, &u.in);
    uint32_t len;

    if (st != KP_OK)
        return st;
    if (is_probe(args->out)) {
        len = known_len(call, &thumb);
        return answer_size(call, len ? len : UNKNOWN_LEN, args->out);
    }
    kp_buf_init_secret(&u.value, "ekm.value", EKM_MODULUS_MAX_LEN);
    st = unwrap_any(&u, &thumb);
    if (st == KP_OK)
        st = ekm_put_data(call, kp_buf_view(&u.value), args->out);
    kp_buf_clear(&u.value);
    return st;
}
