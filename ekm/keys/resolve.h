/*
 * From a thumbprint to a key version. In this order: what the session knows, the key map, the name
 * that the thumbprint may encode, the configured key names, a scan of the vault.
 *
 * Whatever is learned on the way is recorded in the map. A record names a version, and what it
 * names is used for good: nothing here falls back to "the latest". A name thumbprint without a
 * record is the one case where the version is unknown; its answer says so (is_proven false), and
 * ekm_resolve_unwrap then finds the version by trying.
 *
 * The scan is what a node without a map falls back to. One scan runs per vault at a time, whoever
 * asks; current versions come first, older ones after; it is bounded in calls and time, and goes on
 * where it stopped when it is asked again. Only a scan that saw everything says "not found".
 *
 * The vault is reached through struct ekm_lookup: ekm_lookup_vault makes one of a kp_vault, tests
 * make their own.
 *
 * Threads: any; one resolver serves all sessions. Calls block in the vault until the deadline of
 * the query at most. Nothing here keeps a query, a lookup or what they point to after returning.
 */
#ifndef KP_EKM_KEYS_RESOLVE_H
#define KP_EKM_KEYS_RESOLVE_H

#include <keyprovider/keyprovider.h>

#include "ekm/keys/key_map.h"

#define EKM_MODULUS_MAX_LEN 512u /* bytes; RSA 4096 */
#define EKM_EXPONENT_MAX_LEN 8u

/* ---- The vault, as the resolver sees it ---- */

/* What a vault tells about one key version, by value. */
struct ekm_key {
    char name[KP_KEY_NAME_MAX_LEN + 1];
    char version[KP_KEY_VERSION_MAX_LEN + 1];
    uint32_t kty;     /* enum kp_kty */
    uint32_t bits;    /* of the modulus */
    uint32_t key_ops; /* mask of enum kp_key_op */
    uint32_t flags;   /* KP_KEY_* */
    int64_t created_unix_s;
    uint32_t n_len; /* 0: no RSA key */
    uint32_t e_len;
    uint8_t n[EKM_MODULUS_MAX_LEN]; /* big-endian, minimal */
    uint8_t e[EKM_EXPONENT_MAX_LEN];
    struct ekm_thumb thumb; /* ours; len 0: no RSA key */
};

/* One entry of a list, borrowed for the call. version is empty in a list of keys. */
struct ekm_listed {
    kp_span name;
    kp_span version;
    uint32_t flags; /* KP_KEY_* */
    int64_t created_unix_s;
};
/* Anything but KP_OK ends the list with it. */
typedef kp_status ekm_listed_fn(void *ctx, const struct ekm_listed *entry, struct kp_error *reterr);

struct ekm_lookup {
    void *ctx; /* first argument of every call */

    /*
     * One version, or the current one for an empty version. timeout_ms is what is left of the
     * query. Errors: the vault's, with exposure; not_found for a key that is not there.
     */
    kp_status (*get)(void *ctx, kp_span name, kp_span version, uint32_t timeout_ms,
                     struct ekm_key *ret, struct kp_error *reterr);
    /*
     * One page of the keys (name empty) or of a key's versions. page_token empty: the first. The
     * next page's token is appended to next, nothing on the last page.
     */
    kp_status (*list)(void *ctx, kp_span name, kp_span page_token, uint32_t timeout_ms,
                      ekm_listed_fn *each, void *each_ctx, kp_buf *next, struct kp_error *reterr);
    /* Whether the caller has taken its call back. NULL: never. */
    bool (*is_canceled)(void *ctx);
};

