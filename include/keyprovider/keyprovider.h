/*
 * The client face: open a provider, get a vault, submit operations, close.
 *
 * A provider owns its loop threads and workers. Every function may be called from any thread unless
 * it says otherwise; completions run on a loop thread and must not block. Inside a process that has
 * forked, every function of a provider opened before the fork answers usage; open a new one.
 *
 *     struct kp_error err;
 *     kp_provider *p = NULL;
 *     kp_vault *v = NULL;
 *     if (kp_provider_open(NULL, &p, &err) != KP_OK) ...
 *     if (kp_vault_acquire(p, "file:./vault", NULL, &v, &err) != KP_OK) ...
 *     struct kp_request req;
 *     struct kp_result res;
 *     kp_request_init(&req, KP_OP_WRAP);
 *     ... req.name, req.alg, req.value ...
 *     if (kp_call(v, &req, &res) == KP_OK) use(res.reply.value);
 *     kp_result_clear(&res);
 */
#ifndef KP_KEYPROVIDER_KEYPROVIDER_H
#define KP_KEYPROVIDER_KEYPROVIDER_H

#include <keyprovider/plugin.h>
#include <keyprovider/status.h>
#include <keyprovider/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this library as "major.minor.patch". Static storage. */
KP_API const char *kp_version(void);

typedef struct kp_provider kp_provider;
typedef struct kp_vault kp_vault;

/* ---- Before the first provider ---- */

/*
 * Replaces the allocator of the library (copied); without secret_alloc and secret_free, secrets
 * stay in the built-in arena. Both ways of allocating zero, as struct kp_memory says. Call it
 * before anything else and from one thread; usage once a provider has been opened, or when half of
 * a pair is missing. NULL restores the built-in one.
 */
KP_API KP_MUST_USE kp_status kp_set_memory(const struct kp_memory *memory);

/* ---- Provider ---- */

/*
 * One log line, without a line end; text or JSON as configured. Any thread, one call at a time,
 * some of them under locks of ours: it must not call back in.
 */
typedef void kp_log_fn(void *ctx, const char *line, size_t len);

#define KP_OPEN_NO_PLUGIN_FILES 0x01u    /* load nothing from disk: static plugins only */
#define KP_OPEN_DEFAULT_PLUGIN_DIR 0x02u /* plugin_dir gives way to the configuration's own */

/* How to open a provider. Zero and NULL mean the default. Borrowed for the call but for log_ctx. */
struct kp_options {
    uint32_t struct_size;
    uint32_t flags;                          /* KP_OPEN_* */
    const char *config_path;                 /* NULL: no file, defaults only */
    const char *config_text;                 /* the configuration itself; excludes config_path */
    const char *plugin_dir;                  /* NULL: the installed one */
    kp_plugin_get_fn *const *static_plugins; /* NULL-terminated; plugins linked into the program */
    kp_log_fn *log;                          /* NULL: no log */
    void *log_ctx;                           /* passed to log until close has reported */
    const char *log_levels; /* such as "info,pipeline=debug"; NULL: as configured */
    uint32_t log_json;      /* 1: JSON lines */
    uint32_t n_loops;       /* loop threads; 0: as configured */
};

/* Empty options with struct_size set. */
KP_API void kp_options_init(struct kp_options *options);

/*
 * Opens a provider: reads and checks the configuration, loads plugins, starts threads. Contacts no
 * vault. options may be NULL. May block on files.
 * Errors: config (the sentence names the path of the offending value), no_memory, usage.
 */
KP_API KP_MUST_USE kp_status kp_provider_open(const struct kp_options *options,
                                              kp_provider **ret_provider, struct kp_error *reterr);

/*
 * Reads the configuration again and applies what can change while running; everything or nothing.
 * Errors: config, with the running configuration untouched; usage when the provider was opened
 * without config_path.
 */
