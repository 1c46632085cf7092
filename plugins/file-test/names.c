#include "plugins/file-test/names.h"

#include <string.h>

#include "base/encode.h"
#include "base/span.h"

#define KEY_PREFIX "key-"
#define KEY_SUFFIX ".json"
#define MASK_DIGITS ((KP_KEY_NAME_MAX_LEN + 3u) / 4u)

static const char HEX_DIGITS[] = "0123456789abcdef";

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char to_lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* Writes the mask without leading zeros, nothing for a name in lower case; returns the end. */
static char *write_mask(kp_span name, char *out)
{
    uint8_t digits[MASK_DIGITS] = {0};
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_upper((char)name.ptr[i]))
            continue;
        digits[i / 4] |= (uint8_t)(1u << (i % 4));
        n = i / 4 + 1;
    }
    if (n > 0)
        *out++ = '.';
    while (n > 0)
        *out++ = HEX_DIGITS[digits[--n]];
    return out;
}

kp_status ft_name_encode(kp_span name, char out[FT_FILE_NAME_LEN])
{
    if (!kpb_is_key_name(name))
        return KP_USAGE;
    char *p = out;
    memcpy(p, KEY_PREFIX, strlen(KEY_PREFIX));
    p += strlen(KEY_PREFIX);
    for (size_t i = 0; i < name.len; i++)
        *p++ = to_lower((char)name.ptr[i]);
    p = write_mask(name, p);
    memcpy(p, KEY_SUFFIX, strlen(KEY_SUFFIX) + 1);
    return KP_OK;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Raises the letters whose bits are set in the mask's digits. */
static void apply_mask(const char *mask, size_t n_digits, char *name, size_t name_len)
{
    for (size_t i = 0; i < name_len; i++) {
        if (i / 4 >= n_digits || name[i] < 'a' || name[i] > 'z')
            continue;
        const char *digit = strchr(HEX_DIGITS, mask[n_digits - 1 - i / 4]);
        if (digit && ((size_t)(digit - HEX_DIGITS) >> (i % 4)) & 1u)
            name[i] = (char)(name[i] - 'a' + 'A');
    }
}

/* Decodes loosely; what does not encode back to the same file name is none of ours. */
bool ft_name_decode(const char *file, char out[KP_KEY_NAME_MAX_LEN + 1])
{
    size_t len = strlen(file);
    if (len >= FT_FILE_NAME_LEN || !starts_with(file, KEY_PREFIX) || len < strlen(KEY_SUFFIX))
        return false;
    const char *start = file + strlen(KEY_PREFIX);
    const char *end = strchr(start, '.');
    if (!end || end == start || (size_t)(end - start) > KP_KEY_NAME_MAX_LEN)
        return false;
    char name[KP_KEY_NAME_MAX_LEN + 1] = {0};
    size_t name_len = (size_t)(end - start);
    memcpy(name, start, name_len);
    const char *suffix = file + len - strlen(KEY_SUFFIX);
    if (suffix > end)
        apply_mask(end + 1, (size_t)(suffix - end) - 1, name, name_len);
    char again[FT_FILE_NAME_LEN];
    if (ft_name_encode(kpb_span(name, name_len), again) != KP_OK || strcmp(again, file) != 0)
        return false;
    memcpy(out, name, name_len + 1);
    return true;
}

void ft_name_temp(const uint8_t random[FT_TEMP_RANDOM_LEN], char out[FT_FILE_NAME_LEN])
{
    memcpy(out, FT_TEMP_PREFIX, strlen(FT_TEMP_PREFIX));
    kpb_hex_encode(kpb_span(random, FT_TEMP_RANDOM_LEN), out + strlen(FT_TEMP_PREFIX));
}

bool ft_name_is_temp(const char *file)
{
    size_t prefix = strlen(FT_TEMP_PREFIX);
    return starts_with(file, FT_TEMP_PREFIX) && strlen(file) == prefix + 2 * FT_TEMP_RANDOM_LEN &&
           strspn(file + prefix, HEX_DIGITS) == (size_t)2 * FT_TEMP_RANDOM_LEN;
}
