/*
 * A kp-emulator that is started, frozen, killed and started again on the same ports and the same
 * state. It ends with this process, however that ends: its command reads from a pipe of ours. One
 * owner; every wait is for a condition and ends after a minute.
 */
#ifndef KP_TESTS_CHAOS_EMULATOR_H
#define KP_TESTS_CHAOS_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define EMULATOR_PATH_ROOM 512u
#define EMULATOR_VALUE_ROOM 256u

enum { EMULATOR_VAULT, EMULATOR_HSM, EMULATOR_LOGIN, EMULATOR_METADATA, EMULATOR_PROXY, N_PORTS };

struct emulator {
    const char *program;
    char folder[EMULATOR_PATH_ROOM];
    uint16_t ports[N_PORTS];
    pid_t pid; /* 0: not running */
    int lifeline;
    char client_id[EMULATOR_VALUE_ROOM];
    char secret[EMULATOR_VALUE_ROOM];
    char tenant[EMULATOR_VALUE_ROOM];
};

/* Picks ports, starts it and reads what it said. False, with a sentence on stderr. */
bool emulator_open(struct emulator *e, const char *program, const char *folder);
/* On the same ports; returns when it answers. */
bool emulator_start(struct emulator *e);
/* Ends it as asked and checks that it ended well, or kills it. */
bool emulator_stop(struct emulator *e);
bool emulator_kill(struct emulator *e);
void emulator_freeze(const struct emulator *e, bool frozen);
/* Tells it something: METHOD PATH with that body. */
bool emulator_tell(const struct emulator *e, const char *method, const char *path,
                   const char *body);

#endif /* KP_TESTS_CHAOS_EMULATOR_H */
