#include "support/fake_azure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SETTINGS_MAX 16

const char *const fake_secret_settings[] = {
    "identity.client_id", FAKE_CLIENT, "identity.secret", FAKE_SECRET, NULL,
};

/* 256 bytes, as RSA-2048 makes them. */
#define A57 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
const char *const fake_wrap_body =
    "{\"kid\":\"" FAKE_KID "\",\"value\":\"" A57 A57 A57 A57 A57 A57 "\"}";

static kp_span text(const char *s)
{
    const kp_span span = {(const uint8_t *)s, s ? strlen(s) : 0};
    return span;
}

/* ---- The server ---- */

static bool is_at_vault(const struct fake_azure *azure, const char *url)
{
    size_t n = strlen(azure->vault_host);
    return strncmp(url, "https://", 8) == 0 && strncmp(url + 8, azure->vault_host, n) == 0 &&
           url[8 + n] == '/';
}

static enum fake_azure_part part_of(const struct fake_azure *azure,
                                    const struct kp_http_request *request)
{
    const char *url = (const char *)request->url.ptr;
    if (is_at_vault(azure, url))
        return request->bearer.len > 0 ? FAKE_KEYS : FAKE_PROBE;
    if (strncmp(url, "https://login.microsoftonline.com/", 34) == 0)
        return FAKE_TOKEN;
    if (strncmp(url, "http://169.254.169.254/", 23) == 0 ||
        strncmp(url, "http://127.0.0.1", 16) == 0)
        return FAKE_METADATA;
    return FAKE_ELSEWHERE;
}

static void keep(char *to, kp_span from)
{
    (void)snprintf(to, FAKE_URL_MAX, "%.*s", (int)from.len, (const char *)from.ptr);
}

static void add_header(struct fake_http_answer *ret, const char *name, const char *value)
{
    ret->headers[ret->n_headers].name = text(name);
    ret->headers[ret->n_headers].value = text(value);
    ret->n_headers++;
}

static void refuse(const struct fake_azure *azure, struct fake_http_answer *ret)
{
    ret->http_status = 401;
    ret->body = "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10000\"}}";
    add_header(ret, "WWW-Authenticate", azure->challenge);
}

static void give_token(struct fake_azure *azure, struct fake_http_answer *ret)
{
    if (azure->is_holding_tokens)
        return;
    azure->n_tokens++;
    (void)snprintf(azure->bearer, sizeof azure->bearer, "token-%u", azure->n_tokens);
    (void)snprintf(azure->token_body, sizeof azure->token_body,
                   "{\"token_type\":\"Bearer\",\"expires_in\":%d,\"access_token\":\"%s\"}",
                   azure->expires_in_s, azure->bearer);
    ret->http_status = 200;
    ret->body = azure->token_body;
}

static void serve(struct fake_azure *azure, enum fake_azure_part part,
                  const struct kp_http_request *request, struct fake_http_answer *ret)
{
    switch (part) {
    case FAKE_TOKEN:
    case FAKE_METADATA:
        give_token(azure, ret);
        break;
    case FAKE_KEYS:
        if (strcmp((const char *)request->bearer.ptr, azure->bearer) != 0) {
            refuse(azure, ret);
            break;
        }
        ret->http_status = azure->key_status;
        ret->body = azure->key_body;
        break;
    default:
        refuse(azure, ret);
        break;
    }
}

static void play(struct fake_azure *azure, const struct fake_azure_step *step,
                 struct fake_http_answer *ret)
{
    if (step->refuse_token) {
        (void)snprintf(azure->bearer, sizeof azure->bearer, "refused");
        refuse(azure, ret);
        return;
    }
    ret->http_status = step->http_status;
    ret->status = step->status;
    ret->body = step->body;
    if (step->header)
        add_header(ret, step->header, step->value);
    ret->error.status = (uint32_t)step->status;
    ret->error.code = step->code;
    ret->error.exposure = step->exposure;
    if (step->status != KP_OK)
        (void)snprintf(ret->error.text, sizeof ret->error.text, "as scripted");
}

