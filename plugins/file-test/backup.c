#include "plugins/file-test/backup.h"

#include <string.h>

#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "plugins/file-test/settings.h"

#define SITE "file-test.backup"
#define MAGIC_LEN 8u
#define ID_LEN 8u
#define SALT_LEN 32u
#define HEADER_LEN (MAGIC_LEN + ID_LEN + SALT_LEN)
#define SUM_LEN 8u

static const uint8_t MAGIC[MAGIC_LEN] = {'K', 'P', 'F', 'B', '1', 0, 0, 0};
#define MAGIC_FIXED_LEN 4u /* what every format starts with */

static kp_status make_id(kp_span key, uint8_t out[ID_LEN], struct kp_error *reterr)
{
    uint8_t mac[KPC_SHA256_LEN];
    kp_status st = kpc_hmac_sha256(key, kpb_span_str("id"), mac, reterr);
    if (st == KP_OK)
        memcpy(out, mac, ID_LEN);
    return st;
}

static kp_status make_sum(kp_span bytes, uint8_t out[SUM_LEN], struct kp_error *reterr)
{
    uint8_t digest[KPC_SHA256_LEN];
    kp_status st = kpc_sha256(bytes, digest, reterr);
    if (st == KP_OK)
        memcpy(out, digest, SUM_LEN);
    return st;
}

/* The key of one blob, in secret memory of the caller. */
static kp_status derive(kp_span key, kp_span salt, uint8_t *out, struct kp_error *reterr)
{
    return kpc_hkdf_sha256(key, salt, kpb_span_str("keyprovider backup 1"), out, KPC_SEAL_KEY_LEN,
                           reterr);
}

/* ---- Sealing ---- */

static kp_status append_header(kp_span key, kp_buf *out, struct kp_error *reterr)
{
    uint8_t *header;
    if (kp_buf_extend(out, HEADER_LEN, &header) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    memcpy(header, MAGIC, MAGIC_LEN);
    kp_status st = make_id(key, header + MAGIC_LEN, reterr);
    return st == KP_OK ? kpc_random(header + MAGIC_LEN + ID_LEN, SALT_LEN, reterr) : st;
}

static kp_status append_body(kp_span key, uint8_t *blob_key, kp_span text, kp_buf *out,
                             struct kp_error *reterr)
{
    struct kpc_out body = {.cap = text.len + KPC_SEAL_OVERHEAD};
    if (kp_buf_extend(out, body.cap, &body.ptr) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    kp_span header = kpb_span(body.ptr - HEADER_LEN, HEADER_LEN);
    kp_span salt = kpb_span(header.ptr + MAGIC_LEN + ID_LEN, SALT_LEN);
    kp_status st = derive(key, salt, blob_key, reterr);
    if (st == KP_OK)
        st = kpc_seal(kpb_span(blob_key, KPC_SEAL_KEY_LEN), header, text, &body, reterr);
    return st;
}

kp_status ft_backup_seal(const uint8_t *key, kp_span text, kp_buf *out, struct kp_error *reterr)
{
    kp_span key_span = kpb_span(key, FT_BACKUP_KEY_LEN);
    uint8_t sum[SUM_LEN];
    uint8_t *blob_key = kpb_secret_alloc(SITE, KPC_SEAL_KEY_LEN);
    if (!blob_key)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = append_header(key_span, out, reterr);
    if (st == KP_OK)
        st = append_body(key_span, blob_key, text, out, reterr);
    if (st == KP_OK)
        st = make_sum(kp_buf_view(out), sum, reterr);
    if (st == KP_OK && kp_buf_append(out, kpb_span(sum, sizeof sum)) != KP_OK)
        st = kpb_fail_memory(reterr, SITE);
    kpb_secret_free(blob_key, KPC_SEAL_KEY_LEN);
    return st;
}

/* ---- Opening ---- */

static kp_status fail_damaged(struct kp_error *reterr)
{
    return kpb_fail(reterr, KP_INTEGRITY, "the backup is damaged, cut, or none of a file vault");
}

static kp_status check_frame(kp_span key, kp_span blob, struct kp_error *reterr)
{
    uint8_t sum[SUM_LEN], id[ID_LEN];
    if (blob.len <= FT_BACKUP_OVERHEAD || memcmp(blob.ptr, MAGIC, MAGIC_FIXED_LEN) != 0)
        return fail_damaged(reterr);
    kp_status st = make_sum(kpb_span(blob.ptr, blob.len - SUM_LEN), sum, reterr);
    if (st == KP_OK && memcmp(sum, blob.ptr + blob.len - SUM_LEN, SUM_LEN) != 0)
        st = fail_damaged(reterr);
    if (st == KP_OK && memcmp(blob.ptr, MAGIC, MAGIC_LEN) != 0)
        st = kpb_fail(reterr, KP_UNSUPPORTED, "the backup has a newer format; use a newer build");
    if (st == KP_OK)
        st = make_id(key, id, reterr);
    if (st == KP_OK && memcmp(id, blob.ptr + MAGIC_LEN, ID_LEN) != 0)
        st = kpb_fail(reterr, KP_CONFIG,
                      "the backup was sealed under another backup key; give this vault the setting "
                      "backup_key of the vault it comes from");
    return st;
}

static kp_status open_body(kp_span key, kp_span blob, uint8_t *blob_key, kp_buf *secret,
                           struct kp_error *reterr)
{
    kp_span header = kpb_span(blob.ptr, HEADER_LEN);
    kp_span salt = kpb_span(blob.ptr + MAGIC_LEN + ID_LEN, SALT_LEN);
    kp_span body = kpb_span(blob.ptr + HEADER_LEN, blob.len - HEADER_LEN - SUM_LEN);
    struct kpc_out out = {.cap = body.len - KPC_SEAL_OVERHEAD};
    if (kp_buf_extend(secret, out.cap, &out.ptr) != KP_OK)
        return kpb_fail_memory(reterr, SITE);
    kp_status st = derive(key, salt, blob_key, reterr);
    if (st == KP_OK)
        st = kpc_open(kpb_span(blob_key, KPC_SEAL_KEY_LEN), header, body, &out, reterr);
    return st == KP_INTEGRITY ? fail_damaged(reterr) : st;
}

kp_status ft_backup_open(const uint8_t *key, kp_span blob, kp_buf *secret, struct kp_error *reterr)
{
    kp_span key_span = kpb_span(key, FT_BACKUP_KEY_LEN);
    kp_status st = check_frame(key_span, blob, reterr);
    if (st != KP_OK)
        return st;
    uint8_t *blob_key = kpb_secret_alloc(SITE, KPC_SEAL_KEY_LEN);
    if (!blob_key)
        return kpb_fail_memory(reterr, SITE);
    st = open_body(key_span, blob, blob_key, secret, reterr);
    kpb_secret_free(blob_key, KPC_SEAL_KEY_LEN);
    return st;
}
