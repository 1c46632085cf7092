/*
 * A plugin linked into the test whose every step the test decides: scheme "script", any location.
 * What it does with an operation stands in an act; acts pushed for a vault are used first, in
 * order, then the vault's usual one. While it runs it checks what the host promises: slots on the
 * loop thread, done exactly once per accepted operation and after the last callback, nothing but
 * close after a failed opening, no slot after closed.
 *
 * There is one script per process; script_begin empties it, script_end checks it.
 *
 * Threads: any function from any thread. Waits are bounded by LATCH_DEADLINE_S.
 */
#ifndef KP_TESTS_SUPPORT_SCRIPTED_PLUGIN_H
#define KP_TESTS_SUPPORT_SCRIPTED_PLUGIN_H

#include <stdbool.h>

#include <keyprovider/plugin.h>

/* How an operation comes to its end. */
enum script_how {
    SCRIPT_INSIDE = 0,    /* finish inside submit */
    SCRIPT_TIMER = 1,     /* from a timer of the host, act.delay_ms later */
    SCRIPT_WORK = 2,      /* from work's done */
    SCRIPT_ON_WORKER = 3, /* from the worker thread, while work runs */
    SCRIPT_FOREIGN = 4,   /* from a thread of the plugin's own */
    SCRIPT_HELD = 5,      /* when the test says so; cancel finishes it with canceled */
    SCRIPT_DEAF = 6,      /* the same, but cancel does nothing */
    SCRIPT_REFUSED = 7,   /* submit returns act.status */
    SCRIPT_CALL = 8       /* act.call decides; it has to see to the finish */
};

struct script_op;
struct script_vault;

/* What to do with one operation. Zero means: answer well, inside submit, as asked. */
struct script_act {
    enum script_how how;
    kp_status status;
    uint32_t exposure; /* enum kp_exposure */
    uint32_t code;
    uint64_t hint_ms; /* 0: none */
    uint32_t delay_ms;
    uint32_t n_finishes; /* 0 counts as 1; what is above is one too many */
    uint32_t value_len;  /* reply.value; 0: the request's value again */
    const char *version; /* reply.version; NULL: as asked, else "1"; "": none */
    bool bare;           /* a failure without struct kp_error */
    /* Loop thread, inside submit. */
    kp_status (*call)(struct script_op *op);
    void *ctx;
};

/* How open and close go. */
enum script_opening {
    SCRIPT_OPENS = 0,
    SCRIPT_OPENS_LATER = 1, /* from a timer of delay_ms */
    SCRIPT_OPENS_FOREIGN = 2,
    SCRIPT_OPEN_HELD = 3,    /* script_vault_opened says when */
    SCRIPT_OPEN_REFUSED = 4, /* open returns status */
    SCRIPT_OPEN_FAILS = 5,   /* opened(status) */
    SCRIPT_OPENS_TWICE = 6,
    SCRIPT_OPENS_AND_REFUSES = 7 /* opened(ok), then open returns status */
};

enum script_closing {
    SCRIPT_CLOSES = 0,
    SCRIPT_CLOSES_LATER = 1,
    SCRIPT_CLOSES_FOREIGN = 2,
    SCRIPT_CLOSE_HELD = 3,
    SCRIPT_CLOSES_TWICE = 4
};

/* What run does. It waits at `block`, if there is one, before it answers. */
enum script_run { SCRIPT_RUN_ANSWERS = 0, SCRIPT_RUN_DECLINES = 1, SCRIPT_RUN_FAILS = 2 };

struct latch;

struct script_run_act {
    enum script_run how;
    kp_status status;
    bool bare;          /* a failure that leaves reterr alone */
    uint32_t n_answers; /* 0 counts as 1; UINT32_MAX: none */
    const char *version;
    struct latch *entered;   /* hit on the way in */
    struct latch *block;     /* waits for its first hit */
    void (*call)(void *ctx); /* on the way */
    void *ctx;
};

