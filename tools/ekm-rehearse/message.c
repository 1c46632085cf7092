/* Messages in the form in which sqlcmd shows those of the engine. */
#include <stdarg.h>

#include "tools/ekm-rehearse/engine.h"

#define INFORMATIONAL 10u

static void print_head(struct rh_engine *e, unsigned number, unsigned severity, unsigned state)
{
    if (severity > INFORMATIONAL)
        e->n_errors++;
    (void)fprintf(e->out, "Msg %u, Level %u, State %u", number, severity, state);
    if (e->line)
        (void)fprintf(e->out, ", Line %u\n", e->line);
    else
        (void)fputs(", at start-up\n", e->out);
}

bool rh_msg(struct rh_engine *e, unsigned number, unsigned severity, unsigned state,
            const char *fmt, ...)
{
    va_list args;
    print_head(e, number, severity, state);
    va_start(args, fmt);
    (void)vfprintf(e->out, fmt, args);
    va_end(args);
    (void)fputc('\n', e->out);
    return false;
}

/* The engine knows phrases for its own codes only. */
static const char *phrase_of(uint32_t code)
{
    static const char *const phrases[] = {
        "Success",          "Failure",       "Insufficient Buffer",
        "Not Supported",    "Not Found",     "Authentication Failure",
        "Invalid Argument", "Provider Error"};
    if (code < sizeof phrases / sizeof phrases[0])
        return phrases[code];
    return "Provider Error, no explanation available";
}

static void print_code(struct rh_engine *e, uint32_t code)
{
    const struct kp_code_info *info = code ? kp_code_find(code) : NULL;
    if (!info)
        return;
    (void)fprintf(e->out, "    %u %s: %s\n    %s\n", code, info->symbol, info->cause, info->advice);
}

bool rh_msg_verdict(struct rh_engine *e, unsigned number, unsigned state,
                    const struct rh_verdict *v, const char *fmt, ...)
{
    va_list args;
    print_head(e, number, 16, state);
    va_start(args, fmt);
    (void)vfprintf(e->out, fmt, args);
    va_end(args);
    (void)fprintf(e->out, " Provider error code: %u. (%s)\n", v->code, phrase_of(v->code));
    if (v->broken)
        (void)fprintf(e->out, "    SqlCrypt%s breaks the interface: %s.\n", v->api, v->broken);
    else
        print_code(e, v->code);
    return false;
}

void rh_note(struct rh_engine *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(e->out, fmt, args);
    va_end(args);
    (void)fputc('\n', e->out);
}

bool rh_msg_memory(struct rh_engine *e)
{
    return rh_msg(e, 701, 17, 1, "The rehearsal has not enough memory for this statement.");
}
