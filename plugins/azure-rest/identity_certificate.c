/*
 * A certificate: its file is read anew each time, so that a renewed one is used without a restart;
 * opening it and signing are a worker's job.
 */
#include "base/errors.h"
#include "base/span.h"
#include "plugins/azure-rest/assertion.h"
#include "plugins/azure-rest/fetch.h"
#include "plugins/azure-rest/vault.h"

#define SITE "azure-rest.certificate"

/* ---- On a worker ---- */

static kp_status sign(struct azr_fetch *fetch, struct kp_error *reterr)
{
    const struct azr_identity *identity = fetch->identity;
    struct azr_assertion assertion = {
        .alg = identity->assertion_alg,
        .client_id = kpb_span_str(identity->client_id),
        .audience = kp_buf_view(&fetch->url),
        .now_unix_s = fetch->now_unix_s,
    };
    for (size_t i = 0; i < AZR_JTI_LEN; i++)
        assertion.jti[i] = fetch->jti[i];
    kp_status st =
        azr_credential_read(kp_buf_view(&fetch->file), kp_buf_view(&identity->password),
                            kpb_span_str(identity->thumbprint), &fetch->credential, reterr);
    return st == KP_OK ? azr_assertion_make(&fetch->credential, &assertion, &fetch->jwt, reterr)
                       : st;
}

static void sign_on_worker(void *arg)
{
    struct azr_fetch *fetch = arg;
    kp_error_init(&fetch->work_error);
    fetch->work_status = sign(fetch, &fetch->work_error);
}

/* ---- On the loop ---- */

static void warn_of_expiry(const struct azr_fetch *fetch)
{
    int64_t days = 0;
    const struct azr_vault *v = fetch->access->vault;
    switch (azr_credential_expiry(&fetch->credential, fetch->now_unix_s, &days)) {
    case AZR_EXPIRY_NEAR:
        azr_log(v, KP_LOG_WARN, "certificate_expires",
                "the certificate in %s expires in %lld days; put its successor in its place",
                fetch->identity->certificate, (long long)days);
        break;
    case AZR_EXPIRY_PAST:
        azr_log(v, KP_LOG_ERROR, "certificate_expired",
                "the certificate in %s expired %lld days ago; put its successor in its place",
                fetch->identity->certificate, (long long)-days);
        break;
    case AZR_EXPIRY_NOT_YET:
        azr_log(v, KP_LOG_WARN, "certificate_not_yet_valid",
                "the certificate in %s becomes valid in %lld days; check this machine's clock",
                fetch->identity->certificate, (long long)days);
        break;
    default:
        break;
    }
}

static void signed_on_loop(void *arg)
{
    struct azr_fetch *fetch = arg;
    fetch->has_worker = false;
    kp_buf_reset(&fetch->file);
    if (fetch->state == AZR_FETCH_SIGNING && fetch->work_status == KP_OK) {
        warn_of_expiry(fetch);
        uint32_t container = fetch->credential.container;
        azr_fetch_prove(fetch, azr_proof_of(container), kp_buf_view(&fetch->jwt));
    } else if (fetch->state == AZR_FETCH_SIGNING) {
        azr_fetch_fail(fetch, fetch->work_status, &fetch->work_error);
    }
    azr_credential_clear(&fetch->credential);
    kp_buf_clear(&fetch->jwt);
    azr_fetch_leave(fetch);
}

/* What the worker needs and only the loop can give. */
static kp_status prepare(struct azr_fetch *fetch, kp_span bytes, struct kp_error *reterr)
{
    const struct azr_vault *v = fetch->access->vault;
    kp_buf_clear(&fetch->url);
    kp_buf_reset(&fetch->file);
    fetch->now_unix_s = azr_now_unix_s(v);
    kp_status st = azr_token_url(&fetch->target, AZR_ENDPOINT_V2, &fetch->url, reterr);
    if (st == KP_OK && v->host.random(v->host.self, fetch->jti, sizeof fetch->jti) != KP_OK)
        st = kpb_fail_code(reterr, KP_INTERNAL, KP_CODE_ErrorJWTTokenCreatePayloadGUID,
                           "the system has no random bytes for an assertion");
    if (st == KP_OK && kp_buf_append(&fetch->file, bytes) != KP_OK)
        st = kpb_fail_memory(reterr, SITE);
    return st;
}

static void read_file(struct azr_fetch *fetch, kp_span bytes)
{
    const struct kp_host *host = &fetch->access->vault->host;
    struct kp_error error;
    kp_error_init(&error);
    kp_status st = prepare(fetch, bytes, &error);
    if (st == KP_OK) {
        st = host->work(host->self, 0, sign_on_worker, signed_on_loop, fetch);
        if (st != KP_OK)
            kpb_ignore(kpb_fail(&error, st, "the host has no worker to spare for signing"));
    }
    if (st != KP_OK) {
        azr_fetch_fail(fetch, st, &error);
        return;
    }
    fetch->state = AZR_FETCH_SIGNING;
    fetch->has_worker = true;
    fetch->n_pending++;
}

void azr_fetch_certificate(struct azr_fetch *fetch)
{
    azr_fetch_read(fetch, fetch->identity->certificate, "the certificate's file",
                   AZR_CREDENTIAL_FILE_MAX_LEN, read_file);
}
