#include "ekm/keys/thumb.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/mem.h"
#include "base/span.h"
#include "crypto/hash.h"

#define MODULUS_MAX_LEN 512u
#define EXPONENT_MAX_LEN 64u
#define DER_MAX_LEN (MODULUS_MAX_LEN + EXPONENT_MAX_LEN + 64u)

#define BITS_PER_CHARACTER 6u
#define FIRST_LOWER 1u
#define FIRST_UPPER 27u
#define FIRST_DIGIT 53u
#define HYPHEN 63u

/* ---- Schemes ---- */

const char *ekm_scheme_text(uint32_t scheme)
{
    switch (scheme) {
#define XX(symbol, number, text)                                                                   \
    case EKM_SCHEME_##symbol:                                                                      \
        return text;
        EKM_SCHEME_MAP(XX)
#undef XX
    default:
        return "?";
    }
}

uint32_t ekm_scheme_from_text(kp_span text)
{
#define XX(symbol, number, name)                                                                   \
    if (kpb_span_eq_str(text, name))                                                               \
        return EKM_SCHEME_##symbol;
    EKM_SCHEME_MAP(XX)
#undef XX
    return EKM_SCHEME_NONE;
}

kp_status ekm_thumb_from_bytes(kp_span bytes, struct ekm_thumb *ret, struct kp_error *reterr)
{
    if (bytes.len == 0 || bytes.len > EKM_THUMB_MAX_LEN)
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_scp_err_InvalidArgument,
                             "a thumbprint has 1 to %u bytes, this one %zu", EKM_THUMB_MAX_LEN,
                             bytes.len);
    memset(ret, 0, sizeof *ret);
    memcpy(ret->bytes, bytes.ptr, bytes.len);
    ret->len = (uint32_t)bytes.len;
    return KP_OK;
}

/* ---- Ours ---- */

/*
 * DER written from its end to its beginning, so that every length is known when its turn comes:
 *
 *     SEQUENCE {
 *         SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
 *         BIT STRING { SEQUENCE { INTEGER n, INTEGER e } }
 *     }
 */
struct der {
    uint8_t bytes[DER_MAX_LEN];
    size_t at; /* what is written begins here */
};

#define DER_INTEGER 0x02u
#define DER_BIT_STRING 0x03u
#define DER_SEQUENCE 0x30u

