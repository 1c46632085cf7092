/* Error answers in the shapes of the two services and of the login service. */
#ifndef KP_TOOLS_KP_EMULATOR_FAILURE_H
#define KP_TOOLS_KP_EMULATOR_FAILURE_H

#include "tools/kp-emulator/exchange.h"

/*
 * Sends {"error":{"code","message"[,"innererror":{"code"}]}} and ends the exchange. inner may be
 * NULL. A Managed HSM's message ends with its activity id.
 */
void emu_fail(struct emu_exchange *x, int status, const char *code, const char *inner,
              const char *fmt, ...) KPB_PRINTF(5, 6);
/* 400 BadParameter. */
void emu_fail_parameter(struct emu_exchange *x, const char *fmt, ...) KPB_PRINTF(2, 3);
/* 404 KeyNotFound for the key of the exchange; deleted: it was looked for among the deleted. */
void emu_fail_not_found(struct emu_exchange *x, bool deleted);
/* The answer to a failed operation of the file vault. */
void emu_fail_operation(struct emu_exchange *x, const struct kp_error *error);
/* 429 of a full bucket. */
void emu_fail_throttled(struct emu_exchange *x, int64_t wait_s);
/* The headers every answer of that service carries. */
void emu_service_headers(struct emu_exchange *x);

/* An error of the login service: AADSTS<number>: text, with its ids and time. */
void emu_fail_login(struct emu_exchange *x, int status, const char *error, long number,
                    const char *fmt, ...) KPB_PRINTF(5, 6);

#endif /* KP_TOOLS_KP_EMULATOR_FAILURE_H */
