/* The command line of ekm-rehearse. Pure. */
#ifndef KP_TOOLS_EKM_REHEARSE_OPTIONS_H
#define KP_TOOLS_EKM_REHEARSE_OPTIONS_H

#include "tools/ekm-rehearse/engine.h"

#define RH_SCRIPTS_MAX 64u

struct rh_command {
    struct rh_options options;
    const char *scripts[RH_SCRIPTS_MAX];
    size_t n_scripts;
    bool has_seed;
    bool wants_help;
    bool check_only; /* read the scripts, run nothing */
};

/* Reads argv (borrowed). Errors: usage naming the argument. */
kp_status rh_options_read(int argc, char **argv, struct rh_command *ret, struct kp_error *reterr)
    KP_MUST_USE;
/* Writes the help. */
void rh_options_help(FILE *out);

#endif /* KP_TOOLS_EKM_REHEARSE_OPTIONS_H */