/* A lookup over the client face. Fill vault and name it as ctx of ekm_vault_lookup. */
struct ekm_lookup_vault {
    kp_vault *vault; /* held by the caller while the lookup is in use */
    uint32_t flags;  /* KP_REQ_* of every request */
    /*
     * Instead of kp_call, for a caller that cancels and waits in its own way; the contract is
     * kp_call's. NULL: kp_call.
     */
    kp_status (*call)(void *call_ctx, kp_vault *vault, const struct kp_request *request,
                      struct kp_result *ret_result);
    /*
     * The key that the last answer of call told about, as ekm_key_fill has made it elsewhere: for a
     * caller whose threads stay clear of the cryptographic library. NULL: it is made here.
     */
    kp_status (*filled)(void *call_ctx, struct ekm_key *ret, struct kp_error *reterr);
    bool (*is_canceled)(void *call_ctx); /* may be NULL */
    void *call_ctx;
};

/* The lookup whose ctx is v. */
struct ekm_lookup ekm_vault_lookup(struct ekm_lookup_vault *v);

/* Copies what a vault told about a key and computes our thumbprint of it. Errors: protocol (texts
 * or integers too long), no_memory, internal. */
kp_status ekm_key_fill(const struct kp_key_info *info, struct ekm_key *ret, struct kp_error *reterr)
    KP_MUST_USE;

/* ---- The resolver ---- */

/* Time as the resolver wants it; tests put their own here. */
struct ekm_clock {
    void *ctx;
    uint64_t (*now_ms)(void *ctx); /* monotonic */
    /* Waits about ms. */
    void (*pause)(void *ctx, uint32_t ms);
};

/* Bounds of scans. ekm_resolver_options_init fills in what stands behind each. */
struct ekm_resolver_options {
    uint32_t scan_max_calls; /* calls of one scan before it rests: 2000 */
    uint32_t scan_max_ms;    /* time of one scan before it rests, also below a deadline: 20000 */
    uint32_t scan_rest_ms;   /* between a scan and the next, whose outcome stands: 10000 */
    uint32_t scan_gap_ms;    /* between two calls of a scan: 5 */
    uint32_t scan_max_keys;  /* names of one vault that a scan keeps in mind: 50000 */
    uint32_t scan_stale_ms;  /* a scan untouched for that long begins anew: 60000 */
    uint32_t n_trials_max;   /* unwraps ekm_resolve_unwrap tries: 100 */
    const struct ekm_clock *clock; /* NULL: the machine's; borrowed until the resolver is freed */
};
void ekm_resolver_options_init(struct ekm_resolver_options *options);

/*
 * What the resolver tells its owner, to be logged: a moved vault, a record that could not be
 * written, keys in conflict. text is one sentence, borrowed for the call. Any thread; must not
 * call back. status KP_OK: for information.
 */
typedef void ekm_resolver_note_fn(void *ctx, kp_status status, uint32_t code, const char *vault,
                                  const char *text);

typedef struct ekm_resolver ekm_resolver;

/*
 * A resolver over a map, which outlives it. options NULL: the defaults; copied. note may be NULL.
 * Errors: no_memory.
 */
kp_status ekm_resolver_new(ekm_map *map, const struct ekm_resolver_options *options,
                           ekm_resolver_note_fn *note, void *note_ctx, ekm_resolver **ret_resolver,
                           struct kp_error *reterr) KP_MUST_USE;
/* Nobody is in a call of it. NULL allowed. */
void ekm_resolver_free(ekm_resolver *resolver);

/* ---- Asking ---- */

struct ekm_resolved;

/*
 * Where and how to look. Everything is borrowed for the call.
 * identity tells credentials of one vault apart (an address or a counter): they share no scan,
 * because one may see what another may not.
 */
struct ekm_query {
    struct ekm_lookup lookup;
    const char *vault; /* as ekm_vault_text spells it */
    uint64_t identity;
    uint64_t deadline_ms; /* of the resolver's clock */
    /* The session's own copies; false: it has none. NULL: there are none. */
    bool (*session_find)(void *ctx, const struct ekm_thumb *thumb, struct ekm_resolved *ret);
    void *session_ctx;
    const char *const *names; /* configured key names, NAME or NAME/VERSION; NULL-terminated */
};

