/* A later minor: every struct has grown at its end, and masks name what this host never heard
 * of. */
#include "tests/contract/plugins/fixture.h"

#define LATER 4

struct later_spec {
    struct kp_setting_spec known;
    const char *later[LATER];
};

struct later_caps {
    struct kp_caps known;
    uint64_t later[LATER];
};

struct later_plugin {
    struct kp_plugin known;
    void (*later[LATER])(void);
};

static const struct later_spec mode = {
    .known = {.struct_size = sizeof(struct later_spec), .type = KP_SETTING_TEXT, .name = "mode"},
    .later = {"a", "b", "c", "d"}};

static const struct kp_setting_spec *const settings[] = {&mode.known, NULL};
static const char *const schemes[] = {"future", NULL};

static const struct later_caps caps = {.known = {.struct_size = sizeof(struct later_caps),
                                                 .ops = UINT64_MAX,
                                                 .algs = UINT64_MAX,
                                                 .schemes = schemes,
                                                 .settings = settings},
                                       .later = {1, 2, 3, 4}};

static void later_slot(void)
{
}

static const struct later_plugin table = {
    .known = {.struct_size = sizeof(struct later_plugin),
              .abi_major = KP_ABI_MAJOR,
              .abi_minor = KP_ABI_MINOR + 98,
              .name = "from-the-future",
              .version = "99",
              .doc = "a plugin of a later minor",
              .caps = &caps.known,
              .open = fixture_open,
              .submit = fixture_submit,
              .close = fixture_close},
    .later = {later_slot, later_slot, later_slot, later_slot}};

const struct kp_plugin *kp_plugin_get(uint32_t host_abi_major, uint32_t host_abi_minor)
{
    (void)host_abi_major;
    (void)host_abi_minor;
    return &table.known;
}
