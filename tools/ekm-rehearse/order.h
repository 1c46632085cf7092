/*
 * Orders of calls that no trace of a live engine has confirmed. Each is a switch, so that a
 * provider can be rehearsed against either way; docs/REHEARSAL.md lists them. Pure functions.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_ORDER_H
#define KP_TOOLS_EKM_REHEARSE_ORDER_H

#include <stdbool.h>

#include "base/errors.h"
#include "base/span.h"

/* XX(SYMBOL, "name", "choice a, the default", "choice b") */
#define RH_ORDER_MAP(XX)                                                                           \
    XX(REGISTER, "register", "info", "info-algorithms")                                            \
    XX(CREDENTIAL, "credential", "no-call", "open-session")                                        \
    XX(ALTERED, "altered-credential", "keep-session", "close-session")                             \
    XX(OPEN_KEY, "open-key", "algorithm-export", "export-algorithm")                               \
    XX(NEW_KEY, "new-key", "lookup", "direct")                                                     \
    XX(NEW_KEY_SIZE, "new-key-size", "no-probe", "probe")                                          \
    XX(USE_KEY, "use-key", "lookup", "direct")                                                     \
    XX(CRYPT, "crypt", "probe", "one-call")                                                        \
    XX(PARAMS, "params", "null", "empty")                                                          \
    XX(REENCRYPT, "reencrypt", "cached", "decrypt")

enum rh_order {
#define XX(symbol, name, a, b) RH_ORDER_##symbol,
    RH_ORDER_MAP(XX)
#undef XX
        RH_N_ORDERS
};

/* is_b[i]: the second choice is taken. Zeroed: all defaults. */
struct rh_orders {
    bool is_b[RH_N_ORDERS];
};

/* Reads "name=choice"; choice is a word of the table, or a or b. Errors: usage that lists them. */
kp_status rh_order_set(struct rh_orders *o, kp_span text, struct kp_error *reterr) KP_MUST_USE;

struct rh_order_info {
    const char *name;
    const char *choices[2];
};
/* Row i of the table, NULL from RH_N_ORDERS on. */
const struct rh_order_info *rh_order_at(size_t i);

#endif /* KP_TOOLS_EKM_REHEARSE_ORDER_H */
