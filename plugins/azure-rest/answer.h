/*
 * Replies of the keys data plane, read into a kp_reply. Everything is read in place by the small
 * scanner and decoded once into secret memory of the answer. What a reply must hold for an
 * operation is checked: the kid that did the work, of the key that was asked for, on our own host.
 * Pure functions over the caller's struct. Source: Key Vault REST 7.6, recorded replies.
 */
#ifndef KP_PLUGINS_AZURE_REST_ANSWER_H
#define KP_PLUGINS_AZURE_REST_ANSWER_H

#include <keyprovider/plugin.h>

#include "base/buf.h"

#define AZR_REPLY_MAX_LEN (4u * 1024u * 1024u) /* bytes of a body; ask the host for no more */
#define AZR_TAGS_ALL (KP_PAGE_MAX * KP_TAGS_MAX)

/* The answer; reply points into it. Spans in it last until it is reset. */
struct azr_answer {
    struct kp_reply reply;
    struct kp_key_info infos[KP_PAGE_MAX];
    const struct kp_key_info *keys[KP_PAGE_MAX];
    struct kp_rotation_policy policy;
    struct kp_tag tags[AZR_TAGS_ALL];
    uint32_t n_tags;
    kp_buf bytes; /* secret; never moves once a span points into it */
};

void azr_answer_init(struct azr_answer *answer);
/* Wipes, keeps the memory. */
void azr_answer_reset(struct azr_answer *answer);
void azr_answer_clear(struct azr_answer *answer);

/*
 * Reads the body of a reply of status 200 or 204. base: https://HOST[:PORT] of the vault.
 * Errors: protocol with the documented code of the operation and member; integrity for a reply
 * about another key or version; no_memory.
 */
kp_status azr_answer_read(const char *base, const struct kp_request *request, kp_span body,
                          struct azr_answer *answer, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ANSWER_H */
