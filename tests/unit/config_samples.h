/* What the tests of core/config share: samples, and parsing that fails the test when it must
 * work. */
#ifndef KP_TESTS_UNIT_CONFIG_SAMPLES_H
#define KP_TESTS_UNIT_CONFIG_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "core/config.h"

#define LEN(array) (sizeof(array) / sizeof(array)[0])

/* A text and the whole sentence it is refused with. */
struct refused {
    const char *text;
    const char *sentence;
};

/* Members of every kind. */
static const char full_text[] =
    "{\"provider\": {\"loops\": 2, \"max_vaults\": 5, \"secret_arena_kib\": 128},"
    " \"log\": {\"levels\": \"warn,pipeline=debug\", \"format\": \"json\","
    "           \"lines_per_second\": 7},"
    " \"plugin_dir\": \"/opt/plugins\","
    " \"plugins\": [{\"path\": \"/opt/one.so\"}, {\"name\": \"two\", \"sha256\": "
    "\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\", \"signer_sha256\": "
    "\"ff112233445566778899AABBCCDDEEFF00112233445566778899aabbccddee00\"}],"
    " \"defaults\": {\"timeout_ms\": 1000, \"retry\": {\"max_attempts\": 3}},"
    " \"ekm\": {\"allow\": [\"config:prod\", \"file:/keys\"], \"thumbprint\": \"name\","
    "           \"decrypt_algorithms\": [\"RSA-OAEP\", \"RSA1_5\"], \"drop_keys\": true,"
    "           \"key_map\": \"/map\", \"unwrap_cache_ms\": 9},"
    " \"vaults\": {"
    "   \"prod\": {\"location\": \"my.vault.azure.net\", \"identity\": \"client\","
    "              \"secret\": {\"env\": \"KP_TEST_SECRET\"},"
    "              \"access_secret\": {\"file\": \"/access\"},"
    "              \"retry\": {\"base_ms\": 50}, \"local_public_ops\": true},"
    "   \"dev\": {\"location\": \"file:./v\", \"plugin\": \"file-test\", \"may_create\": true,"
    "             \"timeout_ms\": 2000,"
    "             \"settings\": {\"text\": \"t\", \"deep\": {\"n\": -3, \"b\": false}}}}}";

static inline kp_status parse(const char *text, struct kpi_config *config, struct kp_error *err)
{
    kp_error_init(err);
    return kpi_config_parse(kpb_span_str(text), config, err);
}

static inline void parse_ok(const char *text, struct kpi_config *config)
{
    struct kp_error err;

    if (parse(text, config, &err) != KP_OK)
        fail_msg("%s: %s", text, err.text);
}

/* ---- What a plugin knows ---- */

static const struct kp_setting_spec spec_text = {.struct_size = sizeof spec_text,
                                                 .type = KP_SETTING_TEXT,
                                                 .flags = KP_SETTING_RELOADABLE,
                                                 .name = "mode",
                                                 .fallback = "fast"};
static const struct kp_setting_spec spec_number = {.struct_size = sizeof spec_number,
                                                   .type = KP_SETTING_INTEGER,
                                                   .name = "fault.rate",
                                                   .min = -5,
                                                   .max = 100};
static const struct kp_setting_spec spec_flag = {
    .struct_size = sizeof spec_flag, .type = KP_SETTING_BOOLEAN, .name = "fault.offline"};
static const struct kp_setting_spec spec_secret = {
    .struct_size = sizeof spec_secret, .type = KP_SETTING_SECRET, .name = "passphrase"};
static const struct kp_setting_spec *const specs[] = {&spec_text, &spec_number, &spec_flag,
                                                      &spec_secret, NULL};
static const struct kp_caps caps = {.struct_size = sizeof caps, .settings = specs};

static inline kp_status check_settings(const char *settings, struct kpi_config *c,
                                       struct kp_error *err)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"vaults\": {\"v\": {\"location\": \"file:v\", \"settings\": {%s}}}}", settings);
    parse_ok(text, c);
    kp_error_init(err);
    return kpi_config_check_settings(&c->vaults[0], &caps, err);
}

#endif /* KP_TESTS_UNIT_CONFIG_SAMPLES_H */
