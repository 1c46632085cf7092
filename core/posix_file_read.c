#include "core/file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"

#define PIECE_LEN 16384u

static kp_status fail_errno(struct kp_error *reterr, const char *path, int error)
{
    return kpb_fail(reterr, error == ENOENT ? KP_NOT_FOUND : KP_CONFIG, "%s: cannot be read: %s",
                    path, strerror(error));
}

static kp_status check_file(int fd, const char *path, size_t max_len, struct kp_error *reterr)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fail_errno(reterr, path, errno);
    if (!S_ISREG(info.st_mode))
        return kpb_fail(reterr, KP_CONFIG, "%s: not a regular file", path);
    if ((uint64_t)info.st_size > max_len)
        return kpb_fail(reterr, KP_CONFIG, "%s: larger than %zu bytes", path, max_len);
    return KP_OK;
}

static kp_status read_piece(int fd, const char *path, kp_buf *out, size_t room, size_t *ret_len,
                            struct kp_error *reterr)
{
    uint8_t *into;
    size_t before = out->len;
    kp_status st = kp_buf_extend(out, room, &into);
    if (st != KP_OK)
        return kpb_fail(reterr, st, "%s: no room for its bytes", path);
    ssize_t got;
    do {
        got = read(fd, into, room);
    } while (got < 0 && errno == EINTR);
    out->len = before + (got > 0 ? (size_t)got : 0);
    *ret_len = got > 0 ? (size_t)got : 0;
    return got < 0 ? fail_errno(reterr, path, errno) : KP_OK;
}

kp_status kpi_file_read(const char *path, size_t max_len, kp_buf *out, struct kp_error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(reterr, path, errno);
    kp_status st = check_file(fd, path, max_len, reterr);
    for (size_t got = 1, left = max_len; st == KP_OK && got > 0 && left > 0; left -= got)
        st = read_piece(fd, path, out, left < PIECE_LEN ? left : PIECE_LEN, &got, reterr);
    (void)close(fd); /* only read from */
    return st;
}
