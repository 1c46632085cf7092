/*
 * The file of a backup: JSON with the database's record as the catalogue keeps it, DEK wrapped and
 * pages sealed; WITH ENCRYPTION all of that is sealed once more under a key of the backup, which is
 * wrapped beside it. Lies in FOLDER/backup, where all nodes find it. Blocks on the disk.
 */
#ifndef KP_TOOLS_EKM_REHEARSE_BACKUP_FILE_H
#define KP_TOOLS_EKM_REHEARSE_BACKUP_FILE_H

#include "tools/ekm-rehearse/catalog.h"

struct rh_backup {
    bool is_encrypted;
    struct rh_blob encryptor; /* thumbprint of the key that wrapped the backup's key */
    struct rh_blob wrapped;
    kp_buf body; /* between rh_backup_read and rh_backup_open */
    struct rh_database database;
};

/*
 * Writes b under the last part of disk's path. key: the 32 bytes that seal it if it is encrypted.
 * Errors: usage for a name that is none; config; no_memory.
 */
kp_status rh_backup_write(const char *folder, kp_span disk, const struct rh_backup *b,
                          const uint8_t *key, struct kp_error *reterr) KP_MUST_USE;
/* Reads the outside; after success rh_backup_open must follow. Errors: not_found, config. */
kp_status rh_backup_read(const char *folder, kp_span disk, struct rh_backup *b,
                         struct kp_error *reterr) KP_MUST_USE;
/* Reads the inside into b->database and clears body. Errors: integrity for another key, config. */
kp_status rh_backup_open(struct rh_backup *b, const uint8_t *key, struct kp_error *reterr)
    KP_MUST_USE;
/* Drops what rh_backup_read left when rh_backup_open cannot follow. */
void rh_backup_clear(struct rh_backup *b);

#endif /* KP_TOOLS_EKM_REHEARSE_BACKUP_FILE_H */
