#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/values.h"

#define N_COMMANDS (sizeof COMMANDS / sizeof COMMANDS[0])
#define N_ALL_MAX 64u /* with those of a platform */

static const struct cli_command *const COMMANDS[] = {
    &cli_cmd_wrap,          &cli_cmd_unwrap,         &cli_cmd_encrypt,      &cli_cmd_decrypt,
    &cli_cmd_sign,          &cli_cmd_verify,         &cli_cmd_random,       &cli_cmd_key_create,
    &cli_cmd_key_import,    &cli_cmd_key_list,       &cli_cmd_key_show,     &cli_cmd_key_versions,
    &cli_cmd_key_update,    &cli_cmd_key_rotate,     &cli_cmd_key_policy,   &cli_cmd_key_backup,
    &cli_cmd_key_restore,   &cli_cmd_key_delete,     &cli_cmd_key_deleted,  &cli_cmd_key_recover,
    &cli_cmd_key_purge,     &cli_cmd_keymap_list,    &cli_cmd_keymap_add,   &cli_cmd_keymap_import,
    &cli_cmd_keymap_export, &cli_cmd_keymap_remove,  &cli_cmd_sql_script,   &cli_cmd_vaults,
    &cli_cmd_plugins,       &cli_cmd_plugin_inspect, &cli_cmd_config_check, &cli_cmd_config_schema,
    &cli_cmd_doctor,        &cli_cmd_explain,        &cli_cmd_bench,        &cli_cmd_metrics,
    &cli_cmd_version,       &cli_cmd_help,
};

const struct cli_command *cli_command_at(size_t i)
{
    if (i < N_COMMANDS) {
        return COMMANDS[i];
    }
    for (size_t j = 0; cli_platform_commands[j]; j++) {
        if (j == i - N_COMMANDS) {
            return cli_platform_commands[j];
        }
    }
    return NULL;
}

const struct cli_command *cli_command_named(const char *name)
{
    for (size_t i = 0; cli_command_at(i); i++) {
        if (strcmp(cli_command_at(i)->name, name) == 0) {
            return cli_command_at(i);
        }
    }
    return NULL;
}

/* Length of the first word of a command that has two, 0 for a command of one word. */
static size_t group_len(const struct cli_command *command)
{
    const char *space = strchr(command->name, ' ');
    return space ? (size_t)(space - command->name) : 0;
}

static bool in_group(const struct cli_command *command, const char *word)
{
    const size_t len = group_len(command);
    return len > 0 && strlen(word) == len && strncmp(command->name, word, len) == 0;
}

static bool is_group(const char *word)
{
    for (size_t i = 0; cli_command_at(i); i++) {
        if (in_group(cli_command_at(i), word)) {
            return true;
        }
    }
    return false;
}

static kp_status refuse_command(const char *text, struct kp_error *reterr)
{
    const char *names[N_ALL_MAX];
    size_t n = 0;
    for (; n < N_ALL_MAX && cli_command_at(n); n++) {
        names[n] = cli_command_at(n)->name;
    }
    const char *near = cli_nearest(text, names, n);
    if (near) {
        return kpb_fail(reterr, KP_USAGE, "there is no command '%s'; did you mean '%s'?", text,
                        near);
    }
    return kpb_fail(reterr, KP_USAGE, "there is no command '%s'", text);
}

static kp_status refuse_group_alone(const char *group, struct kp_error *reterr)
{
    char text[160] = "";
    for (size_t i = 0; cli_command_at(i); i++) {
        const struct cli_command *command = cli_command_at(i);
        if (in_group(command, group)) {
            const size_t at = strlen(text);
            (void)snprintf(text + at, sizeof text - at, "%s%s", at ? ", " : "",
                           command->name + group_len(command) + 1);
        }
    }
    return kpb_fail(reterr, KP_USAGE, "'%s' needs one more word: %s", group, text);
}

kp_status cli_command_find(struct cli_args *args, const struct cli_command **ret,
                           struct kp_error *reterr)
{
    char name[64];
    if (args->n_words == 0) {
        return kpb_fail(reterr, KP_USAGE, "no command given");
    }
    const bool two = is_group(args->words[0]);
    if (two && args->n_words == 1) {
        return refuse_group_alone(args->words[0], reterr);
    }
    (void)snprintf(name, sizeof name, "%s%s%s", args->words[0], two ? " " : "",
                   two ? args->words[1] : "");
    const struct cli_command *command = cli_command_named(name);
    if (!command) {
        return refuse_command(name, reterr);
    }
    const uint32_t n_own = two ? 2 : 1;
    args->operands = args->words + n_own;
    args->n_operands = args->n_words - n_own;
    *ret = command;
    return KP_OK;
}

static kp_status check_options(const struct cli_command *command, const struct cli_args *args,
                               struct kp_error *reterr)
{
    const uint64_t odd = args->given & ~(command->options | CLI_OPTS_COMMON);
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        if (odd & CLI_OPT_BIT(i)) {
            return kpb_fail(reterr, KP_USAGE, "--%s is not an option of '%s'",
                            cli_opt_info((enum cli_opt)i)->name, command->name);
        }
    }
    return KP_OK;
}

kp_status cli_command_check(const struct cli_command *command, const struct cli_args *args,
                            struct kp_error *reterr)
{
    const kp_status st = check_options(command, args, reterr);
    if (st != KP_OK) {
        return st;
    }
    if (args->n_operands < command->n_operands_min) {
        return kpb_fail(reterr, KP_USAGE, "%s is missing", command->operands);
    }
    if (args->n_operands > command->n_operands_max) {
        return kpb_fail(reterr, KP_USAGE, "one argument too many: '%s'",
                        args->operands[command->n_operands_max]);
    }
    return KP_OK;
}
