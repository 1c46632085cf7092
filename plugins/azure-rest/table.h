/* What the tables of both services have in common: operations and algorithms that each serves. */
#ifndef KP_PLUGINS_AZURE_REST_TABLE_H
#define KP_PLUGINS_AZURE_REST_TABLE_H

#include <keyprovider/types.h>

/* On keys, and with them. */
#define AZR_OPS                                                                                    \
    (KP_OP_BIT(KP_OP_GET_KEY) | KP_OP_BIT(KP_OP_LIST_KEYS) | KP_OP_BIT(KP_OP_LIST_VERSIONS) |      \
     KP_OP_BIT(KP_OP_CREATE) | KP_OP_BIT(KP_OP_IMPORT) | KP_OP_BIT(KP_OP_UPDATE) |                 \
     KP_OP_BIT(KP_OP_DELETE) | KP_OP_BIT(KP_OP_GET_DELETED) | KP_OP_BIT(KP_OP_LIST_DELETED) |      \
     KP_OP_BIT(KP_OP_RECOVER) | KP_OP_BIT(KP_OP_PURGE) | KP_OP_BIT(KP_OP_BACKUP) |                 \
     KP_OP_BIT(KP_OP_RESTORE) | KP_OP_BIT(KP_OP_ROTATE) | KP_OP_BIT(KP_OP_GET_ROTATION_POLICY) |   \
     KP_OP_BIT(KP_OP_SET_ROTATION_POLICY) | KP_OP_BIT(KP_OP_ENCRYPT) | KP_OP_BIT(KP_OP_DECRYPT) |  \
     KP_OP_BIT(KP_OP_WRAP) | KP_OP_BIT(KP_OP_UNWRAP) | KP_OP_BIT(KP_OP_SIGN) |                     \
     KP_OP_BIT(KP_OP_VERIFY) | KP_OP_BIT(KP_OP_RELEASE))

#define AZR_RSA_CRYPT_ALGS                                                                         \
    (KP_ALG_BIT(KP_ALG_RSA1_5) | KP_ALG_BIT(KP_ALG_RSA_OAEP) | KP_ALG_BIT(KP_ALG_RSA_OAEP_256))
#define AZR_RSA_SIGN_ALGS                                                                          \
    (KP_ALG_BIT(KP_ALG_RS256) | KP_ALG_BIT(KP_ALG_RS384) | KP_ALG_BIT(KP_ALG_RS512) |              \
     KP_ALG_BIT(KP_ALG_PS256) | KP_ALG_BIT(KP_ALG_PS384) | KP_ALG_BIT(KP_ALG_PS512) |              \
     KP_ALG_BIT(KP_ALG_RSNULL))
#define AZR_P256_SIGN_ALGS (KP_ALG_BIT(KP_ALG_ES256) | KP_ALG_BIT(KP_ALG_ES256K))
#define AZR_EC_SIGN_ALGS (AZR_P256_SIGN_ALGS | KP_ALG_BIT(KP_ALG_ES384) | KP_ALG_BIT(KP_ALG_ES512))

#endif /* KP_PLUGINS_AZURE_REST_TABLE_H */
