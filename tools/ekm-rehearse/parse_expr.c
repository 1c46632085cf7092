#include "base/span.h"
#include "tools/ekm-rehearse/grammar.h"

static struct rh_expr *new_expr(struct rh_parser *p, enum rh_expr_kind kind)
{
    struct rh_expr *e = p->st == KP_OK ? rh_memory_take(p->m, sizeof *e) : NULL;
    if (!e) {
        if (p->st == KP_OK)
            p->st = kpb_fail_memory(p->err, "rehearse.parse");
        return NULL;
    }
    e->kind = kind;
    e->place = p->at->place;
    return e;
}

static struct rh_value literal_of(const struct rh_token *t)
{
    static const enum rh_type types[] = {[RH_TOKEN_STRING] = RH_VARCHAR,
                                         [RH_TOKEN_NSTRING] = RH_NVARCHAR,
                                         [RH_TOKEN_NUMBER] = RH_INT,
                                         [RH_TOKEN_BINARY] = RH_VARBINARY};
    return (struct rh_value){types[t->kind], t->number, t->text};
}

static struct rh_expr *read_literal(struct rh_parser *p)
{
    struct rh_expr *e = new_expr(p, RH_EXPR_VALUE);
    if (!e)
        return NULL;
    if (!rh_accept(p, "NULL")) {
        e->value = literal_of(p->at);
        p->at++;
    }
    return e;
}

static struct rh_expr *read_variable(struct rh_parser *p)
{
    struct rh_expr *e = new_expr(p, RH_EXPR_VARIABLE);
    if (e) {
        e->name = p->at->text;
        p->at++;
    }
    return e;
}

/* CONVERT(type, value) and CAST(value AS type) are one thing in two orders. */
static struct rh_expr *read_convert(struct rh_parser *p, bool is_cast)
{
    struct rh_expr *e = new_expr(p, RH_EXPR_CONVERT);
    if (!e)
        return NULL;
    p->at++;
    rh_expect_mark(p, '(');
    e->n_args = 1;
    if (is_cast) {
        e->args[0] = rh_read_expr(p);
        rh_expect(p, "AS");
        rh_read_type(p, &e->type, &e->max_len);
    } else {
        rh_read_type(p, &e->type, &e->max_len);
        rh_expect_mark(p, ',');
        e->args[0] = rh_read_expr(p);
    }
    rh_expect_mark(p, ')');
    return e;
}

static void read_args(struct rh_parser *p, struct rh_expr *e)
{
    if (rh_accept_mark(p, ')'))
        return;
    do {
        if (e->n_args == RH_ARGS_MAX) {
            rh_refuse(p, "at most four arguments");
            return;
        }
        e->args[e->n_args++] = rh_read_expr(p);
    } while (rh_accept_mark(p, ','));
    rh_expect_mark(p, ')');
}

/* name, alias.name or name(arguments). */
static struct rh_expr *read_named(struct rh_parser *p)
{
    struct rh_expr *e = new_expr(p, RH_EXPR_COLUMN);
    if (!e)
        return NULL;
    rh_read_name(p, &e->name);
    if (rh_accept_mark(p, '.'))
        rh_read_name(p, &e->name);
    if (!rh_accept_mark(p, '('))
        return e;
    if (!rh_is_listed(rh_function_names, e->name))
        rh_refuse_at(p, e->place,
                     "the rehearsal has no such function; docs/REHEARSAL.md lists what it has");
    e->kind = RH_EXPR_CALL;
    read_args(p, e);
    return e;
}

static struct rh_expr *read_term(struct rh_parser *p)
{
    if (rh_at_words(p, "CONVERT") || rh_at_words(p, "CAST"))
        return read_convert(p, rh_at_words(p, "CAST"));
    if (rh_at_words(p, "NULL") ||
        (p->at->kind >= RH_TOKEN_STRING && p->at->kind <= RH_TOKEN_BINARY))
        return read_literal(p);
    if (p->at->kind == RH_TOKEN_VARIABLE)
        return read_variable(p);
    if (p->at->kind == RH_TOKEN_WORD || p->at->kind == RH_TOKEN_QUOTED)
        return read_named(p);
    if (rh_accept_mark(p, '(')) {
        struct rh_expr *e = rh_read_expr(p);
        rh_expect_mark(p, ')');
        return e;
    }
    rh_refuse(p, "a value, a variable, a column or a function");
    return NULL;
}

/* Sums lean to the left; evaluating one recurses, so its length is bounded like the depth. */
static struct rh_expr *read_sum(struct rh_parser *p)
{
    struct rh_expr *e = read_term(p);
    for (uint32_t n = 0; e && rh_accept_mark(p, '+'); n++) {
        if (n == RH_EXPR_MAX_DEPTH)
            rh_refuse(p, "a sum of at most 33 terms");
        struct rh_expr *sum = new_expr(p, RH_EXPR_ADD);
        if (!sum)
            return NULL;
        sum->n_args = 2;
        sum->args[0] = e;
        sum->args[1] = read_term(p);
        e = sum;
    }
    return e;
}

struct rh_expr *rh_read_expr(struct rh_parser *p)
{
    if (p->depth >= RH_EXPR_MAX_DEPTH)
        rh_refuse(p, "an expression nested less than 32 deep");
    if (p->st != KP_OK)
        return NULL;
    p->depth++;
    struct rh_expr *e = read_sum(p);
    p->depth--;
    return p->st == KP_OK ? e : NULL;
}
