/* Wraps a data key with the key "app" of the vault in ./vault and says which version did it. */
#include <stdio.h>
#include <string.h>

#include <keyprovider/keyprovider.h>

static kp_span text(const char *s)
{
    kp_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

int main(int argc, char **argv)
{
    static const uint8_t dek[32] = "thirty-two bytes, yours random.";
    struct kp_options options;
    struct kp_request request;
    struct kp_result result = {0};
    struct kp_error err;
    kp_provider *provider = NULL;
    kp_vault *vault = NULL;

    kp_options_init(&options);
    options.plugin_dir = argc > 1 ? argv[1] : NULL; /* NULL: the installed plugins */
    kp_status st = kp_provider_open(&options, &provider, &err);
    if (st == KP_OK) {
        st = kp_vault_acquire(provider, "file:./vault", NULL, &vault, &err);
    }
    if (st == KP_OK) {
        kp_request_init(&request, KP_OP_WRAP);
        request.name = text("app");
        request.alg = KP_ALG_RSA_OAEP_256;
        request.value.ptr = dek;
        request.value.len = sizeof dek;
        request.timeout_ms = 5000;
        st = kp_call(vault, &request, &result); /* kp_submit is the asynchronous twin */
        err = result.error;
    }
    if (st == KP_OK) {
        printf("%zu bytes, wrapped with version %.*s\n", result.reply.value.len,
               (int)result.reply.version.len, (const char *)result.reply.version.ptr);
    } else {
        fprintf(stderr, "%s: %s\n", kp_status_text(st), err.text);
    }
    kp_result_clear(&result);
    kp_vault_release(vault);
    kp_provider_close_wait(provider, 2000, NULL);
    return st == KP_OK ? 0 : 1;
}
