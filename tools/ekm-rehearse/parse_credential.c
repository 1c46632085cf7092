/* CREATE, ALTER and DROP CREDENTIAL. */
#include "tools/ekm-rehearse/grammar.h"

static void parse_alter(struct rh_parser *p, struct rh_statement *s)
{
    struct rh_credential_ddl *c = &s->as.credential;
    rh_read_name(p, &c->name);
    rh_expect(p, "WITH IDENTITY");
    rh_expect_mark(p, '=');
    rh_read_string(p, &c->identity);
    c->has_secret = rh_accept_mark(p, ',');
    if (!c->has_secret)
        return;
    rh_expect(p, "SECRET");
    rh_expect_mark(p, '=');
    rh_read_string(p, &c->secret);
}

static void parse_create(struct rh_parser *p, struct rh_statement *s)
{
    parse_alter(p, s);
    if (rh_accept(p, "FOR CRYPTOGRAPHIC PROVIDER"))
        rh_read_name(p, &s->as.credential.provider);
}

static void parse_drop(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.credential.name);
}

const struct rh_rule rh_rules_credential[] = {
    {"CREATE CREDENTIAL", RH_CREATE_CREDENTIAL, parse_create},
    {"ALTER CREDENTIAL", RH_ALTER_CREDENTIAL, parse_alter},
    {"DROP CREDENTIAL", RH_DROP_CREDENTIAL, parse_drop},
    {NULL, RH_N_VERBS, NULL},
};
