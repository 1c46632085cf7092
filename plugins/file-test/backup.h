/*
 * Backup blobs: one key with all versions and its policy, sealed under the backup key.
 *
 *     "KPFB1" 0x00 0x00 0x00   magic and format, 8 bytes
 *     key id                   8 bytes: which backup key, HMAC-SHA-256(backup key, "id") cut
 *     salt                     32 bytes
 *     iv || ciphertext || tag  AES-256-GCM under HKDF(backup key, salt), bound to all before it
 *     checksum                 8 bytes of SHA-256 over all before it
 *
 * The plaintext is the JSON of the key's file with private parts in clear. The checksum tells
 * damage from a wrong backup key; the GCM is what nobody can forge. Pure functions; any thread.
 */
#ifndef KP_PLUGINS_FILE_TEST_BACKUP_H
#define KP_PLUGINS_FILE_TEST_BACKUP_H

#include "base/buf.h"

#define FT_BACKUP_OVERHEAD (8u + 8u + 32u + 28u + 8u)

/* Seals text; the blob becomes all of out, which is empty before. key: FT_BACKUP_KEY_LEN bytes.
 * Errors: no_memory, internal. */
kp_status ft_backup_seal(const uint8_t *key, kp_span text, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;
/*
 * Opens a blob and appends its text to secret, a secret buffer.
 * Errors: integrity (damaged, cut, none of ours), unsupported (a newer format), config (sealed
 * under another backup key), no_memory.
 */
kp_status ft_backup_open(const uint8_t *key, kp_span blob, kp_buf *secret, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_PLUGINS_FILE_TEST_BACKUP_H */
