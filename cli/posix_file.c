#include "cli/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"

#define CHUNK_LEN 65536u

/* "cannot read dek: No such file or directory" */
static kp_status fail_errno(struct cli_fault *f, const char *verb, const char *path, int error)
{
    char why[128];
    if (strerror_r(error, why, sizeof why) != 0) {
        (void)snprintf(why, sizeof why, "error %d", error);
    }
    return cli_fail_io(f, "cannot %s %s: %s", verb, path, why);
}

/* ---- Reading ---- */

static kp_status read_chunks(int fd, const char *path, uint8_t *chunk, cli_chunk_fn *take,
                             void *ctx, struct cli_fault *f)
{
    for (;;) {
        const ssize_t n = read(fd, chunk, CHUNK_LEN);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(f, "read", path, errno);
        }
        if (n == 0) {
            return KP_OK;
        }
        const kp_status st = take(ctx, kpb_span(chunk, (size_t)n), f);
        if (st != KP_OK) {
            return st;
        }
    }
}

kp_status cli_platform_read(const char *path, cli_chunk_fn *take, void *ctx, struct cli_fault *f)
{
    const bool is_stdin = !path || strcmp(path, "-") == 0;
    const char *name = is_stdin ? "stdin" : path;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(f, "open", name, errno);
    }
    kp_status st = KP_NO_MEMORY;
    uint8_t *chunk = kpb_secret_alloc("cli.read", CHUNK_LEN); /* what is read may be a key */
    if (chunk) {
        st = read_chunks(fd, name, chunk, take, ctx, f);
        kpb_secret_free(chunk, CHUNK_LEN);
    } else {
        (void)kpb_fail_memory(&f->error, "cli.read");
    }
    if (!is_stdin) {
        (void)close(fd); /* nothing was written */
    }
    return st;
}

/* ---- Writing ---- */

static kp_status write_all(int fd, const char *name, kp_span bytes, struct cli_fault *f)
{
    size_t done = 0;
    while (done < bytes.len) {
        const ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(f, "write", name, errno);
        }
        done += (size_t)n;
    }
    return KP_OK;
}

static mode_t mode_of(bool is_private)
{
    const mode_t mask = umask(0);
    (void)umask(mask);
    return is_private ? 0600 : (mode_t)(0666 & ~mask);
}

static kp_status write_and_sync(int fd, const char *path, kp_span bytes, bool is_private,
                                struct cli_fault *f)
{
    kp_status st = write_all(fd, path, bytes, f);
    if (st == KP_OK && (fchmod(fd, mode_of(is_private)) != 0 || fsync(fd) != 0)) {
        st = fail_errno(f, "write", path, errno);
    }
    if (close(fd) != 0 && st == KP_OK) {
        st = fail_errno(f, "write", path, errno);
    }
    return st;
}

/* PATH.XXXXXX: the same folder, so that rename replaces in one step. */
static kp_status write_beside(const char *path, char *temp, kp_span bytes, bool is_private,
                              struct cli_fault *f)
{
    const int fd = mkstemp(temp); /* created 0600 */
    if (fd < 0) {
        return fail_errno(f, "write", path, errno);
    }
    kp_status st = write_and_sync(fd, path, bytes, is_private, f);
    if (st == KP_OK && rename(temp, path) != 0) {
        st = fail_errno(f, "write", path, errno);
    }
    if (st != KP_OK) {
        (void)unlink(temp);
    }
    return st;
}

static kp_status replace_file(const char *path, kp_span bytes, bool is_private, struct cli_fault *f)
{
    static const char suffix[] = ".XXXXXX";
    const size_t len = strlen(path);
    char *temp = kpb_alloc("cli.write", len + sizeof suffix);
    if (!temp) {
        return kpb_fail_memory(&f->error, "cli.write");
    }
    memcpy(temp, path, len);
    memcpy(temp + len, suffix, sizeof suffix);
    const kp_status st = write_beside(path, temp, bytes, is_private, f);
    kpb_free(temp);
    return st;
}

/* A file behind a symbolic link that others can read must not receive a secret as it is. */
static kp_status make_private(int fd, const char *path, struct cli_fault *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && fchmod(fd, 0600) != 0)) {
        return fail_errno(f, "write", path, errno);
    }
    return KP_OK;
}

static kp_status write_in_place(const char *path, kp_span bytes, bool is_private,
                                struct cli_fault *f)
{
    const int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(f, "write", path, errno);
    }
    kp_status st = is_private ? make_private(fd, path, f) : KP_OK;
    if (st == KP_OK) {
        st = write_all(fd, path, bytes, f);
    }
    if (close(fd) != 0 && st == KP_OK) {
        st = fail_errno(f, "write", path, errno);
    }
    return st;
}

kp_status cli_platform_write(const char *path, kp_span bytes, bool is_private, struct cli_fault *f)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return write_in_place(path, bytes, is_private, f);
    }
    return replace_file(path, bytes, is_private, f);
}

kp_status cli_platform_write_stdout(kp_span bytes, struct cli_fault *f)
{
    return write_all(STDOUT_FILENO, "stdout", bytes, f);
}
