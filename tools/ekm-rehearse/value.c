#include "tools/ekm-rehearse/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"
#include "tools/ekm-rehearse/utf16.h"

struct rh_value rh_int(int64_t number)
{
    return (struct rh_value){.type = RH_INT, .number = number};
}

struct rh_value rh_text(const char *text)
{
    return (struct rh_value){.type = RH_NVARCHAR, .bytes = kpb_span_str(text)};
}

struct rh_value rh_bytes(kp_span bytes)
{
    return (struct rh_value){.type = RH_VARBINARY, .bytes = bytes};
}

/* ---- Printing ---- */

static kp_status print_hex(kp_span bytes, kp_buf *out)
{
    char pair[3];
    kp_status st = kp_buf_append_str(out, "0x");
    for (size_t i = 0; i < bytes.len && st == KP_OK; i++) {
        kpb_hex_encode(kpb_span(bytes.ptr + i, 1), pair);
        pair[0] = (char)(pair[0] >= 'a' ? pair[0] - 'a' + 'A' : pair[0]);
        pair[1] = (char)(pair[1] >= 'a' ? pair[1] - 'a' + 'A' : pair[1]);
        st = kp_buf_append_str(out, pair);
    }
    return st;
}

/* What comes back from a provider may hold anything: controls become '?'. */
static kp_status print_text(kp_span text, kp_buf *out)
{
    kp_status st = KP_OK;
    for (size_t i = 0; i < text.len && st == KP_OK; i++)
        st = kp_buf_append_byte(out, kpb_is_control(text.ptr[i]) ? '?' : text.ptr[i]);
    return st;
}

kp_status rh_value_print(const struct rh_value *v, kp_buf *out)
{
    switch (v->type) {
    case RH_INT:
        return kp_buf_append_fmt(out, "%" PRId64, v->number);
    case RH_VARCHAR:
    case RH_NVARCHAR:
        return print_text(v->bytes, out);
    case RH_VARBINARY:
        return print_hex(v->bytes, out);
    case RH_NULL:
    default:
        return kp_buf_append_str(out, "NULL");
    }
}

/* ---- Comparing ---- */

static bool is_text(enum rh_type type)
{
    return type == RH_VARCHAR || type == RH_NVARCHAR;
}

bool rh_value_eq(const struct rh_value *a, const struct rh_value *b)
{
    if (is_text(a->type) && is_text(b->type))
        return kpb_span_eq_nocase(a->bytes, b->bytes);
    if (a->type != b->type || a->type == RH_NULL)
        return false;
    return a->type == RH_INT ? a->number == b->number : kpb_span_eq(a->bytes, b->bytes);
}

/* ---- Converting ---- */

static kp_status refuse(struct kp_error *err, const char *why)
{
    return kpb_fail(err, KP_USAGE, "%s", why);
}

static kp_status number_to_text(int64_t number, struct rh_memory *m, kp_span *ret)
{
    char *text = rh_memory_take(m, 24);
    if (!text)
        return KP_NO_MEMORY;
    const int n = snprintf(text, 24, "%" PRId64, number);
    *ret = kpb_span(text, (size_t)n);
    return KP_OK;
}

static kp_status text_to_number(kp_span text, int64_t *ret)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || n > (INT32_MAX - 9) / 10)
            return KP_USAGE;
        n = n * 10 + (text.ptr[i] - '0');
    }
    *ret = n;
    return text.len ? KP_OK : KP_USAGE;
}

static kp_status bytes_to_text(kp_span bytes, enum rh_type type, struct rh_memory *m, kp_span *ret)
{
    if (type == RH_NVARCHAR)
        return rh_utf16_to_utf8(bytes, m, ret);
    *ret = bytes;
    return kpb_utf8_is_valid(bytes) ? KP_OK : KP_USAGE;
}

kp_status rh_value_wire(const struct rh_value *v, struct rh_memory *m, kp_span *ret,
                        struct kp_error *reterr)
{
    if (v->type == RH_NVARCHAR) {
        const kp_status st = rh_utf16_from_utf8(v->bytes, m, ret);
        return st == KP_OK ? st : kpb_fail_memory(reterr, "rehearse.value");
    }
    if (v->type != RH_VARCHAR && v->type != RH_VARBINARY)
        return refuse(reterr, "only text and varbinary values have bytes");
    *ret = v->bytes;
    return KP_OK;
}

static kp_status to_text(const struct rh_value *v, enum rh_type type, struct rh_memory *m,
                         kp_span *ret)
{
    if (v->type == RH_INT)
        return number_to_text(v->number, m, ret);
    if (v->type == RH_VARBINARY)
        return bytes_to_text(v->bytes, type, m, ret);
    *ret = v->bytes;
    return KP_OK;
}

static kp_status convert(const struct rh_value *v, struct rh_memory *m, struct rh_value *ret,
                         struct kp_error *err)
{
    if (is_text(ret->type))
        return to_text(v, ret->type, m, &ret->bytes);
    if (ret->type == RH_VARBINARY)
        return rh_value_wire(v, m, &ret->bytes, err);
    ret->number = v->number;
    return v->type == RH_INT  ? KP_OK
           : is_text(v->type) ? text_to_number(v->bytes, &ret->number)
                              : KP_USAGE;
}

/* Texts are cut between characters. */
static void cut(struct rh_value *v, uint32_t max_len)
{
    const uint32_t max = max_len ? max_len : RH_VALUE_MAX_LEN;
    size_t len = v->type == RH_VARBINARY && v->bytes.len > max ? max : v->bytes.len;
    if (is_text(v->type)) {
        uint32_t n = 0;
        kp_span rest = v->bytes;
        for (; rest.len && n < max; n++) {
            const size_t step = kpb_utf8_next(rest);
            rest.ptr += step ? step : 1;
            rest.len -= step ? step : 1;
        }
        len = v->bytes.len - rest.len;
    }
    v->bytes.len = len;
}

kp_status rh_value_convert(const struct rh_value *v, enum rh_type type, uint32_t max_len,
                           struct rh_memory *m, struct rh_value *ret, struct kp_error *reterr)
{
    struct rh_value made = {.type = v->type == RH_NULL ? RH_NULL : type};
    const kp_status st = made.type == RH_NULL ? KP_OK : convert(v, m, &made, reterr);
    if (st == KP_NO_MEMORY)
        return kpb_fail_memory(reterr, "rehearse.value");
    if (st != KP_OK)
        return refuse(reterr, "the value cannot be converted to that type");
    cut(&made, max_len);
    *ret = made;
    return KP_OK;
}
