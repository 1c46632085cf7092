#include "token.h"

#define SLOTS_MAX 256

/* ---- Finding ---- */

/* Whether the location's token is in the slot now; a slot without one is no failure. */
static int is_in_slot(const struct p11_token *t, CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    return t->f->C_GetTokenInfo(slot, &info) == CKR_OK && p11_location_fits(&t->location, &info);
}

static kp_status find_slot(struct p11_token *t, struct kp_error *reterr)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    size_t n_found = 0;
    const CK_RV rv = t->f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK) {
        return p11_fail_rv(reterr, "C_GetSlotList", rv);
    }
    for (CK_ULONG i = 0; i < n; i++) {
        if (is_in_slot(t, slots[i])) {
            t->slot = slots[i];
            n_found++;
        }
    }
    if (n_found == 1) {
        return KP_OK;
    }
    if (n_found == 0) {
        return p11_fail(reterr, KP_NOT_FOUND, KP_NOT_SENT,
                        "none of the module's %lu tokens has the label %s%s%s; is it plugged in?",
                        (unsigned long)n, t->location.label,
                        t->location.serial[0] ? " with serial number " : "", t->location.serial);
    }
    return p11_fail(reterr, KP_CONFIG, KP_NOT_SENT,
                    "the module has %zu tokens %s; add ;serial=NUMBER to the location", n_found,
                    t->location.label);
}

/* ---- Logging in ---- */

static int is_logged_in(const struct p11_token *t, CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    return t->f->C_GetSessionInfo(session, &info) == CKR_OK &&
           (info.state == CKS_RW_USER_FUNCTIONS || info.state == CKS_RO_USER_FUNCTIONS);
}

static int is_about_pin(CK_RV rv)
{
    return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED ||
           rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INVALID;
}

/* Under the lock. The slot may hold another token by now, which must not see this PIN. */
static kp_status show_pin(struct p11_token *t, CK_SESSION_HANDLE session, struct kp_error *reterr)
{
    if (t->pin_refused) {
        return p11_fail(reterr, KP_AUTH, KP_NOT_SENT,
                        "the token refused the PIN before; it is not shown again until the vault "
                        "is opened anew with the right one");
    }
    if (!is_in_slot(t, t->slot)) {
        return p11_fail_rv(reterr, "C_GetTokenInfo", CKR_TOKEN_NOT_PRESENT);
    }
    const CK_RV rv =
        t->f->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)(uintptr_t)t->pin.ptr, t->pin.len);
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
        return KP_OK;
    }
    t->pin_refused = is_about_pin(rv);
    return p11_fail_rv(reterr, "C_Login", rv);
}

static kp_status log_in(struct p11_token *t, CK_SESSION_HANDLE session, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    (void)pthread_mutex_lock(&t->login);
    if (!is_logged_in(t, session)) {
        st = show_pin(t, session, reterr);
    }
    (void)pthread_mutex_unlock(&t->login);
    return st;
}

kp_status p11_token_session(struct p11_token *token, CK_SESSION_HANDLE *ret,
                            struct kp_error *reterr)
{
    const CK_FLAGS flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    const CK_RV rv = token->f->C_OpenSession(token->slot, flags, NULL, NULL, ret);
    if (rv != CKR_OK) {
        *ret = CK_INVALID_HANDLE;
        return p11_fail_rv(reterr, "C_OpenSession", rv);
    }
    const kp_status st = log_in(token, *ret, reterr);
    if (st != KP_OK) {
        (void)token->f->C_CloseSession(*ret);
        *ret = CK_INVALID_HANDLE;
    }
    return st;
}

/* ---- Life ---- */

kp_status p11_token_open(struct p11_token *token, CK_FUNCTION_LIST_PTR functions,
                         struct kp_error *reterr)
{
    token->f = functions;
    const kp_status st = find_slot(token, reterr);
    return st == KP_OK ? p11_token_session(token, &token->kept, reterr) : st;
}

/* No C_Logout: it would end the login of every other vault on this token. */
void p11_token_close(struct p11_token *token)
{
    if (token->kept != CK_INVALID_HANDLE) {
        (void)token->f->C_CloseSession(token->kept);
    }
    token->kept = CK_INVALID_HANDLE;
}
