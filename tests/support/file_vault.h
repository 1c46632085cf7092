/*
 * A file vault under test: the plugin's table driven by a fake host, on the real file system in a
 * directory of its own or on any other struct ft_fs. Short forms of the calls tests make most.
 * Every helper fails the test when what it sets up fails.
 */
#ifndef KP_TESTS_SUPPORT_FILE_VAULT_H
#define KP_TESTS_SUPPORT_FILE_VAULT_H

#include "plugins/file-test/fs.h"
#include "support/fake_host.h"

#define FV_PATH_LEN 256

/* A setting as NAME, VALUE; a list ends with NULL. */
typedef const char *fv_settings[][2];

struct file_vault {
    struct fake_host host;
    const struct ft_fs *fs;
    bool use_real_time; /* before fv_open; see fake_host.h */
    char dir[FV_PATH_LEN];
};

/* Makes a new directory under the system's temporary one and writes its name to out. */
void fv_make_temp(char out[FV_PATH_LEN]);
/* Removes a directory made so with the files in it. */
void fv_remove_temp(const char *dir);

/* Opens a vault at dir; the status is what opened (or open itself) reported. fs NULL: the real
 * one. */
kp_status fv_open(struct file_vault *fv, const struct ft_fs *fs, const char *dir, uint32_t flags,
                  const char *const (*settings)[2]);
/* The same for a vault that must open, made where there is none. */
void fv_open_ok(struct file_vault *fv, const char *dir, const char *const (*settings)[2]);
void fv_close(struct file_vault *fv);
/* Why the last open failed. */
const struct kp_error *fv_open_error(const struct file_vault *fv);

/* New settings through reload. */
kp_status fv_reload(struct file_vault *fv, const char *const (*settings)[2],
                    struct kp_error *reterr);

/* An empty request on a key; name and version are borrowed, version may be NULL. */
struct kp_request fv_request(uint32_t op, const char *name, const char *version);
struct kp_key_params fv_params(uint32_t kty, uint32_t bits, uint32_t curve);
kp_span fv_span(const char *text);
bool fv_span_is(kp_span span, const char *text);

/* Each makes a call and returns its status; result is the caller's to clear. */
kp_status fv_call(struct file_vault *fv, const struct kp_request *request,
                  struct fake_result *result);
kp_status fv_simple(struct file_vault *fv, uint32_t op, const char *name, const char *version,
                    struct fake_result *result);
/* The status alone. */
kp_status fv_status(struct file_vault *fv, uint32_t op, const char *name, const char *version);

/* Must succeed. ret_version (33 bytes) may be NULL. */
void fv_create(struct file_vault *fv, const char *name, uint32_t kty, uint32_t bits, uint32_t curve,
               char *ret_version);
void fv_must(struct file_vault *fv, uint32_t op, const char *name, char *ret_version);

/* Wraps 32 bytes of fill under alg; *ret_len in and out. */
void fv_wrap(struct file_vault *fv, const char *name, const char *version, uint32_t alg,
             uint8_t fill, uint8_t *out, size_t *len, char *ret_version);
/* Unwraps; KP_OK only if the result is 32 bytes of fill. */
kp_status fv_unwrap(struct file_vault *fv, const char *name, const char *version, uint32_t alg,
                    uint8_t fill, const uint8_t *bytes, size_t len);

#endif /* KP_TESTS_SUPPORT_FILE_VAULT_H */
