#include "bench/target.h"

#include "bench/canned.h"
#include "bench/null.h"

#define CLOSE_MS 5000

static kp_span text(const char *s)
{
    kp_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

void bench_request_init(struct kp_request *ret)
{
    static const uint8_t dek[32] = {1, 2, 3};
    kp_request_init(ret, KP_OP_WRAP);
    ret->name = text("tde-master-key");
    ret->alg = KP_ALG_RSA_OAEP_256;
    ret->value.ptr = dek;
    ret->value.len = sizeof dek;
}

bool bench_target_open(struct bench_target *target, const char *config, const char *vault,
                       const char *plugin_dir)
{
    static kp_plugin_get_fn *const plugins[] = {bench_canned_plugin_get, bench_null_plugin_get,
                                                NULL};
    struct kp_options options;
    struct kp_error error;
    *target = (struct bench_target){.provider = NULL};
    kp_options_init(&options);
    options.flags = plugin_dir ? 0 : KP_OPEN_NO_PLUGIN_FILES;
    options.plugin_dir = plugin_dir;
    options.static_plugins = plugins;
    options.config_text = config;
    bench_request_init(&target->request);
    if (kp_provider_open(&options, &target->provider, &error) == KP_OK &&
        kp_vault_acquire(target->provider, vault, NULL, &target->vault, &error) == KP_OK)
        return true;
    fprintf(stderr, "bench: %s: %s\n", vault, error.text);
    return false;
}

void bench_target_close(struct bench_target *target)
{
    kp_vault_release(target->vault);
    kp_provider_close_wait(target->provider, CLOSE_MS, NULL);
    *target = (struct bench_target){.provider = NULL};
}

/* ---- The server ---- */

static bool name_urls(struct bench_yardstick *server)
{
    static const char *const names[] = {"KP_BENCH_H1", "KP_BENCH_H2", "KP_BENCH_HELD"};
    char line[64];
    char url[128];
    char *rest = line;
    if (!fgets(line, sizeof line, server->answers))
        return false;
    bool ok = true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%lu/keys/k/1/wrapkey?api-version=7.6",
                       strtoul(rest, &rest, 10));
        ok = setenv(names[i], url, 1) == 0 && ok;
    }
    return ok;
}

bool bench_server_start(struct bench_yardstick *server, const char *folder)
{
    char ca[512];
    *server = (struct bench_yardstick){.pid = 0};
    (void)snprintf(ca, sizeof ca, "%s/canned-server.pem", folder);
    return setenv("KP_BENCH_CA", ca, 1) == 0 && bench_yardstick_start(server, "canned_server") &&
           name_urls(server);
}

int bench_main_with_server(int argc, char **argv, const char *usage, bench_command_fn *command)
{
    struct bench_yardstick server;
    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER %s\n", argv[0], usage);
        return 1;
    }
    bool ok = bench_server_start(&server, argv[1]) && command(&server, argv[2]);
    bench_yardstick_end(&server);
    return ok ? 0 : 1;
}
