#include "tools/ekm-rehearse/dll_twice.h"

#include <string.h>

#define FENCE_LEN 16u
#define EXTRA_MAX_LEN 24u /* bytes a real call may have too many */
#define RETRIES 3u        /* a size may change between two calls, but not for ever */

static const char out_of_bounds[] = "it wrote outside the buffer it was given";

bool rh_verdict_ok(const struct rh_verdict *v)
{
    return v->code == scp_err_Success && !v->broken;
}

struct rh_verdict rh_broken(const char *api, uint32_t code, const char *rule)
{
    return (struct rh_verdict){code, api, rule};
}

struct rh_verdict rh_seen(struct rh_dll *d, const char *api, SqlCpError code)
{
    if (d->seen)
        d->seen(d->seen_ctx, api, (uint32_t)code);
    return (struct rh_verdict){(uint32_t)code, api, NULL};
}

/* ---- Fenced buffers ---- */

/* Poison with fences of it on both sides; slot->ptr points between them. */
static bool fence(struct rh_dll *d, struct rh_memory *m, struct rh_slot *slot, uint32_t len,
                  uint8_t *ret_poison)
{
    const size_t total = (size_t)len + 2 * FENCE_LEN;
    uint8_t *p = rh_memory_take(m, total);
    if (!p)
        return false;
    *ret_poison = (uint8_t)(0x80u + rh_dice_roll(d->dice, 0x7f));
    memset(p, *ret_poison, total);
    slot->ptr = p + FENCE_LEN;
    slot->cb = len;
    return true;
}

static bool fence_holds(const uint8_t *ptr, uint32_t len, uint8_t poison)
{
    for (uint32_t i = 0; i < FENCE_LEN; i++) {
        if (ptr[-(ptrdiff_t)FENCE_LEN + (ptrdiff_t)i] != poison || ptr[len + i] != poison)
            return false;
    }
    return true;
}

struct fences {
    uint32_t len[RH_SLOTS_MAX];
    uint8_t poison[RH_SLOTS_MAX];
};

/* ---- One call ---- */

static struct rh_verdict call_once(struct rh_dll *d, struct rh_twice *t)
{
    bool kept = true;
    const SqlCpError code = t->once(d, t->ctx, t->slots, &kept);
    struct rh_verdict v = rh_seen(d, t->api, code);
    if (!kept)
        v.broken = "it replaced a pointer of the engine";
    return v;
}

static struct rh_verdict call_fenced(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t,
                                     const uint32_t len[RH_SLOTS_MAX])
{
    struct fences f = {{0}, {0}};
    for (size_t i = 0; i < t->n; i++) {
        f.len[i] = len[i];
        if (!fence(d, m, &t->slots[i], len[i], &f.poison[i]))
            return rh_broken(t->api, scp_err_Failure, "the rehearsal ran out of memory");
    }
    struct rh_verdict v = call_once(d, t);
    for (size_t i = 0; i < t->n && !v.broken; i++) {
        if (!fence_holds(t->slots[i].ptr, f.len[i], f.poison[i]))
            v.broken = out_of_bounds;
        else if (v.code == scp_err_Success && t->slots[i].cb > f.len[i])
            v.broken = "it says it wrote more than the buffer holds";
    }
    return v;
}

/* ---- The probe ---- */

static const char *check_needs(struct rh_twice *t)
{
    for (size_t i = 0; i < t->n; i++) {
        t->slots[i].need = t->slots[i].cb;
        if (t->slots[i].cb > t->slots[i].max_len)
            return "it asks for more room than the interface allows";
    }
    return NULL;
}

/* A probe has no buffer to succeed in. */
static struct rh_verdict probe(struct rh_dll *d, struct rh_twice *t)
{
    for (size_t i = 0; i < t->n; i++) {
        t->slots[i].ptr = NULL;
        t->slots[i].cb = 0;
    }
    struct rh_verdict v = call_once(d, t);
    if (v.broken)
        return v;
    if (v.code == scp_err_Success)
        v.broken = "it answered Success to the first call, which only asks for sizes";
    if (v.code != scp_err_InsufficientBuffer)
        return v;
    v.broken = check_needs(t);
    return v;
}

/* ---- A buffer that is too short ---- */

static void short_lengths(struct rh_dll *d, const struct rh_twice *t, uint32_t len[RH_SLOTS_MAX])
{
    const size_t victim = rh_dice_roll(d->dice, (uint32_t)t->n);
    for (size_t i = 0; i < t->n; i++)
        len[i] = t->slots[i].need;
    len[victim] = rh_dice_roll(d->dice, t->slots[victim].need);
}

/* Success is right only where the size was an upper bound and the result did fit. */
static struct rh_verdict try_short(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t)
{
    uint32_t len[RH_SLOTS_MAX] = {0};
    short_lengths(d, t, len);
    struct rh_verdict v = call_fenced(d, m, t, len);
    if (v.broken || v.code != scp_err_Success)
        return v;
    if (!t->slots[0].is_bound)
        v.broken = "it answered Success to a buffer shorter than the size it asked for";
    return v;
}

/* ---- The real call ---- */

static struct rh_verdict call_real(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t)
{
    uint32_t len[RH_SLOTS_MAX] = {0};
    const uint32_t extra = rh_dice_roll(d->dice, 2) ? rh_dice_roll(d->dice, EXTRA_MAX_LEN) : 0;
    for (size_t i = 0; i < t->n; i++)
        len[i] = t->slots[i].need + extra;
    struct rh_verdict v = call_fenced(d, m, t, len);
    if (!v.broken && v.code == scp_err_InsufficientBuffer)
        v.broken = check_needs(t);
    return v;
}

static bool needs_anything(const struct rh_twice *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->slots[i].need == 0)
            return false;
    }
    return true;
}

/* Zero to two calls that must not succeed; false when the series is over. */
static bool disturb(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t, struct rh_verdict *v)
{
    for (uint32_t n = rh_dice_roll(d->dice, 3); n > 0; n--) {
        const bool is_probe = rh_dice_roll(d->dice, 2) || !needs_anything(t);
        *v = is_probe ? probe(d, t) : try_short(d, m, t);
        if (v->broken || v->code != scp_err_InsufficientBuffer)
            return false;
    }
    return true;
}

static struct rh_verdict begin(struct rh_dll *d, struct rh_twice *t)
{
    if (!t->no_probe)
        return probe(d, t);
    for (size_t i = 0; i < t->n; i++)
        t->slots[i].need = t->slots[i].max_len;
    return (struct rh_verdict){scp_err_InsufficientBuffer, t->api, NULL};
}

struct rh_verdict rh_twice(struct rh_dll *d, struct rh_memory *m, struct rh_twice *t)
{
    struct rh_verdict v = begin(d, t);
    if (v.broken || v.code != scp_err_InsufficientBuffer)
        return v;
    if (!t->no_probe && !disturb(d, m, t, &v))
        return v;
    for (unsigned i = 0; i < RETRIES; i++) {
        v = call_real(d, m, t);
        if (v.broken || v.code != scp_err_InsufficientBuffer)
            return v;
    }
    v.broken = "it never is content with the size it asked for";
    return v;
}
