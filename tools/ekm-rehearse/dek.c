/*
 * Database encryption keys of the running server, and the page of each database, which is sealed
 * under its key: a key that is not the one that sealed it cannot pass for it.
 */
#include "base/mem.h"
#include "base/span.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "tools/ekm-rehearse/engine.h"

#define PAGE_LEN 512u

/* ---- Keys in memory ---- */

static struct rh_open_dek *find(const struct rh_engine *e, int64_t database_id)
{
    for (size_t i = 0; i < e->deks.n; i++) {
        struct rh_open_dek *k = rh_list_at(&e->deks, i);
        if (k->database_id == database_id)
            return k;
    }
    return NULL;
}

bool rh_dek_keep(struct rh_engine *e, int64_t database_id, const uint8_t *dek)
{
    struct rh_open_dek *k = find(e, database_id);
    if (!k)
        k = rh_list_add(&e->deks);
    if (!k)
        return rh_msg_memory(e);
    k->database_id = database_id;
    memcpy(k->dek, dek, sizeof k->dek);
    return true;
}

void rh_dek_forget(struct rh_engine *e, int64_t database_id)
{
    struct rh_open_dek *k = find(e, database_id);
    if (k)
        rh_list_remove(&e->deks, k);
}

/* Key of the thumbprint, session of its login, Decrypt. */
static bool unwrap(struct rh_engine *e, const struct rh_database *d)
{
    kp_span dek;
    const struct rh_key *k = rh_encryptor_by_thumb(e, rh_blob_view(&d->encryptor));
    struct rh_session *s = k ? rh_session_of_key(e, k) : NULL;
    if (!s || !rh_use_key(e, s, k, RH_DECRYPT, rh_blob_view(&d->wrapped), &dek))
        return false;
    if (dek.len != RH_DEK_LEN)
        return rh_msg(e, 33095, 16, 1,
                      "The encryption key of database '%s' came back with %zu bytes; it has %u.",
                      d->name, dek.len, RH_DEK_LEN);
    return rh_dek_keep(e, d->id, dek.ptr);
}

const uint8_t *rh_dek_of(struct rh_engine *e, const struct rh_database *d)
{
    if (!find(e, d->id) && !unwrap(e, d))
        return NULL;
    return find(e, d->id)->dek;
}

/* ---- Pages ---- */

static const char page_label[] = "page";

static bool open_page(struct rh_engine *e, const struct rh_database *d, const uint8_t *dek)
{
    uint8_t plain[PAGE_LEN];
    struct kp_error err;
    struct kpc_out out = {plain, sizeof plain, 0};
    const kp_status st = kpc_open(kpb_span(dek, RH_DEK_LEN), kpb_span_str(page_label),
                                  rh_blob_view(&d->page), &out, &err);
    kpb_wipe(plain, sizeof plain);
    if (st == KP_OK)
        return true;
    return rh_msg(e, 824, 24, 2,
                  "The pages of database '%s' cannot be read: they were encrypted under another "
                  "database encryption key. (%s)",
                  d->name, err.text);
}

bool rh_page_check(struct rh_engine *e, const struct rh_database *d)
{
    if (d->encryption != RH_ENCRYPTED)
        return true;
    const uint8_t *dek = rh_dek_of(e, d);
    if (!dek)
        return false;
    if (open_page(e, d, dek))
        return true;
    rh_dek_forget(e, d->id);
    return false;
}

/* What lies in a database is of no interest, only that it comes back. */
bool rh_page_seal(struct rh_engine *e, struct rh_database *d, bool encrypted)
{
    uint8_t plain[PAGE_LEN - KPC_SEAL_OVERHEAD];
    struct kpc_out out = {d->page.data, sizeof d->page.data, 0};
    struct kp_error err;
    const uint8_t *dek = encrypted ? rh_dek_of(e, d) : NULL;
    if (encrypted && !dek)
        return false;
    if (kpc_random(plain, sizeof plain, &err) != KP_OK)
        return rh_msg_memory(e);
    if (!encrypted)
        return rh_put_blob(&d->page, kpb_span(plain, sizeof plain));
    if (kpc_seal(kpb_span(dek, RH_DEK_LEN), kpb_span_str(page_label), kpb_span(plain, sizeof plain),
                 &out, &err) != KP_OK)
        return rh_msg(e, 824, 24, 3, "The pages of database '%s' cannot be encrypted: %s", d->name,
                      err.text);
    d->page.len = (uint32_t)out.len;
    return true;
}

/* ---- Start-up ---- */

static void start_database(struct rh_engine *e, struct rh_database *d)
{
    const bool opened = rh_page_check(e, d);
    rh_memory_clear(&e->memory);
    d->state = opened ? RH_ONLINE : RH_RECOVERY_PENDING;
    if (!opened)
        (void)rh_msg(
            e, 3414, 21, 1,
            "An error occurred during recovery, preventing the database '%s' from starting. "
            "It is RECOVERY_PENDING until the cause is cured and the server restarts.",
            d->name);
    else if (d->encryption == RH_ENCRYPTED)
        rh_note(e,
                "Starting up database '%s': its encryption key was unwrapped, its pages are "
                "readable.",
                d->name);
}

void rh_engine_start(struct rh_engine *e)
{
    e->line = 0;
    for (size_t i = 0; i < e->catalog.databases.n; i++)
        start_database(e, rh_list_at(&e->catalog.databases, i));
}
