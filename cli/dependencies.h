/* The libraries below us, as they are in this process, for `kp version`. Any thread. */
#ifndef KP_CLI_DEPENDENCIES_H
#define KP_CLI_DEPENDENCIES_H

#include <stddef.h>

#define CLI_N_DEPENDENCIES 5u

struct cli_dependency {
    const char *name;
    const char *version; /* constant; "none" where libcurl was built without it */
};

/* Fills all of list. What is shared is asked, not what it was built against. */
void cli_dependencies(struct cli_dependency list[CLI_N_DEPENDENCIES]);

#endif /* KP_CLI_DEPENDENCIES_H */
