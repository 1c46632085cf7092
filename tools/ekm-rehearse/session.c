/* Sessions: one per connection, provider and credential. SECRETs between catalogue and provider. */
#include "base/span.h"
#include "crypto/seal.h"
#include "tools/ekm-rehearse/engine.h"

#define SECRET_MAX_LEN (RH_BYTES_LEN - KPC_SEAL_OVERHEAD)

/* ---- SECRETs at rest ---- */

/* Bound to its credential: a sealed SECRET cannot be moved to another one. */
static kp_span seal_label(const struct rh_credential *c)
{
    return kpb_span(&c->id, sizeof c->id);
}

bool rh_secret_seal(struct rh_engine *e, struct rh_credential *c, kp_span secret)
{
    struct kpc_out out = {c->secret.data, sizeof c->secret.data, 0};
    struct kp_error err;
    if (secret.len > SECRET_MAX_LEN)
        return rh_msg(e, 15583, 16, 1, "The SECRET is too long.");
    if (kpc_seal(kp_buf_view(&e->service_key), seal_label(c), secret, &out, &err) != KP_OK)
        return rh_msg(e, 33047, 16, 2, "The SECRET cannot be sealed: %s", err.text);
    c->secret.len = (uint32_t)out.len;
    return true;
}

bool rh_secret_open(struct rh_engine *e, const struct rh_credential *c, kp_buf *secret)
{
    struct kp_error err;
    uint8_t *room = NULL;
    kp_buf_reset(secret);
    if (!c->has_secret)
        return true;
    if (kp_buf_extend(secret, c->secret.len, &room) != KP_OK)
        return rh_msg_memory(e);
    struct kpc_out out = {room, c->secret.len, 0};
    if (kpc_open(kp_buf_view(&e->service_key), seal_label(c), rh_blob_view(&c->secret), &out,
                 &err) != KP_OK)
        return rh_msg(e, 33047, 16, 1, "The SECRET of credential '%s' cannot be read: %s", c->name,
                      err.text);
    secret->len = out.len;
    return true;
}

/* ---- Sessions ---- */

static struct rh_session *find_session(struct rh_engine *e, const struct rh_instance *i,
                                       int64_t credential_id)
{
    for (size_t n = 0; n < RH_SESSIONS_MAX; n++) {
        struct rh_session *s = &e->sessions[n];
        if (s->instance == i && (!i || s->credential_id == credential_id))
            return s;
    }
    return NULL;
}

static bool open_session(struct rh_engine *e, struct rh_session *s, struct rh_instance *i,
                         const struct rh_provider *p, const struct rh_credential *c)
{
    kp_buf secret;
    kp_buf_init_secret(&secret, "rehearse.secret", RH_BYTES_LEN);
    bool ok = rh_secret_open(e, c, &secret);
    if (ok) {
        const struct rh_verdict v = rh_dll_open_session(
            &i->dll, &e->memory, kpb_span_str(c->identity), kp_buf_view(&secret), &s->handle);
        ok = rh_verdict_ok(&v);
        if (!ok)
            (void)rh_msg_verdict(e, 33028, 1, &v,
                                 "Cannot open session for cryptographic provider '%s'.", p->name);
    }
    kp_buf_clear(&secret);
    return ok;
}

struct rh_session *rh_session_of(struct rh_engine *e, const struct rh_provider *p,
                                 const struct rh_credential *c)
{
    struct rh_instance *i = rh_instance_of(e, p);
    if (!i)
        return NULL;
    struct rh_session *s = find_session(e, i, c->id);
    if (s)
        return s;
    s = find_session(e, NULL, 0);
    if (!s) {
        (void)rh_msg(e, 33028, 16, 2, "The rehearsal holds at most 64 sessions.");
        return NULL;
    }
    if (!open_session(e, s, i, p, c))
        return NULL;
    s->instance = i;
    s->credential_id = c->id;
    return s;
}

struct rh_session *rh_session_of_login(struct rh_engine *e, const struct rh_provider *p)
{
    const struct rh_credential *c = rh_credential_of(&e->catalog, RH_ADMIN, p->id);
    if (c)
        return rh_session_of(e, p, c);
    if (rh_instance_of(e, p)) /* a provider that cannot be used is the worse news */
        (void)rh_msg(
            e, 33046, 16, 1,
            "Your login has no credential for cryptographic provider '%s'; ALTER LOGIN ... "
            "ADD CREDENTIAL gives it one.",
            p->name);
    return NULL;
}

void rh_sessions_close(struct rh_engine *e, int64_t credential_id)
{
    for (size_t n = 0; n < RH_SESSIONS_MAX; n++) {
        struct rh_session *s = &e->sessions[n];
        if (!s->instance || s->credential_id != credential_id)
            continue;
        (void)rh_dll_close_session(&s->instance->dll, &s->handle, false);
        memset(s, 0, sizeof *s);
    }
}
