/*
 * A name server for a name space of networks that has nothing in it: brings up the loopback there,
 * listens at 127.0.0.1, port 53, says so on standard output, and answers until its standard input
 * ends. What it answers stands in the first label of the name:
 *
 *     gone     there is no such name
 *     bare     the name has no address
 *     broken   the server has failed
 *     mute     nothing, ever
 *
 * Linux only, as name spaces are. Source: RFC 1035, section 4.1.
 */
#define _DEFAULT_SOURCE /* struct ifreq */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_LEN 512u
#define HEADER_LEN 12u
#define ANSWER_BIT 0x80u
#define RECURSION_BIT 0x80u /* without it, nothing found is a referral, and asked about elsewhere */

static const struct {
    const char *label;
    uint8_t rcode;
} ANSWERS[] = {{"bare", 0}, {"broken", 2}, {"gone", 3}};

static int bring_up_loopback(int fd)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, "lo", sizeof "lo");
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return -1;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return ioctl(fd, SIOCSIFFLAGS, &request);
}

static int listen_at(int fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd, (const struct sockaddr *)(const void *)&at, sizeof at);
}

/* The question becomes its answer, in place; false: there is none. */
static int make_answer(uint8_t *packet, size_t len)
{
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        const size_t n = strlen(ANSWERS[i].label);
        if (len <= HEADER_LEN + n || packet[HEADER_LEN] != n ||
            strncasecmp((const char *)packet + HEADER_LEN + 1, ANSWERS[i].label, n) != 0)
            continue;
        packet[2] |= ANSWER_BIT;
        packet[3] = (uint8_t)(RECURSION_BIT | ANSWERS[i].rcode);
        return 1;
    }
    return 0;
}

static void answer_one(int fd)
{
    uint8_t packet[PACKET_LEN];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    const ssize_t n =
        recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)(void *)&from, &from_len);
    if (n > 0 && make_answer(packet, (size_t)n))
        (void)sendto(fd, packet, (size_t)n, 0, (const struct sockaddr *)(const void *)&from,
                     from_len);
}

int main(void)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd watched[] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    if (fd < 0 || bring_up_loopback(fd) != 0 || listen_at(fd) != 0) {
        perror("atlas-name-server");
        return 1;
    }
    (void)printf("listening\n");
    (void)fflush(stdout);
    while (poll(watched, 2, -1) > 0 && watched[1].revents == 0) {
        if (watched[0].revents != 0)
            answer_one(fd);
    }
    (void)close(fd);
    return 0;
}
