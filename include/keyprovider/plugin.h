/*
 * The plugin contract: all that the author of a vault plugin reads.
 *
 * A plugin is a shared object with one exported symbol, kp_plugin_get, that returns a table. The
 * host opens one instance per vault, hands it operations, and offers it everything that waits:
 * HTTP, files, timers, workers. A plugin has no threads, no event loop and no sockets of its own.
 *
 * The sentences of the contract (each has a test in tests/contract):
 *   1. submit returning KP_OK means exactly one finish; any other return means none.
 *   2. finish may be called from any thread, even inside submit: it copies what it is given and
 *      queues it. A second, late or foreign finish is refused, counted and harmless.
 *   3. Every slot but run is called on the vault's loop thread and must not block.
 *   4. cancel only hastens the finish; it does not replace it.
 *   5. done is called exactly once per accepted operation, on the loop thread, after its finish and
 *      after the last callback that was asked for in its name. The state pointer is free from then
 *      on.
 *   6. Spans and structs are borrowed for the call. Nothing allocated on one side is freed on the
 *      other. The request handed to submit stays readable until done.
 *   7. open returning KP_OK means exactly one opened; close means exactly one closed, after which
 *      the host touches the vault no more.
 *   8. run, where present, is called from any number of threads at once, computes on loaded keys,
 *      and never waits for a network, a lock held during input or output, or another operation. It
 *      runs beside submit, cancel and reload: guard what they share. close comes when all are out.
 *
 * Failures: reterr is never NULL and comes empty. An error of your own starts with struct_size,
 * retry_after_ms KP_NO_RETRY_HINT and the exposure: 0 there claims that nothing was sent, and then
 * even a create is tried again, by another submit under another id.
 *
 * Processes: a forked child never sees a vault of its parent. It may open a provider of its own,
 * and the plugin, with its static variables as they were at the fork, then opens vaults there.
 *
 * Linking: a plugin includes plugin.h and links nothing of ours. The KP_API functions of types.h
 * and status.h belong to the library; a program that has it linked in need not offer them.
 *
 * Versions: the first eight bytes of the table and of struct kp_host never change. abi_major must
 * match; a smaller struct_size or abi_minor on either side is an older party and simply lacks the
 * members that came later (they read as 0). abi_major stays 0 until a plugin of a stranger has been
 * written against it; then 1.0 is frozen.
 */
#ifndef KP_KEYPROVIDER_PLUGIN_H
#define KP_KEYPROVIDER_PLUGIN_H

#include <keyprovider/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KP_ABI_MAJOR 0u
#define KP_ABI_MINOR 2u

/* Names one operation in flight; to a plugin, one attempt at it. Opaque. 0 is never one. */
typedef uint64_t kp_op_id;
/* Names a timer or an HTTP request of a vault. 0 is never one. */
typedef uint64_t kp_timer_id;
typedef uint64_t kp_http_id;

/* ---- What a plugin can do ---- */

enum kp_setting_type {
    KP_SETTING_TEXT = 1,
    KP_SETTING_INTEGER = 2, /* decimal, within [min, max] */
    KP_SETTING_BOOLEAN = 3, /* "true" or "false" */
    KP_SETTING_SECRET = 4   /* text the host fetches from a file or the environment, never inline */
};

#define KP_SETTING_RELOADABLE 0x01u
/*
 * Text that is the path of a file this process will trust, such as a library the plugin loads. The
 * host refuses to open the vault when somebody else could have written the file, a folder above it
 * or a link on the way, by the rule it has for plugins. A relative path starts at the folder that
 * is current then. Hosts before 0.2 do not look: ask host->abi_minor.
 */
#define KP_SETTING_TRUSTED_FILE 0x02u

/* One setting of a vault's "settings" object in the configuration. Dots in name are nested
 * objects. */
struct kp_setting_spec {
    uint32_t struct_size;
    uint32_t type;  /* enum kp_setting_type */
    uint32_t flags; /* KP_SETTING_* bits */
    uint32_t reserved;
    const char *name;
    const char *fallback; /* value when absent; NULL: absent */
    const char *doc;      /* one sentence */
    int64_t min;
    int64_t max;
};

#define KP_CAP_CANCEL 0x01u /* cancel hastens; without it the host only waits */

/*
 * Data the router, the configuration check and `kp plugins` read. Static storage of the plugin, so
 * they say the most that any vault of it can do. A vault that lacks some of it, such as a token
 * without an algorithm, ends that operation with unsupported.
 */
