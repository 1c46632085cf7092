/* [EXEC] sp_configure ['option' [, value]] and RECONFIGURE. */
#include "tools/ekm-rehearse/grammar.h"

static void parse_configure(struct rh_parser *p, struct rh_statement *s)
{
    struct rh_configure *c = &s->as.configure;
    if (p->at->kind != RH_TOKEN_STRING && p->at->kind != RH_TOKEN_NSTRING)
        return;
    rh_read_string(p, &c->option);
    c->has_value = rh_accept_mark(p, ',');
    if (c->has_value)
        rh_read_number(p, &c->value);
}

/* EXEC with or without the schema; other procedures do not exist here. */
static void parse_exec(struct rh_parser *p, struct rh_statement *s)
{
    if (rh_accept(p, "SYS"))
        rh_expect_mark(p, '.');
    rh_expect(p, "sp_configure");
    parse_configure(p, s);
}

static void parse_reconfigure(struct rh_parser *p, struct rh_statement *s)
{
    (void)s;
    (void)rh_accept(p, "WITH OVERRIDE");
}

const struct rh_rule rh_rules_server[] = {
    {"EXEC", RH_CONFIGURE, parse_exec},
    {"EXECUTE", RH_CONFIGURE, parse_exec},
    {"SP_CONFIGURE", RH_CONFIGURE, parse_configure},
    {"RECONFIGURE", RH_RECONFIGURE, parse_reconfigure},
    {NULL, RH_N_VERBS, NULL},
};
