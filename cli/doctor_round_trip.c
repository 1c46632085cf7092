/* The checks of kp doctor that use the key: wraps random bytes, unwraps them, compares. */
#include <openssl/rand.h>

#include "base/span.h"
#include "cli/choose.h"
#include "cli/doctor_checks.h"
#include "cli/session.h"

#define DATA_KEY_LEN 32u

static void add_version(struct cli_doctor *d, const char *before, const struct kp_reply *reply)
{
    cli_out_text(&d->found, before);
    cli_out_safe(&d->found, reply->version);
}

static kp_status choose_alg(struct cli_doctor *d, uint32_t *ret)
{
    *ret = cli_alg_default(KP_OP_WRAP, d->looked.reply.key, 0);
    if (*ret == KP_ALG_NONE) {
        return kpb_fail(&d->c->fault.error, KP_UNSUPPORTED,
                        "no algorithm is known by which this key could wrap");
    }
    return KP_OK;
}

static kp_status make_data_key(struct cli_doctor *d)
{
    uint8_t *bytes;
    if (kp_buf_extend(&d->data_key, DATA_KEY_LEN, &bytes) != KP_OK) {
        return kpb_fail_memory(&d->c->fault.error, "cli.doctor");
    }
    if (RAND_bytes(bytes, (int)DATA_KEY_LEN) != 1) {
        return kpb_fail(&d->c->fault.error, KP_INTERNAL, "no random bytes to be had");
    }
    return KP_OK;
}

static kp_status fill_wrap(struct cli_doctor *d, struct kp_request *ret)
{
    kp_status st = cli_request_init(d->c, KP_OP_WRAP, &d->key, ret);
    if (st == KP_OK) {
        st = choose_alg(d, &ret->alg);
    }
    if (st == KP_OK) {
        st = make_data_key(d);
    }
    ret->value = kp_buf_view(&d->data_key);
    return st;
}

kp_status cli_doctor_wrap(struct cli_doctor *d)
{
    struct kp_request request;
    kp_status st = fill_wrap(d, &request);
    if (st == KP_OK) {
        st = cli_call(d->c, &request, &d->wrapped);
    }
    if (st != KP_OK) {
        return st;
    }
    d->alg = request.alg;
    if (d->wrapped.reply.version.len == 0) {
        return kpb_fail(&d->c->fault.error, KP_PROTOCOL,
                        "the vault did not say which key version it used");
    }
    cli_out_text(&d->found, kp_alg_text(request.alg));
    add_version(d, " with version ", &d->wrapped.reply);
    if (d->wrapped.reply.flags & KP_REPLY_LOCAL) {
        cli_out_text(&d->found, ", computed here with the public part");
    }
    return KP_OK;
}

static kp_status compare(struct cli_doctor *d, const struct kp_reply *reply)
{
    if (!kpb_span_eq_secret(reply->value, kp_buf_view(&d->data_key))) {
        return kpb_fail(&d->c->fault.error, KP_INTEGRITY,
                        "what was unwrapped is not what was wrapped");
    }
    if (!kpb_span_eq(reply->version, d->wrapped.reply.version)) {
        return kpb_fail(&d->c->fault.error, KP_PROTOCOL,
                        "the vault unwrapped with another version than it was asked for");
    }
    add_version(d, "the same bytes, with version ", reply);
    return KP_OK;
}

kp_status cli_doctor_unwrap(struct cli_doctor *d)
{
    const struct kp_key_ref key = {.name = d->key.name, .version = d->wrapped.reply.version};
    struct kp_request request;
    struct kp_result result;
    kp_status st = cli_request_init(d->c, KP_OP_UNWRAP, &key, &request);
    if (st != KP_OK) {
        return st;
    }
    request.alg = d->alg;
    request.value = d->wrapped.reply.value;
    st = cli_call(d->c, &request, &result);
    if (st == KP_OK) {
        st = compare(d, &result.reply);
    }
    kp_result_clear(&result);
    return st;
}
