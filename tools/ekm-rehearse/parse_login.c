/* CREATE LOGIN FROM ASYMMETRIC KEY, ALTER LOGIN ADD/DROP CREDENTIAL, DROP LOGIN. */
#include "tools/ekm-rehearse/grammar.h"

static void parse_create(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.login.name);
    rh_expect(p, "FROM ASYMMETRIC KEY");
    rh_read_name(p, &s->as.login.key);
}

static void parse_alter(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.login.name);
    s->as.login.drop = rh_accept(p, "DROP CREDENTIAL");
    if (!s->as.login.drop)
        rh_expect(p, "ADD CREDENTIAL");
    rh_read_name(p, &s->as.login.credential);
}

static void parse_drop(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.login.name);
}

const struct rh_rule rh_rules_login[] = {
    {"CREATE LOGIN", RH_CREATE_LOGIN, parse_create},
    {"ALTER LOGIN", RH_ALTER_LOGIN, parse_alter},
    {"DROP LOGIN", RH_DROP_LOGIN, parse_drop},
    {NULL, RH_N_VERBS, NULL},
};