KP_API KP_MUST_USE kp_status kp_provider_reload(kp_provider *provider, struct kp_error *reterr);

/* What close found. abandoned 0: every thread ended, all memory is free, nothing will call back. */
struct kp_close_report {
    uint32_t struct_size;
    uint32_t abandoned; /* operations, vaults, workers and callers still busy at the deadline */
    uint32_t canceled;  /* operations ended by close */
    uint32_t reserved;
    char text[KP_ERROR_TEXT_LEN]; /* names the first abandoned ones; empty when quiet */
};

typedef void kp_closed_fn(void *ctx, const struct kp_close_report *report);

/*
 * Closes: refuses new work, cancels what runs (each completion still comes, once), closes the
 * vaults, ends the threads, calls cb from a thread of its own, and the provider is gone. What is
 * still busy after timeout_ms is abandoned: named in the report, its memory left in place, nothing
 * unmapped. Results not yet cleared stay valid. Release every kp_vault first.
 */
KP_API void kp_provider_close(kp_provider *provider, uint32_t timeout_ms, kp_closed_fn *cb,
                              void *ctx);
/* The same, blocking. Not from a completion. ret_report may be NULL. provider NULL is allowed. */
KP_API void kp_provider_close_wait(kp_provider *provider, uint32_t timeout_ms,
                                   struct kp_close_report *ret_report);

/* ---- Vaults ---- */

/* Credential and wishes for a vault. Borrowed for the call; the secret is copied to secret
 * memory. */
struct kp_vault_options {
    uint32_t struct_size;
    uint32_t flags; /* KP_VAULT_MAY_CREATE */
    kp_span identity;
    kp_span secret;
};

/*
 * Finds or sets up a vault: a name from the configuration, SCHEME:LOCATION such as file:./vault, or
 * a host name whose suffix a plugin serves. The plugin opens it with the first operation. Vaults of
 * the same text and credential are one; each acquire needs a release.
 * Errors: config (no such name, no plugin for it), usage, no_memory, throttled (too many vaults).
 */
KP_API KP_MUST_USE kp_status kp_vault_acquire(kp_provider *provider, const char *text,
                                              const struct kp_vault_options *options,
                                              kp_vault **ret_vault, struct kp_error *reterr);
/* Ends one acquire. Operations under way go on. NULL is allowed. */
KP_API void kp_vault_release(kp_vault *vault);

/* ---- Operations ---- */

/* Empty request for an operation, struct_size set. */
KP_API void kp_request_init(struct kp_request *request, uint32_t op);
/* Empty parameters: struct_size set, times KP_TIME_NONE. */
KP_API void kp_key_params_init(struct kp_key_params *params);

/* The outcome of an operation. error is filled unless status is KP_OK, reply only then. */
struct kp_result {
    uint32_t struct_size;
    kp_status status;
    struct kp_reply reply; /* spans point into memory */
    struct kp_error error;
    void *memory; /* owned by the result; may be secret */
    size_t memory_len;
};

/*
 * Completion. On the vault's loop thread (never from inside the submitting call); must not block.
 * result is borrowed for the call; kp_result_take keeps it.
 */
typedef void kp_done_fn(void *ctx, kp_op_id id, struct kp_result *result);

/*
 * Starts an operation; everything in request is copied. KP_OK means exactly one call of cb, by the
 * deadline; anything else means none. ret_id may be NULL; it is written before cb can be called,
 * which may be before kp_submit has returned.
 * Errors: usage (malformed request), unsupported (this vault cannot), throttled (the queue is full
 * and KP_REQ_WAIT_FOR_ROOM is not set), no_memory.
 */
KP_API KP_MUST_USE kp_status kp_submit(kp_vault *vault, const struct kp_request *request,
                                       kp_done_fn *cb, void *ctx, kp_op_id *ret_id,
                                       struct kp_error *reterr);

