#include <keyprovider/types.h>

#include "base/span.h"

struct name {
    const char *text;
    size_t len;
    uint32_t number;
    uint32_t detail; /* traits of an operation, family of an algorithm */
};

#define NAME(number, text, detail)                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1, number, detail                                                     \
    }
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* Rows stand at number - 1, so that a number finds its row; test_names holds them to it. */
static const struct name ops[] = {
#define XX(symbol, number, text, traits) NAME(number, text, traits),
    KP_OP_MAP(XX)
#undef XX
};

static const struct name algs[] = {
#define XX(symbol, number, text, family) NAME(number, text, family),
    KP_ALG_MAP(XX)
#undef XX
};

static const struct name ktys[] = {
#define XX(symbol, number, text) NAME(number, text, 0),
    KP_KTY_MAP(XX)
#undef XX
};

static const struct name curves[] = {
#define XX(symbol, number, text, bits, coord_len) NAME(number, text, 0),
    KP_CURVE_MAP(XX)
#undef XX
};

/* Numbers are bits here, so look-ups go through all rows. */
static const struct name key_ops[] = {
#define XX(symbol, bit, text) NAME(bit, text, 0),
    KP_KEY_OP_MAP(XX)
#undef XX
};

static const struct name unknown = NAME(0, "?", 0);

static const struct name *row_of(const struct name *table, size_t n, uint32_t number)
{
    return number - 1u < n ? &table[number - 1u] : &unknown;
}

static uint32_t number_of(const struct name *table, size_t n, kp_span text)
{
    for (size_t i = 0; i < n; i++) {
        if (kpb_span_eq(text, kpb_span(table[i].text, table[i].len)))
            return table[i].number;
    }
    return 0;
}

const char *kp_op_text(uint32_t op)
{
    return row_of(ops, COUNT(ops), op)->text;
}

const char *kp_alg_text(uint32_t alg)
{
    return row_of(algs, COUNT(algs), alg)->text;
}

const char *kp_kty_text(uint32_t kty)
{
    return row_of(ktys, COUNT(ktys), kty)->text;
}

const char *kp_curve_text(uint32_t curve)
{
    return row_of(curves, COUNT(curves), curve)->text;
}

const char *kp_key_op_text(uint32_t key_op)
{
    for (size_t i = 0; i < COUNT(key_ops); i++) {
        if (key_ops[i].number == key_op)
            return key_ops[i].text;
    }
    return unknown.text;
}

uint32_t kp_op_from_text(kp_span text)
{
    return number_of(ops, COUNT(ops), text);
}

uint32_t kp_alg_from_text(kp_span text)
{
    return number_of(algs, COUNT(algs), text);
}

uint32_t kp_kty_from_text(kp_span text)
{
    return number_of(ktys, COUNT(ktys), text);
}

uint32_t kp_curve_from_text(kp_span text)
{
    return number_of(curves, COUNT(curves), text);
}

uint32_t kp_key_op_from_text(kp_span text)
{
    return number_of(key_ops, COUNT(key_ops), text);
}

uint32_t kp_op_traits(uint32_t op)
{
    return row_of(ops, COUNT(ops), op)->detail;
}

enum kp_alg_family kp_alg_family_of(uint32_t alg)
{
    return (enum kp_alg_family)row_of(algs, COUNT(algs), alg)->detail;
}
