#include "base/win_access.h"

#include <stddef.h>
#include <stdio.h>
#include <windows.h>

#include <aclapi.h>
#include <sddl.h>

#include "base/errors.h"
#include "base/win_text.h"

#define SID_TEXT_LEN 192u
#define TOKEN_USER_LEN (sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE)

/* Rights with which an object, or what it means, could be changed. */
#define FILE_WRITERS                                                                               \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_DELETE_CHILD | DELETE | WRITE_DAC | \
     WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL)
#define WAY_WRITERS (FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL)
#define KEY_WRITERS                                                                                \
    (KEY_SET_VALUE | KEY_CREATE_SUB_KEY | KEY_CREATE_LINK | DELETE | WRITE_DAC | WRITE_OWNER |     \
     GENERIC_WRITE | GENERIC_ALL)

/* What one look at an object needs. */
struct look {
    DWORD writers;
    bool (*may_write)(const struct look *look, PSID sid);
    const char *name;
    struct kp_error *err;
    union {
        TOKEN_USER user;
        unsigned char room[TOKEN_USER_LEN];
    } me;
};

/* ---- Accounts ---- */

static bool read_me(struct look *look)
{
    HANDLE token = NULL;
    DWORD len = 0;
    bool ok;

    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) &&
        !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return false;
    ok = GetTokenInformation(token, TokenUser, &look->me, sizeof look->me, &len) != 0;
    (void)CloseHandle(token);
    return ok;
}

static bool is_one_of(PSID sid, const WELL_KNOWN_SID_TYPE *kinds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (IsWellKnownSid(sid, kinds[i]))
            return true;
    }
    return false;
}

/* A service has a number of its own, S-1-5-80-..., beside the account it runs as, and rights may be
 * given to either. No other service has it. */
static bool is_service_of_ours(PSID sid)
{
    BOOL member = FALSE;

    return GetSidIdentifierAuthority(sid)->Value[5] == 5 && *GetSidSubAuthorityCount(sid) == 6 &&
           *GetSidSubAuthority(sid, 0) == SECURITY_SERVICE_ID_BASE_RID &&
           CheckTokenMembership(NULL, sid, &member) && member;
}

/* S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464, the owner of Windows itself. */
static bool is_trusted_installer(PSID sid)
{
    static const DWORD parts[] = {80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464};
    const size_t n = sizeof parts / sizeof parts[0];

    if (*GetSidSubAuthorityCount(sid) != n || GetSidIdentifierAuthority(sid)->Value[5] != 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (*GetSidSubAuthority(sid, (DWORD)i) != parts[i])
            return false;
    }
    return true;
}

/* Who may have written a file of ours. */
static bool is_trusted(const struct look *look, PSID sid)
{
    static const WELL_KNOWN_SID_TYPE kinds[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid,
                                                WinCreatorOwnerSid, WinCreatorOwnerRightsSid};

    return EqualSid(sid, look->me.user.User.Sid) ||
           is_one_of(sid, kinds, sizeof kinds / sizeof kinds[0]) || is_trusted_installer(sid) ||
           is_service_of_ours(sid);
}

static bool is_no_crowd(const struct look *look, PSID sid)
{
    static const WELL_KNOWN_SID_TYPE crowds[] = {
        WinWorldSid,        WinBuiltinUsersSid, WinAuthenticatedUserSid, WinInteractiveSid,
        WinNetworkSid,      WinBatchSid,        WinAnonymousSid,         WinBuiltinGuestsSid,
        WinAccountGuestSid, WinLocalSid,        WinRemoteLogonIdSid,     WinBuiltinAnyPackageSid,
    };

    (void)look;
    return !is_one_of(sid, crowds, sizeof crowds / sizeof crowds[0]);
}

/* "S-1-5-32-545", and the account's name where the system knows one. */
static void sid_text(PSID sid, char *out, size_t cap)
{
    wchar_t name[128] = L"";
    wchar_t domain[128] = L"";
    DWORD name_len = 128;
    DWORD domain_len = 128;
    SID_NAME_USE use;
    wchar_t wide[SID_TEXT_LEN];
    LPWSTR digits = NULL;

    (void)snprintf(out, cap, "an unknown account");
    if (LookupAccountSidW(NULL, sid, name, &name_len, domain, &domain_len, &use)) {
        (void)swprintf(wide, SID_TEXT_LEN, L"%ls%ls%ls", domain, domain[0] ? L"\\" : L"", name);
        if (kpb_win_utf8_fill(wide, out, cap))
            return;
    }
    if (ConvertSidToStringSidW(sid, &digits)) {
        if (!kpb_win_utf8_fill(digits, out, cap))
            (void)snprintf(out, cap, "an account with a long number");
        (void)LocalFree(digits);
    }
}

/* ---- Lists ---- */

static kp_status refuse_writer(const struct look *look, PSID sid)
{
    char who[SID_TEXT_LEN];

    sid_text(sid, who, sizeof who);
    return kpb_fail(look->err, KP_CONFIG,
                    "%s can be written by %s; take that right away from it (icacls, regedit)",
                    look->name, who);
}

