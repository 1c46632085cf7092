/*
 * The key map's store in a file. What takes a decision stands in map_file.c; what asks the
 * operating system, in its platform twins.
 *
 * FILE.lock beside the file is locked by writers; FILE.new is the text on its way. Both have mode
 * 0600, and so has the file. The folder is never made here, and is not used when somebody else
 * could write in it (core/trust.h).
 */
#ifndef KP_EKM_KEYS_MAP_FILE_H
#define KP_EKM_KEYS_MAP_FILE_H

#include "ekm/keys/map_store.h"

/*
 * What replacing a file takes, in one folder; the seam for failures and crashes. Every call answers
 * 0 or a number of errno.
 */
struct ekm_map_fs {
    void *ctx;
    int (*create)(void *ctx, const char *name, intptr_t *ret_file); /* new, empty, mode 0600 */
    int (*write)(void *ctx, intptr_t file, kp_span bytes);          /* all of it */
    int (*sync)(void *ctx, intptr_t file);
    void (*close)(void *ctx, intptr_t file);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*sync_folder)(void *ctx);
    int (*remove)(void *ctx, const char *name);
};

/*
 * Makes text the content of the file `name`: after a crash at any moment there is the old text or
 * the new, on return the new one is durable. The caller is the only writer. folder is for the
 * sentence. Errors: config with code 2058, no_memory where a call answers ENOMEM.
 */
kp_status ekm_map_file_replace(const struct ekm_map_fs *fs, const char *folder, const char *name,
                               kp_span text, struct kp_error *reterr) KP_MUST_USE;

struct ekm_map_file;

/* A store over the file path; copied. Touches nothing. Errors: usage, config, no_memory. */
kp_status ekm_map_file_new(const char *path, struct ekm_map_file **ret_file,
                           struct kp_error *reterr) KP_MUST_USE;
/* NULL allowed. */
void ekm_map_file_free(struct ekm_map_file *file);
/* Fills a store that uses file. */
void ekm_map_file_store(struct ekm_map_file *file, struct ekm_map_store *ret);

#endif /* KP_EKM_KEYS_MAP_FILE_H */
