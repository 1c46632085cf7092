/*
 * The product underneath: a provider over the file vault, whose completions are posted back to the
 * server's loop. The file vault runs by the emulator's clock.
 */
#ifndef KP_TOOLS_KP_EMULATOR_BACKEND_H
#define KP_TOOLS_KP_EMULATOR_BACKEND_H

#include <pthread.h>

#include <event2/event.h>

#include <keyprovider/keyprovider.h>

#include "tools/kp-emulator/settings.h"

/* Called on the server's loop; result is borrowed for the call. */
typedef void emu_result_fn(void *ctx, struct kp_result *result);

struct emu_backend {
    kp_provider *provider;
    pthread_mutex_t lock;
    struct emu_landed *first; /* completions on their way to the loop, oldest first */
    struct emu_landed **last;
    int pipe[2];
    struct event *wakeup;
};

/*
 * Opens the provider with one file vault for each emulated one, below folder. Errors: config,
 * no_memory, vault.
 */
kp_status emu_backend_open(struct emu_backend *backend, const struct emu_settings *settings,
                           const char *folder, struct event_base *base, struct kp_error *reterr)
    KP_MUST_USE;
/* Closes; waits for what is under way, without calling back. */
void emu_backend_close(struct emu_backend *backend);
/* Starts an operation; cb comes on the loop, once, unless this returns a failure. */
kp_status emu_backend_submit(struct emu_backend *backend, kp_vault *vault,
                             const struct kp_request *request, emu_result_fn *cb, void *ctx,
                             struct kp_error *reterr) KP_MUST_USE;
/* The 32 bytes that seal backups of a domain, made where there are none. Errors: vault. */
kp_status emu_backup_key(const char *folder, enum emu_mode mode, const char *domain,
                         uint8_t out[32], struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_KP_EMULATOR_BACKEND_H */
