/*
 * start-many LIBRARY IDENTITY SECRET KEY N: a server with N encrypted databases comes up, all at
 * once and each from a thread of its own, as the engine's recovery does. The keys of the databases
 * are wrapped first; then the library is initialized anew, "set up" is printed, and with the next
 * line of standard input, or its end, each database opens a session, finds its key by the
 * thumbprint alone, and has its own key unwrapped. Exit status 0: all are up.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <pthread.h>

#include "ekm/abi.h"

#define TEXT_MAX 512u
#define N_MAX 2000u
#define N_KEYS 25u /* databases share them: each wrap is a request as well */
#define DEK_LEN 32u
#define WRAPPED_MAX 512u
#define STACK_LEN (1024u * 1024u)

#define XX(number, name, parameters) SqlCrypt##name##_fn *name; /* NOLINT */
static struct {
    KP_EKM_EXPORT_MAP(XX)
} f;
#undef XX

static struct {
    uint16_t identity[TEXT_MAX];
    uint16_t secret[TEXT_MAX];
    SqlCpCredential credential;
    uint8_t thumb[x_cbKeyThumbprintMaxLen];
    uint32_t thumb_len;
    uint8_t wrapped[N_KEYS][WRAPPED_MAX];
    uint32_t wrapped_len[N_KEYS];
    pthread_barrier_t barrier;
} server;

struct database {
    unsigned number;
    SqlCpError code; /* of the first call that failed */
    const char *call;
    pthread_t thread;
};

