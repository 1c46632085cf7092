/*
 * An open vault, and one operation on it.
 *
 * submit makes a job and hands it to a worker, where all calls into the module happen; the worker
 * finishes the operation, and done, back on the loop, frees the job.
 */
#ifndef KP_EXAMPLES_PLUGIN_PKCS11_VAULT_H
#define KP_EXAMPLES_PLUGIN_PKCS11_VAULT_H

#include "keys.h"
#include "module.h"
#include "token.h"

#define P11_PATH_MAX_LEN 4096

struct p11_vault {
    const struct kp_host *host;
    struct p11_module *module;
    struct p11_token token;
    uint8_t *pin; /* secret memory of pin_len bytes */
    size_t pin_len;
    char path[P11_PATH_MAX_LEN];
    kp_status opened; /* of the worker that opens, with its error */
    struct kp_error error;
};

struct p11_job {
    struct p11_vault *vault;
    kp_op_id op;
    const struct kp_request *request; /* readable until done */
    struct p11_session session;
    struct kp_error error;

    /* what the reply points to */
    struct kp_reply reply;
    struct kp_key_info info;
    struct p11_key key;
    struct p11_public public;
    uint8_t *value; /* secret memory of P11_MODULUS_MAX_LEN bytes */
    struct p11_key_list list;
    struct kp_key_info page[KP_PAGE_MAX];
    const struct kp_key_info *page_list[KP_PAGE_MAX];
};

/* open.c: the slots open and close. */
kp_status p11_open(const struct kp_host *host, const struct kp_vault_settings *settings,
                   void **ret_vault, struct kp_error *reterr);
void p11_close(void *vault);
extern const struct kp_setting_spec *const p11_settings[];

/* The operations, on a worker with a session; they fill job->reply or job->error. */
kp_status p11_get_key(struct p11_job *job);       /* show.c */
kp_status p11_list_keys(struct p11_job *job);     /* show.c */
kp_status p11_list_versions(struct p11_job *job); /* show.c */
kp_status p11_create(struct p11_job *job);        /* make.c */
kp_status p11_rotate(struct p11_job *job);        /* make.c */
kp_status p11_encrypt(struct p11_job *job);       /* use.c; also wrap */
kp_status p11_decrypt(struct p11_job *job);       /* use.c; also unwrap */
kp_status p11_random(struct p11_job *job);        /* use.c */

/* Puts job->key with its public part into the reply. */
kp_status p11_describe(struct p11_job *job); /* show.c */

#endif /* KP_EXAMPLES_PLUGIN_PKCS11_VAULT_H */
