#include "ekm/keys/map_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/errors.h"

#define NAME_MAX_LEN 255u

static kp_status fail_write(const char *folder, const char *name, const char *what, int code,
                            struct kp_error *reterr)
{
    if (code == ENOMEM)
        return kpb_fail_memory(reterr, "ekm.map.file");
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the key map %s/%s could not be %s: %s; the account that runs SQL Server "
                         "needs a folder of its own there, with room",
                         folder, name, what, strerror(code));
}

static int write_new(const struct ekm_map_fs *fs, const char *name, kp_span text)
{
    intptr_t file;
    int code = fs->create(fs->ctx, name, &file);

    if (code == EEXIST) { /* a writer that died left it; we are the only one now */
        (void)fs->remove(fs->ctx, name);
        code = fs->create(fs->ctx, name, &file);
    }
    if (code != 0)
        return code;
    code = fs->write(fs->ctx, file, text);
    if (code == 0)
        code = fs->sync(fs->ctx, file);
    fs->close(fs->ctx, file);
    return code;
}

kp_status ekm_map_file_replace(const struct ekm_map_fs *fs, const char *folder, const char *name,
                               kp_span text, struct kp_error *reterr)
{
    char new_name[NAME_MAX_LEN + 1];
    int n = snprintf(new_name, sizeof new_name, "%s.new", name);
    int code = n > 0 && (size_t)n < sizeof new_name ? 0 : ENAMETOOLONG;

    if (code == 0)
        code = write_new(fs, new_name, text);
    if (code == 0)
        code = fs->rename(fs->ctx, new_name, name);
    if (code != 0) {
        (void)fs->remove(fs->ctx, new_name);
        return fail_write(folder, name, "written", code, reterr);
    }
    code = fs->sync_folder(fs->ctx);
    return code == 0 ? KP_OK : fail_write(folder, name, "made durable", code, reterr);
}
