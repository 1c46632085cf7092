#include "tools/kp-emulator/clocked_plugin.h"

#include <stddef.h>

#include "plugins/file-test/file_test.h"
#include "tools/kp-emulator/clock.h"

static const struct kp_plugin *file_test;
static struct kp_plugin clocked;

static int64_t read_clock(void *self)
{
    (void)self;
    return emu_clock_unix_s();
}

/* The plugin copies the host's table, so one on the stack is enough. */
static kp_status open_vault(const struct kp_host *host, const struct kp_vault_settings *settings,
                            void **ret_vault, struct kp_error *reterr)
{
    struct kp_host moved = *host;
    moved.unix_s = read_clock;
    return file_test->open(&moved, settings, ret_vault, reterr);
}

const struct kp_plugin *emu_clocked_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    file_test = kp_file_test_plugin_get(host_abi_major, host_abi_minor);
    if (!file_test)
        return NULL;
    clocked = *file_test;
    clocked.open = open_vault;
    return &clocked;
}
