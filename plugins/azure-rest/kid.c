#include "plugins/azure-rest/kid.h"

#include "base/span.h"

#define HTTPS "https://"

/* Cuts off what stands before the next slash, and the slash. */
static kp_span cut_segment(kp_span *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != '/')
        n++;
    kp_span segment = kpb_span(rest->ptr, n);
    size_t used = n < rest->len ? n + 1 : n;
    *rest = kpb_span(rest->ptr + used, rest->len - used);
    return segment;
}

bool azr_kid_parse(kp_span text, struct azr_kid *ret)
{
    if (!kpb_span_starts_with(text, HTTPS))
        return false;
    kp_span rest = kpb_span(text.ptr + strlen(HTTPS), text.len - strlen(HTTPS));
    kp_span host = cut_segment(&rest);
    kp_span folder = cut_segment(&rest);
    struct azr_kid kid;
    kid.name = cut_segment(&rest);
    kid.version = cut_segment(&rest);
    bool is_keys = kpb_span_eq_nocase(folder, kpb_span_str("keys")) ||
                   kpb_span_eq_nocase(folder, kpb_span_str("deletedkeys"));
    if (host.len == 0 || !is_keys || rest.len > 0 || !kpb_is_key_name(kid.name) ||
        (kid.version.len > 0 && !kpb_is_key_version(kid.version)))
        return false;
    *ret = kid;
    return true;
}
