#include "support/emulator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/span.h"

#define OPTIONS_MAX 16u
#define ANSWER_MAX_LEN 65536u
/* Only our variable says so: a developer may have the emulator's own in the shell. */
#define ENTERED "KP_TEST_UNDER_EMULATOR"

void emulator_enter(char **argv, const char *const *options)
{
    static char program[] = KP_TEST_BIN_DIR "/kp-emulator";
    static char ephemeral[] = "--ephemeral";
    static char command[] = "--";
    char *args[OPTIONS_MAX + 5] = {program, ephemeral};
    size_t n = 2;
    if (getenv(ENTERED))
        return;
    for (; options && *options && n < OPTIONS_MAX + 2; options++)
        args[n++] = strdup(*options);
    args[n++] = command;
    args[n] = argv[0];
    (void)setenv(ENTERED, "1", 1);
    (void)execv(program, args);
    perror(program);
    _exit(1);
}

const char *emulator_variable(const char *name)
{
    const char *value = getenv(name);
    if (!value)
        fail_msg("%s is not set: the emulator did not start this test", name);
    return value;
}

uint16_t emulator_port(const char *name)
{
    const char *url = emulator_variable(name);
    const char *colon = strrchr(url, ':');
    assert_non_null(colon);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

/* ---- What tests tell it ---- */

static int dial(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, const kp_buf *text)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = write(fd, text->ptr + at, text->len - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
}

static void read_all(int fd, kp_buf *ret)
{
    uint8_t bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    for (; n > 0; n = read(fd, bytes, sizeof bytes))
        assert_int_equal(kp_buf_append(ret, kpb_span(bytes, (size_t)n)), KP_OK);
    assert_int_equal(n, 0);
    assert_int_equal(kp_buf_append_byte(ret, 0), KP_OK);
}

static void put_request(kp_buf *out, const char *path, const char *body)
{
    const char *url = emulator_variable("KP_EMULATOR_CONTROL");
    const char *base = strchr(url + sizeof "http://" - 1, '/');
    const char *content = body ? body : "";
    assert_non_null(base);
    assert_int_equal(kp_buf_append_fmt(out,
                                       "%s %s/%s HTTP/1.1\r\nHost: localhost\r\n"
                                       "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                                       body ? "POST" : "GET", base, path, strlen(content), content),
                     KP_OK);
}

void emulator_tell(const char *path, const char *body, kp_buf *ret)
{
    const char *url = emulator_variable("KP_EMULATOR_CONTROL");
    const char *colon = strchr(url + sizeof "http://" - 1, ':');
    kp_buf text;
    kp_buf answer;
    kp_buf_init(&text, "test", ANSWER_MAX_LEN);
    kp_buf_init(&answer, "test", ANSWER_MAX_LEN);
    assert_non_null(colon);
    int fd = dial((uint16_t)strtoul(colon + 1, NULL, 10));
    put_request(&text, path, body);
    send_all(fd, &text);
    read_all(fd, &answer);
    (void)close(fd);
    const char *start = (const char *)answer.ptr;
    const char *end = strstr(start, "\r\n\r\n");
    if (strncmp(start, "HTTP/1.1 20", 11) != 0 || !end)
        fail_msg("%s: %s", path, start);
    else if (ret)
        assert_int_equal(kp_buf_append_str(ret, end + 4), KP_OK);
    kp_buf_clear(&text);
    kp_buf_clear(&answer);
}
