#include "cli/io.h"

#include <string.h>

#include "base/span.h"
#include "cli/platform.h"

static kp_status append_chunk(void *ctx, kp_span bytes, struct cli_fault *f)
{
    kp_buf *out = ctx;
    const kp_status st = kp_buf_append(out, bytes);
    if (st == KP_USAGE) {
        return kpb_fail(&f->error, KP_USAGE, "the input is larger than %zu bytes", out->limit);
    }
    return st == KP_OK ? KP_OK : kpb_fail_memory(&f->error, out->site);
}

kp_status cli_read(const char *path, kp_buf *out, struct cli_fault *f)
{
    return cli_platform_read(path, append_chunk, out, f);
}

/* The file of --out, NULL for stdout. */
static const char *out_file(const struct cli *c)
{
    const char *path = cli_opt(c, CLI_OPT_OUT);
    return path && strcmp(path, "-") != 0 ? path : NULL;
}

static void add_report(struct cli_out *o, const struct cli_subject *subject, kp_span bytes,
                       const char *path)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "op", subject->op);
    if (subject->key.len > 0) {
        cli_json_member_str(o, "key", subject->key);
    }
    if (subject->version.len > 0) {
        cli_json_member_str(o, "version", subject->version);
    }
    if (subject->alg != KP_ALG_NONE) {
        cli_json_member_text(o, "alg", kp_alg_text(subject->alg));
    }
    cli_json_member_int(o, "len", (int64_t)bytes.len);
    if (path) {
        cli_json_member_text(o, "out", path);
    } else {
        cli_json_member_bytes(o, "value", bytes);
    }
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

static kp_status report_json(struct cli *c, const struct cli_subject *subject, kp_span bytes,
                             uint32_t flags)
{
    const char *path = out_file(c);
    if (flags & CLI_DELIVER_SECRET) {
        cli_out_clear(&c->out);
        cli_out_init_secret(&c->out);
    }
    add_report(&c->out, subject, bytes, path);
    return cli_flush(c);
}

kp_status cli_deliver(struct cli *c, const struct cli_subject *subject, kp_span bytes,
                      uint32_t flags)
{
    const char *path = out_file(c);
    const bool is_text = (flags & CLI_DELIVER_TEXT) != 0;
    if (path) {
        const bool is_private = (flags & CLI_DELIVER_SECRET) != 0;
        const kp_status st = cli_platform_write(path, bytes, is_private, &c->fault);
        if (st != KP_OK) {
            return st;
        }
    }
    if (cli_has(c, CLI_OPT_JSON) && (path || !is_text)) {
        return report_json(c, subject, bytes, flags);
    }
    if (path) {
        return KP_OK;
    }
    if (!is_text && !cli_has(c, CLI_OPT_OUT) && cli_platform_stdout_is_terminal()) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "the result is binary and stdout is a terminal; use --out FILE, --out - or "
                        "--json");
    }
    return cli_platform_write_stdout(bytes, &c->fault);
}

kp_status cli_flush(struct cli *c)
{
    if (c->out.st != KP_OK) {
        return kpb_fail(&c->fault.error, c->out.st, "the output does not fit into memory");
    }
    return cli_platform_write_stdout(kp_buf_view(&c->out.buf), &c->fault);
}

kp_status cli_flush_as(struct cli *c, const char *name)
{
    if (!cli_has(c, CLI_OPT_JSON) || c->out.st != KP_OK) {
        return cli_flush(c);
    }
    struct cli_out text = c->out;
    cli_out_init(&c->out); /* moved to text */
    cli_json_begin(&c->out, '{');
    cli_json_member_str(&c->out, name, kp_buf_view(&text.buf));
    cli_json_end(&c->out, '}');
    cli_out_text(&c->out, "\n");
    cli_out_clear(&text);
    return cli_flush(c);
}