/* One vault of the script, found by location; made at first mention. */
struct script_vault_plan {
    struct script_act usual;
    struct script_run_act run;
    enum script_opening opening;
    kp_status open_status;
    uint32_t open_code;
    enum script_closing closing;
    uint32_t delay_ms; /* of later openings and closings */
};

/* ---- The script ---- */

/* Everything forgotten; caps and table as they come. Before any provider is opened. */
void script_begin(void);
/* Fails the test when the host broke a promise. After the providers are closed. */
void script_end(void);
/* Notes a broken promise. */
void script_broken(const char *what);

extern kp_plugin_get_fn script_plugin_get;

/* The table and the capabilities providers opened from now on will see. */
struct kp_plugin *script_table(void);
struct kp_caps *script_caps(void);
/* The table's own done, for tests that put theirs before it. */
void script_pass_done(void *instance, kp_op_id id, void *state);
/* Gives the table its run, for operations of mask. */
void script_serve_run(uint64_t ops);

/* ---- Vaults ---- */

struct script_vault *script_vault(const char *location);
/* The plan, to be changed while no operation of the vault is under way. */
struct script_vault_plan *script_plan(struct script_vault *vault);
void script_push(struct script_vault *vault, struct script_act act);
/* Changes the usual act at any time. */
void script_usually(struct script_vault *vault, struct script_act act);
/* The host table of the vault's last opening. */
const struct kp_host *script_host(struct script_vault *vault);
void script_vault_opened(struct script_vault *vault, kp_status status);
void script_vault_closed(struct script_vault *vault);

struct script_counts {
    uint32_t n_open;
    uint32_t n_submit; /* calls, accepted or not */
    uint32_t n_run;
    uint32_t n_running; /* inside run now */
    uint32_t n_running_max;
    uint32_t n_cancel;
    uint32_t n_done;
    uint32_t n_close;
    uint32_t n_reload;
    uint32_t n_held;  /* held or deaf, not finished */
    uint32_t n_alive; /* accepted, done not called yet */
};

struct script_counts script_counts(struct script_vault *vault);
/* Waits until a count (a pointer into a struct script_counts says which) has reached n. */
#define SCRIPT_WAIT(vault, member, n)                                                              \
    script_wait((vault), offsetof(struct script_counts, member), (n), true)
/* ... until it is exactly n. */
#define SCRIPT_WAIT_EXACTLY(vault, member, n)                                                      \
    script_wait((vault), offsetof(struct script_counts, member), (n), false)
void script_wait(struct script_vault *vault, size_t member_at, uint32_t n, bool or_more);

/* ---- Operations ---- */

/* The oldest that is held, or NULL. It stays readable until script_begin. */
struct script_op *script_held(struct script_vault *vault);
/* The i-th that was accepted since script_begin. */
struct script_op *script_op_at(struct script_vault *vault, uint32_t i);
/* Finishes a held one from the calling thread. */
kp_status script_finish(struct script_op *op, kp_status status);
kp_status script_finish_with(struct script_op *op, const struct script_act *act);
/* All that are held. */
void script_finish_held(struct script_vault *vault, kp_status status);
/* Calls the host's finish for any id, well or ill. */
kp_status script_finish_id(struct script_vault *vault, kp_op_id id);

kp_op_id script_op_id(const struct script_op *op);
/* Borrowed by the plugin until done. */
const struct kp_request *script_op_request(const struct script_op *op);
struct script_vault *script_op_vault(const struct script_op *op);
bool script_op_is_done(const struct script_op *op);
bool script_op_was_canceled(const struct script_op *op);
/* For an act.call that calls the host's finish itself: to be told before it does. */
void script_op_mark_finished(struct script_op *op);
/* What act.ctx held. */
void *script_op_ctx(const struct script_op *op);
/* A callback asked for in the operation's name, and its arrival: done must come after the last. */
void script_op_expect(struct script_op *op);
void script_op_arrived(struct script_op *op);

#endif /* KP_TESTS_SUPPORT_SCRIPTED_PLUGIN_H */
