/* Keys of the catalogue at work: the first use in a connection looks whether the key is still what
 * the catalogue says, then Encrypt or Decrypt. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

static bool check_catalog(struct rh_engine *e, const struct rh_key *k, SqlCpAlgId id,
                          const struct rh_algorithm *a)
{
    if (k->algorithm_id != id)
        return rh_msg(e, 33087, 16, 3,
                      "Property algorithm id of key '%s' returned by the provider is %u, in the "
                      "catalogue %u.",
                      k->name, id, (unsigned)k->algorithm_id);
    if (k->bits != a->bits)
        return rh_msg(e, 33087, 16, 4,
                      "Property bit length of key '%s' returned by the provider is %u, in the "
                      "catalogue %u.",
                      k->name, a->bits, (unsigned)k->bits);
    return true;
}

static bool look_up(struct rh_engine *e, struct rh_session *s, const struct rh_key *k)
{
    struct rh_key_info info = {.algorithm = (SqlCpAlgId)k->algorithm_id};
    struct rh_algorithm algorithm;
    if (!e->options->orders.is_b[RH_ORDER_USE_KEY]) {
        const struct rh_verdict v = rh_dll_key_by_thumb(&s->instance->dll, &e->memory, &s->handle,
                                                        rh_blob_view(&k->thumb), &info);
        if (!rh_verdict_ok(&v))
            return rh_msg_verdict(
                e, 33049, 2, &v,
                "The key with the thumbprint of '%s' does not exist in the provider "
                "or access is denied.",
                k->name);
    }
    return rh_check_algorithm(e, s->instance, info.algorithm, &algorithm) &&
           check_catalog(e, k, info.algorithm, &algorithm);
}

bool rh_use_key(struct rh_engine *e, struct rh_session *s, const struct rh_key *k,
                enum rh_direction direction, kp_span in, kp_span *ret)
{
    const struct rh_crypt job = {.direction = direction,
                                 .thumb = rh_blob_view(&k->thumb),
                                 .input = in,
                                 .one_call = e->options->orders.is_b[RH_ORDER_CRYPT],
                                 .empty_params = e->options->orders.is_b[RH_ORDER_PARAMS]};
    if (s->last_key_id != k->id && !look_up(e, s, k))
        return false;
    s->last_key_id = k->id;
    const struct rh_verdict v = rh_dll_crypt(&s->instance->dll, &e->memory, &s->handle, &job, ret);
    if (rh_verdict_ok(&v))
        return true;
    if (direction == RH_ENCRYPT)
        return rh_msg_verdict(e, 15209, 1, &v, "An error occurred during encryption with key '%s'.",
                              k->name);
    return rh_msg_verdict(e, 15466, 1, &v, "An error occurred during decryption with key '%s'.",
                          k->name);
}

/* ---- Keys that protect databases ---- */

static const struct rh_login *login_of(const struct rh_catalog *c, int64_t key_id)
{
    for (size_t i = 0; i < c->logins.n; i++) {
        const struct rh_login *l = rh_list_at(&c->logins, i);
        if (l->key_id == key_id)
            return l;
    }
    return NULL;
}

struct rh_session *rh_session_of_key(struct rh_engine *e, const struct rh_key *k)
{
    const struct rh_provider *p = rh_provider_by_guid(&e->catalog, k->provider_guid);
    const struct rh_login *l = login_of(&e->catalog, k->id);
    if (!p) {
        (void)rh_msg(e, 33082, 16, 1,
                     "Cannot find the cryptographic provider library with GUID %s of key '%s'.",
                     k->provider_guid, k->name);
        return NULL;
    }
    const struct rh_credential *c = l ? rh_credential_of(&e->catalog, l->id, p->id) : NULL;
    if (c)
        return rh_session_of(e, p, c);
    (void)rh_msg(
        e, 33121, 16, l ? 2 : 1,
        "The asymmetric key '%s' has no login associated with it%s. Create a login that has "
        "credential for this cryptographic provider, from this key.",
        k->name, l ? " that has a credential of the provider" : "");
    return NULL;
}

struct rh_key *rh_encryptor_by_thumb(struct rh_engine *e, kp_span thumb)
{
    struct rh_key *k = rh_key_by_thumb(&e->catalog, RH_MASTER, thumb);
    const struct rh_value shown = rh_bytes(thumb);
    kp_buf text;
    if (k)
        return k;
    kp_buf_init(&text, "rehearse.message", 256);
    const bool printed =
        rh_value_print(&shown, &text) == KP_OK && kp_buf_append_byte(&text, 0) == KP_OK;
    (void)rh_msg(e, 33111, 16, 3, "Cannot find server asymmetric key with thumbprint '%s'.",
                 printed ? (const char *)text.ptr : "?");
    kp_buf_clear(&text);
    return NULL;
}

struct rh_key *rh_encryptor_by_name(struct rh_engine *e, kp_span name)
{
    struct rh_key *k = rh_find_key(&e->catalog, RH_MASTER, name);
    if (!k) {
        (void)rh_msg(
            e, 15151, 16, 1,
            "Cannot find the asymmetric key '%.*s' in master, because it does not exist or "
            "you do not have permission.",
            RH_S(name));
        return NULL;
    }
    if (k->provider_guid[0])
        return k;
    (void)rh_msg(
        e, 33120, 16, 1,
        "In order to encrypt the database encryption key with an asymmetric key, use an "
        "asymmetric key that resides on an extensible key management provider; '%s' does not.",
        k->name);
    return NULL;
}