static bool play_next(struct fake_azure *azure, enum fake_azure_part part,
                      struct fake_http_answer *ret)
{
    for (size_t i = 0; i < azure->n_steps; i++) {
        const struct fake_azure_step step = azure->steps[i];
        if (step.part != part)
            continue;
        azure->n_steps--;
        memmove(&azure->steps[i], &azure->steps[i + 1], (azure->n_steps - i) * sizeof step);
        play(azure, &step, ret);
        return true;
    }
    return false;
}

static void on_http(void *ctx, const struct fake_http_request *request,
                    struct fake_http_answer *ret)
{
    struct fake_azure *azure = ctx;
    enum fake_azure_part part = part_of(azure, &request->request);
    azure->n[part]++;
    keep(azure->last_url[part], request->request.url);
    keep(azure->last_body[part], request->request.body);
    if (part == FAKE_KEYS)
        azure->dns_lifetime_ms = request->request.dns_lifetime_ms;
    (void)snprintf(azure->last_method, sizeof azure->last_method, "%s",
                   (const char *)request->request.method.ptr);
    if (!play_next(azure, part, ret))
        serve(azure, part, &request->request, ret);
}

/* ---- Life ---- */

void fake_azure_init(struct fake_azure *azure, const struct kp_plugin *plugin)
{
    memset(azure, 0, sizeof *azure);
    fake_host_init(&azure->host, plugin);
    azure->host.http = on_http;
    azure->host.http_ctx = azure;
    azure->vault_host = FAKE_VAULT_HOST;
    azure->challenge = FAKE_CHALLENGE;
    azure->expires_in_s = 3600;
    azure->key_status = 200;
    azure->key_body = fake_wrap_body;
}

void fake_azure_clear(struct fake_azure *azure)
{
    fake_host_close(&azure->host);
    assert_int_equal(azure->n_steps, 0);
    fake_host_clear(&azure->host);
}

static uint32_t fill_settings(struct kp_setting *settings, const char *const *pairs)
{
    uint32_t n = 0;
    for (size_t i = 0; pairs && pairs[i]; i += 2) {
        assert_true(n < SETTINGS_MAX);
        settings[n].name = text(pairs[i]);
        settings[n++].value = text(pairs[i + 1]);
    }
    return n;
}

kp_status fake_azure_open_as(struct fake_azure *azure, const char *const *pairs,
                             const char *identity, const char *secret)
{
    struct fake_host *h = &azure->host;
    struct kp_setting settings[SETTINGS_MAX];
    const struct kp_vault_settings in = {.struct_size = sizeof in,
                                         .name = text(azure->vault_host),
                                         .location = text(azure->vault_host),
                                         .identity = text(identity),
                                         .secret = text(secret),
                                         .settings = settings,
                                         .n_settings = fill_settings(settings, pairs)};
    kp_error_init(&h->opened_error);
    kp_status st = h->plugin->open(&h->host, &in, &h->vault, &h->opened_error);
    if (st == KP_OK)
        fake_host_drain(h);
    else
        h->vault = NULL;
    return st;
}

kp_status fake_azure_open(struct fake_azure *azure, const char *const *pairs)
{
    return fake_azure_open_as(azure, pairs, NULL, NULL);
}

kp_status fake_azure_reload(struct fake_azure *azure, const char *const *pairs)
{
    struct fake_host *h = &azure->host;
    struct kp_setting settings[SETTINGS_MAX];
    const struct kp_vault_settings in = {.struct_size = sizeof in,
                                         .name = text(azure->vault_host),
                                         .location = text(azure->vault_host),
                                         .settings = settings,
                                         .n_settings = fill_settings(settings, pairs)};
    kp_error_init(&h->opened_error);
    return h->plugin->reload(h->vault, &in, &h->opened_error);
}

void fake_azure_then(struct fake_azure *azure, const struct fake_azure_step *step)
{
    assert_true(azure->n_steps < FAKE_SCRIPT_MAX);
    azure->steps[azure->n_steps++] = *step;
}

void fake_azure_wrap(struct kp_request *request)
{
    static const uint8_t dek[32] = "thirty-two bytes of a data key.";
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    request->op = KP_OP_WRAP;
    request->alg = KP_ALG_RSA_OAEP_256;
    request->name = text("app");
    request->value.ptr = dek;
    request->value.len = sizeof dek;
}
