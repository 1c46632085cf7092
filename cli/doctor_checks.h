/* The checks of kp doctor, each a run of struct cli_doctor_check. Main thread; they block. */
#ifndef KP_CLI_DOCTOR_CHECKS_H
#define KP_CLI_DOCTOR_CHECKS_H

#include "cli/doctor.h"

/* The vault's first answer, to get_key or list_keys, and how far it got. Fills d->looked. */
kp_status cli_doctor_vault(struct cli_doctor *d) KP_MUST_USE;
/* What the vault answered about the keys, or about the key; the vault has answered. */
kp_status cli_doctor_keys(struct cli_doctor *d) KP_MUST_USE;
kp_status cli_doctor_key(struct cli_doctor *d) KP_MUST_USE;
/* This machine's clock against the dates of the key, which is there. Only warns. */
kp_status cli_doctor_clock(struct cli_doctor *d) KP_MUST_USE;

/* Wraps random bytes into d->wrapped; the key is there. */
kp_status cli_doctor_wrap(struct cli_doctor *d) KP_MUST_USE;
/* Unwraps them with the version that wrapped, and compares. Errors: integrity, protocol. */
kp_status cli_doctor_unwrap(struct cli_doctor *d) KP_MUST_USE;

#endif /* KP_CLI_DOCTOR_CHECKS_H */
