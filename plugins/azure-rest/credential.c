/* What a credential is once it has been read: dispatch, thumbprints, expiry. */
#include "plugins/azure-rest/credential.h"

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "plugins/azure-rest/credential_parts.h"
#include "plugins/azure-rest/names.h"

#define SITE "azure-rest.credential.thumbprint"
#define THUMBPRINT_TEXT_MAX_LEN 128u
#define DAY_S 86400

void azr_credential_clear(struct azr_credential *credential)
{
    if (!credential)
        return;
    kpc_key_release(credential->key);
    memset(credential, 0, sizeof *credential);
    credential->not_before_unix_s = KP_TIME_NONE;
    credential->not_after_unix_s = KP_TIME_NONE;
}

/* ---- Which container ---- */

static bool begins_with(kp_span file, const char *bytes, size_t n)
{
    return file.len >= n && memcmp(file.ptr, bytes, n) == 0;
}

/* PEM may have any text in front: bag attributes, a comment, a byte order mark. */
static bool has_pem_block(kp_span file)
{
    const kp_span mark = kpb_span_str("-----BEGIN ");
    for (size_t i = 0; i + mark.len <= file.len; i++)
        if (memcmp(file.ptr + i, mark.ptr, mark.len) == 0)
            return true;
    return false;
}

uint32_t azr_container_guess(kp_span file)
{
    if (file.len > AZR_CREDENTIAL_FILE_MAX_LEN)
        return AZR_CONTAINER_NONE;
    if (begins_with(file, "\x07\x02\x00\x00", 4) || begins_with(file, "\x1e\xf1\xb5\xb0", 4))
        return AZR_CONTAINER_BLOB;
    if (begins_with(file, "\x30", 1))
        return AZR_CONTAINER_PFX;
    return has_pem_block(file) ? AZR_CONTAINER_PEM : AZR_CONTAINER_NONE;
}

static kp_status check_pfx_thumbprint(kp_span thumbprint, struct azr_credential *read,
                                      struct kp_error *reterr)
{
    struct azr_credential wanted = {0};
    kp_status st = azr_thumbprint_read(thumbprint, &wanted, reterr);
    if (st != KP_OK)
        return st;
    if (azr_thumbprint_fits(&wanted, read))
        return KP_OK;
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorPfxCertAuthParamsGetThumbprint,
                         "PFX file: the certificate in it is not the one of the configured "
                         "thumbprint");
}

static kp_status read_pfx(kp_span file, kp_span password, kp_span thumbprint,
                          struct azr_credential *ret, struct kp_error *reterr)
{
    struct azr_credential read = {0};
    kp_status st = azr_credential_from_pfx(file, password, &read, reterr);
    if (st == KP_OK && thumbprint.len > 0)
        st = check_pfx_thumbprint(thumbprint, &read, reterr);
    if (st == KP_OK)
        *ret = read; /* moved to the caller */
    else
        azr_credential_clear(&read);
    return st;
}

kp_status azr_credential_read(kp_span file, kp_span password, kp_span thumbprint,
                              struct azr_credential *ret, struct kp_error *reterr)
{
    switch (azr_container_guess(file)) {
    case AZR_CONTAINER_PFX:
        return read_pfx(file, password, thumbprint, ret, reterr);
    case AZR_CONTAINER_PEM:
        return azr_credential_from_pem(file, password, thumbprint, ret, reterr);
    case AZR_CONTAINER_BLOB:
        return azr_credential_from_blob(file, password, thumbprint, ret, reterr);
    default:
        return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorPfxCertAuthParamsImportPfx,
                             "the certificate's file is neither PFX, PEM, MSBLOB nor PVK of at "
                             "most %u bytes",
                             AZR_CREDENTIAL_FILE_MAX_LEN);
    }
}

/* ---- Thumbprints ---- */

/* Puts 20 or 32 bytes where they belong. */
static bool keep_thumbprint(kp_span bytes, struct azr_credential *ret)
{
    if (bytes.len == AZR_X5T_LEN) {
        memcpy(ret->x5t, bytes.ptr, AZR_X5T_LEN);
        ret->has_x5t = true;
        return true;
    }
    if (bytes.len != AZR_X5T_S256_LEN)
        return false;
    memcpy(ret->x5t_s256, bytes.ptr, AZR_X5T_S256_LEN);
    ret->has_x5t_s256 = true;
    return true;
}

