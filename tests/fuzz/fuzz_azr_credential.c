/* Files that are said to hold a private key. */
#include <openssl/err.h>

#include "base/span.h"
#include "plugins/azure-rest/credential.h"
#include "tests/fuzz/entries.h"

#define PRINT "00112233445566778899aabbccddeeff00112233"

/* All numbers a credential's file can end in. */
static bool is_number(uint32_t code)
{
    return (code >= 3809 && code <= 3821) || code == 3807;
}

static void read_as(kp_span file, const char *password, const char *thumbprint)
{
    struct azr_credential c = {0};
    struct kp_error err = {0};
    if (azr_credential_read(file, kpb_span_str(password), kpb_span_str(thumbprint), &c, &err) ==
        KP_OK) {
        fuzz_took();
        FUZZ_CHECK(c.key && kpc_key_has_private(c.key) && (c.has_x5t || c.has_x5t_s256));
    } else {
        FUZZ_CHECK(is_number(err.code) && err.text[0] != '\0' && !c.key);
    }
    azr_credential_clear(&c);
    FUZZ_CHECK(ERR_peek_error() == 0);
}

int fuzz_azr_credential(const uint8_t *bytes, size_t len)
{
    kp_span file = kpb_span(bytes, len);
    read_as(file, "pass", "");
    read_as(file, "pass", PRINT);
    return 0;
}

FUZZ_ENTRY(fuzz_azr_credential)
