#include "tests/chaos/front.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_ROOM 640u
#define PAUSE_MS 20
#define PAUSES_MAX 3000 /* a minute */

extern char **environ;

static bool complain(const char *why)
{
    (void)fprintf(stderr, "front: %s\n", why);
    return false;
}

/* ---- Programs ---- */

static pid_t start(const char *const *argv, const char *folder)
{
    char log[PATH_ROOM];
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    (void)snprintf(log, sizeof log, "%s/front.log", folder);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? pid : 0;
}

static bool run(const char *const *argv, const char *folder)
{
    int status = 1;
    pid_t pid = start(argv, folder);
    return pid != 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- Its certificate ---- */

static bool append_file(FILE *to, const char *path)
{
    char part[4096];
    FILE *from = fopen(path, "r");
    bool ok = from != NULL;
    for (size_t n; ok && (n = fread(part, 1, sizeof part, from)) > 0;)
        ok = fwrite(part, 1, n, to) == n;
    return from && fclose(from) == 0 && ok;
}

static bool write_trusted(const char *folder, const char *ca_file, const char *certificate)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/ca.pem", folder);
    FILE *to = fopen(path, "w");
    bool ok = to && append_file(to, ca_file) && append_file(to, certificate);
    return to && fclose(to) == 0 && ok;
}

static bool make_certificate(const char *folder, const char *key, const char *certificate)
{
    const char *const argv[] = {"openssl",  "req",
                                "-x509",    "-nodes",
                                "-days",    "2",
                                "-newkey",  "ec",
                                "-pkeyopt", "ec_paramgen_curve:P-256",
                                "-subj",    "/CN=localhost",
                                "-addext",  "subjectAltName=DNS:localhost,IP:127.0.0.1",
                                "-keyout",  key,
                                "-out",     certificate,
                                NULL};
    return run(argv, folder) || complain("openssl makes no certificate; see front.log");
}

/* ---- Its ports ---- */

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    (void)close(fd);
    return ok ? ntohs(address.sin_port) : 0;
}

static bool listens(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return ok;
}

static bool wait_until_it_listens(struct front *front, size_t i)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    for (int n = 0; n < PAUSES_MAX; n++) {
        if (listens(front->ports[i]))
            return true;
        if (waitpid(front->pids[i], NULL, WNOHANG) == front->pids[i]) {
            front->pids[i] = 0;
            return complain("nghttpx ended as it started; see front.log");
        }
        (void)nanosleep(&pause, NULL);
    }
    return complain("nghttpx does not listen");
}

/* ---- One ---- */

static bool start_one(struct front *front, size_t i, uint16_t behind, const char *folder,
                      const char *key, const char *certificate)
{
    char before[64];
    char to[64];
    front->ports[i] = free_port();
    (void)snprintf(before, sizeof before, "--frontend=127.0.0.1,%u", front->ports[i]);
    (void)snprintf(to, sizeof to, "--backend=127.0.0.1,%u;;tls;proto=http/1.1", behind);
    const char *const argv[] = {"nghttpx",
                                "--conf=/dev/null",
                                "--single-process",
                                "--no-ocsp",
                                "--insecure",
                                "--no-host-rewrite",
                                before,
                                to,
                                key,
                                certificate,
                                NULL};
    front->pids[i] = start(argv, folder);
    if (front->pids[i] == 0)
        return complain("nghttpx cannot be run; Debian's package is nghttp2-proxy");
    return wait_until_it_listens(front, i);
}

bool front_start(struct front *front, const uint16_t behind[FRONT_N], const char *folder,
                 const char *ca_file)
{
    char key[PATH_ROOM];
    char certificate[PATH_ROOM];
    memset(front, 0, sizeof *front);
    (void)snprintf(key, sizeof key, "%s/front-key.pem", folder);
    (void)snprintf(certificate, sizeof certificate, "%s/front.pem", folder);
    bool ok = make_certificate(folder, key, certificate) &&
              (write_trusted(folder, ca_file, certificate) || complain("ca.pem cannot be written"));
    for (size_t i = 0; ok && i < FRONT_N; i++)
        ok = start_one(front, i, behind[i], folder, key, certificate);
    return ok;
}

void front_end(struct front *front)
{
    for (size_t i = 0; i < FRONT_N; i++) {
        if (front->pids[i] == 0)
            continue;
        (void)kill(front->pids[i], SIGKILL);
        (void)waitpid(front->pids[i], NULL, 0);
        front->pids[i] = 0;
    }
}