struct kp_caps {
    uint32_t struct_size;
    uint32_t flags;   /* KP_CAP_* */
    uint64_t ops;     /* KP_OP_BIT of every operation served */
    uint64_t run_ops; /* the part of ops that run serves */
    uint64_t algs;    /* KP_ALG_BIT of every algorithm */
    uint32_t ktys;    /* 1u << enum kp_kty */
    uint32_t curves;  /* 1u << enum kp_curve */
    uint32_t rsa_bits_min;
    uint32_t rsa_bits_max;
    uint32_t
        max_payload_len;    /* bytes of value; 0: KP_PAYLOAD_MAX_LEN, restore: KP_BACKUP_MAX_LEN */
    uint32_t max_in_flight; /* default of the setting of that name; 0: the host's */
    /* NULL-terminated: "file" serves file:LOCATION. A small letter, then at least one more, digit,
     * '+', '.' or '-'. */
    const char *const *schemes;
    const char *const *host_suffixes;              /* NULL-terminated: ".vault.azure.net" */
    const struct kp_setting_spec *const *settings; /* NULL-terminated */
};

/* ---- What a plugin is given when a vault is opened ---- */

struct kp_setting {
    kp_span name;
    kp_span value;
};

#define KP_VAULT_MAY_CREATE 0x01u /* the caller agreed that a vault may come into being here */

/* Borrowed for the call of open. Spans are not NUL-terminated. */
struct kp_vault_settings {
    uint32_t struct_size;
    uint32_t flags;                    /* KP_VAULT_* */
    kp_span name;                      /* as the configuration or the caller names the vault */
    kp_span location;                  /* what follows the scheme, or the host name */
    kp_span identity;                  /* credential, the caller's or the vault's own, or empty */
    kp_span secret;                    /* goes with identity; secret memory */
    const struct kp_setting *settings; /* in the order of caps->settings, absent ones left out */
    uint32_t n_settings;
    uint32_t reserved;
};

/* ---- Callbacks a plugin hands to the host; all on the vault's loop thread but kp_work_fn ---- */

struct kp_http_request;
struct kp_http_reply;

typedef void kp_timer_fn(void *arg);
/*
 * On a worker thread; may block, must be bounded: a few workers serve all vaults of the provider,
 * open files for them and fetch their secrets, so one that never comes back is missed by others.
 * Lower caps->max_in_flight where a service can hang. May call finish, and what else of the host
 * says "any thread".
 */
typedef void kp_work_fn(void *arg);
typedef void kp_work_done_fn(void *arg);
/* bytes are borrowed for the call and empty unless status is KP_OK. */
typedef void kp_file_done_fn(void *arg, kp_status status, kp_span bytes,
                             const struct kp_error *error);
/* reply is borrowed for the call and NULL unless status is KP_OK. */
typedef void kp_http_done_fn(void *arg, kp_status status, const struct kp_http_reply *reply,
                             const struct kp_error *error);
/* What run answers with: copies reply before it returns. */
typedef void kp_answer_fn(void *ctx, const struct kp_reply *reply);

/*
 * ---- HTTP ----
 *
 * https only, verified, TLS 1.2 or later; redirects are answers, never followed. The host resolves,
 * pools connections, goes through the configured proxy and bounds headers and body. Any HTTP status
 * is an answer (KP_OK with a reply). Without one, the callback's error has the class, how far the
 * request got (exposure) and the documented number of the area "http" or "dns": 3900 the name did
 * not resolve, 3103 no connection, 3106 TLS or sending failed, 3107 no status line came, 3114
 * headers could not be had, 3119 the body broke off, 3100, 3115, 3116 and 3120 to 3122 no memory at
 * that step; docs/HTTP.md has the whole table. A plugin may put a number of its own step in its
 * place. A request that is not allowed ends in usage, also by the callback.
 *
 * Host, Content-Length and what else says how a message is carried are the host's to write. Nothing
 * is added to the headers given but Host, Content-Length and Authorization; a body without a
 * Content-Type has none. At most 64 headers with 64 KiB, a URL of 8 KiB.
 *
 * A time-out is the request's whole time, waiting for a connection included. Running out of it is
 * transient; the connections it had are then used for nothing new.
 */

#define KP_HTTP_CLEARTEXT_METADATA 0x01u /* http:// to loopback, link-local, configured hosts */
#define KP_HTTP_NO_PROXY 0x02u
#define KP_HTTP_SECRET_REPLY 0x04u /* the body goes into secret memory */

