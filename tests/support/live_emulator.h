/*
 * A kp-emulator that is started, frozen, killed and started again on the same ports and the same
 * state. It ends with this process, however that ends: its command reads from a pipe of ours. One
 * owner; every wait is for a condition and ends after a minute.
 */
#ifndef KP_TESTS_SUPPORT_LIVE_EMULATOR_H
#define KP_TESTS_SUPPORT_LIVE_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define EMULATOR_PATH_ROOM 512u
#define EMULATOR_VALUE_ROOM 256u

enum {
    EMULATOR_VAULT,
    EMULATOR_HSM,
    EMULATOR_LOGIN,
    EMULATOR_METADATA,
    EMULATOR_PROXY,
    EMULATOR_N_PORTS
};

struct live_emulator {
    const char *program;
    char folder[EMULATOR_PATH_ROOM];
    uint16_t ports[EMULATOR_N_PORTS];
    pid_t pid; /* 0: not running */
    int lifeline;
    char client_id[EMULATOR_VALUE_ROOM];
    char secret[EMULATOR_VALUE_ROOM];
    char tenant[EMULATOR_VALUE_ROOM];
};

/* Picks ports, starts it and reads what it said. False, with a sentence on stderr. */
bool live_emulator_open(struct live_emulator *e, const char *program, const char *folder);
/* On the same ports; returns when it answers. */
bool live_emulator_start(struct live_emulator *e);
/* Ends it as asked and checks that it ended well, or kills it. */
bool live_emulator_stop(struct live_emulator *e);
bool live_emulator_kill(struct live_emulator *e);
void live_emulator_freeze(const struct live_emulator *e, bool frozen);
/* Tells it something: METHOD PATH with that body, PATH below /emulator. */
bool live_emulator_tell(const struct live_emulator *e, const char *method, const char *path,
                        const char *body);
/* The same; the body of its answer goes to out as text. */
bool live_emulator_ask(const struct live_emulator *e, const char *method, const char *path,
                       const char *body, char *out, size_t room);
/* What it has written on its standard error; free it. NULL: nothing can be read. */
char *live_emulator_log(const struct live_emulator *e);
/* The same, to our standard error. */
void live_emulator_print_log(const struct live_emulator *e);

#endif /* KP_TESTS_SUPPORT_LIVE_EMULATOR_H */
