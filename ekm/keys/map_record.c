#include <string.h>

#include "base/errors.h"
#include "base/span.h"
#include "base/utf8.h"
#include "ekm/keys/key_map.h"

const char *ekm_origin_text(uint32_t origin)
{
    switch (origin) {
#define XX(symbol, number, text)                                                                   \
    case EKM_ORIGIN_##symbol:                                                                      \
        return text;
        EKM_ORIGIN_MAP(XX)
#undef XX
    default:
        return "?";
    }
}

uint32_t ekm_origin_from_text(kp_span text)
{
#define XX(symbol, number, name)                                                                   \
    if (kpb_span_eq_str(text, name))                                                               \
        return EKM_ORIGIN_##symbol;
    EKM_ORIGIN_MAP(XX)
#undef XX
    return EKM_ORIGIN_NONE;
}

/* ---- Vaults ---- */

static bool is_clean(kp_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (kpb_is_control(text.ptr[i]))
            return false;
    }
    return kpb_utf8_is_valid(text);
}

static kp_span skip(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

static bool starts_nocase(kp_span text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && kpb_span_eq_nocase(kpb_span(text.ptr, len), kpb_span_str(prefix));
}

/* The host without what is always the same about its URL. */
static kp_span host_of(kp_span text)
{
    if (starts_nocase(text, "https://"))
        text = skip(text, strlen("https://"));
    while (text.len > 0 && text.ptr[text.len - 1] == '/')
        text.len--;
    if (kpb_span_ends_with_nocase(text, ":443"))
        text.len -= strlen(":443");
    return text;
}

kp_status ekm_vault_text(kp_span vault, char ret[EKM_VAULT_MAX_LEN + 1], struct kp_error *reterr)
{
    bool is_host = !kpb_span_starts_with(vault, "config:") && !kpb_span_starts_with(vault, "file:");
    kp_span text = is_host ? host_of(vault) : vault;

    if (text.len == 0 || text.len > EKM_VAULT_MAX_LEN)
        return kpb_fail(reterr, KP_USAGE, "a vault's name has 1 to %u bytes, this one %zu",
                        EKM_VAULT_MAX_LEN, text.len);
    if (!is_clean(text) || starts_nocase(text, "http:"))
        return kpb_fail(reterr, KP_USAGE,
                        "a vault is a host, https://HOST, config:NAME or file:DIR, in plain text");
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];

        ret[i] = is_host && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret[text.len] = '\0';
    return KP_OK;
}

/* ---- Records ---- */

static void copy_text(char *to, kp_span text)
{
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
}

kp_status ekm_record_init(struct ekm_record *record, kp_span vault, kp_span name, kp_span version,
                          struct kp_error *reterr)
{
    kp_status st;

    memset(record, 0, sizeof *record);
    st = ekm_vault_text(vault, record->vault, reterr);
    if (st != KP_OK)
        return st;
    if (!kpb_is_key_name(name))
        return kpb_fail(reterr, KP_USAGE,
                        "a key name has 1 to %u letters, digits and hyphens, and no others",
                        KP_KEY_NAME_MAX_LEN);
    if (version.len > 0 && !kpb_is_key_version(version))
        return kpb_fail(reterr, KP_USAGE,
                        "a key version has 1 to %u letters, digits and hyphens, and no others",
                        KP_KEY_VERSION_MAX_LEN);
    copy_text(record->name, name);
    copy_text(record->version, version);
    return KP_OK;
}
