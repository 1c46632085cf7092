/* The client secret of an application. */
#include "plugins/azure-rest/fetch.h"

void azr_fetch_client_secret(struct azr_fetch *fetch)
{
    azr_fetch_prove(fetch, AZR_PROOF_SECRET, kp_buf_view(&fetch->identity->secret));
}
