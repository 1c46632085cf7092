#include "cli/key_args.h"

#include <string.h>

#include "base/span.h"
#include "cli/values.h"

#define SIZE_MAX_BITS 16384u /* the vault decides; this only keeps numbers sane */

static kp_status fill_ops(struct cli *c, struct kp_key_params *ret)
{
    const char *at = cli_opt(c, CLI_OPT_OPS);
    if (!at) {
        return KP_OK;
    }
    ret->set |= KP_SET_KEY_OPS;
    for (;;) {
        const size_t len = strcspn(at, ",");
        const uint32_t op = kp_key_op_from_text(kpb_span(at, len));
        if (op == 0) {
            return kpb_fail(&c->fault.error, KP_USAGE, "--ops: '%.*s' is no key operation",
                            (int)len, at);
        }
        ret->key_ops |= op;
        if (at[len] == '\0') {
            return KP_OK;
        }
        at += len + 1;
    }
}

static kp_status fill_tags(struct cli *c, struct kp_tag *tags, struct kp_key_params *ret)
{
    if (cli_has(c, CLI_OPT_NO_TAGS) && c->args.n_tags > 0) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--tag and --no-tags exclude each other");
    }
    for (uint32_t i = 0; i < c->args.n_tags; i++) {
        const char *text = c->args.tags[i];
        const char *equals = strchr(text, '=');
        if (!equals || equals == text) {
            return kpb_fail(&c->fault.error, KP_USAGE, "--tag '%s' is not NAME=VALUE", text);
        }
        tags[i].name = kpb_span(text, (size_t)(equals - text));
        tags[i].value = kpb_span_str(equals + 1);
    }
    if (c->args.n_tags > 0 || cli_has(c, CLI_OPT_NO_TAGS)) {
        ret->set |= KP_SET_TAGS;
        ret->tags = tags;
        ret->n_tags = c->args.n_tags;
    }
    return KP_OK;
}

static kp_status fill_state(struct cli *c, struct kp_key_params *ret)
{
    const bool enabled = cli_has(c, CLI_OPT_ENABLED);
    const bool disabled = cli_has(c, CLI_OPT_DISABLED);
    if (enabled && disabled) {
        return kpb_fail(&c->fault.error, KP_USAGE, "--enabled and --disabled exclude each other");
    }
    if (enabled || disabled) {
        ret->set |= KP_SET_ENABLED;
        ret->flags |= enabled ? KP_KEY_ENABLED : 0;
    }
    if (cli_has(c, CLI_OPT_EXPORTABLE)) {
        ret->set |= KP_SET_EXPORTABLE;
        ret->flags |= KP_KEY_EXPORTABLE;
    }
    return KP_OK;
}

static kp_status fill_time(struct cli *c, enum cli_opt opt, uint32_t bit, int64_t *ret,
                           uint32_t *set)
{
    const char *text = cli_opt(c, opt);
    if (!text) {
        return KP_OK;
    }
    if (!cli_parse_time(text, ret)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--%s '%s' is no time; write 2026-01-31, 2026-01-31T12:00:00Z, seconds "
                        "since 1970, or none",
                        cli_opt_info(opt)->name, text);
    }
    *set |= bit;
    return KP_OK;
}

kp_status cli_attributes_fill(struct cli *c, struct kp_tag *tags, struct kp_key_params *ret)
{
    kp_status st = fill_ops(c, ret);
    if (st == KP_OK) {
        st = fill_tags(c, tags, ret);
    }
    if (st == KP_OK) {
        st = fill_state(c, ret);
    }
    if (st == KP_OK) {
        st =
            fill_time(c, CLI_OPT_NOT_BEFORE, KP_SET_NOT_BEFORE, &ret->not_before_unix_s, &ret->set);
    }
    if (st == KP_OK) {
        st = fill_time(c, CLI_OPT_EXPIRES, KP_SET_EXPIRES, &ret->expires_unix_s, &ret->set);
    }
    return st;
}

static kp_status fill_type(struct cli *c, struct kp_key_params *ret)
{
    const char *type = cli_opt(c, CLI_OPT_TYPE);
    ret->kty = type ? kp_kty_from_text(kpb_span_str(type)) : KP_KTY_RSA;
    if (ret->kty == KP_KTY_NONE) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--type '%s' is none of RSA, RSA-HSM, EC, EC-HSM, oct, oct-HSM", type);
    }
    return KP_OK;
}

static kp_status fill_curve(struct cli *c, struct kp_key_params *ret)
{
    const char *curve = cli_opt(c, CLI_OPT_CURVE);
    const bool is_ec = ret->kty == KP_KTY_EC || ret->kty == KP_KTY_EC_HSM;
    if (!is_ec) {
        return curve ? kpb_fail(&c->fault.error, KP_USAGE, "--curve is for keys of type EC")
                     : KP_OK;
    }
    ret->curve = curve ? kp_curve_from_text(kpb_span_str(curve)) : KP_CURVE_P256;
    if (ret->curve == KP_CURVE_NONE) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--curve '%s' is none of P-256, P-256K, P-384, P-521", curve);
    }
    if (cli_has(c, CLI_OPT_SIZE)) {
        return kpb_fail(&c->fault.error, KP_USAGE, "the size of an EC key follows from --curve");
    }
    return KP_OK;
}

kp_status cli_shape_fill(struct cli *c, struct kp_key_params *ret)
{
    const char *size = cli_opt(c, CLI_OPT_SIZE);
    kp_status st = fill_type(c, ret);
    if (st == KP_OK) {
        st = fill_curve(c, ret);
    }
    if (st == KP_OK && size && !cli_parse_u32(size, 1, SIZE_MAX_BITS, &ret->bits)) {
        st = kpb_fail(&c->fault.error, KP_USAGE, "--size '%s' is no number of bits", size);
    }
    return st;
}
