/*
 * Texts that hold records: our own JSON, and what regedit exports of the connector's map. Both come
 * from files that somebody may have edited or cut, so readers are bounded, recurse nowhere, and
 * refuse with the place what they do not understand. Any thread.
 */
#ifndef KP_EKM_KEYS_MAP_TEXT_H
#define KP_EKM_KEYS_MAP_TEXT_H

#include "ekm/keys/map_table.h"

/* Appends the table as the text of a map file, one record a line. Errors: no_memory, usage (out is
 * too small). */
kp_status ekm_map_text_write(const struct ekm_table *table, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Reads the text of a map file into table, which is empty; the caller clears it also after a
 * failure. Errors: config (the sentence names the record and what is wrong), no_memory.
 */
kp_status ekm_map_text_read(kp_span text, struct ekm_table *table, struct kp_error *reterr)
    KP_MUST_USE;

/*
 * Reads an export of the registry, in UTF-16 little-endian with its mark or in bytes. What is not
 * below "...\SQL Server Cryptographic Provider\Azure Key Vault\VAULT\THUMBPRINT" is passed over;
 * what is, must have a KeyUri. Errors: usage (the sentence names the line), no_memory.
 */
kp_status ekm_reg_read(kp_span text, struct ekm_table *table, struct kp_error *reterr) KP_MUST_USE;

#endif /* KP_EKM_KEYS_MAP_TEXT_H */
