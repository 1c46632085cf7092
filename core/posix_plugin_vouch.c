#include "core/plugin_vouch.h"

#include <string.h>

#include "base/errors.h"

kp_status kpi_vouch_place(const char *path, const char *dir, struct kp_error *reterr)
{
    (void)path;
    (void)dir;
    (void)reterr;
    return KP_OK;
}

bool kpi_vouch_is_same_file(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A pin that nothing here could hold must not look as if it held. */
kp_status kpi_vouch_signer(int fd, const char *path, const uint8_t *signer, struct kp_error *reterr)
{
    (void)fd;
    if (!signer)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG,
                    "%s: signer_sha256 is for Windows, files here have no signers; pin its sha256",
                    path);
}
