/*
 * A provider library as the engine sees it: seventeen names in a file. Loads it, calls it by the
 * buffer protocol of ekm/abi.h, and watches that the protocol is kept: every buffer is poisoned
 * and fenced, sizes are asked for first, some buffers are too short on purpose, probes and real
 * calls alternate by the dice. One thread.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_DLL_H
#define KP_TOOLS_EKM_REHEARSE_DLL_H

#include <stdbool.h>

#include "ekm/abi.h"
#include "tools/ekm-rehearse/dice.h"
#include "tools/ekm-rehearse/memory.h"

struct rh_functions {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared takes no parentheses */
#define XX(number, name, parameters) SqlCrypt##name##_fn *name;
    KP_EKM_EXPORT_MAP(XX)
#undef XX
};

/* Told of every call after it returned; what the engine's extended event records. */
typedef void rh_call_seen_fn(void *ctx, const char *api, uint32_t code);

struct rh_dll {
    void *handle;
    struct rh_functions call;
    bool is_initialized;
    struct rh_dice *dice;
    rh_call_seen_fn *seen;
    void *seen_ctx;
};

/* How a call, or a series of calls for one result, ended. */
struct rh_verdict {
    uint32_t code;      /* scp_err_Success or what the provider answered */
    const char *api;    /* the function that answered, without SqlCrypt */
    const char *broken; /* the rule of the interface it broke; NULL: none */
};

bool rh_verdict_ok(const struct rh_verdict *v);

/* ---- Loading ---- */

/*
 * Loads path and finds the seventeen functions; nothing of it is called. *ret_missing: the number
 * of the first function that is not there, 0 otherwise.
 * Errors: not_found with the loader's reason; unsupported when a function is missing.
 */
kp_status rh_dll_open(struct rh_dll *d, const char *path, unsigned *ret_missing,
                      struct kp_error *reterr) KP_MUST_USE;
/* FreeProvider if it was initialised, then unloads. A zeroed one is allowed. */
void rh_dll_close(struct rh_dll *d);

/* ---- Without a session ---- */

#define RH_TAG_MAX_LEN 64u /* characters of an algorithm tag, its NUL included */

struct rh_provider_info {
    SqlCpProviderInfo raw; /* name: borrowed from the memory given */
    kp_span name;          /* UTF-8 */
};

struct rh_algorithm {
    SqlCpAlgId id;
    char tag[RH_TAG_MAX_LEN];
    SqlCpKeyType type;
    uint32_t bits;
    uint32_t iv_len;
};

struct rh_verdict rh_dll_initialize(struct rh_dll *d);
struct rh_verdict rh_dll_info(struct rh_dll *d, struct rh_memory *m, struct rh_provider_info *ret);
/* *id: the one before, 0 to begin; code scp_err_NotFound at the end. An id that is not larger than
 * the one before is a broken rule: the engine would never stop. */
struct rh_verdict rh_dll_next_algorithm(struct rh_dll *d, SqlCpAlgId *id);
struct rh_verdict rh_dll_algorithm(struct rh_dll *d, struct rh_memory *m, SqlCpAlgId id,
                                   struct rh_algorithm *ret);

/* ---- With one ---- */

struct rh_key_info {
    kp_span name; /* UTF-8 */
    kp_span thumb;
    SqlCpAlgId algorithm;
    SqlCpKeyFlags flags;
};

/* identity and secret are UTF-8; they cross as UTF-16 without a terminator. */
struct rh_verdict rh_dll_open_session(struct rh_dll *d, struct rh_memory *m, kp_span identity,
                                      kp_span secret, SqlCpSession *ret);
struct rh_verdict rh_dll_close_session(struct rh_dll *d, SqlCpSession *session, bool is_abort);

struct rh_verdict rh_dll_key_by_name(struct rh_dll *d, struct rh_memory *m,
                                     const SqlCpSession *session, kp_span name,
                                     struct rh_key_info *ret);
struct rh_verdict rh_dll_key_by_thumb(struct rh_dll *d, struct rh_memory *m,
                                      const SqlCpSession *session, kp_span thumb,
                                      struct rh_key_info *ret);
struct rh_verdict rh_dll_key_by_id(struct rh_dll *d, struct rh_memory *m,
                                   const SqlCpSession *session, SqlCpKeyId id,
                                   struct rh_key_info *ret);
/* As rh_dll_next_algorithm. */
struct rh_verdict rh_dll_next_key(struct rh_dll *d, const SqlCpSession *session, SqlCpKeyId *id);
/* The public half. */
struct rh_verdict rh_dll_export(struct rh_dll *d, struct rh_memory *m, const SqlCpSession *session,
                                kp_span thumb, kp_span *ret);

struct rh_new_key {
    kp_span name;
    SqlCpAlgId algorithm;
    uint32_t thumb_len; /* what GetProviderInfo announced */
    bool ask_size;      /* a first call without a buffer, which must create nothing */
};

struct rh_verdict rh_dll_create_key(struct rh_dll *d, struct rh_memory *m,
                                    const SqlCpSession *session, const struct rh_new_key *key,
                                    kp_span *ret_thumb);
struct rh_verdict rh_dll_drop_key(struct rh_dll *d, const SqlCpSession *session, kp_span thumb);

enum rh_direction { RH_ENCRYPT = 0, RH_DECRYPT = 1 };

struct rh_crypt {
    enum rh_direction direction;
    kp_span thumb;
    kp_span input;
    bool one_call;     /* one call with a large buffer instead of a probe first */
    bool empty_params; /* an empty array of parameters instead of none */
};

struct rh_verdict rh_dll_crypt(struct rh_dll *d, struct rh_memory *m, const SqlCpSession *session,
                               const struct rh_crypt *job, kp_span *ret);

#endif /* KP_TOOLS_EKM_REHEARSE_DLL_H */
