#include "tools/kp-emulator/attestation.h"

#include <stdio.h>

#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/clock.h"
#include "tools/kp-emulator/failure.h"

#define SITE "emulator.attestation"
#define DAY_S 86400

void emu_attestation_authority(const struct emu *emu, char out[EMU_BASE_MAX_LEN])
{
    (void)snprintf(out, EMU_BASE_MAX_LEN, "https://localhost:%u",
                   emu->listeners[EMU_ROLE_LOGIN].port);
}

static json_t *claims_of(const struct emu_exchange *x)
{
    char authority[EMU_BASE_MAX_LEN];
    const json_int_t now = emu_clock_unix_s();
    json_t *claims = json_deep_copy(json_object_get(x->body, "claims"));
    emu_attestation_authority(x->emu, authority);
    json_t *own = json_pack("{s:s,s:I,s:I,s:I,s:s}", "iss", authority, "iat", now, "nbf", now,
                            "exp", now + DAY_S, "jti", x->request_id);
    if (claims && own)
        (void)json_object_update(claims, own);
    json_decref(own);
    return claims;
}

void emu_serve_attestation(struct emu_exchange *x)
{
    char authority[EMU_BASE_MAX_LEN];
    kp_buf token;
    json_t *claims = claims_of(x);
    emu_attestation_authority(x->emu, authority);
    json_t *header = json_pack("{s:o}", "jku", json_sprintf("%s/certs", authority));
    kp_buf_init(&token, SITE, EMU_JWT_MAX_LEN);
    if (!json_is_object(claims))
        emu_fail_parameter(x, "claims must be an object");
    else if (emu_signer_sign(&x->emu->attestation, claims, header, &token) != KP_OK)
        emu_fail_parameter(x, "the claims are too long");
    else
        emu_send_json(x, 200, json_pack("{s:o}", "token", emu_json_string(kp_buf_view(&token))));
    kp_buf_clear(&token);
    json_decref(header);
    json_decref(claims);
}

void emu_serve_attestation_keys(struct emu_exchange *x)
{
    emu_send_json(x, 200, json_pack("{s:[o]}", "keys", emu_signer_jwk(&x->emu->attestation)));
}
