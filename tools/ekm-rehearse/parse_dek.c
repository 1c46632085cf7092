/* CREATE, ALTER and DROP DATABASE ENCRYPTION KEY. */
#include "tools/ekm-rehearse/grammar.h"

static void read_algorithm(struct rh_parser *p, struct rh_dek_ddl *d)
{
    rh_expect(p, "WITH ALGORITHM");
    rh_expect_mark(p, '=');
    rh_read_word(p, &d->algorithm);
}

static void read_encryptor(struct rh_parser *p, struct rh_dek_ddl *d)
{
    rh_expect(p, "ENCRYPTION BY SERVER ASYMMETRIC KEY");
    rh_read_name(p, &d->key);
}

static void parse_create(struct rh_parser *p, struct rh_statement *s)
{
    read_algorithm(p, &s->as.dek);
    read_encryptor(p, &s->as.dek);
}

static void parse_alter(struct rh_parser *p, struct rh_statement *s)
{
    if (rh_accept(p, "REGENERATE"))
        read_algorithm(p, &s->as.dek);
    else
        read_encryptor(p, &s->as.dek);
}

static void parse_drop(struct rh_parser *p, struct rh_statement *s)
{
    (void)p;
    (void)s; /* the words say all */
}

const struct rh_rule rh_rules_dek[] = {
    {"CREATE DATABASE ENCRYPTION KEY", RH_CREATE_DEK, parse_create},
    {"ALTER DATABASE ENCRYPTION KEY", RH_ALTER_DEK, parse_alter},
    {"DROP DATABASE ENCRYPTION KEY", RH_DROP_DEK, parse_drop},
    {NULL, RH_N_VERBS, NULL},
};
