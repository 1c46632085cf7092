#include "cli/session.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "cli/platform.h"
#include "cli/values.h"

#define CLOSE_TIMEOUT_MS 5000u

static void log_to_stderr(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    (void)fprintf(stderr, "%.*s\n", (int)len, line);
}

static const char *config_path_of(const struct cli *c, char *buffer)
{
    if (cli_opt(c, CLI_OPT_CONFIG)) {
        return cli_opt(c, CLI_OPT_CONFIG);
    }
    const char *from_env = cli_platform_env("KP_CONFIG");
    if (from_env) {
        return from_env;
    }
    return cli_platform_config_path(buffer) ? buffer : NULL;
}

static const char *plugin_dir_of(const struct cli *c, char *buffer)
{
    if (cli_opt(c, CLI_OPT_PLUGIN_DIR)) {
        return cli_opt(c, CLI_OPT_PLUGIN_DIR);
    }
    return cli_platform_plugin_dir(buffer) ? buffer : NULL;
}

void cli_options_fill(struct cli *c, struct kp_options *ret, char *config_path, char *plugin_dir)
{
    kp_options_init(ret);
    ret->config_path = config_path_of(c, config_path);
    ret->plugin_dir = plugin_dir_of(c, plugin_dir);
    ret->static_plugins = cli_platform_plugins;
    ret->flags = cli_has(c, CLI_OPT_PLUGIN_DIR) ? 0 : KP_OPEN_DEFAULT_PLUGIN_DIR;
    ret->n_loops = 1; /* one command, one caller */
    ret->log_levels = cli_has(c, CLI_OPT_LOG) ? cli_opt(c, CLI_OPT_LOG) : c->command->log_levels;
    if (ret->log_levels) {
        ret->log = log_to_stderr;
        ret->log_json = cli_has(c, CLI_OPT_JSON) ? 1 : 0;
    }
}

kp_status cli_provider_open(struct cli *c)
{
    struct kp_options options;
    char config_path[CLI_PATH_MAX_LEN];
    char plugin_dir[CLI_PATH_MAX_LEN];
    if (c->provider) {
        return KP_OK;
    }
    cli_options_fill(c, &options, config_path, plugin_dir);
    return kp_provider_open(&options, &c->provider, &c->fault.error);
}

kp_status cli_vault_open(struct cli *c, kp_span text, uint32_t flags)
{
    struct kp_vault_options options = {.struct_size = sizeof options, .flags = flags};
    kp_status st = cli_provider_open(c);
    if (st != KP_OK) {
        return st;
    }
    if (text.len > KP_VAULT_TEXT_MAX_LEN) {
        return kpb_fail(&c->fault.error, KP_USAGE, "the vault's name is longer than %u bytes",
                        KP_VAULT_TEXT_MAX_LEN);
    }
    c->vault_text = kpb_strdup_span("cli.vault", text);
    if (!c->vault_text) {
        return kpb_fail_memory(&c->fault.error, "cli.vault");
    }
    return kp_vault_acquire(c->provider, c->vault_text, &options, &c->vault, &c->fault.error);
}

kp_status cli_vault_open_named(struct cli *c, uint32_t flags)
{
    const char *text = cli_opt(c, CLI_OPT_VAULT);
    if (!text) {
        return kpb_fail(&c->fault.error, KP_USAGE, "which vault? say -V VAULT");
    }
    return cli_vault_open(c, kpb_span_str(text), flags);
}

kp_status cli_key_open(struct cli *c, const char *text, uint32_t flags, struct kp_key_ref *ret)
{
    const kp_span span = kpb_span_str(text);
    const char *vault = cli_opt(c, CLI_OPT_VAULT);
    const kp_status st = vault ? kp_key_name_parse(span, ret, &c->fault.error)
                               : kp_key_ref_parse(span, ret, &c->fault.error);
    if (st != KP_OK) {
        return st;
    }
    return cli_vault_open(c, vault ? kpb_span_str(vault) : ret->vault, flags);
}

kp_status cli_key_open_whole(struct cli *c, const char *text, uint32_t flags,
                             struct kp_key_ref *ret)
{
    const kp_status st = cli_key_open(c, text, flags, ret);
    if (st == KP_OK && ret->version.len > 0) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "this acts on the whole key; leave out the version in '%s'", text);
    }
    return st;
}

kp_status cli_request_init(struct cli *c, uint32_t op, const struct kp_key_ref *key,
                           struct kp_request *ret)
{
    const char *timeout = cli_opt(c, CLI_OPT_TIMEOUT);
    kp_request_init(ret, op);
    if (timeout && !cli_parse_timeout(timeout, &ret->timeout_ms)) {
        return kpb_fail(&c->fault.error, KP_USAGE,
                        "--timeout '%s' is no time span; write 500ms, 30s or 2m", timeout);
    }
    if (key) {
        ret->name = key->name;
        ret->version = key->version;
    }
    return KP_OK;
}

/* The report names the command already: "wrap: " at the head of a sentence would say it twice. */
static void drop_op_prefix(struct kp_error *err, uint32_t op)
{
    const char *name = kp_op_text(op);
    const size_t len = strlen(name);
    if (strncmp(err->text, name, len) == 0 && strncmp(err->text + len, ": ", 2) == 0) {
        memmove(err->text, err->text + len + 2, strlen(err->text + len + 2) + 1);
    }
}

/* The library never sends such a request again; whoever types it should look first. */
static bool is_in_doubt(uint32_t op, kp_status st, const struct kp_error *err)
{
    if (!(kp_op_traits(op) & KP_TRAIT_NEW_VERSION) ||
        (err->exposure != KP_MAYBE_SENT && err->exposure != KP_ANSWERED)) {
        return false;
    }
    return st == KP_TRANSIENT || st == KP_TIMEOUT || st == KP_VAULT || st == KP_PROTOCOL ||
           st == KP_INTEGRITY;
}

kp_status cli_call(struct cli *c, const struct kp_request *request, struct kp_result *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->struct_size = sizeof *ret;
    const kp_status st = kp_call(c->vault, request, ret);
    if (st != KP_OK) {
        c->fault.error = ret->error;
        drop_op_prefix(&c->fault.error, request->op);
        c->fault.maybe_done = is_in_doubt(request->op, st, &ret->error);
    }
    return st;
}

void cli_session_close(struct cli *c)
{
    kp_vault_release(c->vault);
    c->vault = NULL;
    kp_provider_close_wait(c->provider, CLOSE_TIMEOUT_MS, NULL);
    c->provider = NULL;
    kpb_free(c->vault_text);
    c->vault_text = NULL;
}
