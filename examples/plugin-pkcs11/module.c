#include "module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct p11_module {
    struct p11_module *next;
    void *object; /* the linker's handle: the same for the same file, however its path is spelt */
    CK_FUNCTION_LIST_PTR functions;
    size_t n_users;
    pid_t pid; /* that initialised it: a forked child starts again */
    int is_ours;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list and all in it */
static struct p11_module *modules;

/* ---- Loading; the lock is held ---- */

static CK_FUNCTION_LIST_PTR load_functions(void *object, const char *path, struct kp_error *reterr)
{
    CK_FUNCTION_LIST_PTR functions = NULL;
    CK_C_GetFunctionList get = NULL;
    void *symbol = dlsym(object, "C_GetFunctionList");
    if (!symbol) {
        (void)p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                       "%s is no PKCS #11 module: it has no symbol C_GetFunctionList", path);
        return NULL;
    }
    memcpy(&get, &symbol, sizeof get); /* C has no cast from an object's pointer to a function's */
    const CK_RV rv = get(&functions);
    if (rv != CKR_OK) {
        (void)p11_fail_rv(reterr, "C_GetFunctionList", rv);
        return NULL;
    }
    if (!functions || functions->version.major != 2) {
        (void)p11_fail(reterr, KP_CONFIG, KP_NOT_SENT, "%s is no module of PKCS #11 2.x", path);
        return NULL;
    }
    return functions;
}

static struct p11_module *find_loaded(const void *object)
{
    struct p11_module *m = modules;
    while (m && m->object != object) {
        m = m->next;
    }
    return m;
}

/* Takes object over; NULL when it is refused. */
static struct p11_module *remember(const struct kp_memory *memory, void *object, const char *path,
                                   struct kp_error *reterr)
{
    CK_FUNCTION_LIST_PTR functions = load_functions(object, path, reterr);
    struct p11_module *m = NULL;
    if (functions) {
        m = memory->alloc(memory->ctx, "pkcs11.module", sizeof *m);
    }
    if (!m) {
        (void)dlclose(object);
        return NULL;
    }
    m->object = object;
    m->functions = functions;
    m->next = modules;
    modules = m;
    return m;
}

/* NULL for a failure, which is in reterr unless memory was out. */
static struct p11_module *load(const struct kp_memory *memory, const char *path,
                               struct kp_error *reterr)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        const char *words = dlerror();
        (void)p11_fail(reterr, KP_CONFIG, KP_NOT_SENT, "the module cannot be loaded: %s",
                       words ? words : path);
        return NULL;
    }
    struct p11_module *m = find_loaded(object);
    if (!m) {
        return remember(memory, object, path, reterr);
    }
    (void)dlclose(object); /* counted once more; the first handle stays */
    return m;
}

static kp_status initialize(struct p11_module *m, struct kp_error *reterr)
{
    CK_C_INITIALIZE_ARGS args;
    memset(&args, 0, sizeof args);
    args.flags = CKF_OS_LOCKING_OK; /* workers call it from several threads */
    const CK_RV rv = m->functions->C_Initialize(&args);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return p11_fail_rv(reterr, "C_Initialize", rv);
    }
    m->is_ours = rv == CKR_OK;
    m->pid = getpid();
    m->n_users = 0;
    return KP_OK;
}

/* ---- Using ---- */

static kp_status use(struct p11_module *m, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    if (m->n_users == 0 || m->pid != getpid()) {
        st = initialize(m, reterr);
    }
    m->n_users += st == KP_OK ? 1 : 0;
    return st;
}

kp_status p11_module_acquire(const struct kp_memory *memory, const char *path,
                             struct p11_module **ret, struct kp_error *reterr)
{
    (void)pthread_mutex_lock(&lock);
    struct p11_module *m = load(memory, path, reterr);
    kp_status st = reterr->status ? (kp_status)reterr->status : KP_NO_MEMORY;
    if (m) {
        st = use(m, reterr);
    }
    (void)pthread_mutex_unlock(&lock);
    *ret = st == KP_OK ? m : NULL;
    return st;
}

void p11_module_release(struct p11_module *module)
{
    if (!module) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    if (--module->n_users == 0 && module->is_ours) {
        (void)module->functions->C_Finalize(NULL);
    }
    (void)pthread_mutex_unlock(&lock);
}

CK_FUNCTION_LIST_PTR p11_module_functions(const struct p11_module *module)
{
    return module->functions;
}
