#include "tools/kp-emulator/release_policy.h"

#include <string.h>

#include "base/encode.h"
#include "base/errors.h"
#include "base/span.h"
#include "tools/kp-emulator/failure.h"

#define SITE "emulator.policy"
#define POLICY_MAX_LEN 65536u
#define DEPTH_MAX 8
#define PATH_MAX_LEN 256u

/* ---- Noting ---- */

static json_t *decode_policy(const json_t *policy)
{
    kp_buf text;
    json_t *parsed = NULL;
    kp_buf_init(&text, SITE, POLICY_MAX_LEN);
    if (emu_json_bytes(json_object_get(policy, "data"), &text) == KP_OK)
        parsed = emu_json_parse(kp_buf_view(&text));
    kp_buf_clear(&text);
    return parsed;
}

/* The policy as it is kept: its JSON written anew, as the service does. NULL: it is none. */
static json_t *normal_policy(const struct emu_exchange *x, const json_t *policy)
{
    kp_buf text;
    json_t *parsed = decode_policy(policy);
    json_t *result = NULL;
    kp_span type = emu_json_member(policy, "contentType");
    kp_span version = emu_json_member(parsed, "version");
    bool is_versioned = emu_is_hsm(x->vault) ? kpb_span_eq_str(version, "1.0.0") : version.len > 0;
    kp_buf_init(&text, SITE, POLICY_MAX_LEN);
    if (parsed && is_versioned && emu_json_write(parsed, &text) == KP_OK)
        result = json_pack("{s:o,s:o,s:b}", "contentType",
                           type.len > 0 ? emu_json_string(type)
                                        : json_string("application/json; charset=utf-8"),
                           "data", emu_json_base64url(kp_buf_view(&text)), "immutable",
                           json_is_true(json_object_get(policy, "immutable")));
    kp_buf_clear(&text);
    json_decref(parsed);
    return result;
}

static bool note_policy(struct emu_exchange *x, const json_t *policy, const json_t *old)
{
    const json_t *before = json_object_get(old, "release_policy");
    if (json_is_true(json_object_get(before, "immutable"))) {
        emu_fail_parameter(x, "AKV.SKR.1020: the release policy is immutable");
        return false;
    }
    json_t *normal = normal_policy(x, policy);
    if (!normal || json_object_set_new(x->facts, "release_policy", normal) != 0) {
        emu_fail_parameter(x, "release_policy is none; its version must be 1.0.0");
        return false;
    }
    return true;
}

static bool check_pair(struct emu_exchange *x, bool exportable, bool has_policy)
{
    bool is_hsm_key = json_is_true(json_object_get(x->facts, "hsm"));
    if (exportable && !has_policy)
        emu_fail_parameter(x, "AKV.SKR.1004: an exportable key must have a release policy");
    else if (exportable && !is_hsm_key)
        emu_fail_parameter(x, "AKV.SKR: only a key of an HSM kind can be exportable");
    else if (!exportable && has_policy)
        emu_fail_parameter(x, "AKV.SKR: a key with a release policy must be exportable");
    else
        return true;
    return false;
}

bool emu_release_policy_note(struct emu_exchange *x, const json_t *old)
{
    const json_t *policy = json_object_get(x->body, "release_policy");
    bool exportable =
        json_is_true(json_object_get(json_object_get(x->body, "attributes"), "exportable"));
    bool has_policy = policy && !json_is_null(policy);
    if (has_policy && !note_policy(x, policy, old))
        return false;
    if (old)
        return true;
    if (exportable)
        (void)json_object_set_new(x->facts, "exportable", json_true());
    return check_pair(x, exportable, has_policy);
}

/* ---- Deciding ---- */

/* A claim by its name, or by a path of names split by dots. */
static const json_t *find_claim(const json_t *claims, kp_span path)
{
    char name[PATH_MAX_LEN];
    const json_t *value = NULL;
    if (path.len == 0 || path.len >= sizeof name)
        return NULL;
    memcpy(name, path.ptr, path.len);
    name[path.len] = 0;
    value = json_object_get(claims, name);
    for (char *dot = strchr(name, '.'); !value && dot; dot = strchr(dot + 1, '.')) {
        *dot = 0;
        const json_t *outer = json_object_get(claims, name);
        *dot = '.';
        if (json_is_object(outer))
            return find_claim(outer, kpb_span_str(dot + 1)); /* shorter at each step */
    }
    return value;
}

/* Booleans and numbers of a claim equal their text, as policies write them. */
static bool equals(const json_t *claim, const json_t *wanted)
{
    kp_span text = emu_json_text(wanted);
    if (json_equal(claim, wanted))
        return true;
    if (json_is_boolean(claim))
        return kpb_span_eq_nocase(text, kpb_span_str(json_is_true(claim) ? "true" : "false"));
    return false;
}

static bool condition_holds(const json_t *condition, const json_t *claims, int depth);

static bool list_holds(const json_t *list, const json_t *claims, bool all, int depth)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (condition_holds(json_array_get(list, i), claims, depth) != all)
            return !all;
    }
    return all && json_array_size(list) > 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX ends it */
static bool condition_holds(const json_t *condition, const json_t *claims, int depth)
{
    const json_t *all = json_object_get(condition, "allOf");
    const json_t *any = json_object_get(condition, "anyOf");
    if (depth == DEPTH_MAX)
        return false;
    if (all || any)
        return (!all || list_holds(all, claims, true, depth + 1)) &&
               (!any || list_holds(any, claims, false, depth + 1));
    const json_t *claim = find_claim(claims, emu_json_member(condition, "claim"));
    return claim && equals(claim, json_object_get(condition, "equals"));
}

static kp_span without_slash(kp_span url)
{
    if (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    return url;
}

bool emu_release_policy_holds(const json_t *policy, kp_span authority, const json_t *claims)
{
    const json_t *any = json_object_get(policy, "anyOf");
    for (size_t i = 0; i < json_array_size(any); i++) {
        const json_t *item = json_array_get(any, i);
        kp_span wanted = without_slash(emu_json_member(item, "authority"));
        if (wanted.len > 0 && kpb_span_eq(wanted, without_slash(authority)) &&
            condition_holds(item, claims, 0))
            return true;
    }
    return false;
}
