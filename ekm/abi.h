/*
 * The binary interface between SQL Server and an EKM provider, version 1.1: types, constants and
 * the seventeen functions. Written from the interface's facts with fixed-width types, so that it
 * means the same with every compiler; usable alone from C.
 *
 * Rules that hold for every function: lengths (cb) are in bytes, also of text; text is UTF-16LE and
 * not NUL-terminated. For output of variable length the engine calls twice: with a NULL pointer or
 * too small a cb the provider writes the length it needs to cb and answers
 * scp_err_InsufficientBuffer; on success cb is the length written. The provider allocates nothing
 * for the engine and leaves its pointers alone. Any function may be called from any thread.
 */
#ifndef KP_EKM_ABI_H
#define KP_EKM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Constants ---- */

#define x_scp_SqlCpVerMajor 1u
#define x_scp_SqlCpVerMinor 1u

#define x_cbFriendlyNameMaxLen 2048u
#define x_cbKeyNameMaxLen 512u
#define x_cbAlgorithmTagMaxLen 120u
#define x_cbAlgorithmIVMaxLength 512u
#define x_cbAlgorithmBitLenMaxLength 4096u
#define x_cbKeyThumbprintMaxLen 32u
#define x_cbKeyBlobMaxLen 2048u

#define x_scp_AlgIdBad 0u /* where enumeration begins */
#define x_scp_KeyIdBad 0u

/*
 * What the functions return. 8 to 2048 are reserved; numbers above are the provider's own (enum
 * kp_code). The plain values have int's width by scp_err_MaxInt, whatever the compiler prefers.
 */
typedef enum SqlCpError {
    scp_err_Success = 0,
    scp_err_Failure = 1,
    scp_err_InsufficientBuffer = 2,
    scp_err_NotSupported = 3,
    scp_err_NotFound = 4,
    scp_err_AuthFailure = 5,
    scp_err_InvalidArgument = 6,
    scp_err_ProviderError = 7, /* set by the engine when the provider faults */
    scp_err_MaxReserved = 2048,
    scp_err_MaxInt = 0x7fffffff
} SqlCpError;

/* enum values of SqlCpProviderInfo.authType */
enum SqlCpAuthTypeValue { scp_auth_Other = 0, scp_auth_Basic = 1, scp_auth_Last = 2 };

enum SqlCpKeyTypeValue { scp_kt_Symmetric = 0, scp_kt_Asymmetric = 1 };

enum SqlCpKeyBlobTypeValue { scp_kb_SimpleBlob = 0, scp_kb_PublicKeyBlob = 1 };

/* Bits of SqlCpKeyFlags. */
enum SqlCpKeyFlagsBm {
    scp_kf_Supported = 0x01,
    scp_kf_Volatile = 0x02,
    scp_kf_Exportable = 0x04,
    scp_kf_Importable = 0x08
};

enum SqlCpEncParamTypeValue { scp_ep_IV = 0 };

/* ---- Types ---- */

typedef int32_t SqlCpAuthType;     /* enum SqlCpAuthTypeValue */
typedef int32_t SqlCpKeyType;      /* enum SqlCpKeyTypeValue */
typedef int32_t SqlCpKeyBlobType;  /* enum SqlCpKeyBlobTypeValue */
typedef int32_t SqlCpEncParamType; /* enum SqlCpEncParamTypeValue */
typedef uint32_t SqlCpAlgId;
typedef uint32_t SqlCpKeyFlags; /* enum SqlCpKeyFlagsBm */
typedef uint32_t SqlCpKeyId;
typedef uint8_t SqlCpBoolean;
/* Opaque to the engine; every call gets a pointer to it. */
typedef void *SqlCpSession;

typedef struct SqlCpGuid {
    uint32_t data1;
    uint16_t data2;
    uint16_t data3;
    uint8_t data4[8];
} SqlCpGuid;

typedef struct SqlCpData {
    uint32_t cb;
    uint8_t *pb;
} SqlCpData;

typedef SqlCpData SqlCpKeyThumbprint;
typedef SqlCpData SqlCpKeyBlob;

typedef struct SqlCpStr {
    uint32_t cb;  /* bytes */
    uint16_t *ws; /* UTF-16LE */
} SqlCpStr;

typedef struct SqlCpVersion {
    uint8_t major;
    uint8_t minor;
    uint16_t build;
    uint8_t revision;
} SqlCpVersion;

typedef struct SqlCpCredential {
    SqlCpStr name;
    SqlCpStr password;
} SqlCpCredential;

typedef struct SqlCpKeyInfo {
    SqlCpStr name;
    SqlCpKeyThumbprint thumb;
    SqlCpAlgId algId;
    SqlCpKeyFlags flags;
} SqlCpKeyInfo;

