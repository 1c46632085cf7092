/* CREATE ASYMMETRIC KEY, from a provider or of the server itself, and DROP ASYMMETRIC KEY. */
#include "tools/ekm-rehearse/grammar.h"

static void read_disposition(struct rh_parser *p, struct rh_key_ddl *k)
{
    if (rh_accept(p, "OPEN_EXISTING"))
        k->disposition = RH_OPEN_EXISTING;
    else if (rh_accept(p, "CREATE_NEW"))
        k->disposition = RH_CREATE_NEW;
    else
        rh_refuse(p, "CREATE_NEW or OPEN_EXISTING");
}

/* Bit of the option that was read, 0 after a failure. */
static unsigned read_option(struct rh_parser *p, struct rh_key_ddl *k)
{
    if (rh_accept(p, "ALGORITHM")) {
        rh_expect_mark(p, '=');
        rh_read_word(p, &k->algorithm);
        return 1;
    }
    if (rh_accept(p, "PROVIDER_KEY_NAME")) {
        rh_expect_mark(p, '=');
        rh_read_string(p, &k->key_name);
        return 2;
    }
    if (rh_accept(p, "CREATION_DISPOSITION")) {
        rh_expect_mark(p, '=');
        read_disposition(p, k);
        return 4;
    }
    rh_refuse(p, "ALGORITHM, PROVIDER_KEY_NAME or CREATION_DISPOSITION");
    return 0;
}

/* A key of the server itself takes an algorithm, one of a provider a name in the provider. */
static void check_options(struct rh_parser *p, const struct rh_key_ddl *k, unsigned seen,
                          struct rh_place start)
{
    if (k->provider.len == 0 && seen != 1)
        rh_refuse_at(p, start, "a key without FROM PROVIDER takes ALGORITHM and nothing else");
    if (k->provider.len && !(seen & 2))
        rh_refuse_at(p, start, "a key FROM PROVIDER needs PROVIDER_KEY_NAME");
}

static void parse_create(struct rh_parser *p, struct rh_statement *s)
{
    struct rh_key_ddl *k = &s->as.key;
    const struct rh_place start = p->at->place;
    unsigned seen = 0;
    rh_read_name(p, &k->name);
    if (rh_accept(p, "FROM PROVIDER"))
        rh_read_name(p, &k->provider);
    else if (!rh_at_words(p, "WITH"))
        rh_refuse(p, "FROM PROVIDER or WITH ALGORITHM");
    rh_expect(p, "WITH");
    do {
        const struct rh_place place = p->at->place;
        const unsigned bit = read_option(p, k);
        if (seen & bit)
            rh_refuse_at(p, place, "this option stands here twice");
        seen |= bit;
    } while (rh_accept_mark(p, ','));
    check_options(p, k, seen, start);
}

static void parse_drop(struct rh_parser *p, struct rh_statement *s)
{
    rh_read_name(p, &s->as.key.name);
    s->as.key.remove_provider_key = rh_accept(p, "REMOVE PROVIDER KEY");
}

const struct rh_rule rh_rules_key[] = {
    {"CREATE ASYMMETRIC KEY", RH_CREATE_KEY, parse_create},
    {"DROP ASYMMETRIC KEY", RH_DROP_KEY, parse_drop},
    {NULL, RH_N_VERBS, NULL},
};