struct kp_http_header {
    kp_span name;
    kp_span value;
};

struct kp_http_request {
    uint32_t struct_size;
    uint32_t flags;              /* KP_HTTP_* */
    uint32_t timeout_ms;         /* 0: what is left of the operation's deadline */
    uint32_t connect_timeout_ms; /* 0: the host's */
    uint32_t max_reply_len;      /* bytes of body; 0: the host's bound */
    uint32_t n_headers;
    kp_span method;
    kp_span url;
    kp_span body;   /* may be secret: it is wiped with the request */
    kp_span bearer; /* token for Authorization: Bearer; secret; never sent in clear text */
    /*
     * Digest of the server's certificate, checked in place of chain and name: 20 bytes are SHA-1
     * (Service Fabric offers no other), 32 bytes SHA-256. Empty: chain and name are verified.
     */
    kp_span pin;
    const struct kp_http_header *headers;
    uint32_t dns_lifetime_ms; /* time an address of the host is used; 0: the host's; the shortest
                                 that anybody asks for holds */
    uint32_t reserved;
};

/* Where the time of a request went. Nanoseconds; 0 for what did not happen. */
struct kp_http_times {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t queue_ns; /* waiting for a place in the pool */
    uint64_t resolve_ns;
    uint64_t connect_ns; /* TCP */
    uint64_t tls_ns;
    uint64_t first_byte_ns; /* from the request sent to the first byte of the answer */
    uint64_t total_ns;
};

struct kp_http_reply {
    uint32_t struct_size;
    uint32_t http_status;
    uint32_t n_headers;
    uint32_t reserved;
    const struct kp_http_header *headers; /* in the order received; names as sent */
    kp_span body;
    struct kp_http_times times;
};

/* ---- What the host offers ---- */

/*
 * Memory for the plugin's own use, valid for the life of the process, from any thread. Memory of
 * these is zeroed and aligned as malloc's, NULL when there is none; n is not 0. Secret memory is
 * locked as far as the system allows and wiped when freed, which takes the n of its allocation.
 * Both ways of freeing accept NULL. site is a literal that names the allocation for tests.
 */
struct kp_memory {
    uint32_t struct_size;
    uint32_t reserved;
    void *ctx;
    void *(*alloc)(void *ctx, const char *site, size_t n);
    void (*free)(void *ctx, void *p);
    void *(*secret_alloc)(void *ctx, const char *site, size_t n);
    void (*secret_free)(void *ctx, void *p, size_t n);
};

#define KP_LOG_ERROR 1u
#define KP_LOG_WARN 2u
#define KP_LOG_INFO 3u
#define KP_LOG_DEBUG 4u
#define KP_LOG_TRACE 5u

#define KP_READ_SECRET 0x01u /* the bytes go into secret memory */

/*
 * The host as one vault sees it. Valid from open until closed. Pass `self` as the first argument.
 * `op` names the operation on whose behalf the call is made: its callbacks come before its done,
 * and they still come, once, when it was cancelled meanwhile. 0 stands for the vault itself; what
 * was asked for in its name and has not come when closed is called never comes. No callback comes
 * from inside the function that asked for it. Where a function returns kp_status, anything but
 * KP_OK means that no callback will come.
 */
