/*
 * Replies of the keys data plane, read into a kp_reply. A body is read in place by the small
 * scanner, and what is wanted of it decoded once into secret memory of the answer: plaintexts leave
 * no copy elsewhere. What a reply must hold for an operation is checked: the kid that did the work,
 * of the key and version that were asked for, on our own host; algorithm, iv and aad where the
 * service says them back; lengths where the algorithm fixes them; the public key that was imported.
 * Pure functions over the caller's struct, any thread. Source: Key Vault REST 7.6, recorded
 * replies.
 */
#ifndef KP_PLUGINS_AZURE_REST_ANSWER_H
#define KP_PLUGINS_AZURE_REST_ANSWER_H

#include <keyprovider/plugin.h>

#include "base/buf.h"

/* Bytes of a body that is a backup: KP_BACKUP_MAX_LEN as base64url, frame included. */
#define AZR_BACKUP_REPLY_MAX_LEN (KP_BACKUP_MAX_LEN / 3u * 4u)
#define AZR_REPLY_MAX_LEN (4u * 1024u * 1024u) /* ... of another one with a value */
/* ... of one that is a key, a list or a policy: 25 keys with all their tags have less */
#define AZR_KEY_REPLY_MAX_LEN (1024u * 1024u)
#define AZR_TAGS_ALL (KP_PAGE_MAX * KP_TAGS_MAX)

/* The answer; reply points into it, not into the body. Spans in it last until it is reset. */
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
/* Ask the host for no more bytes of a body than this. */
uint32_t azr_answer_max_len(uint32_t op);
/* Wipes, keeps the memory. */
void azr_answer_reset(struct azr_answer *answer);
/* Wipes and frees. */
void azr_answer_clear(struct azr_answer *answer);

/*
 * Reads the body of a reply of status 200 or 204; answer is reset first. base: https://HOST[:PORT]
 * of the vault. request: what was asked, as for azr_message_build. The reply has name, version and
 * kid also where an operation answers a key; attest answers the key and, as value, the JSON text of
 * its attestation.
 * A vault's reply to verify names no version: with none in the request it is refused, so ask for
 * the current one first. A key type, curve or key_op that is not known here reads as none.
 * Errors (exposure answered): protocol with the documented number of the operation and member;
 * integrity for a reply about another host, key or version, or one that contradicts the request;
 * no_memory.
 */
kp_status azr_answer_read(const char *base, const struct kp_request *request, kp_span body,
                          struct azr_answer *answer, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ANSWER_H */
