#include "tools/kp-emulator/key_opener.h"

#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "plugins/file-test/backup.h"
#include "plugins/file-test/seal.h"

/* A backup's private parts stand in it in clear. */
static const struct ft_sealer IN_CLEAR = {{NULL, 0}};

static kp_status find_key(const struct ft_keyfile *file, kp_span version, struct kpc_key **ret_key,
                          char *ret_version, struct kp_error *reterr)
{
    const struct ft_version *v = ft_keyfile_find(file, version);
    if (!v)
        return kpb_fail(reterr, KP_NOT_FOUND, "the key has no such version");
    memcpy(ret_version, v->id, sizeof v->id);
    return ft_unseal_key(&IN_CLEAR, file->name, v, ret_key, reterr);
}

kp_status emu_key_open(const struct emu_exchange *x, kp_span blob, kp_span version,
                       struct kpc_key **ret_key, char *ret_version, struct kp_error *reterr)
{
    uint8_t backup_key[32];
    struct ft_keyfile file;
    const struct emu_vault_settings *v = x->vault->settings;
    kp_status st = emu_backup_key(x->emu->folder, v->mode, v->domain, backup_key, reterr);
    if (st != KP_OK)
        return st;
    ft_keyfile_init(&file, true);
    st = ft_backup_open(backup_key, blob, &file.raw, reterr);
    if (st == KP_OK)
        st = ft_keyfile_decode(&file, kpb_span(NULL, 0), reterr);
    if (st == KP_OK)
        st = find_key(&file, version, ret_key, ret_version, reterr);
    ft_keyfile_clear(&file);
    return st;
}