struct kp_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *self;
    const struct kp_memory *memory;

    /*
     * Ends an operation. status KP_OK: reply holds the answer, error is NULL. Otherwise reply is
     * NULL and error may be NULL: then the request may have been sent. status counts, not
     * error->status. Any thread. Returns usage when id was never asked of this vault
     * or has been finished already; nothing happens then.
     */
    kp_status (*finish)(void *self, kp_op_id op, kp_status status, const struct kp_reply *reply,
                        const struct kp_error *error);
    /* Ends open: KP_OK, or why the vault cannot be used. Any thread. */
    void (*opened)(void *self, kp_status status, const struct kp_error *error);
    /* Ends close. Any thread; nothing of the vault may be touched afterwards. */
    void (*closed)(void *self);

    /* Sends a request; everything of it is copied. Loop thread only. */
    kp_status (*http)(void *self, kp_op_id op, const struct kp_http_request *request,
                      kp_http_done_fn *cb, void *arg, kp_http_id *ret_id);
    /* Hastens the callback of a request, which then comes with canceled. Loop thread only. */
    void (*http_cancel)(void *self, kp_http_id id);
    /* Reads a whole file of at most max_len bytes on a worker. Loop thread only. */
    kp_status (*read_file)(void *self, kp_op_id op, kp_span path, size_t max_len, uint32_t flags,
                           kp_file_done_fn *cb, void *arg);
    /* Calls cb once after delay_ms. Loop thread only. */
    kp_status (*timer)(void *self, kp_op_id op, uint32_t delay_ms, kp_timer_fn *cb, void *arg,
                       kp_timer_id *ret_id);
    /* Calls the timer's callback soon instead of later. Loop thread only. */
    void (*timer_hasten)(void *self, kp_timer_id id);
    /*
     * Runs work on a worker thread, then done on the loop thread; both are needed (usage), also
     * when work has called finish. Open and close may ask for it, with op 0. What stands before
     * the call is seen by work, and what work did by done. Loop thread only.
     */
    kp_status (*work)(void *self, kp_op_id op, kp_work_fn *work, kp_work_done_fn *done, void *arg);

    /* Monotonic nanoseconds. Any thread. */
    uint64_t (*clock_ns)(void *self);
    /* Wall clock, seconds since 1970 UTC. Any thread. */
    int64_t (*unix_s)(void *self);
    /* n unpredictable bytes. Any thread. */
    kp_status (*random)(void *self, uint8_t *out, size_t n);
    /* Milliseconds left to the operation's deadline, 0 when it passed. Any thread. */
    uint32_t (*time_left_ms)(void *self, kp_op_id op);
    /* One line; event is a short snake_case word, text one sentence without secrets. Any thread. */
    void (*log)(void *self, uint32_t level, const char *event, kp_span text);
};

/* ---- The table ---- */

struct kp_plugin {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *name;    /* [a-z0-9-], what the configuration calls it */
    const char *version; /* of the plugin */
    const char *doc;     /* one sentence */
    const struct kp_caps *caps;

    /*
     * Starts to open a vault. *ret_vault is the instance, passed to every other slot from now on.
     * Set it before opened. Other slots are called only after opened(KP_OK); after opened with a
     * failure, only close is. A return other than KP_OK means no opened and no close, and whatever
     * was made is the plugin's to free. The host waits for opened also when its callers have given
     * up waiting. A credential that the vault has no use for should be refused (config): passed
     * over, a wrong one would be let in.
     */
    kp_status (*open)(const struct kp_host *host, const struct kp_vault_settings *settings,
                      void **ret_vault, struct kp_error *reterr);
    /*
     * Starts an operation. *ret_state is the plugin's own, handed back to cancel and done; set it
     * before anything that may call back.
     */
    kp_status (*submit)(void *vault, kp_op_id op, const struct kp_request *request,
                        void **ret_state, struct kp_error *reterr);
    /* The client no longer wants it, or its deadline passed. */
    void (*cancel)(void *vault, kp_op_id op, void *state);
    /* The operation is over; see sentence 5. */
    void (*done)(void *vault, kp_op_id op, void *state);
    /* Starts to close; no operation is in flight and none will come. */
    void (*close)(void *vault);

    /* ---- optional ---- */

    /*
     * Serves the operations of caps->run_ops at once on the calling thread. Success: calls answer
     * exactly once and returns KP_OK. Declines with unsupported (the key is not loaded, the work
     * may wait) without touching reterr: the host then takes the way through submit.
     */
    kp_status (*run)(void *vault, const struct kp_request *request, kp_answer_fn *answer,
                     void *answer_ctx, struct kp_error *reterr);
    /*
     * New values for the settings marked reloadable. settings is complete, as for open; secrets
     * were fetched again. Loop thread; must not block.
     */
    kp_status (*reload)(void *vault, const struct kp_vault_settings *settings,
                        struct kp_error *reterr);
};

/*
 * The one exported symbol. host_abi_major and host_abi_minor say what the host speaks; return the
 * table for them, or NULL when there is none. Called once by each provider that loads the plugin,
 * so perhaps from several threads; it returns the same table each time.
 */
typedef const struct kp_plugin *kp_plugin_get_fn(uint32_t host_abi_major, uint32_t host_abi_minor);

#if defined(_WIN32)
#define KP_PLUGIN_EXPORT __declspec(dllexport)
#else
#define KP_PLUGIN_EXPORT KP_API
#endif

#ifdef __cplusplus
}
#endif

#endif /* KP_KEYPROVIDER_PLUGIN_H */
