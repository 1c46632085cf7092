/* DECLARE, SET, PRINT and SELECT. */
#include "base/mem.h"
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

#define TABLE_MAX_LEN (16u * 1024u * 1024u)
#define COLUMN_MAX_WIDTH 128u

/* ---- Variables ---- */

static struct rh_variable *find_variable(struct rh_engine *e, kp_span name)
{
    for (size_t i = 0; i < e->n_variables; i++) {
        if (kpb_span_eq_nocase(e->variables[i].name, name))
            return &e->variables[i];
    }
    return NULL;
}

/* The value outlives its statement: it is copied into the memory of the batch. */
static bool assign(struct rh_engine *e, struct rh_variable *v, const struct rh_expr *x)
{
    struct rh_value value = {0};
    struct rh_value made = {0};
    struct kp_error err;
    if (x && !rh_eval(e, x, NULL, &value))
        return false;
    if (rh_value_convert(&value, v->type, v->max_len, &e->batch, &made, &err) != KP_OK)
        return rh_msg(e, 529, 16, 2, "%.*s: %s.", RH_S(v->name), err.text);
    uint8_t *copy = rh_memory_take(&e->batch, made.bytes.len + 1);
    if (!copy)
        return rh_msg_memory(e);
    if (made.bytes.len)
        memcpy(copy, made.bytes.ptr, made.bytes.len);
    made.bytes.ptr = copy;
    v->value = made;
    return true;
}

bool rh_exec_declare(struct rh_engine *e, const struct rh_statement *s)
{
    const struct rh_variable_ddl *d = &s->as.variable;
    if (find_variable(e, d->name))
        return rh_msg(e, 134, 15, 2, "The variable name '%.*s' has already been declared.",
                      RH_S(d->name));
    if (e->n_variables == RH_VARIABLES_MAX)
        return rh_msg_memory(e);
    struct rh_variable *v = &e->variables[e->n_variables];
    *v = (struct rh_variable){.name = d->name, .type = d->type, .max_len = d->max_len};
    e->n_variables++;
    return assign(e, v, d->value);
}

bool rh_exec_set(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_variable *v = find_variable(e, s->as.variable.name);
    if (!v)
        return rh_msg(e, 137, 15, 1, "Must declare the scalar variable \"%.*s\".",
                      RH_S(s->as.variable.name));
    return assign(e, v, s->as.variable.value);
}

bool rh_exec_print(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_value v = {0};
    kp_buf text;
    if (!rh_eval(e, s->as.print, NULL, &v))
        return false;
    kp_buf_init(&text, "rehearse.print", TABLE_MAX_LEN);
    const bool ok = v.type == RH_NULL || rh_value_print(&v, &text) == KP_OK;
    if (ok)
        rh_note(e, "%.*s", (int)text.len, text.len ? (const char *)text.ptr : "");
    kp_buf_clear(&text);
    return ok || rh_msg_memory(e);
}

/* ---- Results ---- */

struct result {
    struct rh_engine *e;
    const struct rh_select *q;
    kp_span names[RH_COLUMNS_MAX];
    size_t widths[RH_COLUMNS_MAX];
    size_t n_columns;
    kp_span *cells; /* texts, in e->memory */
    size_t n_rows;
};