/* Now, on the resolver's clock, for deadlines. */
uint64_t ekm_resolver_now_ms(const ekm_resolver *resolver);

/* Which step answered. */
enum ekm_step {
    EKM_STEP_NONE = 0,
    EKM_STEP_SESSION = 1,
    EKM_STEP_MAP = 2,
    EKM_STEP_NAME = 3,
    EKM_STEP_CONFIGURED = 4,
    EKM_STEP_SCAN = 5,
    EKM_STEP_TRIAL = 6
};

/* The answer. */
struct ekm_resolved {
    struct ekm_record record; /* as the map has it now; version is what to use */
    struct ekm_key key;       /* the same version, where has_key */
    bool has_key;
    bool is_proven; /* false: the thumbprint fits every version of the name; see above */
    enum ekm_step step;
};

/* Fetch the key version too, also where a record alone would answer. */
#define EKM_RESOLVE_WITH_KEY 0x01u
/* Do not scan: for calls that may not take long. Not found is then a partial answer (3403). */
#define EKM_RESOLVE_NO_SCAN 0x02u

/*
 * Finds the key version of a thumbprint. A recorded version that the vault does not have is
 * not_found with code 3112 and is not searched for elsewhere under another version.
 * flags: EKM_RESOLVE_*.
 * Errors: not_found with code 4 (a complete scan did not meet it), forbidden with code 3113 (a
 * part of the vault may not be read; the sentence says which permission), transient with code 3403
 * (the scan is not through; asking again goes on), canceled, timeout, no_memory, integrity with
 * code 2053 (damaged thumbprint), and the vault's own.
 */
kp_status ekm_resolve_thumb(ekm_resolver *resolver, const struct ekm_query *query,
                            const struct ekm_thumb *thumb, uint32_t flags, struct ekm_resolved *ret,
                            struct kp_error *reterr) KP_MUST_USE;

/*
 * Fetches a key by name, pins the version (the current one when version is empty) and records it
 * under the scheme that is to be reported; an older record of that thumbprint keeps its
 * reported_alg, which is otherwise set to reported_alg. The record is durable on return.
 * Errors: conflict with code 2057, config with code 2058, usage with codes 2049 and 2052 (name
 * scheme), unsupported with code 3 (no RSA key), and the vault's own.
 */
kp_status ekm_resolve_name(ekm_resolver *resolver, const struct ekm_query *query, kp_span name,
                           kp_span version, enum ekm_scheme scheme, uint32_t reported_alg,
                           struct ekm_resolved *ret, struct kp_error *reterr) KP_MUST_USE;

/*
 * One attempt to unwrap what the caller has, with a key version. The caller keeps the result when
 * it returns KP_OK, which is after having checked it.
 */
typedef kp_status ekm_try_fn(void *ctx, kp_span name, kp_span version, uint32_t alg,
                             struct kp_error *reterr);

/*
 * Finds the version of an unproven answer by trying: every enabled version of its key, newest
 * first, each with every algorithm of algs (n_algs, at least one) but RSA1_5, which is never tried
 * on a version that is not known. Goes on after an answered refusal only; anything else ends it. A
 * hit is recorded with its algorithm, and *resolved becomes proven.
 * For a proven answer it is one call of each algorithm in turn, RSA1_5 last, on the recorded
 * version, the remembered algorithm first; a success is remembered.
 * Errors: the last refusal, with a sentence that says how many were tried; what else try returned;
 * the vault's own.
 */
kp_status ekm_resolve_unwrap(ekm_resolver *resolver, const struct ekm_query *query,
                             struct ekm_resolved *resolved, const uint32_t *algs, size_t n_algs,
                             ekm_try_fn *try_version, void *try_ctx, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Whether a vault looked at the data and said no, so that another version or algorithm may be
 * tried: integrity, and usage that the vault answered.
 */
bool ekm_is_answered_refusal(kp_status status, const struct kp_error *error);

#endif /* KP_EKM_KEYS_RESOLVE_H */
