/* What the readers of answers share. Internal to answer*.c. */
#ifndef KP_PLUGINS_AZURE_REST_ANSWER_PARTS_H
#define KP_PLUGINS_AZURE_REST_ANSWER_PARTS_H

#include "plugins/azure-rest/answer.h"
#include "plugins/azure-rest/json_scan.h"
#include "plugins/azure-rest/judge.h"
#include "plugins/azure-rest/kid.h"

/* One reading of one body. */
struct azr_reading {
    const char *base;
    const struct kp_request *request;
    struct azr_answer *answer;
    struct kp_error *err;
};

/* Reads one kind of body, an object. */
typedef kp_status azr_read_fn(const struct azr_reading *r, struct azr_json body);

azr_read_fn azr_read_bundle, azr_read_attested, azr_read_list, azr_read_policy, azr_read_result,
    azr_read_verdict, azr_read_blob, azr_read_released;

/* protocol with a number; "the vault's answer to wrap ..." */
kp_status azr_refuse(const struct azr_reading *r, uint32_t code, const char *what);
/* The same with the number that this step has for a fault. */
kp_status azr_refuse_fault(const struct azr_reading *r, enum azr_fault fault, const char *what);
/* integrity: "...; it is not used" */
kp_status azr_refuse_integrity(const struct azr_reading *r, const char *what);
kp_status azr_refuse_memory(const struct azr_reading *r);

/*
 * Decoded into the answer. Absent and null leave *ret as it is. Room for all that a body of this
 * length can hold was reserved: spans stay where they are.
 */
kp_status azr_keep_text(const struct azr_reading *r, struct azr_json value, kp_span *ret)
    KP_MUST_USE;
kp_status azr_keep_base64(const struct azr_reading *r, struct azr_json value, uint32_t code,
                          kp_span *ret) KP_MUST_USE;
/* len zeroed bytes of the answer; len at most AZR_PADDING_LEN in all. */
kp_status azr_keep_room(const struct azr_reading *r, size_t len, uint8_t **ret) KP_MUST_USE;

#define AZR_PADDING_LEN 256u /* reserved for azr_keep_room */

/* An integer member, also as a string; absent, null and anything else: KP_TIME_NONE. */
int64_t azr_read_time(struct azr_json object, const char *name);

/*
 * Reads a kid and checks it against what was asked for: host, name, version. code: the number when
 * it is none. Errors: protocol, integrity, no_memory.
 */
kp_status azr_take_kid(const struct azr_reading *r, struct azr_json value, uint32_t code,
                       kp_span *ret_kid, struct azr_kid *ret) KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_ANSWER_PARTS_H */
