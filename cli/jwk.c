/* Private keys as JWK: RFC 7517 section 4, RFC 7518 section 6. */
#include "cli/import.h"

#include <jansson.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"

static const char *const PARTS[CLI_PART_COUNT] = {"n",  "e",  "d", "p", "q", "dp",
                                                  "dq", "qi", "x", "y", "k"};

static kp_span text_of(const json_t *value)
{
    return kpb_span(json_string_value(value), json_string_length(value));
}

static kp_status read_type(const json_t *root, struct cli_import *k, struct kp_error *err)
{
    const json_t *kty = json_object_get(root, "kty");
    const json_t *crv = json_object_get(root, "crv");
    k->kty = json_is_string(kty) ? kp_kty_from_text(text_of(kty)) : KP_KTY_NONE;
    if (k->kty == KP_KTY_NONE) {
        return kpb_fail(err, KP_USAGE, "the JWK's kty is missing or none of RSA, EC, oct");
    }
    if (k->kty != KP_KTY_EC && k->kty != KP_KTY_EC_HSM) {
        return KP_OK;
    }
    k->curve = json_is_string(crv) ? kp_curve_from_text(text_of(crv)) : KP_CURVE_NONE;
    if (k->curve == KP_CURVE_NONE) {
        return kpb_fail(err, KP_USAGE,
                        "the JWK's crv is missing or none of P-256, P-256K, P-384, P-521");
    }
    return KP_OK;
}

static kp_status read_ops(const json_t *root, struct cli_import *k, struct kp_error *err)
{
    const json_t *ops = json_object_get(root, "key_ops");
    if (ops && !json_is_array(ops)) {
        return kpb_fail(err, KP_USAGE, "the JWK's key_ops is no list");
    }
    for (size_t i = 0; i < json_array_size(ops); i++) {
        const json_t *name = json_array_get(ops, i);
        const uint32_t op = json_is_string(name) ? kp_key_op_from_text(text_of(name)) : 0;
        if (op == 0) {
            return kpb_fail(err, KP_USAGE, "the JWK's key_ops[%zu] is no key operation", i);
        }
        k->key_ops |= op;
    }
    return KP_OK;
}

static kp_status read_part(const json_t *root, int part, struct cli_import *k, struct kp_error *err)
{
    const json_t *value = json_object_get(root, PARTS[part]);
    if (!value) {
        return KP_OK;
    }
    if (!json_is_string(value)) {
        return kpb_fail(err, KP_USAGE, "the JWK's %s is no string", PARTS[part]);
    }
    const kp_status st = kpb_base64url_decode(text_of(value), &k->part[part]);
    if (st == KP_NO_MEMORY) {
        return kpb_fail_memory(err, k->part[part].site);
    }
    if (st != KP_OK || k->part[part].len == 0) {
        return kpb_fail(err, KP_USAGE, "the JWK's %s is not base64url of a fitting length",
                        PARTS[part]);
    }
    return KP_OK;
}

/* A public JWK would import as a key that can do nothing; say so here. */
static kp_status check_private(const json_t *root, const struct cli_import *k, struct kp_error *err)
{
    const bool is_oct = k->kty == KP_KTY_OCT || k->kty == KP_KTY_OCT_HSM;
    const int secret = is_oct ? CLI_PART_K : CLI_PART_D;
    if (k->part[secret].len == 0) {
        return kpb_fail(err, KP_USAGE, "the JWK has no private part: %s is missing", PARTS[secret]);
    }
    if (json_object_get(root, "oth")) {
        return kpb_fail(err, KP_UNSUPPORTED, "RSA keys of more than two primes are not taken");
    }
    return KP_OK;
}

kp_status cli_jwk_read(kp_span text, struct cli_import *ret, struct kp_error *reterr)
{
    json_error_t why;
    json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    kp_status st = KP_OK;
    if (!json_is_object(root)) { /* Jansson's own sentence may quote the text: not passed on */
        st = kpb_fail(reterr, KP_USAGE, "the JWK is no JSON object (line %d)", why.line);
        goto out;
    }
    st = read_type(root, ret, reterr);
    if (st == KP_OK) {
        st = read_ops(root, ret, reterr);
    }
    for (int part = 0; st == KP_OK && part < CLI_PART_COUNT; part++) {
        st = read_part(root, part, ret, reterr);
    }
    if (st == KP_OK) {
        st = check_private(root, ret, reterr);
    }
out:
    json_decref(root);
    return st;
}
