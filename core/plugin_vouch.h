/*
 * Who vouches for a plugin's file beside the access rights on it, one twin per platform. On Windows
 * a plugin comes out of the one plugin folder, and is signed or pinned. On POSIX a pin may be
 * given, and rights decide about the rest.
 *
 * Threads: any; everything here may block on files.
 */
#ifndef KP_CORE_PLUGIN_VOUCH_H
#define KP_CORE_PLUGIN_VOUCH_H

#include <stdbool.h>

#include <keyprovider/status.h>

/*
 * Whether the file path may lie where it lies: on Windows in dir itself, whatever way both are
 * written, on POSIX anywhere. dir NULL: there is no such folder.
 * Errors: config, no_memory.
 */
kp_status kpi_vouch_place(const char *path, const char *dir, struct kp_error *reterr) KP_MUST_USE;

/*
 * Whether the paths of two plugins' files certainly mean one: on POSIX the texts are equal; on
 * Windows, where all come out of one folder, the names in it.
 */
bool kpi_vouch_is_same_file(const char *a, const char *b);

/*
 * Whether the file behind fd, which nobody pinned by its bytes or where that is not all, was signed
 * by whom it must be. signer: KPI_SHA256_LEN bytes, SHA-256 of the one certificate that counts;
 * NULL: on Windows the certificate that signed this module, on POSIX nobody has to sign.
 * Errors: config (the sentence says what to do), no_memory.
 */
kp_status kpi_vouch_signer(int fd, const char *path, const uint8_t *signer, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CORE_PLUGIN_VOUCH_H */
