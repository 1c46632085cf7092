/*
 * From the return values of PKCS #11 to status classes: one row each, with what to do.
 *
 * exposure decides whether the host may try a create again: a token that refused did nothing, one
 * that broke may have done it. None of the sentences holds a value of the caller's.
 */
#include <stdio.h>
#include <string.h>

#include "text.h"

struct meaning {
    CK_RV rv;
    kp_status status;
    uint32_t exposure;
    const char *name;
    const char *sentence;
};

#define REFUSED KP_ANSWERED_REFUSED
#define MAYBE KP_MAYBE_SENT
#define ROW(rv, status, exposure, sentence)                                                        \
    {                                                                                              \
        rv, status, exposure, #rv, sentence                                                        \
    }

static const struct meaning MEANINGS[] = {
    ROW(CKR_PIN_INCORRECT, KP_AUTH, REFUSED,
        "the token refused the PIN; correct it before trying again, for tokens lock themselves"),
    ROW(CKR_PIN_LOCKED, KP_AUTH, REFUSED, "too many wrong PINs; its security officer unlocks it"),
    ROW(CKR_PIN_EXPIRED, KP_AUTH, REFUSED, "set a new PIN with the token's own tool"),
    ROW(CKR_PIN_LEN_RANGE, KP_AUTH, REFUSED, "the PIN is too short or too long for the token"),
    ROW(CKR_PIN_INVALID, KP_AUTH, REFUSED, "the PIN has characters the token does not take"),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, KP_CONFIG, REFUSED, "the token has no user PIN yet"),
    ROW(CKR_USER_NOT_LOGGED_IN, KP_TRANSIENT, REFUSED, "the login ended meanwhile"),
    ROW(CKR_TOKEN_NOT_PRESENT, KP_TRANSIENT, REFUSED, "the token was taken out"),
    ROW(CKR_SLOT_ID_INVALID, KP_TRANSIENT, REFUSED, "the token's slot is gone"),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, KP_VAULT, REFUSED,
        "somebody else in this process finalised the module; open the vault anew"),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, KP_CONFIG, REFUSED, "the slot holds no token of this module"),
    ROW(CKR_DEVICE_REMOVED, KP_TRANSIENT, MAYBE, "the token was taken out during the call"),
    ROW(CKR_SESSION_HANDLE_INVALID, KP_TRANSIENT, REFUSED, "the session ended meanwhile"),
    ROW(CKR_SESSION_CLOSED, KP_TRANSIENT, MAYBE, "the session was closed during the call"),
    ROW(CKR_SESSION_COUNT, KP_THROTTLED, REFUSED,
        "the token has no session left; lower the vault's max_in_flight"),
    ROW(CKR_DEVICE_MEMORY, KP_VAULT, REFUSED, "the token is full"),
    ROW(CKR_DEVICE_ERROR, KP_VAULT, MAYBE, "the token failed; see its own log"),
    ROW(CKR_GENERAL_ERROR, KP_VAULT, MAYBE, "the module failed; see its own log"),
    ROW(CKR_FUNCTION_FAILED, KP_VAULT, MAYBE, "the token could not do it; see its own log"),
    ROW(CKR_HOST_MEMORY, KP_NO_MEMORY, MAYBE, "the module was out of memory"),
    ROW(CKR_TOKEN_WRITE_PROTECTED, KP_FORBIDDEN, REFUSED, "the token is write-protected"),
    ROW(CKR_SESSION_READ_ONLY, KP_FORBIDDEN, REFUSED, "the token is write-protected"),
    ROW(CKR_ACTION_PROHIBITED, KP_FORBIDDEN, REFUSED, "the token's policy forbids it"),
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, KP_FORBIDDEN, REFUSED, "the key is not for that"),
    ROW(CKR_KEY_HANDLE_INVALID, KP_NOT_FOUND, REFUSED, "the key was deleted meanwhile"),
    ROW(CKR_OBJECT_HANDLE_INVALID, KP_NOT_FOUND, REFUSED, "the key was deleted meanwhile"),
    ROW(CKR_KEY_SIZE_RANGE, KP_UNSUPPORTED, REFUSED, "the token has no keys of that size"),
    ROW(CKR_MECHANISM_INVALID, KP_UNSUPPORTED, REFUSED, "the token has no such algorithm"),
    ROW(CKR_MECHANISM_PARAM_INVALID, KP_UNSUPPORTED, REFUSED,
        "the token has the algorithm, but not with this digest; RSA-OAEP may work"),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, KP_UNSUPPORTED, REFUSED, "the module has no such function"),
    ROW(CKR_RANDOM_NO_RNG, KP_UNSUPPORTED, REFUSED, "the token makes no random bytes"),
    ROW(CKR_TEMPLATE_INCONSISTENT, KP_UNSUPPORTED, REFUSED, "the token makes no such key"),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, KP_UNSUPPORTED, REFUSED, "the token makes no such key"),
    ROW(CKR_DATA_LEN_RANGE, KP_USAGE, REFUSED, "the value is too long for the key and algorithm"),
    ROW(CKR_ENCRYPTED_DATA_INVALID, KP_INTEGRITY, REFUSED,
        "the value is damaged, or another key version or algorithm made it"),
    ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, KP_INTEGRITY, REFUSED,
        "the value is damaged, or another key version or algorithm made it"),
    ROW(CKR_BUFFER_TOO_SMALL, KP_UNSUPPORTED, REFUSED, "keys have at most 8192 bits here"),
};

static const struct meaning *find(CK_RV rv)
{
    for (size_t i = 0; i < sizeof MEANINGS / sizeof MEANINGS[0]; i++) {
        if (MEANINGS[i].rv == rv) {
            return &MEANINGS[i];
        }
    }
    return NULL;
}

kp_status p11_fail_rv(struct kp_error *err, const char *step, CK_RV rv)
{
    const struct meaning *m = find(rv);
    if (!m) {
        return p11_fail(err, KP_VAULT, MAYBE, "%s returned 0x%lx, which this plugin does not know",
                        step, (unsigned long)rv);
    }
    (void)p11_fail(err, m->status, m->exposure, "%s: %s: %s", step, m->name, m->sentence);
    (void)snprintf(err->service_code, sizeof err->service_code, "%s", m->name);
    return m->status;
}
