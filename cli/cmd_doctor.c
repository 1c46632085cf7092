/* kp doctor: from the configuration to an unwrapped key, and where it breaks. */
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "cli/cmd.h"
#include "cli/doctor_checks.h"
#include "cli/io.h"
#include "cli/platform.h"
#include "cli/session.h"

#define DATA_KEY_MAX_LEN 64u

/* ---- Configuration ---- */

static void ignore_text(void *ctx, kp_span text)
{
    (void)ctx;
    (void)text;
}

static kp_status check_config(struct cli_doctor *d)
{
    struct kp_options options;
    char config_path[CLI_PATH_MAX_LEN];
    char plugin_dir[CLI_PATH_MAX_LEN];
    cli_options_fill(d->c, &options, config_path, plugin_dir);
    const char *path = options.config_path;
    cli_out_safe(&d->found, kpb_span_str(path ? path : "no file, every default"));
    return kp_config_check(&options, ignore_text, NULL, &d->c->fault.error);
}

/* ---- Plugin ---- */

struct serving {
    struct cli_doctor *d;
    char plugin[128];
};

/* A vault that is not configured goes by another name than it was given: there is only this one. */
static void see_vault(void *ctx, const struct kp_vault_info *info)
{
    struct serving *s = ctx;
    if (!info->configured || strcmp(info->name, s->d->c->vault_text) == 0) {
        (void)snprintf(s->plugin, sizeof s->plugin, "%s", info->plugin);
    }
}

static void tell_plugin(struct cli_out *o, const struct kp_plugin *plugin, const char *origin)
{
    cli_out_safe(o, kpb_span_str(plugin->name));
    cli_out_text(o, " ");
    cli_out_safe(o, kpb_span_str(plugin->version));
    cli_out_text(o, ", abi ");
    cli_out_uint(o, plugin->abi_major);
    cli_out_text(o, ".");
    cli_out_uint(o, plugin->abi_minor);
    cli_out_text(o, " (");
    cli_out_safe(o, kpb_span_str(origin));
    cli_out_text(o, ")");
}

static void see_plugin(void *ctx, const struct kp_plugin *plugin, const char *origin)
{
    struct serving *s = ctx;
    if (strcmp(plugin->name, s->plugin) == 0) {
        const char *const *hosts = plugin->caps->host_suffixes;
        s->d->is_service = hosts && hosts[0];
        tell_plugin(&s->d->found, plugin, origin);
    }
}

static kp_status check_plugin(struct cli_doctor *d)
{
    struct serving s = {.d = d};
    const kp_status st = cli_vault_open_named(d->c, 0);
    if (st == KP_OK) {
        kp_vaults_each(d->c->provider, see_vault, &s);
        kp_plugins_each(d->c->provider, see_plugin, &s);
    }
    return st;
}

/* ---- All of them ---- */

static const struct cli_doctor_check OF_VAULT[] = {
    {"configuration", check_config},
    {"plugin", check_plugin},
    {"vault", cli_doctor_vault},
    {"keys", cli_doctor_keys},
};

static const struct cli_doctor_check OF_KEY[] = {
    {"configuration", check_config}, {"plugin", check_plugin},    {"vault", cli_doctor_vault},
    {"key", cli_doctor_key},         {"clock", cli_doctor_clock}, {"wrap", cli_doctor_wrap},
    {"unwrap", cli_doctor_unwrap},
};

/* Wrong usage is reported as of any command, before there are checks. */
static kp_status read_arguments(struct cli_doctor *d)
{
    const char *key = cli_opt(d->c, CLI_OPT_KEY);
    struct kp_request unsent; /* refuses a --timeout that is none */
    if (!cli_opt(d->c, CLI_OPT_VAULT)) {
        return kpb_fail(&d->c->fault.error, KP_USAGE, "which vault? say -V VAULT");
    }
    const kp_status st = cli_request_init(d->c, KP_OP_LIST_KEYS, NULL, &unsent);
    if (st != KP_OK || !key) {
        return st;
    }
    return kp_key_name_parse(kpb_span_str(key), &d->key, &d->c->fault.error);
}

static void check_all(struct cli_doctor *d)
{
    if (cli_has(d->c, CLI_OPT_KEY)) {
        cli_doctor_run(d, OF_KEY, sizeof OF_KEY / sizeof OF_KEY[0]);
    } else {
        cli_doctor_run(d, OF_VAULT, sizeof OF_VAULT / sizeof OF_VAULT[0]);
    }
}

static kp_status run(struct cli *c)
{
    struct cli_doctor d;
    memset(&d, 0, sizeof d);
    d.c = c;
    const kp_status st = read_arguments(&d);
    if (st != KP_OK) {
        return st;
    }
    kp_buf_init_secret(&d.data_key, "cli.doctor", DATA_KEY_MAX_LEN);
    check_all(&d);
    kp_buf_clear(&d.data_key);
    kp_result_clear(&d.wrapped);
    kp_result_clear(&d.looked);
    return cli_flush(c);
}

const struct cli_command cli_cmd_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "check configuration, plugin, vault and key, and tell what to fix",
    .details =
        "Checks one thing after the other, a line each: ok, failed or skipped. A failure has its\n"
        "class, its documented number and advice, skips what needs it, and is the exit code.\n"
        "A warning is no failure.\n\n"
        "Without --key it ends with a page of the vault's keys. With --key NAME[/VERSION] it\n"
        "looks at that key, wraps 32 random bytes and unwraps them with the version that wrapped.\n"
        "It changes nothing in the vault.\n",
    .options = CLI_OPTS_VAULT | CLI_OPT_BIT(CLI_OPT_KEY),
    .log_levels = "off,plugin=warn",
    .run = run,
};
