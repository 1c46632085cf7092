#include "core/dl.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errors.h"
#include "core/trust.h"

/* One object of the process. */
struct object {
    struct stat found; /* when it was loaded */
    void *handle;
};

/* Of the process, not of a provider: the linker's own list is one too. Never shrinks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object objects[KPI_DL_MAX];
static size_t n_objects;

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct object *find_locked(const struct stat *found)
{
    for (size_t i = 0; i < n_objects; i++) {
        if (is_same_file(&objects[i].found, found))
            return &objects[i];
    }
    return NULL;
}

/* Loads by the descriptor's own name, so that what was checked is what is mapped. */
static kp_status load_locked(int fd, const char *path, const struct stat *found,
                             struct kp_error *reterr)
{
    char name[32];
    void *handle;

    if (n_objects == KPI_DL_MAX)
        return kpb_fail(reterr, KP_CONFIG, "%s: this process has loaded %u plugins already", path,
                        KPI_DL_MAX);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return kpb_fail(reterr, KP_CONFIG, "%s cannot be loaded: %s", path, dlerror());
    objects[n_objects].found = *found;
    objects[n_objects].handle = handle;
    n_objects++;
    return KP_OK;
}

/* Closes fd unless the object now hangs on it. */
static kp_status open_locked(int fd, const char *path, void **ret_handle, struct kp_error *reterr)
{
    const struct object *known;
    struct stat found;
    kp_status st = KP_OK;

    if (fstat(fd, &found) != 0) {
        st = kpb_fail(reterr, KP_CONFIG, "%s cannot be looked at: %s", path, strerror(errno));
        kpi_trust_close(fd);
        return st;
    }
    known = find_locked(&found);
    if (!known)
        st = load_locked(fd, path, &found, reterr);
    else if (!is_unchanged(&known->found, &found))
        st = kpb_fail(reterr, KP_CONFIG,
                      "%s was changed in place since this process loaded it; restart for it", path);
    if (known || st != KP_OK)
        kpi_trust_close(fd);
    if (st == KP_OK)
        *ret_handle = known ? known->handle : objects[n_objects - 1].handle;
    return st;
}

kp_status kpi_dl_open(int fd, const char *path, void **ret_handle, struct kp_error *reterr)
{
    kp_status st;

    (void)pthread_mutex_lock(&lock); /* fails only for a mutex that is none */
    st = open_locked(fd, path, ret_handle, reterr);
    (void)pthread_mutex_unlock(&lock);
    return st;
}

void kpi_dl_recover_in_child(void)
{
    (void)pthread_mutex_init(&lock, NULL); /* a plain mutex: no resource that could be out */
}

kp_plugin_get_fn *kpi_dl_find(void *handle, const char *name)
{
    void *found = dlsym(handle, name);
    kp_plugin_get_fn *get = NULL;

    /* ISO C has no conversion between the two kinds of pointers; POSIX says they are alike. */
    memcpy(&get, &found, sizeof get);
    return get;
}
