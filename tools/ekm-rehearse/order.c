#include "tools/ekm-rehearse/order.h"

static const struct rh_order_info table[] = {
#define XX(symbol, name, a, b) {name, {a, b}},
    RH_ORDER_MAP(XX)
#undef XX
};

const struct rh_order_info *rh_order_at(size_t i)
{
    return i < RH_N_ORDERS ? &table[i] : NULL;
}

static int choice_of(const struct rh_order_info *row, kp_span choice)
{
    if (kpb_span_eq_str(choice, row->choices[0]) || kpb_span_eq_str(choice, "a"))
        return 0;
    if (kpb_span_eq_str(choice, row->choices[1]) || kpb_span_eq_str(choice, "b"))
        return 1;
    return -1;
}

kp_status rh_order_set(struct rh_orders *o, kp_span text, struct kp_error *reterr)
{
    const uint8_t *mark = text.len ? memchr(text.ptr, '=', text.len) : NULL;
    const size_t len = mark ? (size_t)(mark - text.ptr) : 0;
    for (size_t i = 0; mark && i < RH_N_ORDERS; i++) {
        if (!kpb_span_eq_str(kpb_span(text.ptr, len), table[i].name))
            continue;
        const int choice = choice_of(&table[i], kpb_span(mark + 1, text.len - len - 1));
        if (choice < 0)
            return kpb_fail(reterr, KP_USAGE, "--order %s takes %s (a) or %s (b)", table[i].name,
                            table[i].choices[0], table[i].choices[1]);
        o->is_b[i] = choice == 1;
        return KP_OK;
    }
    return kpb_fail(reterr, KP_USAGE, "--order takes NAME=a or NAME=b; --help lists the names");
}
