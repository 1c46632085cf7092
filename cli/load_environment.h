/*
 * Where a result comes from: when, on which machine, with which library on top of which others, and
 * how that was built. Two results are only as alike as these are. Main thread.
 */
#ifndef KP_CLI_LOAD_ENVIRONMENT_H
#define KP_CLI_LOAD_ENVIRONMENT_H

#include "cli/dependencies.h"

/* The facts of our own, in the order they are told: a symbol and its name. */
#define LOAD_FACTS_MAP(XX)                                                                         \
    XX(DATE, "date")                                                                               \
    XX(MACHINE, "machine")                                                                         \
    XX(CPU_FEATURES, "cpu_features")                                                               \
    XX(LIBRARY, "library")                                                                         \
    XX(COMPILER, "compiler")                                                                       \
    XX(BUILD_FLAGS, "build_flags")

enum load_fact_kind {
#define XX(symbol, text) LOAD_FACT_##symbol,
    LOAD_FACTS_MAP(XX)
#undef XX
        LOAD_N_OWN_FACTS
};

#define LOAD_N_FACTS (LOAD_N_OWN_FACTS + CLI_N_DEPENDENCIES) /* those of the others follow */
#define LOAD_FACT_LEN 320u

struct load_fact {
    const char *name; /* constant; the member of the JSON */
    char text[LOAD_FACT_LEN];
};

/*
 * Fills all of facts: the date in UTC; processor, cores and system; which of the processor's
 * features libcrypto makes use of here; the library's version; compiler and flags that kp and the
 * library were built with; versions of what is loaded below them.
 */
void cli_load_environment(struct load_fact facts[LOAD_N_FACTS]);

/* Writes the names of the features that an OPENSSL_ia32cap as libcrypto tells it says are used;
 * what is none as it came. */
void cli_load_cpu_features(const char *settings, char out[LOAD_FACT_LEN]);

#endif /* KP_CLI_LOAD_ENVIRONMENT_H */
