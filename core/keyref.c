/*
 * Key references: https://HOST/keys/NAME[/VERSION], VAULT/NAME[/VERSION] and NAME[/VERSION].
 * Pure functions over the caller's text; what they return are views into it.
 */
#include <keyprovider/keyprovider.h>

#include "base/errors.h"
#include "base/span.h"

#define URL_START "https://"
#define HOST_MAX_LEN 253u /* RFC 1035 section 2.3.4 as text, without the final dot */

static kp_status refuse(struct kp_error *err, const char *sentence)
{
    return kpb_fail(err, KP_USAGE, "key reference: %s", sentence);
}

static bool starts_with_nocase(kp_span text, const char *prefix)
{
    kp_span p = kpb_span_str(prefix);

    return text.len >= p.len && kpb_span_eq_nocase(kpb_span(text.ptr, p.len), p);
}

static kp_span skip(kp_span text, size_t n)
{
    return kpb_span(text.ptr + n, text.len - n);
}

/* Cuts text at its first slash. *ret_rest is empty, with ptr NULL, when there is none. */
static kp_span cut_part(kp_span text, kp_span *ret_rest)
{
    const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    size_t len = slash ? (size_t)(slash - text.ptr) : text.len;

    *ret_rest = slash ? skip(text, len + 1) : kpb_span(NULL, 0);
    return kpb_span(text.ptr, len);
}

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_port(kp_span text)
{
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

static bool is_host_name(kp_span text)
{
    if (text.len == 0 || text.len > HOST_MAX_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]) && text.ptr[i] != '-' && text.ptr[i] != '.')
            return false;
    }
    return is_alnum(text.ptr[0]);
}

/* HOST or HOST:PORT. */
static bool is_host(kp_span text)
{
    const uint8_t *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
    size_t len = colon ? (size_t)(colon - text.ptr) : text.len;

    return is_host_name(kpb_span(text.ptr, len)) && (!colon || is_port(skip(text, len + 1)));
}

/* NAME[/VERSION] into ret, whose vault the caller sets. */
static kp_status parse_name(kp_span text, struct kp_key_ref *ret, struct kp_error *err)
{
    kp_span version;
    kp_span name = cut_part(text, &version);

    if (name.len == 0)
        return refuse(err, "the name of the key is missing");
    if (!kpb_is_key_name(name))
        return refuse(err, "a key name has 1 to 127 letters, digits and hyphens");
    if (version.ptr && version.len == 0)
        return refuse(err, "nothing follows the slash after the key name");
    if (version.ptr && !kpb_is_key_version(version))
        return refuse(err, "a version has 1 to 64 letters, digits and hyphens and ends the text");
    ret->name = name;
    ret->version = version;
    return KP_OK;
}

static kp_status parse_url(kp_span text, struct kp_key_ref *ret, struct kp_error *err)
{
    kp_span rest;
    kp_span host = cut_part(skip(text, sizeof URL_START - 1), &rest);
    kp_span collection = cut_part(rest, &rest);

    if (!is_host(host))
        return refuse(err, "what follows https:// is not a host name");
    if (!kpb_span_eq_str(collection, "keys"))
        return refuse(err,
                      "a key URL reads https://HOST/keys/NAME or https://HOST/keys/NAME/VERSION");
    ret->vault = host;
    return parse_name(rest, ret, err);
}

static kp_status parse_named(kp_span text, struct kp_key_ref *ret, struct kp_error *err)
{
    kp_span rest;
    kp_span vault = cut_part(text, &rest);

    if (memchr(text.ptr, ':', text.len))
        return refuse(err, "only https URLs and VAULT/NAME are understood; "
                           "a vault by location goes in a parameter of its own");
    if (!rest.ptr)
        return refuse(err, "it reads VAULT/NAME or VAULT/NAME/VERSION, or is a key URL");
    if (vault.len == 0)
        return refuse(err, "the name of the vault is missing");
    ret->vault = vault;
    return parse_name(rest, ret, err);
}

static kp_status parse_ref(kp_span text, struct kp_key_ref *ret, struct kp_error *err)
{
    if (text.len == 0)
        return refuse(err, "it is empty");
    if (text.len > KP_VAULT_TEXT_MAX_LEN)
        return refuse(err, "it is longer than any key's");
    if (starts_with_nocase(text, URL_START))
        return parse_url(text, ret, err);
    return parse_named(text, ret, err);
}

kp_status kp_key_ref_parse(kp_span text, struct kp_key_ref *ret_ref, struct kp_error *reterr)
{
    struct kp_key_ref ref = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    kp_status st = parse_ref(text, &ref, reterr);

    if (st == KP_OK)
        *ret_ref = ref;
    return st;
}

kp_status kp_key_name_parse(kp_span text, struct kp_key_ref *ret_ref, struct kp_error *reterr)
{
    struct kp_key_ref ref = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    kp_status st = parse_name(text, &ref, reterr);

    if (st == KP_OK)
        *ret_ref = ref;
    return st;
}