static bool find_all(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = NULL;
    if (!library)
        return false;
#define XX(number, name, parameters)                                                               \
    symbol = dlsym(library, "SqlCrypt" #name);                                                     \
    if (!symbol)                                                                                   \
        return false;                                                                              \
    memcpy(&f.name, &symbol, sizeof symbol);
    KP_EKM_EXPORT_MAP(XX)
#undef XX
    return true;
}

static SqlCpStr widen(const char *text, uint16_t units[TEXT_MAX])
{
    size_t n = strlen(text);
    n = n < TEXT_MAX ? n : TEXT_MAX;
    for (size_t i = 0; i < n; i++)
        units[i] = (uint8_t)text[i];
    return (SqlCpStr){(uint32_t)(2 * n), units};
}

/* The key of a database: its number tells it from the others. */
static void make_dek(unsigned number, uint8_t dek[DEK_LEN])
{
    memset(dek, 0x5a, DEK_LEN);
    dek[0] = (uint8_t)(number % N_KEYS);
}

static bool worked(struct database *d, const char *call, SqlCpError code)
{
    d->call = call;
    d->code = code;
    return code == scp_err_Success;
}

/* ---- Before the start ---- */

static bool find_key(struct database *d, const SqlCpSession *session, const char *name)
{
    uint16_t units[TEXT_MAX];
    uint16_t answer[TEXT_MAX];
    SqlCpStr asked = widen(name, units);
    SqlCpKeyInfo info = {.name = {sizeof answer, answer},
                         .thumb = {sizeof server.thumb, server.thumb}};
    bool ok = worked(d, "GetKeyInfoByName", f.GetKeyInfoByName(session, &asked, &info));
    server.thumb_len = info.thumb.cb;
    return ok;
}

static bool wrap_keys(struct database *d, const SqlCpSession *session)
{
    const SqlCpKeyThumbprint thumb = {server.thumb_len, server.thumb};
    for (unsigned i = 0; i < N_KEYS; i++) {
        uint8_t dek[DEK_LEN];
        const SqlCpData plain = {sizeof dek, dek};
        SqlCpData cipher = {WRAPPED_MAX, server.wrapped[i]};
        make_dek(i, dek);
        if (!worked(d, "Encrypt", f.Encrypt(session, &thumb, 1, NULL, 0, &plain, &cipher)))
            return false;
        server.wrapped_len[i] = cipher.cb;
    }
    return true;
}

static bool set_up(struct database *d, const char *key)
{
    SqlCpSession session = NULL;
    if (!worked(d, "InitializeProvider", f.InitializeProvider()) ||
        !worked(d, "OpenSession", f.OpenSession(&server.credential, &session)))
        return false;
    bool ok = find_key(d, &session, key) && wrap_keys(d, &session);
    (void)f.CloseSession(&session, 0);
    return ok && worked(d, "FreeProvider", f.FreeProvider());
}

/* ---- The start ---- */

static bool unwrap(struct database *d, const SqlCpSession *session)
{
    const SqlCpKeyThumbprint thumb = {server.thumb_len, server.thumb};
    const unsigned i = d->number % N_KEYS;
    const SqlCpData cipher = {server.wrapped_len[i], server.wrapped[i]};
    uint8_t dek[DEK_LEN];
    uint8_t room[WRAPPED_MAX];
    SqlCpData plain = {0, NULL};
    SqlCpError probe = f.Decrypt(session, &thumb, 1, NULL, 0, &cipher, &plain);
    if (probe != scp_err_InsufficientBuffer)
        return worked(d, "Decrypt (probe)", probe ? probe : scp_err_Failure);
    plain = (SqlCpData){sizeof room, room};
    if (!worked(d, "Decrypt", f.Decrypt(session, &thumb, 1, NULL, 0, &cipher, &plain)))
        return false;
    make_dek(d->number, dek);
    if (plain.cb == DEK_LEN && memcmp(room, dek, DEK_LEN) == 0)
        return true;
    return worked(d, "Decrypt (another key)", scp_err_Failure);
}

static bool look_up(struct database *d, const SqlCpSession *session)
{
    const SqlCpKeyThumbprint thumb = {server.thumb_len, server.thumb};
    uint16_t name[TEXT_MAX];
    uint8_t again[x_cbKeyThumbprintMaxLen];
    SqlCpKeyInfo info = {.name = {sizeof name, name}, .thumb = {sizeof again, again}};
    return worked(d, "GetKeyInfoByThumb", f.GetKeyInfoByThumb(session, &thumb, &info));
}

static void *start(void *arg)
{
    struct database *d = arg;
    SqlCpSession session = NULL;
    (void)pthread_barrier_wait(&server.barrier);
    if (!worked(d, "OpenSession", f.OpenSession(&server.credential, &session)))
        return NULL;
    if (look_up(d, &session))
        (void)unwrap(d, &session);
    (void)f.CloseSession(&session, 0);
    return NULL;
}

/* Without every thread the others would wait at the barrier for good. */
static void start_thread(struct database *d, const pthread_attr_t *attributes)
{
    if (pthread_create(&d->thread, attributes, start, d) == 0)
        return;
    (void)fprintf(stderr, "start-many: no thread for database %u\n", d->number);
    exit(3);
}

static unsigned start_all(struct database *databases, unsigned n)
{
    pthread_attr_t attributes;
    unsigned n_up = 0;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_LEN);
    (void)pthread_barrier_init(&server.barrier, NULL, n);
    for (unsigned i = 0; i < n; i++) {
        databases[i].number = i;
        start_thread(&databases[i], &attributes);
    }
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(databases[i].thread, NULL);
        if (databases[i].code == scp_err_Success)
            n_up++;
        else
            (void)printf("database %u: %s: %d\n", i, databases[i].call, (int)databases[i].code);
    }
    (void)pthread_barrier_destroy(&server.barrier);
    (void)pthread_attr_destroy(&attributes);
    return n_up;
}

int main(int argc, char **argv)
{
    static struct database databases[N_MAX];
    struct database first = {0};
    const unsigned long n = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
    if (n == 0 || n > N_MAX || !find_all(argv[1])) {
        (void)fprintf(stderr, "usage: start-many LIBRARY IDENTITY SECRET KEY N (at most %u)\n",
                      N_MAX);
        return 2;
    }
    server.credential =
        (SqlCpCredential){widen(argv[2], server.identity), widen(argv[3], server.secret)};
    if (!set_up(&first, argv[4]) || !worked(&first, "InitializeProvider", f.InitializeProvider())) {
        (void)fprintf(stderr, "start-many: %s: %d\n", first.call, (int)first.code);
        return 1;
    }
    (void)printf("set up\n");
    (void)fflush(stdout);
    (void)getchar();
    const unsigned n_up = start_all(databases, (unsigned)n);
    (void)f.FreeProvider();
    (void)printf("%u of %lu databases are up\n", n_up, n);
    return n_up == n ? 0 : 1;
}
