/* Reading a whole file, bounded. May block: workers only. A twin per platform. */
#ifndef KP_CORE_FILE_READ_H
#define KP_CORE_FILE_READ_H

#include "base/buf.h"

/*
 * Appends the file at path to out, which has a limit of at least max_len. Only regular files.
 * Errors: not_found; config (larger than max_len, not a file, not readable; the sentence names path
 * and cause); no_memory.
 */
kp_status kpi_file_read(const char *path, size_t max_len, kp_buf *out, struct kp_error *reterr)
    KP_MUST_USE;

#endif /* KP_CORE_FILE_READ_H */
