#include "cli/import.h"

#include "base/errors.h"
#include "base/span.h"

#define PART_MAX_LEN 2048u /* RSA-16384; the vault decides what it takes */

void cli_import_init(struct cli_import *k)
{
    k->kty = KP_KTY_NONE;
    k->curve = KP_CURVE_NONE;
    k->key_ops = 0;
    for (int i = 0; i < CLI_PART_COUNT; i++) {
        kp_buf_init_secret(&k->part[i], "cli.import", PART_MAX_LEN);
    }
}

void cli_import_clear(struct cli_import *k)
{
    for (int i = 0; i < CLI_PART_COUNT; i++) {
        kp_buf_clear(&k->part[i]);
    }
}

kp_status cli_import_read(kp_span text, struct cli_import *ret, struct kp_error *reterr)
{
    size_t at = 0;
    while (at < text.len && (text.ptr[at] == ' ' || text.ptr[at] == '\t' || text.ptr[at] == '\r' ||
                             text.ptr[at] == '\n')) {
        at++;
    }
    const kp_span rest = kpb_span(text.ptr + at, text.len - at);
    if (kpb_span_starts_with(rest, "{")) {
        return cli_jwk_read(rest, ret, reterr);
    }
    if (kpb_span_starts_with(rest, "-----BEGIN ")) {
        return cli_pem_read(rest, ret, reterr);
    }
    return kpb_fail(reterr, KP_USAGE, "the input is neither a JWK nor a PEM private key");
}

void cli_import_view(const struct cli_import *k, struct kp_key_params *params)
{
    kp_span *const to[CLI_PART_COUNT] = {
        [CLI_PART_N] = &params->n,   [CLI_PART_E] = &params->e,   [CLI_PART_D] = &params->d,
        [CLI_PART_P] = &params->p,   [CLI_PART_Q] = &params->q,   [CLI_PART_DP] = &params->dp,
        [CLI_PART_DQ] = &params->dq, [CLI_PART_QI] = &params->qi, [CLI_PART_X] = &params->x,
        [CLI_PART_Y] = &params->y,   [CLI_PART_K] = &params->k};
    params->kty = k->kty;
    params->curve = k->curve;
    for (int i = 0; i < CLI_PART_COUNT; i++) {
        *to[i] = kp_buf_view(&k->part[i]);
    }
}
