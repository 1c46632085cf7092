/*
 * The emulator's wall clock: the machine's, moved by what a test asked for. Tokens, dates of keys,
 * soft delete and rotation policies all go by it. Any thread.
 */
#ifndef KP_TOOLS_KP_EMULATOR_CLOCK_H
#define KP_TOOLS_KP_EMULATOR_CLOCK_H

#include <stdint.h>

/* Seconds since 1970 UTC by the emulator's clock. */
int64_t emu_clock_unix_s(void);
/* Monotonic milliseconds, moved like the wall clock: a minute's advance is a minute here too. */
int64_t emu_clock_ms(void);
/* Moves the clock by seconds, backwards when negative. Bounded to a century either way. */
void emu_clock_advance(int64_t seconds);
/* What it has been moved by, in seconds. */
int64_t emu_clock_offset_s(void);

#endif /* KP_TOOLS_KP_EMULATOR_CLOCK_H */
