/* O_PATH: a folder we may pass through but not list can still be looked at. */
#define _GNU_SOURCE

#include "core/posix_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "core/trust.h"

#if defined(O_PATH)
#define OPEN_TO_PASS O_PATH
#elif defined(O_SEARCH)
#define OPEN_TO_PASS O_SEARCH
#else
#define OPEN_TO_PASS O_RDONLY
#endif

#define LINKS_MAX 40u /* as the Linux kernel: path_resolution(7) */

/* ---- The verdict ---- */

static kp_status refuse_owner(const char *path, const struct stat *found, uid_t euid,
                              struct kp_error *reterr)
{
    const char *option = S_ISLNK(found->st_mode) ? "-h " : "";

    return kpb_fail(reterr, KP_CONFIG,
                    "%s belongs to user %lu, who is neither root nor user %lu that runs this; "
                    "run: chown %s%lu '%s'",
                    path, (unsigned long)found->st_uid, (unsigned long)euid, option,
                    (unsigned long)euid, path);
}

static const char *writers_mend(mode_t mode)
{
    if (!(mode & S_IWOTH))
        return "g-w";
    return mode & S_IWGRP ? "go-w" : "o-w";
}

kp_status kpi_trust_judge(const char *path, const struct stat *found, uid_t euid,
                          struct kp_error *reterr)
{
    mode_t mode = found->st_mode;

    if (found->st_uid != 0 && found->st_uid != euid)
        return refuse_owner(path, found, euid, reterr);
    if (S_ISLNK(mode))
        return KP_OK; /* modes of links mean nothing */
    /* An access list that lets others write shows in the group bits, which are then its mask. */
    if (!(mode & (S_IWGRP | S_IWOTH)) || (S_ISDIR(mode) && (mode & S_ISVTX)))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG,
                    "%s (mode %04o, owner %lu) can be written by %s; run: chmod %s '%s'", path,
                    (unsigned)(mode & 07777), (unsigned long)found->st_uid,
                    mode & S_IWOTH ? "everybody" : "its group", writers_mend(mode), path);
}

/* ---- The walk ---- */

/*
 * fd is the folder reached so far, `reached` its path for sentences ("" is the root), `rest` what
 * is still to be walked. A link's target is put in front of rest.
 */
struct walk {
    int fd;
    uid_t euid;
    unsigned n_links;
    enum kpi_trust_kind kind;
    bool is_open; /* fd is the file that was asked for */
    struct kp_error *err;
    char name[KPI_PATH_MAX_LEN + 1];
    char target[KPI_PATH_MAX_LEN + 1];
    char reached[KPI_PATH_MAX_LEN + 1];
    char rest[KPI_PATH_MAX_LEN + 1];
};

static const char *shown(const struct walk *w)
{
    return w->reached[0] ? w->reached : "/";
}

static kp_status fail_walk(struct walk *w, const char *what)
{
    int code = errno;
    kp_status st = code == ENOENT || code == ENOTDIR ? KP_NOT_FOUND : KP_CONFIG;

    return kpb_fail(w->err, st, "%s cannot be %s: %s", shown(w), what, strerror(code));
}

static kp_status fail_too_long(struct walk *w)
{
    return kpb_fail(w->err, KP_CONFIG, "a path has more than %u bytes: %s", KPI_PATH_MAX_LEN,
                    shown(w));
}

static kp_status judge_fd(struct walk *w, int fd, struct stat *ret_found)
{
    if (fstat(fd, ret_found) != 0)
        return fail_walk(w, "looked at");
    return kpi_trust_judge(shown(w), ret_found, w->euid, w->err);
}

/* The walk goes on from fd. */
static void take_fd(struct walk *w, int fd)
{
    if (w->fd >= 0)
        (void)close(w->fd); /* opened for nothing that could be lost */
    w->fd = fd;
}

static kp_status start_at_root(struct walk *w)
{
    struct stat found;

    w->reached[0] = '\0';
    take_fd(w, open("/", OPEN_TO_PASS | O_DIRECTORY | O_CLOEXEC));
    if (w->fd < 0)
        return fail_walk(w, "opened");
    return judge_fd(w, w->fd, &found);
}

/* Moves the next part of rest to name; false at the end. */
static bool next_name(struct walk *w)
{
    size_t skip = strspn(w->rest, "/");
    size_t len = strcspn(w->rest + skip, "/");

    memcpy(w->name, w->rest + skip, len);
    w->name[len] = '\0';
    skip += len;
    skip += strspn(w->rest + skip, "/");
    memmove(w->rest, w->rest + skip, strlen(w->rest + skip) + 1);
    return len > 0;
}

