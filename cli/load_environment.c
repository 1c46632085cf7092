#include "cli/load_environment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <keyprovider/keyprovider.h>
#include <openssl/crypto.h>

#include "base/buf.h"
#include "cli/load_platform.h"
#include "cli/out.h"

/* ---- Features of the processor ---- */

/* Bits of the first two words. Source: OPENSSL_ia32cap(3), OpenSSL 3.0. */
static const struct {
    uint32_t word;
    uint32_t bit;
    const char *text;
} features[] = {{0, 33, "pclmulqdq"}, {0, 41, "ssse3"},    {0, 57, "aes"},        {0, 60, "avx"},
                {1, 5, "avx2"},       {1, 8, "bmi2"},      {1, 19, "adx"},        {1, 29, "sha"},
                {1, 16, "avx512f"},   {1, 30, "avx512bw"}, {1, 21, "avx512ifma"}, {1, 41, "vaes"},
                {1, 42, "vpclmulqdq"}};

static void append(char *out, const char *text)
{
    const size_t len = strlen(out);
    (void)snprintf(out + len, LOAD_FACT_LEN - len, "%s%s", len > 0 ? " " : "", text);
}

void cli_load_cpu_features(const char *settings, char out[LOAD_FACT_LEN])
{
    static const char name[] = "OPENSSL_ia32cap=";
    const char *at = strstr(settings, name);
    char *rest = NULL;
    uint64_t words[2] = {0, 0};
    out[0] = '\0';
    if (!at) {
        append(out, settings);
        return;
    }
    words[0] = strtoull(at + sizeof name - 1, &rest, 16);
    words[1] = *rest == ':' ? strtoull(rest + 1, NULL, 16) : 0;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if ((words[features[i].word] >> features[i].bit & 1u) != 0) {
            append(out, features[i].text);
        }
    }
}

/* ---- All of them ---- */

static void set(struct load_fact *fact, const char *text)
{
    (void)snprintf(fact->text, sizeof fact->text, "%s", text ? text : "unknown");
}

static void set_date(struct load_fact *fact)
{
    struct cli_out out;
    cli_out_init(&out);
    cli_out_time(&out, (int64_t)time(NULL));
    if (out.st == KP_OK) {
        (void)snprintf(fact->text, sizeof fact->text, "%.*s", (int)out.buf.len,
                       (const char *)out.buf.ptr);
    }
    cli_out_clear(&out);
}

static void set_features(struct load_fact *fact)
{
    const char *settings = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
    cli_load_cpu_features(settings ? settings : "unknown", fact->text);
}

static void name_all(struct load_fact facts[LOAD_N_FACTS])
{
    static const char *const names[LOAD_N_OWN_FACTS] = {
#define XX(symbol, text) text,
        LOAD_FACTS_MAP(XX)
#undef XX
    };
    for (size_t i = 0; i < LOAD_N_OWN_FACTS; i++) {
        facts[i].name = names[i];
    }
}

void cli_load_environment(struct load_fact facts[LOAD_N_FACTS])
{
    struct cli_dependency below[CLI_N_DEPENDENCIES];
    memset(facts, 0, LOAD_N_FACTS * sizeof *facts);
    name_all(facts);
    set_date(&facts[LOAD_FACT_DATE]);
    cli_machine_text(facts[LOAD_FACT_MACHINE].text, LOAD_FACT_LEN);
    set_features(&facts[LOAD_FACT_CPU_FEATURES]);
    set(&facts[LOAD_FACT_LIBRARY], kp_version());
    set(&facts[LOAD_FACT_COMPILER], KP_COMPILER);
    set(&facts[LOAD_FACT_BUILD_FLAGS], KP_BUILD_FLAGS);
    cli_dependencies(below);
    for (size_t i = 0; i < CLI_N_DEPENDENCIES; i++) {
        facts[LOAD_N_OWN_FACTS + i].name = below[i].name;
        set(&facts[LOAD_N_OWN_FACTS + i], below[i].version);
    }
}