typedef struct SqlCpProviderInfo {
    SqlCpStr name;
    SqlCpGuid guid;
    SqlCpVersion version;
    SqlCpVersion scpVersion;
    SqlCpAuthType authType;
    SqlCpKeyFlags symmKeySupport;
    SqlCpKeyFlags asymmKeySupport;
    uint32_t cbKeyThumbLen; /* longest thumbprint */
    SqlCpBoolean fAcceptsKeyName;
} SqlCpProviderInfo;

typedef struct SqlCpAlgorithmInfo {
    SqlCpAlgId algId;
    SqlCpStr algTag;
    SqlCpKeyType type;
    uint32_t bitLen;
    uint32_t ivLen;
} SqlCpAlgorithmInfo;

typedef struct SqlCpEncryptionParam {
    SqlCpEncParamType type;
    uint32_t cb;
    uint8_t *pb;
} SqlCpEncryptionParam;

/* ---- Layout, held at compile time ---- */

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared takes no parentheses */
#define KP_EKM_HOLD(name, condition) typedef char name[(condition) ? 1 : -1]

KP_EKM_HOLD(SqlCp_error_is_32_bit, sizeof(SqlCpError) == 4);
KP_EKM_HOLD(SqlCp_guid_is_16_bytes, sizeof(SqlCpGuid) == 16);
KP_EKM_HOLD(SqlCp_version_is_6_bytes, sizeof(SqlCpVersion) == 6);
KP_EKM_HOLD(SqlCp_version_build, offsetof(SqlCpVersion, build) == 2);
KP_EKM_HOLD(SqlCp_version_revision, offsetof(SqlCpVersion, revision) == 4);

/* x64; on 32 bits pointers are narrower and nothing is promised. */
#if UINTPTR_MAX > 0xffffffffu
KP_EKM_HOLD(SqlCp_session_is_8_bytes, sizeof(SqlCpSession) == 8);
KP_EKM_HOLD(SqlCp_data_is_16_bytes, sizeof(SqlCpData) == 16);
KP_EKM_HOLD(SqlCp_data_pb, offsetof(SqlCpData, pb) == 8);
KP_EKM_HOLD(SqlCp_str_is_16_bytes, sizeof(SqlCpStr) == 16);
KP_EKM_HOLD(SqlCp_str_ws, offsetof(SqlCpStr, ws) == 8);
KP_EKM_HOLD(SqlCp_credential_is_32_bytes, sizeof(SqlCpCredential) == 32);
KP_EKM_HOLD(SqlCp_credential_password, offsetof(SqlCpCredential, password) == 16);
KP_EKM_HOLD(SqlCp_key_info_is_40_bytes, sizeof(SqlCpKeyInfo) == 40);
KP_EKM_HOLD(SqlCp_key_info_thumb, offsetof(SqlCpKeyInfo, thumb) == 16);
KP_EKM_HOLD(SqlCp_key_info_alg, offsetof(SqlCpKeyInfo, algId) == 32);
KP_EKM_HOLD(SqlCp_key_info_flags, offsetof(SqlCpKeyInfo, flags) == 36);
KP_EKM_HOLD(SqlCp_provider_info_is_64_bytes, sizeof(SqlCpProviderInfo) == 64);
KP_EKM_HOLD(SqlCp_provider_info_guid, offsetof(SqlCpProviderInfo, guid) == 16);
KP_EKM_HOLD(SqlCp_provider_info_version, offsetof(SqlCpProviderInfo, version) == 32);
KP_EKM_HOLD(SqlCp_provider_info_scp_version, offsetof(SqlCpProviderInfo, scpVersion) == 38);
KP_EKM_HOLD(SqlCp_provider_info_auth, offsetof(SqlCpProviderInfo, authType) == 44);
KP_EKM_HOLD(SqlCp_provider_info_symm, offsetof(SqlCpProviderInfo, symmKeySupport) == 48);
KP_EKM_HOLD(SqlCp_provider_info_asymm, offsetof(SqlCpProviderInfo, asymmKeySupport) == 52);
KP_EKM_HOLD(SqlCp_provider_info_thumb, offsetof(SqlCpProviderInfo, cbKeyThumbLen) == 56);
KP_EKM_HOLD(SqlCp_provider_info_names, offsetof(SqlCpProviderInfo, fAcceptsKeyName) == 60);
KP_EKM_HOLD(SqlCp_algorithm_info_is_40_bytes, sizeof(SqlCpAlgorithmInfo) == 40);
KP_EKM_HOLD(SqlCp_algorithm_info_tag, offsetof(SqlCpAlgorithmInfo, algTag) == 8);
KP_EKM_HOLD(SqlCp_algorithm_info_type, offsetof(SqlCpAlgorithmInfo, type) == 24);
KP_EKM_HOLD(SqlCp_algorithm_info_bits, offsetof(SqlCpAlgorithmInfo, bitLen) == 28);
KP_EKM_HOLD(SqlCp_algorithm_info_iv, offsetof(SqlCpAlgorithmInfo, ivLen) == 32);
KP_EKM_HOLD(SqlCp_encryption_param_is_16_bytes, sizeof(SqlCpEncryptionParam) == 16);
KP_EKM_HOLD(SqlCp_encryption_param_cb, offsetof(SqlCpEncryptionParam, cb) == 4);
KP_EKM_HOLD(SqlCp_encryption_param_pb, offsetof(SqlCpEncryptionParam, pb) == 8);
#endif

