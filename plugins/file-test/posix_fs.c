#include "plugins/file-test/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define LATEST_S INT64_C(9000000000) /* year 2255; nanoseconds have no room for much more */
#define DIR_MODE 0700
#define FILE_MODE 0600

static enum ft_io from_errno(int error)
{
    switch (error) {
    case 0:
        return FT_IO_OK;
    case ENOENT:
        return FT_IO_NOT_FOUND;
    case EEXIST:
        return FT_IO_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return FT_IO_FULL;
    case EROFS:
        return FT_IO_READ_ONLY;
    case EACCES:
    case EPERM:
        return FT_IO_DENIED;
    case EWOULDBLOCK:
        return FT_IO_LOCKED;
    case ELOOP:
        return FT_IO_LINK;
    case ENOTDIR:
        return FT_IO_NOT_DIR;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return FT_IO_EXHAUSTED;
    default:
        return FT_IO_FAILED;
    }
}

static enum ft_io from_result(int result)
{
    return result == 0 ? FT_IO_OK : from_errno(errno);
}

static enum ft_io from_fd(int fd, ft_handle *ret)
{
    if (fd < 0)
        return from_errno(errno);
    *ret = fd;
    return FT_IO_OK;
}

/* A time that no clock shows counts as none, so that commits go on from a real one. */
static int64_t to_ns(struct timespec t)
{
    if (t.tv_sec > LATEST_S || t.tv_sec < -LATEST_S)
        return 0;
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void fill_stat(const struct stat *st, struct ft_stat *ret)
{
    ret->ino = (uint64_t)st->st_ino;
    ret->size = (uint64_t)st->st_size;
    ret->mtime_ns = to_ns(st->st_mtim);
    ret->ctime_ns = to_ns(st->st_ctim);
    ret->traits =
        (S_ISREG(st->st_mode) ? FT_IS_FILE : 0u) | (S_ISDIR(st->st_mode) ? FT_IS_DIR : 0u);
    ret->traits |= (st->st_mode & 077) == 0 ? FT_IS_PRIVATE : 0u;
}

/* ---- Directories ---- */

static enum ft_io open_dir(void *ctx, const char *path, ft_handle *ret_dir)
{
    (void)ctx;
    return from_fd(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret_dir);
}

static enum ft_io make_dir(void *ctx, const char *path)
{
    (void)ctx;
    return from_result(mkdir(path, DIR_MODE));
}

/* A directory some file systems refuse to sync (EINVAL) is as durable there as it gets. */
static enum ft_io sync_fd_of_dir(int fd)
{
    int result;
    do
        result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0 || errno == EINVAL ? FT_IO_OK : from_errno(errno);
}

/* Writes the parent of path to out: "." for a name without a slash. */
static bool parent_of(const char *path, char *out, size_t cap)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    int n = len == 0 ? snprintf(out, cap, ".") : snprintf(out, cap, "%.*s", (int)len, path);
    return n > 0 && (size_t)n < cap;
}

static enum ft_io sync_parent(void *ctx, const char *path)
{
    (void)ctx;
    char parent[KP_VAULT_TEXT_MAX_LEN + 2];
    if (!parent_of(path, parent, sizeof parent))
        return FT_IO_FAILED;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    enum ft_io io = sync_fd_of_dir(fd);
    (void)close(fd);
    return io;
}

static enum ft_io list(void *ctx, ft_handle dir, ft_fs_each_fn *each, void *each_ctx)
{
    (void)ctx;
    /* A descriptor of its own: the read position belongs to the open file, not to the number. */
    int fd = openat((int)dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    DIR *stream = fdopendir(fd);
    if (!stream) {
        enum ft_io io = from_errno(errno);
        (void)close(fd);
        return io;
    }
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(each_ctx, entry->d_name);
        errno = 0;
    }
    enum ft_io io = from_errno(errno);
    (void)closedir(stream);
    return io;
}

static enum ft_io sync_dir(void *ctx, ft_handle dir)
{
    (void)ctx;
    return sync_fd_of_dir((int)dir);
}

/* ---- Files ---- */

