/*
 * T-SQL text into statements. The whole script is read before any of it runs: what is not
 * understood is refused with its line and column, never skipped.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_PARSE_H
#define KP_TOOLS_EKM_REHEARSE_PARSE_H

#include "tools/ekm-rehearse/ast.h"

/*
 * Reads script into *ret, everything in m. Pure. Errors: usage with "line L, column C: ...";
 * no_memory, also when the script needs more than m may hold.
 */
kp_status rh_parse(kp_span script, struct rh_memory *m, struct rh_script *ret,
                   struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_PARSE_H */
