/* The plugin's error sentences that several files need. Pure functions, any thread. */
#ifndef KP_PLUGINS_FILE_TEST_FAIL_H
#define KP_PLUGINS_FILE_TEST_FAIL_H

#include <keyprovider/status.h>

#include "base/errors.h"
#include "plugins/file-test/fs.h"

#define FT_LABEL_LEN 96u /* bytes of a vault's label, NUL included */

/* usage with code 3110, as for HTTP 400. Formats like printf. */
#define FT_FAIL_USAGE(err, ...)                                                                    \
    kpb_fail_code(err, KP_USAGE, KP_CODE_ErrorHttpResponseCodeClientError, __VA_ARGS__)
/* conflict with code 3110, as for HTTP 409. */
#define FT_FAIL_CONFLICT(err, ...)                                                                 \
    kpb_fail_code(err, KP_CONFLICT, KP_CODE_ErrorHttpResponseCodeClientError, __VA_ARGS__)
/* forbidden with code 3113, as for HTTP 403. */
#define FT_FAIL_FORBIDDEN(err, ...)                                                                \
    kpb_fail_code(err, KP_FORBIDDEN, KP_CODE_ErrorHttpOperationForbidden, __VA_ARGS__)
/* not_found with code 3112, as for HTTP 404. */
#define FT_FAIL_NOT_FOUND(err, ...)                                                                \
    kpb_fail_code(err, KP_NOT_FOUND, KP_CODE_ErrorHttpResourceNotFound, __VA_ARGS__)

/*
 * A failed file call on `what` ("key file key-app.json") of a vault, with the class and advice that
 * fit io; exposure is answered_refused: nothing was changed.
 */
kp_status ft_fail_io(struct kp_error *reterr, enum ft_io io, const char *label, const char *what);

/* A name that is no key name; version empty, or one that is no version. */
kp_status ft_fail_name(struct kp_error *reterr, kp_span name);

/* Writes what a vault is called in sentences: its name, or the end of a long location. */
void ft_label(kp_span name, kp_span location, char out[FT_LABEL_LEN]);

#endif /* KP_PLUGINS_FILE_TEST_FAIL_H */
