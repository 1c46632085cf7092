#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/mem.h"
#include "ekm/environment.h"

struct ekm_log_file {
    int fd;
};

static kp_status check(int fd, const char *path, struct kp_error *reterr)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return kpb_fail(reterr, KP_CONFIG, "ekm.log_file: %s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return kpb_fail(reterr, KP_CONFIG,
                        "ekm.log_file: %s belongs to user %lu, who is not the "
                        "one that runs this",
                        path, (unsigned long)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return kpb_fail(
            reterr, KP_CONFIG,
            "ekm.log_file: %s (mode %04o) can be written by others; run: chmod go-w '%s'", path,
            (unsigned)(st.st_mode & 07777), path);
    return KP_OK;
}

static kp_status open_path(struct ekm_log_file *file, const char *path, struct kp_error *reterr)
{
    kp_status st;

    file->fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return kpb_fail(reterr, KP_CONFIG, "ekm.log_file: %s cannot be opened: %s", path,
                        strerror(errno));
    st = check(file->fd, path, reterr);
    if (st != KP_OK)
        (void)close(file->fd); /* nothing was written */
    return st;
}

kp_status ekm_log_file_open(const char *path, struct ekm_log_file **ret, struct kp_error *reterr)
{
    struct ekm_log_file *file = kpb_alloc("ekm.log_file", sizeof *file);
    kp_status st = KP_OK;

    if (!file)
        return kpb_fail_memory(reterr, "ekm.log_file");
    file->fd = STDERR_FILENO;
    if (path)
        st = open_path(file, path, reterr);
    if (st != KP_OK) {
        kpb_free(file);
        return st;
    }
    *ret = file; /* moved to the caller */
    return KP_OK;
}

/* One write, so that lines of several processes do not mix. */
void ekm_log_file_write(struct ekm_log_file *file, const char *line, size_t len)
{
    struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)line, .iov_len = len},
                             {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1}};

    while (writev(file->fd, parts, 2) < 0 && errno == EINTR)
        continue;
}

void ekm_log_file_close(struct ekm_log_file *file)
{
    if (!file)
        return;
    if (file->fd != STDERR_FILENO)
        (void)close(file->fd); /* each line was written by itself */
    kpb_free(file);
}
