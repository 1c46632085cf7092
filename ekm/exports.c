/* The seventeen functions of ekm/abi.h: each begins a call, passes it on, and ends it. */
#include "ekm/abi.h"

#include "ekm/functions.h"

SqlCpError KP_EKM_CALL SqlCryptInitializeProvider(void)
{
    return ekm_provider_initialize();
}

SqlCpError KP_EKM_CALL SqlCryptFreeProvider(void)
{
    return ekm_provider_free();
}

SqlCpError KP_EKM_CALL SqlCryptOpenSession(const SqlCpCredential *pAuth, SqlCpSession *pSess)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin(&call, "OpenSession");

    if (st == KP_OK)
        st = ekm_open_session(&call, pAuth, pSess);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptCloseSession(SqlCpSession *pSess, SqlCpBoolean fAbort)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin(&call, "CloseSession");

    if (st == KP_OK)
        st = ekm_close_session(&call, pSess, fAbort != 0);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetProviderInfo(SqlCpProviderInfo *pProvInfo)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin(&call, "GetProviderInfo");

    if (st == KP_OK)
        st = ekm_provider_info(&call, pProvInfo);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetNextAlgorithmId(SqlCpAlgId *pAlgId)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin(&call, "GetNextAlgorithmId");

    if (st == KP_OK)
        st = ekm_next_algorithm(&call, pAlgId);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetAlgorithmInfo(SqlCpAlgId algId, SqlCpAlgorithmInfo *pAlgInfo)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin(&call, "GetAlgorithmInfo");

    if (st == KP_OK)
        st = ekm_algorithm_info(&call, algId, pAlgInfo);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptCreateKey(const SqlCpSession *pSess, const SqlCpStr *pKeyName,
                                         SqlCpAlgId algId, SqlCpKeyFlags keyFlags,
                                         SqlCpKeyThumbprint *pKeyThumb)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "CreateKey", pSess);

    if (st == KP_OK)
        st = ekm_create_key(&call, pKeyName, algId, keyFlags, pKeyThumb);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptDropKey(const SqlCpSession *pSess,
                                       const SqlCpKeyThumbprint *pKeyThumb)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "DropKey", pSess);

    if (st == KP_OK)
        st = ekm_drop_key(&call, pKeyThumb);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetNextKeyId(const SqlCpSession *pSess, SqlCpKeyId *pKeyId)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "GetNextKeyId", pSess);

    if (st == KP_OK)
        st = ekm_next_key(&call, pKeyId);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetKeyInfoByKeyId(const SqlCpSession *pSess, SqlCpKeyId keyId,
                                                 SqlCpKeyInfo *pKeyInfo)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "GetKeyInfoByKeyId", pSess);

    if (st == KP_OK)
        st = ekm_key_info_by_id(&call, keyId, pKeyInfo);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetKeyInfoByThumb(const SqlCpSession *pSess,
                                                 const SqlCpKeyThumbprint *pKeyThumb,
                                                 SqlCpKeyInfo *pKeyInfo)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "GetKeyInfoByThumb", pSess);

    if (st == KP_OK)
        st = ekm_key_info_by_thumb(&call, pKeyThumb, pKeyInfo);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptGetKeyInfoByName(const SqlCpSession *pSess, const SqlCpStr *pKeyName,
                                                SqlCpKeyInfo *pKeyInfo)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "GetKeyInfoByName", pSess);

    if (st == KP_OK)
        st = ekm_key_info_by_name(&call, pKeyName, pKeyInfo);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptExportKey(const SqlCpSession *pSess,
                                         const SqlCpKeyThumbprint *pKeyThumb,
                                         const SqlCpKeyThumbprint *pEncryptorThumb,
                                         SqlCpKeyBlobType blobType, SqlCpKeyBlob *pKeyBlob)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "ExportKey", pSess);

    if (st == KP_OK)
        st = ekm_export_key(&call, pKeyThumb, pEncryptorThumb, blobType, pKeyBlob);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptImportKey(const SqlCpSession *pSess, const SqlCpStr *pKeyName,
                                         const SqlCpKeyThumbprint *pDecryptorThumb,
                                         SqlCpKeyBlobType blobType, SqlCpKeyFlags keyFlags,
                                         const SqlCpKeyBlob *pKeyBlob)
{
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "ImportKey", pSess);

    (void)pDecryptorThumb;
    (void)blobType;
    (void)keyFlags;
    if (st == KP_OK)
        st = ekm_import_key(&call, pKeyName, pKeyBlob);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptEncrypt(const SqlCpSession *pSess,
                                       const SqlCpKeyThumbprint *pKeyThumb, SqlCpBoolean fFinal,
                                       const SqlCpEncryptionParam *pEncryptParams,
                                       uint32_t cEncryptParams, const SqlCpData *pPlaintext,
                                       SqlCpData *pCiphertext)
{
    const struct ekm_crypt_args args = {pKeyThumb,      fFinal != 0, pEncryptParams,
                                        cEncryptParams, pPlaintext,  pCiphertext};
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "Encrypt", pSess);

    if (st == KP_OK)
        st = ekm_encrypt(&call, &args);
    return ekm_call_end(&call, st);
}

SqlCpError KP_EKM_CALL SqlCryptDecrypt(const SqlCpSession *pSess,
                                       const SqlCpKeyThumbprint *pKeyThumb, SqlCpBoolean fFinal,
                                       const SqlCpEncryptionParam *pEncryptParams,
                                       uint32_t cEncryptParams, const SqlCpData *pCiphertext,
                                       SqlCpData *pPlaintext)
{
    const struct ekm_crypt_args args = {pKeyThumb,      fFinal != 0, pEncryptParams,
                                        cEncryptParams, pCiphertext, pPlaintext};
    struct ekm_call call;
    kp_status st = ekm_call_begin_session(&call, "Decrypt", pSess);

    if (st == KP_OK)
        st = ekm_decrypt(&call, &args);
    return ekm_call_end(&call, st);
}
