#include "plugins/azure-rest/names.h"

#include "base/encode.h"
#include "base/span.h"

#define LABEL_MAX_LEN 63u /* RFC 1035 section 2.3.4 */
#define HTTPS_PORT 443u
#define N_HYPHENS 4u

static const size_t HYPHEN_AT[N_HYPHENS] = {8, 13, 18, 23};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static kp_span skip(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

/* Bytes before the first c, all of them when there is none. */
static size_t length_before(kp_span text, char c)
{
    const uint8_t *found = text.len ? memchr(text.ptr, c, text.len) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

kp_span azr_trim(kp_span text)
{
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_space(text.ptr[0]))
        text = skip(text, 1);
    return text;
}

static bool is_label(kp_span text)
{
    if (text.len == 0 || text.len > LABEL_MAX_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) && text.ptr[i] != '-')
            return false;
    return text.ptr[0] != '-' && text.ptr[text.len - 1] != '-';
}

bool azr_is_host_name(kp_span text)
{
    if (text.len == 0 || text.len > AZR_HOST_MAX_LEN)
        return false;
    for (;;) {
        size_t n = length_before(text, '.');
        if (!is_label(kpb_span(text.ptr, n)))
            return false;
        if (n == text.len)
            return true;
        text = skip(text, n + 1);
    }
}

static bool is_hyphen_place(size_t i)
{
    for (size_t k = 0; k < N_HYPHENS; k++)
        if (HYPHEN_AT[k] == i)
            return true;
    return false;
}

bool azr_is_guid(kp_span text)
{
    if (text.len != AZR_GUID_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (is_hyphen_place(i) ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
            return false;
    return true;
}

bool azr_is_tenant(kp_span text)
{
    return azr_is_guid(text) || (azr_is_host_name(text) && length_before(text, '.') < text.len);
}

bool azr_host_is_below(kp_span host, kp_span suffix)
{
    if (suffix.len == 0 || host.len < suffix.len + 2)
        return false;
    size_t before = host.len - suffix.len;
    return host.ptr[before - 1] == '.' && kpb_span_eq_nocase(skip(host, before), suffix);
}

bool azr_host_is_under(kp_span host, kp_span suffix)
{
    return azr_host_is_below(host, suffix) || (suffix.len > 0 && kpb_span_eq_nocase(host, suffix));
}

static bool parse_port(kp_span text, uint32_t *ret)
{
    uint32_t port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
        port = port * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    if (port == 0 || port > 65535)
        return false;
    *ret = port;
    return true;
}

bool azr_host_port_parse(kp_span text, struct azr_host_port *ret)
{
    struct azr_host_port at = {.port = HTTPS_PORT};
    size_t n = length_before(text, ':');
    at.host = kpb_span(text.ptr, n);
    if (!azr_is_host_name(at.host))
        return false;
    if (n < text.len && !parse_port(skip(text, n + 1), &at.port))
        return false;
    *ret = at;
    return true;
}

/* What a path of ours may hold; "?" and "#" end a path, "\" is a slash to some readers. */
static bool is_path(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '?' || c == '#' || c == '\\')
            return false;
    }
    return true;
}

bool azr_https_url_parse(kp_span text, struct azr_url *ret)
{
    const kp_span scheme = kpb_span_str("https://");
    struct azr_url url;
    if (text.len <= scheme.len || !kpb_span_eq_nocase(kpb_span(text.ptr, scheme.len), scheme))
        return false;
    kp_span rest = skip(text, scheme.len);
    size_t n = length_before(rest, '/');
    url.path = skip(rest, n);
    if (!azr_host_port_parse(kpb_span(rest.ptr, n), &url.at) || !is_path(url.path))
        return false;
    *ret = url;
    return true;
}

static void write_guid(const uint8_t bytes[16], char out[AZR_GUID_LEN + 1u])
{
    char digits[33];
    size_t from = 0;
    kpb_hex_encode(kpb_span(bytes, 16), digits);
    for (size_t i = 0; i < AZR_GUID_LEN; i++)
        out[i] = is_hyphen_place(i) ? '-' : digits[from++];
    out[AZR_GUID_LEN] = '\0';
}

bool azr_guid_normalise(kp_span text, char out[AZR_GUID_LEN + 1u])
{
    uint8_t digits[32];
    uint8_t bytes[16];
    size_t n = 0;
    if (text.len != sizeof digits && !azr_is_guid(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.len == sizeof digits || !is_hyphen_place(i))
            digits[n++] = text.ptr[i];
    if (kpb_hex_decode(kpb_span(digits, n), bytes, sizeof bytes) != KP_OK)
        return false;
    write_guid(bytes, out);
    return true;
}
