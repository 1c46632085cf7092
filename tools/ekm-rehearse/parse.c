#include "tools/ekm-rehearse/parse.h"

#include "base/span.h"
#include "tools/ekm-rehearse/grammar.h"

/* The longer words stand before those they begin with. */
static const struct rh_rule *const families[] = {
    rh_rules_server, rh_rules_provider, rh_rules_credential, rh_rules_login, rh_rules_key,
    rh_rules_dek,    rh_rules_database, rh_rules_backup,     rh_rules_query,
};

static const struct rh_rule *find_rule(const struct rh_parser *p)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        for (const struct rh_rule *rule = families[i]; rule->words; rule++) {
            if (rh_at_words(p, rule->words))
                return rule;
        }
    }
    return NULL;
}

static void parse_statement(struct rh_parser *p, struct rh_statement *s)
{
    const struct rh_rule *rule = find_rule(p);
    s->place = p->at->place;
    if (!rule) {
        rh_refuse(p, "a statement that the rehearsal knows (docs/REHEARSAL.md lists them)");
        return;
    }
    s->verb = rule->verb;
    (void)rh_accept(p, rule->words);
    rule->parse(p, s);
}

/* ---- Lists ---- */

struct builder {
    struct rh_script script;
    size_t cap_statements;
    size_t cap_batches;
};

/* Room for one more of size bytes; the old list stays behind in the memory. */
static void make_room(struct rh_parser *p, void **items, size_t n, size_t *cap, size_t size)
{
    if (n < *cap || p->st != KP_OK)
        return;
    const size_t wanted = *cap ? *cap * 2 : 32;
    void *larger = rh_memory_take(p->m, wanted * size);
    if (!larger) {
        p->st = kpb_fail_memory(p->err, "rehearse.parse");
        return;
    }
    if (n)
        memcpy(larger, *items, n * size);
    *items = larger;
    *cap = wanted;
}

static struct rh_statement *add_statement(struct rh_parser *p, struct builder *b)
{
    struct rh_script *s = &b->script;
    void *items = s->statements;
    make_room(p, &items, s->n_statements, &b->cap_statements, sizeof *s->statements);
    s->statements = items;
    return p->st == KP_OK ? &s->statements[s->n_statements++] : NULL;
}

static void end_batch(struct rh_parser *p, struct builder *b, size_t first, int64_t count)
{
    struct rh_script *s = &b->script;
    void *items = s->batches;
    if (s->n_statements == first)
        return;
    make_room(p, &items, s->n_batches, &b->cap_batches, sizeof *s->batches);
    s->batches = items;
    if (p->st == KP_OK)
        s->batches[s->n_batches++] = (struct rh_batch){first, s->n_statements - first, count};
}

static void parse_script(struct rh_parser *p, struct builder *b)
{
    size_t first = 0;
    while (p->st == KP_OK && p->at->kind != RH_TOKEN_END) {
        if (p->at->kind == RH_TOKEN_GO) {
            end_batch(p, b, first, p->at->number);
            first = b->script.n_statements;
            p->at++;
            continue;
        }
        if (rh_accept_mark(p, ';'))
            continue;
        struct rh_statement *s = add_statement(p, b);
        if (s)
            parse_statement(p, s);
    }
    end_batch(p, b, first, 1);
}

kp_status rh_parse(kp_span script, struct rh_memory *m, struct rh_script *ret,
                   struct kp_error *reterr)
{
    struct rh_tokens tokens;
    const kp_status st = rh_lex(script, m, &tokens, reterr);
    if (st != KP_OK)
        return st;
    struct rh_parser p = {.at = tokens.items, .m = m, .err = reterr};
    struct builder b = {0};
    parse_script(&p, &b);
    if (p.st == KP_OK)
        *ret = b.script;
    return p.st;
}
