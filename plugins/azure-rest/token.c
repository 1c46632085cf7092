#include "plugins/azure-rest/token.h"

#include "base/mem.h"

#define SITE "azure-rest.token"
#define NS_PER_S UINT64_C(1000000000)

kp_status azr_token_new(kp_buf *text, const struct azr_lifetime *lifetime, uint64_t now_ns,
                        struct azr_token **ret_token, struct kp_error *reterr)
{
    struct azr_token *token = kpb_alloc(SITE, sizeof *token);
    if (!token)
        return kpb_fail_code(reterr, KP_NO_MEMORY,
                             KP_CODE_ErrorGetTokenOutOfMemoryConvertResponseString,
                             "no memory to keep a token (%s)", SITE);
    token->n_refs = 1;
    token->refresh_ns = now_ns + (uint64_t)lifetime->refresh_s * NS_PER_S;
    token->expires_ns = now_ns + (uint64_t)lifetime->expires_s * NS_PER_S;
    kp_buf_init_secret(&token->text, SITE, AZR_TOKEN_MAX_LEN);
    kp_buf_move(&token->text, text);
    *ret_token = token;
    return KP_OK;
}

struct azr_token *azr_token_acquire(struct azr_token *token)
{
    token->n_refs++;
    return token;
}

void azr_token_release(struct azr_token *token)
{
    if (!token || --token->n_refs > 0)
        return;
    kp_buf_clear(&token->text);
    kpb_free(token);
}

bool azr_token_is_good(const struct azr_token *token, uint64_t now_ns)
{
    return now_ns < token->expires_ns;
}

bool azr_token_is_due(const struct azr_token *token, uint64_t now_ns)
{
    return now_ns >= token->refresh_ns;
}
