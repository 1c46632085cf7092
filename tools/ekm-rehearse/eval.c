/* Values of expressions. Recursion follows the parser's bound on depth. */
#include "base/span.h"
#include "tools/ekm-rehearse/engine.h"

/* ---- Functions ---- */

static bool is_function(const struct rh_expr *x, const char *name)
{
    return kpb_span_eq_nocase(x->name, kpb_span_str(name));
}

static bool refuse_args(struct rh_engine *e, const struct rh_expr *x)
{
    return rh_msg(e, 174, 15, 1, "The %.*s function does not take these arguments.", RH_S(x->name));
}

/* ENCRYPTBYASYMKEY(id, text) and DECRYPTBYASYMKEY(id, bytes), by the login of the script. */
static bool crypt_by_key(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                         struct rh_value *ret)
{
    const bool encrypts = is_function(x, "ENCRYPTBYASYMKEY");
    struct kp_error err;
    kp_span in;
    if (x->n_args != 2 || (args[0].type != RH_INT && args[0].type != RH_NULL))
        return refuse_args(e, x);
    const struct rh_key *k =
        args[0].type == RH_INT ? rh_key_by_id(&e->catalog, args[0].number) : NULL;
    if (!k || args[1].type == RH_NULL)
        return true; /* NULL, as the engine answers */
    if (rh_value_wire(&args[1], &e->memory, &in, &err) != KP_OK)
        return refuse_args(e, x);
    const struct rh_provider *p = rh_provider_by_guid(&e->catalog, k->provider_guid);
    if (!p)
        return rh_msg(e, 33082, 16, 2, "Key '%s' is of no provider that is registered here.",
                      k->name);
    struct rh_session *s = rh_session_of_login(e, p);
    ret->type = RH_VARBINARY;
    return s && rh_use_key(e, s, k, encrypts ? RH_ENCRYPT : RH_DECRYPT, in, &ret->bytes);
}

static bool key_id(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                   struct rh_value *ret)
{
    if (x->n_args != 1)
        return refuse_args(e, x);
    const struct rh_key *k = rh_find_key(&e->catalog, e->database_id, args[0].bytes);
    if (k)
        *ret = rh_int(k->id);
    return true;
}

static bool database_id(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                        struct rh_value *ret)
{
    const struct rh_database *d =
        x->n_args ? rh_find_database(&e->catalog, args[0].bytes) : rh_database_current(e);
    if (d)
        *ret = rh_int(d->id);
    return true;
}

static bool database_name(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                          struct rh_value *ret)
{
    const struct rh_database *d =
        x->n_args ? rh_database_by_id(&e->catalog, args[0].number) : rh_database_current(e);
    if (d)
        *ret = rh_text(d->name);
    return true;
}

static bool data_length(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                        struct rh_value *ret)
{
    struct kp_error err;
    kp_span wire;
    if (x->n_args != 1)
        return refuse_args(e, x);
    if (args[0].type == RH_NULL)
        return true;
    if (rh_value_wire(&args[0], &e->memory, &wire, &err) != KP_OK)
        return refuse_args(e, x);
    *ret = rh_int((int64_t)wire.len);
    return true;
}

static bool call(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *args,
                 struct rh_value *ret)
{
    static const struct {
        const char *name;
        bool (*run)(struct rh_engine *, const struct rh_expr *, const struct rh_value *,
                    struct rh_value *);
    } functions[] = {
        {"ENCRYPTBYASYMKEY", crypt_by_key},
        {"DECRYPTBYASYMKEY", crypt_by_key},
        {"ASYMKEY_ID", key_id},
        {"DB_ID", database_id},
        {"DB_NAME", database_name},
        {"DATALENGTH", data_length},
    };
    *ret = (struct rh_value){0};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (is_function(x, functions[i].name))
            return functions[i].run(e, x, args, ret);
    }
    return refuse_args(e, x); /* the parser knows the same names */
}

/* ---- Names ---- */

static bool read_variable(struct rh_engine *e, const struct rh_expr *x, struct rh_value *ret)
{
    for (size_t i = 0; i < e->n_variables; i++) {
        if (kpb_span_eq_nocase(e->variables[i].name, x->name)) {
            *ret = e->variables[i].value;
            return true;
        }
    }
    return rh_msg(e, 137, 15, 2, "Must declare the scalar variable \"%.*s\".", RH_S(x->name));
}

static bool read_column(struct rh_engine *e, const struct rh_expr *x, const struct rh_row *row,
                        struct rh_value *ret)
{
    for (size_t i = 0; row && i < row->n; i++) {
        if (kpb_span_eq_nocase(x->name, kpb_span_str(row->names[i]))) {
            *ret = row->values[i];
            return true;
        }
    }
    return rh_msg(e, 207, 16, 1, "Invalid column name '%.*s' (column %u).", RH_S(x->name),
                  x->place.column);
}

/* ---- Operators ---- */

static bool add(struct rh_engine *e, const struct rh_value *a, const struct rh_value *b,
                struct rh_value *ret)
{
    *ret = (struct rh_value){.type = a->type > b->type ? a->type : b->type};
    if (a->type == RH_NULL || b->type == RH_NULL) {
        ret->type = RH_NULL;
        return true;
    }
    if (a->type == RH_INT || b->type == RH_INT ||
        (a->type == RH_VARBINARY) != (b->type == RH_VARBINARY))
        return rh_msg(e, 402, 16, 1, "The operands of + are not both text or both varbinary.");
    const size_t len = a->bytes.len + b->bytes.len;
    uint8_t *joined = rh_memory_take(&e->memory, len + 1);
    if (!joined)
        return rh_msg_memory(e);
    if (a->bytes.len)
        memcpy(joined, a->bytes.ptr, a->bytes.len);
    if (b->bytes.len)
        memcpy(joined + a->bytes.len, b->bytes.ptr, b->bytes.len);
    ret->bytes = kpb_span(joined, len);
    return true;
}

static bool convert(struct rh_engine *e, const struct rh_expr *x, const struct rh_value *v,
                    struct rh_value *ret)
{
    struct kp_error err;
    if (rh_value_convert(v, x->type, x->max_len, &e->memory, ret, &err) == KP_OK)
        return true;
    return rh_msg(e, 529, 16, 1, "%s.", err.text);
}

bool rh_eval(struct rh_engine *e, const struct rh_expr *x, const struct rh_row *row,
             struct rh_value *ret)
{
    struct rh_value args[RH_ARGS_MAX] = {{RH_NULL, 0, {NULL, 0}}};
    for (size_t i = 0; i < x->n_args; i++) {
        if (!rh_eval(e, x->args[i], row, &args[i]))
            return false;
    }
    switch (x->kind) {
    case RH_EXPR_VALUE:
        *ret = x->value;
        return true;
    case RH_EXPR_VARIABLE:
        return read_variable(e, x, ret);
    case RH_EXPR_COLUMN:
        return read_column(e, x, row, ret);
    case RH_EXPR_CALL:
        return call(e, x, args, ret);
    case RH_EXPR_CONVERT:
        return convert(e, x, &args[0], ret);
    case RH_EXPR_ADD:
    default:
        return add(e, &args[0], &args[1], ret);
    }
}
