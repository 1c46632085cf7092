#include "plugins/azure-rest/token_store.h"

#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/platform.h"

struct entry {
    uint8_t fingerprint[AZR_FINGERPRINT_LEN];
    struct azr_token *token; /* the store's own copy; NULL: free */
};

/* All under the lock of platform.h. */
static struct {
    uint32_t n_vaults;
    bool has_key;
    uint8_t key[AZR_FINGERPRINT_KEY_LEN];
    struct entry entries[AZR_STORE_MAX];
} store;

/* ---- Life ---- */

kp_status azr_store_enter(const struct kp_host *host, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    azr_platform_lock();
    if (!store.has_key)
        st = host->random(host->self, store.key, sizeof store.key);
    store.has_key = st == KP_OK;
    if (st == KP_OK)
        store.n_vaults++;
    azr_platform_unlock();
    return st == KP_OK ? KP_OK
                       : kpb_fail(reterr, KP_INTERNAL,
                                  "the system has no random bytes to tell identities apart by");
}

static void forget(struct entry *entry)
{
    azr_token_release(entry->token);
    memset(entry, 0, sizeof *entry);
}

void azr_store_leave(void)
{
    azr_platform_lock();
    store.n_vaults--;
    for (size_t i = 0; store.n_vaults == 0 && i < AZR_STORE_MAX; i++)
        forget(&store.entries[i]);
    azr_platform_unlock();
}

kp_status azr_store_fingerprint(const kp_span *parts, size_t n, uint8_t ret[AZR_FINGERPRINT_LEN],
                                struct kp_error *reterr)
{
    /* Written once, before any vault that can ask is open. */
    return azr_fingerprint(kpb_span(store.key, sizeof store.key), parts, n, ret, reterr);
}

/* ---- Tokens ---- */

/* A counted token belongs to one loop: what crosses over is a copy. */
static struct azr_token *copy_token(const struct azr_token *token)
{
    struct azr_token *copy = NULL;
    const struct azr_lifetime none = {0, 0};
    kp_buf text;
    kp_buf_init_secret(&text, "azure-rest.token_store", AZR_TOKEN_MAX_LEN);
    if (kp_buf_append(&text, kp_buf_view(&token->text)) == KP_OK &&
        azr_token_new(&text, &none, 0, &copy, NULL) == KP_OK) {
        copy->refresh_ns = token->refresh_ns;
        copy->expires_ns = token->expires_ns;
    }
    kp_buf_clear(&text);
    return copy;
}

static struct entry *find_entry(const uint8_t fingerprint[AZR_FINGERPRINT_LEN])
{
    for (size_t i = 0; i < AZR_STORE_MAX; i++) {
        struct entry *entry = &store.entries[i];
        if (entry->token && memcmp(entry->fingerprint, fingerprint, AZR_FINGERPRINT_LEN) == 0)
            return entry;
    }
    return NULL;
}

struct azr_token *azr_store_find(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], uint64_t now_ns)
{
    struct azr_token *copy = NULL;
    azr_platform_lock();
    const struct entry *entry = find_entry(fingerprint);
    if (entry && azr_token_is_good(entry->token, now_ns) && !azr_token_is_due(entry->token, now_ns))
        copy = copy_token(entry->token);
    azr_platform_unlock();
    return copy;
}

/* The place of a new token: its fingerprint's, a free one, or the one whose token ends first. */
static struct entry *choose_place(const uint8_t fingerprint[AZR_FINGERPRINT_LEN])
{
    struct entry *best = find_entry(fingerprint);
    for (size_t i = 0; !best && i < AZR_STORE_MAX; i++) {
        if (!store.entries[i].token)
            best = &store.entries[i];
    }
    if (best)
        return best;
    best = &store.entries[0];
    for (size_t i = 1; i < AZR_STORE_MAX; i++) {
        if (store.entries[i].token->expires_ns < best->token->expires_ns)
            best = &store.entries[i];
    }
    return best;
}

void azr_store_put(const uint8_t fingerprint[AZR_FINGERPRINT_LEN], const struct azr_token *token)
{
    struct azr_token *copy = copy_token(token);
    if (!copy)
        return;
    azr_platform_lock();
    struct entry *entry = choose_place(fingerprint);
    forget(entry);
    memcpy(entry->fingerprint, fingerprint, AZR_FINGERPRINT_LEN);
    entry->token = copy;
    azr_platform_unlock();
}

void azr_store_drop(const struct azr_token *token)
{
    azr_platform_lock();
    for (size_t i = 0; i < AZR_STORE_MAX; i++) {
        struct entry *entry = &store.entries[i];
        if (entry->token &&
            kpb_span_eq_secret(kp_buf_view(&entry->token->text), kp_buf_view(&token->text)))
            forget(entry);
    }
    azr_platform_unlock();
}
