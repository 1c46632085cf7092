/* Values of T-SQL and the rows that hold them. Plain data; bytes are borrowed from the script. */
#ifndef KP_TOOLS_EKM_REHEARSE_VALUE_H
#define KP_TOOLS_EKM_REHEARSE_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "tools/ekm-rehearse/memory.h"

enum rh_type {
    RH_NULL = 0,
    RH_INT = 1,
    RH_VARCHAR = 2,  /* one byte a character */
    RH_NVARCHAR = 3, /* UTF-16 on the wire, UTF-8 in here */
    RH_VARBINARY = 4
};

#define RH_VALUE_MAX_LEN 8000u /* bytes of a varchar or varbinary without MAX */

/* bytes: the text as UTF-8, or the binary value. */
struct rh_value {
    enum rh_type type;
    int64_t number;
    kp_span bytes;
};

struct rh_value rh_int(int64_t number);
struct rh_value rh_text(const char *text);
struct rh_value rh_bytes(kp_span bytes);

/* As SELECT prints it: NULL, digits, the text, 0x and hexadecimal digits. Errors: no_memory. */
kp_status rh_value_print(const struct rh_value *v, kp_buf *out) KP_MUST_USE;

/*
 * Whether two values are equal: texts without regard to case, bytes exactly, NULL never. A text and
 * a number are not.
 */
bool rh_value_eq(const struct rh_value *a, const struct rh_value *b);

/*
 * v as another type: between texts and bytes as the engine does (varchar by code page 1252's ASCII
 * part, nvarchar as UTF-16), numbers to and from decimal text; max_len cuts (characters or bytes;
 * 0: RH_VALUE_MAX_LEN). Errors: usage when there is no such conversion or the bytes are no text;
 * no_memory.
 */
kp_status rh_value_convert(const struct rh_value *v, enum rh_type type, uint32_t max_len,
                           struct rh_memory *m, struct rh_value *ret, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * The bytes that encryption sees: of an nvarchar its UTF-16, of others what they are. Numbers and
 * NULL are refused with usage.
 */
kp_status rh_value_wire(const struct rh_value *v, struct rh_memory *m, kp_span *ret,
                        struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_TOOLS_EKM_REHEARSE_VALUE_H */
