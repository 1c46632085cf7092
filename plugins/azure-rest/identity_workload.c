/* Workload identity: the platform puts a token into a file and replaces it every hour or so. */
#include "base/errors.h"
#include "plugins/azure-rest/fetch.h"

static void read_token(struct azr_fetch *fetch, kp_span bytes)
{
    azr_fetch_prove(fetch, AZR_PROOF_FEDERATED, bytes);
}

void azr_fetch_workload(struct azr_fetch *fetch)
{
    const struct azr_identity *identity = fetch->identity;
    struct kp_error error;
    if (identity->token_file && identity->workload_client_id) {
        azr_fetch_read(fetch, identity->token_file, "the federated token's file",
                       AZR_FEDERATED_FILE_MAX_LEN, read_token);
        return;
    }
    kpb_ignore(kpb_fail_code(
        &error, KP_CONFIG, KP_CODE_ErrorSecretAuthParamsGetRequestBody,
        "identity workload needs identity.token_file and identity.client_id, or the variables "
        "AZURE_FEDERATED_TOKEN_FILE and AZURE_CLIENT_ID"));
    azr_fetch_fail(fetch, KP_CONFIG, &error);
}
