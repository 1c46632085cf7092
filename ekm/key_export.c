/* The public part of a key goes out; nothing comes in. */
#include "base/errors.h"
#include "base/span.h"
#include "ekm/buffers.h"
#include "ekm/functions.h"
#include "ekm/keys.h"
#include "ekm/public_blob.h"

static kp_status fail_unsupported(struct ekm_call *call, const char *sentence)
{
    return kpb_fail_code(&call->err, KP_UNSUPPORTED, KP_CODE_scp_err_NotSupported, "%s", sentence);
}

static kp_status put_blob(struct ekm_call *call, const struct ekm_key *key, SqlCpKeyBlob *blob)
{
    uint8_t bytes[EKM_BLOB_MAX_LEN];
    size_t len = ekm_public_blob(kpb_span(key->n, key->n_len), kpb_span(key->e, key->e_len),
                                 key->bits, bytes);

    if (len == 0)
        return fail_unsupported(call, "the key is no RSA key");
    return ekm_put_data(call, kpb_span(bytes, len), blob);
}

kp_status ekm_export_key(struct ekm_call *call, const SqlCpKeyThumbprint *thumb,
                         const SqlCpKeyThumbprint *encryptor, SqlCpKeyBlobType type,
                         SqlCpKeyBlob *blob)
{
    struct ekm_thumb wanted;
    struct ekm_resolved key;
    kp_status st;

    if (!blob)
        return ekm_call_refuse(call, "the key blob is NULL");
    st = ekm_take_thumb(call, thumb, &wanted);
    if (st != KP_OK)
        return st;
    if (type != scp_kb_PublicKeyBlob || encryptor)
        return fail_unsupported(call, "only the public part of a key leaves its vault");
    st = ekm_key_of_thumb(call, &wanted, &key);
    return st == KP_OK ? put_blob(call, &key.key, blob) : st;
}

kp_status ekm_import_key(struct ekm_call *call, const SqlCpStr *name, const SqlCpKeyBlob *blob)
{
    if (!name || !blob)
        return ekm_call_refuse(call, "the key name or the key blob is NULL");
    return fail_unsupported(call, "keys are imported with `kp key import`, not through SQL Server");
}
