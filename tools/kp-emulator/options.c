#include "tools/kp-emulator/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

const char *emu_usage(void)
{
    return "usage: kp-emulator (--ephemeral | --state FOLDER) [OPTION]... [-- COMMAND [ARG]...]\n"
           "\n"
           "Emulates Azure Key Vault, Managed HSM, their login service and the token endpoints of\n"
           "managed identities, for tests and offline development only.\n"
           "\n"
           "  --ephemeral         keep state in a fresh folder that is removed at the end\n"
           "  --state FOLDER      keep state there\n"
           "  --config FILE       tenant, applications and vaults; see docs/EMULATOR.md\n"
           "  --scenario FILE     faults to play\n"
           "  --listen ADDRESS    instead of 127.0.0.1\n"
           "  --log-refusals      say each 401 on standard error: its request id, and why\n"
           "  --arc-folder FOLDER where Azure Arc's key file is put, instead of in the state\n"
           "  --region ADDRESS    a second region of the Managed HSMs, at the same port\n"
           "  --vault-port N, --hsm-port N, --login-port N, --metadata-port N, --proxy-port N\n"
           "                      instead of ports that are free\n"
           "  --help              this text\n"
           "\n"
           "With COMMAND: runs it with the environment that reaches the emulator, and ends with "
           "it.\n"
           "Without: prints that environment and serves until a signal.\n";
}

static kp_status read_port(const char *text, uint16_t *ret, struct kp_error *reterr)
{
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || port > 65535)
        return kpb_fail(reterr, KP_USAGE, "'%.20s' is no port", text);
    *ret = (uint16_t)port;
    return KP_OK;
}

static const struct {
    const char *name;
    size_t offset;
} TEXTS[] = {
    {"--config", offsetof(struct emu_options, config)},
    {"--state", offsetof(struct emu_options, state)},
    {"--scenario", offsetof(struct emu_options, scenario)},
    {"--listen", offsetof(struct emu_options, address)},
    {"--arc-folder", offsetof(struct emu_options, arc_folder)},
    {"--region", offsetof(struct emu_options, region)},
};

static const char *const PORTS[] = {"--vault-port", "--hsm-port", "--login-port", "--metadata-port",
                                    "--proxy-port"};

/* An option with a value. */
static kp_status read_value(const char *name, const char *value, struct emu_options *o,
                            struct kp_error *reterr)
{
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (strcmp(name, TEXTS[i].name) == 0) {
            memcpy((char *)o + TEXTS[i].offset, &value, sizeof value);
            return value ? KP_OK : kpb_fail(reterr, KP_USAGE, "%s takes a value", name);
        }
    }
    for (size_t i = 0; i < sizeof PORTS / sizeof PORTS[0]; i++) {
        if (strcmp(name, PORTS[i]) == 0)
            return value ? read_port(value, &o->ports[i], reterr)
                         : kpb_fail(reterr, KP_USAGE, "%s takes a value", name);
    }
    return kpb_fail(reterr, KP_USAGE, "no option '%.40s'; see kp-emulator --help", name);
}

static kp_status check(const struct emu_options *o, struct kp_error *reterr)
{
    if (o->help || o->ephemeral != (o->state != NULL))
        return KP_OK;
    return kpb_fail(reterr, KP_USAGE, "say either --ephemeral or --state FOLDER");
}

kp_status emu_options_read(int argc, char **argv, struct emu_options *ret, struct kp_error *reterr)
{
    kp_status st = KP_OK;
    memset(ret, 0, sizeof *ret);
    ret->address = "127.0.0.1";
    for (int i = 1; st == KP_OK && i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            ret->command = i + 1 < argc ? argv + i + 1 : NULL;
            break;
        }
        if (strcmp(argv[i], "--ephemeral") == 0)
            ret->ephemeral = true;
        else if (strcmp(argv[i], "--log-refusals") == 0)
            ret->logs_refusals = true;
        else if (strcmp(argv[i], "--help") == 0)
            ret->help = true;
        else
            st = read_value(argv[i], argv[i + 1], ret, reterr), i++;
    }
    return st == KP_OK ? check(ret, reterr) : st;
}
