/*
 * A provider with a key vault and a Managed HSM that are emulated, each reached over TLS through
 * the plugin as it is installed. Fails the test where it cannot be set up. Needs KP_BIN and
 * KP_PLUGIN_DIR.
 */
#ifndef KP_TESTS_SUPPORT_LIVE_AZURE_H
#define KP_TESTS_SUPPORT_LIVE_AZURE_H

#include <keyprovider/keyprovider.h>

#include "support/live_emulator.h"
#include "support/temp_dir.h"

#define LIVE_TIMEOUT_MS 60000u

enum live_place { LIVE_VAULT, LIVE_HSM, LIVE_N_VAULTS };

struct live_azure {
    char folder[TEMP_DIR_LEN];
    struct live_emulator emulator;
    kp_provider *provider;
    kp_vault *vaults[LIVE_N_VAULTS];
};

/* The emulator's first application, by its secret, which lies in FOLDER/secret. */
void live_azure_begin(struct live_azure *live);
void live_azure_end(struct live_azure *live);

/* Writes a file of the folder. */
void live_azure_write(const struct live_azure *live, const char *name, const char *text);
/* One more vault, the emulated key vault under that name with that identity (a JSON object). */
void live_azure_add(struct live_azure *live, const char *name, const char *identity,
                    kp_vault **ret);
/* The configuration as it is written, read again; fails the test where that fails. */
void live_azure_reload(const struct live_azure *live);
/* A token of the emulator's attestation authority over these claims; free it. */
char *live_azure_attest(const struct live_azure *live, const char *claims);
/* A request with a name and LIVE_TIMEOUT_MS. name is borrowed. */
struct kp_request live_azure_request(uint32_t op, const char *name);
/* kp_call that fails the test, with the error's sentence, unless it ends with that status. */
void live_azure_expect(const struct live_azure *live, enum live_place place,
                       const struct kp_request *request, kp_status status, struct kp_result *ret);

#endif /* KP_TESTS_SUPPORT_LIVE_AZURE_H */
