/*
 * kp-emulator beside a test: the program starts itself again under it, and reads where its services
 * listen from the environment (docs/EMULATOR.md). A test that includes this needs the emulator and
 * the plugins built, and is left out where the emulator is not.
 */
#ifndef KP_TESTS_SUPPORT_EMULATOR_H
#define KP_TESTS_SUPPORT_EMULATOR_H

#include <stdint.h>

#include "base/buf.h"

/*
 * Call it first in main. Under an emulator it does nothing; otherwise the program becomes a
 * kp-emulator with these options (NULL-terminated, at most 16; NULL: none) that runs it again and
 * ends with its exit code.
 */
void emulator_enter(char **argv, const char *const *options);
/* A variable of the emulator's environment, which must be there. */
const char *emulator_variable(const char *name);
/* The port at the end of the URL in such a variable. */
uint16_t emulator_port(const char *name);
/*
 * Tells the emulator something: POST with this body to this path below KP_EMULATOR_CONTROL; GET
 * where body is NULL. The answer's body is appended, unless ret is NULL. Fails the test where the
 * answer is not 2xx.
 */
void emulator_tell(const char *path, const char *body, kp_buf *ret);

#endif /* KP_TESTS_SUPPORT_EMULATOR_H */
