/* Results, requests and parameters: the small change of the client face. */
#include <keyprovider/keyprovider.h>

#include "base/mem.h"

void kp_options_init(struct kp_options *options)
{
    *options = (struct kp_options){.struct_size = sizeof *options};
}

void kp_request_init(struct kp_request *request, uint32_t op)
{
    *request = (struct kp_request){.struct_size = sizeof *request, .op = op};
}

void kp_key_params_init(struct kp_key_params *params)
{
    *params = (struct kp_key_params){.struct_size = sizeof *params,
                                     .not_before_unix_s = KP_TIME_NONE,
                                     .expires_unix_s = KP_TIME_NONE};
}

void kp_result_take(struct kp_result *result, struct kp_result *ret_result)
{
    *ret_result = *result;
    result->memory = NULL; /* moved to *ret_result */
    result->memory_len = 0;
}

void kp_result_clear(struct kp_result *result)
{
    if (!result)
        return;
    kpb_secret_free(result->memory, result->memory_len);
    result->memory = NULL;
    result->memory_len = 0;
    result->reply = (struct kp_reply){.struct_size = sizeof result->reply};
}
