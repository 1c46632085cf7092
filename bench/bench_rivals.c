/*
 * What a request costs the client, against what it costs the clients of others that ask the same
 * server: wrk over HTTP/1.1, h2load over HTTP/2, and Microsoft's SDK for Node.
 *
 *     bench_rivals FOLDER CASE    one case: rivals.wrk, rivals.h2load or rivals.sdk. Writes a
 *                                 certificate to FOLDER.
 *
 * The environment: KP_BENCH_TOOLS, bench/tools; KP_BENCH_PLUGINS, the folder of azure-keyvault, and
 * KP_BENCH_SDK, the yardstick tools/sdk.mjs beside its modules, for rivals.sdk.
 */
#include "bench/pairs.h"
#include "bench/target.h"

#define IN_FLIGHT 64
#define CASE_MS 500
#define TOOL_MS 1000 /* the tools measure whole seconds */
#define SDK_MS 1500

/* ---- Through the canned plugin ---- */

static bool open_canned(struct bench_target *target, const char *url)
{
    char config[512];
    char location[256];
    (void)snprintf(config, sizeof config, "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\"}}",
                   getenv("KP_BENCH_CA"));
    (void)snprintf(location, sizeof location, "canned:%s", getenv(url));
    return bench_target_open(target, config, location, NULL);
}

static bool open_h1(struct bench_target *target)
{
    return open_canned(target, "KP_BENCH_H1");
}

static bool open_h2(struct bench_target *target)
{
    return open_canned(target, "KP_BENCH_H2");
}

/* ---- Through the plugin for Azure Key Vault ---- */

#define TENANT "11111111-2222-3333-4444-555555555555"

/* The server is vault and login service at once; whatever it is told, it answers the same. Each
 * client speaks as well as it can: the SDK over HTTP/1.1, ours over HTTP/2. */
static bool open_azure(struct bench_target *target)
{
    char config[2048];
    char origin[128];
    const char *url = getenv("KP_BENCH_H2");
    if (!url)
        return false;
    (void)snprintf(origin, sizeof origin, "localhost:%lu",
                   strtoul(url + strlen("https://127.0.0.1:"), NULL, 10));
    (void)snprintf(config, sizeof config,
                   "{\"http\": {\"proxy\": \"none\", \"ca_file\": \"%s\"},"
                   " \"vaults\": {\"rival\": {\"location\": \"%s\", \"plugin\": \"azure-keyvault\","
                   " \"max_in_flight\": %d, \"settings\": {\"authority\": \"https://%s\","
                   " \"custom_suffix\": \"localhost\","
                   " \"custom_resource\": \"https://vault.azure.net\","
                   " \"identity\": {\"kind\": \"client_secret\", \"tenant\": \"" TENANT "\","
                   " \"client_id\": \"" TENANT
                   "\", \"secret\": {\"env\": \"KP_BENCH_SECRET\"}}}}}}",
                   getenv("KP_BENCH_CA"), origin, IN_FLIGHT, origin);
    if (setenv("KP_BENCH_SECRET", "canned", 1) != 0 ||
        !bench_target_open(target, config, "rival", getenv("KP_BENCH_PLUGINS")))
        return false;
    static const uint8_t wrapped[256] = {4, 5, 6};
    static const char version[] = "00000000000000000000000000000001";
    target->request.op = KP_OP_UNWRAP;
    target->request.version = (kp_span){(const uint8_t *)version, sizeof version - 1};
    target->request.value = (kp_span){wrapped, sizeof wrapped};
    return true;
}

/* ---- Cases ---- */

struct row {
    const char *name;
    const char *yardstick; /* the program; a variable of the environment when it begins with KP_ */
    const char *mode;
    unsigned ms; /* of the yardstick */
    bool (*open)(struct bench_target *target);
};

static const struct row ROWS[] = {
    {"rivals.wrk", "bare_tool", "wrk", TOOL_MS, open_h1},
    {"rivals.h2load", "bare_tool", "h2load", TOOL_MS, open_h2},
    {"rivals.sdk", "KP_BENCH_SDK", "sdk", SDK_MS, open_azure},
};

/* Node trusts what a file of its environment says, from its start on. */
static bool start_yardstick(const struct row *row, struct bench_yardstick *ret)
{
    const char *ca = getenv("KP_BENCH_CA");
    const char *program =
        strncmp(row->yardstick, "KP_", 3) == 0 ? getenv(row->yardstick) : row->yardstick;
    *ret = (struct bench_yardstick){.pid = 0};
    if (program && ca && setenv("NODE_EXTRA_CA_CERTS", ca, 1) == 0)
        return bench_yardstick_start(ret, program);
    fprintf(stderr, "bench_rivals: %s needs %s in the environment\n", row->name, row->yardstick);
    return false;
}

static bool run_row(const struct row *row)
{
    struct bench_yardstick yardstick;
    struct bench_target target = {.provider = NULL};
    bool ok = start_yardstick(row, &yardstick) && row->open(&target);
    const struct bench_case c = {.name = row->name,
                                 .load = {target.vault, &target.request, false},
                                 .job = bench_job("async", 2 * IN_FLIGHT, 1, CASE_MS),
                                 .yardstick = bench_job(row->mode, IN_FLIGHT, 1, row->ms)};
    ok = ok && bench_case_run(&c, &yardstick);
    bench_target_close(&target);
    bench_yardstick_end(&yardstick);
    return ok;
}

static bool run_case(struct bench_yardstick *server, const char *name)
{
    (void)server;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        if (strcmp(name, ROWS[i].name) == 0)
            return run_row(&ROWS[i]);
    fprintf(stderr, "bench_rivals: no case is called %s\n", name);
    return false;
}

int main(int argc, char **argv)
{
    return bench_main_with_server(argc, argv, "CASE", run_case);
}
