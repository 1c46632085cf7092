#include "base/signature.h"

#include <stddef.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"

/* What ends every refusal that a pin would mend. */
#define OR_PIN "or pin its sha256 in the configuration (kp plugin inspect)"

struct reason {
    uint32_t number;
    const char *words;
};

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* ---- Problems ---- */

/* What WinVerifyTrust says most; every other number but 0 is a problem as well. */
static const struct reason verdicts[] = {
    {0x800B0100u, "there is none"},                                     /* TRUST_E_NOSIGNATURE */
    {0x80096010u, "the file was changed after it was signed"},          /* TRUST_E_BAD_DIGEST */
    {0x800B0109u, "its issuer is none this machine trusts"},            /* CERT_E_UNTRUSTEDROOT */
    {0x800B010Au, "its chain of certificates is not complete"},         /* CERT_E_CHAINING */
    {0x800B0101u, "its certificate has expired and no time stamp says " /* CERT_E_EXPIRED */
                  "that it was signed before"},
    {0x800B010Cu, "its certificate was revoked"},              /* CERT_E_REVOKED */
    {0x80092010u, "its certificate was revoked"},              /* CRYPT_E_REVOKED */
    {0x800B0111u, "its certificate is one this machine bans"}, /* TRUST_E_EXPLICIT_DISTRUST */
    {0x800B0110u, "its certificate is not for signing code"},  /* CERT_E_WRONG_USAGE */
    {0x800B0004u, "this machine's policy does not trust it"},  /* TRUST_E_SUBJECT_NOT_TRUSTED */
    {0x80092026u, "this machine's policy does not trust it"},  /* CRYPT_E_SECURITY_SETTINGS */
    {0x80096004u, "its certificate's signature is not right"}, /* TRUST_E_CERT_SIGNATURE */
    {0x80096005u, "its time stamp is not right"},              /* TRUST_E_TIME_STAMP */
    {0x800B0003u, "the file is none that could have one"},     /* TRUST_E_SUBJECT_FORM_UNKNOWN */
    {0x800B0001u, "this machine cannot check signatures"},     /* TRUST_E_PROVIDER_UNKNOWN */
};

/*
 * What no signer's chain may have, also where the verdict is 0: the account's own settings can make
 * WinVerifyTrust overlook some of them.
 */
static const struct reason chain_bits[] = {
    {0x00000004u, "its certificate was revoked"},               /* CERT_TRUST_IS_REVOKED */
    {0x04000000u, "its certificate is one this machine bans"},  /* IS_EXPLICIT_DISTRUST */
    {0x00000008u, "its certificate's signature is not right"},  /* IS_NOT_SIGNATURE_VALID */
    {0x00000020u, "its issuer is none this machine trusts"},    /* IS_UNTRUSTED_ROOT */
    {0x00010000u, "its chain of certificates is not complete"}, /* IS_PARTIAL_CHAIN */
    {0x00000080u, "its chain of certificates has no end"},      /* IS_CYCLIC */
    {0x00000010u, "its certificate is not for signing code"},   /* IS_NOT_VALID_FOR_USAGE */
    {0x00000001u, "its certificate has expired and no time stamp says that it was signed "
                  "before"}, /* IS_NOT_TIME_VALID, at the time of signing where that is known */
};

static const char *verdict_words(uint32_t verdict)
{
    for (size_t i = 0; i < LEN(verdicts); i++) {
        if (verdicts[i].number == verdict)
            return verdicts[i].words;
    }
    return "this machine does not accept it";
}

bool kpb_signature_lacks_lists(uint32_t verdict)
{
    return verdict == 0x80092012u     /* CRYPT_E_NO_REVOCATION_CHECK */
           || verdict == 0x80092013u  /* CRYPT_E_REVOCATION_OFFLINE */
           || verdict == 0x800B010Eu; /* CERT_E_REVOCATION_FAILURE */
}

const char *kpb_signature_problem(const struct kpb_signature *signature)
{
    if (signature->verdict != 0)
        return verdict_words(signature->verdict);
    for (size_t i = 0; i < LEN(chain_bits); i++) {
        if (signature->chain_errors & chain_bits[i].number)
            return chain_bits[i].words;
    }
    return signature->has_signer ? NULL : "it names no signer";
}

/* ---- Judging ---- */

static bool is_signer(const struct kpb_signature *signature, const uint8_t *wanted)
{
    return kpb_span_eq(kpb_span(signature->signer, KPB_SIGNER_LEN),
                       kpb_span(wanted, KPB_SIGNER_LEN));
}

static kp_status refuse_other(const struct kpb_signature *file, const char *path,
                              struct kp_error *reterr)
{
    char found[2 * KPB_SIGNER_LEN + 1];

    kpb_hex_encode(kpb_span(file->signer, KPB_SIGNER_LEN), found);
    return kpb_fail(reterr, KP_CONFIG,
                    "%s: the certificate that signed it has the SHA-256 %s, not the one that "
                    "signer_sha256 pins",
                    path, found);
}

static kp_status judge_same(const struct kpb_signature *file, const struct kpb_signature *own,
                            const char *path, struct kp_error *reterr)
{
    const char *problem = kpb_signature_problem(own);

    if (problem)
        return kpb_fail(reterr, KP_CONFIG,
                        "%s: what loads it has no signature that counts (%s), so nothing is signed "
                        "by the same signer; pin its sha256 or signer_sha256 in the configuration "
                        "(kp plugin inspect)",
                        path, problem);
    if (is_signer(file, own->signer))
        return KP_OK;
    return kpb_fail(reterr, KP_CONFIG,
                    "%s: another certificate signed it than what loads it; pin its signer_sha256 "
                    "in the configuration, " OR_PIN,
                    path);
}

kp_status kpb_signature_judge(const struct kpb_signature *file, const uint8_t *pinned,
                              const struct kpb_signature *own, const char *path,
                              struct kp_error *reterr)
{
    const char *problem = kpb_signature_problem(file);

    if (problem)
        return kpb_fail(reterr, KP_CONFIG,
                        "%s: its signature does not count: %s (0x%08x); have it signed, " OR_PIN,
                        path, problem, (unsigned)file->verdict);
    if (!pinned)
        return judge_same(file, own, path, reterr);
    return is_signer(file, pinned) ? KP_OK : refuse_other(file, path, reterr);
}
