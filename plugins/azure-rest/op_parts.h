/*
 * One operation's parts, and its side towards the wire: what it sends, what it reads out of what
 * came back. op.c moves it from state to state. Loop thread.
 */
#ifndef KP_PLUGINS_AZURE_REST_OP_PARTS_H
#define KP_PLUGINS_AZURE_REST_OP_PARTS_H

#include "plugins/azure-rest/answer.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/message.h"
#include "plugins/azure-rest/op.h"

#define AZR_OP_HEADERS 3u

/* What is asked before the request proper. */
enum azr_asking {
    AZR_ASKING_NOTHING = 0,
    AZR_ASKING_VERSION, /* which one is current */
    AZR_ASKING_POLICY   /* whether there is one to rotate by */
};

struct azr_op {
    /* Fixed after submit. */
    struct azr_vault *vault;
    kp_op_id id;
    struct kp_request request; /* spans are the host's, readable until done */
    struct kp_key_params params;
    struct kp_rotation_policy policy;

    /* Loop thread. */
    enum azr_op_state state;
    bool is_canceled;
    bool is_renewed; /* a 401 has been answered with a fresh token */
    bool has_claims; /* ... and one of them that asked for claims */
    bool is_pacing;  /* waits for its turn; nothing was sent */
    bool is_looking; /* the request is done; looks whether it has spread */
    enum azr_asking asking;
    bool has_asked;
    char version[KP_KEY_VERSION_MAX_LEN + 1u]; /* the answer, for AZR_ASKING_VERSION */
    uint64_t patience_ns; /* until then a name that is taken is waited for; 0: not met yet */
    struct azr_waiter waiter;
    struct azr_token *token; /* one reference, or NULL */
    kp_http_id http;         /* 0: none under way */
    kp_timer_id timer;       /* 0: none armed */

    /* The wire. */
    struct azr_message message;
    char client_request_id[AZR_GUID_LEN + 1u];
    struct kp_http_header headers[AZR_OP_HEADERS];
    struct azr_answer answer;

    struct azr_op *next_idle;
};

/* Once in the life of the struct. */
void azr_op_message_init(struct azr_op *op);
void azr_op_message_clear(struct azr_op *op);
/* Wipes for the next operation. False: it has grown too large to be kept. */
bool azr_op_message_reset(struct azr_op *op);

/* Builds the request proper. Errors: usage, unsupported, no_memory: nothing can be sent. */
kp_status azr_op_build(struct azr_op *op, struct kp_error *reterr) KP_MUST_USE;
/* Fills *ret with the request proper, or with the look; its spans last until the next call. */
kp_status azr_op_http(struct azr_op *op, struct kp_http_request *ret, struct kp_error *reterr)
    KP_MUST_USE;
/* Reads a reply of status 200 or 204. Errors: protocol, integrity, no_memory. */
kp_status azr_op_parse(struct azr_op *op, const struct kp_http_reply *reply,
                       struct kp_error *reterr) KP_MUST_USE;
/*
 * Reads what was asked and builds the request proper. reply NULL: it is not there, or not for us to
 * see; the service will say itself what it thinks of the request. Errors: as azr_op_parse; usage:
 * there is no policy.
 */
kp_status azr_op_resolve(struct azr_op *op, const struct kp_http_reply *reply,
                         struct kp_error *reterr) KP_MUST_USE;
/* Maps any other reply; never KP_OK. */
kp_status azr_op_error(struct azr_op *op, const struct kp_http_reply *reply,
                       enum azr_trouble *ret_trouble, struct kp_error *reterr) KP_MUST_USE;
/* Puts the failure of a request without a reply into words; returns its status. */
kp_status azr_op_silence(struct azr_op *op, kp_status status, struct kp_error *error) KP_MUST_USE;

/*
 * It needs a name that a key being deleted or purged may still hold: then it waits and is repeated.
 * A vault does not tell a restore that meets a live key from one that meets a purge that spreads;
 * such a name is waited for as long as a purge takes.
 */
bool azr_op_may_wait(struct azr_op *op, enum azr_trouble trouble);
/* Remembers what the answer made or took away, for azr_op_is_early. */
void azr_op_note(struct azr_op *op);
/*
 * It was not found, but is about a key that this vault made a moment ago and that the region which
 * answered may not know yet; *ret_age_s says how long ago.
 */
bool azr_op_is_early(const struct azr_op *op, unsigned *ret_age_s);
/* The answer is in, but shows in the vault only after a while. */
bool azr_op_spreads(const struct azr_op *op);
/* The answer, valid until the operation is done. */
const struct kp_reply *azr_op_reply(const struct azr_op *op);

#endif /* KP_PLUGINS_AZURE_REST_OP_PARTS_H */
