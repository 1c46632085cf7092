/*
 * What the provider takes from the process around it: where its configuration is, which plugins are
 * linked in, the time, the system's events. Tests put their own here before Initialize.
 */
#ifndef KP_EKM_ENVIRONMENT_H
#define KP_EKM_ENVIRONMENT_H

#include <stdbool.h>

#include <keyprovider/keyprovider.h>

#define EKM_PATH_MAX_LEN 4095u

/* One event for the system's own log. error: 0 information, 1 error. line is one line of text. */
typedef void ekm_event_fn(void *ctx, uint32_t error, const char *line);

struct ekm_environment {
    const char *config_path; /* NULL with config_text NULL: the machine's file */
    const char *config_text;
    kp_plugin_get_fn *const *static_plugins; /* NULL-terminated */
    uint32_t open_flags;                     /* KP_OPEN_* */
    void *ctx;                               /* first argument of what follows */
    uint64_t (*now_ms)(void *ctx);           /* monotonic */
    uint64_t (*age_ms)(void *ctx);           /* of the process */
    void (*pause)(void *ctx, uint32_t ms);   /* NULL: really wait, until aborted */
    ekm_event_fn *event;
};

/* The machine's. Static storage. */
const struct ekm_environment *ekm_environment_default(void);
/*
 * The environment of the next Initialize; NULL: the machine's again. Borrowed until the provider
 * that took it is freed. For tests.
 */
void ekm_environment_set(const struct ekm_environment *environment);
const struct ekm_environment *ekm_environment_get(void);

/* ---- Twins of the platform ---- */

/* The plugins that are linked in, NULL-terminated. */
extern kp_plugin_get_fn *const ekm_platform_plugins[];

/* What the folder of a file vault can be, by its text alone. */
enum ekm_path_kind {
    EKM_PATH_WHOLE = 0,    /* of this machine, from its root, without .. */
    EKM_PATH_PARTIAL = 1,  /* anything else */
    EKM_PATH_ELSEWHERE = 2 /* another machine's, or a device */
};
enum ekm_path_kind ekm_platform_path_kind(kp_span path);

/*
 * The path of the configuration: what KP_EKM_CONFIG names (never where privileges were raised),
 * else the machine's file if there is one. false: there is none, and the defaults hold.
 */
bool ekm_platform_config_path(char out[EKM_PATH_MAX_LEN + 1]);
/* Milliseconds since the process began; where that cannot be told, since the first call. */
uint64_t ekm_platform_age_ms(void *ctx);
/* Hands an event to the system: syslog, or the event log of Windows. */
void ekm_platform_event(void *ctx, uint32_t error, const char *line);
/* Milliseconds since 1970, for the time in a log line. */
int64_t ekm_platform_unix_ms(void);

/* A file that lines are appended to. */
struct ekm_log_file;
/*
 * Opens path for appending, made with mode 0600. A link, or a file that others own or could write,
 * is refused: what is written there is read as the provider's word. path NULL: standard error.
 * Errors: config, no_memory.
 */
kp_status ekm_log_file_open(const char *path, struct ekm_log_file **ret, struct kp_error *reterr)
    KP_MUST_USE;
/* Appends one line and its end in one write; a failure is nobody's to tell. Any thread. */
void ekm_log_file_write(struct ekm_log_file *file, const char *line, size_t len);
/* NULL allowed. */
void ekm_log_file_close(struct ekm_log_file *file);

#endif /* KP_EKM_ENVIRONMENT_H */
