/*
 * The engine's part, for tests: the provider's exports called as SQL Server calls them, in this
 * process, over file vaults and the scripted plugin, with the events the provider sent.
 *
 * Threads: any call from any, but begin and end.
 */
#ifndef KP_TESTS_SUPPORT_EKM_ENGINE_H
#define KP_TESTS_SUPPORT_EKM_ENGINE_H

#include <stdatomic.h>

#include <uv.h>

#include "ekm/environment.h"
#include "ekm/functions.h"
#include "support/scripted_plugin.h"
#include "support/temp_dir.h"

#define ENGINE_TEXT_MAX 512
#define ENGINE_ID "0123456789abcdef0123456789abcdef"

struct engine {
    struct ekm_environment env;
    char dir[TEMP_DIR_LEN];
    char config[8192];
    _Atomic uint64_t offset_ms; /* the clock is the machine's plus this */
    _Atomic uint64_t age_ms;    /* of the process; beyond all patience unless a test says */
    _Atomic uint64_t n_pauses;
    bool has_own_clock;  /* it stands still but for what moves it */
    bool skips_pauses;   /* they move the clock and the age instead */
    bool ignores_pauses; /* they take no time at all */
    uv_mutex_t lock;
    uint8_t shared_thumb[20];
    uint32_t n_events;
    char last_event[4096];
};

/*
 * A folder, a configuration with the file vault DIR/v allowed, and the scripted plugin beside it:
 * vault "s" at script:s with access secret "open", hosts in .vault.azure.net as script vaults too.
 * ekm: further members of the section, each beginning with a comma; NULL: none. Initializes.
 */
void engine_begin(struct engine *engine, const char *ekm);
/* The same without Initialize. */
void engine_prepare(struct engine *engine, const char *ekm);
/* ... and with further members of vault "s", each beginning with a comma. */
void engine_prepare_vault(struct engine *engine, const char *ekm, const char *vault);
/* Frees the provider, checks the script, removes the folder. */
void engine_end(struct engine *engine);
void engine_move(struct engine *engine, uint64_t ms);
/* A copy of the last event's line. */
void engine_last_event(struct engine *engine, char out[4096]);

/* ---- Keys in the file vault DIR/v ---- */

void engine_make_key(struct engine *engine, const char *name, uint32_t bits);
void engine_rotate_key(struct engine *engine, const char *name);

/* ---- Calls ---- */

/* Opens a session; identity NULL: the file vault's. */
SqlCpError engine_open(struct engine *engine, const char *identity, const char *secret,
                       SqlCpSession *ret);
/* Must succeed: a session on the file vault, or on "s". */
SqlCpSession engine_session(struct engine *engine);
SqlCpSession engine_script_session(struct engine *engine);
void engine_close(SqlCpSession session);

struct engine_key {
    uint8_t thumb[32];
    uint32_t thumb_len;
    SqlCpAlgId alg;
    char name[256];
    uint8_t blob[x_cbKeyBlobMaxLen];
    uint32_t blob_len;
};

/* In two calls each, as the engine makes them. */
SqlCpError engine_key_by_name(SqlCpSession session, const char *name, struct engine_key *ret);
SqlCpError engine_key_by_thumb(SqlCpSession session, struct engine_key *key);
SqlCpError engine_export(SqlCpSession session, struct engine_key *key);
/* out has *len bytes of room; in two calls, unless out is large enough for any key. */
SqlCpError engine_encrypt(SqlCpSession session, const struct engine_key *key, const void *in,
                          uint32_t in_len, uint8_t *out, uint32_t *len);
SqlCpError engine_decrypt(SqlCpSession session, const struct engine_key *key, const void *in,
                          uint32_t in_len, uint8_t *out, uint32_t *len);

/* UTF-16 of ASCII text, in memory of the caller's; no NUL behind it. */
SqlCpStr engine_str(const char *text, uint16_t units[ENGINE_TEXT_MAX]);

/* ---- The scripted vault ---- */

/* An act's call: answers get_key with an RSA key, lists with keys "k" alone, all else well. */
kp_status engine_answer(struct script_op *op);
/* Makes it the usual act of a vault. */
void engine_answers(struct script_vault *vault);

#endif /* KP_TESTS_SUPPORT_EKM_ENGINE_H */
