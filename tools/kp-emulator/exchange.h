/*
 * One request and its answer. Made when a request is complete, handed to a handler, which ends it
 * with exactly one emu_send, now or when an operation has landed; freed after the answer is out.
 * The server's loop only.
 */
#ifndef KP_TOOLS_KP_EMULATOR_EXCHANGE_H
#define KP_TOOLS_KP_EMULATOR_EXCHANGE_H

#include "tools/kp-emulator/emulator.h"
#include "tools/kp-emulator/guid.h"
#include "tools/kp-emulator/request.h"

#define EMU_BODY_MAX_LEN (KP_BACKUP_MAX_LEN / 3u * 4u + 4096u) /* a backup and its frame */
#define EMU_KEYS_PER_PAGE KP_PAGE_MAX

struct emu_exchange;
typedef void emu_answer_fn(struct emu_exchange *x, struct kp_result *result);

struct emu_exchange {
    struct emu_exchange *next; /* in emu->exchanges */
    struct emu_exchange **self;
    /* fixed once it is made */
    struct emu *emu;
    struct evhttp_request *http;
    enum emu_role role;
    uint32_t region; /* of a Managed HSM */
    struct emu_request request;
    char request_id[EMU_GUID_LEN];
    int64_t began_ms;
    /* the request, as far as it has been understood */
    struct emu_vault *vault; /* NULL: none of a vault */
    const struct emu_app *app;
    const struct emu_operation *operation;
    const char *kind; /* what scenarios and counts call it */
    kp_span name;
    kp_span version;
    char version_text[KP_KEY_VERSION_MAX_LEN + 1]; /* of a version that was looked up */
    json_t *body;
    kp_buf bytes; /* decoded members of the body; does not move */
    /* an operation under way */
    emu_answer_fn *on_answer;
    struct kp_error error; /* a failure that is being looked into */
    struct kp_key_ref kek; /* of a wrapped key; into kek_text */
    char *kek_text;
    json_t *facts; /* what the book will note of a new version */
    /* the answer */
    struct emu_fault fault;
    int status;
    json_t *headers;
    json_t *reply;  /* JSON, or NULL: content instead */
    kp_buf content; /* bytes to send */
    const char *content_type;
    size_t sent_len; /* of a slow body */
    struct event *timer;
};

/* Sends what has been put into the exchange and ends it. */
void emu_send(struct emu_exchange *x);
/* Sends JSON; takes reply, NULL of which says that memory is out. */
void emu_send_json(struct emu_exchange *x, int status, json_t *reply);
/* Sends no body. */
void emu_send_empty(struct emu_exchange *x, int status);
/* Sends text. */
void emu_send_text(struct emu_exchange *x, int status, const char *content_type, kp_span text);
/* Adds a header to the answer; the last of a name wins. */
void emu_set_header(struct emu_exchange *x, const char *name, const char *value);
/* "https://host[:port]" as the client wrote it. Cut at EMU_BASE_MAX_LEN. */
#define EMU_BASE_MAX_LEN 300u
void emu_base_url(const struct emu_exchange *x, char out[EMU_BASE_MAX_LEN]);

/* ---- What the server library needs of the rest ---- */

/* Handles a complete request: every path through it ends in emu_send. */
void emu_dispatch(struct emu_exchange *x);
/* Makes one; NULL when memory is out. */
struct emu_exchange *emu_exchange_new(struct emu_listener *listener, struct evhttp_request *http);
void emu_exchange_free(struct emu_exchange *x);
/* Ends all that are left, unanswered: the emulator stops and no operation will land any more. */
void emu_exchanges_abandon(struct emu *emu);
/* Decides which faults a request meets; true when one has taken the answer over. */
bool emu_meet_fault(struct emu_exchange *x, const char *kind);

#endif /* KP_TOOLS_KP_EMULATOR_EXCHANGE_H */