/*
 * The blocking twin: starts an operation and waits for its end or its deadline. Fills *ret_result
 * in every case; release it with kp_result_clear. Returns its status. Not from a completion
 * (usage).
 */
KP_API KP_MUST_USE kp_status kp_call(kp_vault *vault, const struct kp_request *request,
                                     struct kp_result *ret_result);

/*
 * Asks an operation to end now. Its completion still comes, once, with canceled unless it was
 * faster. An id that is over or unknown is ignored.
 */
KP_API void kp_cancel(kp_provider *provider, kp_op_id id);

/* Moves a borrowed result out of a completion; *ret_result is then the caller's to clear. */
KP_API void kp_result_take(struct kp_result *result, struct kp_result *ret_result);
/* Wipes and frees what the result owns. NULL, zeroed and cleared results are allowed. */
KP_API void kp_result_clear(struct kp_result *result);

/* ---- Key references ---- */

/* Views into the text they were read from. */
struct kp_key_ref {
    kp_span vault;
    kp_span name;
    kp_span version; /* empty: none given */
};

/*
 * Reads a key URL (https://HOST/keys/NAME[/VERSION]; vault is the host) or VAULT/NAME[/VERSION].
 * Errors: usage, the sentence says what is wrong.
 */
KP_API KP_MUST_USE kp_status kp_key_ref_parse(kp_span text, struct kp_key_ref *ret_ref,
                                              struct kp_error *reterr);
/* Reads NAME[/VERSION]; vault stays empty. */
KP_API KP_MUST_USE kp_status kp_key_name_parse(kp_span text, struct kp_key_ref *ret_ref,
                                               struct kp_error *reterr);

/* ---- Looking inside ---- */

/* Receives text piece by piece, borrowed for the call. */
typedef void kp_text_fn(void *ctx, kp_span text);

/*
 * Calls each with the table of every loaded plugin and where it came from ("static" or a path),
 * both valid until the provider is closed.
 */
typedef void kp_plugin_each_fn(void *ctx, const struct kp_plugin *plugin, const char *origin);
KP_API void kp_plugins_each(kp_provider *provider, kp_plugin_each_fn *each, void *ctx);

struct kp_vault_info {
    uint32_t struct_size;
    uint32_t configured; /* 1: stands in the configuration */
    const char *name;
    const char *plugin;
    const char *location;
    const char *state;   /* "idle", "opening", "open", "failed", "closing" */
    const char *breaker; /* "closed", "open", "half_open" */
    uint64_t n_in_flight;
    uint64_t n_queued;
};
/* info and its texts are borrowed for the call, which must not call back in. */
typedef void kp_vault_each_fn(void *ctx, const struct kp_vault_info *info);
KP_API void kp_vaults_each(kp_provider *provider, kp_vault_each_fn *each, void *ctx);

/*
 * What has been counted for one operation of one vault since the vault was acquired. Latencies are
 * from submit to completion, at most 1.6% above the truth.
 */
struct kp_op_metrics {
    uint32_t struct_size;
    uint32_t op;
    const char *vault; /* borrowed for the call */
    uint64_t submitted;
    uint64_t refused;                    /* the queue was full */
    uint64_t retries;                    /* attempts beyond the first */
    uint64_t coalesced;                  /* joined another's metadata fetch */
    uint64_t completed[KP_STATUS_COUNT]; /* by kp_status */
    uint64_t sum_ns;
    uint64_t p50_ns;
    uint64_t p90_ns;
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t max_ns;
};

/* Calls each for every operation that any vault has been asked for. each must not call back in. */
typedef void kp_metrics_each_fn(void *ctx, const struct kp_op_metrics *metrics);
KP_API void kp_metrics_each(kp_provider *provider, kp_metrics_each_fn *each, void *ctx);

/*
 * Where the time of an operation goes that asks a service over HTTP: XX(symbol, value, text).
 * queue: waiting for its turn in the pipeline and for a place in the pool; token: in the plugin
 * before the request, which is waiting for a token above all; connect and tls: where a connection
 * was opened, name look-up included; server: from the request sent to the first byte of the
 * answer; parse: from the whole answer in hand to the end of the attempt.
 */
