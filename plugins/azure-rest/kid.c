#include "plugins/azure-rest/kid.h"

#include "base/span.h"

#define HTTPS "https://"
#define DEFAULT_PORT ":443"

bool azr_cut_authority(kp_span url, kp_span *ret_authority, kp_span *ret_rest)
{
    const size_t from = sizeof HTTPS - 1;
    if (!kpb_span_starts_with(url, HTTPS))
        return false;
    for (size_t i = from; i < url.len; i++) {
        if (url.ptr[i] != '/')
            continue;
        *ret_authority = kpb_span(url.ptr + from, i - from);
        *ret_rest = kpb_span(url.ptr + i, url.len - i);
        return i > from;
    }
    return false;
}

static kp_span without_default_port(kp_span authority)
{
    if (kpb_span_ends_with_nocase(authority, DEFAULT_PORT))
        authority.len -= sizeof DEFAULT_PORT - 1;
    return authority;
}

bool azr_is_authority_of(const char *base, kp_span authority)
{
    kp_span ours = kpb_span_str(base);
    if (!kpb_span_starts_with(ours, HTTPS))
        return false;
    ours = kpb_span(ours.ptr + sizeof HTTPS - 1, ours.len - (sizeof HTTPS - 1));
    return kpb_span_eq_nocase(without_default_port(ours), without_default_port(authority));
}

/* Behind a slash: cuts off what stands before the next one, which stays. */
static kp_span cut_segment(kp_span *rest)
{
    size_t n = 1;
    if (rest->len == 0)
        return *rest;
    while (n < rest->len && rest->ptr[n] != '/')
        n++;
    kp_span segment = kpb_span(rest->ptr + 1, n - 1);
    *rest = kpb_span(rest->ptr + n, rest->len - n);
    return segment;
}

static bool is_folder(kp_span text)
{
    return kpb_span_eq_nocase(text, kpb_span_str("keys")) ||
           kpb_span_eq_nocase(text, kpb_span_str("deletedkeys"));
}

bool azr_kid_parse(kp_span text, struct azr_kid *ret)
{
    struct azr_kid kid;
    kp_span rest;
    if (!azr_cut_authority(text, &kid.authority, &rest) || !is_folder(cut_segment(&rest)))
        return false;
    kid.name = cut_segment(&rest);
    bool has_version = rest.len > 0;
    kid.version = cut_segment(&rest);
    if (rest.len > 0 || !kpb_is_key_name(kid.name) ||
        (has_version && !kpb_is_key_version(kid.version)))
        return false;
    *ret = kid;
    return true;
}
