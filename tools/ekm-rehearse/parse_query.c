/* DECLARE, SET, PRINT and SELECT: of expressions, or of one view with equalities. */
#include "base/span.h"
#include "tools/ekm-rehearse/grammar.h"

static void read_variable(struct rh_parser *p, kp_span *ret)
{
    if (p->st == KP_OK && p->at->kind == RH_TOKEN_VARIABLE) {
        *ret = p->at->text;
        p->at++;
    } else {
        rh_refuse(p, "a variable (@name)");
    }
}

static void parse_declare(struct rh_parser *p, struct rh_statement *s)
{
    struct rh_variable_ddl *v = &s->as.variable;
    read_variable(p, &v->name);
    (void)rh_accept(p, "AS");
    rh_read_type(p, &v->type, &v->max_len);
    if (rh_accept_mark(p, '='))
        v->value = rh_read_expr(p);
}

static void parse_set(struct rh_parser *p, struct rh_statement *s)
{
    read_variable(p, &s->as.variable.name);
    rh_expect_mark(p, '=');
    s->as.variable.value = rh_read_expr(p);
}

static void parse_print(struct rh_parser *p, struct rh_statement *s)
{
    s->as.print = rh_read_expr(p);
}

/* ---- SELECT ---- */

/* name.* and * are all columns: there is one view. */
static bool accept_star(struct rh_parser *p)
{
    if (rh_accept_mark(p, '*'))
        return true;
    if (p->at[0].kind != RH_TOKEN_WORD || p->at[1].kind != RH_TOKEN_PUNCT ||
        p->at[1].text.ptr[0] != '.' || p->at[2].kind != RH_TOKEN_PUNCT ||
        p->at[2].text.ptr[0] != '*')
        return false;
    p->at += 3;
    return true;
}

static void read_column(struct rh_parser *p, struct rh_column *c)
{
    c->expr = rh_read_expr(p);
    if (!rh_accept(p, "AS"))
        return;
    if (p->at->kind == RH_TOKEN_STRING || p->at->kind == RH_TOKEN_NSTRING)
        rh_read_string(p, &c->alias);
    else
        rh_read_name(p, &c->alias);
}

static void read_columns(struct rh_parser *p, struct rh_select *q)
{
    if (accept_star(p)) {
        if (!rh_at_words(p, "FROM"))
            rh_refuse(p, "FROM");
        return;
    }
    do {
        if (q->n_columns == RH_COLUMNS_MAX) {
            rh_refuse(p, "at most 64 columns");
            return;
        }
        read_column(p, &q->columns[q->n_columns++]);
    } while (rh_accept_mark(p, ','));
}

/* sys.name or sys.name(argument); the schema may stand in brackets. */
static void read_view(struct rh_parser *p, struct rh_select *q)
{
    const struct rh_place place = p->at->place;
    kp_span schema = {NULL, 0};
    kp_span ignored; /* an alias: there is one view, columns need no owner */
    rh_read_name(p, &schema);
    if (p->st == KP_OK && !kpb_span_eq_nocase(schema, kpb_span_str("sys")))
        rh_refuse_at(p, place, "the views known here are those of the schema sys");
    rh_expect_mark(p, '.');
    const struct rh_place view_place = p->at->place;
    rh_read_name(p, &q->view);
    if (p->st == KP_OK && !rh_is_listed(rh_view_names, q->view))
        rh_refuse_at(p, view_place,
                     "the rehearsal has no such view; docs/REHEARSAL.md lists what it has");
    if (rh_accept_mark(p, '(')) {
        q->view_arg = rh_read_expr(p);
        rh_expect_mark(p, ')');
    }
    if (rh_accept(p, "AS"))
        rh_read_name(p, &ignored);
}

static void read_where(struct rh_parser *p, struct rh_select *q)
{
    do {
        if (q->n_where == RH_ARGS_MAX) {
            rh_refuse(p, "at most four conditions");
            return;
        }
        q->where[q->n_where][0] = rh_read_expr(p);
        rh_expect_mark(p, '=');
        q->where[q->n_where][1] = rh_read_expr(p);
        q->n_where++;
    } while (rh_accept(p, "AND"));
}

static void parse_select(struct rh_parser *p, struct rh_statement *s)
{
    struct rh_select *q = rh_memory_take(p->m, sizeof *q);
    s->as.select = q;
    if (!q) {
        p->st = kpb_fail_memory(p->err, "rehearse.parse");
        return;
    }
    read_columns(p, q);
    if (!rh_accept(p, "FROM"))
        return;
    read_view(p, q);
    if (rh_accept(p, "WHERE"))
        read_where(p, q);
}

const struct rh_rule rh_rules_query[] = {
    {"DECLARE", RH_DECLARE, parse_declare},
    {"SET", RH_SET, parse_set},
    {"PRINT", RH_PRINT, parse_print},
    {"SELECT", RH_SELECT, parse_select},
    {NULL, RH_N_VERBS, NULL},
};
