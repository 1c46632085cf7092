#include "support/live_emulator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define PATIENCE_S 60
#define PAUSE_MS 5
#define TEXT_ROOM 4096u

/* Below the range that systems hand out for port 0 and for outgoing connections: nobody takes one
 * of these while the emulator is away, and no connection to it can meet itself. */
#define PORT_FIRST 20000u
#define PORT_RANGE 12000u

static bool complain(const char *what)
{
    (void)fprintf(stderr, "emulator: %s\n", what);
    return false;
}

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* ---- Ports ---- */

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool is_free(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const bool ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return ok;
}

static bool pick_ports(struct live_emulator *e)
{
    const uint32_t start = (uint32_t)getpid() * 7u;
    size_t n = 0;
    for (uint32_t i = 0; n < EMULATOR_N_PORTS && i < PORT_RANGE; i++) {
        const uint16_t port = (uint16_t)(PORT_FIRST + (start + i) % PORT_RANGE);
        if (is_free(port))
            e->ports[n++] = port;
    }
    return n == EMULATOR_N_PORTS || complain("no free ports on loopback");
}

/* ---- Telling it something ---- */

static int connect_to(uint16_t port)
{
    const struct timeval limit = {PATIENCE_S, 0};
    struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Everything until the other side closes, as text. */
static void read_all(int fd, char *out, size_t room)
{
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len + 1 < room) {
        n = recv(fd, out + len, room - 1 - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    out[len] = 0;
}

static bool send_request(int fd, const char *method, const char *path, const char *body)
{
    char head[TEXT_ROOM];
    const size_t len = strlen(body);
    const int n = snprintf(head, sizeof head,
                           "%s /emulator%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           method, path, len);
    return send(fd, head, (size_t)n, MSG_NOSIGNAL) == n &&
           send(fd, body, len, MSG_NOSIGNAL) == (ssize_t)len;
}

bool live_emulator_ask(const struct live_emulator *e, const char *method, const char *path,
                       const char *body, char *out, size_t room)
{
    const int fd = connect_to(e->ports[EMULATOR_METADATA]);
    out[0] = 0;
    if (fd < 0)
        return false;
    if (send_request(fd, method, path, body))
        read_all(fd, out, room);
    (void)close(fd);
    const char *end = strstr(out, "\r\n\r\n");
    if (!end || strncmp(out, "HTTP/1.1 200", 12) != 0)
        return false;
    memmove(out, end + 4, strlen(end + 4) + 1);
    return true;
}

bool live_emulator_tell(const struct live_emulator *e, const char *method, const char *path,
                        const char *body)
{
    char answer[TEXT_ROOM];
    return live_emulator_ask(e, method, path, body, answer, sizeof answer);
}

/* ---- Starting ---- */

static bool spawn_with(struct live_emulator *e, const char *const *argv, int input)
{
    char log[EMULATOR_PATH_ROOM + 16];
    posix_spawn_file_actions_t actions;
    (void)snprintf(log, sizeof log, "%s/log", e->folder);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, input, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int failed =
        posix_spawn(&e->pid, e->program, &actions, NULL, (char **)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        e->pid = 0;
    return failed == 0 || complain("the emulator cannot be run");
}

static bool spawn(struct live_emulator *e)
{
    static const char *const OPTIONS[EMULATOR_N_PORTS] = {
        "--vault-port", "--hsm-port", "--login-port", "--metadata-port", "--proxy-port"};
    /* The command that the emulator ends with: leaves its environment behind and waits for us. */
    static const char command[] =
        "printenv >\"$0.new\" && mv \"$0.new\" \"$0\" && exec cat >/dev/null";
    char state[EMULATOR_PATH_ROOM + 16];
    char variables[EMULATOR_PATH_ROOM + 16];
    char ports[EMULATOR_N_PORTS][8];
    const char *argv[32] = {e->program, "--log-refusals", "--state", state};
    size_t n = 4;
    int ends[2];
    (void)snprintf(state, sizeof state, "%s/state", e->folder);
    (void)snprintf(variables, sizeof variables, "%s/environment", e->folder);
    for (size_t i = 0; i < EMULATOR_N_PORTS; i++) {
        (void)snprintf(ports[i], sizeof ports[i], "%u", e->ports[i]);
        argv[n++] = OPTIONS[i];
        argv[n++] = ports[i];
    }
    const char *const rest[] = {"--", "sh", "-c", command, variables, NULL};
    memcpy(argv + n, rest, sizeof rest);
    if (pipe(ends) != 0)
        return complain("no pipe");
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    const bool ok = spawn_with(e, argv, ends[0]);
    (void)close(ends[0]);
    e->lifeline = ends[1];
    return ok;
}

/* Whether it has ended; *status is then how. */
static bool is_over(struct live_emulator *e, int *status)
{
    if (waitpid(e->pid, status, WNOHANG) != e->pid)
        return false;
    (void)close(e->lifeline);
    e->pid = 0;
    return true;
}

bool live_emulator_start(struct live_emulator *e)
{
    int status;
    if (!spawn(e))
        return false;
    for (int i = 0; i < PATIENCE_S * 1000 / PAUSE_MS; i++) {
        if (live_emulator_tell(e, "GET", "/clock", ""))
            return true;
        if (is_over(e, &status))
            return complain("the emulator ended as it started; see its log below");
        pause_ms(PAUSE_MS);
    }
    return complain("the emulator does not answer");
}

/* ---- What it said ---- */

static bool copy_value(const char *line, const char *name, char out[EMULATOR_VALUE_ROOM])
{
    const size_t len = strlen(name);
    if (strncmp(line, name, len) != 0 || line[len] != '=')
        return false;
    (void)snprintf(out, EMULATOR_VALUE_ROOM, "%s", line + len + 1);
    out[strcspn(out, "\n")] = 0;
    return true;
}

static bool read_variables(struct live_emulator *e, const char *path)
{
    char line[TEXT_ROOM];
    FILE *file = fopen(path, "r");
    int n = 0;
    while (file && fgets(line, sizeof line, file)) {
        n += copy_value(line, "AZURE_CLIENT_ID", e->client_id);
        n += copy_value(line, "AZURE_CLIENT_SECRET", e->secret);
        n += copy_value(line, "AZURE_TENANT_ID", e->tenant);
    }
    if (file)
        (void)fclose(file);
    return n == 3;
}

static bool learn_variables(struct live_emulator *e)
{
    char path[EMULATOR_PATH_ROOM + 16];
    (void)snprintf(path, sizeof path, "%s/environment", e->folder);
    for (int i = 0; i < PATIENCE_S * 1000 / PAUSE_MS; i++) {
        if (read_variables(e, path))
            return true;
        pause_ms(PAUSE_MS);
    }
    return complain("the emulator did not say how to reach it");
}

bool live_emulator_open(struct live_emulator *e, const char *program, const char *folder)
{
    memset(e, 0, sizeof *e);
    e->program = program;
    (void)snprintf(e->folder, sizeof e->folder, "%s", folder);
    return pick_ports(e) && live_emulator_start(e) && learn_variables(e);
}

/* ---- Ending ---- */

static bool wait_over(struct live_emulator *e, int *status)
{
    for (int i = 0; i < PATIENCE_S * 1000 / PAUSE_MS; i++) {
        if (is_over(e, status))
            return true;
        pause_ms(PAUSE_MS);
    }
    return complain("the emulator does not end");
}

bool live_emulator_kill(struct live_emulator *e)
{
    int status;
    if (e->pid == 0)
        return true;
    (void)kill(e->pid, SIGKILL);
    return wait_over(e, &status);
}

/* It passes the signal to its command and ends with that one's code; anything else is a finding,
 * of a sanitizer perhaps. */
bool live_emulator_stop(struct live_emulator *e)
{
    int status = 0;
    if (e->pid == 0)
        return true;
    (void)kill(e->pid, SIGTERM);
    if (!wait_over(e, &status)) {
        (void)live_emulator_kill(e);
        return false;
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM) ||
           complain("the emulator did not end as asked; see its log below");
}

void live_emulator_freeze(const struct live_emulator *e, bool frozen)
{
    (void)kill(e->pid, frozen ? SIGSTOP : SIGCONT);
}

/* As much as there is, NUL-terminated. */
static char *read_log(FILE *file)
{
    size_t len = 0, room = 0;
    char *text = NULL;
    for (size_t got = 1; got > 0; len += got) {
        if (room - len < TEXT_ROOM) {
            char *more = realloc(text, room += room + 2 * TEXT_ROOM);
            if (!more)
                break;
            text = more;
        }
        got = fread(text + len, 1, room - len - 1, file);
    }
    if (text)
        text[len] = '\0';
    return text;
}

char *live_emulator_log(const struct live_emulator *e)
{
    char path[EMULATOR_PATH_ROOM + 16];
    (void)snprintf(path, sizeof path, "%s/log", e->folder);
    FILE *file = fopen(path, "r");
    char *text = file ? read_log(file) : NULL;
    if (file)
        (void)fclose(file);
    return text;
}

void live_emulator_print_log(const struct live_emulator *e)
{
    char *text = live_emulator_log(e);
    for (char *rest = NULL, *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        (void)fprintf(stderr, "emulator: %s\n", line);
    free(text);
}