static kp_status extend_reached(struct walk *w)
{
    size_t len = strlen(w->reached);
    size_t name_len = strlen(w->name);

    if (strcmp(w->name, "..") == 0) {
        char *slash = strrchr(w->reached, '/');

        if (slash)
            *slash = '\0';
        return KP_OK;
    }
    if (len + 1 + name_len > KPI_PATH_MAX_LEN)
        return fail_too_long(w);
    w->reached[len] = '/';
    memcpy(w->reached + len + 1, w->name, name_len + 1);
    return KP_OK;
}

static void cut_reached(struct walk *w)
{
    *strrchr(w->reached, '/') = '\0';
}

/* Puts the link's target in front of rest; a relative one starts where the link stands. */
static kp_status splice_target(struct walk *w, size_t target_len)
{
    size_t rest_len = strlen(w->rest);

    if (target_len + 1 + rest_len > KPI_PATH_MAX_LEN)
        return fail_too_long(w);
    memmove(w->rest + target_len + 1, w->rest, rest_len + 1);
    memcpy(w->rest, w->target, target_len);
    w->rest[target_len] = '/';
    if (w->target[0] == '/')
        return start_at_root(w);
    cut_reached(w);
    return KP_OK;
}

static kp_status follow_link(struct walk *w, const struct stat *found)
{
    kp_status st = kpi_trust_judge(w->reached, found, w->euid, w->err);
    ssize_t n;

    if (st != KP_OK)
        return st;
    if (++w->n_links > LINKS_MAX)
        return kpb_fail(w->err, KP_CONFIG, "%s leads through more than %u symbolic links",
                        w->reached, LINKS_MAX);
    n = readlinkat(w->fd, w->name, w->target, KPI_PATH_MAX_LEN);
    if (n <= 0)
        return fail_walk(w, "followed");
    return splice_target(w, (size_t)n);
}

static kp_status pass_folder(struct walk *w)
{
    struct stat found;
    int fd = openat(w->fd, w->name, OPEN_TO_PASS | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return fail_walk(w, "opened");
    take_fd(w, fd);
    return judge_fd(w, fd, &found);
}

static kp_status fail_not_file(struct walk *w)
{
    return kpb_fail(w->err, KP_CONFIG, "%s is not a regular file", shown(w));
}

/* O_NONBLOCK: opening a FIFO somebody left here must not hang; on a file it means nothing. */
static kp_status open_file(struct walk *w)
{
    struct stat found;
    int fd = openat(w->fd, w->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return fail_walk(w, "opened");
    take_fd(w, fd);
    if (fstat(fd, &found) != 0)
        return fail_walk(w, "looked at");
    if (!S_ISREG(found.st_mode))
        return fail_not_file(w);
    w->is_open = true;
    return kpi_trust_judge(w->reached, &found, w->euid, w->err);
}

static kp_status step(struct walk *w)
{
    struct stat found;
    kp_status st = extend_reached(w);

    if (st != KP_OK)
        return st;
    if (fstatat(w->fd, w->name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_walk(w, "found");
    if (S_ISLNK(found.st_mode))
        return follow_link(w, &found);
    if (w->kind == KPI_TRUST_FILE && w->rest[0] == '\0')
        return open_file(w);
    return pass_folder(w);
}

/* A folder has been walked to with a descriptor that may not be good for reading. */
static kp_status reopen_folder(struct walk *w)
{
    int fd = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fail_walk(w, "read");
    take_fd(w, fd);
    return KP_OK;
}

static kp_status walk_all(struct walk *w)
{
    kp_status st = start_at_root(w);

    while (st == KP_OK && next_name(w))
        st = strcmp(w->name, ".") == 0 ? KP_OK : step(w);
    if (st != KP_OK)
        return st;
    if (w->kind == KPI_TRUST_FOLDER)
        return reopen_folder(w);
    return w->is_open ? KP_OK : fail_not_file(w);
}

static kp_status fill_rest(struct walk *w, const char *path)
{
    kp_buf absolute;
    kp_status st;

    kp_buf_init(&absolute, "trust.path", KPI_PATH_MAX_LEN);
    st = kpi_path_absolute(kpb_span_str(path), &absolute, w->err);
    if (st == KP_OK)
        memcpy(w->rest, absolute.ptr, absolute.len);
    kp_buf_clear(&absolute);
    return st == KP_USAGE ? KP_CONFIG : st;
}

kp_status kpi_trust_open(const char *path, enum kpi_trust_kind kind, int *ret_fd,
                         struct kp_error *reterr)
{
    struct walk *w = kpb_alloc("trust.walk", sizeof *w);
    kp_status st;

    if (!w)
        return kpb_fail_memory(reterr, "trust.walk");
    w->fd = -1;
    w->euid = geteuid();
    w->kind = kind;
    w->err = reterr;
    st = fill_rest(w, path);
    if (st == KP_OK)
        st = walk_all(w);
    if (st == KP_OK)
        *ret_fd = w->fd; /* moved to the caller */
    else
        kpi_trust_close(w->fd);
    kpb_free(w);
    return st;
}

void kpi_trust_close(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* read only: nothing can be lost */
}
