/*
 * What stands behind the exports, one function each. The call has begun, with a session where the
 * function needs one; pointers are the engine's and may be NULL. Each returns what ekm_call_end
 * takes, with the error in call->err.
 *
 * Threads: any, one call each.
 */
#ifndef KP_EKM_FUNCTIONS_H
#define KP_EKM_FUNCTIONS_H

#include "ekm/call.h"

/* provider_info.c */
kp_status ekm_provider_info(struct ekm_call *call, SqlCpProviderInfo *info) KP_MUST_USE;
kp_status ekm_next_algorithm(struct ekm_call *call, SqlCpAlgId *id) KP_MUST_USE;
kp_status ekm_algorithm_info(struct ekm_call *call, SqlCpAlgId id, SqlCpAlgorithmInfo *info)
    KP_MUST_USE;

/* sessions.c */
kp_status ekm_open_session(struct ekm_call *call, const SqlCpCredential *credential,
                           SqlCpSession *session) KP_MUST_USE;
kp_status ekm_close_session(struct ekm_call *call, const SqlCpSession *session, bool abort)
    KP_MUST_USE;

/* key_info.c */
kp_status ekm_key_info_by_name(struct ekm_call *call, const SqlCpStr *name, SqlCpKeyInfo *info)
    KP_MUST_USE;
kp_status ekm_key_info_by_thumb(struct ekm_call *call, const SqlCpKeyThumbprint *thumb,
                                SqlCpKeyInfo *info) KP_MUST_USE;

/* key_list.c */
kp_status ekm_next_key(struct ekm_call *call, SqlCpKeyId *id) KP_MUST_USE;
kp_status ekm_key_info_by_id(struct ekm_call *call, SqlCpKeyId id, SqlCpKeyInfo *info) KP_MUST_USE;

/* key_make.c */
kp_status ekm_create_key(struct ekm_call *call, const SqlCpStr *name, SqlCpAlgId alg,
                         SqlCpKeyFlags flags, SqlCpKeyThumbprint *thumb) KP_MUST_USE;
kp_status ekm_drop_key(struct ekm_call *call, const SqlCpKeyThumbprint *thumb) KP_MUST_USE;

/* key_export.c */
kp_status ekm_export_key(struct ekm_call *call, const SqlCpKeyThumbprint *thumb,
                         const SqlCpKeyThumbprint *encryptor, SqlCpKeyBlobType type,
                         SqlCpKeyBlob *blob) KP_MUST_USE;
kp_status ekm_import_key(struct ekm_call *call, const SqlCpStr *name, const SqlCpKeyBlob *blob)
    KP_MUST_USE;

/* crypt.c. in is plain or ciphertext, out the other. */
struct ekm_crypt_args {
    const SqlCpKeyThumbprint *thumb;
    bool is_final;
    const SqlCpEncryptionParam *params;
    uint32_t n_params;
    const SqlCpData *in;
    SqlCpData *out;
};
kp_status ekm_encrypt(struct ekm_call *call, const struct ekm_crypt_args *args) KP_MUST_USE;
kp_status ekm_decrypt(struct ekm_call *call, const struct ekm_crypt_args *args) KP_MUST_USE;

#endif /* KP_EKM_FUNCTIONS_H */