/* O_NONBLOCK: opening a pipe that somebody put in the vault must not wait for its other end. */
static enum ft_io open_read(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    (void)ctx;
    int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    return from_fd(openat((int)dir, name, flags), ret_file);
}

static enum ft_io create(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    (void)ctx;
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    return from_fd(openat((int)dir, name, flags, FILE_MODE), ret_file);
}

static enum ft_io open_lock(void *ctx, ft_handle dir, const char *name, ft_handle *ret_file)
{
    (void)ctx;
    int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    return from_fd(openat((int)dir, name, flags, FILE_MODE), ret_file);
}

/* flock belongs to the open file, so two vaults of one process exclude each other too. */
static enum ft_io try_lock(void *ctx, ft_handle file)
{
    (void)ctx;
    int result;
    do
        result = flock((int)file, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return from_result(result);
}

/* Closing would do, were it not for copies of the descriptor in processes forked meanwhile. */
static void unlock(void *ctx, ft_handle file)
{
    (void)ctx;
    (void)flock((int)file, LOCK_UN);
}

static enum ft_io read_some(void *ctx, ft_handle file, uint8_t *out, size_t n, size_t *ret_n)
{
    (void)ctx;
    ssize_t got;
    do
        got = read((int)file, out, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return from_errno(errno);
    *ret_n = (size_t)got;
    return FT_IO_OK;
}

static enum ft_io write_all(void *ctx, ft_handle file, kp_span bytes)
{
    (void)ctx;
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t n = write((int)file, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno != EINTR)
            return from_errno(errno);
        done += n > 0 ? (size_t)n : 0;
    }
    return FT_IO_OK;
}

static enum ft_io set_mtime(void *ctx, ft_handle file, int64_t mtime_ns)
{
    (void)ctx;
    struct timespec times[2];
    times[1].tv_sec = (time_t)(mtime_ns / NS_PER_S);
    times[1].tv_nsec = (long)(mtime_ns % NS_PER_S);
    times[0] = times[1];
    return from_result(futimens((int)file, times));
}

static enum ft_io sync_file(void *ctx, ft_handle file)
{
    (void)ctx;
    int result;
    do
        result = fsync((int)file);
    while (result != 0 && errno == EINTR);
    return from_result(result);
}

static enum ft_io stat_handle(void *ctx, ft_handle handle, struct ft_stat *ret)
{
    (void)ctx;
    struct stat st;
    if (fstat((int)handle, &st) != 0)
        return from_errno(errno);
    fill_stat(&st, ret);
    ret->traits |= st.st_uid == geteuid() ? FT_IS_OURS : 0u;
    return FT_IO_OK;
}

static void close_handle(void *ctx, ft_handle handle)
{
    (void)ctx;
    (void)close((int)handle); /* what had to be durable was synced before */
}

/* ---- Names ---- */

static enum ft_io stat_at(void *ctx, ft_handle dir, const char *name, struct ft_stat *ret)
{
    (void)ctx;
    struct stat st;
    if (fstatat((int)dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return from_errno(errno);
    fill_stat(&st, ret);
    return FT_IO_OK;
}

static enum ft_io rename_in(void *ctx, ft_handle dir, const char *from, const char *to)
{
    (void)ctx;
    return from_result(renameat((int)dir, from, (int)dir, to));
}

static enum ft_io remove_in(void *ctx, ft_handle dir, const char *name)
{
    (void)ctx;
    return from_result(unlinkat((int)dir, name, 0));
}

const struct ft_fs ft_fs_real = {
    .ctx = NULL,
    .open_dir = open_dir,
    .make_dir = make_dir,
    .sync_parent = sync_parent,
    .list = list,
    .sync_dir = sync_dir,
    .open_read = open_read,
    .create = create,
    .open_lock = open_lock,
    .try_lock = try_lock,
    .unlock = unlock,
    .read = read_some,
    .write = write_all,
    .set_mtime = set_mtime,
    .sync = sync_file,
    .stat = stat_handle,
    .close = close_handle,
    .stat_at = stat_at,
    .rename = rename_in,
    .remove = remove_in,
};