/* ---- Functions ---- */

/* How they are declared: exported by plain name, __cdecl where a platform has several. */
#if defined(_WIN32)
#define KP_EKM_CALL __cdecl
#define KP_EKM_EXPORT
#else
#define KP_EKM_CALL
#if defined(__GNUC__)
#define KP_EKM_EXPORT __attribute__((visibility("default")))
#else
#define KP_EKM_EXPORT
#endif
#endif

/*
 * XX(number, Name, (parameters)): every export, in the order in which the engine numbers the one
 * that is missing (message 33085, state).
 */
/* clang-format off */
#define KP_EKM_EXPORT_MAP(XX)                                                                      \
    XX(1, InitializeProvider, (void))                                                              \
    XX(2, FreeProvider, (void))                                                                    \
    XX(3, OpenSession, (const SqlCpCredential *pAuth, SqlCpSession *pSess))                        \
    XX(4, CloseSession, (SqlCpSession *pSess, SqlCpBoolean fAbort))                                \
    XX(5, GetProviderInfo, (SqlCpProviderInfo *pProvInfo))                                         \
    XX(6, GetNextAlgorithmId, (SqlCpAlgId *pAlgId))                                                \
    XX(7, GetAlgorithmInfo, (SqlCpAlgId algId, SqlCpAlgorithmInfo *pAlgInfo))                      \
    XX(8, CreateKey, (const SqlCpSession *pSess, const SqlCpStr *pKeyName, SqlCpAlgId algId,       \
                      SqlCpKeyFlags keyFlags, SqlCpKeyThumbprint *pKeyThumb))                      \
    XX(9, DropKey, (const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb))               \
    XX(10, GetNextKeyId, (const SqlCpSession *pSess, SqlCpKeyId *pKeyId))                          \
    XX(11, GetKeyInfoByKeyId,                                                                      \
       (const SqlCpSession *pSess, SqlCpKeyId keyId, SqlCpKeyInfo *pKeyInfo))                      \
    XX(12, GetKeyInfoByThumb, (const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,     \
                               SqlCpKeyInfo *pKeyInfo))                                            \
    XX(13, GetKeyInfoByName,                                                                       \
       (const SqlCpSession *pSess, const SqlCpStr *pKeyName, SqlCpKeyInfo *pKeyInfo))              \
    XX(14, ExportKey, (const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,             \
                       const SqlCpKeyThumbprint *pEncryptorThumb, SqlCpKeyBlobType blobType,       \
                       SqlCpKeyBlob *pKeyBlob))                                                    \
    XX(15, ImportKey, (const SqlCpSession *pSess, const SqlCpStr *pKeyName,                        \
                       const SqlCpKeyThumbprint *pDecryptorThumb, SqlCpKeyBlobType blobType,       \
                       SqlCpKeyFlags keyFlags, const SqlCpKeyBlob *pKeyBlob))                      \
    XX(16, Encrypt, (const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,               \
                     SqlCpBoolean fFinal, const SqlCpEncryptionParam *pEncryptParams,              \
                     uint32_t cEncryptParams, const SqlCpData *pPlaintext,                         \
                     SqlCpData *pCiphertext))                                                      \
    XX(17, Decrypt, (const SqlCpSession *pSess, const SqlCpKeyThumbprint *pKeyThumb,               \
                     SqlCpBoolean fFinal, const SqlCpEncryptionParam *pEncryptParams,              \
                     uint32_t cEncryptParams, const SqlCpData *pCiphertext,                        \
                     SqlCpData *pPlaintext))

#define KP_EKM_N_EXPORTS 17

/* SqlCryptNAME, and SqlCryptNAME_fn for whoever loads a provider by its names. */
#define XX(number, name, parameters)                                                               \
    typedef SqlCpError KP_EKM_CALL SqlCrypt##name##_fn parameters;                                 \
    KP_EKM_EXPORT SqlCpError KP_EKM_CALL SqlCrypt##name parameters;
KP_EKM_EXPORT_MAP(XX)
#undef XX
/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif /* KP_EKM_ABI_H */
