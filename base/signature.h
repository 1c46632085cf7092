/*
 * What a system says of the Authenticode signature of a file, and what follows from it. Windows
 * alone has such signatures (base/win_signature.h asks for them); judging is arithmetic, and the
 * same everywhere.
 *
 * Whose a signature is tells the certificate as a whole, by its SHA-256: the name in it is
 * anybody's to write into a certificate of his own.
 *
 * Threads: pure functions, any.
 * Source: WinVerifyTrust and CERT_TRUST_STATUS in the documentation of the Windows SDK; the numbers
 * are those of its winerror.h and wincrypt.h.
 */
#ifndef KP_BASE_SIGNATURE_H
#define KP_BASE_SIGNATURE_H

#include <stdbool.h>

#include <keyprovider/status.h>

#define KPB_SIGNER_LEN 32u /* bytes of a SHA-256 */

#define KPB_VERDICT_UNSEEN 0x800B0001u /* TRUST_E_PROVIDER_UNKNOWN */

/* Begins with KPB_VERDICT_UNSEEN: a file that nobody has looked at. */
struct kpb_signature {
    uint32_t verdict;      /* of WinVerifyTrust: 0 or an HRESULT */
    uint32_t chain_errors; /* of the signer's chain: CERT_TRUST_... bits */
    bool has_signer;
    uint8_t signer[KPB_SIGNER_LEN]; /* SHA-256 of the signer's certificate, DER */
};

/*
 * Whether a verdict says only that no list of revoked certificates is at hand. The system is asked
 * without fetching one; then it is asked again without such lists.
 */
bool kpb_signature_lacks_lists(uint32_t verdict);

/* Why the signature does not count, in a few words of static storage; NULL: it does. */
const char *kpb_signature_problem(const struct kpb_signature *signature);

/*
 * Whether file was signed by whom it must be. pinned: KPB_SIGNER_LEN bytes, the one signer that
 * counts; NULL: whoever signed own, the module that wants to load the file. path is for the
 * sentence, which also says what to do.
 * Errors: config.
 */
kp_status kpb_signature_judge(const struct kpb_signature *file, const uint8_t *pinned,
                              const struct kpb_signature *own, const char *path,
                              struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_BASE_SIGNATURE_H */
