/* Encrypt and Decrypt. */
#include "base/span.h"
#include "tools/ekm-rehearse/dll_twice.h"

/* The engine has room for a wrapped key of some modulus; generous here, as its limit is not
 * known. */
#define CRYPT_MAX_LEN 2048u

struct crypt_call {
    const SqlCpSession *session;
    const struct rh_crypt *job;
};

static SqlCpError crypt_once(struct rh_dll *d, void *ctx, struct rh_slot *slots, bool *ret_kept)
{
    static const SqlCpEncryptionParam nothing[1];
    const struct crypt_call *c = ctx;
    const struct rh_crypt *job = c->job;
    const SqlCpKeyThumbprint thumb = {(uint32_t)job->thumb.len,
                                      (uint8_t *)(uintptr_t)job->thumb.ptr};
    const SqlCpData in = {(uint32_t)job->input.len, (uint8_t *)(uintptr_t)job->input.ptr};
    const SqlCpEncryptionParam *params = job->empty_params ? nothing : NULL;
    SqlCpData out = {slots[0].cb, slots[0].ptr};
    const SqlCpError code = job->direction == RH_ENCRYPT
                                ? d->call.Encrypt(c->session, &thumb, 1, params, 0, &in, &out)
                                : d->call.Decrypt(c->session, &thumb, 1, params, 0, &in, &out);
    *ret_kept = out.pb == slots[0].ptr;
    slots[0].cb = out.cb;
    return code;
}

struct rh_verdict rh_dll_crypt(struct rh_dll *d, struct rh_memory *m, const SqlCpSession *session,
                               const struct rh_crypt *job, kp_span *ret)
{
    struct crypt_call call = {session, job};
    struct rh_twice t = {.api = job->direction == RH_ENCRYPT ? "Encrypt" : "Decrypt",
                         .once = crypt_once,
                         .ctx = &call,
                         .n = 1,
                         .no_probe = job->one_call};
    t.slots[0].max_len = CRYPT_MAX_LEN;
    t.slots[0].is_bound = true;
    const struct rh_verdict v = rh_twice(d, m, &t);
    *ret = kpb_span(t.slots[0].ptr, t.slots[0].cb);
    return v;
}
