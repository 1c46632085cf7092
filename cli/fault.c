#include "cli/fault.h"

#include <stdarg.h>

#include "base/span.h"

#define CODE_UNAUTHORIZED 3108u /* a service's 401 */
#define CODE_CLIENT_ERROR 3110u /* a service's other answers of 4xx */
#define CODE_FORBIDDEN 3113u    /* a service's 403 */

kp_status cli_fail_io(struct cli_fault *f, const char *fmt, ...)
{
    char text[KP_ERROR_TEXT_LEN];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence is still a sentence */
    va_end(args);
    f->io = true;
    return kpb_fail(&f->error, KP_USAGE, "%s", text);
}

int cli_exit_of_status(kp_status status)
{
    if (status == KP_OK) {
        return CLI_EXIT_OK;
    }
    return status == KP_USAGE ? CLI_EXIT_USAGE : CLI_EXIT_CLASS_BASE + (int)status;
}

int cli_exit_of(kp_status status, const struct cli_fault *f)
{
    return status != KP_OK && f->io ? CLI_EXIT_IO : cli_exit_of_status(status);
}

/*
 * The advice on a service's refusal is of no use where no service has answered: a file vault says
 * in its own sentence what to do.
 */
static bool is_beside_the_point(const struct kp_error *err)
{
    const bool is_refusal = err->code == CODE_UNAUTHORIZED || err->code == CODE_CLIENT_ERROR ||
                            err->code == CODE_FORBIDDEN;
    return is_refusal && err->http_status == 0;
}

const char *cli_fault_advice(const struct cli_fault *f)
{
    const struct kp_error *err = &f->error;
    const struct kp_code_info *info = err->code != 0 ? kp_code_find(err->code) : NULL;
    if (!info || !info->advice || !info->advice[0] || is_beside_the_point(err)) {
        return NULL;
    }
    return info->advice;
}

static const char *class_of(kp_status status, const struct cli_fault *f)
{
    return f->io ? "io" : kp_status_text(status);
}

static void add_what_helps(struct cli_out *o, const char *where, kp_status status,
                           const struct cli_fault *f)
{
    const char *advice = cli_fault_advice(f);
    if (advice) {
        cli_out_text(o, "kp: advice: ");
        cli_out_text(o, advice);
        cli_out_text(o, "\n");
    } else if (status == KP_USAGE && !f->io) {
        cli_out_text(o, "kp: see 'kp help");
        cli_out_text(o, where ? " " : "");
        cli_out_text(o, where ? where : "");
        cli_out_text(o, "'\n");
    }
    if (f->maybe_done) {
        cli_out_text(o, "kp: it may have been done all the same: see 'kp key versions KEY' before "
                        "you repeat it\n");
    }
}

void cli_fault_text(struct cli_out *o, kp_status status, const struct cli_fault *f)
{
    const bool has_text = f->error.text[0] != '\0';
    cli_out_safe(o, kpb_span_str(has_text ? f->error.text : kp_status_meaning(status)));
    cli_out_text(o, " [");
    cli_out_text(o, class_of(status, f));
    if (f->error.code != 0) {
        cli_out_text(o, ", code ");
        cli_out_uint(o, f->error.code);
    }
    cli_out_text(o, "]");
}

static void add_text(struct cli_out *o, const char *where, kp_status status,
                     const struct cli_fault *f)
{
    cli_out_text(o, "kp: ");
    if (where) {
        cli_out_text(o, where);
        cli_out_text(o, ": ");
    }
    cli_fault_text(o, status, f);
    cli_out_text(o, "\n");
    add_what_helps(o, where, status, f);
}

void cli_fault_json(struct cli_out *o, const char *where, kp_status status,
                    const struct cli_fault *f)
{
    cli_json_begin(o, '{');
    if (where) {
        cli_json_member_text(o, "command", where);
    }
    cli_json_member_text(o, "class", class_of(status, f));
    if (f->error.code != 0) {
        cli_json_member_int(o, "code", (int64_t)f->error.code);
    }
    cli_json_member_text(o, "text", f->error.text);
    if (f->error.service_code[0] != '\0') {
        cli_json_member_text(o, "service_code", f->error.service_code);
    }
    if (f->error.request_id[0] != '\0') {
        cli_json_member_text(o, "request_id", f->error.request_id);
    }
    if (f->error.retry_after_ms != KP_NO_RETRY_HINT) {
        cli_json_member_int(o, "retry_after_ms", (int64_t)f->error.retry_after_ms);
    }
    const char *advice = cli_fault_advice(f);
    if (advice) {
        cli_json_member_text(o, "advice", advice);
    }
    if (f->maybe_done) {
        cli_json_member_bool(o, "maybe_done", true);
    }
    cli_json_member_int(o, "exit", cli_exit_of(status, f));
    cli_json_end(o, '}');
}

static void add_json(struct cli_out *o, const char *where, kp_status status,
                     const struct cli_fault *f)
{
    cli_json_begin(o, '{');
    cli_json_name(o, "error");
    cli_fault_json(o, where, status, f);
    cli_json_end(o, '}');
    cli_out_text(o, "\n");
}

void cli_report(FILE *to, const char *where, kp_status status, const struct cli_fault *f, bool json)
{
    struct cli_out o;
    cli_out_init(&o);
    (json ? add_json : add_text)(&o, where, status, f);
    if (o.st == KP_OK) {
        (void)fwrite(o.buf.ptr, 1, o.buf.len, to); /* nowhere left to complain */
    } else {
        (void)fprintf(to, "kp: %s\n", kp_status_text(status));
    }
    cli_out_clear(&o);
}
