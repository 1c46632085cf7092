/*
 * The life of one operation: submit -> (delay) -> worker -> (lock taken by others: wait -> worker)*
 * -> finish -> done.
 *
 *     DELAYED  a timer of an injected fault runs          cancel hastens it
 *     SILENT   an injected hang                           cancel finishes
 *     WORKING  a worker computes; it finishes             cancel is seen between its steps
 *     WAITING  a timer runs until the next try of a lock  cancel hastens it
 *     ENDED    finish was called
 *
 *     DELAYED -> WORKING, ENDED    WORKING -> WAITING, ENDED
 *     SILENT -> ENDED              WAITING -> WORKING, ENDED
 */
#ifndef KP_PLUGINS_FILE_TEST_OP_H
#define KP_PLUGINS_FILE_TEST_OP_H

#include <stdatomic.h>

#include "plugins/file-test/vault.h"

enum ft_op_state { FT_OP_ENDED = 0, FT_OP_DELAYED, FT_OP_SILENT, FT_OP_WORKING, FT_OP_WAITING };

/* The answer under construction; reply points into it. */
struct ft_answer {
    struct kp_reply reply;
    struct kp_key_info info;
    struct kp_rotation_policy policy;
    const struct kp_key_info *keys[KP_PAGE_MAX];
    struct ft_arena arena; /* texts of info, keys and the page token */
    kp_buf value;          /* secret */
    uint8_t iv[16];
    uint8_t tag[16];
};

struct ft_op;

/*
 * The work of an operation, on a worker. lock: the vault's lock for the operations that take it.
 * May be called again with the lock when the first time it was taken by others.
 */
typedef kp_status ft_op_fn(struct ft_op *op, ft_handle lock, struct kp_error *reterr);

/* How an operation is carried out. */
struct ft_op_kind {
    ft_op_fn *prepare; /* before the lock is asked for, once; may be NULL */
    ft_op_fn *perform;
    bool takes_lock;
};

struct ft_op {
    /* Fixed after submit. */
    struct ft_vault *vault;
    kp_op_id id;
    const struct ft_op_kind *kind;
    struct kp_request request; /* spans are the host's, readable until done */
    struct kp_key_params params;
    struct kp_rotation_policy policy;
    struct ft_fault_plan plan;

    /* Any thread. */
    atomic_bool canceled;

    /* Loop thread. */
    enum ft_op_state state;
    kp_timer_id timer;
    uint32_t n_waits;
    uint64_t busy_since_ns;

    /* The worker while WORKING, then the loop. */
    bool is_prepared;
    bool is_busy;
    bool is_finished;
    struct kpc_key *fresh; /* a key that was made or imported */
    struct ft_answer answer;
};

/* The slots of the table. */
kp_status ft_op_submit(void *vault, kp_op_id id, const struct kp_request *request, void **ret_state,
                       struct kp_error *reterr) KP_MUST_USE;
void ft_op_cancel(void *vault, kp_op_id id, void *state);
void ft_op_done(void *vault, kp_op_id id, void *state);

/* How to carry out an operation, NULL when it is not served. */
const struct ft_op_kind *ft_op_kind_of(uint32_t op);

/* Copies what the caller's struct has and this build knows; the rest is zero. */
void ft_request_copy(const struct kp_request *from, struct kp_request *to);

/* canceled when the client took the operation back, else ok. For the steps of a worker. */
kp_status ft_op_check(const struct ft_op *op, struct kp_error *reterr) KP_MUST_USE;

/* ---- The works, by file ---- */

/* ops_read.c */
ft_op_fn ft_op_get_key, ft_op_list_keys, ft_op_list_versions, ft_op_get_deleted, ft_op_list_deleted,
    ft_op_get_policy;
/* ops_write.c */
ft_op_fn ft_op_update, ft_op_delete, ft_op_recover, ft_op_purge, ft_op_set_policy;
/* ops_make.c */
ft_op_fn ft_op_create_prepare, ft_op_import_prepare, ft_op_add_version, ft_op_rotate_prepare,
    ft_op_rotate;
/* ops_backup.c */
ft_op_fn ft_op_backup, ft_op_restore;
/* ops_use.c */
ft_op_fn ft_op_use, ft_op_random;

#endif /* KP_PLUGINS_FILE_TEST_OP_H */
