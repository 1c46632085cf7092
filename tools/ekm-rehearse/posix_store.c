#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "tools/ekm-rehearse/store.h"

#define PATH_LEN 4096u

static kp_status fail_errno(struct kp_error *err, const char *verb, const char *path)
{
    const kp_status st = errno == ENOENT ? KP_NOT_FOUND : KP_CONFIG;
    return kpb_fail(err, st, "cannot %s %s: %s", verb, path, strerror(errno));
}

/* ---- Reading ---- */

static kp_status read_all(int fd, const char *path, kp_buf *out, struct kp_error *err)
{
    uint8_t chunk[4096];
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, "read", path);
        if (n == 0)
            return KP_OK;
        const kp_status st = kp_buf_append(out, kpb_span(chunk, (size_t)n));
        kpb_wipe(chunk, sizeof chunk);
        if (st != KP_OK)
            return kpb_fail(err, st, "cannot read %s: it is larger than %zu bytes", path,
                            out->limit);
    }
}

kp_status rh_store_read(const char *path, kp_buf *out, struct kp_error *reterr)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(reterr, "open", path);
    const kp_status st = read_all(fd, path, out, reterr);
    (void)close(fd); /* nothing was written */
    return st;
}

/* ---- Writing ---- */

static bool write_all(int fd, kp_span bytes)
{
    while (bytes.len) {
        const ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

kp_status rh_store_write(const char *path, kp_span bytes, struct kp_error *reterr)
{
    char temp[PATH_LEN];
    if (snprintf(temp, sizeof temp, "%s.XXXXXX", path) >= (int)sizeof temp)
        return kpb_fail(reterr, KP_CONFIG, "the path %s is too long", path);
    const int fd = mkstemp(temp); /* 0600 */
    if (fd < 0)
        return fail_errno(reterr, "write", path);
    bool ok = write_all(fd, bytes);
    ok = close(fd) == 0 && ok;
    if (ok && rename(temp, path) == 0)
        return KP_OK;
    const kp_status st = fail_errno(reterr, "write", path);
    (void)unlink(temp);
    return st;
}

/* ---- Folders ---- */

kp_status rh_store_folder(const char *path, struct kp_error *reterr)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return KP_OK;
    return fail_errno(reterr, "make the folder", path);
}

kp_status rh_store_lock(const char *folder, int *ret_fd, struct kp_error *reterr)
{
    char path[PATH_LEN];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (snprintf(path, sizeof path, "%s/lock", folder) >= (int)sizeof path)
        return kpb_fail(reterr, KP_CONFIG, "the path %s is too long", folder);
    *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        return fail_errno(reterr, "open", path);
    while (fcntl(*ret_fd, F_SETLKW, &whole) != 0) {
        if (errno != EINTR)
            return fail_errno(reterr, "lock", path);
    }
    return KP_OK;
}
