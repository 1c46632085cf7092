/* The command line of kp-emulator. */
#ifndef KP_TOOLS_KP_EMULATOR_OPTIONS_H
#define KP_TOOLS_KP_EMULATOR_OPTIONS_H

#include <stdbool.h>

#include <keyprovider/status.h>

struct emu_options {
    const char *config;   /* NULL: the built-in settings */
    const char *state;    /* folder; NULL only with ephemeral */
    const char *scenario; /* file, or NULL */
    const char *address;
    const char *arc_folder; /* of the agent's key file; NULL: a folder of the state */
    const char *region;     /* address of the Managed HSMs' second region; NULL: there is none */
    uint16_t ports[5];      /* by enum emu_role, then the proxy's; 0: any that is free */
    bool ephemeral;         /* state in a fresh folder that goes at the end */
    bool logs_refusals;     /* each 401 with its request id and reason, on standard error */
    bool help;
    char **command; /* what to run, NULL-terminated; NULL: nothing */
};

/* Errors: usage, the sentence says what to type. Texts are argv's. */
kp_status emu_options_read(int argc, char **argv, struct emu_options *ret, struct kp_error *reterr)
    KP_MUST_USE;
const char *emu_usage(void);

#endif /* KP_TOOLS_KP_EMULATOR_OPTIONS_H */
