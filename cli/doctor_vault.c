/* The checks of kp doctor that ask the vault for its keys, or for one. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/span.h"
#include "cli/doctor_checks.h"
#include "cli/key_out.h"
#include "cli/session.h"

#define NS_PER_MS 1000000u
#define CLOCK_SLACK_S 60 /* seconds a vault's clock may be ahead without a word */
#define OPS_OF_SQL_SERVER ((uint32_t)KP_KEY_OP_WRAP | (uint32_t)KP_KEY_OP_UNWRAP)

/* ---- How far it got ---- */

struct phases {
    uint64_t ns[KP_PHASE_COUNT];
    bool is_there[KP_PHASE_COUNT];
};

static void add_bucket(void *ctx, const struct kp_phase_bucket *bucket)
{
    struct phases *phases = ctx;
    if (bucket->phase < KP_PHASE_COUNT) {
        phases->ns[bucket->phase] += bucket->ns * bucket->count;
        phases->is_there[bucket->phase] = true;
    }
}

static void tell_phase(struct cli_doctor *d, const struct phases *phases, uint32_t phase,
                       const char *text)
{
    if (phases->is_there[phase]) {
        cli_out_text(&d->found, ", ");
        cli_out_text(&d->found, text);
        cli_out_text(&d->found, " ");
        cli_out_real(&d->found, (double)phases->ns[phase] / NS_PER_MS, 2);
        cli_out_text(&d->found, " ms");
    }
}

/*
 * A vault that is no service has no such phases. A request that opened no connection found the one
 * by which the plugin had learned where to get a token.
 */
static void tell_phases(struct cli_doctor *d)
{
    struct phases phases = {{0}, {false}};
    kp_phases_each(d->c->provider, add_bucket, &phases);
    const bool connected = phases.is_there[KP_PHASE_CONNECT];
    tell_phase(d, &phases, KP_PHASE_CONNECT, "connection");
    tell_phase(d, &phases, KP_PHASE_TLS, "TLS");
    tell_phase(d, &phases, KP_PHASE_TOKEN, connected ? "token" : "connection and token");
    tell_phase(d, &phases, KP_PHASE_SERVER, "answer");
}

/* ---- The first answer ---- */

/* One vault was acquired; no other can be open. */
static void see_state(void *ctx, const struct kp_vault_info *info)
{
    bool *is_open = ctx;
    *is_open = *is_open || strcmp(info->state, "open") == 0;
}

static bool is_open(const struct cli_doctor *d)
{
    bool is_open = false;
    kp_vaults_each(d->c->provider, see_state, &is_open);
    return is_open;
}

/* Refused before the service looked who is asking: nothing in the vault helps against that. */
static bool is_shut_out(const struct kp_error *err)
{
    return strstr(err->service_code, "ForbiddenByFirewall") ||
           strstr(err->service_code, "ForbiddenByConnection");
}

/*
 * A vault that says no, or that it has no such key, is there and knows the caller; a host name that
 * is not found is of the same class, and nobody answered.
 */
static bool is_answer(const struct cli_doctor *d, kp_status st)
{
    const struct kp_error *err = &d->looked.error;
    if (st == KP_NOT_FOUND || st == KP_FORBIDDEN) {
        const bool answered = d->is_service ? err->http_status != 0 : is_open(d);
        return answered && !is_shut_out(err);
    }
    return st == KP_OK;
}

kp_status cli_doctor_vault(struct cli_doctor *d)
{
    const bool has_key = cli_has(d->c, CLI_OPT_KEY);
    struct kp_request request;
    kp_status st = cli_request_init(d->c, has_key ? KP_OP_GET_KEY : KP_OP_LIST_KEYS,
                                    has_key ? &d->key : NULL, &request);
    if (st != KP_OK) {
        return st;
    }
    st = cli_call(d->c, &request, &d->looked);
    cli_out_safe(&d->found, kpb_span_str(d->c->vault_text));
    tell_phases(d);
    return is_answer(d, st) ? KP_OK : st;
}

/* ---- Keys ---- */

kp_status cli_doctor_keys(struct cli_doctor *d)
{
    const struct kp_reply *reply = &d->looked.reply;
    if (d->looked.status == KP_FORBIDDEN) {
        cli_out_text(&d->found, "not told");
        cli_doctor_warn(d, "%s", d->c->fault.error.text);
        return KP_OK;
    }
    if (d->looked.status != KP_OK) {
        return d->looked.status;
    }
    cli_out_uint(&d->found, reply->n_keys);
    cli_out_text(&d->found, reply->n_keys == 1 ? " key" : " keys");
    cli_out_text(&d->found, reply->next_page.len > 0 ? " on the first page, and more" : "");
    return KP_OK;
}

static bool is_rsa_for_sql_server(const struct kp_key_info *key)
{
    const bool is_rsa = key->kty == KP_KTY_RSA || key->kty == KP_KTY_RSA_HSM;
    return is_rsa && (key->bits == 2048 || key->bits == 3072 || key->bits == 4096);
}

static void warn_of_key(struct cli_doctor *d, const struct kp_key_info *key)
{
    if (!is_rsa_for_sql_server(key)) {
        cli_doctor_warn(d, "SQL Server needs an RSA key of 2048, 3072 or 4096 bits");
    }
    if (key->key_ops != 0 && (key->key_ops & OPS_OF_SQL_SERVER) != OPS_OF_SQL_SERVER) {
        cli_doctor_warn(d, "SQL Server needs a key that may wrapKey and unwrapKey");
    }
    if (!(key->flags & KP_KEY_ENABLED)) {
        cli_doctor_warn(d, "the key is disabled");
    }
}

kp_status cli_doctor_key(struct cli_doctor *d)
{
    const struct kp_key_info *key = d->looked.reply.key;
    if (d->looked.status != KP_OK) {
        return d->looked.status; /* c->fault is still that of the first call */
    }
    if (!key) {
        return kpb_fail(&d->c->fault.error, KP_PROTOCOL, "the vault answered without a key");
    }
    cli_key_clause(&d->found, key);
    warn_of_key(d, key);
    return KP_OK;
}

/* ---- Clock ---- */

static void warn_if_behind(struct cli_doctor *d, const struct kp_key_info *key, int64_t now)
{
    const int64_t last =
        key->updated_unix_s > key->created_unix_s ? key->updated_unix_s : key->created_unix_s;
    if (last != KP_TIME_NONE && last > now && last - now > CLOCK_SLACK_S) {
        cli_doctor_warn(d,
                        "the vault says that the key was changed %" PRId64
                        " seconds from now: the clock here, or there, is wrong",
                        last - now);
    }
}

kp_status cli_doctor_clock(struct cli_doctor *d)
{
    const struct kp_key_info *key = d->looked.reply.key;
    const int64_t now = (int64_t)time(NULL);
    cli_out_time(&d->found, now);
    warn_if_behind(d, key, now);
    if (key->not_before_unix_s != KP_TIME_NONE && now < key->not_before_unix_s) {
        cli_doctor_warn(d, "by this clock the key may not be used yet");
    }
    if (key->expires_unix_s != KP_TIME_NONE && now >= key->expires_unix_s) {
        cli_doctor_warn(d, "by this clock the key has expired");
    }
    return KP_OK;
}