#define KP_PHASE_MAP(XX)                                                                           \
    XX(QUEUE, 0, "queue")                                                                          \
    XX(TOKEN, 1, "token")                                                                          \
    XX(CONNECT, 2, "connect")                                                                      \
    XX(TLS, 3, "tls")                                                                              \
    XX(SERVER, 4, "server")                                                                        \
    XX(PARSE, 5, "parse")

enum kp_phase {
#define XX(symbol, value, text) KP_PHASE_##symbol = value,
    KP_PHASE_MAP(XX)
#undef XX
        KP_PHASE_COUNT
};

/*
 * One bucket of how long a phase of a vault's requests took since the vault was acquired: count of
 * them took at most ns, and more than the bucket before; ns is at most 1.6% above the truth. Only
 * requests that were answered count.
 */
struct kp_phase_bucket {
    uint32_t struct_size;
    uint32_t phase;
    const char *vault; /* borrowed for the call */
    uint64_t ns;
    uint64_t count;
};

/* Calls each for every bucket that is not empty, ascending per phase; it must not call back in. */
typedef void kp_phases_each_fn(void *ctx, const struct kp_phase_bucket *bucket);
KP_API void kp_phases_each(kp_provider *provider, kp_phases_each_fn *each, void *ctx);

/* What has been counted for one vault as a whole since it was acquired. */
struct kp_vault_metrics {
    uint32_t struct_size;
    uint32_t reserved;
    const char *vault;      /* borrowed for the call */
    uint64_t throttled;     /* attempts the vault answered with throttled */
    uint64_t breaker_trips; /* times the circuit breaker opened */
    uint64_t connections;   /* opened to the service, to hosts of its tokens too */
};

/* Calls each for every vault that is open. each must not call back in. */
typedef void kp_vault_metrics_each_fn(void *ctx, const struct kp_vault_metrics *metrics);
KP_API void kp_vault_metrics_each(kp_provider *provider, kp_vault_metrics_each_fn *each, void *ctx);

/* Counters and latency histograms as Prometheus text. */
KP_API KP_MUST_USE kp_status kp_metrics_text(kp_provider *provider, kp_text_fn *write, void *ctx);

/*
 * Checks a configuration without opening anything and writes the effective one as JSON, defaults
 * filled in, secrets shown as source and presence only. Errors: config, usage, no_memory.
 */
KP_API KP_MUST_USE kp_status kp_config_check(const struct kp_options *options, kp_text_fn *write,
                                             void *ctx, struct kp_error *reterr);
/*
 * Writes one object of the root of the running configuration as JSON, defaults filled in: "ekm"
 * for a front end that has settings of its own there. Errors: usage (no such object), no_memory.
 */
KP_API KP_MUST_USE kp_status kp_config_section(kp_provider *provider, const char *name,
                                               kp_text_fn *write, void *ctx);
/*
 * Whether secret is the access_secret of a configured vault, compared in constant time. For front
 * ends whose callers are to prove that they may use a vault by its name. A file is read anew each
 * time, by a worker, and waited for timeout_ms at most.
 * Errors: auth (it is not), config (no such vault, no access_secret, or it cannot be read),
 * timeout (it was not read in that time), no_memory.
 */
KP_API KP_MUST_USE kp_status kp_config_check_access(kp_provider *provider, const char *vault,
                                                    kp_span secret, uint32_t timeout_ms,
                                                    struct kp_error *reterr);
/* Writes the JSON Schema of the configuration file. */
KP_API KP_MUST_USE kp_status kp_config_schema(kp_text_fn *write, void *ctx);

#ifdef __cplusplus
}
#endif

#endif /* KP_KEYPROVIDER_KEYPROVIDER_H */
