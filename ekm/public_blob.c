#include "ekm/public_blob.h"

#include <string.h>

#define HEADER_LEN 24u
#define MAGIC_RSA1 0x31415352u /* "RSA1" */

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

size_t ekm_public_blob(kp_span n, kp_span e, uint32_t bits, uint8_t out[EKM_BLOB_MAX_LEN])
{
    if (n.len == 0 || e.len == 0 || n.len > EKM_BLOB_MAX_LEN || e.len > EKM_BLOB_MAX_LEN ||
        HEADER_LEN + n.len + e.len > EKM_BLOB_MAX_LEN)
        return 0;
    put_u32(out, MAGIC_RSA1);
    put_u32(out + 4, bits);
    put_u32(out + 8, (uint32_t)e.len);
    put_u32(out + 12, (uint32_t)n.len);
    put_u32(out + 16, 0); /* primes: a private key's */
    put_u32(out + 20, 0);
    memcpy(out + HEADER_LEN, e.ptr, e.len);
    memcpy(out + HEADER_LEN + e.len, n.ptr, n.len);
    return HEADER_LEN + n.len + e.len;
}