/* A list entry that gives something; of a kind nobody knows counts as one that gives all. */
static kp_status judge_entry(const struct look *look, ACE_HEADER *entry)
{
    ACCESS_ALLOWED_ACE *allowed = (ACCESS_ALLOWED_ACE *)entry;
    PSID sid = &allowed->SidStart;

    if (entry->AceFlags & INHERIT_ONLY_ACE)
        return KP_OK;
    switch (entry->AceType) {
    case ACCESS_DENIED_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_ACE_TYPE:
        return KP_OK;
    case ACCESS_ALLOWED_ACE_TYPE:
    case ACCESS_ALLOWED_CALLBACK_ACE_TYPE:
        if (!(allowed->Mask & look->writers) || look->may_write(look, sid))
            return KP_OK;
        return refuse_writer(look, sid);
    default:
        return kpb_fail(look->err, KP_CONFIG, "the access list of %s has an entry of kind %u",
                        look->name, (unsigned)entry->AceType);
    }
}

static kp_status judge_list(const struct look *look, PACL list)
{
    kp_status st = KP_OK;

    if (!list)
        return kpb_fail(look->err, KP_CONFIG, "%s has no access list: everybody can write it",
                        look->name);
    for (DWORD i = 0; st == KP_OK && i < list->AceCount; i++) {
        void *entry = NULL;

        if (!GetAce(list, i, &entry))
            st = kpb_fail(look->err, KP_CONFIG, "the access list of %s is damaged", look->name);
        else
            st = judge_entry(look, entry);
    }
    return st;
}

static kp_status judge_owner(const struct look *look, PSID owner)
{
    char who[SID_TEXT_LEN];

    if (owner && look->may_write(look, owner))
        return KP_OK;
    sid_text(owner, who, sizeof who);
    return kpb_fail(look->err, KP_CONFIG,
                    "%s belongs to %s, who is not the account that runs this; run: icacls \"%s\" "
                    "/setowner Administrators",
                    look->name, who, look->name);
}

static kp_status check(struct look *look, HANDLE handle, SE_OBJECT_TYPE kind)
{
    const SECURITY_INFORMATION wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    PACL list = NULL;
    char why[128];
    DWORD code = GetSecurityInfo(handle, kind, wanted, &owner, NULL, &list, NULL, &descriptor);
    kp_status st;

    if (code != ERROR_SUCCESS || !read_me(look)) {
        kpb_win_reason(code, why, sizeof why);
        st = kpb_fail(look->err, KP_CONFIG, "the access list of %s cannot be read: %s", look->name,
                      why);
    } else {
        st = judge_owner(look, owner);
        if (st == KP_OK)
            st = judge_list(look, list);
    }
    (void)LocalFree(descriptor);
    return st;
}

kp_status kpb_win_check_file(void *handle, const char *name, struct kp_error *reterr)
{
    struct look look = {
        .writers = FILE_WRITERS, .may_write = is_trusted, .name = name, .err = reterr};

    return check(&look, handle, SE_FILE_OBJECT);
}

kp_status kpb_win_check_way(void *handle, const char *name, struct kp_error *reterr)
{
    struct look look = {
        .writers = WAY_WRITERS, .may_write = is_trusted, .name = name, .err = reterr};

    return check(&look, handle, SE_FILE_OBJECT);
}

bool kpb_win_is_private(void *handle)
{
    struct look look = {.writers = MAXDWORD, .may_write = is_trusted, .name = "it"};

    return check(&look, handle, SE_FILE_OBJECT) == KP_OK;
}

bool kpb_win_is_ours(void *handle)
{
    struct look look = {0};
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    bool ours;

    if (!read_me(&look) || GetSecurityInfo(handle, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION,
                                           &owner, NULL, NULL, NULL, &descriptor) != ERROR_SUCCESS)
        return false;
    ours = owner && (EqualSid(owner, look.me.user.User.Sid) ||
                     IsWellKnownSid(owner, WinBuiltinAdministratorsSid));
    (void)LocalFree(descriptor);
    return ours;
}

kp_status kpb_win_check_key(void *key, const char *name, struct kp_error *reterr)
{
    struct look look = {
        .writers = KEY_WRITERS, .may_write = is_no_crowd, .name = name, .err = reterr};

    return check(&look, key, SE_REGISTRY_KEY);
}

/* ---- Descriptors ---- */

void *kpb_win_access_from(const wchar_t *sddl)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;

    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &descriptor,
                                                              NULL))
        return NULL;
    return descriptor;
}

void *kpb_win_access_private(void)
{
    struct look look = {0};
    wchar_t sddl[SID_TEXT_LEN + 64];
    LPWSTR me = NULL;
    void *descriptor;

    if (!read_me(&look) || !ConvertSidToStringSidW(look.me.user.User.Sid, &me))
        return NULL;
    (void)swprintf(sddl, sizeof sddl / sizeof sddl[0],
                   L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;%ls)", me);
    descriptor = kpb_win_access_from(sddl);
    (void)LocalFree(me);
    return descriptor;
}

void kpb_win_access_free(void *descriptor)
{
    (void)LocalFree(descriptor);
}
