/*
 * nghttpx in front of an emulator, which speaks HTTP/1.1: what comes to these ports is HTTP/2, and
 * goes on to the emulator's. One owner, one thread.
 */
#ifndef KP_TESTS_CHAOS_FRONT_H
#define KP_TESTS_CHAOS_FRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FRONT_N 2u /* one a vault's port */

struct front {
    uint16_t ports[FRONT_N];
    pid_t pids[FRONT_N]; /* 0: not running */
};

/*
 * Starts them before behind[], and waits until they listen. Their certificate is added to
 * FOLDER/ca.pem, which begins with those of ca_file. False, with a sentence on stderr; end it then
 * too.
 */
bool front_start(struct front *front, const uint16_t behind[FRONT_N], const char *folder,
                 const char *ca_file);
void front_end(struct front *front);

#endif /* KP_TESTS_CHAOS_FRONT_H */
