#include "tools/kp-emulator/guid.h"

#include <string.h>

#include "base/encode.h"
#include "base/span.h"
#include "crypto/random.h"

static bool is_dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void emu_guid_new(char out[EMU_GUID_LEN])
{
    uint8_t bytes[16] = {0};
    char hex[33];
    if (kpc_random(bytes, sizeof bytes, NULL) != KP_OK)
        memset(bytes, 0, sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0fu) | 0x40u);
    bytes[8] = (uint8_t)((bytes[8] & 0x3fu) | 0x80u);
    kpb_hex_encode(kpb_span(bytes, sizeof bytes), hex);
    const char *next = hex;
    for (size_t i = 0; i < EMU_GUID_LEN - 1; i++)
        out[i] = is_dash_at(i) ? '-' : *next++;
    out[EMU_GUID_LEN - 1] = 0;
}

bool emu_guid_is(kp_span text)
{
    if (text.len != EMU_GUID_LEN - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = (char)text.ptr[i];
        if (is_dash_at(i) ? c != '-' : !strchr("0123456789abcdefABCDEF", c) || c == 0)
            return false;
    }
    return true;
}
