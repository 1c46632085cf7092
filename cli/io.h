/* How commands read their input and hand out their result. Main thread; may block on files. */
#ifndef KP_CLI_IO_H
#define KP_CLI_IO_H

#include "cli/cli.h"

/*
 * Reads a whole file into out up to the limit out was made with. path NULL or "-": stdin.
 * Errors: io; usage when there is more than the limit; no_memory.
 */
kp_status cli_read(const char *path, kp_buf *out, struct cli_fault *f) KP_MUST_USE;

/* What a result is about; spans are borrowed, empty ones are left out of the report. */
struct cli_subject {
    const char *op;
    kp_span key;
    kp_span version;
    uint32_t alg; /* enum kp_alg, KP_ALG_NONE: none */
};

#define CLI_DELIVER_SECRET 0x01u /* private file, wiped copies */
#define CLI_DELIVER_TEXT 0x02u   /* fit for a terminal, and JSON already */

/*
 * Hands out the bytes a command made: to --out, else to stdout. With --json a report goes to
 * stdout: {"op","key","version","alg","len","out"}, or with "value" (base64url) instead of "out"
 * when there is no --out FILE; text that is JSON already stays itself.
 * Errors: usage: binary for a terminal without --out -; io; no_memory.
 */
kp_status cli_deliver(struct cli *c, const struct cli_subject *subject, kp_span bytes,
                      uint32_t flags) KP_MUST_USE;

/* Writes c->out to stdout. Errors: io, no_memory, the failure stuck in it. */
kp_status cli_flush(struct cli *c) KP_MUST_USE;

/* The same for text that is no JSON; with --json it goes out as {"name":"text"}. */
kp_status cli_flush_as(struct cli *c, const char *name) KP_MUST_USE;

#endif /* KP_CLI_IO_H */
