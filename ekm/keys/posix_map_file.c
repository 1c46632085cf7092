#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/trust.h"
#include "ekm/keys/map_file.h"
#include "ekm/keys/sync.h"

#define FILE_MODE 0600
#define NS_PER_S UINT64_C(1000000000)
#define LOCK_PAUSE_MS 5u

struct ekm_map_file {
    /* fixed at birth */
    char path[KPI_PATH_MAX_LEN + 1]; /* absolute */
    char folder[KPI_PATH_MAX_LEN + 1];
    const char *name; /* in path */
    char lock_name[256];

    /* under the lock */
    int folder_fd;
    int lock_fd;
};

/* ---- The calls of the seam; ctx is the file, its folder open ---- */

static int folder_of(void *ctx)
{
    const struct ekm_map_file *file = ctx;

    return file->folder_fd;
}

static int result_of(int result)
{
    return result == 0 ? 0 : errno;
}

static int create(void *ctx, const char *name, intptr_t *ret_file)
{
    int fd = openat(folder_of(ctx), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    FILE_MODE);

    if (fd < 0)
        return errno;
    *ret_file = fd;
    return 0;
}

static int write_all(void *ctx, intptr_t file, kp_span bytes)
{
    size_t done = 0;

    (void)ctx;
    while (done < bytes.len) {
        ssize_t n = write((int)file, bytes.ptr + done, bytes.len - done);

        if (n < 0 && errno != EINTR)
            return errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int sync_fd(int fd)
{
    int result;

    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result_of(result);
}

static int sync_file(void *ctx, intptr_t file)
{
    (void)ctx;
    return sync_fd((int)file);
}

static void close_file(void *ctx, intptr_t file)
{
    (void)ctx;
    (void)close((int)file); /* what had to be durable was synced before */
}

static int rename_in(void *ctx, const char *from, const char *to)
{
    return result_of(renameat(folder_of(ctx), from, folder_of(ctx), to));
}

/* A folder some file systems refuse to sync (EINVAL) is as durable there as it gets. */
static int sync_folder(void *ctx)
{
    int code = sync_fd(folder_of(ctx));

    return code == EINVAL ? 0 : code;
}

static int remove_in(void *ctx, const char *name)
{
    return result_of(unlinkat(folder_of(ctx), name, 0));
}

/* ---- The lock ---- */

static kp_status fail_lock(const struct ekm_map_file *file, const char *why,
                           struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                         "the lock of the key map, %s.lock, could not be taken: %s", file->path,
                         why);
}

/* flock belongs to the open file, so two maps of one process exclude each other too. */
static bool wait_for_lock(int fd, uint32_t timeout_ms)
{
    uint64_t end = ekm_sync_now_ms(NULL) + timeout_ms;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || ekm_sync_now_ms(NULL) >= end)
            return false;
        ekm_sync_pause(NULL, LOCK_PAUSE_MS);
    }
    return true;
}

static void close_lock(struct ekm_map_file *file)
{
    if (file->lock_fd >= 0)
        (void)close(file->lock_fd);
    kpi_trust_close(file->folder_fd);
    file->lock_fd = -1;
    file->folder_fd = -1;
}

static kp_status open_lock(struct ekm_map_file *file, struct kp_error *reterr)
{
    kp_status st = kpi_trust_open(file->folder, KPI_TRUST_FOLDER, &file->folder_fd, reterr);

    if (st == KP_NO_MEMORY)
        return st;
    if (st != KP_OK) {
        char why[KP_ERROR_TEXT_LEN] = "";

        if (reterr)
            memcpy(why, reterr->text, sizeof why);
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_scp_err_FailureInRegistry,
                             "the key map's folder must belong to the account that runs this: %s",
                             why);
    }
    file->lock_fd = openat(file->folder_fd, file->lock_name,
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, FILE_MODE);
    return file->lock_fd >= 0 ? KP_OK : fail_lock(file, strerror(errno), reterr);
}

static kp_status lock_store(void *ctx, uint32_t timeout_ms, struct kp_error *reterr)
{
    struct ekm_map_file *file = ctx;
    kp_status st = open_lock(file, reterr);

    if (st == KP_OK && !wait_for_lock(file->lock_fd, timeout_ms))
        st = fail_lock(file, "another process holds it", reterr);
    if (st != KP_OK)
        close_lock(file);
    return st;
}

