#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "core/trust_file.h"

ptrdiff_t kpi_trust_read_some(int fd, uint8_t *chunk, size_t n)
{
    ssize_t got;

    do {
        got = read(fd, chunk, n);
    } while (got < 0 && errno == EINTR);
    return got;
}

static kp_status collect_names(DIR *folder, const char *path, kpi_trust_name_fn *each, void *ctx,
                               struct kp_error *reterr)
{
    const struct dirent *entry;

    errno = 0;
    while ((entry = readdir(folder)) != NULL) {
        if (each(ctx, entry->d_name) != KP_OK)
            return kpb_fail_memory(reterr, "trust.names");
        errno = 0;
    }
    if (errno == 0)
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG, "%s cannot be listed: %s", path, strerror(errno));
}

/* fdopendir takes its descriptor over, and the caller's is the caller's. */
static DIR *open_listing(int fd)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *folder = own < 0 ? NULL : fdopendir(own);

    if (!folder && own >= 0)
        (void)close(own); /* fdopendir's errno is the one that counts */
    return folder;
}

kp_status kpi_trust_each_name(int fd, const char *path, kpi_trust_name_fn *each, void *ctx,
                              struct kp_error *reterr)
{
    DIR *folder = open_listing(fd);
    kp_status st;

    if (!folder)
        return kpb_fail(reterr, KP_CONFIG, "%s cannot be listed: %s", path, strerror(errno));
    st = collect_names(folder, path, each, ctx, reterr);
    (void)closedir(folder); /* read only */
    return st;
}