static bool read_hex(kp_span text, struct azr_credential *ret)
{
    uint8_t digits[2 * AZR_X5T_S256_LEN];
    uint8_t bytes[AZR_X5T_S256_LEN];
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':' || text.ptr[i] == ' ')
            continue;
        if (n == sizeof digits)
            return false;
        digits[n++] = text.ptr[i];
    }
    return n % 2 == 0 && kpb_hex_decode(kpb_span(digits, n), bytes, n / 2) == KP_OK &&
           keep_thumbprint(kpb_span(bytes, n / 2), ret);
}

static kp_status read_base64(kp_span text, struct azr_credential *ret)
{
    uint8_t digits[THUMBPRINT_TEXT_MAX_LEN];
    kp_buf bytes;
    for (size_t i = 0; i < text.len; i++)
        digits[i] = (uint8_t)(text.ptr[i] == '+' ? '-' : text.ptr[i] == '/' ? '_' : text.ptr[i]);
    kp_buf_init(&bytes, SITE, THUMBPRINT_TEXT_MAX_LEN);
    kp_status st = kpb_base64url_decode(kpb_span(digits, text.len), &bytes);
    if (st == KP_OK && !keep_thumbprint(kp_buf_view(&bytes), ret))
        st = KP_PROTOCOL;
    kp_buf_clear(&bytes);
    return st;
}

kp_status azr_thumbprint_read(kp_span text, struct azr_credential *ret, struct kp_error *reterr)
{
    kp_status st = KP_PROTOCOL;
    text = azr_trim(text);
    if (text.len > 0 && text.len <= THUMBPRINT_TEXT_MAX_LEN)
        st = read_hex(text, ret) ? KP_OK : read_base64(text, ret);
    if (st == KP_OK)
        return KP_OK;
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, SITE);
    return kpb_fail_code(reterr, KP_CONFIG, KP_CODE_ErrorPEMCertAuthParamsGetThumbprint,
                         "the certificate's thumbprint is %s: give its SHA-1 or SHA-256 in hex or "
                         "base64",
                         text.len == 0 ? "missing" : "not 20 or 32 bytes");
}

bool azr_thumbprint_fits(const struct azr_credential *wanted, const struct azr_credential *found)
{
    return (!wanted->has_x5t || memcmp(wanted->x5t, found->x5t, AZR_X5T_LEN) == 0) &&
           (!wanted->has_x5t_s256 ||
            memcmp(wanted->x5t_s256, found->x5t_s256, AZR_X5T_S256_LEN) == 0);
}

/* ---- Expiry ---- */

/* Whole days of a span of seconds, rounded down. */
static int64_t whole_days(int64_t seconds)
{
    return seconds >= 0 ? seconds / DAY_S : -((-seconds + DAY_S - 1) / DAY_S);
}

enum azr_expiry azr_credential_expiry(const struct azr_credential *credential, int64_t now_unix_s,
                                      int64_t *ret_days)
{
    int64_t days = 0;
    enum azr_expiry expiry = AZR_EXPIRY_UNKNOWN;
    if (credential->not_after_unix_s != KP_TIME_NONE) {
        days = whole_days(credential->not_after_unix_s - now_unix_s);
        expiry = AZR_EXPIRY_FAR;
        if (now_unix_s > credential->not_after_unix_s)
            expiry = AZR_EXPIRY_PAST;
        else if (now_unix_s < credential->not_before_unix_s)
            expiry = AZR_EXPIRY_NOT_YET;
        else if (days < AZR_EXPIRY_WARNING_DAYS)
            expiry = AZR_EXPIRY_NEAR;
    }
    if (expiry == AZR_EXPIRY_NOT_YET)
        days = whole_days(credential->not_before_unix_s - now_unix_s);
    if (ret_days)
        *ret_days = days;
    return expiry;
}
