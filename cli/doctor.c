#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/span.h"

#define NAME_COLUMN 9u
#define FOUND_COLUMN 24u

void cli_doctor_warn(struct cli_doctor *d, const char *fmt, ...)
{
    va_list args;
    if (d->n_warnings == CLI_DOCTOR_WARNINGS_MAX) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(d->warnings[d->n_warnings], sizeof d->warnings[0], fmt, args);
    va_end(args);
    d->n_warnings++;
}

/* ---- Text ---- */

static void begin_line(struct cli_out *o, const char *result, const char *name)
{
    cli_out_text(o, result);
    cli_out_pad(o, NAME_COLUMN);
    cli_out_text(o, name);
    cli_out_pad(o, FOUND_COLUMN);
}

/* A line below that of the check. */
static void add_below(struct cli_out *o, const char *label, kp_span text)
{
    cli_out_pad(o, FOUND_COLUMN);
    cli_out_text(o, label);
    cli_out_safe(o, text);
    cli_out_text(o, "\n");
}

static void add_warnings(struct cli_doctor *d)
{
    for (uint32_t i = 0; i < d->n_warnings; i++) {
        add_below(&d->c->out, "warning: ", kpb_span_str(d->warnings[i]));
    }
}

static void tell_ok(struct cli_doctor *d, const char *name)
{
    struct cli_out *o = &d->c->out;
    begin_line(o, "ok", name);
    cli_out_safe(o, kp_buf_view(&d->found.buf));
    cli_out_text(o, "\n");
    add_warnings(d);
}

static void tell_failed(struct cli_doctor *d, const char *name, kp_status st)
{
    struct cli_out *o = &d->c->out;
    const char *advice = cli_fault_advice(&d->c->fault);
    begin_line(o, "failed", name);
    cli_fault_text(o, st, &d->c->fault);
    cli_out_text(o, "\n");
    if (d->found.buf.len > 0) {
        add_below(o, "at: ", kp_buf_view(&d->found.buf));
    }
    if (advice) {
        add_below(o, "advice: ", kpb_span_str(advice));
    }
    add_warnings(d);
}

static void tell_skipped(struct cli_doctor *d, const char *name)
{
    begin_line(&d->c->out, "skipped", name);
    cli_out_text(&d->c->out, "needs ");
    cli_out_text(&d->c->out, d->stopped);
    cli_out_text(&d->c->out, "\n");
}

/* ---- JSON ---- */

static void begin_json(struct cli_out *o, const char *result, const char *name)
{
    cli_json_begin(o, '{');
    cli_json_member_text(o, "check", name);
    cli_json_member_text(o, "result", result);
}

static void json_ran(struct cli_doctor *d, const char *name, kp_status st)
{
    struct cli_out *o = &d->c->out;
    begin_json(o, st == KP_OK ? "ok" : "failed", name);
    cli_json_member_str(o, "found", kp_buf_view(&d->found.buf));
    cli_json_name(o, "warnings");
    cli_json_begin(o, '[');
    for (uint32_t i = 0; i < d->n_warnings; i++) {
        cli_json_str(o, kpb_span_str(d->warnings[i]));
    }
    cli_json_end(o, ']');
    if (st != KP_OK) {
        cli_json_name(o, "error");
        cli_fault_json(o, NULL, st, &d->c->fault);
    }
    cli_json_end(o, '}');
}

static void json_skipped(struct cli_doctor *d, const char *name)
{
    begin_json(&d->c->out, "skipped", name);
    cli_json_member_text(&d->c->out, "needs", d->stopped);
    cli_json_end(&d->c->out, '}');
}

/* ---- Running ---- */

static void tell(struct cli_doctor *d, const char *name, kp_status st)
{
    if (cli_has(d->c, CLI_OPT_JSON)) {
        json_ran(d, name, st);
    } else if (st == KP_OK) {
        tell_ok(d, name);
    } else {
        tell_failed(d, name, st);
    }
}

static void run_one(struct cli_doctor *d, const struct cli_doctor_check *check)
{
    d->n_warnings = 0;
    cli_out_init(&d->found);
    const kp_status st = check->run(d);
    tell(d, check->name, st);
    if (d->found.st != KP_OK && d->c->out.st == KP_OK) {
        d->c->out.st = d->found.st; /* not the whole truth: the command is to fail */
    }
    cli_out_clear(&d->found);
    if (st != KP_OK) {
        d->stopped = check->name;
        d->c->exit_code = cli_exit_of(st, &d->c->fault);
    }
}

void cli_doctor_run(struct cli_doctor *d, const struct cli_doctor_check *checks, size_t n)
{
    const bool json = cli_has(d->c, CLI_OPT_JSON);
    cli_out_text(&d->c->out, json ? "{\"checks\":[" : "");
    for (size_t i = 0; i < n; i++) {
        if (d->stopped) {
            (json ? json_skipped : tell_skipped)(d, checks[i].name);
        } else {
            run_one(d, &checks[i]);
        }
    }
    cli_out_text(&d->c->out, json ? "]}\n" : "");
}