/* Closing would do, were it not for copies of the descriptor in processes forked meanwhile. */
static void unlock_store(void *ctx)
{
    struct ekm_map_file *file = ctx;

    (void)flock(file->lock_fd, LOCK_UN);
    close_lock(file);
}

/* ---- Text and stamp ---- */

static uint64_t to_ns(struct timespec t)
{
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void fill_stamp(const struct stat *found, struct ekm_map_stamp *ret)
{
    ret->parts[0] = (uint64_t)found->st_ino;
    ret->parts[1] = (uint64_t)found->st_size;
    ret->parts[2] = to_ns(found->st_mtim);
    ret->parts[3] = to_ns(found->st_ctim);
}

static bool stamp_store(void *ctx, struct ekm_map_stamp *ret_stamp)
{
    const struct ekm_map_file *file = ctx;
    struct stat found;

    memset(ret_stamp, 0, sizeof *ret_stamp);
    if (stat(file->path, &found) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    fill_stamp(&found, ret_stamp);
    return true;
}

static kp_status read_store(void *ctx, kp_buf *out, struct ekm_map_stamp *ret_stamp,
                            struct kp_error *reterr)
{
    const struct ekm_map_file *file = ctx;
    struct stat found;
    int fd = -1;
    kp_status st = kpi_trust_open(file->path, KPI_TRUST_FILE, &fd, reterr);

    if (st != KP_OK)
        return st;
    if (fstat(fd, &found) != 0)
        st = kpb_fail(reterr, KP_CONFIG, "%s cannot be looked at: %s", file->path, strerror(errno));
    if (st == KP_OK)
        st = kpi_trust_read_fd(fd, file->path, out, reterr);
    if (st == KP_OK)
        fill_stamp(&found, ret_stamp);
    kpi_trust_close(fd);
    return st;
}

static kp_status write_store(void *ctx, kp_span text, struct ekm_map_stamp *ret_stamp,
                             struct kp_error *reterr)
{
    struct ekm_map_file *file = ctx;
    const struct ekm_map_fs fs = {.ctx = file,
                                  .create = create,
                                  .write = write_all,
                                  .sync = sync_file,
                                  .close = close_file,
                                  .rename = rename_in,
                                  .sync_folder = sync_folder,
                                  .remove = remove_in};
    kp_status st = ekm_map_file_replace(&fs, file->folder, file->name, text, reterr);

    if (st == KP_OK)
        (void)stamp_store(file, ret_stamp);
    return st;
}

/* ---- Life ---- */

static kp_status split(struct ekm_map_file *file, struct kp_error *reterr)
{
    const char *slash = strrchr(file->path, '/');
    size_t len = (size_t)(slash - file->path);
    int n;

    file->name = slash + 1;
    memcpy(file->folder, file->path, len);
    if (len == 0)
        file->folder[len++] = '/';
    file->folder[len] = '\0';
    n = snprintf(file->lock_name, sizeof file->lock_name, "%s.lock", file->name);
    if (file->name[0] == '\0' || n <= 0 || (size_t)n >= sizeof file->lock_name)
        return kpb_fail(reterr, KP_USAGE, "%s is no name for a key map", file->path);
    return KP_OK;
}

kp_status ekm_map_file_new(const char *path, struct ekm_map_file **ret_file,
                           struct kp_error *reterr)
{
    struct ekm_map_file *file = kpb_alloc("ekm.map.file", sizeof *file);
    kp_buf absolute;
    kp_status st;

    if (!file)
        return kpb_fail_memory(reterr, "ekm.map.file");
    file->folder_fd = -1;
    file->lock_fd = -1;
    kp_buf_init(&absolute, "ekm.map.file", KPI_PATH_MAX_LEN);
    st = kpi_path_absolute(kpb_span_str(path), &absolute, reterr);
    if (st == KP_OK) {
        memcpy(file->path, absolute.ptr, absolute.len);
        st = split(file, reterr);
    }
    kp_buf_clear(&absolute);
    if (st != KP_OK) {
        kpb_free(file);
        return st;
    }
    *ret_file = file;
    return KP_OK;
}

void ekm_map_file_free(struct ekm_map_file *file)
{
    if (!file)
        return;
    close_lock(file);
    kpb_free(file);
}

void ekm_map_file_store(struct ekm_map_file *file, struct ekm_map_store *ret)
{
    const struct ekm_map_store store = {.ctx = file,
                                        .lock = lock_store,
                                        .unlock = unlock_store,
                                        .read = read_store,
                                        .write = write_store,
                                        .stamp = stamp_store};
    *ret = store;
}
