/* CREATE, ALTER and DROP CRYPTOGRAPHIC PROVIDER. */
#include "tools/ekm-rehearse/grammar.h"

static void read_file(struct rh_parser *p, struct rh_statement *s)
{
    rh_expect(p, "FROM FILE");
    rh_expect_mark(p, '=');
    rh_read_string(p, &s->as.provider.file);
}

static void parse_create(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.provider.name);
    read_file(p, s);
}

static void parse_alter(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.provider.name);
    if (rh_at_words(p, "FROM"))
        read_file(p, s);
    else if (rh_accept(p, "ENABLE"))
        s->as.provider.enabled = RH_ON;
    else if (rh_accept(p, "DISABLE"))
        s->as.provider.enabled = RH_OFF;
    else
        rh_refuse(p, "FROM FILE, ENABLE or DISABLE");
}

static void parse_drop(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.provider.name);
}

const struct rh_rule rh_rules_provider[] = {
    {"CREATE CRYPTOGRAPHIC PROVIDER", RH_CREATE_PROVIDER, parse_create},
    {"ALTER CRYPTOGRAPHIC PROVIDER", RH_ALTER_PROVIDER, parse_alter},
    {"DROP CRYPTOGRAPHIC PROVIDER", RH_DROP_PROVIDER, parse_drop},
    {NULL, RH_N_VERBS, NULL},
};
