/* CREATE and DROP DATABASE, ALTER DATABASE SET ENCRYPTION, USE. */
#include "tools/ekm-rehearse/grammar.h"

static void parse_name(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.database.name);
}

static void parse_alter(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.database.name);
    rh_expect(p, "SET ENCRYPTION");
    rh_read_switch(p, &s->as.database.encryption);
}

/* Behind the rules of the DATABASE ENCRYPTION KEY, whose words begin the same. */
const struct rh_rule rh_rules_database[] = {
    {"CREATE DATABASE", RH_CREATE_DATABASE, parse_name},
    {"ALTER DATABASE", RH_SET_ENCRYPTION, parse_alter},
    {"DROP DATABASE", RH_DROP_DATABASE, parse_name},
    {"USE", RH_USE, parse_name},
    {NULL, RH_N_VERBS, NULL},
};