static const uint8_t RSA_ENCRYPTION[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                         0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static void put_byte(struct der *d, size_t byte)
{
    d->bytes[--d->at] = (uint8_t)byte;
}

static void put_bytes(struct der *d, kp_span bytes)
{
    d->at -= bytes.len;
    memcpy(d->bytes + d->at, bytes.ptr, bytes.len);
}

/* Puts tag and length before what has been written since the content ended at end. */
static void put_head(struct der *d, uint8_t tag, size_t end)
{
    size_t len = end - d->at;

    put_byte(d, len & 0xffu);
    if (len > 0xff)
        put_byte(d, len >> 8);
    if (len > 0x7f)
        put_byte(d, len > 0xff ? 0x82u : 0x81u);
    put_byte(d, tag);
}

/* A positive integer: one zero byte more where its highest bit would say negative. */
static void put_integer(struct der *d, kp_span integer)
{
    size_t end = d->at;

    put_bytes(d, integer);
    if (integer.ptr[0] & 0x80u)
        put_byte(d, 0);
    put_head(d, DER_INTEGER, end);
}

static kp_span encode_public_key(struct der *d, kp_span n, kp_span e)
{
    d->at = sizeof d->bytes;
    put_integer(d, e);
    put_integer(d, n);
    put_head(d, DER_SEQUENCE, sizeof d->bytes);
    put_byte(d, 0); /* no unused bits */
    put_head(d, DER_BIT_STRING, sizeof d->bytes);
    put_bytes(d, kpb_span(RSA_ENCRYPTION, sizeof RSA_ENCRYPTION));
    put_head(d, DER_SEQUENCE, sizeof d->bytes);
    return kpb_span(d->bytes + d->at, sizeof d->bytes - d->at);
}

static kp_span without_leading_zeros(kp_span integer)
{
    while (integer.len > 0 && integer.ptr[0] == 0) {
        integer.ptr++;
        integer.len--;
    }
    return integer;
}

kp_status ekm_thumb_of_key(kp_span n, kp_span e, struct ekm_thumb *ret, struct kp_error *reterr)
{
    struct der der;
    uint8_t digest[KPC_SHA256_LEN];
    kp_status st;

    n = without_leading_zeros(n);
    e = without_leading_zeros(e);
    if (n.len == 0 || n.len > MODULUS_MAX_LEN || e.len == 0 || e.len > EXPONENT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE,
                        "an RSA key has a modulus of 1 to %u bytes and an exponent of 1 to %u, "
                        "not %zu and %zu",
                        MODULUS_MAX_LEN, EXPONENT_MAX_LEN, n.len, e.len);
    st = kpc_sha256(encode_public_key(&der, n, e), digest, reterr);
    return st == KP_OK ? ekm_thumb_from_bytes(kpb_span(digest, EKM_THUMB_LEN), ret, reterr) : st;
}

/* ---- Names ---- */

/* 1..63, 0 for a character that has no number. */
static uint32_t number_of(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return FIRST_LOWER + c - 'a';
    if (c >= 'A' && c <= 'Z')
        return FIRST_UPPER + c - 'A';
    if (c >= '0' && c <= '9')
        return FIRST_DIGIT + c - '0';
    return c == '-' ? HYPHEN : 0;
}

static char character_of(uint32_t number)
{
    if (number == HYPHEN)
        return '-';
    if (number >= FIRST_DIGIT)
        return (char)('0' + (number - FIRST_DIGIT));
    if (number >= FIRST_UPPER)
        return (char)('A' + (number - FIRST_UPPER));
    return (char)('a' + (number - FIRST_LOWER));
}

/* Puts six bits at place i, counted from the highest bit of the first byte. */
static void put_six(uint8_t *bytes, size_t i, uint32_t six)
{
    size_t bit = i * BITS_PER_CHARACTER;
    uint32_t shifted = six << (16u - BITS_PER_CHARACTER - bit % 8);

    bytes[bit / 8] |= (uint8_t)(shifted >> 8);
    if (shifted & 0xffu)
        bytes[bit / 8 + 1] |= (uint8_t)shifted;
}

static uint32_t get_six(const struct ekm_thumb *thumb, size_t i)
{
    size_t bit = i * BITS_PER_CHARACTER;
    uint32_t two = (uint32_t)thumb->bytes[bit / 8] << 8;

    if (bit / 8 + 1 < thumb->len)
        two |= thumb->bytes[bit / 8 + 1];
    return two >> (16u - BITS_PER_CHARACTER - bit % 8) & 0x3fu;
}

static kp_status refuse_character(kp_span name, size_t i, struct kp_error *reterr)
{
    return kpb_fail_code(reterr, KP_USAGE, KP_CODE_scp_err_ConvertKeyNameToThumbprint,
                         "character %zu of the key name (byte 0x%02x) is no letter, digit or "
                         "hyphen, so a thumbprint cannot carry it",
                         i + 1, name.ptr[i]);
}

kp_status ekm_thumb_of_name(kp_span name, struct ekm_thumb *ret, struct kp_error *reterr)
{
    struct ekm_thumb thumb = {0, {0}};

    if (name.len == 0 || name.len > EKM_THUMB_NAME_MAX_LEN)
        return kpb_fail_code(reterr, KP_USAGE, KP_CODE_scp_err_KeyNameDoesNotFitThumbprint,
                             "the key name has %zu characters; 1 to %u fit into a name thumbprint",
                             name.len, EKM_THUMB_NAME_MAX_LEN);
    for (size_t i = 0; i < name.len; i++) {
        uint32_t six = number_of(name.ptr[i]);

        if (six == 0)
            return refuse_character(name, i, reterr);
        put_six(thumb.bytes, i, six);
    }
    thumb.len = (uint32_t)((name.len * BITS_PER_CHARACTER + 7) / 8);
    *ret = thumb;
    return KP_OK;
}

static size_t read_name(const struct ekm_thumb *thumb, char ret_name[EKM_THUMB_NAME_MAX_LEN + 1])
{
    size_t room = thumb->len * 8u / BITS_PER_CHARACTER;
    size_t n = 0;

    while (n < room && n < EKM_THUMB_NAME_MAX_LEN && get_six(thumb, n) != 0) {
        ret_name[n] = character_of(get_six(thumb, n));
        n++;
    }
    ret_name[n] = '\0';
    return n;
}

kp_status ekm_thumb_to_name(const struct ekm_thumb *thumb,
                            char ret_name[EKM_THUMB_NAME_MAX_LEN + 1], struct kp_error *reterr)
{
    char name[EKM_THUMB_NAME_MAX_LEN + 1];
    struct ekm_thumb again;
    size_t n = thumb->len <= EKM_THUMB_LEN ? read_name(thumb, name) : 0;

    /* Written again it must be the same: so stray bits and a wrong length are noticed. */
    if (n == 0 || ekm_thumb_of_name(kpb_span(name, n), &again, NULL) != KP_OK ||
        !ekm_thumb_eq(thumb, &again))
        return kpb_fail_code(reterr, KP_INTEGRITY, KP_CODE_scp_err_ConvertThumbprintToKeyName,
                             "the thumbprint of %u bytes encodes no key name", thumb->len);
    memcpy(ret_name, name, n + 1);
    return KP_OK;
}

/* ---- Comparing and writing ---- */

bool ekm_thumb_eq(const struct ekm_thumb *a, const struct ekm_thumb *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

int ekm_thumb_compare(const struct ekm_thumb *a, const struct ekm_thumb *b)
{
    int order = memcmp(a->bytes, b->bytes, a->len < b->len ? a->len : b->len);

    if (order != 0)
        return order;
    return a->len < b->len ? -1 : a->len > b->len;
}

void ekm_thumb_format(const struct ekm_thumb *thumb, char out[EKM_THUMB_HEX_LEN])
{
    out[0] = '0';
    out[1] = 'x';
    kpb_hex_encode(kpb_span(thumb->bytes, thumb->len), out + 2);
    for (char *c = out + 2; *c; c++) {
        if (*c >= 'a')
            *c = (char)(*c - 'a' + 'A');
    }
}

kp_status ekm_thumb_parse(kp_span text, struct ekm_thumb *ret, struct kp_error *reterr)
{
    struct ekm_thumb thumb = {0, {0}};

    if (kpb_span_starts_with(text, "0x") || kpb_span_starts_with(text, "0X"))
        text = kpb_span(text.ptr + 2, text.len - 2);
    if (text.len == 0 || text.len > 2 * EKM_THUMB_MAX_LEN ||
        kpb_hex_decode(text, thumb.bytes, text.len / 2) != KP_OK)
        return kpb_fail(reterr, KP_USAGE,
                        "a thumbprint is 1 to %u bytes in hex, such as 0x2C5677D76F76D77F80",
                        EKM_THUMB_MAX_LEN);
    thumb.len = (uint32_t)(text.len / 2);
    *ret = thumb;
    return KP_OK;
}
