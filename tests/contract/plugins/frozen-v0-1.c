/*
 * The table as ABI 0.1 had it, written down a second time and never to be changed: it includes no
 * header of the project, so that whatever grows there, this plugin stays one built long ago.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

struct frozen_spec {
    uint32_t struct_size;
    uint32_t type;
    uint32_t flags;
    uint32_t reserved;
    const char *name;
    const char *fallback;
    const char *doc;
    int64_t min;
    int64_t max;
};

struct frozen_caps {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t ops;
    uint64_t run_ops;
    uint64_t algs;
    uint32_t ktys;
    uint32_t curves;
    uint32_t rsa_bits_min;
    uint32_t rsa_bits_max;
    uint32_t max_payload_len;
    uint32_t max_in_flight;
    const char *const *schemes;
    const char *const *host_suffixes;
    const struct frozen_spec *const *settings;
};

/* The beginning of the host's table. */
struct frozen_host {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *self;
    const void *memory;
    int (*finish)(void *self, uint64_t op, int status, const void *reply, const void *error);
    void (*opened)(void *self, int status, const void *error);
    void (*closed)(void *self);
};

struct frozen_plugin {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *name;
    const char *version;
    const char *doc;
    const struct frozen_caps *caps;
    int (*open)(const struct frozen_host *host, const void *settings, void **ret_vault,
                void *reterr);
    int (*submit)(void *vault, uint64_t op, const void *request, void **ret_state, void *reterr);
    void (*cancel)(void *vault, uint64_t op, void *state);
    void (*done)(void *vault, uint64_t op, void *state);
    void (*close)(void *vault);
    int (*run)(void *vault, const void *request, void (*answer)(void *ctx, const void *reply),
               void *answer_ctx, void *reterr);
    int (*reload)(void *vault, const void *settings, void *reterr);
};

enum { OK = 0, UNSUPPORTED = 15, SETTING_INTEGER = 2, RELOADABLE = 1, OP_RANDOM = 24 };

static const struct frozen_host *the_host;
static int n_cancels;
static int n_dones;

static int frozen_open(const struct frozen_host *host, const void *settings, void **ret_vault,
                       void *reterr)
{
    (void)settings;
    (void)reterr;
    the_host = host;
    *ret_vault = &the_host;
    host->opened(host->self, OK, NULL);
    return OK;
}

static int frozen_submit(void *vault, uint64_t op, const void *request, void **ret_state,
                         void *reterr)
{
    (void)vault;
    (void)op;
    (void)request;
    (void)ret_state;
    (void)reterr;
    return UNSUPPORTED;
}

static void frozen_cancel(void *vault, uint64_t op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
    n_cancels++;
}

static void frozen_done(void *vault, uint64_t op, void *state)
{
    (void)vault;
    (void)op;
    (void)state;
    n_dones++;
}

static void frozen_close(void *vault)
{
    (void)vault;
    the_host->closed(the_host->self);
}

static int frozen_run(void *vault, const void *request,
                      void (*answer)(void *ctx, const void *reply), void *answer_ctx, void *reterr)
{
    (void)vault;
    (void)request;
    (void)answer;
    (void)answer_ctx;
    (void)reterr;
    return UNSUPPORTED;
}

static int frozen_reload(void *vault, const void *settings, void *reterr)
{
    (void)vault;
    (void)settings;
    (void)reterr;
    return OK;
}

static const struct frozen_spec depth = {.struct_size = sizeof depth,
                                         .type = SETTING_INTEGER,
                                         .flags = RELOADABLE,
                                         .name = "deep.depth",
                                         .fallback = "3",
                                         .doc = "how deep",
                                         .min = 1,
                                         .max = 9};
static const struct frozen_spec *const settings[] = {&depth, NULL};
static const char *const schemes[] = {"frozen", NULL};
static const char *const suffixes[] = {".frozen.test", NULL};

static const struct frozen_caps caps = {.struct_size = sizeof caps,
                                        .flags = 1,
                                        .ops = UINT64_C(1) << OP_RANDOM,
                                        .run_ops = UINT64_C(1) << OP_RANDOM,
                                        .rsa_bits_max = 4096,
                                        .max_in_flight = 7,
                                        .schemes = schemes,
                                        .host_suffixes = suffixes,
                                        .settings = settings};

static const struct frozen_plugin table = {.struct_size = sizeof table,
                                           .abi_major = 0,
                                           .abi_minor = 1,
                                           .name = "frozen-v0-1",
                                           .version = "0.1",
                                           .doc = "a plugin of ABI 0.1",
                                           .caps = &caps,
                                           .open = frozen_open,
                                           .submit = frozen_submit,
                                           .cancel = frozen_cancel,
                                           .done = frozen_done,
                                           .close = frozen_close,
                                           .run = frozen_run,
                                           .reload = frozen_reload};

EXPORT const void *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor);

const void *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_major;
    (void)host_abi_minor;
    return &table;
}