static size_t count_characters(kp_span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += (text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static bool print_cell(struct result *r, const struct rh_value *v, size_t column)
{
    kp_buf text;
    kp_buf_init(&text, "rehearse.cell", TABLE_MAX_LEN);
    uint8_t *copy = NULL;
    if (rh_value_print(v, &text) == KP_OK)
        copy = rh_memory_take(&r->e->memory, text.len + 1);
    if (copy && text.len)
        memcpy(copy, text.ptr, text.len);
    const kp_span cell = {copy, text.len};
    kp_buf_clear(&text);
    if (!copy)
        return rh_msg_memory(r->e);
    const size_t width = count_characters(cell);
    r->cells[r->n_rows * r->n_columns + column] = cell;
    if (width > r->widths[column])
        r->widths[column] = width < COLUMN_MAX_WIDTH ? width : COLUMN_MAX_WIDTH;
    return true;
}

static bool add_row(struct result *r, const struct rh_row *row)
{
    for (size_t i = 0; i < r->n_columns; i++) {
        struct rh_value v = {0};
        if (row && !r->q->n_columns)
            v = row->values[i];
        else if (!rh_eval(r->e, r->q->columns[i].expr, row, &v))
            return false;
        if (!print_cell(r, &v, i))
            return false;
    }
    r->n_rows++;
    return true;
}

static void name_columns(struct result *r, const struct rh_table *t)
{
    r->n_columns = r->q->n_columns ? r->q->n_columns : t->n_columns;
    for (size_t i = 0; i < r->n_columns; i++) {
        const struct rh_column *c = &r->q->columns[i];
        if (!r->q->n_columns)
            r->names[i] = kpb_span_str(t->names[i]);
        else if (c->alias.len)
            r->names[i] = c->alias;
        else
            r->names[i] =
                c->expr->kind == RH_EXPR_COLUMN ? c->expr->name : kpb_span_str("(No column name)");
        r->widths[i] = count_characters(r->names[i]);
    }
}

static void print_padded(FILE *out, kp_span text, size_t width, bool is_last)
{
    (void)fwrite(text.ptr, 1, text.len, out);
    for (size_t n = count_characters(text); n < width && !is_last; n++)
        (void)fputc(' ', out);
    (void)fputc(is_last ? '\n' : ' ', out);
}

static void print_line(const struct result *r, const kp_span *cells)
{
    for (size_t i = 0; i < r->n_columns; i++)
        print_padded(r->e->out, cells[i], r->widths[i], i + 1 == r->n_columns);
}

static void print_result(const struct result *r)
{
    print_line(r, r->names);
    for (size_t i = 0; i < r->n_columns; i++) {
        for (size_t n = 0; n < r->widths[i]; n++)
            (void)fputc('-', r->e->out);
        (void)fputc(i + 1 == r->n_columns ? '\n' : ' ', r->e->out);
    }
    for (size_t i = 0; i < r->n_rows; i++)
        print_line(r, r->cells + i * r->n_columns);
    rh_note(r->e, "(%zu row%s affected)", r->n_rows, r->n_rows == 1 ? "" : "s");
}

/* ---- SELECT ---- */

static bool matches(struct rh_engine *e, const struct rh_select *q, const struct rh_row *row,
                    bool *ret)
{
    *ret = true;
    for (size_t i = 0; i < q->n_where && *ret; i++) {
        struct rh_value a = {0};
        struct rh_value b = {0};
        if (!rh_eval(e, q->where[i][0], row, &a) || !rh_eval(e, q->where[i][1], row, &b))
            return false;
        *ret = rh_value_eq(&a, &b);
    }
    return true;
}

static bool add_rows(struct result *r, const struct rh_table *t)
{
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct rh_row row = {t->names, t->cells + i * t->n_columns, t->n_columns};
        bool wanted = false;
        if (!matches(r->e, r->q, &row, &wanted) || (wanted && !add_row(r, &row)))
            return false;
    }
    return true;
}

static bool read_view(struct rh_engine *e, const struct rh_select *q, struct rh_table *t)
{
    struct rh_value arg = {0};
    if (q->view_arg && !rh_eval(e, q->view_arg, NULL, &arg))
        return false;
    return rh_view(e, q->view, q->view_arg ? &arg : NULL, t);
}

bool rh_exec_select(struct rh_engine *e, const struct rh_statement *s)
{
    struct rh_table t = {.n_columns = 0};
    struct result r = {.e = e, .q = s->as.select};
    if (r.q->view.len && !read_view(e, r.q, &t))
        return false;
    name_columns(&r, &t);
    const size_t n_rows = r.q->view.len ? t.n_rows : 1;
    r.cells = rh_memory_take(&e->memory, (n_rows * r.n_columns + 1) * sizeof *r.cells);
    if (!r.cells)
        return rh_msg_memory(e);
    if (!(r.q->view.len ? add_rows(&r, &t) : add_row(&r, NULL)))
        return false;
    print_result(&r);
    return true;
}
