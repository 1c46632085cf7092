#include "cli/help.h"

#include <string.h>

#include "cli/commands.h"

#define COMMAND_WIDTH 18u
#define OPTION_WIDTH 26u
#define CODE_WIDTH 4u
#define CLASS_WIDTH 17u

static void command_line(struct cli_out *o, const struct cli_command *command)
{
    cli_out_text(o, "  ");
    cli_out_text(o, command->name);
    cli_out_pad(o, COMMAND_WIDTH);
    cli_out_text(o, command->summary);
    cli_out_text(o, "\n");
}

static void option_line(struct cli_out *o, const struct cli_opt_info *info)
{
    const char letter[] = {'-', info->letter, ',', ' ', '\0'};
    cli_out_text(o, "  ");
    cli_out_text(o, info->letter ? letter : "    ");
    cli_out_text(o, "--");
    cli_out_text(o, info->name);
    cli_out_text(o, info->argument ? " " : "");
    cli_out_text(o, info->argument ? info->argument : "");
    cli_out_text(o, " "); /* two blanks at least, so that a long name does not run into its text */
    cli_out_pad(o, OPTION_WIDTH);
    cli_out_text(o, info->doc);
    cli_out_text(o, "\n");
}

static void option_lines(struct cli_out *o, uint64_t options)
{
    for (int i = 0; i < CLI_OPT_COUNT; i++) {
        if (options & CLI_OPT_BIT(i)) {
            option_line(o, cli_opt_info((enum cli_opt)i));
        }
    }
}

void cli_help_overview(struct cli_out *o)
{
    cli_out_text(o, "kp keeps an application's wrapping keys in vaults.\n\n"
                    "usage: kp [-V VAULT] COMMAND [KEY] [options]\n\ncommands:\n");
    for (size_t i = 0; cli_command_at(i); i++) {
        command_line(o, cli_command_at(i));
    }
    cli_out_text(o, "\noptions of every command:\n");
    option_lines(o, CLI_OPTS_COMMON);
    cli_out_text(o, "\n'kp help COMMAND' explains one command. Other pages: 'kp help keys' (how to "
                    "name\nvaults and keys), 'kp help algorithms', 'kp help exit-codes'.\n");
}

void cli_help_command(struct cli_out *o, const struct cli_command *command)
{
    cli_out_text(o, "usage: kp ");
    cli_out_text(o, command->options & CLI_OPT_BIT(CLI_OPT_VAULT) ? "[-V VAULT] " : "");
    cli_out_text(o, command->name);
    cli_out_text(o, command->operands[0] ? " " : "");
    cli_out_text(o, command->operands);
    cli_out_text(o, " [options]\n\n");
    cli_out_text(o, command->summary);
    cli_out_text(o, "\n\n");
    if (command->details) {
        cli_out_text(o, command->details);
        cli_out_text(o, "\n");
    }
    cli_out_text(o, "options:\n");
    option_lines(o, command->options | CLI_OPTS_COMMON);
}

/* ---- Topics ---- */

static void exit_code_line(struct cli_out *o, int code, const char *name, const char *meaning)
{
    cli_out_int(o, code);
    cli_out_pad(o, CODE_WIDTH);
    cli_out_text(o, name);
    cli_out_pad(o, CLASS_WIDTH);
    cli_out_text(o, meaning);
    cli_out_text(o, "\n");
}

static void exit_codes(struct cli_out *o)
{
    exit_code_line(o, CLI_EXIT_OK, "ok", "done");
    exit_code_line(o, CLI_EXIT_NO, "-",
                   "verify: the signature does not match; bench: a promise of --slo was broken");
    exit_code_line(o, CLI_EXIT_USAGE, "usage", kp_status_meaning(KP_USAGE));
    exit_code_line(o, CLI_EXIT_IO, "io", "a local file or stream could not be read or written");
    for (int i = KP_CONFIG; i < KP_STATUS_COUNT; i++) {
        const kp_status status = (kp_status)i;
        exit_code_line(o, cli_exit_of_status(status), kp_status_text(status),
                       kp_status_meaning(status));
    }
}

static const char *family_text(enum kp_alg_family family)
{
    switch (family) {
    case KP_FAMILY_RSA_CRYPT:
        return "RSA    wrap, unwrap, encrypt, decrypt";
    case KP_FAMILY_RSA_SIGN:
        return "RSA    sign, verify";
    case KP_FAMILY_EC_SIGN:
        return "EC     sign, verify";
    case KP_FAMILY_AES_WRAP:
        return "oct    wrap, unwrap";
    case KP_FAMILY_AES_GCM:
    case KP_FAMILY_AES_CBC:
        return "oct    encrypt, decrypt";
    case KP_FAMILY_HMAC:
        return "oct    sign, verify";
    default:
        return "";
    }
}

static void algorithms(struct cli_out *o)
{
    for (uint32_t alg = 1; alg <= KP_ALG_MAX; alg++) {
        cli_out_text(o, kp_alg_text(alg));
        cli_out_pad(o, OPTION_WIDTH);
        cli_out_text(o, family_text(kp_alg_family_of(alg)));
        cli_out_text(o, "\n");
    }
    cli_out_text(o, "\nA plugin may serve fewer: 'kp plugins --json' says which.\n");
}

static void keys(struct cli_out *o)
{
    cli_out_text(
        o, "With -V VAULT a key is NAME or NAME/VERSION. VAULT is one of\n\n"
           "  a name from the configuration   -V payroll\n"
           "  a directory of key files        -V file:./vault\n"
           "  a host that a plugin serves     -V team.vault.azure.net\n\n"
           "Without -V a key is a full reference:\n\n"
           "  VAULT/NAME[/VERSION]            payroll/app, with VAULT a configured name\n"
           "  a key URL                       https://team.vault.azure.net/keys/app/VERSION\n\n"
           "Without VERSION the current one is meant. An envelope names the version it was made\n"
           "with, so unwrap, decrypt and verify never have to guess.\n");
}

static bool group(struct cli_out *o, const char *name)
{
    const size_t len = strlen(name);
    bool found = false;
    for (size_t i = 0; cli_command_at(i); i++) {
        const char *full = cli_command_at(i)->name;
        if (strncmp(full, name, len) == 0 && full[len] == ' ') {
            command_line(o, cli_command_at(i));
            found = true;
        }
    }
    return found;
}

bool cli_help_topic(struct cli_out *o, const char *name)
{
    static const struct {
        const char *name;
        void (*write)(struct cli_out *o);
    } topics[] = {{"exit-codes", exit_codes}, {"algorithms", algorithms}, {"keys", keys}};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (strcmp(name, topics[i].name) == 0) {
            topics[i].write(o);
            return true;
        }
    }
    return group(o, name);
}
