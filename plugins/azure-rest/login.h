/*
 * How a caller names who it is, when it hands a credential over instead of configuring one: SQL
 * Server logins and `identity` with `secret` of a vault. Pure functions; results are views.
 */
#ifndef KP_PLUGINS_AZURE_REST_LOGIN_H
#define KP_PLUGINS_AZURE_REST_LOGIN_H

#include "plugins/azure-rest/names.h"

enum azr_login_kind {
    AZR_LOGIN_NONE = 0,            /* none handed over: the configuration's identity */
    AZR_LOGIN_SECRET = 1,          /* client id and client secret */
    AZR_LOGIN_MANAGED_IDENTITY = 2 /* client_id empty: the machine's own */
};

struct azr_login {
    uint32_t kind;                     /* enum azr_login_kind */
    char client_id[AZR_GUID_LEN + 1u]; /* lower case with hyphens, or empty */
    kp_span secret;                    /* client secret, a view; secret memory if the input is */
};

/*
 * Reads identity and secret:
 *   ""                                    ""               none
 *   GUID or its 32 hex digits             client secret    client secret
 *   "Managed Identity" [CLIENT ID]        ""               managed identity; also with - or : in
 *                                                          place of the blanks, letters of any case
 *   ""                                    as azr_login_from_sql reads it
 * Errors: auth 3800 with what is wrong, never with a byte of the secret.
 */
kp_status azr_login_parse(kp_span identity, kp_span secret, struct azr_login *ret,
                          struct kp_error *reterr) KP_MUST_USE;

/*
 * Reads SQL Server's SECRET: the client id as 32 hex digits, the client secret directly behind it.
 * The client id with its hyphens is accepted as well: it is told apart without doubt.
 * Errors: usage 2050 under 32 characters; auth 3800 no client id, or no secret behind it.
 */
kp_status azr_login_from_sql(kp_span secret, struct azr_login *ret, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_AZURE_REST_LOGIN_H */
